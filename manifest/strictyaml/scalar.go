package strictyaml

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"gopkg.in/yaml.v3"
)

// base60 matches what YAML 1.1 readers take for a number to base 60.
var base60 = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)
})

// oldScalar reports whether YAML 1.1 readers take a plain scalar for a boolean or for a
// number to base 60.
func oldScalar(s string) bool {
	for _, word := range [...]string{"y", "yes", "n", "no", "on", "off"} {
		if strings.EqualFold(s, word) {
			return true
		}
	}
	return s != "" && strings.Contains("+-0123456789", s[:1]) && base60().MatchString(s)
}

// textFault says why the scalar n is not a text, or "".
func textFault(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return "want a text, got " + describe(n)
	}
	if n.Style&^yaml.TaggedStyle != 0 { // quoted or a block
		return ""
	}
	if n.ShortTag() != "!!str" || oldScalar(n.Value) {
		if n.Value == "" || n.ShortTag() == "!!null" {
			return "want a text, got " + describe(n)
		}
		return fmt.Sprintf("want a text, got %s, which some readers take for something else: put it in quotes", clip(n.Value))
	}
	return ""
}

// wholeNumber reports whether s is the one spelling of a whole number.
func wholeNumber(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return s == "0" || digits != "" && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// plainInt returns the value of n as a number of the given bits.
func plainInt(n *yaml.Node, bits int) (int64, string) {
	if n.Kind != yaml.ScalarNode || n.Style != 0 || !wholeNumber(n.Value) {
		return 0, "want a whole number, got " + describe(n)
	}
	v, err := strconv.ParseInt(n.Value, 10, bits)
	if err != nil {
		return 0, fmt.Sprintf("want a whole number of at most %d bits, got %s", bits, clip(n.Value))
	}
	return v, ""
}

// plainUint is plainInt for numbers without a sign.
func plainUint(n *yaml.Node, bits int) (uint64, string) {
	if n.Kind != yaml.ScalarNode || n.Style != 0 || !wholeNumber(n.Value) {
		return 0, "want a whole number, got " + describe(n)
	}
	v, err := strconv.ParseUint(n.Value, 10, bits)
	if err != nil {
		return 0, fmt.Sprintf("want a whole number from 0 up, of at most %d bits, got %s", bits, clip(n.Value))
	}
	return v, ""
}

// plainBool returns the value of n as a boolean.
func plainBool(n *yaml.Node) (bool, string) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 {
		switch n.Value {
		case "true":
			return true, ""
		case "false":
			return false, ""
		}
	}
	return false, "want true or false, got " + describe(n)
}

// describe names what n is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch {
	case n.Style&^yaml.TaggedStyle != 0:
		return fmt.Sprintf("the text %q", clip(n.Value))
	case n.Value == "":
		return "nothing"
	}
	return clip(n.Value)
}

// clip cuts long texts and cleans them, for messages.
func clip(s string) string {
	const most = 60
	count := 0
	for i := range s {
		if count == most {
			return clean(s[:i]) + "..."
		}
		count++
	}
	return clean(s)
}

// clean replaces what a terminal would act on.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
