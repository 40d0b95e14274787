package env_test

import (
	"bytes"
	"testing"

	"inplace/merge"
	"inplace/merge/env"
	"inplace/merge/tree"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, key, value string }{
		{"plain", "A=1\n", "A", "1"},
		{"export", "export A=1\n", "A", "1"},
		{"blanks around", "  A = 1  \n", "A", "1"},
		{"quotes stay", "A=\"1 2\"\n", "A", "\"1 2\""},
		{"over lines", "A=\"x\n\\\" B=2\ny\" # c\n", "A", "\"x\n\\\" B=2\ny\" # c"},
		{"over lines, CRLF", "A='x\r\ny'\r\n", "A", "'x\ny'"},
		{"empty", "A=", "A", ""},
		{"empty before a quote", "A=\n", "A", ""},
		{"slot", "# export A=1\n", "#A", "1"},
		{"empty slot", "#A=\n", "#A", ""},
	} {
		n, err := env.Parse([]byte(c.text))
		if err != nil || len(n.Kids) != 1 || n.Kids[0].Key != c.key || n.Kids[0].Value != c.value {
			t.Errorf("%s: %q: want %s=%q, got %+v, %v", c.name, c.text, c.key, c.value, n, err)
		}
	}
	for _, text := range []string{"echo\n", "A=\"1\n", "if true; then A=1; fi\n", "A=1 \\\n  B=2\n", "A[1]=2\n"} {
		if n, err := env.Parse([]byte(text)); err == nil {
			t.Errorf("%q: want an error, got %+v", text, n.Kids)
		}
	}
}

func TestScript(t *testing.T) {
	const head, tail = "#!/bin/sh\nif x; then\n  y\nfi\n", "exec z\n"
	for _, c := range []struct {
		name, base, ours, theirs, want string // want "" for a conflict
	}{
		{"adjacent", "A=1\nB=1\n", "A=2\nB=1\n", "A=1\nB=2\n", "A=2\nB=2\n"},
		{"both add", "A=1\n", "A=1\nO=1\n", "A=1\nT=1\n", "A=1\nT=1\nO=1\n"},
		{"one value, two ways", "A=1\n", "A=2\n", "A=3\n", ""},
		{"in a block", "if x; then\n  A=1\n  B=1\nfi\n", "if x; then\n  A=2\n  B=1\nfi\n", "if x; then\n  A=1\n  B=2\nfi\n", ""},
		{"statements", "A=1\nrun\n", "A=2\nrun\n", "A=1\nrun x\n", ""},
	} {
		text := func(s string) []byte { return []byte(head + s + tail) }
		r := merge.Merge(text(c.base), text(c.ours), text(c.theirs),
			merge.Options{Format: "sh", Structures: map[string]merge.Structure{"sh": env.Script()}})
		if c.want == "" {
			if r.Clean() {
				t.Errorf("%s: want a conflict, got %q", c.name, r.Merged)
			}
		} else if !r.Clean() || string(r.Merged) != string(text(c.want)) {
			t.Errorf("%s: want %q, got %q, %v", c.name, text(c.want), r.Merged, r.Conflicts)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "# head\n\nA=1\n#B=2\nexport C='x\ny' # z\r\n\n", "A=\"", "A='\\'", "A= \n\"", "A==\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := env.Parse(data)
		if err != nil {
			return
		}
		if err := tree.Verify(data, n); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if got := tree.Print(data, n); !bytes.Equal(got, data) {
			t.Fatalf("want %q, got %q", data, got)
		}
	})
}
