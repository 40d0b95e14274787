package tree

import (
	"strings"
	"unicode/utf8"
)

// A Builder makes the tree of a format whose keys are whole lines. It is told the lines
// of the text in order, each with its line end; comments and blank lines become the
// lead of the node that follows. A block of comments at the top that a blank line
// follows is the head of the file, and the lead of the root.
type Builder struct {
	text    string
	root    *Node
	in      *Node // the section that is open, or the root
	pending []Atom
	at      int // how far the text is covered
}

// NewBuilder returns a builder for a text.
func NewBuilder(text string) *Builder {
	all := Range{0, len(text)}
	root := &Node{Kind: Map, Lines: true, Full: all, Body: all, Inner: all}
	return &Builder{text: text, root: root, in: root}
}

// Other takes the line that ends at end: a comment or a blank line.
func (b *Builder) Other(end int) {
	b.pending = append(b.pending, Atom{Range{b.at, end}, Fold(b.text[b.at:end])})
	b.at = end
}

// Fold is the Text of a comment: blanks folded.
func Fold(s string) string {
	s = strings.TrimSpace(s)
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' || c == ' ' && s[i+1] == ' ' {
			return strings.Join(strings.Fields(s), " ")
		}
	}
	return s
}

// Add takes a node whose Body, Val and Trail are set and whose lines end at end.
func (b *Builder) Add(n *Node, end int) {
	b.attach(n, end)
	b.in.Kids = append(b.in.Kids, n)
	if b.in != b.root {
		b.grow(end)
	}
}

// Section takes a Map or List whose heading lines end at end; what is added from now on
// is its kids, and Last. Its Body must begin at the heading.
func (b *Builder) Section(n *Node, end int) {
	b.in = b.root
	b.attach(n, end)
	n.Lines, n.Last = true, true
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
func NextLine[T string | []byte](text T, at int) (end int, content string) {
	for end = at; end < len(text); {
		end++
		if text[end-1] == '\n' {
			break
		}
	}
	last := end
	for last > at && (text[last-1] == '\n' || text[last-1] == '\r') {
		last--
	}
	return end, string(text[at:last])
}
