// Package xml gives the tree of an XML document for merging.
//
// The document is a map of its declaration, document type, processing instructions and
// root element. An element has two parts: its attributes, and its content, which is
// one of
//
//	nothing      <a/>, <a></a>, blanks and comments
//	text         <a>one value</a>, CDATA too
//	elements     a map of elements; a list where all of them are in an order (order.go)
//	mixed        text beside elements or comments: taken or left as a whole
//
// Elements are told apart by what names them: an attribute or a child (identity.go); those
// that nothing names by their content. The name of an attribute or element is
// compared with its prefix, as it is written.
//
// Values are compared decoded: references resolved, quotes and CDATA gone, blanks around
// line breaks folded. An entity that the document declares stays a reference, and the
// document type is one opaque value: nothing is ever expanded or fetched.
//
// UTF-8, US-ASCII and ISO-8859-1 are read, by the declaration. Any other encoding, UTF-16
// too, and any text that is not well-formed is refused.
package xml

import (
	"fmt"

	"inplace/merge/tree"
)

// Format is the format for merges.
func Format() tree.Format { return tree.Format{Name: "xml", Parse: Parse} }

// maxElements is how deep elements may nest: each is two levels of the tree.
const maxElements = (tree.MaxDepth - 10) / 2

// Parse returns the tree of a document without byte order mark.
func Parse(data []byte) (*tree.Node, error) {
	l, err := newLexer(data)
	if err != nil {
		return nil, err
	}
	p := &parser{lexer: l}
	whole := tree.Range{Start: 0, End: len(data)}
	root := &tree.Node{Kind: tree.Map, Full: whole, Body: whole, Inner: whole}
	if !l.ascii {
		root.Charset = l.charset
	}
	var items []item
	elements := 0
	for {
		t, err := p.next()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case endOfText:
			if elements != 1 {
				return nil, fmt.Errorf("want one root element, got %d", elements)
			}
			p.document(root, items)
			return root, nil
		case text, cdata:
			if t.kind == cdata || !isBlank(data[t.start:t.end]) {
				return nil, p.fault(t.start, "text outside the root element")
			}
		case comment:
			items = append(items, item{token: t})
		case declaration:
			items = append(items, item{token: t, node: p.declaration(t)})
		case doctype:
			if elements > 0 {
				return nil, p.fault(t.start, "document type behind the root element")
			}
			items = append(items, item{token: t, node: opaque("!DOCTYPE", t, data)})
		case instruction:
			items = append(items, item{token: t, node: opaque("?"+t.name, t, data)})
		case startTag:
			p.vocabulary = local(t.name)
			e, err := p.element(t, 1, false)
			if err != nil {
				return nil, err
			}
			e.node.Key, e.node.Tag, e.node.Order = t.name, "", "" // there is but one
			elements++
			t.end = e.node.Body.End
			items = append(items, item{token: t, node: e.node})
		case endTag:
			return nil, p.fault(t.start, "an end tag without a start tag")
		}
	}
}

// opaque makes the node of a construct that is one value.
func opaque(key string, t token, data []byte) *tree.Node {
	r := tree.Range{Start: t.start, End: t.end}
	return &tree.Node{Key: key, Bag: key[0] == '?', Value: tree.Fold(string(data[t.start:t.end])), Body: r, Val: r}
}

// declaration makes the node of the XML declaration: its parts are attributes.
func (p *parser) declaration(t token) *tree.Node {
	n := &tree.Node{Key: "?xml", Kind: tree.Map, Body: tree.Range{Start: t.start, End: t.end}}
	n.Kids = p.attributes(t, t.nameEnd)
	n.Inner = tree.Range{Start: t.nameEnd, End: t.end - len("?>")}
	for _, k := range n.Kids {
		if k.Key == "@encoding" {
			k.Value = p.charset
		}
	}
	return n
}

// parser builds nodes from tokens.
type parser struct {
	*lexer
	vocabulary string // local name of the root element
}

// item is one thing within an element or the document, in the order of the text.
type item struct {
	token token
	node  *tree.Node // of an element, an instruction, a text in mixed content; nil for comments
	elem  *elem      // of an element
}

// elem is an element and what its parent needs to know of it.
type elem struct {
	node  *tree.Node
	local string // name without prefix
	text  string // its value, if plain
	plain bool   // it holds a text and nothing else, and has no attributes
}

// element reads an element whose start tag was read; depth is its level, preserve tells
// whether blanks count in it.
func (p *parser) element(start token, depth int, preserve bool) (*elem, error) {
	if depth > maxElements {
		return nil, tree.ErrDepth
	}
	n := &tree.Node{Kind: tree.Map, Bag: true, Order: p.orderOf(local(start.name))}
	attrs := &tree.Node{Key: "@", Quiet: true, Kind: tree.Map, Kids: p.attributes(start, start.nameEnd)}
	attrs.Full = tree.Range{Start: start.nameEnd, End: start.tagEnd}
	attrs.Body = tree.Range{Start: start.nameEnd, End: start.nameEnd}
	if len(attrs.Kids) > 0 {
		attrs.Body.End = attrs.Kids[len(attrs.Kids)-1].Full.End
	}
	attrs.Inner = attrs.Body
	for _, a := range start.attrs {
		if a.name == "xml:space" {
			preserve = a.value == "preserve"
		}
	}

	content := &tree.Node{Key: "#", Quiet: true, Kind: contentKind(local(start.name))}
	content.Body = tree.Range{Start: start.tagEnd, End: start.end}
	var items []item
	if start.empty {
		content.Inner = tree.Range{Start: start.tagEnd, End: start.tagEnd}
		content.Closed = true
	} else {
		var end token
		var err error
		if items, end, err = p.items(start, depth, preserve); err != nil {
			return nil, err
		}
		content.Inner = tree.Range{Start: start.end, End: end.start}
		content.Body.End = end.end
	}
	e := &elem{node: n, local: local(start.name)}
	p.fill(content, items, preserve)
	if content.Kind == tree.Leaf {
		e.plain, e.text = len(start.attrs) == 0, content.Value
	}
	content.Full = content.Body
	n.Body = tree.Range{Start: start.start, End: content.Body.End}
	n.Inner = tree.Range{Start: start.nameEnd, End: content.Body.End}
	n.Kids = []*tree.Node{attrs, content}
	name(e, start, items)
	return e, nil
}

// items reads what is within an element, up to its end tag.
func (p *parser) items(start token, depth int, preserve bool) (items []item, end token, err error) {
	for {
		t, err := p.next()
		if err != nil {
			return nil, end, err
		}
		switch t.kind {
		case endOfText:
			return nil, end, p.fault(start.start, "element "+start.name+" has no end")
		case endTag:
			if t.name != start.name {
				return nil, end, p.fault(t.start, "want end of element "+start.name+", got that of "+t.name)
			}
			return items, t, nil
		case startTag:
			e, err := p.element(t, depth+1, preserve)
			if err != nil {
				return nil, end, err
			}
			t.end = e.node.Body.End
			items = append(items, item{token: t, node: e.node, elem: e})
		case instruction:
			items = append(items, item{token: t, node: opaque("?"+t.name, t, p.data)})
		case declaration, doctype:
			return nil, end, p.fault(t.start, "not allowed within an element")
		case text:
			if preserve || !isBlank(p.data[t.start:t.end]) {
				items = append(items, item{token: t})
			}
		default:
			items = append(items, item{token: t})
		}
	}
}

// attributes makes the nodes of a tag's attributes; from is where the first one's blanks
// begin.
func (p *parser) attributes(t token, from int) []*tree.Node {
	kids := make([]*tree.Node, 0, len(t.attrs))
	for _, a := range t.attrs {
		kids = append(kids, &tree.Node{
			Key: "@" + a.name, Value: a.value,
			Full: tree.Range{Start: from, End: a.end},
			Body: tree.Range{Start: a.start, End: a.end},
			Val:  tree.Range{Start: a.valStart, End: a.end},
		})
		from = a.end
	}
	return kids
}
