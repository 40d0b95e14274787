// Package json gives the tree of JSON texts for merging, in two formats: "json" is what
// RFC 8259 says, "jsonc" allows comments and a comma behind the last item too:
//
//	{
//	  // about the port
//	  "port": 9001, // a comment behind a value belongs to it
//	  "users": [{"name": "admin"}, {"name": "guest"}],
//	}
//
// Members are known by their unescaped key, whatever their order. The items of a list
// are known as tree.Identify says. Strings are compared unescaped, numbers as they are
// spelled: none is rounded, and 1 and 1.0 may be of different types to who reads them.
// The comma is no part of a value, so that a member added behind the last one changes
// nothing else.
//
// Refused, so that lines decide: a text whose top is no object or list, and comments
// within a member (before or behind its colon, or before its comma), whose place a
// merge could not keep.
package json

import (
	"bytes"
	"fmt"
	"strings"

	"inplace/merge/tree"
)

// Format is JSON without comments, for merges.
func Format() tree.Format {
	return tree.Format{Name: "json", Parse: Parse}
}

// Commented is JSON with comments, for merges.
func Commented() tree.Format {
	return tree.Format{Name: "jsonc", Parse: ParseCommented, LineComments: true}
}

// Parse returns the tree of JSON.
func Parse(data []byte) (*tree.Node, error) { return parse(data, false) }

// ParseCommented returns the tree of JSON with comments and final commas.
func ParseCommented(data []byte) (*tree.Node, error) { return parse(data, true) }

type parser struct {
	data      []byte
	at        int
	commented bool
}

func parse(data []byte, commented bool) (*tree.Node, error) {
	p := &parser{data: data, commented: commented}
	lead, err := p.comments()
	if err != nil {
		return nil, err
	}
	if c := p.next(); c != '{' && c != '[' {
		return nil, p.want("an object or a list")
	}
	root, err := p.container("", 0)
	if err != nil {
		return nil, err
	}
	root.Lead = lead
	root.Full = tree.Range{End: len(data)}
	behind, err := p.comments()
	if err != nil {
		return nil, err
	}
	if p.at < len(data) {
		return nil, p.want("the end of the text")
	}
	if len(behind) > 0 {
		root.Trail = tree.Range{Start: behind[0].Start, End: behind[len(behind)-1].End}
	}
	return root, nil
}

// next returns the byte at hand, 0 at the end.
func (p *parser) next() byte {
	if p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

func (p *parser) want(what string) error {
	line := bytes.Count(p.data[:p.at], []byte{'\n'}) + 1
	if p.at == len(p.data) {
		return fmt.Errorf("line %d: want %s, got the end of the text", line, what)
	}
	return fmt.Errorf("line %d: want %s, got %q", line, what, p.data[p.at])
}

// skip goes on behind all bytes of a set.
func (p *parser) skip(set string) {
	for p.at < len(p.data) && strings.IndexByte(set, p.data[p.at]) >= 0 {
		p.at++
	}
}

const (
	blanks = " \t"
	spaces = " \t\r\n"
)

// container reads an object or a list, which has this name.
func (p *parser) container(name string, depth int) (*tree.Node, error) {
	if depth >= tree.MaxDepth {
		return nil, tree.ErrDepth
	}
	n := &tree.Node{Kind: tree.Map, Separator: ",", FinalSep: p.commented}
	n.Body.Start = p.at
	list := p.data[p.at] == '['
	closing := byte('}')
	if list {
		n.Kind, n.Type, closing = tree.List, "array", ']'
	}
	p.at++
	n.Inner.Start = p.at
	separated := true
	for {
		from := p.at
		lead, err := p.comments()
		if err != nil {
			return nil, err
		}
		if p.next() == closing {
			if separated && len(n.Kids) > 0 && !p.commented {
				return nil, p.want("a value")
			}
			n.Tail = lead
			n.Inner.End = p.at
			p.at++
			n.Body.End = p.at
			if list {
				tree.Identify(n, name)
			}
			return n, nil
		}
		if !separated {
			return nil, p.want("a comma")
		}
		var kid *tree.Node
		if list {
			kid, err = p.value(name, depth+1)
		} else {
			kid, err = p.member(depth + 1)
		}
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

// member reads a key and its value.
func (p *parser) member(depth int) (*tree.Node, error) {
	start := p.at
	if p.next() != '"' {
		return nil, p.want("a key")
	}
	key, err := p.text()
	if err != nil {
		return nil, err
	}
	p.skip(spaces)
	if p.next() != ':' {
		return nil, p.want("a colon")
	}
	p.at++
	p.skip(spaces)
	n, err := p.value(key, depth)
	if err != nil {
		return nil, err
	}
	n.Key, n.Body.Start = key, start
	return n, nil
}

// value reads a value, which has this name.
func (p *parser) value(name string, depth int) (*tree.Node, error) {
	if depth > tree.MaxDepth {
		return nil, tree.ErrDepth
	}
	if c := p.next(); c == '{' || c == '[' {
		return p.container(name, depth)
	}
	start := p.at
	value, err := p.scalar()
	if err != nil {
		return nil, err
	}
	r := tree.Range{Start: start, End: p.at}
	return &tree.Node{Value: value, Body: r, Val: r}, nil
}
