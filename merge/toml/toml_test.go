package toml_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gotoml "github.com/pelletier/go-toml/v2"

	"inplace/merge/toml"
	"inplace/merge/tree"
)

// facts lists what a tree says, a line a value: path, type and value. The type of a date
// is left out, as it shows in the value.
func facts(out []string, path string, n *tree.Node, data []byte) []string {
	switch {
	case n.Kind == tree.Leaf:
		return append(out, path+" = "+n.Value)
	case !n.Inner.Empty() && n.Inner.Start > 0 && data[n.Inner.Start-1] == '[' && data[n.Body.End-1] == ']' && n.Separator != "",
		n.Kind == tree.List, strings.HasPrefix(n.Key, "[["):
		if len(n.Kids) == 0 {
			return append(out, path+" = []")
		}
		for i, k := range n.Kids {
			out = facts(out, path+"/"+strconv.Itoa(i), k, data)
		}
		return out
	}
	for _, k := range n.Kids {
		switch {
		case k.Quiet:
			out = facts(out, path, k, data)
		case k.Label != "" && k.Key != k.Label: // a header: the whole path
			out = append(out, "table")
			out = facts(out, "", k, data)
		default:
			out = facts(out, path+"/"+k.Key, k, data)
		}
	}
	return out
}

// values lists the values of a tree, without the places: sorted.
func values(list []string) []string {
	var out []string
	for _, f := range list {
		if _, v, ok := strings.Cut(f, " = "); ok {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// decoded lists the values of what go-toml decoded, in the same way.
func decoded(out []string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = decoded(out, v[k])
		}
		return out
	case []any:
		if len(v) == 0 {
			return append(out, " = []")
		}
		for _, e := range v {
			out = decoded(out, e)
		}
		return out
	case string:
		return append(out, ` = "`+v)
	case float64:
		if math.IsNaN(v) {
			return append(out, " = fnan")
		}
		return append(out, " = f"+strconv.FormatFloat(v, 'g', -1, 64))
	case int64, bool:
		return append(out, fmt.Sprint(" = ", v))
	}
	return append(out, " = date")
}

// checkRead compares what Parse makes of a text with go-toml. What Parse takes go-toml
// must take and read alike; it may refuse more.
func checkRead(t *testing.T, data []byte) bool {
	t.Helper()
	n, err := toml.Parse(data)
	if err != nil {
		return false
	}
	if err := tree.Verify(data, n); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	if got := tree.Print(data, n); !bytes.Equal(got, data) {
		t.Fatalf("%q: printed %q", data, got)
	}
	var table map[string]any
	if err := gotoml.Unmarshal(data, &table); err != nil {
		t.Fatalf("%q: accepted, but go-toml: %v", data, err)
	}
	got := values(facts(nil, "", n, data))
	for i, v := range got {
		if isDate(v) {
			got[i] = "date"
		}
	}
	slices.Sort(got)
	// go-toml keeps CR LF in strings of several lines.
	want := values(decoded(nil, table))
	for i, v := range want {
		want[i] = strings.ReplaceAll(v, "\r\n", "\n")
	}
	slices.Sort(want)
	if bytes.Contains(data, []byte(`\r`)) || bytes.Contains(data, []byte(`\u`)) || bytes.Contains(data, []byte(`\U`)) {
		return true // CR in a value may have come from an escape
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q: got %q, want %q", data, got, want)
	}
	return true
}

func isDate(v string) bool {
	for _, layout := range []string{time.DateOnly, time.TimeOnly, "2006-01-02T15:04:05", time.RFC3339} {
		if _, err := time.Parse(layout, v); err == nil {
			return true
		}
	}
	return false
}

func good() []string {
	return []string{
		"", "\n", "# head\n\n# a\na = 1 # trail\n", "a.b.c = 1\na.b.d = 2\n", "\"a.b\".'c d' = 1\n\"\" = 2",
		"[a]\nb = 1\n[a.c]\nd = 1\n[ x . \"y\" ] # c\n", "[a.b]\n[a]\nc = 1\n",
		"[[a]]\nname = 'x'\n[a.b]\nc = 1\n[[a.d]]\n[[a.d]]\ne = 1\n# two\n[[a]]\nname = 'y'\n[z]\n",
		"a = [1, 2, # one\n  # two\n  3,\n]\nb = [ ]\nc = [[1], ['x']]\n", "a = { b = 1, c.d = [1,\n2], e = { } }\n",
		"i = [0, -1, +1_000, 0xDEAD_beef, 0o17, 0b1_0, -0]\nf = [1.0, -1.5e3, 1e10, 6.02_1E+2_3, inf, -inf, nan, 0.0, -0.0]\n",
		"d = [1979-05-27, 07:32:00.5, 1979-05-27T07:32:00, 1979-05-27 07:32:00, 1979-05-27t07:32:00z, 1979-05-27T07:32:00.123-07:00]\n",
		"s = \"a\\tb\\\"\\\\ \\u00e4\"\nm = \"\"\"\nline\n\\  \n   more \"\"quoted\"\"\"\"\"\nl = '''\r\nx\r\n''y''''\n", "a = true\r\nb = false",
	}
}

func bad() []string {
	return []string{
		"a = 1\na = 2\n", "[a]\n[a]\n", "a = 1\n[a]\n", "a.b = 1\n[a]\n", "[a.b]\n[a]\nb = 1\n", "[a.b]\n[a]\nb.c = 1\n", "a = {b = 1}\na.c = 2\n", "a = {b = 1}\n[a.c]\n",
		"a = []\n[[a]]\n", "[[a]]\n[a]\n", "[a]\n[[a]]\n", "a = {b = 1, b = 2}\n", "a = {b = 1,}\n", "a = {\nb = 1}\n", "a = 1 b = 2\n", "a =\n", "a\n", "= 1\n", "a..b = 1\n",
		"a = 01\n", "a = 1_\n", "a = 1__0\n", "a = .5\n", "a = 5.\n", "a = 0x\n", "a = 9223372036854775808\n", "a = 1979-13-01\n", "a = 25:00:00\n", "a = tru\n",
		"a = \"x\n", "a = \"\\x\"\n", "a = \"\\ud800\"\n", "a = '''x\n", "a = \"x\x01\"\n", "# \x01\n", "a = 1\rb = 2\n", "a = [1 2]\n", "a = [1,,2]\n", "a = [1\n# c\n, 2]\n", "[a\n", "[[a]\n", "a = '\xff'\n",
		"[[a]]\n[b]\n[[a]]\n", "[[a]]\n[b]\n[a.c]\n", "a = [\r1]\n",
	}
}

func TestParse(t *testing.T) {
	for _, s := range good() {
		if !checkRead(t, []byte(s)) {
			_, err := toml.Parse([]byte(s))
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range bad() {
		if _, err := toml.Parse([]byte(s)); err == nil {
			t.Errorf("%q: want an error", s)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	for _, s := range []string{
		"a = " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"a = " + strings.Repeat("{a = ", 100_000),
		"[" + strings.Repeat("a.", 100_000) + "a]",
		strings.Repeat("a.", 100_000) + "a = 1",
	} {
		if _, err := toml.Parse([]byte(s)); !errors.Is(err, tree.ErrDepth) {
			t.Errorf("%.20q: want %v, got %v", s, tree.ErrDepth, err)
		}
	}
	var nested strings.Builder // as many levels as an array of tables may have
	for i := 1; 2*i+2 <= tree.MaxDepth; i++ {
		nested.WriteString("[[a" + strings.Repeat(".a", i-1) + "]]\n")
	}
	nested.WriteString("b = [[[1]]]\n")
	n, err := toml.Parse([]byte(nested.String()))
	if err == nil {
		err = tree.Verify([]byte(nested.String()), n)
	} else if errors.Is(err, tree.ErrDepth) {
		err = nil
	}
	if err != nil {
		t.Error(err)
	}
}

// TestCorpus reads the files of the corpus, where it is at hand.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../../../shared/corpus/merge/*/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !checkRead(t, data) && !strings.HasPrefix(filepath.Base(f), "expected.") { // one of these has a table twice
			_, err := toml.Parse(data)
			t.Errorf("%s: %v", f, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range append(good(), bad()...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}
