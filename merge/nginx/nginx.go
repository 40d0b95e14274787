// Package nginx gives the tree of files in the syntax of nginx, for merging:
//
//	# comment
//	worker_processes auto;
//	server {
//	    listen 80;
//	    location / { try_files $uri =404; }
//	}
//
// A block is known by its name and arguments, a server by its server_name, a directive
// by its name; of those that stand several times with a name of their own (add_header,
// fastcgi_param, set) the first argument belongs to the name. The order of locations,
// and of the directives that nginx runs one after the other (if, rewrite, return, set,
// allow, deny), has a meaning, that of others has none. Blocks of other languages
// (content_by_lua_block) are not understood, and a text with one is refused.
package nginx

import (
	"errors"
	"strings"

	"inplace/merge/tree"
)

// Format is the format for merges.
func Format() tree.Format { return tree.Format{Name: "nginx", Parse: Parse, LineComments: true} }

var (
	errOpen    = errors.New("a block or directive that does not end")
	errClose   = errors.New("a closing brace without a block")
	errForeign = errors.New("a block in another language")
)

const blanks = " \t\r\n"

// Parse returns the tree of a text.
func Parse(data []byte) (*tree.Node, error) {
	p := &parser{text: string(data)}
	root := &tree.Node{Kind: tree.Map, Full: tree.Range{End: len(data)}}
	root.Lead = p.head()
	root.Body = tree.Range{Start: p.at, End: len(data)}
	root.Inner = root.Body
	if err := p.kids(root, 0); err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, errClose
	}
	return root, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) blanks() {
	for p.at < len(p.text) && strings.IndexByte(blanks, p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) line() {
	if i := strings.IndexByte(p.text[p.at:], '\n'); i >= 0 {
		p.at += i
		if p.text[p.at-1] == '\r' {
			p.at--
		}
		return
	}
	p.at = len(p.text)
}

// head reads the comments of the file's head: those before a blank line.
func (p *parser) head() []tree.Atom {
	atoms := p.comments()
	end := 0
	for i, a := range atoms {
		if i > 0 && strings.Count(p.text[a.Start:a.End], "\n") > 1 {
			atoms, p.at = atoms[:i], a.Start
			return atoms
		}
		end = a.End
	}
	at := end
	for at < len(p.text) && strings.IndexByte(blanks, p.text[at]) >= 0 {
		at++
	}
	if strings.Count(p.text[end:at], "\n") < 2 {
		atoms, end = nil, 0
	}
	p.at = end
	return atoms
}

// comments reads comments, each with the blanks before it.
func (p *parser) comments() []tree.Atom {
	var atoms []tree.Atom
	for {
		start := p.at
		p.blanks()
		if p.at >= len(p.text) || p.text[p.at] != '#' {
			p.at = start
			return atoms
		}
		p.line()
		atoms = append(atoms, tree.Atom{Range: tree.Range{Start: start, End: p.at}, Text: tree.Fold(p.text[start:p.at])})
	}
}

// kids reads the directives of a block up to its closing brace, or the end of the text.
func (p *parser) kids(in *tree.Node, depth int) error {
	if depth > tree.MaxDepth {
		return tree.ErrDepth
	}
	for {
		k := &tree.Node{Full: tree.Range{Start: p.at}}
		k.Lead = p.comments()
		p.blanks()
		if p.at >= len(p.text) || p.text[p.at] == '}' {
			in.Tail = k.Lead
			return nil
		}
		if err := p.directive(k, depth); err != nil {
			return err
		}
		at := p.at
		for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
			p.at++
		}
		if p.at < len(p.text) && p.text[p.at] == '#' {
			p.line()
			k.Trail = tree.Range{Start: at, End: p.at}
		} else {
			p.at = at
		}
		k.Full.End = p.at
		in.Kids = append(in.Kids, k)
	}
}

// directive reads one directive, or a block with all that is in it.
func (p *parser) directive(k *tree.Node, depth int) error {
	k.Body.Start = p.at
	var words []string
	value := tree.Range{}
	for {
		p.blanks()
		if p.at >= len(p.text) {
			return errOpen
		}
		switch c := p.text[p.at]; {
		case c == '}' || c == '{' && len(words) == 0 || c == ';' && len(words) == 0:
			return errOpen
		case c == '#':
			p.line()
		case c == ';':
			p.at++
			k.Body.End = p.at
			k.Val = value
			name(k, words)
			return nil
		case c == '{':
			if strings.HasSuffix(words[0], "_by_lua_block") || strings.HasSuffix(words[0], "_by_njs_block") {
				return errForeign
			}
			p.at++
			k.Kind = tree.Map
			k.Inner.Start = p.at
			if err := p.kids(k, depth+1); err != nil {
				return err
			}
			p.blanks()
			if p.at >= len(p.text) {
				return errOpen
			}
			k.Inner.End = p.at
			p.at++
			k.Body.End = p.at
			nameBlock(k, words)
			return nil
		default:
			start := p.at
			if err := p.word(); err != nil {
				return err
			}
			words = append(words, p.text[start:p.at])
			if len(words) == 1 {
				value = tree.Range{Start: p.at, End: p.at}
			} else {
				if len(words) == 2 {
					value.Start = start
				}
				value.End = p.at
			}
		}
	}
}

// word reads a word: quoted, or up to a blank or a special character; ${name} is part of
// one.
func (p *parser) word() error {
	if c := p.text[p.at]; c == '"' || c == '\'' {
		for p.at++; p.at < len(p.text) && p.text[p.at] != c; p.at++ {
			if p.text[p.at] == '\\' {
				p.at++
			}
		}
		if p.at >= len(p.text) {
			return errOpen
		}
		p.at++
		return nil
	}
	for p.at < len(p.text) && strings.IndexByte(blanks+";{}", p.text[p.at]) < 0 {
		switch {
		case p.text[p.at] == '\\':
			p.at++
		case strings.HasPrefix(p.text[p.at:], "${"):
			i := strings.IndexByte(p.text[p.at:], '}')
			if i < 0 {
				return errOpen
			}
			p.at += i
		}
		p.at++
	}
	if p.at > len(p.text) {
		p.at = len(p.text)
	}
	return nil
}

// name identifies a directive by its words.
func name(k *tree.Node, words []string) {
	k.Key, k.Value = words[0], strings.Join(words[1:], " ")
	k.Bare = len(words) == 1
	k.Bag = true
	switch words[0] {
	case "add_header", "proxy_set_header", "fastcgi_param", "uwsgi_param", "scgi_param", "grpc_set_header", "set", "server", "env":
		if len(words) > 1 {
			k.Key += " " + words[1]
		}
	}
	switch words[0] {
	case "if", "rewrite", "return", "set", "break", "allow", "deny":
		k.Order = "run"
	}
}

// nameBlock identifies a block by its words, a server by what it serves.
func nameBlock(k *tree.Node, words []string) {
	k.Key = strings.Join(words, " ") + " {}"
	k.Label = strings.Join(words, " ")
	k.Bag = true
	switch words[0] {
	case "location":
		k.Order = "location"
	case "if":
		k.Order = "run"
	case "server":
		k.Tag = "server"
		for _, d := range k.Kids {
			if d.Key == "server_name" {
				k.Key = "server " + d.Value + " {}"
				k.Label = "server[" + d.Value + "]"
			}
		}
	}
}
