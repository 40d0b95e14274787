package yaml_test

import (
	"strings"
	"testing"

	"inplace/merge"
	"inplace/merge/formats"
)

// row is a merge of base, ours and theirs. want "" means that it must conflict about key.
type row struct{ name, base, ours, theirs, want, key string }

func (c row) run(t *testing.T) {
	t.Helper()
	r := formats.Merge("yaml", []byte(c.base), []byte(c.ours), []byte(c.theirs), merge.Options{})
	switch {
	case c.want != "" && !r.Clean():
		t.Errorf("%s: want\n%s\ngot conflicts %+v", c.name, c.want, r.Conflicts)
	case c.want != "" && string(r.Merged) != c.want:
		t.Errorf("%s: want\n%s\ngot\n%s\nnotes %v", c.name, c.want, r.Merged, r.Notes)
	case c.want == "" && r.Clean():
		t.Errorf("%s: want a conflict, got\n%s", c.name, r.Merged)
	case c.want == "" && (r.Method != merge.MethodStructure || r.Conflicts[0].Key != c.key):
		t.Errorf("%s: want a conflict about %q, got %s: %+v", c.name, c.key, r.Method, r.Conflicts)
	}
}

func TestMergeMappings(t *testing.T) {
	for _, c := range []row{
		{name: "adjacent keys", base: "a: 1\nb: 2\n", ours: "a: 9\nb: 2\n", theirs: "a: 1\nb: 8\n", want: "a: 9\nb: 8\n"},
		{name: "one key added at two places, alike", base: "a: 1\nb: 2\nc: 3\n", ours: "n: 5\na: 1\nb: 2\nc: 3\n",
			theirs: "a: 1\nb: 2\nc: 3\nn: 5\n", want: "n: 5\na: 1\nb: 2\nc: 3\n"},
		{name: "one key added at two places, differently", base: "s:\n  a: 1\n  b: 2\n", ours: "s:\n  n: 5\n  a: 1\n  b: 2\n",
			theirs: "s:\n  a: 1\n  b: 2\n  n: 6\n", key: "s/n"},
		{name: "both add at one place", base: "s:\n  a: 1\nz: 0\n", ours: "s:\n  a: 1\n  o: 1\nz: 0\n",
			theirs: "s:\n  a: 1\n  t: 1\nz: 0\n", want: "s:\n  a: 1\n  t: 1\n  o: 1\nz: 0\n"},
		{name: "both add a block, alike but for one key", base: "a: 1\n", ours: "a: 1\ns:\n  x: 1\n  y: 2\n",
			theirs: "a: 1\ns:\n  x: 1\n", want: "a: 1\ns:\n  x: 1\n  y: 2\n"},
		{name: "both change one value", base: "a: 1\n", ours: "a: 2\n", theirs: "a: 3\n", key: "a"},
		{name: "type of a value", base: "a: 1\n", ours: "a: \"1\"\n", theirs: "a: 2\n", key: "a"},
		{name: "quotes are form", base: "a: x\nb: y\n", ours: "a: \"x\"\nb: 'y'\n", theirs: "a: z\nb: y\n", want: "a: z\nb: 'y'\n"},
		{name: "removed against changed below", base: "s:\n  a: 1\n  b: 2\nz: 0\n", ours: "s:\n  a: 9\n  b: 2\nz: 0\n", theirs: "z: 0\n", key: "s"},
		{name: "changed against removed", base: "a: 1\nb: 2\n", ours: "b: 2\n", theirs: "a: 3\nb: 2\n", key: "a"},
		{name: "removed by theirs", base: "a: 1\ns:\n  b: 2\n  c: 3\n", ours: "a: 9\ns:\n  b: 2\n  c: 3\n", theirs: "a: 1\ns:\n  c: 3\n", want: "a: 9\ns:\n  c: 3\n"},
		{name: "vendor's order", base: "a: 1\nb: 2\nc: 3\n", ours: "a: 9\nb: 2\nc: 3\n", theirs: "c: 3\nb: 2\na: 1\n", want: "a: 9\nb: 2\nc: 3\n"},
		{name: "a value becomes a block", base: "a: 1\nb: 2\n", ours: "a: 9\nb: 2\n", theirs: "a: 1\nb:\n  c: 3\n", want: "a: 9\nb:\n  c: 3\n"},
		{name: "nothing becomes a value", base: "a:\nb: 2\n", ours: "a:\nb: 9\n", theirs: "a: x\nb: 2\n", want: "a: x\nb: 9\n"},
		{name: "an empty block filled by both", base: "r: {}\n", ours: "r:\n  a: 1\n", theirs: "r:\n  b: 2\n", want: "r:\n  b: 2\n  a: 1\n"},
		{name: "an empty block filled by theirs", base: "r: {}  # c\nz: 1\n", ours: "r: {}  # c\nz: 9\n", theirs: "r:  # c\n  b: 2\nz: 1\n", want: "r:  # c\n  b: 2\nz: 9\n"},
		{name: "one key twice", base: "a: 1\n", ours: "a: 1\nb: 1\nb: 2\n", theirs: "a: 1\nb: 3\n", key: "b"},
		{name: "block scalar changed by theirs", base: "a: 1\ns: |\n  x\n  y\n\nz: 0\n", ours: "a: 9\ns: |\n  x\n  y\n\nz: 0\n",
			theirs: "a: 1\ns: |-\n  x\n\n    w\nz: 0\n", want: "a: 9\ns: |-\n  x\n\n    w\n\nz: 0\n"},
		{name: "block scalar changed by both", base: "s: |\n  x\n  y\n  z\n", ours: "s: |\n  X\n  y\n  z\n", theirs: "s: |\n  x\n  y\n  Z\n", key: "s"},
		{name: "plain scalar over lines", base: "s: a\n  b\nz: 0\n", ours: "s: a\n  b\nz: 1\n", theirs: "s: a\n  c\nz: 0\n", want: "s: a\n  c\nz: 1\n"},
	} {
		c.run(t)
	}
}

func TestMergeForm(t *testing.T) {
	for _, c := range []row{
		{name: "indented anew by ours", base: "s:\n  a: 1\n  l:\n  - x: 1\n", ours: "s:\n    a: 1\n    l:\n        - x: 1\n",
			theirs: "s:\n  a: 1\n  n:\n    m: |\n      t\n  l:\n  - x: 2\n    y:\n      z: 3\n",
			want:   "s:\n    a: 1\n    n:\n      m: |\n        t\n    l:\n        - x: 2\n          y:\n            z: 3\n"},
		{name: "indented anew by theirs", base: "s:\n  a: 1\n  b: 2\n", ours: "s:\n  a: 1\n  b: 9\n", theirs: "s:\n    a: 1\n    b: 2\n    c: 3\n", want: "s:\n  a: 1\n  b: 9\n  c: 3\n"},
		{name: "CRLF of ours", base: "a: 1\ns:\n- x\n", ours: "a: 9\r\ns:\r\n- x\r\n", theirs: "a: 1\ns:\n- x\nt: |\n  u\n  v\n", want: "a: 9\r\ns:\r\n- x\r\nt: |\r\n  u\r\n  v\r\n"},
		{name: "byte order mark of ours", base: "a: 1\nb: 2\n", ours: "\uFEFFa: 9\nb: 2\n", theirs: "a: 1\nb: 8\n", want: "\uFEFFa: 9\nb: 8\n"},
		{name: "no last line end", base: "a: 1\nb: 2", ours: "a: 9\nb: 2", theirs: "a: 1\nb: 2\nc: 3", want: "a: 9\nb: 2\nc: 3"},
		{name: "alignment", base: "a:   1\nb:   2\n", ours: "a:   9\nb:   2\n", theirs: "a:   1\nb:   8\n", want: "a:   9\nb:   8\n"},
		{name: "flow, both add", base: "a: {x: 1}\n", ours: "a: {x: 1, o: 2}\n", theirs: "a: {x: 1, t: 3}\n", want: "a: {x: 1, t: 3, o: 2}\n"},
		{name: "flow over lines", base: "a: [\n  x, # c\n]\nb: 1\n", ours: "a: [\n  x, # c\n]\nb: 2\n", theirs: "a: [\n  x, # c\n  y, # d\n]\nb: 1\n", want: "a: [\n  x, # c\n  y, # d\n]\nb: 2\n"},
		{name: "flow against block", base: "a: [x]\nb: 1\n", ours: "a: [x, y]\nb: 1\n", theirs: "a:\n- x\n- z\nb: 1\n", key: "a"},
		{name: "flow made a block by theirs alone", base: "a: [x]\nb: 1\n", ours: "a: [x]\nb: 2\n", theirs: "a:\n- x\n- z\nb: 1\n", want: "a:\n- x\n- z\nb: 2\n"},
		{name: "a template is text", base: "a: {{ x }}\nb: 1\nc: 1\nd: 1\n", ours: "a: {{ y }}\nb: 1\nc: 1\nd: 1\n", theirs: "a: {{ x }}\nb: 1\nc: 1\nd: 2\n", want: "a: {{ y }}\nb: 1\nc: 1\nd: 2\n"},
	} {
		c.run(t)
	}
}

func TestMergeComments(t *testing.T) {
	for _, c := range []row{
		{name: "behind a value, by ours", base: "a: 1\nb: 1\n", ours: "a: 1 # mine\nb: 1\n", theirs: "a: 2\nb: 1\n", want: "a: 2 # mine\nb: 1\n"},
		{name: "behind what theirs made a block scalar", base: "a: x\nb: 1\n", ours: "a: x # mine\nb: 1\n", theirs: "a: |\n  y\nb: 1\n", key: "a"},
		{name: "no room behind a block scalar", base: "a: x\nb: 1\n", ours: "a: |-\n  x\nb: 1\n", theirs: "a: x # new\nb: 2\n", want: "a: |-\n  x\nb: 2\n"},
		{name: "behind a value, by theirs", base: "a: 1 # x\nb: 1\n", ours: "a: 2 # x\nb: 1\n", theirs: "a: 1 # y\nb: 1\n", want: "a: 2 # y\nb: 1\n"},
		{name: "behind a head", base: "s:\n  a: 1\n", ours: "s:\n  a: 2\n", theirs: "s: # new\n  a: 1\n", want: "s: # new\n  a: 2\n"},
		{name: "behind a head, by both", base: "s: # x\n  a: 1\n", ours: "s: # y\n  a: 2\n", theirs: "s: # z\n  a: 1\n", want: "s: # y\n  a: 2\n"},
		{name: "by both", base: "# x\na: 1\n", ours: "# y\na: 1\n", theirs: "# z\na: 2\n", want: "# y\na: 2\n"},
		{name: "travels with its key", base: "a: 1\nb: 1\n", ours: "a: 2\nb: 1\n", theirs: "a: 1\n# about c\nc: 3\nb: 1\n", want: "a: 2\n# about c\nc: 3\nb: 1\n"},
		{name: "operator made a setting live", base: "s:\n  # port: 80\n  a: 1\n", ours: "s:\n  port: 81\n  a: 1\n", theirs: "s:\n  # port: 8080\n  a: 2\n", want: "s:\n  port: 81\n  a: 2\n"},
		{name: "at the end of a block", base: "s:\n  a: 1\nz: 0\n", ours: "s:\n  a: 1\n  # mine\nz: 0\n", theirs: "s:\n  a: 1\n  b: 2\nz: 1\n", want: "s:\n  a: 1\n  b: 2\n  # mine\nz: 1\n"},
		{name: "within what theirs removed", base: "s:\n  a: 1\nz: 0\n", ours: "s:\n  # mine\n  a: 1\nz: 0\n", theirs: "z: 0\n", key: "s"},
		{name: "behind a value within what theirs removed", base: "s:\n  a: 1\nz: 0\n", ours: "s:\n  a: 1 # mine\nz: 0\n", theirs: "z: 0\n", key: "s"},
		{name: "behind what theirs removed", base: "s:\n  a: 1\n  b: 1\n", ours: "s:\n  a: 1  # mine\n  b: 2\n", theirs: "s:\n  b: 1\n", want: "s:\n  # mine\n  b: 2\n"},
		{name: "before a value that theirs changed", base: "a: x\n", ours: "a: # mine\n  x\n", theirs: "a: y\n", key: "a"},
		{name: "behind a block scalar's head", base: "a: |\n  x\nb: 1\n", ours: "a: | # mine\n  x\nb: 1\n", theirs: "a: |\n  y\nb: 1\n", key: "a"},
		{name: "head of the file", base: "# v1\n\na: 1\n", ours: "# v1\n\na: 2\n", theirs: "# v2\n\na: 1\n", want: "# v2\n\na: 2\n"},
	} {
		c.run(t)
	}
}

func TestMergeAnchorsAndDocuments(t *testing.T) {
	const docs = "kind: A\nmetadata:\n  name: x\nv: 1\n---\nkind: A\nmetadata:\n  name: y\nv: 1\n"
	for _, c := range []row{
		{name: "an anchored block, changed apart", base: "a: &x\n  b: 1\n  c: 2\nd: *x\n", ours: "a: &x\n  b: 9\n  c: 2\nd: *x\n", theirs: "a: &x\n  b: 1\n  c: 8\nd: *x\n", want: "a: &x\n  b: 9\n  c: 8\nd: *x\n"},
		{name: "an anchored flow map, changed apart", base: "a: &x {b: 1, c: 2}\nd: *x\n", ours: "a: &x {b: 9, c: 2}\nd: *x\n", theirs: "a: &x {b: 1, c: 8, e: 1}\nd: *x\n", want: "a: &x {b: 9, c: 8, e: 1}\nd: *x\n"},
		{name: "an anchor renamed by theirs", base: "a: &x\n  b: 1\nd: *x\ne: 1\n", ours: "a: &x\n  b: 1\nd: *x\ne: 9\n", theirs: "a: &y\n  b: 1\nd: *y\ne: 1\n", want: "a: &y\n  b: 1\nd: *y\ne: 9\n"},
		{name: "an anchor renamed by theirs, its block changed by ours", base: "a: &x\n  b: 1\nd: *x\n", ours: "a: &x\n  b: 9\nd: *x\n", theirs: "a: &y\n  b: 1\nd: *y\n", key: "a"},
		{name: "a tagged map is whole", base: "a: !x {b: 1, c: 2}\n", ours: "a: !x {b: 9, c: 2}\n", theirs: "a: !x {b: 1, c: 8}\n", key: "a"},
		{name: "an anchored block of theirs", base: "a: &x\n  b: 1\nd:\n  <<: *x\n  e: 1\n", ours: "a: &x\n  b: 1\nd:\n  <<: *x\n  e: 9\n",
			theirs: "a: &x\n  b: 2\nd:\n  <<: *x\n  e: 1\n", want: "a: &x\n  b: 2\nd:\n  <<: *x\n  e: 9\n"},
		{name: "an alias is a value", base: "a: &x 1\nb: &y 2\nc: *x\n", ours: "a: &x 1\nb: &y 2\nc: 5\n", theirs: "a: &x 1\nb: &y 2\nc: *y\n", key: "c"},
		{name: "documents by name", base: docs, ours: strings.Replace(docs, "v: 1\n---", "v: 2\n---", 1),
			theirs: "kind: B\nmetadata:\n  name: n\n---\n" + strings.TrimSuffix(docs, "1\n") + "3\n",
			want:   "kind: B\nmetadata:\n  name: n\n---\n" + strings.Replace(strings.TrimSuffix(docs, "1\n")+"3\n", "v: 1\n---", "v: 2\n---", 1)},
		{name: "both add a document", base: docs, ours: docs + "---\nkind: B\nmetadata:\n  name: o\n", theirs: docs + "---\nkind: B\nmetadata:\n  name: t\n",
			want: docs + "---\nkind: B\nmetadata:\n  name: t\n---\nkind: B\nmetadata:\n  name: o\n"},
		{name: "one document changed by both", base: docs, ours: strings.Replace(docs, "v: 1\n---", "v: 2\n---", 1),
			theirs: strings.Replace(docs, "v: 1\n---", "v: 3\n---", 1), key: "A[name=x]/v"},
		{name: "a document renamed by ours", base: docs, ours: strings.Replace(docs, "name: x", "name: w", 1),
			theirs: strings.Replace(docs, "v: 1\n---", "v: 3\n---", 1), want: strings.Replace(strings.Replace(docs, "name: x", "name: w", 1), "v: 1\n---", "v: 3\n---", 1)},
		{name: "end marker", base: "---\na: 1\nb: 1\n...\n", ours: "---\na: 2\nb: 1\n...\n", theirs: "---\na: 1\nb: 1\nc: 3\n...\n", want: "---\na: 2\nb: 1\nc: 3\n...\n"},
	} {
		c.run(t)
	}
}
