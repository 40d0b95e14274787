package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Kind says what a node is.
type Kind byte

const (
	Leaf Kind = iota // one value
	Map              // kids told apart by key; their order says nothing
	List             // kids told apart by key; their order has a meaning
)

// A Range is a half-open range of bytes of the text.
type Range struct{ Start, End int }

// Empty tells whether the range holds no byte.
func (r Range) Empty() bool { return r.Start == r.End }

// An Atom is a piece of the text between nodes that is moved as one: a comment with the
// blanks before it (line formats: the whole line), or a blank line.
type Atom struct {
	Range
	Text string // the comment, blanks folded; "" for a blank line
}

// A Node is one key of a text with all that belongs to it. Its bytes, in order, are
//
//	Full:  [lead atoms][gap][Body][blanks][Sep][Trail][rest]
//
// where gap is the blanks between the last atom and Body (indentation; line ends too
// where the format lets items follow each other on one line), Trail is a comment
// behind the node on its line, with the blanks before it, and rest is blanks and line
// end. Siblings follow each other without a byte between them.
type Node struct {
	Key   string // tells it from its siblings
	Label string // spells the key in paths for people; "" means Key
	Quiet bool   // left out of paths: it stands for syntax only
	// Nodes of one Tag whose identity a side edited are still matched, where below
	// one parent exactly one went and one came (an XML Connector whose port was
	// changed). What identifies such a node must be a kid of it too, so that the edit is
	// merged as any other. "": never.
	Tag  string
	Kind Kind
	// Value of a Leaf, normalised: equal exactly where it means the same. Type and
	// anything else that counts belong to it, quotes, blanks and line ends do not.
	Value string
	Bag   bool // several siblings of this Key may live side by side
	// Vague: nothing, or nothing that is sure, tells an item from its siblings. Where both
	// sides changed it, each in its way, it is a conflict, though the keys in it may differ.
	Vague bool
	// Order names a class of siblings whose order among each other has a meaning, in a Map
	// whose other kids may stand anywhere (Valves in a Tomcat Host). "": none.
	Order string
	// Last: it takes in the lines below it (a section), so that it stands behind all
	// siblings that do not.
	Last bool
	Slot bool // a commented-out setting; Key is SlotKey of the setting's
	// Bare: the key stands alone, without a place for a value (INI "skip-networking").
	// Where one side is Bare and the other is not, a change replaces the whole Body.
	Bare bool
	// Verbatim: line breaks in Val are part of the value, so that it is never
	// indented anew.
	Verbatim bool

	Full Range
	Lead []Atom
	Body Range
	// Val is the part of a Leaf's Body that is replaced when the value changes. It may
	// be empty; it is then the place where a value can be put.
	Val   Range
	Sep   Range // the separator behind Body, empty where there is none
	Trail Range // the comment behind it, empty where there is none
	// Open: what is written behind Body would be part of it (a YAML block scalar), so
	// that there is no room for a comment.
	Open bool
	// Hangs: it is the first kid of a Lines container and begins on the line of its head
	// (YAML "- a: 1"); its column is the indentation of its siblings.
	Hangs bool

	// Of a Map or List.
	Kids  []*Node
	Type  string // what it is in the format ("object"): containers of two types have nothing in common
	Inner Range  // the part of Body that Kids and Tail cover
	Tail  []Atom // comments after the last kid; blanks behind the last atom are no atom
	Aside Range  // the comment behind the head, before Inner (YAML "a: # c"), empty where there is none
	// Lines: kids are whole lines, so that each one but the last in the text ends
	// with a line end.
	Lines bool
	// Separator between kids, "" if none is needed. FinalSep: the last kid may have one.
	Separator string
	FinalSep  bool
	// Closed: nothing can be put into Inner (XML <a/>, TOML [a] of another form, YAML
	// null that stands for a map). Kids must be empty.
	Closed bool
	// Charset of a root is the encoding that bytes of its text depend on, "" if none do.
	Charset string
	// Atomic: the kids are of use for comparing only; the node is taken as a whole.
	Atomic bool

	sum  *[sha256.Size]byte
	like *Node // one that means the same
}

// SlotKey is the Key of the slot of a setting.
func SlotKey(key string) string { return "#" + key }

func (n *Node) label() string {
	if n.Label != "" {
		return n.Label
	}
	return n.Key
}

// gap returns the range of the blanks before n's body.
func (n *Node) gap() Range {
	start := n.Full.Start
	if len(n.Lead) > 0 {
		start = n.Lead[len(n.Lead)-1].End
	}
	return Range{start, n.Body.Start}
}

// same tells whether two nodes, either of which may be nil, mean the same. Comments and
// slots do not count, nor the order of a Map, but for that within a class.
func same(a, b *Node) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a.Type != b.Type, (a.Kind == Leaf) != (b.Kind == Leaf):
		return false
	case a.Kind == Leaf:
		return a.Value == b.Value
	}
	twinA, twinB := a.twin(), b.twin()
	switch {
	case twinA == twinB:
		return true
	case a.sum != nil && b.sum != nil, !inStep(a, b):
		return a.digest() == b.digest()
	}
	twinB.like = twinA
	return true
}

// inStep tells whether two containers have the same kids in the same order, so that they
// mean the same without a digest. Others may do so too.
func inStep(a, b *Node) bool {
	if a.ofOrder() != b.ofOrder() || a.Value != b.Value {
		return false
	}
	next := func(kids []*Node) []*Node {
		for len(kids) > 0 && kids[0].Slot {
			kids = kids[1:]
		}
		return kids
	}
	for i, j := next(a.Kids), next(b.Kids); ; i, j = next(i[1:]), next(j[1:]) {
		if len(i) == 0 || len(j) == 0 {
			return len(i) == len(j)
		}
		if i[0].Key != j[0].Key || i[0].Order != j[0].Order || !same(i[0], j[0]) {
			return false
		}
	}
}

// twin returns one node for all that were found to mean the same.
func (n *Node) twin() *Node {
	for n.like != nil {
		if n.like.like != nil {
			n.like = n.like.like
		}
		n = n.like
	}
	return n
}

// ofOrder is the kind of a container; nothing stands in an order in an empty one.
func (n *Node) ofOrder() Kind {
	if n.Kind == List && len(n.Kids) == 0 {
		return Map
	}
	return n.Kind
}

// digest is equal for nodes that mean the same.
func (n *Node) digest() [sha256.Size]byte {
	if n.sum != nil {
		return *n.sum
	}
	h := sha256.New()
	part := func(s string) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	part(string(rune('0' + n.ofOrder())))
	part(n.Type)
	part(n.Value)
	sums := make([][sha256.Size]byte, 0, len(n.Kids))
	before := map[string]int{} // how many of a class stand before
	for _, k := range n.Kids {
		if k.Slot {
			continue
		}
		kid := k.digest()
		id := append([]byte(k.Key+"\x00"), kid[:]...)
		if k.Order != "" {
			before[k.Order]++
			id = binary.BigEndian.AppendUint64(id, uint64(before[k.Order]))
		}
		sums = append(sums, sha256.Sum256(id))
	}
	if n.Kind == Map {
		slices.SortFunc(sums, func(a, b [sha256.Size]byte) int { return slices.Compare(a[:], b[:]) })
	}
	for _, s := range sums {
		h.Write(s[:])
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	n.sum = &sum
	return sum
}
