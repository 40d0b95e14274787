package tree

import (
	"bytes"
	"strings"
)

// A Builder makes the tree of a format whose keys are whole lines. It is told the lines
// of the text in order, each with its line end; comments and blank lines become the
// lead of the node that follows. A block of comments at the top that a blank line
// follows is the head of the file, and the lead of the root.
type Builder struct {
	data    []byte
	root    *Node
	in      *Node // the section that is open, or the root
	pending []Atom
	at      int // how far the text is covered
}

// NewBuilder returns a builder for a text.
func NewBuilder(data []byte) *Builder {
	root := &Node{Kind: Map, Lines: true, Full: Range{0, len(data)}, Body: Range{0, len(data)}, Inner: Range{0, len(data)}}
	return &Builder{data: data, root: root, in: root}
}

// Other takes the line that ends at end: a comment or a blank line.
func (b *Builder) Other(end int) {
	line := string(b.data[b.at:end])
	b.pending = append(b.pending, Atom{Range{b.at, end}, Fold(line)})
	b.at = end
}

// Fold is the Text of a comment: blanks folded.
func Fold(s string) string { return strings.Join(strings.Fields(s), " ") }

// Add takes a node whose Body, Val and Trail are set and whose lines end at end.
func (b *Builder) Add(n *Node, end int) {
	b.attach(n, end)
	b.in.Kids = append(b.in.Kids, n)
	if b.in != b.root {
		b.grow(end)
	}
}

// Section takes a Map or List whose heading lines end at end; what is added from now on
// is its kids. Its Body must begin at the heading.
func (b *Builder) Section(n *Node, end int) {
	b.in = b.root
	b.attach(n, end)
	n.Lines = true
	n.Body.End, n.Inner = end, Range{end, end}
	b.root.Kids = append(b.root.Kids, n)
	b.in = n
}

func (b *Builder) grow(end int) { b.in.Full.End, b.in.Body.End, b.in.Inner.End = end, end, end }

func (b *Builder) attach(n *Node, end int) {
	n.Full = Range{b.at, end}
	if len(b.pending) > 0 {
		if b.root.Lead == nil && len(b.root.Kids) == 0 {
			b.pending = b.head()
		}
		if len(b.pending) > 0 {
			n.Full.Start = b.pending[0].Start
		}
		n.Lead = b.pending
	}
	b.pending, b.at = nil, end
}

// head gives the root the comments of the file's head and returns the rest.
func (b *Builder) head() []Atom {
	i := 0
	for i < len(b.pending) && b.pending[i].Text == "" {
		i++
	}
	for i < len(b.pending) && b.pending[i].Text != "" {
		i++
	}
	if i == len(b.pending) {
		return b.pending
	}
	for i < len(b.pending) && b.pending[i].Text == "" {
		i++
	}
	lead, rest := b.pending[:i:i], b.pending[i:]
	end := lead[i-1].End
	b.root.Lead = lead
	b.root.Body.Start, b.root.Inner.Start = end, end
	return rest
}

// Done returns the tree. Comments after the last node are the tail of the root.
func (b *Builder) Done() *Node {
	if len(b.root.Kids) == 0 && len(b.pending) > 0 {
		b.pending = b.head()
	}
	b.root.Tail = b.pending
	return b.root
}

// NextLine returns the end of the line that begins at at, with its line end, and its
// content without it.
func NextLine(data []byte, at int) (end int, content string) {
	end = len(data)
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		end = at + i + 1
	}
	return end, strings.TrimRight(string(data[at:end]), "\r\n")
}
