package settings

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The functions of this file find places in the bytes of a settings file by looking
// at lines and quotes only. They know the layouts people write; what they make of any
// other is caught by the proof in Set and AppendList.

// findKey returns the place behind the colon of a top-level key at the start of a
// line.
func findKey(data []byte, key string) (at int, found bool) {
	for at := 0; at < len(data); at = nextLine(data, at) {
		if n := keyLength(data[at:], key); n > 0 {
			return at + n, true
		}
	}
	return 0, false
}

// keyLength is the length of `key:`, `"key":` or `'key':` at the start of text, 0 if
// neither stands there.
func keyLength(text []byte, key string) int {
	for _, form := range []string{key, `"` + key + `"`, `'` + key + `'`} {
		rest, ok := bytes.CutPrefix(text, []byte(form))
		if !ok {
			continue
		}
		blanks := len(rest) - len(bytes.TrimLeft(rest, " "))
		if n := len(form) + blanks; n < len(text) && text[n] == ':' {
			if n+1 == len(text) || bytes.IndexByte([]byte(" \t\r\n"), text[n+1]) >= 0 {
				return n + 1
			}
		}
	}
	return 0
}

// valueStart returns where the value of a key begins whose colon is before at: in the
// same line, or in one below; at itself when there is none.
func valueStart(data []byte, at int) int {
	start := skipBlank(data, at)
	if start == len(data) {
		return at
	}
	sameLine := bytes.IndexByte(data[at:start], '\n') < 0
	indented := start > 0 && data[start-1] == ' '
	dash := data[start] == '-' && start+1 < len(data) && data[start+1] == ' '
	if sameLine || indented || dash {
		return start
	}
	return at
}

// skipBlank passes blanks, line ends and comments.
func skipBlank(data []byte, at int) int {
	for at < len(data) {
		switch c := data[at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			at++
		case c == '#' && (at == 0 || bytes.IndexByte([]byte(" \t\r\n"), data[at-1]) >= 0):
			at = nextLine(data, at)
		default:
			return at
		}
	}
	return at
}

// scalarEnd returns the end of the scalar that begins at start, -1 for one that is
// not quoted or plain in a single line. In a flow list a plain one ends at `,` or `]`.
func scalarEnd(data []byte, start int, flow bool) int {
	if start == len(data) {
		return start
	}
	switch data[start] {
	case '"':
		for i := start + 1; i < len(data); i++ {
			switch data[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return -1
	case '\'':
		for i := start + 1; i < len(data); i++ {
			if data[i] != '\'' {
				continue
			}
			if i+1 == len(data) || data[i+1] != '\'' {
				return i + 1
			}
			i++
		}
		return -1
	case '|', '>', '[', '{', '&', '*', '!':
		return -1
	}
	end := start
	for i := start; i < len(data); i++ {
		c := data[i]
		if c == '\n' || c == '\r' || flow && (c == ',' || c == ']') ||
			c == '#' && i > start && (data[i-1] == ' ' || data[i-1] == '\t') {
			break
		}
		if c != ' ' && c != '\t' {
			end = i + 1
		}
	}
	return end
}

// lineStart returns the start of the line that holds at.
func lineStart(data []byte, at int) int {
	return bytes.LastIndexByte(data[:at], '\n') + 1
}

// nextLine returns the start of the line after the one that holds at.
func nextLine(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(data)
}

// lineEnd is the line end of the text's first line.
func lineEnd(data []byte) string {
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// splice returns a copy of data with [start, end) replaced by text.
func splice(data []byte, start, end int, text string) []byte {
	return slices.Concat(data[:start], []byte(text), data[end:])
}

// scalar renders a value as people would write it: bare where YAML cannot take it for
// anything but a text, else in double quotes.
func scalar(s string) (string, error) {
	const bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@%+~"
	letterFirst := s != "" && strings.Trim(s[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/") == ""
	if letterFirst && strings.Trim(s, bare) == "" && !strings.HasSuffix(s, ":") && !isYAMLWord(s) {
		return s, nil
	}
	return quoted(s)
}

// isYAMLWord says whether some version of YAML reads a bare word as a truth value or
// as nothing.
func isYAMLWord(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return true
	}
	return false
}

// quoted renders a value in double quotes. A text that is not UTF-8 is an error: YAML
// has no way to write it.
func quoted(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("want UTF-8, got %q", s)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x100 && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}
