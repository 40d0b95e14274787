package yaml

import (
	"bytes"
	"fmt"

	yaml3 "gopkg.in/yaml.v3"

	"inplace/merge/tree"
)

// stream reads the whole text. The root's kids are the documents; the comments at the
// top that a blank line follows are its lead.
func (r *reader) stream(docs []*yaml3.Node) (*tree.Node, error) {
	all := tree.Range{Start: 0, End: len(r.data)}
	root := &tree.Node{Kind: tree.Map, Value: "stream", Lines: true, Full: all, Body: all, Inner: all}
	unnamed := 0
	for i, y := range docs {
		k := &tree.Node{Full: tree.Range{Start: r.at}}
		k.Lead = r.lines()
		explicit := r.marker("---")
		if i == 0 {
			root.Lead, k.Lead = head(k.Lead, explicit)
			if n := len(root.Lead); n > 0 {
				root.Body.Start = root.Lead[n-1].End
				root.Inner.Start, k.Full.Start = root.Body.Start, root.Body.Start
			}
		} else if !explicit && !r.behindEnd() {
			return nil, r.fault("the start of a document")
		}
		nameDocument(k, y, &unnamed)
		if err := r.document(k, y, explicit); err != nil {
			return nil, err
		}
		root.Kids = append(root.Kids, k)
	}
	root.Tail = r.lines()
	if r.at < len(r.data) {
		return nil, r.fault("the end of the text")
	}
	return root, nil
}

// head parts the comments at the top of the file from those of its first node.
func head(atoms []tree.Atom, explicit bool) (head, rest []tree.Atom) {
	n := 0
	for i, a := range atoms {
		if a.Text == "" || explicit {
			n = i + 1
		}
	}
	return atoms[:n:n], atoms[n:]
}

// marker tells whether a document marker stands here, at the beginning of a line.
func (r *reader) marker(text string) bool {
	rest, ok := bytes.CutPrefix(r.data[r.at:], []byte(text))
	return ok && r.column() == 0 && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// behindEnd tells whether the line before the comments above is a document's end.
func (r *reader) behindEnd() bool {
	for at := r.lineStart(); at > 0; {
		start := bytes.LastIndexByte(r.data[:at-1], '\n') + 1
		line := bytes.TrimSpace(r.data[start:at])
		if len(line) > 0 && line[0] != '#' {
			return bytes.Equal(line, []byte("..."))
		}
		at = start
	}
	return false
}

// document reads one document: its start, if it is explicit, its node and its end. The
// comments above a bare document are those of its first entry.
func (r *reader) document(n *tree.Node, y *yaml3.Node, explicit bool) error {
	n.Body.Start = r.at
	var err error
	switch {
	case explicit:
		r.at += len("---")
		err = r.value(n, y, -1)
	case isCollection(y) && !isFlow(y) && !hasProps(y):
		r.at, n.Lead = n.Full.Start, nil
		n.Body.Start, n.Value, n.Type = r.at, meaning(y), typeOf(y)
		err = r.kids(n, y, -1, false)
	default:
		err = r.value(n, y, -1)
	}
	if err != nil {
		return err
	}
	if y.Kind == yaml3.SequenceNode { // a playbook, a pipeline: its order has a meaning
		n.Kind = tree.List
	}
	return r.end(n)
}

// end reads the end marker of a document, if there is one. It belongs to the document's
// frame, so that nothing but blank lines may stand before it.
func (r *reader) end(n *tree.Node) error {
	from := r.at
	lead := r.lines()
	if !r.marker("...") {
		r.at = from
		return nil
	}
	for _, a := range lead {
		if a.Text != "" {
			return r.fault("no comment before the end of a document")
		}
	}
	r.at += len("...")
	r.blanks()
	if !r.newline() && !r.atEnd() || !n.Trail.Empty() {
		return r.fault("no comment at the end of a document")
	}
	n.Body.End, n.Full.End = r.at, r.at
	return nil
}

// nameDocument gives a document its identity: kind and metadata.name, where it has
// both, else its number among those that have not.
func nameDocument(n *tree.Node, y *yaml3.Node, unnamed *int) {
	kind, name := scalarAt(y, "kind"), scalarAt(mappingAt(y, "metadata"), "name")
	if kind != nil && name != nil {
		namespace := ""
		if ns := scalarAt(mappingAt(y, "metadata"), "namespace"); ns != nil && ns.Value != "" {
			namespace = ns.Value + "/"
		}
		n.Tag = kind.Value + "[name"
		n.Key = fmt.Sprintf("%s=%s%s]", n.Tag, namespace, name.Value)
		return
	}
	*unnamed++
	n.Key = fmt.Sprintf("document %d", *unnamed)
	n.Quiet = *unnamed == 1
}
