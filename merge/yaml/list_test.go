package yaml_test

import "testing"

func TestMergeLists(t *testing.T) {
	for _, c := range []row{
		{name: "named items, changed apart", base: "c:\n- name: a\n  i: 1\n- name: b\n  i: 1\n", ours: "c:\n- name: a\n  i: 9\n- name: b\n  i: 1\n",
			theirs: "c:\n- name: a\n  i: 1\n- name: b\n  i: 8\n", want: "c:\n- name: a\n  i: 9\n- name: b\n  i: 8\n"},
		{name: "one named item, changed in two keys", base: "c:\n- name: a\n  i: 1\n  j: 1\n- name: b\n", ours: "c:\n- name: a\n  i: 9\n  j: 1\n- name: b\n",
			theirs: "c:\n- name: a\n  i: 1\n  j: 8\n- name: b\n", want: "c:\n- name: a\n  i: 9\n  j: 8\n- name: b\n"},
		{name: "both add named items", base: "c:\n- name: a\nz: 0\n", ours: "c:\n- name: a\n- name: o\n  v: 1\nz: 0\n", theirs: "c:\n- name: a\n- name: t\n  v: 2\nz: 0\n",
			want: "c:\n- name: a\n- name: t\n  v: 2\n- name: o\n  v: 1\nz: 0\n"},
		{name: "both add one named item, differently", base: "c:\n- name: a\n", ours: "c:\n- name: a\n- name: n\n  v: 1\n", theirs: "c:\n- name: n\n  v: 2\n- name: a\n", key: "c/[name=n]/v"},
		{name: "both add one named item, alike", base: "c:\n- name: a\n", ours: "c:\n- name: a\n- name: n\n  v: 1\n", theirs: "c:\n- {name: n, v: 1}\n- name: a\n", want: "c:\n- name: a\n- name: n\n  v: 1\n"},
		{name: "moved by theirs", base: "c:\n- name: a\n  i: 1\n- name: b\n", ours: "c:\n- name: a\n  i: 9\n- name: b\n", theirs: "c:\n- name: b\n- name: a\n  i: 1\n", want: "c:\n- name: a\n  i: 9\n- name: b\n"},
		{name: "renamed by ours, changed by theirs", base: "c:\n- name: a\n  i: 1\n- name: b\n", ours: "c:\n- name: n\n  i: 1\n- name: b\n", theirs: "c:\n- name: a\n  i: 2\n- name: b\n", want: "c:\n- name: n\n  i: 2\n- name: b\n"},
		{name: "renamed alike by both, changed by each", base: "c:\n- name: a\n  i: 1\n  j: 1\n  k: 1\n- name: b\n", ours: "c:\n- name: n\n  i: 9\n  k: 1\n- name: b\n", theirs: "c:\n- name: n\n  i: 1\n  j: 1\n  k: 8\n- name: b\n", want: "c:\n- name: n\n  i: 9\n  k: 8\n- name: b\n"},
		{name: "renamed alike by both, one more added by theirs", base: "c:\n- name: a\n  i: 1\n  j: 1\n", ours: "c:\n- name: n\n  i: 1\n", theirs: "c:\n- name: n\n  i: 1\n  j: 1\n- name: m\n", want: "c:\n- name: n\n  i: 1\n- name: m\n"},
		{name: "renamed by both, each in its way", base: "c:\n- name: a\n  i: 1\n", ours: "c:\n- name: n\n  i: 1\n", theirs: "c:\n- name: m\n  i: 1\n", key: "c/[name=n]/name"},
		{name: "a name twice", base: "c:\n- name: a\n  i: 1\n- name: a\n  i: 2\n", ours: "c:\n- name: a\n  i: 9\n- name: a\n  i: 2\n", theirs: "c:\n- name: a\n  i: 1\n- name: a\n  i: 8\n", key: "c/[name=a]"},
		{name: "removed against changed", base: "c:\n- name: a\n  i: 1\n- name: b\n", ours: "c:\n- name: a\n  i: 9\n- name: b\n", theirs: "c:\n- name: b\n", key: "c/[name=a]"},
		{name: "first entry of an item removed", base: "c:\n- x: 1\n  name: a\n  y: 1\n", ours: "c:\n- x: 1\n  name: a\n  y: 9\n", theirs: "c:\n- name: a\n  y: 1\n", want: "c:\n- name: a\n  y: 9\n"},
		{name: "an entry put before the first of an item", base: "c:\n- name: a\n  y: 1\n", ours: "c:\n- name: a\n  y: 9\n", theirs: "c:\n- x: 1\n  # old\n  name: a\n  y: 1\n", want: "c:\n- x: 1\n  # old\n  name: a\n  y: 9\n"},
		{name: "an entry put before the first of an item indented otherwise", base: "c:\n- name: a\n  y: 1\n", ours: "c:\n    -   name: a\n        y: 9\n", theirs: "c:\n- x:\n    z: 1\n  name: a\n  y: 1\n",
			want: "c:\n    -   x:\n          z: 1\n        name: a\n        y: 9\n"},
		{name: "mounts of one volume", base: "m:\n- name: v\n  mountPath: /a\n- name: v\n  mountPath: /b\n", ours: "m:\n- name: v\n  mountPath: /a\n  readOnly: true\n- name: v\n  mountPath: /b\n",
			theirs: "m:\n- name: v\n  mountPath: /a\n- name: v\n  mountPath: /b\n  subPath: x\n", want: "m:\n- name: v\n  mountPath: /a\n  readOnly: true\n- name: v\n  mountPath: /b\n  subPath: x\n"},
		{name: "hosts, two changed", base: "h:\n- host: a\n  p: 1\n- host: b\n  p: 1\n", ours: "h:\n- host: a\n  p: 9\n- host: b\n  p: 1\n", theirs: "h:\n- host: a\n  p: 1\n- host: b\n  p: 8\n", want: "h:\n- host: a\n  p: 9\n- host: b\n  p: 8\n"},
		{name: "hosts, both change one", base: "h:\n- host: a\n  p: 1\n  q: 1\n- host: b\n", ours: "h:\n- host: a\n  p: 9\n  q: 1\n- host: b\n", theirs: "h:\n- host: a\n  p: 1\n  q: 8\n- host: b\n", key: "h/[host=a]"},
		{name: "host changed by ours, another key by theirs", base: "h:\n- host: a\n  p: 1\n", ours: "h:\n- host: mine\n  p: 1\n", theirs: "h:\n- host: a\n  p: 8\n", key: "h/[host=mine]"},
		{name: "both fill an empty list with an item that nothing names", base: "l: []\n", ours: "l:\n- {a: 1}\n", theirs: "l:\n- {b: 1}\n", key: "l/[]"},
		{name: "ports, one changed, one added", base: "ports:\n- port: 80\n  t: x\n", ours: "ports:\n- port: 81\n  t: x\n", theirs: "ports:\n- port: 80\n  t: x\n- port: 443\n  t: y\n", want: "ports:\n- port: 81\n  t: x\n- port: 443\n  t: y\n"},
		{name: "named items whose order counts", base: "filters:\n- name: a\n", ours: "filters:\n- name: a\n- name: o\n", theirs: "filters:\n- name: a\n- name: t\n", key: "filters"},
		{name: "order kept by one side", base: "filters:\n- name: a\n- name: b\n", ours: "filters:\n- name: a\n- name: o\n- name: b\n", theirs: "filters:\n- name: a\n- name: b\n  v: 1\n- name: t\n", want: "filters:\n- name: a\n- name: o\n- name: b\n  v: 1\n- name: t\n"},
		{name: "a playbook", base: "- name: a\n", ours: "- name: a\n- name: o\n", theirs: "- name: a\n- name: t\n", key: ""},
		{name: "scalars, changed apart", base: "l:\n- a\n- b\n- c\n", ours: "l:\n- o\n- a\n- b\n- c\n", theirs: "l:\n- a\n- b\n- c\n- t\n", want: "l:\n- o\n- a\n- b\n- c\n- t\n"},
		{name: "scalars, both add at one place", base: "args:\n- a\n", ours: "args:\n- a\n- --o\n", theirs: "args:\n- a\n- --t\n", key: "args"},
		{name: "scalars, one side has all that the other added", base: "l:\n- a\n", ours: "l:\n- a\n- b\n", theirs: "l:\n- a\n- b\n- c\n", want: "l:\n- a\n- b\n- c\n"},
		{name: "a set, both add", base: "ports:\n- 80:80\n", ours: "ports:\n- 80:80\n- 81:81\n", theirs: "ports:\n- 80:80\n- 82:82\n", want: "ports:\n- 80:80\n- 82:82\n- 81:81\n"},
		{name: "a set, both change one", base: "ports:\n- 80:80\n- 81:81\n", ours: "ports:\n- 90:80\n- 81:81\n", theirs: "ports:\n- 91:80\n- 81:81\n", key: "ports/[]"},
		{name: "assignments", base: "args:\n- A=1\n- B=1\n", ours: "args:\n- A=9\n- B=1\n- O\n", theirs: "args:\n- A=1\n- B=8\n- T=1\n", want: "args:\n- A=9\n- B=8\n- T=1\n- O\n"},
		{name: "one assignment, both change", base: "args:\n- A=1\n- B=1\n", ours: "args:\n- A=9\n- B=1\n", theirs: "args:\n- A=8\n- B=1\n", key: "args/[A]"},
		{name: "one assignment added by both, differently", base: "environment:\n- B=1\n", ours: "environment:\n- A=1\n- B=1\n", theirs: "environment:\n- B=1\n- A=2\n", key: "environment/[A]"},
		{name: "words of a command", base: "command: [run, A=1]\n", ours: "command: [run, A=1, -o]\n", theirs: "command: [run, A=1, -t]\n", key: "command"},
		{name: "items without identity", base: "l:\n- {a: 1}\n- {a: 2}\n- {a: 3}\n", ours: "l:\n- {a: 9}\n- {a: 2}\n- {a: 3}\n", theirs: "l:\n- {a: 1}\n- {a: 2}\n- {a: 8}\n", want: "l:\n- {a: 9}\n- {a: 2}\n- {a: 8}\n"},
		{name: "items without identity, both change one", base: "l:\n- {a: 1, b: 1}\n- {a: 2}\n", ours: "l:\n- {a: 9, b: 1}\n- {a: 2}\n", theirs: "l:\n- {a: 1, b: 8}\n- {a: 2}\n", key: "l/[]"},
		{name: "lists of lists", base: "l:\n- - a\n  - b\n", ours: "l:\n- - a\n  - b\n  - c\n", theirs: "l:\n- - z\n  - b\n", key: "l/[]"},
		{name: "a list at the column of its key", base: "s:\n  l:\n  - a\n  # z is z\n  z: 1\n", ours: "s:\n  l:\n  - a\n  # z is z\n  z: 9\n", theirs: "s:\n  l:\n  - a\n  - b\n  # z is z\n  z: 1\n", want: "s:\n  l:\n  - a\n  - b\n  # z is z\n  z: 9\n"},
		{name: "an empty list filled by theirs", base: "l: []\nz: 1\n", ours: "l: []\nz: 9\n", theirs: "l:\n- a\nz: 1\n", want: "l:\n- a\nz: 9\n"},
		{name: "an empty list filled by both", base: "l: []\n", ours: "l:\n- name: a\n", theirs: "l:\n- name: b\n", want: "l:\n- name: b\n- name: a\n"},
		{name: "emptied by theirs", base: "l:\n- a\nz: 1\n", ours: "l:\n- a\nz: 9\n", theirs: "l: []\nz: 1\n", want: "l: []\nz: 9\n"},
		{name: "emptied by theirs, added to by ours", base: "l:\n- name: a\nz: 1\n", ours: "l:\n- name: a\n- name: b\nz: 1\n", theirs: "l: []\nz: 1\n", want: "l:\n- name: b\nz: 1\n"},
	} {
		c.run(t)
	}
}

// Cases that kyaml merge3 tells of. There the update wins; here what both sides changed
// is a conflict.
func TestKyamlCases(t *testing.T) {
	for _, c := range []row{
		{name: "set a field", base: "kind: D\n", ours: "kind: D\n", theirs: "kind: D\nfield: v\n", want: "kind: D\nfield: v\n"},
		{name: "field changed by the update, other field by the package", base: "kind: D\nfield: a\ng: 1\n", ours: "kind: D\nfield: a\ng: 2\n", theirs: "kind: D\nfield: b\ng: 1\n", want: "kind: D\nfield: b\ng: 2\n"},
		{name: "field changed by both", base: "kind: D\nfield: a\n", ours: "kind: D\nfield: b\n", theirs: "kind: D\nfield: c\n", key: "field"},
		{name: "field changed by both alike", base: "kind: D\nfield: a\nz: 1\n", ours: "kind: D\nfield: b\nz: 1\n", theirs: "kind: D\nfield: b\nz: 2\n", want: "kind: D\nfield: b\nz: 2\n"},
		{name: "field cleared by the update", base: "kind: D\nfield: a\nz: 1\n", ours: "kind: D\nfield: a\nz: 2\n", theirs: "kind: D\nz: 1\n", want: "kind: D\nz: 2\n"},
		{name: "field cleared, changed by the package", base: "kind: D\nfield: a\n", ours: "kind: D\nfield: b\n", theirs: "kind: D\n", key: "field"},
		{name: "field set to null by the update", base: "kind: D\nfield: a\nz: 1\n", ours: "kind: D\nfield: a\nz: 2\n", theirs: "kind: D\nfield: null\nz: 1\n", want: "kind: D\nfield: null\nz: 2\n"},
		{name: "field cleared by both", base: "kind: D\nfield: a\nz: 1\n", ours: "kind: D\nz: 1\n", theirs: "kind: D\nz: 2\n", want: "kind: D\nz: 2\n"},
		{name: "map added by the update", base: "kind: D\n", ours: "kind: D\nx: 1\n", theirs: "kind: D\nspec:\n  foo: bar\n", want: "kind: D\nspec:\n  foo: bar\nx: 1\n"},
		{name: "map added by both", base: "kind: D\n", ours: "kind: D\nspec:\n  baz: 1\n", theirs: "kind: D\nspec:\n  foo: bar\n", want: "kind: D\nspec:\n  foo: bar\n  baz: 1\n"},
		{name: "map removed, kept by the package as it was", base: "kind: D\nspec:\n  foo: bar\nz: 1\n", ours: "kind: D\nspec:\n  foo: bar\nz: 2\n", theirs: "kind: D\nz: 1\n", want: "kind: D\nz: 2\n"},
		{name: "map replaced by a scalar", base: "kind: D\nspec:\n  foo: bar\nz: 1\n", ours: "kind: D\nspec:\n  foo: bar\nz: 2\n", theirs: "kind: D\nspec: x\nz: 1\n", want: "kind: D\nspec: x\nz: 2\n"},
		{name: "list replaced by the update", base: "list:\n- 1\n- 2\n- 3\nz: 1\n", ours: "list:\n- 1\n- 2\n- 3\nz: 2\n", theirs: "list:\n- 2\n- 3\n- 4\nz: 1\n", want: "list:\n- 2\n- 3\n- 4\nz: 2\n"},
		{name: "list changed by both", base: "list:\n- 1\n- 2\n- 3\n", ours: "list:\n- 1\n- 2\n- 3\n- 5\n", theirs: "list:\n- 1\n- 2\n- 3\n- 4\n", key: "list"},
		{name: "element added to an associative list", base: "spec:\n  containers:\n  - name: foo\n    image: f:1\n", ours: "spec:\n  containers:\n  - name: foo\n    image: f:2\n",
			theirs: "spec:\n  containers:\n  - name: foo\n    image: f:1\n  - name: baz\n    image: b:1\n", want: "spec:\n  containers:\n  - name: foo\n    image: f:2\n  - name: baz\n    image: b:1\n"},
		{name: "field added to an element", base: "containers:\n- name: foo\n  image: f:1\n", ours: "containers:\n- name: foo\n  image: f:2\n", theirs: "containers:\n- name: foo\n  image: f:1\n  command: [run.sh]\n", want: "containers:\n- name: foo\n  image: f:2\n  command: [run.sh]\n"},
		{name: "element removed by the update, other one added by the package", base: "containers:\n- name: foo\n- name: bar\n", ours: "containers:\n- name: foo\n- name: bar\n- name: baz\n", theirs: "containers:\n- name: foo\n", want: "containers:\n- name: foo\n- name: baz\n"},
		{name: "ports by number and protocol", base: "ports:\n- containerPort: 80\n  protocol: TCP\n", ours: "ports:\n- containerPort: 80\n  protocol: TCP\n  name: web\n", theirs: "ports:\n- containerPort: 80\n  protocol: TCP\n- containerPort: 81\n  protocol: UDP\n",
			want: "ports:\n- containerPort: 80\n  protocol: TCP\n  name: web\n- containerPort: 81\n  protocol: UDP\n"},
		{name: "comments of both", base: "# top\n\nkind: D\nfield: a # x\n", ours: "# top\n\nkind: D\n# mine\nfield: a # x\n", theirs: "# top\n\nkind: D\nfield: b # x\n", want: "# top\n\nkind: D\n# mine\nfield: b # x\n"},
	} {
		c.run(t)
	}
}

// Cases of the names that Mergiraf's examples have.
func TestMergirafCases(t *testing.T) {
	for _, c := range []row{
		{name: "add_different_keys", base: "a: 1\n", ours: "a: 1\nb: 2\n", theirs: "a: 1\nc: 3\n", want: "a: 1\nc: 3\nb: 2\n"},
		{name: "insert_same_keys_same_position", base: "a: 1\n", ours: "a: 1\nn:\n  x: 1\n  o: 1\n", theirs: "a: 1\nn:\n  x: 1\n  t: 1\n", want: "a: 1\nn:\n  x: 1\n  t: 1\n  o: 1\n"},
		{name: "insert_same_keys_away_from_each_other", base: "a: 1\nb: 2\nc: 3\nd: 4\n", ours: "a: 1\nn: 1\nb: 2\nc: 3\nd: 4\n", theirs: "a: 1\nb: 2\nc: 3\nd: 4\nn: 2\n", key: "n"},
		{name: "start_end_conflict", base: "a: 1\nb: 2\n", ours: "a: 5\nb: 2\n", theirs: "a: 6\nb: 2\n", key: "a"},
		{name: "adapt_indentation", base: "s:\n  a: 1\nt:\n  b: 1\n", ours: "s:\n    a: 1\nt:\n    b: 1\n", theirs: "s:\n  a: 1\n  n:\n    x: |\n      y\nt:\n  b: 1\n", want: "s:\n    a: 1\n    n:\n      x: |\n        y\nt:\n    b: 1\n"},
		{name: "duplicate_keys_in_base", base: "a: 1\na: 2\nb: 1\n", ours: "a: 1\na: 2\nb: 9\n", theirs: "a: 1\na: 2\nb: 1\nc: 1\n", want: "a: 1\na: 2\nb: 9\nc: 1\n"},
		{name: "quoted_keys", base: "\"a\": 1\nb: 1\n", ours: "'a': 1\nb: 2\n", theirs: "a: 3\nb: 1\n", want: "'a': 3\nb: 2\n"},
	} {
		c.run(t)
	}
}
