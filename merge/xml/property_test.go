package xml_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/tree"
	"inplace/merge/xml"
)

// document writes a random document: named and nameless elements, attributes, texts,
// comments.
func document(r *rand.Rand) string {
	var s strings.Builder
	number := 0
	var element func(indent string, depth int)
	element = func(indent string, depth int) {
		number++
		tag := []string{"Connector", "Valve", "property", "step", "user"}[r.IntN(5)]
		if r.IntN(5) == 0 {
			fmt.Fprintf(&s, "%s<!-- about %d -->\n", indent, number)
		}
		fmt.Fprintf(&s, "%s<%s name=\"n%d\"", indent, tag, number)
		for i := range r.IntN(4) {
			fmt.Fprintf(&s, " a%d=\"v%d\"", i, r.IntN(9))
		}
		switch {
		case depth < 3 && r.IntN(2) == 0:
			s.WriteString(">\n")
			for range 1 + r.IntN(4) {
				element(indent+"  ", depth+1)
			}
			fmt.Fprintf(&s, "%s</%s>\n", indent, tag)
		case r.IntN(2) == 0:
			fmt.Fprintf(&s, ">text %d</%s>\n", r.IntN(9), tag)
		default:
			s.WriteString("/>\n")
		}
	}
	s.WriteString("<?xml version=\"1.0\"?>\n<root>\n")
	for range 3 + r.IntN(5) {
		element("  ", 0)
	}
	s.WriteString("</root>\n")
	return s.String()
}

// values returns the ranges of all values of a tree that name nothing, in order.
func values(n *tree.Node, in []tree.Range) []tree.Range {
	if n.Kind == tree.Leaf && n.Key != "@name" && n.Key != "@version" && !n.Val.Empty() {
		in = append(in, n.Val)
	}
	for _, k := range n.Kids {
		in = values(k, in)
	}
	return in
}

// replace writes values anew: edits are by number of the value.
func replace(text string, at []tree.Range, edits map[int]string) string {
	var s strings.Builder
	end := 0
	for i, r := range at {
		if v, ok := edits[i]; ok {
			old := text[r.Start:r.End]
			if old[0] == '"' {
				v = `"` + v + `"`
			}
			s.WriteString(text[end:r.Start] + v)
			end = r.End
		}
	}
	return s.String() + text[end:]
}

// Edits of different values, by two sides, are both in the result and nothing else is
// changed; edits of one value are a conflict.
func TestEditsOfBothSides(t *testing.T) {
	const seed = 4
	r := rand.New(rand.NewPCG(seed, 1))
	conflicts := 0
	for round := range 300 {
		base := document(r)
		n, err := xml.Parse([]byte(base))
		if err != nil {
			t.Fatal(err)
		}
		at := values(n, nil)
		if len(at) < 2 {
			continue
		}
		ours, theirs, both := map[int]string{}, map[int]string{}, map[int]string{}
		contradict := false
		for i := range at {
			switch r.IntN(6) {
			case 0:
				ours[i] = fmt.Sprintf("ours %d", i)
				both[i] = ours[i]
				if r.IntN(40) == 0 {
					theirs[i] = fmt.Sprintf("theirs %d", i)
					contradict = true
				}
			case 1:
				theirs[i] = fmt.Sprintf("theirs %d", i)
				both[i] = theirs[i]
			}
		}
		o, th := replace(base, at, ours), replace(base, at, theirs)
		got := formats.Merge("xml", []byte(base), []byte(o), []byte(th), merge.Options{})
		switch {
		case contradict:
			conflicts++
			if got.Clean() {
				t.Fatalf("seed %d, round %d: clean, base\n%s\nours\n%s\ntheirs\n%s", seed, round, base, o, th)
			}
		case !got.Clean() || string(got.Merged) != replace(base, at, both):
			t.Fatalf("seed %d, round %d: want\n%s\ngot\n%s\n%+v", seed, round, replace(base, at, both), got.Merged, got.Conflicts)
		}
	}
	if conflicts == 0 || conflicts > 200 {
		t.Errorf("%d of 300 rounds contradict: nothing is shown", conflicts)
	}
}

// What only one side changed is taken as it is, with the structure alone; swapping the
// sides gives the same verdict and the same keys in conflict.
func TestLaws(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 1))
	run := tree.Structure(xml.Format())
	try := func(b, o, t string) (merge.Result, bool) {
		return run([]byte(b), []byte(o), []byte(t), merge.Result{Conflicts: []merge.Conflict{{}}}, merge.Options{})
	}
	// change removes, doubles or edits lines that are elements of their own.
	change := func(s string) string {
		lines := strings.SplitAfter(s, "\n")
		for range 2 + r.IntN(8) {
			i := 2 + r.IntN(len(lines)-4)
			l := lines[i]
			if !strings.HasSuffix(l, "/>\n") && !strings.Contains(l, "</") || !strings.Contains(l, "name=") {
				continue
			}
			switch r.IntN(4) {
			case 0:
				lines = slices.Delete(lines, i, i+1)
			case 1:
				lines = slices.Insert(lines, i, strings.Replace(l, "name=\"", fmt.Sprintf("name=\"new%d", r.IntN(3)), 1))
			case 2:
				lines[i] = strings.Replace(l, "name=", fmt.Sprintf("b%d=\"%d\" name=", r.IntN(2), r.IntN(2)), 1)
			default:
				lines[i] = strings.Replace(l, "name=\"", "name=\"re", 1)
			}
			if len(lines) < 6 {
				break
			}
		}
		return strings.Join(lines, "")
	}
	clean, torn := 0, 0
	for round := range 150 {
		base := document(r)
		a, b := change(base), change(base)
		if _, err := xml.Parse([]byte(a)); err != nil {
			continue // an attribute twice
		}
		if _, err := xml.Parse([]byte(b)); err != nil {
			continue
		}
		for _, c := range []struct{ name, base, ours, theirs, want string }{
			{"theirs alone", base, base, a, a}, {"ours alone", base, a, base, a}, {"both alike", base, a, a, a},
		} {
			got, ok := try(c.base, c.ours, c.theirs)
			if !ok || !got.Clean() || !bytes.Equal(got.Merged, []byte(c.want)) {
				t.Fatalf("seed %d, round %d: %s: want\n%s\ngot %v\n%s", seed, round, c.name, c.want, ok, got.Merged)
			}
		}
		one, okOne := try(base, a, b)
		two, okTwo := try(base, b, a)
		if okOne != okTwo || one.Clean() != two.Clean() || !slices.Equal(keys(one), keys(two)) {
			t.Fatalf("seed %d, round %d: %v %v, swapped %v %v: base\n%s\nours\n%s\ntheirs\n%s", seed, round, okOne, keys(one), okTwo, keys(two), base, a, b)
		}
		if one.Clean() {
			clean++
		} else {
			torn++
		}
	}
	if clean < 10 || torn < 10 {
		t.Errorf("%d clean, %d torn: nothing is shown", clean, torn)
	}
}

var name = regexp.MustCompile(`\[[^]]*\]`)

// keys returns the paths in conflict, sorted, and without names, which follow ours.
func keys(r merge.Result) []string {
	var out []string
	for _, c := range r.Conflicts {
		out = append(out, name.ReplaceAllString(c.Key, "[]"))
	}
	slices.Sort(out)
	return out
}
