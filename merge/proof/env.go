package proof

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

var envName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`) })

// readEnvOrScript reads an env file, or else the assignments of a script.
func readEnvOrScript(data []byte) (*node, error) {
	if top, err := readEnv(data); err == nil {
		return top, nil
	}
	return readScript(data)
}

// readEnv reads KEY=VALUE lines, with or without "export". A value that begins with
// a quote goes on, over lines, to the same quote. Nothing is expanded. Any other
// line that is neither empty nor a comment makes the text a script, and no env file.
func readEnv(data []byte) (*node, error) {
	top := block("")
	text := string(data)
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		l := strings.TrimSpace(text[at:end])
		if l == "" || l[0] == '#' {
			at = end + 1
			continue
		}
		key, value, found := strings.Cut(strings.TrimPrefix(l, "export "), "=")
		if key = strings.TrimSpace(key); !found || !envName().MatchString(key) {
			return nil, fmt.Errorf("line %d: no KEY=VALUE", 1+strings.Count(text[:at], "\n"))
		}
		value = strings.TrimSpace(value)
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			start := at + strings.IndexByte(text[at:end], '=') + 1
			start += strings.IndexByte(text[start:end], value[0])
			quote := closingQuote(text[start:])
			if quote < 0 {
				return nil, fmt.Errorf("line %d: a quote that does not end", 1+strings.Count(text[:at], "\n"))
			}
			end = lineEnd(text, start+quote) // what follows the quote belongs to the value
			value = strings.TrimSpace(strings.ReplaceAll(text[start:end], "\r\n", "\n"))
		}
		top.add(leaf(key, value))
		at = end + 1
	}
	return top, nil
}

// lineEnd returns where the line that at lies in ends: at its LF or the end of text.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(text)
}

// closingQuote returns where the quote that s begins with ends, -1 if it does not.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0]:
			return i
		}
	}
	return -1
}

var shellAssignment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:export[ \t]+|readonly[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)
})

// readScript reads the assignments that begin a line of a shell script. What else a
// script does is not known here.
func readScript(data []byte) (*node, error) {
	top := block("")
	for l := range strings.Lines(string(data)) {
		if m := shellAssignment().FindStringSubmatch(strings.TrimRight(l, " \t\r\n")); m != nil {
			top.add(leaf(m[1], m[2]))
		}
	}
	return top, nil
}
