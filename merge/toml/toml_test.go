package toml_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	gotoml "github.com/pelletier/go-toml/v2"

	"inplace/merge/toml"
	"inplace/merge/tree"
)

// split is what a label of a header, or a key, says: the segments.
func split(spelled string) []string {
	var path []string
	var segment strings.Builder
	quoted := false
	for i := 0; i < len(spelled); i++ {
		switch c := spelled[i]; {
		case quoted && c == '\\':
			i++
			segment.WriteByte(spelled[i])
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			path = append(path, segment.String())
			segment.Reset()
		default:
			segment.WriteByte(c)
		}
	}
	return append(path, segment.String())
}

// table returns the table at a path below m.
func table(m map[string]any, path []string) map[string]any {
	for _, p := range path {
		if m[p] == nil {
			m[p] = map[string]any{}
		}
		m = m[p].(map[string]any)
	}
	return m
}

// decode puts what the kids of n say into m; skip is how many segments lead to m.
func decode(m map[string]any, n *tree.Node, skip int, data []byte) {
	for _, k := range n.Kids {
		path := split(k.Label)[min(skip, len(split(k.Label))):]
		switch {
		case k.Slot:
		case k.Quiet:
			decode(m, k, skip, data)
		case strings.HasPrefix(k.Key, "[["):
			items := []any{}
			for _, item := range k.Kids {
				one := map[string]any{}
				decode(one, item, skip+len(path), data)
				items = append(items, one)
			}
			last := len(path) - 1
			table(m, path[:last])[path[last]] = items
		case strings.HasPrefix(k.Key, "["):
			decode(table(m, path), k, skip+len(path), data)
		default:
			path = split(k.Key)
			last := len(path) - 1
			table(m, path[:last])[path[last]] = value(k, data)
		}
	}
}

func value(n *tree.Node, data []byte) any {
	switch {
	case n.Kind == tree.Leaf:
		return plain(n.Value)
	case data[n.Inner.Start-1] == '{':
		m := map[string]any{}
		decode(m, n, 0, data)
		return m
	}
	items := []any{}
	for _, k := range n.Kids {
		items = append(items, value(k, data))
	}
	return items
}

// plain makes all dates alike, and line ends LF.
func plain(s string) string {
	for _, layout := range []string{time.DateOnly, time.TimeOnly, "2006-01-02T15:04:05", time.RFC3339} {
		if _, err := time.Parse(layout, s); err == nil {
			return "date"
		}
	}
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// decoded turns what go-toml decoded into the same shape.
func decoded(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = decoded(e)
		}
		return v
	case []any:
		for i, e := range v {
			v[i] = decoded(e)
		}
		return v
	case string:
		return plain(`"` + v)
	case float64:
		if math.IsNaN(v) {
			return "fnan"
		}
		return "f" + strconv.FormatFloat(v, 'g', -1, 64)
	case int64, bool:
		return fmt.Sprint(v)
	}
	return "date"
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
	want := map[string]any{}
	if err := gotoml.Unmarshal(data, &want); err != nil {
		t.Fatalf("%q: accepted, but go-toml: %v", data, err)
	}
	got := map[string]any{}
	decode(got, n, 0, data)
	if !reflect.DeepEqual(got, decoded(want)) {
		t.Fatalf("%q: got %v, want %v", data, got, want)
	}
	return true
}

func good() []string {
	return []string{
		"", "\n", "# head\n\n# a\na = 1 # trail\n", "a.b.c = 1\na.b.d = 2\n", "\"a.b\".'c d' = 1\n\"\" = 2",
		"[a]\nb = 1\n[a.c]\nd = 1\n[ x . \"y\" ] # c\n", "[a.b]\n[a]\nc = 1\n",
		"[[a]]\nname = 'x'\n[a.b]\nc = 1\n[[a.d]]\n[[a.d]]\ne = 1\n# two\n[[a]]\nname = 'y'\n[z]\n",
		"a = [1, 2, # one\n  # two\n  3,\n]\nb = [ ]\nc = [[1], ['x']]\n", "a = { b = 1, c.d = [1,\n2], e = { } }\n",
		"i = [0, -1, +1_000, 0xDEAD_beef, 0o17, 0b1_0, -0]\nf = [1.0, -1.5e3, 1e10, 6.02_1E+2_3, inf, -inf, nan, 0.0, -0.0]\n",
		"d = [1979-05-27, 07:32:00.5, 1979-05-27T07:32:00, 1979-05-27 07:32:00, 1979-05-27t07:32:00z, 1979-05-27T07:32:00.123-07:00]\n",
		"[a]\nb = 1\n#c = 2\n\n# [d] # x\n#e = 1\n# f\n\n#g = 1\nh = 1\n\n#[[i]]\n# j = 1\n\n[k]\n[[l]]\n#[m]\n#n = 1\n[[l]]\n#[l.o]\n[l.p]\n#[q]\n#[r]",
		"#[a]\n#b = 1\n\n#c = 1\nd = 1\n", "#[a]\n\n[b]\n", "# x\n\n#[a]\n[[b]]\n",
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
