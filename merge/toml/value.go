package toml

import (
	"strings"

	"inplace/merge/tree"
)

// value reads a value, which has this name.
func (p *parser) value(name string, depth int) (*tree.Node, error) {
	if depth >= tree.MaxDepth {
		return nil, tree.ErrDepth
	}
	switch p.next() {
	case '[':
		return p.array(name, depth)
	case '{':
		return p.inline(depth)
	}
	start := p.at
	meaning, err := p.scalar()
	if err != nil {
		return nil, err
	}
	r := tree.Range{Start: start, End: p.at}
	return &tree.Node{
		Value: meaning, Body: r, Val: r,
		Verbatim: strings.Contains(string(p.data[r.Start:r.End]), "\n"),
	}, nil
}

// array reads [ items ], which may go over several lines and have a final comma.
func (p *parser) array(name string, depth int) (*tree.Node, error) {
	n := &tree.Node{Kind: tree.List, Type: "array", Separator: ",", FinalSep: true}
	n.Body.Start = p.at
	p.at++
	n.Inner.Start = p.at
	for separated := true; ; {
		from := p.at
		lead, err := p.comments()
		if err != nil {
			return nil, err
		}
		if p.next() == ']' {
			n.Tail = lead
			n.Inner.End = p.at
			p.at++
			n.Body.End = p.at
			tree.Identify(n, name)
			return n, nil
		}
		if !separated {
			return nil, p.want(",")
		}
		kid, err := p.value(name, depth+1)
		if err != nil {
			return nil, err
		}
		kid.Full.Start, kid.Lead = from, lead
		if kid.Sep, kid.Trail, err = p.behind(); err != nil {
			return nil, err
		}
		kid.Full.End = p.at
		separated = !kid.Sep.Empty()
		n.Kids = append(n.Kids, kid)
	}
}

// behind reads what follows an item: its comma, and the comment behind it on its line.
func (p *parser) behind() (sep, trail tree.Range, err error) {
	end := p.at
	p.skipLines()
	if p.next() == ',' {
		sep = tree.Range{Start: p.at, End: p.at + 1}
		end = p.at + 1
	}
	p.at = end
	p.skip(blanks)
	if p.next() != '#' {
		p.at = end
		return sep, trail, nil
	}
	if err := p.comment(); err != nil {
		return sep, trail, err
	}
	return sep, tree.Range{Start: end, End: p.at}, nil
}

// inline reads { key = value, ... }, which stands on one line and has no final comma.
func (p *parser) inline(depth int) (*tree.Node, error) {
	n := &tree.Node{Kind: tree.Map, Separator: ","}
	n.Body.Start = p.at
	p.at++
	n.Inner.Start = p.at
	names := newName(explicit)
	for separated := false; ; {
		from := p.at
		p.skip(blanks)
		if p.next() == '}' && !separated {
			n.Inner.End = p.at
			p.at++
			n.Body.End = p.at
			return n, nil
		}
		if len(n.Kids) > 0 && !separated {
			return nil, p.want(",")
		}
		kid, err := p.assignment(names, depth+1)
		if err != nil {
			return nil, err
		}
		kid.Full = tree.Range{Start: from, End: p.at}
		p.skip(blanks)
		if separated = p.next() == ','; separated {
			kid.Sep = tree.Range{Start: p.at, End: p.at + 1}
			p.at++
			kid.Full.End = p.at
		} else {
			p.at = kid.Full.End
		}
		n.Kids = append(n.Kids, kid)
	}
}
