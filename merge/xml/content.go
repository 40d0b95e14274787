package xml

import (
	"bytes"
	"strings"

	"inplace/merge/tree"
)

// fill makes content of what is within an element: a leaf of a text, a container of
// elements, or for mixed content a list that is taken as a whole. One text beside several
// elements that begins or ends a line is no mixed content: it is one more thing there.
func (p *parser) fill(content *tree.Node, items []item, preserve bool) {
	var texts []token
	elements := 0
	for _, it := range items {
		switch it.token.kind {
		case text, cdata:
			texts = append(texts, it.token)
		case startTag:
			elements++
		}
	}
	if len(texts) > 0 && len(texts) == len(items) {
		p.value(content, items, preserve)
		return
	}
	if len(texts) > 1 || len(texts) == 1 && (preserve || elements < 2 || !p.apart(texts[0])) {
		content.Kind, content.Atomic = tree.List, true
	}
	for i, it := range items {
		if it.token.kind == text || it.token.kind == cdata {
			items[i].node = p.textNode(it.token, preserve)
		}
	}
	p.layout(content, items)
}

// apart tells whether a line break stands before or behind a text.
func (p *parser) apart(t token) bool {
	s := p.data[t.start:t.end]
	before := s[:len(s)-len(bytes.TrimLeft(s, blanks))]
	after := s[len(bytes.TrimRight(s, blanks)):]
	return t.kind == text && (bytes.IndexByte(before, '\n') >= 0 || bytes.IndexByte(after, '\n') >= 0)
}

// value makes content a leaf: the pieces are text and CDATA alone.
func (p *parser) value(content *tree.Node, pieces []item, preserve bool) {
	content.Kind = tree.Leaf
	content.Closed = false
	content.Val = tree.Range{Start: pieces[0].token.start, End: pieces[len(pieces)-1].token.end}
	content.Verbatim = preserve
	var value strings.Builder
	for i, it := range pieces {
		if it.token.kind == cdata {
			content.Verbatim = true
			value.WriteString(lineEnds(p.decodeBytes(it.token.start+len("<![CDATA["), it.token.end-len("]]>"))))
			continue
		}
		raw := p.decodeBytes(it.token.start, it.token.end)
		if !preserve {
			raw = foldLines(raw, "\n")
			if i == 0 {
				raw = strings.TrimLeft(raw, blanks)
			}
			if i == len(pieces)-1 {
				raw = strings.TrimRight(raw, blanks)
			}
		}
		value.WriteString(p.resolve(raw))
	}
	content.Value = value.String()
	if !preserve {
		content.Val = trimRange(p.data, content.Val)
	}
}

// textNode makes the node of a text in mixed content.
func (p *parser) textNode(t token, preserve bool) *tree.Node {
	n := &tree.Node{Key: "#text", Bag: true, Body: tree.Range{Start: t.start, End: t.end}, Verbatim: preserve || t.kind == cdata}
	switch {
	case t.kind == cdata:
		n.Value = lineEnds(p.decodeBytes(t.start+len("<![CDATA["), t.end-len("]]>")))
	case preserve:
		n.Value = p.resolve(lineEnds(p.decodeBytes(t.start, t.end)))
	default:
		n.Body = trimRange(p.data, n.Body)
		n.Value = p.resolve(strings.Trim(foldLines(p.decodeBytes(t.start, t.end), "\n"), blanks))
	}
	n.Val = n.Body
	return n
}

// layout places nodes and comments within a container. A comment belongs to the node that
// follows it, one that ends a node's line to that node.
func (p *parser) layout(in *tree.Node, items []item) {
	at := in.Inner.Start
	start := at // of the node that comes next, with its comments
	var pending []tree.Atom
	var last *tree.Node
	for _, it := range items {
		t := it.token
		switch {
		case it.node != nil:
			n := it.node
			n.Lead = pending
			n.Full = tree.Range{Start: start, End: n.Body.End}
			in.Kids = append(in.Kids, n)
			last, pending = n, nil
			at, start = n.Full.End, n.Full.End
		case last != nil && len(pending) == 0 && p.trails(at, t, in.Inner.End):
			last.Trail = tree.Range{Start: at, End: t.end}
			last.Full.End = t.end
			at, start = t.end, t.end
			last = nil
		default:
			pending = append(pending, tree.Atom{Range: tree.Range{Start: at, End: t.end}, Text: tree.Fold(string(p.data[t.start:t.end]))})
			at = t.end
		}
	}
	in.Tail = pending
}

// trails tells whether a comment stands behind what ends at at on one line, and ends it.
func (p *parser) trails(at int, t token, end int) bool {
	if bytes.IndexByte(p.data[at:t.end], '\n') >= 0 {
		return false
	}
	next := p.lineEnd(t.end)
	return next >= end || p.data[next-1] == '\n'
}

const blanks = " \t\r\n"

func isBlank(b []byte) bool { return len(bytes.Trim(b, blanks)) == 0 }

// trimRange leaves out the blanks at both ends.
func trimRange(data []byte, r tree.Range) tree.Range {
	s := data[r.Start:r.End]
	r.Start += len(s) - len(bytes.TrimLeft(s, blanks))
	r.End -= len(s) - len(bytes.TrimRight(s, blanks))
	return tree.Range{Start: r.Start, End: max(r.Start, r.End)}
}
