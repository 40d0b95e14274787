package yaml

import (
	yaml3 "gopkg.in/yaml.v3"

	"inplace/merge/tree"
)

// flow reads a flow collection, which begins here, as the value of n.
func (r *reader) flow(n *tree.Node, y *yaml3.Node) error {
	opening, closing, step := byte('['), byte(']'), 1
	if y.Kind == yaml3.MappingNode {
		opening, closing, step = '{', '}', 2
	}
	if r.peek(0) != opening {
		return r.fault("the bracket of a flow collection")
	}
	r.at++
	list := natureOf(n.Key, y)
	n.Kind, n.Atomic, n.Val = list.kind, tagged(y), tree.Range{}
	n.Separator, n.FinalSep = ",", true
	n.Inner.Start = r.at
	for i := 0; i < len(y.Content); i += step {
		k := &tree.Node{Full: tree.Range{Start: r.at}}
		k.Lead = r.flowComments()
		r.spaces()
		k.Body.Start = r.at
		var err error
		if step == 2 {
			err = r.flowEntry(k, y.Content[i], y.Content[i+1])
		} else {
			identify(k, y.Content[i], list)
			err = r.flowValue(k, y.Content[i])
		}
		if err == nil {
			err = r.separator(k, i+step == len(y.Content))
		}
		if err != nil {
			return err
		}
		n.Kids = append(n.Kids, k)
	}
	n.Tail = r.flowComments()
	r.spaces()
	if r.peek(0) != closing {
		return r.fault("the end of a flow collection")
	}
	n.Inner.End = r.at
	n.Closed = len(n.Kids) == 0 && len(n.Tail) == 0
	r.at++
	n.Body.End = r.at
	return nil
}

// flowComments skips comments, each with the blanks before it.
func (r *reader) flowComments() []tree.Atom {
	var atoms []tree.Atom
	for {
		from := r.at
		r.spaces()
		start := r.at
		if !r.comment() {
			r.at = from
			return atoms
		}
		atoms = append(atoms, tree.Atom{Range: tree.Range{Start: from, End: r.at}, Text: tree.Fold(string(r.data[start:r.at]))})
	}
}

// separator reads the comma behind n and the comment on its line.
func (r *reader) separator(n *tree.Node, last bool) error {
	r.spaces()
	switch {
	case r.peek(0) == ',':
		n.Sep = tree.Range{Start: r.at, End: r.at + 1}
		r.at++
	case !last:
		return r.fault("a comma")
	default:
		r.at = n.Body.End
	}
	n.Trail = r.trail()
	n.Full.End = r.at
	return nil
}

// flowEntry reads one entry of a flow mapping: key: value, or a key alone.
func (r *reader) flowEntry(n *tree.Node, key, value *yaml3.Node) error {
	if err := r.key(n, key); err != nil {
		return err
	}
	end := r.at
	r.spaces()
	if r.peek(0) == ':' {
		r.at++
		return r.flowValue(n, value)
	}
	if r.at = end; !empty(value) || hasProps(value) {
		return r.fault("a colon behind the key")
	}
	n.Value, n.Bare = meaning(value), true
	n.Body.End, n.Val = end, tree.Range{Start: end, End: end}
	return nil
}

// flowValue reads a value within a flow collection.
func (r *reader) flowValue(n *tree.Node, y *yaml3.Node) error {
	n.Value, n.Type = meaning(y), typeOf(y)
	if empty(y) && !hasProps(y) {
		n.Bare = true
		n.Body.End, n.Val = r.at, tree.Range{Start: r.at, End: r.at}
		return nil
	}
	r.spaces()
	n.Val.Start = r.at
	if err := r.props(y); err != nil {
		return err
	}
	if hasProps(y) && !empty(y) {
		r.spaces()
	}
	switch {
	case isCollection(y) && r.peek(0) != '{' && y.Kind == yaml3.MappingNode && len(y.Content) == 2:
		return r.pair(n, y)
	case isCollection(y):
		return r.flow(n, y)
	case !empty(y):
		if err := r.scalar(y, -1); err != nil {
			return err
		}
	}
	n.Body.End, n.Val.End = r.at, r.at
	return nil
}

// pair reads a mapping of one entry that stands in a flow list without braces. It is one
// value: there is no room for a second entry.
func (r *reader) pair(n *tree.Node, y *yaml3.Node) error {
	k := &tree.Node{}
	if err := r.flowEntry(k, y.Content[0], y.Content[1]); err != nil {
		return err
	}
	n.Value = "!!map " + canonical(y)
	n.Body.End, n.Val.End = r.at, r.at
	return nil
}
