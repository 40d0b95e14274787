package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"strings"

	"inplace/manifest/strictyaml"
)

// next is a schema that is read as Schema is, and written in its place: that of the updater which
// tests and the crash campaign take for a newer one (-ldflags "-X inplace/manifest.next=...").
// No release is built with it.
var next string

// header stands before the keys of each of the three documents.
type header struct {
	Schema string `yaml:"schema" strict:"required"`
}

type manifestDoc struct {
	header   `yaml:",inline"`
	Manifest `yaml:",inline"`
}

type productDoc struct {
	header  `yaml:",inline"`
	Product `yaml:",inline"`
}

type notesDoc struct {
	header `yaml:",inline"`
	Notes  `yaml:",inline"`
}

// Parse reads a manifest; name stands for it in messages. The error is of type
// Errors and lists every fault with its line and column. Another schema than
// Schema is the only fault named, since the rest cannot be judged.
func Parse(name string, data []byte) (*Manifest, error) {
	if len(data) <= MaxManifestBytes {
		if line := lineOfCR(data); line > 0 {
			return nil, fault(name, line, "want lines that end in LF, got a CR")
		}
	}
	var out manifestDoc
	schema := Schema
	if next != "" && bytes.Contains(data, []byte("schema: "+next+"\n")) {
		schema = next
	}
	err := parseDoc(name, data, schema, &out, func(v *validator) { v.manifest(&out.Manifest) })
	if err != nil {
		return nil, err
	}
	return &out.Manifest, nil
}

// NewerSchema reports whether data is a manifest of a schema that this program does not know.
func NewerSchema(data []byte) bool {
	doc, err := strictyaml.Parse("", data, MaxManifestBytes)
	if err != nil {
		return false
	}
	got, _ := doc.Text("schema")
	return got != Schema && got != next && strings.HasPrefix(got, "inplace/manifest/")
}

// lineOfCR returns the first line that holds a CR, 0 if none does.
func lineOfCR(data []byte) int {
	i := bytes.IndexByte(data, '\r')
	if i < 0 {
		return 0
	}
	return bytes.Count(data[:i], []byte("\n")) + 1
}

// ParseProduct reads a product description as Parse reads a manifest.
func ParseProduct(name string, data []byte) (*Product, error) {
	var out productDoc
	err := parseDoc(name, data, ProductSchema, &out, func(v *validator) { v.product(&out.Product) })
	if err != nil {
		return nil, err
	}
	return &out.Product, nil
}

// ParseNotes reads the notes to a release as Parse reads a manifest.
func ParseNotes(name string, data []byte) (*Notes, error) {
	var out notesDoc
	err := parseDoc(name, data, NotesSchema, &out, func(v *validator) { v.notes(&out.Notes) })
	if err != nil {
		return nil, err
	}
	return &out.Notes, nil
}

// parseDoc decodes data into out and lets check look for what the types allow
// but the format does not.
func parseDoc(name string, data []byte, schema string, out any, check func(*validator)) error {
	doc, err := strictyaml.Parse(name, data, MaxManifestBytes)
	if err != nil {
		return err
	}
	if got, ok := doc.Text("schema"); ok && got != schema {
		return Errors{doc.Fault("schema", "want %s, got %q", schema, printableCut(got))}
	}
	v := validator{doc: doc}
	if err := doc.Decode(out); err != nil {
		if !errors.As(err, &v.faults) || len(v.faults) > strictyaml.MaxFaults {
			return err
		}
	}
	v.decoded = len(v.faults)
	check(&v)
	return v.faults.Err()
}

// Marshal writes m in the one spelling that a release gets: the same manifest
// gives the same bytes, and Parse reads them back as m if m is valid.
func (m *Manifest) Marshal() []byte {
	return strictyaml.Marshal(&manifestDoc{header{cmp.Or(next, Schema)}, *m})
}
