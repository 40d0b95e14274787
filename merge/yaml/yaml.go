// Package yaml gives the tree of YAML streams for merging: documents, block and flow
// collections, and scalars of every style, with their comments.
//
//	# head comment of the file
//
//	---                        a document; the next begins with the next such line
//	services:                  # comment behind a head
//	  web:
//	    image: "nginx:1.27"    # comment behind a value
//	    ports: ["80:80"]
//	    command: |-
//	      exec nginx \
//	        -g 'daemon off;'
//	volumes:
//	- name: data               an item known by its name
//	  <<: *defaults
//
// What a text says is read by yaml.v3; where it says it, by this package, which walks
// along the nodes that yaml.v3 found and looks for the end of each (scalar.go, block.go,
// flow.go, document.go). Both must agree on every byte: between two nodes there is
// nothing but the indicators that belong there, blanks and comments, and a plain or
// block scalar reads as yaml.v3 says. Where they do not agree the text is refused, so
// that a fault of either cannot become a wrong merge.
//
// Identity (identity.go): entries of a mapping by their key, items of a list by their
// identifying entry, documents by kind and metadata.name. A value is compared with its
// type, its tag and its anchor. A collection with a tag is taken whole or left, one with
// an anchor is merged as any other where all sides have the same anchor; an alias is a
// value of its own and never replaced by what it stands for. Items without an identity,
// or with one that is edited as any value is (host, path), conflict where both changed one.
//
// Refused, so that lines decide: what yaml.v3 cannot read (templates with {{ }}),
// directives, explicit keys (? key), keys that are no plain or quoted scalars, one
// anchor set twice in a document, a byte order mark or a line break other than LF and
// CRLF within the text, comments at places that no node owns.
package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	yaml3 "gopkg.in/yaml.v3"

	"inplace/merge/tree"
)

// maxBytes is how long a text may be.
const maxBytes = 16 << 20

// Format is the format for merges.
func Format() tree.Format { return tree.Format{Name: "yaml", Parse: Parse, LineComments: true} }

// Parse returns the tree of a text. A panic of yaml.v3 is an error of the text.
func Parse(data []byte) (root *tree.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, fmt.Errorf("reader gave up: %v", p)
		}
	}()
	if err := readable(data); err != nil {
		return nil, err
	}
	docs, err := decode(data)
	if err != nil {
		return nil, err
	}
	r := &reader{data: data}
	return r.stream(docs)
}

// readable refuses what yaml.v3 would take for other characters or line breaks than
// this package does.
func readable(data []byte) error {
	switch {
	case len(data) > maxBytes:
		return fmt.Errorf("want at most %d bytes, got %d", maxBytes, len(data))
	case !utf8.Valid(data):
		return errors.New("not UTF-8")
	case bytes.Count(data, []byte("\r")) != bytes.Count(data, []byte("\r\n")):
		return errors.New("a line that ends with CR alone")
	case bytes.ContainsAny(data, "\x00\u0085\u2028\u2029\uFEFF"):
		return errors.New("a character that yaml.v3 reads in a way of its own")
	}
	return nil
}

// decode returns the documents as yaml.v3 reads them.
func decode(data []byte) ([]*yaml3.Node, error) {
	var docs []*yaml3.Node
	d := yaml3.NewDecoder(bytes.NewReader(data))
	for {
		doc := new(yaml3.Node)
		err := d.Decode(doc)
		switch {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		case doc.Kind != yaml3.DocumentNode || len(doc.Content) != 1:
			return nil, errors.New("a document without a node")
		}
		anchors := map[string]bool{}
		if err := check(doc.Content[0], anchors, 0); err != nil {
			return nil, err
		}
		docs = append(docs, doc.Content[0])
	}
}

// check refuses what is nested too deep and anchors that are set twice, so that an
// alias cannot change its meaning by where it stands.
func check(y *yaml3.Node, anchors map[string]bool, depth int) error {
	// A tree has a node for the stream and one for the document on top.
	if depth > tree.MaxDepth-2 {
		return tree.ErrDepth
	}
	if y.Anchor != "" {
		if anchors[y.Anchor] {
			return fmt.Errorf("line %d: anchor %q is set twice", y.Line, y.Anchor)
		}
		anchors[y.Anchor] = true
	}
	for _, k := range y.Content {
		if err := check(k, anchors, depth+1); err != nil {
			return err
		}
	}
	return nil
}
