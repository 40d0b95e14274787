package json_test

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inplace/merge/json"
	"inplace/merge/tree"
)

// plain turns a tree into what encoding/json would decode the text to, numbers kept as
// spelled. Of several members of one key the last counts.
func plain(n *tree.Node, data []byte) any {
	switch {
	case n.Kind == tree.Leaf && strings.HasPrefix(n.Value, `"`):
		return n.Value[1:]
	case n.Kind == tree.Leaf:
		switch n.Value {
		case "true":
			return true
		case "false":
			return false
		case "null":
			return nil
		}
		return stdjson.Number(n.Value)
	case data[n.Inner.Start-1] == '[':
		list := []any{}
		for _, k := range n.Kids {
			list = append(list, plain(k, data))
		}
		return list
	}
	object := map[string]any{}
	for _, k := range n.Kids {
		object[k.Key] = plain(k, data)
	}
	return object
}

// checkRead compares what Parse makes of a text with encoding/json.
func checkRead(t *testing.T, data []byte) {
	t.Helper()
	n, err := json.Parse(data)
	first := bytes.TrimLeft(data, " \t\r\n")
	composite := len(first) > 0 && (first[0] == '{' || first[0] == '[')
	if want := stdjson.Valid(data) && composite; (err == nil) != want && !errors.Is(err, tree.ErrDepth) {
		t.Fatalf("%q: valid %v, got %v", data, want, err)
	}
	if err != nil {
		return
	}
	checkCover(t, data, n)
	d := stdjson.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var want any
	if err := d.Decode(&want); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	// encoding/json replaces what is no Unicode in strings, and so in keys, which the
	// tree keeps; the comparison does the same. Keys may fall together by that.
	got, err := stdjson.Marshal(plain(n, data))
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	wanted, err := stdjson.Marshal(want)
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	if strings.Contains(string(wanted), `\ufffd`) || strings.Contains(string(wanted), "\uFFFD") {
		return
	}
	if !bytes.Equal(got, wanted) {
		t.Fatalf("%q: got %s, want %s", data, got, wanted)
	}
}

func checkCover(t *testing.T, data []byte, n *tree.Node) {
	t.Helper()
	if err := tree.Verify(data, n); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	if got := tree.Print(data, n); !bytes.Equal(got, data) {
		t.Fatalf("%q: printed %q", data, got)
	}
}

func samples() []string {
	return []string{
		`{}`, ` [ ] `, `{"a":1,"b":[true,false,null,-0.5e+7]}`, "{\r\n\t\"a\" : \"\\u00e4\\ud83d\\ude00\\n\"\r\n}\r\n",
		`{"a":1,}`, `[1,,2]`, `[1 2]`, `{"a"}`, `{"a":}`, `{a:1}`, `[01]`, `[1.]`, `[+1]`, `["\x"]`, "[\"\n\"]", `["\ud800"]`, `["\ud800\u0041"]`,
		`{"a":1,"a":2}`, `[[[]],{"name":"x"},{"name":"y"}]`, `[{"name":"x"},{"name":"x"}]`, `"text"`, `12`, ``, `{`, `["`, `["\`, `["\u00`, `[] []`, `[tru]`, `[truex]`,
		"\uFEFF{}", "[\"\xff\"]", `[1e999999999999]`,
	}
}

func commentedSamples() []string {
	return []string{
		"// head\n\n{\n  // a\n  \"a\": 1, // trail\n  /* b\n     b */ \"b\": [ // first\n    1, /* x */ 2,\n  ],\n  // tail\n}\n// end\n/* end */",
		"[1 /* c */ , 2]", "[1 // c\n]", "{\"a\" /* c */: 1}", "{/**/}", "{// c", "{/* c", "{ // a\rb\n}", "[1,2,]", "[,]", "{}//", "{},", "/", "{ // c\r\n}\r\n",
	}
}

func TestParse(t *testing.T) {
	for _, s := range samples() {
		checkRead(t, []byte(s))
	}
	accepted := 0
	for _, s := range append(samples(), commentedSamples()...) {
		n, err := json.ParseCommented([]byte(s))
		if _, strict := json.Parse([]byte(s)); strict == nil && err != nil {
			t.Errorf("%q: refused with comments only: %v", s, err)
		}
		if err == nil {
			accepted++
			checkCover(t, []byte(s), n)
		}
	}
	if accepted < 15 {
		t.Errorf("only %d samples were accepted", accepted)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"[1 /* c */ , 2]", "{\"a\" /* c */: 1}", "{\"a\": /* c */ 1}", "{// c", "{/* c", "{ // a\rb\n}", "[,]", "{},", "\"a\""} {
		if _, err := json.ParseCommented([]byte(s)); err == nil {
			t.Errorf("%q: want an error", s)
		}
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	if _, err := json.Parse([]byte(deep)); !errors.Is(err, tree.ErrDepth) {
		t.Errorf("100,000 levels: want %v, got %v", tree.ErrDepth, err)
	}
	level := strings.Repeat("[", tree.MaxDepth) + strings.Repeat("]", tree.MaxDepth)
	n, err := json.Parse([]byte(level))
	if err != nil {
		t.Fatalf("%d levels: %v", tree.MaxDepth, err)
	}
	checkCover(t, []byte(level), n)
}

// TestCorpus reads the files of the corpus, where it is at hand.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../../../shared/corpus/merge/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(f) == "meta.json" {
			checkRead(t, data)
			continue
		}
		n, err := json.ParseCommented(data)
		if err != nil {
			t.Logf("%s: %v", f, err)
			continue
		}
		read++
		checkCover(t, data, n)
	}
	if len(files) > 0 && read < 100 {
		t.Errorf("read only %d of %d files", read, len(files))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range append(samples(), commentedSamples()...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkRead(t, data)
		if n, err := json.ParseCommented(data); err == nil {
			checkCover(t, data, n)
		} else if _, err := json.Parse(data); err == nil {
			t.Fatalf("%q: refused with comments only", data)
		}
	})
}
