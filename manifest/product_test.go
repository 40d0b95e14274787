package manifest

import (
	"reflect"
	"strings"
	"testing"
)

const exampleProduct = `schema: inplace/product/1
name: acme-server
version: 4.2.0
config: ["conf/**"]
data: ["database/**"]
ignore: ["logs/**"]
derived: [{when: "webapps/*.war", clear: "webapps/{1}/**"}]
formats: {conf/x.conf: ini}
links: [lib/current]
`

func TestParseProduct(t *testing.T) {
	want := &Product{
		Name: "acme-server", Version: "4.2.0",
		Config: []string{"conf/**"}, Data: []string{"database/**"}, Ignore: []string{"logs/**"},
		Derived: []Derived{{"webapps/*.war", "webapps/{1}/**"}},
		Formats: map[string]string{"conf/x.conf": "ini"}, Links: []Path{"lib/current"},
	}
	for name, text := range map[string]string{"LF": exampleProduct, "CR LF": strings.ReplaceAll(exampleProduct, "\n", "\r\n")} {
		got, err := ParseProduct("product.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: got %v, want it taken", name, err)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	rules := want.Rules()
	if rules.IsZero() || !reflect.DeepEqual(rules.Links, want.Links) || !reflect.DeepEqual(rules.Data, want.Data) {
		t.Errorf("got rules %+v, want those of the product", rules)
	}
	for _, c := range []struct{ text, want string }{
		{strings.Replace(exampleProduct, "product/1", "product/2", 1), "want inplace/product/1"},
		{strings.Replace(exampleProduct, "conf/**", "/conf/**", 1), `product.yaml:4:10: config[0]: "/conf/**": want a path relative`},
		{strings.Replace(exampleProduct, "4.2.0", "4.2", 1), "version: want a text, got 4.2"},
		{strings.Replace(exampleProduct, "name:", "Name:", 1), `unknown key "Name"`},
		{strings.Replace(exampleProduct, "{1}", "{2}", 1), "derived[0].clear: want {1} to {1}"},
	} {
		if _, err := ParseProduct("product.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestParseNotes(t *testing.T) {
	const text = `schema: inplace/notes/1
from: {min: 2}
renames: [{from: a, to: b}]
migrations: [{from: {path: a, key: k}, message: gone}]
irreversible: {after: start, reason: R}
fixes: [{id: A, kind: bug, summary: S}]
instructions: |
  Do it.
`
	want := &Notes{
		From: From{2}, Renames: []Rename{{"a", "b"}}, Migrations: []Migration{{From: KeyRef{"a", "k"}, Message: "gone"}},
		Irreversible: &Irreversible{"start", "R"}, Fixes: []Fix{{"A", "bug", "", "S"}}, Instructions: "Do it.\n",
	}
	got, err := ParseNotes("notes.yaml", []byte(text))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := ParseNotes("notes.yaml", []byte(text+"level: 1\n")); err == nil || !strings.Contains(err.Error(), `notes.yaml:9:1: unknown key "level"`) {
		t.Errorf("got %v, want the unknown key refused", err)
	}
}
