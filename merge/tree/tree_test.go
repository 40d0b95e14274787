package tree_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"inplace/merge"
	"inplace/merge/tree"
)

// byStructure merges without the short cuts of merge.Merge. The line merge it is given is
// not clean, so that the spliced text is seen.
func byStructure(t interface{ Fatalf(string, ...any) }, f tree.Format, base, ours, theirs string) merge.Result {
	unclean := merge.Result{Conflicts: make([]merge.Conflict, 1)}
	r, ok := tree.Structure(f)([]byte(base), []byte(ours), []byte(theirs), unclean, merge.Options{})
	if !ok {
		t.Fatalf("not understood:\n%s\n%s\n%s", base, ours, theirs)
	}
	if len(r.Conflicts) == 0 {
		if _, err := f.Parse(bytes.TrimPrefix(r.Merged, []byte("\uFEFF"))); err != nil {
			t.Fatalf("the merged text does not parse: %v\n%s\n%s\n%s\n%s", err, base, ours, theirs, r.Merged)
		}
	}
	return r
}

func TestSplice(t *testing.T) {
	for _, c := range []struct{ name, base, ours, theirs, want string }{
		{"one side each", "{a=1, b=2}", "{a=1, b=3}", "{a=4, b=2}", "{a=4, b=3}"},
		{"value in the operator's layout", "{a=1, b=2}", "{\n  a=1,\n  b=3,\n}\n", "{a=4, b=2}", "{\n  a=4,\n  b=3,\n}\n"},
		{"added at the end", "{\n  a=1\n}", "{\n  a=2\n}", "{\n  a=1,\n  b=1\n}", "{\n  a=2,\n  b=1\n}"},
		{"added in front", "{\n  a=1\n}", "{\n  a=2\n}", "{\n  b=1,\n  a=1\n}", "{\n  b=1,\n  a=2\n}"},
		{"removed at the end", "{a=1, b=2}", "{a=3, b=2}", "{a=1}", "{a=3}"},
		{"both added, the vendor's first", "{a=1}", "{a=1, mine=1}", "{a=1, n=1, o=2}", "{a=1, n=1, o=2, mine=1}"},
		{"both added the same at two places", "{a=1, b=2}", "{n=1, a=1, b=2}", "{a=1, b=2, n=1, m=1}", "{n=1, m=1, a=1, b=2}"},
		{"moved by ours, changed by theirs", "{a=1, b=2, c=3}", "{c=3, a=1, b=2}", "{a=1, b=2, c=4}", "{c=4, a=1, b=2}"},
		{"order of theirs is form", "{a=1, b=2}", "{a=1, b=3}", "{b=2, a=1}", "{a=1, b=3}"},
		{"nested, indented anew", "{\n  x={\n    a=1\n  }\n}", "{\n\tx={\n\t\ta=2\n\t}\n}", "{\n  x={\n    a=1,\n    y={\n      z=1\n    }\n  }\n}",
			"{\n\tx={\n\t\ta=2,\n\t\ty={\n\t\t  z=1\n\t\t}\n\t}\n}"},
		{"put into an empty map", "{a=1, x={}}", "{a=2, x={}}", "{a=1, x={\n  n=1\n}}", "{a=2, x={\n  n=1\n}}"},
		{"both filled a map", "{a=1}", "{a=1, x={m=1}}", "{a=1, x={n=1}}", "{a=1, x={n=1, m=1}}"},
		{"a value became a map", "{a=1, b=1}", "{a=1, b=2}", "{a={x=1}, b=1}", "{a={x=1}, b=2}"},
		{"comment of theirs changed", "{\n # old\n a=1,\n b=1\n}", "{\n # old\n a=1,\n b=2\n}", "{\n # new\n a=1,\n b=1\n}", "{\n # new\n a=1,\n b=2\n}"},
		{"comment of both changed", "{\n # old\n a=1,\n b=1\n}", "{\n # mine\n a=1,\n b=2\n}", "{\n # new\n a=1,\n b=1\n}", "{\n # mine\n a=1,\n b=2\n}"},
		{"comment of ours where theirs removes", "{\n a=1,\n b=1\n}", "{\n # mine\n a=1,\n b=2\n}", "{\n b=1\n}", "{\n # mine\n b=2\n}"},
		{"trail of theirs", "{\n a=1, # x\n b=1\n}", "{\n a=1, # x\n b=2\n}", "{\n a=1, # y\n b=1\n}", "{\n a=1, # y\n b=2\n}"},
		{"last item with a trail gets a separator", "{\n a=1 # x\n}", "{\n a=2 # x\n}", "{\n a=1, # x\n b=1\n}", "{\n a=2, # x\n b=1\n}"},
		{"line ends of ours", "{\n a=1,\n b=1\n}\n", "{\r\n a=1,\r\n b=2\r\n}\r\n", "{\n a=1,\n b=1,\n c={\n  d=1\n }\n}\n", "{\r\n a=1,\r\n b=2,\r\n c={\r\n  d=1\r\n }\r\n}\r\n"},
		{"renamed by ours", "{s@1={a=1, b=1}}", "{s@2={a=1, b=1}}", "{s@1={a=1, b=2}}", "{s@2={a=1, b=2}}"},
		{"list appended by theirs, changed elsewhere by ours", "{l=[a, b], x=1}", "{l=[a, b], x=2}", "{l=[a, b, c], x=1}", "{l=[a, b, c], x=2}"},
		{"list changed at two places", "{l=[a, b, c]}", "{l=[o, a, b, c]}", "{l=[a, b, c, t]}", "{l=[o, a, b, c, t]}"},
		{"list reordered by theirs", "{l=[a, b, c], x=1}", "{l=[a, b, c], x=2}", "{l=[c, a, b], x=1}", "{l=[c, a, b], x=2}"},
		{"list of ours kept within theirs", "{l=[a]}", "{l=[a, n]}", "{l=[a, n, m]}", "{l=[a, n, m]}"},
		{"list item removed beside an addition", "{l=[a, b]}", "{l=[a]}", "{l=[a, b, n]}", "{l=[a, n]}"},
		{"final newline of theirs", "{a=1, b=1}", "{a=2, b=1}", "{a=1, b=2}\n", "{a=2, b=2}\n"},
		{"byte order mark of ours", "{a=1, b=1}", "\uFEFF{a=2, b=1}", "{a=1, b=2}", "\uFEFF{a=2, b=2}"},
		{"repeated key, changed by theirs alone", "{a=1, a=2, b=1}", "{a=1, a=2, b=2}", "{a=1, a=3, b=1}", "{a=1, a=3, b=2}"},
	} {
		r := byStructure(t, toy(), c.base, c.ours, c.theirs)
		if len(r.Conflicts) > 0 || string(r.Merged) != c.want {
			t.Errorf("%s:\nbase   %q\nours   %q\ntheirs %q\nwant   %q\ngot    %q, %+v", c.name, c.base, c.ours, c.theirs, c.want, r.Merged, r.Conflicts)
		}
	}
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct{ name, base, ours, theirs, key, reason, want string }{
		{"one value, two ways", "{\n a=1, b=1\n}", "{\n a=2, b=2\n}", "{\n a=3, b=1\n}", "a", "both sides changed it differently",
			"{\n<<<<<<< ours\n a=2, b=2\n||||||| base\n a=1, b=2\n=======\n a=3, b=2\n>>>>>>> theirs\n}"},
		{"changed and removed", "{\n x={\n  a=1,\n  b=1\n }\n}", "{\n x={\n  a=2,\n  b=1\n }\n}", "{\n x={\n  b=1\n }\n}", "x/a", "theirs removed it, ours changed it", ""},
		{"removed and changed", "{a=1, b=1}", "{b=1}", "{a=2, b=1}", "a", "ours removed it, theirs changed it",
			"<<<<<<< ours\n{ b=1}\n||||||| base\n{a=1, b=1}\n=======\n{a=2, b=1}\n>>>>>>> theirs\n"},
		{"map removed, changed below", "{x={a=1, b=1}, y=1}", "{x={a=1, b=2}, y=1}", "{y=1}", "x", "theirs removed it, ours changed it", ""},
		{"map removed, comment of ours below", "{x={a=1, b=1}, y=1}", "{x={a=1, b=1\n# mine\n}, y=1}", "{y=1}", "x", "theirs removed it, ours wrote a comment in it", ""},
		{"added with two values", "{a=1}", "{n=1, a=1}", "{a=1, n=2}", "n", "both sides added it with different values", ""},
		{"added below with two values", "{a=1}", "{x={n=1}, a=1}", "{a=1, x={n=2}}", "x/n", "both sides added it with different values", ""},
		{"value against map", "{a=1}", "{a=2}", "{a={b=1}}", "a", "both sides changed it differently", ""},
		{"list added to at one place", "{l=[a]}", "{l=[a, o]}", "{l=[a, t]}", "l", "both sides changed a list whose order has a meaning", ""},
		{"list moved by both", "{l=[a, b, c]}", "{l=[c, a, b]}", "{l=[b, a, c]}", "l", "both sides changed a list whose order has a meaning", ""},
		{"repeated key of both", "{a=1, a=2}", "{a=1, a=3}", "{a=4, a=2}", "a", "it stands several times, and both sides changed that", ""},
		{"key repeated by theirs", "{a=1}", "{a=2}", "{a=1, a=3}", "a", "it stands several times, and both sides changed that", ""},
		{"renamed by both", "{s@1={a=1}}", "{s@2={a=2}}", "{s@3={a=3}}", "s@2/a", "both sides changed it differently", ""},
	} {
		r := byStructure(t, toy(), c.base, c.ours, c.theirs)
		if len(r.Conflicts) != 1 || r.Conflicts[0].Key != c.key || r.Conflicts[0].Reason != c.reason {
			t.Errorf("%s: want %s: %s, got %q, %+v", c.name, c.key, c.reason, r.Merged, r.Conflicts)
			continue
		}
		if c.want != "" && string(r.Merged) != c.want {
			t.Errorf("%s: want\n%s\ngot\n%s", c.name, c.want, r.Merged)
		}
	}
}

// drawToy draws a map of few different keys, so that the sides meet.
func drawToy(t *rapid.T, label string, depth int) string {
	n := rapid.IntRange(0, 4).Draw(t, label+" items")
	var items []string
	seen := map[string]bool{}
	for range n {
		key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, label+" key")
		if seen[key] && rapid.IntRange(0, 5).Draw(t, label+" repeat") > 0 {
			continue
		}
		seen[key] = true
		value := rapid.SampledFrom([]string{"1", "2", "3", "[a, b]", "[b, c]", "[]", "map"}).Draw(t, label+" value")
		if value == "map" {
			value = "1"
			if depth > 0 {
				value = drawToy(t, label, depth-1)
			}
		}
		comment := rapid.SampledFrom([]string{"", "", "", "\n# x\n", "\n # y\n\n"}).Draw(t, label+" comment")
		items = append(items, comment+key+"="+value)
	}
	gap := rapid.SampledFrom([]string{", ", ",\n  ", ","}).Draw(t, label+" gap")
	return "{" + strings.Join(items, gap) + rapid.SampledFrom([]string{"", "\n", " "}).Draw(t, label+" end") + "}"
}

// real tells whether a result has a conflict other than one that shields a comment of
// the operator's: the vendor's comments are not shielded.
func real(r merge.Result) bool {
	for _, c := range r.Conflicts {
		if !strings.HasSuffix(c.Reason, "ours wrote a comment in it") {
			return true
		}
	}
	return false
}

func TestTreeProperties(t *testing.T) {
	clean, conflicts := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		b, o, th := drawToy(t, "base", 2), drawToy(t, "ours", 2), drawToy(t, "theirs", 2)
		if r := byStructure(t, toy(), b, o, b); len(r.Conflicts) > 0 || string(r.Merged) != o {
			t.Fatalf("Merge(b, o, b): base %q: want %q, got %q, %+v", b, o, r.Merged, r.Conflicts)
		}
		if r := byStructure(t, toy(), b, o, o); len(r.Conflicts) > 0 || string(r.Merged) != o {
			t.Fatalf("Merge(b, x, x): base %q: want %q, got %q, %+v", b, o, r.Merged, r.Conflicts)
		}
		if r := byStructure(t, toy(), b, b, th); len(r.Conflicts) > 0 || string(r.Merged) != th {
			t.Fatalf("Merge(b, b, t): base %q: want %q, got %q, %+v", b, th, r.Merged, r.Conflicts)
		}
		x, y := byStructure(t, toy(), b, o, th), byStructure(t, toy(), b, th, o)
		if real(x) != real(y) {
			t.Fatalf("swapping sides changes the verdict:\n%q\n%q\n%q\n%+v\n%+v", b, o, th, x.Conflicts, y.Conflicts)
		}
		if len(x.Conflicts) > 0 {
			conflicts++
			if !bytes.Contains(x.Merged, []byte("<<<<<<< ours\n")) {
				t.Fatalf("no marker in %q", x.Merged)
			}
			return
		}
		clean++
		// Merging again what is merged changes nothing.
		if r := byStructure(t, toy(), th, string(x.Merged), th); string(r.Merged) != string(x.Merged) {
			t.Fatalf("want %q again, got %q", x.Merged, r.Merged)
		}
		// Both results mean the same: from either to the other no key changes.
		if len(y.Conflicts) == 0 {
			r := byStructure(t, toy(), string(x.Merged), string(x.Merged), string(y.Merged))
			for _, n := range r.Notes {
				if strings.HasSuffix(n.Text, "by theirs") {
					t.Fatalf("%q and %q differ: %s %s\n%q\n%q\n%q", x.Merged, y.Merged, n.Key, n.Text, b, o, th)
				}
			}
		}
	})
	if clean == 0 || conflicts == 0 {
		t.Errorf("want clean merges and conflicts, got %d and %d", clean, conflicts)
	}
}
