// Package ini gives the trees of two kinds of files for merging.
//
// Format is INI, as my.cnf, php.ini, systemd units, git and Python's configparser
// write it:
//
//	; comment, or # comment
//	key = value          "=" ends a key, or else ":"
//	skip-networking      a key may stand without a value
//	[section]
//	long = first
//	    second           deeper than its key, and no key itself: the value goes on
//
// A key is known by its section and name. A section that stands twice is two: not every
// reader joins them.
//
// Directives (directives.go) is a file of directives, "Name arguments", one a line,
// without sections.
//
// A comment that reads key=value is a slot: a setting that is commented out. Blanks
// around keys and values do not count; nothing is unescaped, since readers differ.
// Keys that are known to be repeated, each entry a setting of its own, are merged as
// bags (repeatable.go).
package ini

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"inplace/merge/tree"
)

// Format is the format for merges.
func Format() tree.Format { return tree.Format{Name: "ini", Parse: Parse} }

const blanks = " \t\f\v\r"

var (
	slot = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[#;]+[ \t]*([A-Za-z_][A-Za-z0-9_.\-]*)[ \t]*=(.*)$`)
	})
	section = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\[([^\]]+)\][ \t]*([#;].*)?$`) })
)

// Parse returns the tree of a text.
func Parse(data []byte) (*tree.Node, error) {
	text := string(data)
	b := tree.NewBuilder(text)
	for at, number := 0, 1; at < len(text); number++ {
		end, line := tree.NextLine(text, at)
		start, content := trim(line, at)
		switch {
		case content == "":
			b.Other(end)
		case content[0] == '#' || content[0] == ';':
			if m := slot().FindStringSubmatchIndex(content); m != nil {
				b.Add(slotNode(content, start, m), end)
			} else {
				b.Other(end)
			}
		case content[0] == '[':
			m := section().FindStringSubmatch(content)
			if m == nil {
				return nil, fmt.Errorf("line %d: not a section", number)
			}
			b.Section(&tree.Node{Key: "[" + m[1], Label: m[1], Kind: tree.Map,
				Body: tree.Range{Start: start, End: end}}, end)
		default:
			n, err := setting(content, start)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			for indent := start - at; ; number++ {
				next, nextStart, more := continuation(text, end, indent, strings.HasSuffix(content, `\`))
				if more == "" {
					break
				}
				end, content = next, more
				n.Val.End = nextStart + len(content)
				n.Value += "\n" + content
			}
			n.Body.End = n.Val.End
			n.Bag = repeatable(n.Key)
			b.Add(n, end)
		}
		at = end
	}
	return b.Done(), nil
}

var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.\-]+[ \t]*=`) })

// continuation returns the line at at if it goes on with the value before it: it stands
// deeper than its key, or a backslash ended the line before, and it is nothing in itself.
func continuation(text string, at, indent int, escaped bool) (end, start int, content string) {
	if at >= len(text) {
		return 0, 0, ""
	}
	end, line := tree.NextLine(text, at)
	start, content = trim(line, at)
	if content == "" || start-at <= indent && !escaped || strings.IndexByte("#;[", content[0]) >= 0 || assignment().MatchString(content) {
		return 0, 0, ""
	}
	return end, start, content
}

// trim returns a line without the blanks around it, and where it then begins.
func trim(line string, at int) (start int, content string) {
	content = strings.TrimLeft(line, blanks)
	return at + len(line) - len(content), strings.TrimRight(content, blanks)
}

// slotNode makes the node of a commented-out setting; m are the places of the key and
// the value in line, which begins at at.
func slotNode(line string, at int, m []int) *tree.Node {
	value := strings.TrimSpace(line[m[4]:m[5]])
	start := at + m[4] + strings.Index(line[m[4]:m[5]], value)
	r := tree.Range{Start: start, End: start + len(value)}
	return &tree.Node{Key: tree.SlotKey(line[m[2]:m[3]]), Slot: true, Bag: true, Value: value,
		Body: tree.Range{Start: at, End: r.End}, Val: r}
}

// setting reads a line that begins at start.
func setting(line string, start int) (*tree.Node, error) {
	cut := strings.IndexByte(line, '=')
	if cut < 0 {
		cut = strings.IndexByte(line, ':')
	}
	n := &tree.Node{Bare: cut < 0}
	value := ""
	if n.Bare {
		cut = len(line)
	} else {
		value = strings.TrimLeft(line[cut+1:], blanks)
	}
	if n.Key = strings.TrimRight(line[:cut], blanks); n.Key == "" {
		return nil, errors.New("a value without a key")
	}
	n.Value = value
	n.Val = tree.Range{Start: start + len(line) - len(value), End: start + len(line)}
	n.Body = tree.Range{Start: start, End: start + len(line)}
	return n, nil
}
