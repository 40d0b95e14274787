package toml

import (
	"regexp"
	"strings"
	"sync"

	"inplace/merge/tree"
)

// Commented-out settings are slots. A comment that reads like a header takes the comment
// lines that follow it without a blank line, or one of # alone: a table that is commented out.
//
//	#[cache.tags]
//	#expiry_time = "2m"
//
// Such a one stands between tables: beside the table that follows it. What is commented
// out behind it, up to that table, stands there too, as it may belong to it. Other
// slots, of one key each, stand in the table around them.
var (
	slotKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^#+[ \t]*([A-Za-z0-9_\-]+(?:[ \t]*\.[ \t]*[A-Za-z0-9_\-]+)*)[ \t]*=[ \t]*(\S.*?)?[ \t]*$`)
	})
	slotTable = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^#+[ \t]*(\[\[?)[ \t]*([A-Za-z0-9_\-."' \t]+?)[ \t]*(\]\]?)[ \t]*(?:#.*)?$`)
	})
)

// comment takes a line with a comment, which begins at start; its content is between
// from and to, its line ends at end. One without a text is as good as a blank line.
func (l *layout) comment(start, from, to, end int) {
	text := string(l.data[from:to])
	if strings.Trim(text, "# \t") == "" {
		l.other(tree.Atom{Range: tree.Range{Start: start, End: end}})
		return
	}
	if m := slotTable().FindStringSubmatch(text); m != nil && len(m[1]) == len(m[3]) {
		if path, err := pathOf(m[2]); err == nil {
			l.block = &tree.Node{Key: tree.SlotKey(m[1] + spell(path) + m[3]), Label: "#" + spell(path)}
			l.slot(l.block, from, to, from, to, end, true)
			return
		}
	}
	if l.block != nil {
		b := l.block
		b.Body.End, b.Val.End, b.Full.End, l.at = to, to, end, end
		return
	}
	if m := slotKey().FindStringSubmatchIndex(text); m != nil {
		valueStart, valueEnd := m[4], m[5]
		if valueStart < 0 {
			valueStart, valueEnd = len(text), len(text)
		}
		if path, err := pathOf(text[m[2]:m[3]]); err == nil {
			n := &tree.Node{Key: tree.SlotKey(spell(path))}
			l.slot(n, from, to, from+valueStart, from+valueEnd, end, len(l.held) > 0)
			return
		}
	}
	l.other(tree.Atom{Range: tree.Range{Start: start, End: end}, Text: tree.Fold(text)})
}

func pathOf(key string) ([]string, error) {
	x := lexer{data: []byte(key)}
	path, err := x.key()
	if err == nil && x.at < len(x.data) {
		err = x.want("the end of a key")
	}
	return path, err
}

// slot adds a slot to the open table, or holds it until it is known where it stands.
func (l *layout) slot(n *tree.Node, from, to, valueFrom, valueTo, end int, hold bool) {
	n.Slot, n.Bag = true, true
	n.Body = tree.Range{Start: from, End: to}
	n.Val = tree.Range{Start: valueFrom, End: valueTo}
	if !hold {
		n.Value = l.folded(n.Val)
		l.add(n, end)
		return
	}
	l.lead(n)
	n.Full.End, l.at = end, end
	l.held = append(l.held, n)
}

func (l *layout) folded(r tree.Range) string { return tree.Fold(string(l.data[r.Start:r.End])) }

// release makes the slots that are held kids of n.
func (l *layout) release(n *tree.Node) {
	if len(l.held) == 0 {
		return
	}
	for _, slot := range l.held {
		slot.Value = l.folded(slot.Val)
	}
	n.Kids = append(n.Kids, l.held...)
	if end := l.held[len(l.held)-1].Full.End; n != l.root {
		n.Full.End, n.Body.End, n.Inner.End = end, end, end
	}
	l.held, l.block = nil, nil
}
