package ini

import (
	"errors"
	"strings"

	"inplace/merge/tree"
)

// Directives is the format of files that are a directive a line, as of Redis or sshd:
//
//	# comment
//	Port 22
//	save 900 1
//	save 300 10      a repeatable one: each is a setting of its own
//	MaxClients=3     "=" may stand for the blank
//
//	Match User git   heads the lines below it, up to the next such line (sshd, ssh)
//	    Banner none
//
// A directive is known by its first word, whose letter case does not count, below the
// heading it stands under; the order of headings has a meaning. A directive that spans
// lines (braces, tags, a backslash at the end, lines that are indented below any other) is
// not understood: such a text is refused.
func Directives() tree.Format { return tree.Format{Name: "directive", Parse: ParseDirectives} }

// ParseDirectives returns the tree of a text.
func ParseDirectives(data []byte) (*tree.Node, error) {
	text := string(data)
	b := tree.NewBuilder(text)
	below := false // a heading
	for at := 0; at < len(text); {
		end, line := tree.NextLine(text, at)
		start, content := trim(line, at)
		switch {
		case content == "":
			b.Other(end)
		case content[0] == '#':
			if m := slot().FindStringSubmatchIndex(content); m != nil {
				b.Add(slotNode(content, start, m), end)
			} else {
				b.Other(end)
			}
		case start > at && !below, strings.ContainsAny(content[:1], "<[{}"), strings.HasSuffix(content, `\`), strings.HasSuffix(content, "{"):
			return nil, errors.New("a directive that is more than a line")
		case heading(content):
			below = true
			words := strings.Join(strings.Fields(content), " ")
			b.Section(&tree.Node{Key: "match " + words, Label: words, Kind: tree.Map, Bag: true, Order: "match",
				Body: tree.Range{Start: start, End: end}}, end)
		default:
			b.Add(directive(content, start), end)
		}
		at = end
	}
	return b.Done(), nil
}

// heading tells whether a directive governs the lines below it.
func heading(content string) bool {
	word := strings.ToLower(strings.Fields(content)[0])
	return (word == "match" || word == "host") && len(word) < len(content)
}

func directive(line string, start int) *tree.Node {
	cut := strings.IndexAny(line, " \t=")
	n := &tree.Node{Bare: cut < 0, Body: tree.Range{Start: start, End: start + len(line)}}
	if cut < 0 {
		cut = len(line)
	}
	value := strings.TrimLeft(line[cut:], " \t")
	if rest, ok := strings.CutPrefix(value, "="); ok {
		value = strings.TrimLeft(rest, " \t")
	}
	n.Label = line[:cut]
	n.Key = strings.ToLower(n.Label)
	n.Bag = repeatable(n.Key)
	n.Value = strings.Join(strings.Fields(value), " ")
	n.Val = tree.Range{Start: start + len(line) - len(value), End: start + len(line)}
	return n
}
