// Package properties gives the tree of Java properties, as java.util.Properties.load
// reads them, for merging:
//
//	# comment, or ! comment
//	key=value    key: value    key value    key
//	long = first \
//	       second          an odd number of backslashes continues the line
//	a\ key\u003d = \t\n    escapes, in keys and values
//
// A key is known by its unescaped text, a value is compared unescaped and without
// unescaped blanks at its end. A comment that reads key=value is a slot: a setting that
// is commented out. Bytes are taken as they are, be they ISO-8859-1 or UTF-8. A text
// with a broken \u escape or a line that ends with CR alone is refused.
package properties

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"

	"inplace/merge/tree"
)

// Format is the format for merges.
func Format() tree.Format { return tree.Format{Name: "properties", Parse: Parse} }

var slot = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[#!]+[ \t]*([A-Za-z_][A-Za-z0-9_.\-]*)[ \t]*=(.*)$`)
})

// Parse returns the tree of a text.
func Parse(data []byte) (*tree.Node, error) {
	text := string(data)
	b := tree.NewBuilder(text)
	for at := 0; at < len(text); {
		end, line := tree.NextLine(text, at)
		if strings.IndexByte(line, '\r') >= 0 {
			return nil, errors.New("a line that ends with CR alone")
		}
		trimmed := strings.TrimLeft(line, blanks)
		switch {
		case trimmed == "":
			b.Other(end)
		case trimmed[0] == '#' || trimmed[0] == '!':
			if m := findSlot(trimmed); m != nil {
				b.Add(slotNode(trimmed, at+len(line)-len(trimmed), m), end)
			} else {
				b.Other(end)
			}
		default:
			n, last, err := setting(text, at)
			if err != nil {
				return nil, err
			}
			b.Add(n, last)
			end = last
		}
		at = end
	}
	return b.Done(), nil
}

// findSlot finds the key and the value of a commented-out setting; nil for prose.
func findSlot(comment string) []int {
	if strings.IndexByte(comment, '=') < 0 {
		return nil
	}
	return slot().FindStringSubmatchIndex(comment)
}

const blanks = " \t\f"

// slotNode makes the node of a commented-out setting; m are the places of the key and
// the value in line, which begins at at.
func slotNode(line string, at int, m []int) *tree.Node {
	value := strings.TrimSpace(line[m[4]:m[5]])
	start := at + m[4] + strings.Index(line[m[4]:m[5]], value)
	body := tree.Range{Start: at, End: start + len(value)}
	return &tree.Node{
		Key: tree.SlotKey(line[m[2]:m[3]]), Slot: true, Bag: true, Value: value,
		Body: body, Val: tree.Range{Start: start, End: body.End},
	}
}

// setting reads the key and value that begin on the line at at; end is where their last
// line ends.
func setting(text string, at int) (n *tree.Node, end int, err error) {
	end, line := tree.NextLine(text, at)
	start := at + len(line) - len(strings.TrimLeft(line, blanks))
	logical := strings.TrimLeft(line, blanks)
	var places, offsets []int // where continued lines begin, in the logical line and the text
	for continues(logical) && end < len(text) {
		logical = logical[:len(logical)-1]
		next := end
		end, line = tree.NextLine(text, next)
		rest := strings.TrimLeft(line, blanks)
		places = append(places, len(logical))
		offsets = append(offsets, next+len(line)-len(rest))
		logical += rest
	}
	if strings.Contains(logical, "\r") {
		return nil, 0, errors.New("a line that ends with CR alone")
	}
	// place is where byte i of the logical line stands; its end is behind the byte before.
	place := func(i int) int {
		for k := len(places) - 1; k >= 0; k-- {
			if i > places[k] {
				return offsets[k] + i - places[k]
			}
		}
		return start + i
	}

	keyEnd := 0
	for keyEnd < len(logical) && strings.IndexByte("=:"+blanks, logical[keyEnd]) < 0 {
		if logical[keyEnd] == '\\' {
			keyEnd++
		}
		keyEnd++
	}
	keyEnd = min(keyEnd, len(logical))
	valueStart := keyEnd + countBlanks(logical[keyEnd:])
	if valueStart < len(logical) && (logical[valueStart] == '=' || logical[valueStart] == ':') {
		valueStart++
		valueStart += countBlanks(logical[valueStart:])
	}
	value := trimEnd(logical[valueStart:])
	n = &tree.Node{Bare: valueStart == keyEnd}
	if n.Key, err = unescape(logical[:keyEnd]); err == nil {
		n.Value, err = unescape(value)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("byte %d: %w", at, err)
	}
	n.Val = tree.Range{Start: place(valueStart), End: place(valueStart + len(value))}
	n.Body = tree.Range{Start: start, End: n.Val.End}
	if value == "" && valueStart > keyEnd && !n.Bare {
		n.Val.End = n.Val.Start
	}
	return n, end, nil
}

func countBlanks(s string) int { return len(s) - len(strings.TrimLeft(s, blanks)) }

// continues tells whether an odd number of backslashes ends l.
func continues(l string) bool { return (len(l)-len(strings.TrimRight(l, `\`)))%2 == 1 }

// trimEnd removes blanks at the end, but for one that is escaped.
func trimEnd(s string) string {
	trimmed := strings.TrimRight(s, blanks)
	if len(trimmed) < len(s) && continues(trimmed) {
		return s[:len(trimmed)+1]
	}
	return trimmed
}

func unescape(s string) (string, error) {
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
			break // a backslash at the very end of the text
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
