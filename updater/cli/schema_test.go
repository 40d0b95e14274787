package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is the part of JSON Schema that docs/schemas uses.
type schema struct {
	ID         string             `json:"$id"`
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // one name, or a list of names
	Const      any                `json:"const"`
	Enum       []any              `json:"enum"`
	Pattern    string             `json:"pattern"`
	Format     string             `json:"format"`
	Required   []string           `json:"required"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Defs       map[string]*schema `json:"$defs"`
}

func loadSchema(t *testing.T, name string) *schema {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "schemas", name))
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &s
}

// check lists what is wrong with v at path. Unlike a reader out there it also minds
// fields that the schema does not describe.
func (root *schema) check(s *schema, path string, v any) []string {
	if strings.HasSuffix(s.Ref, ".json") { // a document of its own
		data, err := os.ReadFile(filepath.Join("..", "..", "docs", "schemas", s.Ref))
		var other schema
		if err == nil {
			err = json.Unmarshal(data, &other)
		}
		if err == nil && other.ID != s.Ref {
			err = fmt.Errorf("no schema has the $id %s", s.Ref)
		}
		if err != nil {
			return []string{path + ": " + err.Error()}
		}
		return other.check(&other, path, v)
	}
	if s.Ref != "" {
		def := root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		if def == nil {
			return []string{path + ": no definition " + s.Ref}
		}
		return root.check(def, path, v)
	}
	var faults []string
	fault := func(format string, args ...any) {
		faults = append(faults, path+": "+fmt.Sprintf(format, args...))
	}
	if s.Type != nil && !slices.Contains(typeNames(s.Type), typeOf(v)) && !(typeOf(v) == "integer" && slices.Contains(typeNames(s.Type), "number")) {
		fault("want %v, got %s", s.Type, typeOf(v))
	}
	if s.Const != nil && s.Const != v {
		fault("want %v, got %v", s.Const, v)
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		fault("want one of %v, got %v", s.Enum, v)
	}
	switch v := v.(type) {
	case string:
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
			fault("want %s, got %q", s.Pattern, v)
		}
		if s.Format == "date-time" {
			if _, err := time.Parse(time.RFC3339, v); err != nil {
				fault("want a time, got %q", v)
			}
		}
	case []any:
		for i, e := range v {
			if s.Items == nil {
				fault("items are not described")
				break
			}
			faults = append(faults, root.check(s.Items, fmt.Sprintf("%s[%d]", path, i), e)...)
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				fault("%s is missing", name)
			}
		}
		for name, e := range v {
			if s.Properties[name] == nil {
				fault("%s is not described", name)
				continue
			}
			faults = append(faults, root.check(s.Properties[name], path+"."+name, e)...)
		}
	}
	return faults
}

func typeNames(t any) []string {
	if one, ok := t.(string); ok {
		return []string{one}
	}
	var names []string
	for _, n := range t.([]any) {
		names = append(names, n.(string))
	}
	return names
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// decodeOne decodes data, which must hold one document and nothing else.
func decodeOne(t *testing.T, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("standard output: %v\n%s", err, data)
	}
	if d.More() {
		t.Fatalf("standard output: want one document, got more:\n%s", data)
	}
	return v
}

// TestValidatorFindsFaults shows that the validator of these tests can fail.
func TestValidatorFindsFaults(t *testing.T) {
	s := loadSchema(t, "result.json")
	tests := []struct{ doc, fault string }{
		{`{}`, "schema is missing"},
		{`{"schema":"inplace/result/2","command":"","exit":0}`, "want inplace/result/1"},
		{`{"schema":"inplace/result/1","command":"","exit":4.5}`, "want integer, got number"},
		{`{"schema":"inplace/result/1","command":"","exit":99}`, "want one of"},
		{`{"schema":"inplace/result/1","command":"","exit":0,"extra":1}`, "extra is not described"},
		{`{"schema":"inplace/result/1","command":"","exit":0,"history":null}`, "want array, got null"},
		{`{"schema":"inplace/result/1","command":"","exit":0,"adopted":{}}`, ".adopted: home is missing"},
		{`{"schema":"inplace/result/1","command":"","exit":0,"repository":{"root_fingerprint":"xyz","keys":[],"plain_keys":true}}`, "got \"xyz\""},
	}
	for _, tt := range tests {
		faults := strings.Join(s.check(s, "", decodeOne(t, []byte(tt.doc))), "\n")
		if !strings.Contains(faults, tt.fault) {
			t.Errorf("%s:\n got faults %q\nwant %q among them", tt.doc, faults, tt.fault)
		}
	}
}

// TestSchemasReferToEachOther: the $id of a schema is its file's name, so that a $ref to it
// is found among the files and among the schemas that a validator has read.
func TestSchemasReferToEachOther(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "schemas", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	refs := regexp.MustCompile(`"\$ref": "([^"]*)"`)
	for _, file := range files {
		name := filepath.Base(file)
		s := loadSchema(t, name)
		if s.ID != name {
			t.Errorf("%s: $id: want the file's name, got %q", name, s.ID)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range refs.FindAllSubmatch(data, -1) {
			ref := string(m[1])
			if def, ok := strings.CutPrefix(ref, "#/$defs/"); ok && s.Defs[def] != nil {
				continue
			}
			if !slices.Contains(files, filepath.Join(filepath.Dir(file), ref)) {
				t.Errorf("%s: nothing to be found for $ref %q", name, ref)
			}
		}
	}
}

// TestDocumentOfLinks holds a plan that has to do with symbolic links against the schema.
func TestDocumentOfLinks(t *testing.T) {
	s := loadSchema(t, "result.json")
	p := newProgram(t)
	in := func(name string) string { return filepath.Join(p.dir, name) }
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, in(name)); err != nil {
			t.Skip(err)
		}
	}
	do := func(exit int, args ...string) any {
		t.Helper()
		code, out, errs := p.run(append(args, "--json")...)
		if code != exit {
			t.Fatalf("%q: exit code: want %d, got %d\n%s%s", args, exit, code, out, errs)
		}
		v := decodeOne(t, out)
		for _, fault := range s.check(s, "", v) {
			t.Errorf("%q: %s", args, fault)
		}
		return v
	}
	link("LICENSE", "a/changed")
	link("LICENSE", "a/mine")
	link("NOTICE", "b/changed")
	link("NOTICE", "b/mine")
	link("LICENSE", "b/new")
	do(0, "release", "init", in("repo"), "--keys", in("keys"), "--product", in("a/updates/product.yaml"))
	do(0, "release", "add", in("repo"), in("a"), "--level", "0", "--channel", "full", "--keys", in("keys"))
	do(0, "release", "add", in("repo"), in("b"), "--level", "1", "--channel", "full", "--keys", in("keys"))
	link("LICENSE", filepath.Join("acme", "changed"))
	link("RELEASE-NOTES", filepath.Join("acme", "mine"))
	do(0, "adopt", p.home, "--source", in("repo"), "--base", "0")
	do(ExitConflict, "--dry-run")
	plan := do(0, "--dry-run", "--on-conflict", "ours").(map[string]any)["plan"]
	links := 0
	for _, step := range plan.(map[string]any)["steps"].([]any) {
		for _, side := range []string{"base", "ours", "theirs", "result"} {
			if step.(map[string]any)[side].(map[string]any)["kind"] == "link" {
				links++
			}
		}
	}
	if links < 8 {
		t.Errorf("want links on all sides of the plan, got %d", links)
	}
	do(0, "--on-conflict", "ours")
	do(0, "--revert")
}
