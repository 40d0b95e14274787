package toml_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	gotoml "github.com/pelletier/go-toml/v2"

	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/toml"
	"inplace/merge/tree"
)

// mergeCase is a merge that must be clean and give want, or conflict at these keys.
type mergeCase struct {
	name, base, ours, theirs, want string
	conflicts                      []string
}

func at(keys ...string) []string { return keys }

func keyCases() []mergeCase {
	return []mergeCase{
		{"add_different_keys", "[a]\nx = 1\n", "[a]\nx = 1\ny = 2\n", "[a]\nx = 1\nz = 3\n", "[a]\nx = 1\nz = 3\ny = 2\n", nil},
		{"insert_same_keys_same_position", "[a]\nx = 1\n", "[a]\nx = 1\ny = 2\n", "[a]\nx = 1\n\"y\"=0x2\nz = 3\n", "[a]\nx = 1\ny = 2\nz = 3\n", nil},
		{"insert_same_keys_away_from_each_other, same value", "[a]\nm = 1\nn = 1\n", "[a]\nx = 1\nm = 1\nn = 1\n", "[a]\nm = 1\nn = 1\nx = 1\n", "[a]\nx = 1\nm = 1\nn = 1\n", nil},
		{"insert_same_keys_away_from_each_other, two values", "[a]\nm = 1\nn = 1\n", "[a]\nx = 1\nm = 1\nn = 1\n", "[a]\nm = 1\nn = 1\nx = 2\n", "", at("a/x")},
		{"add_different_keys_followed_by_other_table", "[a]\nx = 1\n\n[b]\ny = 1\n", "[a]\nx = 1\nours = 1\n\n[b]\ny = 1\n", "[a]\nx = 1\ntheirs = 1\n\n[b]\ny = 1\n",
			"[a]\nx = 1\ntheirs = 1\nours = 1\n\n[b]\ny = 1\n", nil},
		{"keys added before the first table", "[a]\nx = 1\n", "o = 1\n[a]\nx = 1\n", "t = 1\n\n[a]\nx = 2\n", "t = 1\no = 1\n[a]\nx = 2\n", nil},
		{"a key added before the first table, tables reordered", "[a]\nx = 1\n[b]\ny = 1\n", "[b]\ny = 1\n[a]\nx = 1\n", "t = 1\n[a]\nx = 1\n[b]\ny = 1\n", "t = 1\n[b]\ny = 1\n[a]\nx = 1\n", nil},
		{"dotted_keys", "a.b = 1\na.c = 1\n", "a . b = 2\na.c = 1\n", "a.b = 1\na.\"c\" = 1\na.d = 1\n", "a . b = 2\na.c = 1\na.d = 1\n", nil},
		{"dotted_keys, one added by both", "a.b = 1\n", "a.b = 1\na.c = 1\n", "a.c = 2\na.b = 1\n", "", at("a.c")},
		{"quoted_keys", "\"x.y\" = 1\nz = 1\n", "'x.y' = 2\nz = 1\n", "\"x\\u002Ey\" = 1\nz = 2\n", "'x.y' = 2\nz = 2\n", nil},
		{"quoted_keys are no dotted_keys", "z = 1\n", "\"x.y\" = 2\nz = 1\n", "z = 1\nx.y = 3\n", "\"x.y\" = 2\nz = 1\nx.y = 3\n", nil},
		{"start_end_conflict", "a = 1\nm = 1\n[z]\nz = 1\n", "a = 2\nm = 1\n[z]\nz = 2\n", "a = 3\nm = 2\n[z]\nz = 3\n", "", at("a", "z/z")},
		{"adapt_indentation", "[a]\n  x = 1\n", "[a]\n\tx = 1\n", "[a]\n  x = 1\n  y = [\n    1,\n  ]\n", "[a]\n\tx = 1\n\ty = [\n\t  1,\n\t]\n", nil},
		{"duplicate_keys_in_base: no TOML, by lines", "a = 1\na = 2\nb = 1\nc = 1\nd = 1\n", "a = 1\nb = 1\nc = 1\nd = 1\n", "a = 1\na = 2\nb = 1\nc = 1\nd = 2\n", "a = 1\nb = 1\nc = 1\nd = 2\n", nil},
		{"spelling does not count", "a = 1_000\nb = 0.50\nc = 'x'\n", "a = 1000\nb = 0.50\nc = 'x'\nd = 1\n", "a = 2_000\nb = 5e-1\nc = \"y\"\n", "a = 2_000\nb = 0.50\nc = \"y\"\nd = 1\n", nil},
		{"one key, two types", "a = 1\n", "a = '1'\n", "a = 1.0\n", "", at("a")},
		{"dates", "a = 1979-05-27T07:32:00Z\nb = 1\n", "a = 1979-05-27 07:32:00z\nb = 2\n", "a = 1979-05-28 07:32:00Z\nb = 1\n", "a = 1979-05-28 07:32:00Z\nb = 2\n", nil},
		{"removed against changed", "a = 1\nb = 1\n", "b = 1\n", "a = 2\nb = 1\n", "", at("a")},
		{"CRLF of ours, strings of several lines as they are", "a = \"\"\"\n  x\n    y\n\"\"\"\nb = 1\n", "a = \"\"\"\r\n  x\r\n    y\r\n\"\"\"\r\nb = 2\r\n", "[c]\n  s = '''\n x\n  y'''\n", "", at("b")},
		{"no line end", "a = 1", "a = 1\nb = 2", "a = 1\nc = 3", "a = 1\nc = 3\nb = 2", nil},
	}
}

func tableCases() []mergeCase {
	return []mergeCase{
		{"both add one table, keys of their own", "a = 1\n", "a = 1\n\n[t]\nx = 1\n", "a = 1\n\n[t]\ny = 2\n", "a = 1\n\n[t]\ny = 2\nx = 1\n", nil},
		{"both add one table alike, at two places", "[a]\nx = 1\n[z]\ny = 1\n", "[t]\nv = 1\n[a]\nx = 1\n[z]\ny = 1\n", "[a]\nx = 1\n[z]\ny = 1\n[t]\nv = 1\n", "[t]\nv = 1\n[a]\nx = 1\n[z]\ny = 1\n", nil},
		{"both add one table, one key differs", "a = 1\n", "a = 1\n[t]\nx = 1\n", "[t]\nx = 2\n", "", at("t/x")},
		{"both add one table, in two forms", "a = 1\n", "a = 1\nt = { x = 1 }\n", "a = 1\n\n[t]\ny = 2\n", "", at("")},
		{"both add one key, dotted and below a header", "a = 1\n[t]\nz = 1\n", "a = 1\n[t]\nz = 1\nu.x = 1\n", "a = 1\n[t]\nz = 1\n[t.u]\ny = 2\n", "", at("")},
		{"one side changes the form", "[t]\nu.x = 1\n", "[t.u]\nx = 1\n", "[t]\nu.x = 2\n", "", at("t")},
		{"tables side by side", "[a]\nx = 1\n", "[a]\nx = 1\n\n[b]\ny = 1\n", "[a]\nx = 1\n\n[c]\nz = 1\n", "[a]\nx = 1\n\n[c]\nz = 1\n\n[b]\ny = 1\n", nil},
		{"inline tables, key by key", "p = { min = 1, max = 2 }\n", "p = { min = 5, max = 2 }\n", "p = { min = 1, max = 3, idle = 1 }\n", "p = { min = 5, max = 3, idle = 1 }\n", nil},
		{"a table removed against changed", "[a]\nx = 1\n[b]\ny = 1\n", "[b]\ny = 1\n", "[a]\nx = 2\n[b]\ny = 1\n", "", at("a")},
		{"items by name", "[[u]]\nname = 'a'\nv = 1\n\n[[u]]\nname = 'b'\nv = 1\n", "[[u]]\nname = 'a'\nv = 2\n\n[[u]]\nname = 'b'\nv = 1\n\n[[u]]\nname = 'o'\n",
			"[[u]]\nname = 'a'\nv = 1\n\n[[u]]\nname = 't'\n\n[[u]]\nname = 'b'\nv = 3\n[u.sub]\nw = 1\n",
			"[[u]]\nname = 'a'\nv = 2\n\n[[u]]\nname = 't'\n\n[[u]]\nname = 'b'\nv = 3\n[u.sub]\nw = 1\n\n[[u]]\nname = 'o'\n", nil},
		{"both add an item of one name", "[a]\n", "[a]\n[[u]]\nname = 'x'\nv = 1\n", "[a]\n[[u]]\nname = 'x'\nv = 2\n", "", at("u/[name=x]/v")},
		{"an item renamed", "[[u]]\nname = 'a'\nv = 1\n", "[[u]]\nname = 'b'\nv = 1\n", "[[u]]\nname = 'a'\nv = 2\n", "[[u]]\nname = 'b'\nv = 2\n", nil},
		{"items without a name, changed by both", "[[u]]\nv = 1\nw = 1\n", "[[u]]\nv = 2\nw = 1\n", "[[u]]\nv = 1\nw = 2\n", "", at("u")},
		{"items without a name, added by both", "[[u]]\nv = 1\n", "[[u]]\nv = 1\n[[u]]\nv = 2\n", "[[u]]\nv = 1\n[[u]]\nv = 3\n", "", at("u")},
		{"tables below an item", "[[u]]\nid = 1\n[u.p]\nx = 1\n[z]\n", "[[u]]\nid = 1\n[u.p]\nx = 2\n[z]\n", "[[u]]\nid = 1\n[u.p]\nx = 1\n[u.q]\ny = 1\n[z]\n", "[[u]]\nid = 1\n[u.p]\nx = 2\n[u.q]\ny = 1\n[z]\n", nil},
		{"arrays of values", "a = [\n  1,\n  2, # two\n]\n", "a = [\n  0,\n  1,\n  2, # two\n]\n", "a = [\n  1,\n  2, # two\n  3\n]\n", "a = [\n  0,\n  1,\n  2, # two\n  3\n]\n", nil},
		{"arrays of values, one place", "a = [1]\n", "a = [1, 2]\n", "a = [1, 3]\n", "", at("a")},
	}
}

func commentCases() []mergeCase {
	return []mergeCase{
		{"a comment of ours, a value of theirs", "x = 1 # one\n", "# mine\nx = 1 # one\n", "x = 2 # one\ny = 1\n", "# mine\nx = 2 # one\ny = 1\n", nil},
		{"comments behind a value, changed by both", "x = 1 # b\n", "x = 1 # o\n", "x = 2 # t\n", "x = 2 # o\n", nil},
		{"a key made live by ours, commented otherwise by theirs", "[a]\n#port = 80\nx = 1\n", "[a]\nport = 81\nx = 1\n", "[a]\n#port = 8080\nx = 2\n", "[a]\nport = 81\nx = 2\n", nil},
		{"a table made live by theirs", "[a]\nx = 1\n\n#[b]\n#y = 1\n\n#[c]\n#y = 1\n\n[d]\nz = 1\n", "[a]\nx = 2\n\n#[b]\n#y = 1\n\n#[c]\n#y = 1\n\n[d]\nz = 1\n", "[a]\nx = 1\n\n#[b]\n#y = 1\n\n[c]\ny = 1\n\n[d]\nz = 1\n",
			"[a]\nx = 2\n\n#[b]\n#y = 1\n\n[c]\ny = 1\n\n[d]\nz = 1\n", nil},
		{"a table made live by ours, commented otherwise by theirs", "[a]\nx = 1\n\n#[b]\n#y = 1\n\n[d]\nz = 1\n", "[a]\nx = 1\n\n[b]\ny = 5\n\n[d]\nz = 1\n", "[a]\nx = 1\n\n#[b]\n#y = 2\n\n[d]\nz = 2\n",
			"[a]\nx = 1\n\n[b]\ny = 5\n\n[d]\nz = 2\n", nil},
		{"commented-out tables added by both", "[a]\nx = 1\n", "[a]\nx = 1\n\n#[o]\n#y = 1\n", "[a]\nx = 1\n\n#[t]\n#y = 1\n", "[a]\nx = 1\n\n#[t]\n#y = 1\n\n#[o]\n#y = 1\n", nil},
		{"a comment behind a header", "[a]\nx = 1\n[b] # b\ny = 1\n", "[a] # mine\nx = 1\n[b] # b\ny = 2\n", "[a]\nx = 2\n[b] # t\ny = 1\n", "[a] # mine\nx = 2\n[b] # t\ny = 2\n", nil},
		{"a head comment of theirs", "# Licence 1\n\n# about x\nx = 1\n", "# Licence 1\n\n# about x\nx = 2\n", "# Licence 2\n\n# about x\nx = 1\ny = 1\n", "# Licence 2\n\n# about x\nx = 2\ny = 1\n", nil},
		{"a comment of ours above what theirs removed", "x = 1\ny = 1\n", "# mine\nx = 1\ny = 1\n", "y = 2\n", "# mine\ny = 2\n", nil},
	}
}

func TestMerge(t *testing.T) {
	for _, c := range slices.Concat(keyCases(), tableCases(), commentCases()) {
		for _, swapped := range []bool{false, true} {
			ours, theirs := c.ours, c.theirs
			if swapped {
				ours, theirs = theirs, ours
			}
			r := formats.Merge("toml", []byte(c.base), []byte(ours), []byte(theirs), merge.Options{})
			var keys []string
			for _, conflict := range r.Conflicts {
				keys = append(keys, conflict.Key)
			}
			if !swapped && !slices.Equal(keys, c.conflicts) || len(keys) != len(c.conflicts) {
				t.Errorf("%s (swapped %v): want conflicts %q, got %q in\n%s", c.name, swapped, c.conflicts, keys, r.Merged)
			} else if r.Clean() && !swapped && string(r.Merged) != c.want {
				t.Errorf("%s: want\n%s\ngot by %s\n%s", c.name, c.want, r.Method, r.Merged)
			}
		}
	}
}

// random writes a text of a few tables, changed by the dice.
func random(r *rand.Rand, changed bool) string {
	var s strings.Builder
	dice := func(n int) bool { return changed && r.Intn(n) == 0 }
	number := func() int {
		if dice(5) {
			return r.Intn(3)
		}
		return 0
	}
	s.WriteString("# head\n\n")
	for i := range 3 {
		if !dice(6) {
			fmt.Fprintf(&s, "k%d = %d\n", i, number())
		}
	}
	for i := range 3 {
		if dice(8) {
			fmt.Fprintf(&s, "\n#[t%d]\n#x = %d\n", i, number())
			continue
		}
		fmt.Fprintf(&s, "\n[t%d]\nx = %d\n", i, number())
		if dice(3) {
			fmt.Fprintf(&s, "# about y\ny.z = { a = %d, b = [1, %d] } # y\n", number(), number())
		}
		fmt.Fprintf(&s, "#w = %d\n", number())
	}
	for _, name := range []string{"a", "b", "c"} {
		if !dice(5) {
			fmt.Fprintf(&s, "\n[[u]]\nname = %q\nv = %d\n[u.p]\nx = %d\n", name, number(), number())
		}
	}
	if dice(3) {
		return strings.TrimSuffix(s.String(), "\n")
	}
	return s.String()
}

// TestProperties: an unchanged side gives the other one, equal sides give both, and
// swapping the sides does not change the verdict.
func TestProperties(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewSource(seed))
	structure := tree.Structure(toml.Format())
	run := func(base, ours, theirs string) merge.Result {
		res, ok := structure([]byte(base), []byte(ours), []byte(theirs), merge.Result{Conflicts: make([]merge.Conflict, 1)}, merge.Options{})
		if !ok {
			t.Fatalf("seed %d: refused:\n%s\n%s\n%s", seed, base, ours, theirs)
		}
		return res
	}
	clean, conflicts := 0, 0
	for range 500 {
		base, ours, theirs := random(r, false), random(r, true), random(r, true)
		for _, c := range []struct{ b, o, t, want string }{{base, base, theirs, theirs}, {base, ours, base, ours}, {base, ours, ours, ours}} {
			if res := run(c.b, c.o, c.t); !res.Clean() || !alike(t, string(res.Merged), c.want) || c.want != theirs && string(res.Merged) != c.want {
				t.Fatalf("seed %d: base\n%s\nours\n%s\ntheirs\n%s\nwant\n%s\ngot\n%s", seed, c.b, c.o, c.t, c.want, res.Merged)
			}
		}
		one, two := run(base, ours, theirs), run(base, theirs, ours)
		switch {
		case len(one.Conflicts) != len(two.Conflicts):
			t.Fatalf("seed %d: swapping changes the verdict: %v, %v\nbase\n%s\nours\n%s\ntheirs\n%s", seed, one.Conflicts, two.Conflicts, base, ours, theirs)
		case !one.Clean():
			conflicts++
		case !alike(t, string(one.Merged), string(two.Merged)):
			t.Fatalf("seed %d: swapping changes the result:\n%s\n%s", seed, one.Merged, two.Merged)
		default:
			clean++
		}
	}
	if clean < 50 || conflicts < 50 {
		t.Errorf("seed %d: %d clean, %d conflicts: want many of both", seed, clean, conflicts)
	}
}

// alike tells whether two texts say the same, as go-toml reads them; items by name.
func alike(t *testing.T, one, two string) bool {
	var said [2]map[string]any
	for i, text := range []string{one, two} {
		if err := gotoml.Unmarshal([]byte(text), &said[i]); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if items, ok := said[i]["u"].([]any); ok {
			slices.SortFunc(items, func(a, b any) int {
				return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
			})
		}
	}
	return reflect.DeepEqual(said[0], said[1])
}

// FuzzMerge: whatever the texts, a merge ends, and a clean one can be read.
func FuzzMerge(f *testing.F) {
	for _, c := range slices.Concat(keyCases(), tableCases(), commentCases()) {
		f.Add([]byte(c.base), []byte(c.ours), []byte(c.theirs))
	}
	structure := tree.Structure(toml.Format())
	f.Fuzz(func(t *testing.T, base, ours, theirs []byte) {
		r, ok := structure(base, ours, theirs, merge.Result{Conflicts: make([]merge.Conflict, 1)}, merge.Options{})
		if !ok || !r.Clean() {
			return
		}
		if _, err := toml.Parse(bytes.TrimPrefix(r.Merged, []byte("\uFEFF"))); err != nil {
			t.Fatalf("%v in %q", err, r.Merged)
		}
	})
}
