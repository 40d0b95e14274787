package toml

import (
	"errors"
	"slices"

	"inplace/merge/tree"
)

// layout puts the lines of a text into a tree:
//
//	root Map
//	  head              Quiet Map, always there: the keys before the first table
//	  "[a.b]" Map       the keys of a table
//	  "[[c]]" Map/List  an array of tables; its lead is that of its first item
//	    item Map
//	      head          Quiet Map, always there: the keys of the item
//	      "[c.d]" Map   a table below the item; or "[[c.e]]", an array below it
//
// Commented-out tables stand beside tables (slots.go).
type layout struct {
	data    []byte
	root    *tree.Node
	items   []item       // those that tables can go into, outermost first
	in      *tree.Node   // takes keys
	arrays  []*tree.Node // all arrays of tables, outer before inner
	names   []string     // of these
	pending []tree.Atom  // comments and blank lines that belong to what follows
	held    []*tree.Node // slots that belong to the table that follows or to the open one
	block   *tree.Node   // the table of these that is open
	at      int          // how far the text is covered
}

// item is an item of an array of tables, with the names that lead to it.
type item struct {
	path        []string
	array, node *tree.Node
}

func (l *layout) start(data []byte) {
	l.data = data
	all := tree.Range{End: len(data)}
	l.root = &tree.Node{Kind: tree.Map, Lines: true, Full: all, Body: all, Inner: all}
	l.in = newHead(l.root, 0)
}

// newHead gives n its first kid, which takes its keys and is empty yet.
func newHead(n *tree.Node, at int) *tree.Node {
	r := tree.Range{Start: at, End: at}
	head := &tree.Node{Kind: tree.Map, Lines: true, Quiet: true, Full: r, Body: r, Inner: r}
	n.Kids = []*tree.Node{head}
	return head
}

// depth is how deep the keys stand that come next.
func (l *layout) depth() int { return 2*len(l.items) + 2 }

// other takes a comment or blank line.
func (l *layout) other(a tree.Atom) {
	l.pending = append(l.pending, a)
	l.at, l.block = a.End, nil
}

// add takes a key whose Body is set and whose lines end at end.
func (l *layout) add(n *tree.Node, end int) {
	l.release(l.in)
	l.lead(n)
	n.Full.End = end
	l.in.Kids = append(l.in.Kids, n)
	l.grow(end)
}

// grow makes all that is open reach to end.
func (l *layout) grow(end int) {
	reach := func(n *tree.Node) { n.Full.End, n.Body.End, n.Inner.End = end, end, end }
	for _, i := range l.items {
		reach(i.array)
		reach(i.node)
	}
	reach(l.in)
	l.at = end
}

// lead gives n the comments and blank lines before it.
func (l *layout) lead(n *tree.Node) {
	if len(l.root.Kids) == 1 && len(l.in.Kids)+len(l.held) == 0 && l.root.Lead == nil {
		l.headComment()
	}
	n.Full.Start, n.Lead = l.at, l.pending
	if len(l.pending) > 0 {
		n.Full.Start = l.pending[0].Start
	}
	l.pending = nil
}

// headComment gives the root the comments at the top of the text that a blank line
// follows, with it.
func (l *layout) headComment() {
	i := 0
	for _, comments := range []bool{false, true, false} {
		from := i
		for i < len(l.pending) && (l.pending[i].Text != "") == comments {
			i++
		}
		if comments && (i == from || i == len(l.pending)) {
			return
		}
	}
	l.root.Lead, l.pending = l.pending[:i:i], l.pending[i:]
	end := l.root.Lead[i-1].End
	l.root.Body.Start, l.root.Inner.Start = end, end
	l.in = newHead(l.root, end)
}

// table takes a table, whose header goes from the start of its Body to that of its Inner.
// arrays is how many of the names on the way to it are arrays of tables.
func (l *layout) table(n *tree.Node, path []string, arrays int) error {
	l.leave(path, false)
	parent, err := l.parent(path, arrays)
	if err != nil {
		return err
	}
	n.Key, n.Label = "["+spell(path)+"]", spell(path)
	l.lead(n)
	parent.Kids = append(parent.Kids, n)
	l.in = n
	l.grow(n.Inner.Start)
	return nil
}

// item takes an item of an array of tables; more tells whether the array has others.
func (l *layout) item(n *tree.Node, path []string, arrays int, more bool) error {
	l.leave(path, true)
	var array *tree.Node
	if i := len(l.items) - 1; i >= 0 && len(l.items[i].path) == len(path) {
		array = l.items[i].array
		l.release(l.items[i].node)
		l.items = l.items[:i]
	}
	parent, err := l.parent(path, arrays)
	switch {
	case err != nil:
		return err
	case array != nil:
		l.lead(n)
	case more:
		return errors.New(spell(path) + ": an array of tables that other tables part")
	default:
		array = &tree.Node{Kind: tree.List, Type: "array", Lines: true, Key: "[[" + spell(path) + "]]", Label: spell(path)}
		l.lead(array)
		array.Body.Start, array.Inner.Start, n.Full.Start = n.Body.Start, n.Body.Start, n.Body.Start
		parent.Kids = append(parent.Kids, array)
		l.arrays, l.names = append(l.arrays, array), append(l.names, path[len(path)-1])
	}
	array.Kids = append(array.Kids, n)
	l.items = append(l.items, item{path, array, n})
	l.in = newHead(n, n.Inner.Start)
	l.grow(n.Inner.Start)
	return nil
}

// leave closes the items that the table at path does not go into. An item of the same
// array stays.
func (l *layout) leave(path []string, array bool) {
	for i := len(l.items) - 1; i >= 0; i-- {
		in := l.items[i].path
		if len(in) <= len(path) && slices.Equal(in, path[:len(in)]) && (array || len(in) < len(path)) {
			return
		}
		l.items = l.items[:i]
	}
}

// parent returns what the table or array at path goes into.
func (l *layout) parent(path []string, arrays int) (*tree.Node, error) {
	parent := l.root
	switch {
	case arrays != len(l.items):
		return nil, errors.New(spell(path) + ": a table below an array that other tables part")
	case l.depth()+2 > tree.MaxDepth:
		return nil, tree.ErrDepth
	case arrays > 0:
		parent = l.items[arrays-1].node
	}
	l.release(parent)
	return parent, nil
}

// done returns the tree. Comments behind the last key are the tail of the root.
func (l *layout) done() *tree.Node {
	if len(l.root.Kids) == 1 && len(l.in.Kids)+len(l.held) == 0 && len(l.pending) > 0 {
		l.headComment()
	}
	l.release(l.root)
	l.root.Tail = l.pending
	for i, array := range slices.Backward(l.arrays) {
		tree.Identify(array, l.names[i])
	}
	return l.root
}
