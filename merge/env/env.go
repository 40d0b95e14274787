// Package env gives the tree of files of shell assignments, for merging:
//
//	# comment
//	KEY=value
//	export KEY="a quoted value, which may
//	go on over lines"
//
// A key is known by its name, a value is compared as it is written; nothing is
// unquoted or expanded. A comment that reads KEY=value is
// a slot: a setting that is commented out.
//
// A text with any other line is a script, and refused here; Script (script.go) merges
// such ones by lines and the assignments in them by name.
package env

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"inplace/merge/tree"
)

// Format is the format for merges.
func Format() tree.Format { return tree.Format{Name: "env", Parse: Parse} }

var (
	assignment = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.\-]*)[ \t]*=[ \t]*`)
	})
	slot = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^#+[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.\-]*)=(.*)$`)
	})
)

const blanks = " \t\r\f\v"

var (
	errScript = errors.New("not an assignment")
	errQuote  = errors.New("a quote that does not end")
)

// Parse returns the tree of a text.
func Parse(data []byte) (*tree.Node, error) {
	text := string(data)
	b := tree.NewBuilder(text)
	for at := 0; at < len(text); {
		end, line := tree.NextLine(text, at)
		content := strings.TrimLeft(line, blanks)
		start := at + len(line) - len(content)
		content = strings.TrimRight(content, blanks)
		switch {
		case content == "":
			b.Other(end)
		case content[0] == '#':
			if m := slot().FindStringSubmatchIndex(content); m != nil {
				b.Add(slotNode(content, start, m), end)
			} else {
				b.Other(end)
			}
		default:
			n, last, err := setting(text, start, content, end)
			if err != nil {
				return nil, fmt.Errorf("byte %d: %w", start, err)
			}
			b.Add(n, last)
			end = last
		}
		at = end
	}
	return b.Done(), nil
}

func slotNode(line string, at int, m []int) *tree.Node {
	value := strings.TrimSpace(line[m[4]:m[5]])
	start := at + m[4] + strings.Index(line[m[4]:m[5]], value)
	r := tree.Range{Start: start, End: start + len(value)}
	return &tree.Node{Key: tree.SlotKey(line[m[2]:m[3]]), Slot: true, Bag: true, Value: value,
		Body: tree.Range{Start: at, End: r.End}, Val: r}
}

// setting reads the assignment that begins at start, whose first line is content and ends
// at end.
func setting(text string, start int, content string, end int) (n *tree.Node, last int, err error) {
	m := assignment().FindStringSubmatchIndex(content)
	if m == nil {
		return nil, 0, errScript
	}
	at := start + m[1]
	n = &tree.Node{Key: content[m[2]:m[3]]}
	if at < len(text) && (text[at] == '"' || text[at] == '\'') && m[1] < len(content) {
		quote := closing(text[at:])
		if quote < 0 {
			return nil, 0, errQuote
		}
		if at+quote >= end { // it ends on a later line
			end, _ = tree.NextLine(text, at+quote)
			n.Verbatim = true
		}
	} else if strings.HasSuffix(content, `\`) {
		return nil, 0, errScript
	}
	raw := strings.TrimRight(text[at:end], blanks+"\n")
	n.Val = tree.Range{Start: at, End: at + len(raw)}
	n.Body = tree.Range{Start: start, End: n.Val.End}
	n.Value = strings.ReplaceAll(raw, "\r\n", "\n")
	return n, end, nil
}

// closing returns where the quote that b begins with ends, -1 if it does not.
func closing(b string) int {
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '\\' && b[0] == '"':
			i++
		case b[i] == b[0]:
			return i
		}
	}
	return -1
}
