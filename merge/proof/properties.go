package proof

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// readProperties reads Java properties as java.util.Properties.load does: # and !
// begin a comment, an odd number of backslashes at the end of a line continues it,
// the first unescaped =, : or blank ends a key, and \uXXXX must be whole. Bytes are
// taken as they are, be they ISO-8859-1 or UTF-8. Unlike Java, blanks at the end of a
// value do not count, unless escaped: nobody sees them, and merges fold them.
func readProperties(data []byte) (*node, error) {
	top := block("")
	lines := splitNaturalLines(string(data))
	for i := 0; i < len(lines); i++ {
		first := i + 1
		l := strings.TrimLeft(lines[i], " \t\f")
		if l == "" || l[0] == '#' || l[0] == '!' {
			continue
		}
		var logical strings.Builder
		for continues(l) && i+1 < len(lines) {
			logical.WriteString(l[:len(l)-1])
			i++
			l = strings.TrimLeft(lines[i], " \t\f")
		}
		logical.WriteString(l)
		key, value, err := splitProperty(logical.String())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", first, err)
		}
		top.add(leaf(key, value))
	}
	return top, nil
}

// splitNaturalLines cuts at LF, CR and CRLF, which all end a line of properties.
func splitNaturalLines(s string) []string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(s, "\r", "\n"), "\n")
}

// continues tells whether an odd number of backslashes ends l.
func continues(l string) bool {
	n := len(l) - len(strings.TrimRight(l, `\`))
	return n%2 == 1
}

func splitProperty(l string) (key, value string, err error) {
	end := 0
	for end < len(l) && !strings.ContainsRune("=: \t\f", rune(l[end])) {
		if l[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(l))
	rest := strings.TrimLeft(l[end:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	if key, err = unescapeProperty(l[:end]); err != nil {
		return "", "", err
	}
	value, err = unescapeProperty(trimValue(rest))
	return key, value, err
}

// trimValue removes blanks at the end, but for one that is escaped.
func trimValue(s string) string {
	trimmed := strings.TrimRight(s, " \t\f")
	if len(trimmed) < len(s) && continues(trimmed) {
		return s[:len(trimmed)+1]
	}
	return trimmed
}

func unescapeProperty(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			break // Java drops a backslash at the very end
		}
		switch c := s[i]; c {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+5 > len(s) {
				return "", errors.New(`a \u escape that is cut off`)
			}
			u, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", errors.New(`a \u escape without four hexadecimal digits`)
			}
			if utf16.IsSurrogate(rune(u)) { // halves of a pair stay apart: equal texts stay equal
				fmt.Fprintf(&b, `\u%04x`, u)
			} else {
				b.WriteRune(rune(u))
			}
			i += 4
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}
