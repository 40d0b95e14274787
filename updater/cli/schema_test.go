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
