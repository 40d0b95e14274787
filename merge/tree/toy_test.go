package tree_test

import (
	"errors"
	"strings"

	"inplace/merge/tree"
)

// The toy format has all that a tree can have: maps {a=1, b=2}, whose last item may be
// followed by a comma, lists [x, y] whose order counts, values of word characters,
// and comments from # to the end of the line.
func toy() tree.Format { return tree.Format{Name: "toy", Parse: parseToy, LineComments: true} }

type toyParser struct {
	s     string
	at    int
	depth int
}

var errToy = errors.New("not toy")

func parseToy(data []byte) (*tree.Node, error) {
	p := &toyParser{s: string(data)}
	root := &tree.Node{Full: tree.Range{Start: 0, End: len(data)}, Separator: ",", FinalSep: true}
	var err error
	root.Lead = p.comments()
	p.blanks()
	if err = p.container(root); err != nil {
		return nil, err
	}
	if root.Trail = p.trail(); strings.Trim(p.s[p.at:], " \t\n\r") != "" {
		return nil, errToy
	}
	return root, nil
}

func (p *toyParser) blanks() {
	for p.at < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.at]) >= 0 {
		p.at++
	}
}

// comments reads comments, each with the blanks before it.
func (p *toyParser) comments() []tree.Atom {
	var atoms []tree.Atom
	for {
		start := p.at
		p.blanks()
		if !strings.HasPrefix(p.s[p.at:], "#") {
			p.at = start
			return atoms
		}
		for p.at < len(p.s) && p.s[p.at] != '\n' {
			p.at++
		}
		atoms = append(atoms, tree.Atom{Range: tree.Range{Start: start, End: p.at}, Text: tree.Fold(p.s[start:p.at])})
	}
}

// trail reads a comment behind an item, on its line.
func (p *toyParser) trail() tree.Range {
	start := p.at
	for p.at < len(p.s) && p.s[p.at] == ' ' {
		p.at++
	}
	if !strings.HasPrefix(p.s[p.at:], "#") {
		p.at = start
		return tree.Range{}
	}
	for p.at < len(p.s) && p.s[p.at] != '\n' {
		p.at++
	}
	return tree.Range{Start: start, End: p.at}
}

func (p *toyParser) container(n *tree.Node) error {
	if p.depth++; p.depth > tree.MaxDepth {
		return tree.ErrDepth
	}
	defer func() { p.depth-- }()
	if p.at >= len(p.s) || strings.IndexByte("{[", p.s[p.at]) < 0 {
		return errToy
	}
	closing := byte('}')
	n.Kind, n.Separator, n.FinalSep = tree.Map, ",", true
	if p.s[p.at] == '[' {
		n.Kind, n.Type, closing = tree.List, "list", ']'
	}
	if n.Body.Start == 0 {
		n.Body.Start = p.at
	}
	p.at++
	n.Inner.Start = p.at
	for more := true; ; {
		start := p.at
		lead := p.comments()
		end := p.at
		p.blanks()
		if p.at < len(p.s) && p.s[p.at] == closing {
			n.Tail = lead
			n.Inner.End = p.at
			_ = end
			p.at++
			n.Body.End = p.at
			return nil
		}
		if !more {
			return errToy
		}
		k := &tree.Node{Lead: lead, Full: tree.Range{Start: start}}
		if err := p.item(k, n.Kind == tree.List); err != nil {
			return err
		}
		at := p.at
		p.blanks()
		if more = p.at < len(p.s) && p.s[p.at] == ','; more {
			k.Sep = tree.Range{Start: p.at, End: p.at + 1}
			p.at++
		} else {
			p.at = at
		}
		k.Trail = p.trail()
		k.Full.End = p.at
		n.Kids = append(n.Kids, k)
	}
}

func (p *toyParser) word() string {
	start := p.at
	for p.at < len(p.s) && (p.s[p.at] >= '0' && p.s[p.at] <= '9' || p.s[p.at] >= 'a' && p.s[p.at] <= 'z' || p.s[p.at] == '@') {
		p.at++
	}
	return p.s[start:p.at]
}

func (p *toyParser) item(k *tree.Node, inList bool) error {
	k.Body.Start = p.at
	if !inList {
		if k.Key = p.word(); k.Key == "" || !strings.HasPrefix(p.s[p.at:], "=") {
			return errToy
		}
		if tag, _, ok := strings.Cut(k.Key, "@"); ok { // a@1 and a@2: one thing, renamed
			k.Tag = tag
		}
		p.at++
	}
	if p.at < len(p.s) && strings.IndexByte("{[", p.s[p.at]) >= 0 {
		k.Label = k.Key
		if inList {
			return errToy
		}
		return p.container(k)
	}
	k.Val.Start = p.at
	if k.Value = p.word(); k.Value == "" {
		return errToy
	}
	k.Val.End, k.Body.End = p.at, p.at
	if inList {
		k.Key = k.Value
	}
	return nil
}
