package yaml

import (
	yaml3 "gopkg.in/yaml.v3"

	"inplace/merge/tree"
)

func isCollection(y *yaml3.Node) bool {
	return y.Kind == yaml3.MappingNode || y.Kind == yaml3.SequenceNode
}

func isFlow(y *yaml3.Node) bool { return isCollection(y) && y.Style&yaml3.FlowStyle != 0 }

// meaning is what a value says beyond the kids it may have: anchor, type, text. It is
// spelled as package proof does, so that both see the same changes.
func meaning(y *yaml3.Node) string {
	if y.Kind == yaml3.AliasNode {
		return "*" + y.Value
	}
	s := y.ShortTag() + " " + y.Value
	if y.Anchor != "" {
		s = "&" + y.Anchor + " " + s
	}
	return s
}

// typeOf is the type of a collection, with its anchor: what has another anchor is another
// thing, whatever is in it. It is "" for a scalar.
func typeOf(y *yaml3.Node) string {
	switch {
	case !isCollection(y):
		return ""
	case y.Anchor != "":
		return y.ShortTag() + " &" + y.Anchor
	}
	return y.ShortTag()
}

// value reads the value behind the indicator of n (key and colon, dash, or document
// start) in a block, and the rest of its last line. outer is the column of the block
// collection around it.
func (r *reader) value(n *tree.Node, y *yaml3.Node, outer int) error {
	n.Value, n.Type = meaning(y), typeOf(y)
	switch {
	case isCollection(y) && !isFlow(y):
		return r.collection(n, y, outer)
	case empty(y) && !hasProps(y):
		n.Bare = true
		n.Body.End, n.Val = r.at, tree.Range{Start: r.at, End: r.at}
		return r.endLine(n)
	}
	from := r.at
	comments := r.gap()
	n.Val.Start = r.at
	if err := r.props(y); err != nil {
		return err
	}
	n.Val.End = r.at
	if !empty(y) {
		if hasProps(y) {
			r.spaces()
		}
		if isFlow(y) {
			if len(comments) > 0 {
				return r.fault("no comment before a flow collection")
			}
			if err := r.flow(n, y); err != nil {
				return err
			}
			return r.endLine(n)
		}
		r.within = nil
		if err := r.scalar(y, outer); err != nil {
			return err
		}
		n.Val.End = r.at
	}
	n.Body.End = n.Val.End
	n.Open = y.Style&(yaml3.LiteralStyle|yaml3.FoldedStyle) != 0
	switch {
	case len(comments) > 0 && len(r.within) == 0:
		r.holds(n, tree.Range{Start: from, End: n.Val.Start}, comments)
	case len(comments) == 0 && len(r.within) == 1:
		c := r.within[0]
		r.holds(n, c, []tree.Atom{{Range: c, Text: tree.Fold(string(r.data[c.Start:c.End]))}})
	case len(comments)+len(r.within) > 0:
		return r.fault("comments before a value or behind its head, not both")
	}
	r.within = nil
	return r.endLine(n)
}

// holds makes a scalar that has comments between its key and its last line a node that
// is taken or left as a whole, so that no comment of the operator's is replaced with it.
func (r *reader) holds(n *tree.Node, where tree.Range, comments []tree.Atom) {
	n.Kind, n.Atomic, n.Val = tree.Map, true, tree.Range{}
	n.Inner, n.Tail = where, comments
}

// gap skips what may stand between an indicator and its value, and returns the comments.
func (r *reader) gap() []tree.Atom {
	from := r.at
	r.blanks()
	if !r.atEnd() && r.peek(0) != '#' {
		return nil
	}
	commented := r.comment()
	r.newline()
	first := tree.Atom{Range: tree.Range{Start: from, End: r.at}}
	first.Text = tree.Fold(string(r.data[from:r.at]))
	atoms := append([]tree.Atom{first}, r.lines()...)
	r.blanks()
	for _, a := range atoms {
		if a.Text != "" {
			commented = true
		}
	}
	if !commented {
		return nil
	}
	return atoms
}

// spaces skips blanks and line ends.
func (r *reader) spaces() {
	for r.blanks() || r.newline() {
	}
}

// collection reads a block collection behind the indicator of n.
func (r *reader) collection(n *tree.Node, y *yaml3.Node, outer int) error {
	n.Atomic = tagged(y)
	from := r.at
	r.blanks()
	if err := r.props(y); err != nil {
		return err
	}
	hangs := !hasProps(y) && r.at > from && !r.atEnd() && r.peek(0) != '#'
	if !hangs {
		if !hasProps(y) {
			r.at = from
		}
		n.Aside = r.trail()
		r.blanks()
		if !r.newline() {
			return r.fault("a line end before a block collection")
		}
	}
	return r.kids(n, y, outer, hangs)
}

// kids reads the entries or items of a block collection, which begins here; hangs: on
// the line of its head.
func (r *reader) kids(n *tree.Node, y *yaml3.Node, outer int, hangs bool) error {
	n.Lines, n.Inner.Start = true, r.at
	list := natureOf(n.Key, y)
	n.Kind = list.kind
	step := 1
	if y.Kind == yaml3.MappingNode {
		step = 2
	}
	column := -1
	for i := 0; i < len(y.Content); i += step {
		k := &tree.Node{Full: tree.Range{Start: r.at}}
		if k.Hangs = hangs && i == 0; !k.Hangs {
			k.Lead = r.lines()
			r.blanks()
		}
		k.Body.Start = r.at
		if column < 0 {
			column = r.column()
		}
		if r.column() != column {
			return r.fault("an entry in the column of the others")
		}
		var err error
		if step == 2 {
			err = r.entry(k, y.Content[i], y.Content[i+1], column)
		} else {
			err = r.item(k, y.Content[i], column, list)
		}
		if err != nil {
			return err
		}
		n.Kids = append(n.Kids, k)
	}
	if column == outer { // a list as far left as its key: comments there belong to the next key
		column++
	}
	n.Tail = r.tail(column)
	n.Inner.End, n.Body.End, n.Full.End = r.at, r.at, r.at
	return nil
}

// entry reads one entry of a block mapping.
func (r *reader) entry(n *tree.Node, key, value *yaml3.Node, column int) error {
	if err := r.key(n, key); err != nil {
		return err
	}
	r.blanks()
	if c := r.peek(1); r.peek(0) != ':' || c != 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n' {
		return r.fault("a colon behind the key")
	}
	r.at++
	return r.value(n, value, column)
}

// key reads the key of an entry.
func (r *reader) key(n *tree.Node, y *yaml3.Node) error {
	if y.Kind != yaml3.ScalarNode || empty(y) || hasProps(y) || y.Style&(yaml3.LiteralStyle|yaml3.FoldedStyle) != 0 {
		return r.fault("a key that is a plain or quoted scalar")
	}
	n.Key = y.Value
	return r.scalar(y, -1)
}

// item reads one item of a block list.
func (r *reader) item(n *tree.Node, y *yaml3.Node, column int, list nature) error {
	if r.peek(0) != '-' {
		return r.fault("a dash")
	}
	r.at++
	identify(n, y, list)
	return r.value(n, y, column)
}
