package xml

import (
	"bytes"

	"inplace/merge/tree"
)

// document places the declaration, the document type, instructions, comments and the root
// element. Where each begins a line, as is usual, they are whole lines: one can then be
// put before the first one.
func (p *parser) document(root *tree.Node, items []item) {
	at := 0
	for i, it := range items {
		if between := p.data[at:it.token.start]; i > 0 && bytes.IndexByte(between, '\n') < 0 {
			p.layout(root, items)
			return
		}
		at = it.token.end
	}
	root.Lines = true
	at = 0
	start := 0 // of the node that comes next, with its comments
	var pending []tree.Atom
	for _, it := range items {
		for {
			end, line := tree.NextLine(p.data, at)
			if end > it.token.start || line != "" && !isBlank([]byte(line)) {
				break
			}
			pending = append(pending, tree.Atom{Range: tree.Range{Start: at, End: end}})
			at = end
		}
		end := p.lineEnd(it.token.end)
		if it.node == nil {
			text := tree.Fold(string(p.data[it.token.start:it.token.end]))
			pending = append(pending, tree.Atom{Range: tree.Range{Start: at, End: end}, Text: text})
		} else {
			it.node.Lead = pending
			it.node.Full = tree.Range{Start: start, End: end}
			root.Kids = append(root.Kids, it.node)
			pending, start = nil, end
		}
		at = end
	}
	root.Tail = pending
}

// lineEnd is where the line whose rest from at on is blank ends.
func (p *parser) lineEnd(at int) int {
	for at < len(p.data) && isBlank(p.data[at:at+1]) {
		if at++; p.data[at-1] == '\n' {
			break
		}
	}
	return at
}
