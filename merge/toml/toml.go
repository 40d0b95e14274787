// Package toml gives the tree of TOML 1.0 texts for merging:
//
//	title = "x"                 the head: keys before the first table
//	[server]                    a table
//	"port" = 0x2328             known as port, compared as 9000
//	tls.enabled = true          known as tls.enabled, in [server]
//	pool = { min = 1, max = 2 } merged key by key, as arrays are item by item
//	[[user]]                    an array of tables: a list of items
//	name = "admin"
//	[user.role]                 belongs to the item before it
//
// Keys and headers are compared unquoted and without blanks, values by type and meaning.
// The items of arrays, of both kinds, are known as tree.Identify says. Comments and
// blank lines belong to what follows them, but for a comment behind a value. What is
// commented out is a slot (slots.go).
//
// A dotted key, an inline table and a table of one name are three forms, and each has a
// place of its own in the tree. Which names they define is counted together, as TOML
// does (names.go): a text that defines one twice, in whatever forms, is refused. So a
// merge of two sides that added one table in two forms is never taken for clean.
//
// Refused too, so that lines decide: an array of tables whose items other tables part,
// comments between a value and its comma, and line ends that are CR alone.
package toml

import (
	"errors"
	"strings"
	"unicode/utf8"

	"inplace/merge/tree"
)

// Format is the format for merges.
func Format() tree.Format {
	return tree.Format{Name: "toml", Parse: Parse, LineComments: true}
}

// Parse returns the tree of a text.
func Parse(data []byte) (*tree.Node, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("no valid UTF-8")
	}
	p := &parser{lexer: lexer{data: data}, names: newName(implicit)}
	p.layout.start(data)
	for p.at < len(data) {
		if err := p.line(); err != nil {
			return nil, err
		}
	}
	return p.layout.done(), nil
}

// parser reads a text line by line: a line is a blank one, a comment, a header, or a
// key with its value, which may go over several lines.
type parser struct {
	lexer
	layout layout
	names  *name // all names of the text
	table  *name // those of the table that is open; nil in the head
}

func (p *parser) line() error {
	start := p.at
	p.skip(blanks)
	switch c := p.next(); {
	case p.at == len(p.data) || c == '\n' || c == '\r' || c == '#':
		from := p.at
		comment, err := p.lineEnd()
		if err != nil {
			return err
		}
		if comment.Empty() {
			p.layout.other(tree.Atom{Range: tree.Range{Start: start, End: p.at}})
		} else {
			p.layout.comment(start, from, comment.End, p.at)
		}
		return nil
	case c == '[':
		return p.header()
	}
	in := p.table
	if in == nil {
		in = p.names
	}
	n, err := p.assignment(in, p.layout.depth())
	if err != nil {
		return err
	}
	if n.Trail, err = p.lineEnd(); err != nil {
		return err
	}
	p.layout.add(n, p.at)
	return nil
}

// header reads the line of a table, or of an item of an array of tables.
func (p *parser) header() error {
	start := p.at
	p.at++
	array := p.next() == '['
	closing := "]"
	if array {
		p.at++
		closing = "]]"
	}
	path, err := p.key()
	if err != nil {
		return err
	}
	if !p.begins(closing) {
		return p.want(closing)
	}
	p.at += len(closing)
	comment, err := p.lineEnd()
	if err != nil {
		return err
	}
	table, arrays, more, err := p.names.header(path, array)
	if err != nil {
		return p.fault(err)
	}
	p.table = table
	n := &tree.Node{
		Kind: tree.Map, Lines: true, Aside: comment,
		Body: tree.Range{Start: start}, Inner: tree.Range{Start: p.at},
	}
	if array {
		return p.layout.item(n, path, arrays, more)
	}
	return p.layout.table(n, path, arrays)
}

// assignment reads a key and its value, the names of which go below in.
func (p *parser) assignment(in *name, depth int) (*tree.Node, error) {
	start := p.at
	path, err := p.key()
	if err != nil {
		return nil, err
	}
	if p.next() != '=' {
		return nil, p.want("=")
	}
	p.at++
	p.skip(blanks)
	if err := in.assign(path); err != nil {
		return nil, p.fault(err)
	}
	n, err := p.value(path[len(path)-1], depth)
	if err != nil {
		return nil, err
	}
	n.Key, n.Body.Start = spell(path), start
	return n, nil
}

// spell writes a path so that no two paths are alike: segments that TOML would quote
// are quoted.
func spell(path []string) string {
	var s strings.Builder
	for i, segment := range path {
		if i > 0 {
			s.WriteByte('.')
		}
		if segment != "" && strings.Trim(segment, bare) == "" {
			s.WriteString(segment)
		} else {
			s.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(segment) + `"`)
		}
	}
	return s.String()
}
