package json_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/json"
	"inplace/merge/tree"
)

// mergeCase is a merge that must be clean and give want, or conflict at these keys.
type mergeCase struct {
	name, base, ours, theirs, want string
	conflicts                      []string
}

func at(keys ...string) []string { return keys }

func checkMerges(t *testing.T, format string, cases []mergeCase) {
	t.Helper()
	for _, c := range cases {
		for _, swapped := range []bool{false, true} {
			ours, theirs := c.ours, c.theirs
			if swapped {
				ours, theirs = theirs, ours
			}
			r := formats.Merge(format, []byte(c.base), []byte(ours), []byte(theirs), merge.Options{})
			var keys []string
			for _, conflict := range r.Conflicts {
				keys = append(keys, conflict.Key)
			}
			if !swapped && !slices.Equal(keys, c.conflicts) || len(keys) != len(c.conflicts) {
				t.Errorf("%s (swapped %v): want conflicts %q, got %v in\n%s", c.name, swapped, c.conflicts, r.Conflicts, r.Merged)
			} else if r.Clean() && !swapped && string(r.Merged) != c.want {
				t.Errorf("%s: want\n%s\ngot by %s\n%s", c.name, c.want, r.Method, r.Merged)
			}
		}
	}
}

func plainCases() []mergeCase {
	return []mergeCase{
		{"add_different_keys, the comma on the line before",
			"{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\n  \"a\": 1,\n  \"c\": 3\n}\n",
			"{\n  \"a\": 1,\n  \"c\": 3,\n  \"b\": 2\n}\n", nil},
		{"a value changed on the line that gets a comma",
			"{\n  \"a\": 1\n}\n", "{\n  \"a\": 5\n}\n", "{\n  \"a\": 1,\n  \"c\": 3\n}\n",
			"{\n  \"a\": 5,\n  \"c\": 3\n}\n", nil},
		{"the last key removed, another one added before it",
			"{\n  \"a\": 1,\n  \"z\": 1\n}\n", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"c\": 3,\n  \"z\": 1\n}\n",
			"{\n  \"a\": 1,\n  \"c\": 3\n}\n", nil},
		{"insert_same_keys_same_position", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n",
			"{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n", nil},
		{"insert_same_keys_away_from_each_other, same value",
			"{\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1\n}\n", "{\n  \"k\": 1,\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1\n}\n", "{\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1,\n  \"k\": 1\n}\n",
			"{\n  \"k\": 1,\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1\n}\n", nil},
		{"insert_same_keys_away_from_each_other, two values",
			"{\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1\n}\n", "{\n  \"k\": 1,\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1\n}\n", "{\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1,\n  \"k\": 2\n}\n",
			"", at("k")},
		{"both add one object, with keys of their own", "{}", "{\"a\": {\"x\": 1}}", "{\"a\": {\"y\": 2}}", "{\"a\": {\"y\": 2, \"x\": 1}}", nil},
		{"duplicate_keys_in_base, one side fixes that", "{\n\"a\": 1,\n\"a\": 2,\n\"b\": 1\n}", "{\n\"a\": 2,\n\"b\": 1\n}", "{\n\"a\": 1,\n\"a\": 2,\n\"b\": 2\n}",
			"{\n\"a\": 2,\n\"b\": 2\n}", nil},
		{"duplicate_keys_in_base, both change one", "{\n\"a\": 1,\n\"a\": 2\n}", "{\n\"a\": 3,\n\"a\": 2\n}", "{\n\"a\": 1,\n\"a\": 4\n}", "", at("a")},
		{"start_end_conflict", "{\n  \"a\": 1,\n  \"m\": 1,\n  \"z\": 1\n}\n", "{\n  \"a\": 2,\n  \"m\": 1,\n  \"z\": 2\n}\n", "{\n  \"a\": 3,\n  \"m\": 2,\n  \"z\": 3\n}\n",
			"", at("a", "z")},
		{"adapt_indentation", "{\n  \"a\": {\n    \"x\": 1\n  }\n}\n", "{\n\t\"a\": {\n\t\t\"x\": 1\n\t}\n}\n", "{\n  \"a\": {\n    \"x\": 1,\n    \"y\": [\n      1\n    ]\n  }\n}\n",
			"{\n\t\"a\": {\n\t\t\"x\": 1,\n\t\t\"y\": [\n\t\t  1\n\t\t]\n\t}\n}\n", nil},
		{"one line", `{"a":1,"b":[1,2],"z":1}`, `{"a":2,"b":[1,2],"z":1}`, `{"a":1,"b":[1,2,3],"c":1,"z":1}`, `{"a":2,"b":[1,2,3],"c":1,"z":1}`, nil},
		{"an empty object is filled", "{\n  \"a\": {},\n  \"b\": 1\n}\n", "{\n  \"a\": {},\n  \"b\": 2\n}\n", "{\n  \"a\": {\n    \"x\": 1\n  },\n  \"b\": 1\n}\n",
			"{\n  \"a\": {\n    \"x\": 1\n  },\n  \"b\": 2\n}\n", nil},
		{"an object is emptied", "{\n  \"a\": {\n    \"x\": 1\n  },\n  \"b\": 1\n}\n", "{\n  \"a\": {\n    \"x\": 1\n  },\n  \"b\": 2\n}\n", "{\n  \"a\": {},\n  \"b\": 1\n}\n",
			"{\n  \"a\": {},\n  \"b\": 2\n}\n", nil},
		{"removed against changed", "{\n\"a\": 1,\n\"b\": 1\n}", "{\n\"b\": 1\n}", "{\n\"a\": 2,\n\"b\": 1\n}", "", at("a")},
		{"removed against changed below", "{\n\"a\": {\"x\": 1},\n\"b\": 1\n}", "{\n\"b\": 1\n}", "{\n\"a\": {\"x\": 1, \"y\": 1},\n\"b\": 1\n}", "", at("a")},
		{"one key, two values", `{"a": 1}`, `{"a": 2}`, `{"a": 3}`, "", at("a")},
		{"one key, two types", `{"a": 1}`, `{"a": "1"}`, `{"a": 2}`, "", at("a")},
		{"numbers are not rounded", `{"a": 12345678901234567890}`, `{"a": 12345678901234567891}`, `{"a": 12345678901234567892}`, "", at("a")},
		{"a number of another type is another value", "{\n\"a\": 1,\n\"b\": 1\n}", "{\n\"a\": 1,\n\"b\": 2\n}", "{\n\"a\": 1.0,\n\"b\": 1\n}", "{\n\"a\": 1.0,\n\"b\": 2\n}", nil},
		{"escapes do not count", "{\n\"\\u0061\": \"x\",\n\"b\": 1\n}", "{\n\"\\u0061\": \"y\",\n\"b\": 1\n}", "{\n\"a\": \"\\u0078\",\n\"b\": 2\n}", "{\n\"\\u0061\": \"y\",\n\"b\": 2\n}", nil},
		{"CRLF of ours", "{\n  \"a\": 1\n}\n", "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}\r\n", "{\n  \"a\": 3,\n  \"c\": {\n    \"d\": 1\n  }\n}\n",
			"{\r\n  \"a\": 3,\r\n  \"c\": {\r\n    \"d\": 1\r\n  },\r\n  \"b\": 2\r\n}\r\n", nil},
		{"byte order mark of ours, reordered by theirs", "{\"a\": 1,\n\"b\": 1}", "\uFEFF{\"a\": 2,\n\"b\": 1}", "{\"b\": 2,\n\"a\": 1}", "\uFEFF{\"a\": 2,\n\"b\": 2}", nil},
		{"the comma first", "{ \"a\": 1\n, \"b\": 2\n}", "{ \"a\": 1\n, \"b\": 3\n}", "{ \"a\": 2\n, \"b\": 2\n}", "{ \"a\": 2\n, \"b\": 3\n}", nil},
	}
}

func listCases() []mergeCase {
	return []mergeCase{
		{"items by name", `{"users": [{"name": "a", "x": 1}, {"name": "b", "x": 1}]}`,
			`{"users": [{"name": "a", "x": 2}, {"name": "b", "x": 1}]}`, `{"users": [{"name": "b", "x": 3}, {"name": "c", "x": 1}, {"name": "a", "x": 1}]}`,
			`{"users": [{"name": "a", "x": 2}, {"name": "b", "x": 3}, {"name": "c", "x": 1}]}`, nil},
		{"both add an item", `[{"id": 1}]`, `[{"id": 1}, {"id": 2}]`, `[{"id": 1}, {"id": 3}]`, `[{"id": 1}, {"id": 3}, {"id": 2}]`, nil},
		{"both add the same item", `[{"id": 1}]`, `[{"id": 1}, {"id": 2}]`, `[{"id": 1}, {"id": 3}, {"id": 2}]`, `[{"id": 1}, {"id": 3}, {"id": 2}]`, nil},
		{"both add an item, two contents", `[{"id": 1}]`, `[{"id": 1}, {"id": 2, "x": 1}]`, `[{"id": 1}, {"id": 2, "x": 2}]`, "", at("[id=2]/x")},
		{"an item renamed", `[{"name": "a", "x": 1}]`, `[{"name": "b", "x": 1}]`, `[{"name": "a", "x": 2}]`, `[{"name": "b", "x": 2}]`, nil},
		{"an item renamed by both", `[{"name": "a"}]`, `[{"name": "b"}]`, `[{"name": "c"}]`, "", at("[name=b]/name")},
		{"a chain that both added to", `{"filters": [{"name": "a"}]}`, `{"filters": [{"name": "a"}, {"name": "b"}]}`, `{"filters": [{"name": "a"}, {"name": "c"}]}`,
			"", at("filters")},
		{"an id that is not unique", `[{"id": 1, "x": 1}]`, `[{"id": 1, "x": 1}, {"id": 1, "x": 2}]`, `[{"id": 1, "x": 3}]`, "", at("")},
		{"items without a name, changed by both", `[{"a": 1, "b": 1}]`, `[{"a": 2, "b": 1}]`, `[{"a": 1, "b": 2}]`, "", at("")},
		{"items without a name, one by each", "[\n{\"a\": 1},\n{\"a\": 2},\n{\"a\": 3}\n]", "[\n{\"a\": 9},\n{\"a\": 2},\n{\"a\": 3}\n]", "[\n{\"a\": 1},\n{\"a\": 2},\n{\"a\": 8}\n]",
			"[\n{\"a\": 9},\n{\"a\": 2},\n{\"a\": 8}\n]", nil},
		{"both filled an empty list", `{"a": []}`, `{"a": [{"x": 1}]}`, `{"a": [{"x": 2}]}`, "", at("a")},
		{"values added by both at one place", `[1]`, `[1, 2]`, `[1, 3]`, "", at("")},
		{"values of one side hold those of the other", `[1]`, `[1, 2]`, `[1, 4, 2, 3]`, `[1, 4, 2, 3]`, nil},
		{"a value added and one removed", "[\n1,\n2,\n3,\n4\n]", "[\n2,\n3,\n4\n]", "[\n1,\n2,\n3,\n4,\n5\n]", "[\n2,\n3,\n4,\n5\n]", nil},
		{"a value against a list", `{"a": 1}`, `{"a": [1]}`, `{"a": {"b": 1}}`, "", at("a")},
	}
}

func commentedCases() []mergeCase {
	return []mergeCase{
		{"a comment of ours, a value of theirs", "{\n  \"a\": 1 // one\n}\n", "{\n  // mine\n  \"a\": 1 // one\n}\n", "{\n  \"a\": 2, // one\n  \"b\": 3\n}\n",
			"{\n  // mine\n  \"a\": 2, // one\n  \"b\": 3\n}\n", nil},
		{"a key behind a line comment", "{\"a\": 1 // x\n}", "{\"a\": 2 // x\n}", "{\"a\": 1, // x\n\"b\": 1 /* y */}", "{\"a\": 2, // x\n \"b\": 1 /* y */\n}", nil},
		{"a comma behind the last key in ours only", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\n  \"a\": 1,\n  \"b\": 2,\n}\n", nil},
		{"a comma behind the last key in theirs only", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 2\n}\n", "{\n  \"a\": 1,\n  \"b\": 2,\n}\n", "{\n  \"a\": 2,\n  \"b\": 2\n}\n", nil},
		{"comments changed by both", "{\n  /* old */\n  \"a\": 1\n}\n", "{\n  /* ours */\n  \"a\": 1\n}\n", "{\n  /* theirs */\n  \"a\": 2\n}\n", "{\n  /* ours */\n  \"a\": 2\n}\n", nil},
		{"a comment at the end of ours", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 1\n  // \"b\": 2\n}\n// end\n", "{\n  \"a\": 1,\n  \"c\": 3\n}\n",
			"{\n  \"a\": 1,\n  \"c\": 3\n  // \"b\": 2\n}\n// end\n", nil},
		{"a head comment of ours, a licence of theirs", "{\n  \"a\": 1\n}\n", "// mine\n{\n  \"a\": 1\n}\n", "{\n  // about a\n  \"a\": 2\n}\n", "// mine\n{\n  // about a\n  \"a\": 2\n}\n", nil},
		{"a key removed, with a comment of ours", "{\n  \"a\": 1,\n  \"b\": 1\n}\n", "{\n  // mine\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\n  \"b\": 1\n}\n", "{\n  // mine\n  \"b\": 2\n}\n", nil},
		{"not read: a comment before a comma", "[\n1 /* c */ ,\n2,\n3\n]", "[\n1 /* c */ ,\n2,\n4\n]", "[\n0 /* c */ ,\n2,\n3\n]", "[\n0 /* c */ ,\n2,\n4\n]", nil},
	}
}

func TestMerge(t *testing.T) {
	checkMerges(t, "json", append(plainCases(), listCases()...))
	checkMerges(t, "jsonc", append(append(plainCases(), listCases()...), commentedCases()...))
}

// A comment of the operator's is not removed with the key it stands in; one of the
// vendor's does not keep what the operator removed.
func TestCommentInRemoved(t *testing.T) {
	base, less := "{\n  \"a\": {\"x\": 1},\n  \"b\": 1\n}\n", "{\n  \"b\": 1\n}\n"
	commented := "{\n  \"a\": {/* mine */ \"x\": 1},\n  \"b\": 1\n}\n"
	if r := formats.Merge("jsonc", []byte(base), []byte(commented), []byte(less), merge.Options{}); len(r.Conflicts) != 1 || r.Conflicts[0].Key != "a" {
		t.Errorf("a comment of ours: want a conflict at a, got %v in\n%s", r.Conflicts, r.Merged)
	}
	if r := formats.Merge("jsonc", []byte(base), []byte(less), []byte(commented), merge.Options{}); !r.Clean() || string(r.Merged) != less {
		t.Errorf("a comment of theirs: want %s, got %v in\n%s", less, r.Conflicts, r.Merged)
	}
}

// random writes a text of a few keys, some of them changed from a base by the dice.
func random(r *rand.Rand, changed bool) string {
	var s strings.Builder
	s.WriteString("{\n")
	first := true
	for i := range 6 {
		if changed && r.Intn(8) == 0 {
			continue
		}
		if !first {
			s.WriteString(",\n")
		}
		first = false
		v := 0
		if changed && r.Intn(5) == 0 {
			v = r.Intn(3)
		}
		if r.Intn(6) == 0 && changed {
			s.WriteString("  // comment\n")
		}
		switch i % 3 {
		case 0:
			fmt.Fprintf(&s, "  \"k%d\": %d", i, v)
		case 1:
			fmt.Fprintf(&s, "  \"k%d\": {\"x\": 0, \"y\": %d}", i, v)
		default:
			fmt.Fprintf(&s, "  \"k%d\": [{\"name\": \"a\", \"v\": %d}, {\"name\": \"b%d\"}]", i, v, v)
		}
	}
	if changed && r.Intn(4) == 0 {
		s.WriteString(", // last")
	}
	s.WriteString("\n}\n")
	return s.String()
}

// TestProperties: an unchanged side gives the other one, equal sides give both, and
// swapping the sides does not change the verdict.
func TestProperties(t *testing.T) {
	const seed = 4
	r := rand.New(rand.NewSource(seed))
	structure := tree.Structure(json.Commented())
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
			if res := run(c.b, c.o, c.t); !res.Clean() || meaning(t, res.Merged) != meaning(t, []byte(c.want)) ||
				c.want != theirs && string(res.Merged) != c.want {
				t.Fatalf("seed %d: base\n%s\nours\n%s\ntheirs\n%s\nwant\n%s\ngot\n%s", seed, c.b, c.o, c.t, c.want, res.Merged)
			}
		}
		one, two := run(base, ours, theirs), run(base, theirs, ours)
		if len(one.Conflicts) != len(two.Conflicts) {
			t.Fatalf("seed %d: swapping changes the verdict: %v, %v\nbase\n%s\nours\n%s\ntheirs\n%s", seed, one.Conflicts, two.Conflicts, base, ours, theirs)
		}
		if !one.Clean() {
			conflicts++
			continue
		}
		clean++
		if meaning(t, one.Merged) != meaning(t, two.Merged) {
			t.Fatalf("seed %d: swapping changes the result:\n%s\n%s", seed, one.Merged, two.Merged)
		}
	}
	if clean < 50 || conflicts < 50 {
		t.Errorf("seed %d: %d clean, %d conflicts: want many of both", seed, clean, conflicts)
	}
}

// meaning spells what a text says, without order of keys and items.
func meaning(t *testing.T, data []byte) string {
	n, err := json.ParseCommented(bytes.TrimPrefix(data, []byte("\uFEFF")))
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	var spell func(n *tree.Node) string
	spell = func(n *tree.Node) string {
		if n.Kind == tree.Leaf {
			return n.Value
		}
		var parts []string
		for _, k := range n.Kids {
			parts = append(parts, k.Key+":"+spell(k))
		}
		slices.Sort(parts)
		return "(" + strings.Join(parts, " ") + ")"
	}
	return spell(n)
}

// FuzzMerge: whatever the texts, a merge ends, and a clean one can be read.
func FuzzMerge(f *testing.F) {
	for _, c := range slices.Concat(plainCases(), listCases(), commentedCases()) {
		f.Add([]byte(c.base), []byte(c.ours), []byte(c.theirs))
	}
	structure := tree.Structure(json.Commented())
	f.Fuzz(func(t *testing.T, base, ours, theirs []byte) {
		r, ok := structure(base, ours, theirs, merge.Result{Conflicts: make([]merge.Conflict, 1)}, merge.Options{})
		if !ok || !r.Clean() {
			return
		}
		if _, err := json.ParseCommented(bytes.TrimPrefix(r.Merged, []byte("\uFEFF"))); err != nil {
			t.Fatalf("%v in %q", err, r.Merged)
		}
	})
}
