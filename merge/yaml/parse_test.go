package yaml_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	yaml3 "gopkg.in/yaml.v3"

	"inplace/merge/tree"
	"inplace/merge/yaml"
)

// leaves spells the tree, one line a node: path, kind and value.
func leaves(t *testing.T, text string) string {
	t.Helper()
	root, err := yaml.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var out []string
	var walk func(path string, n *tree.Node)
	walk = func(path string, n *tree.Node) {
		for _, k := range n.Kids {
			p := path + "/" + k.Key
			if k.Kind == tree.Leaf {
				out = append(out, p+" = "+k.Value)
			} else if k.Atomic {
				out = append(out, p+" whole "+k.Value)
			}
			walk(p, k)
		}
	}
	for _, k := range root.Kids {
		walk("", k)
	}
	return strings.Join(out, "\n")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "a: 1\nb: x y\n", "/a = !!int 1\n/b = !!str x y"},
		{"no value", "a:\nb: ~\n", "/a = !!null \n/b = !!null ~"},
		{"quoted key", "\"a b\": 1\n'c''d': 2\n", "/a b = !!int 1\n/c'd = !!int 2"},
		{"nested", "a:\n  b:\n    c: 1\n  d: 2\n", "/a/b/c = !!int 1\n/a/d = !!int 2"},
		{"value on the next line", "a:\n  x\nb: 1\n", "/a = !!str x\n/b = !!int 1"},
		{"plain over lines", "a: x\n  y\n\n  z\nb: 1\n", "/a = !!str x y\nz\n/b = !!int 1"},
		{"quoted over lines", "a: \"x\n  y\\\n  z # no\"\nb: 'p\n\n  q'\n", "/a = !!str x yz # no\n/b = !!str p\nq"},
		{"literal", "a: |\n  x\n    y # no\n\n  z\n\nb: 1\n", "/a = !!str x\n  y # no\n\nz\n\n/b = !!int 1"},
		{"folded", "a: >-\n  x\n  y\n\n  z\nb: 1\n", "/a = !!str x y\nz\n/b = !!int 1"},
		{"kept line ends", "a: |+\n  x\n\nb: 1\n", "/a = !!str x\n\n\n/b = !!int 1"},
		{"indentation indicator", "a: |2-\n   x\n  y\nb: 1\n", "/a = !!str  x\ny\n/b = !!int 1"},
		{"empty literal", "a: |\nb: 1\n", "/a = !!str \n/b = !!int 1"},
		{"literal behind a list", "- |\n x\n- y\n", "/[] = !!str x\n\n/[] = !!str y"},
		{"comment behind a literal's head", "a: | # c\n  x\n", "/a whole !!str x\n"},
		{"comment before a value", "a: # c\n  x\n", "/a whole !!str x"},
		{"list", "a:\n- x\n- y\n", "/a/[] = !!str x\n/a/[] = !!str y"},
		{"list of lists", "- - x\n  - y\n-\n  - z\n", "/[]/[] = !!str x\n/[]/[] = !!str y\n/[]/[] = !!str z"},
		{"named items", "a:\n  - name: x\n    v: 1\n  - id: y\n", "/a/[name=x]/name = !!str x\n/a/[name=x]/v = !!int 1\n/a/[id=y]/id = !!str y"},
		{"assignments", "environment:\n- A=1\n- B\n", "/environment/[A=] = !!str A=1\n/environment/[B=] = !!str B"},
		{"words of a command", "command: [env, A=1, B=2, run]\n", "/command/[] = !!str env\n/command/[] = !!str A=1\n/command/[] = !!str B=2\n/command/[] = !!str run"},
		{"flow", "a: {b: 1, c: [x, 'y, z'], d}\n", "/a/b = !!int 1\n/a/c/[] = !!str x\n/a/c/[] = !!str y, z\n/a/d = !!null "},
		{"flow over lines", "a: [ # c\n  x, # d\n  # e\n  y,\n]\n", "/a/[] = !!str x\n/a/[] = !!str y"},
		{"JSON", "{\"a\":{\"b\":[1,2]},\"c\":null}\n", "/a/b/[] = !!int 1\n/a/b/[] = !!int 2\n/c = !!null null"},
		{"pair in a flow list", "[a: b]\n", `/[] = !!map "!!map "("!!str a","!!str b")`},
		{"anchors", "a: &x 1\nb: *x\nc: &y\n  d: 1\ne:\n  <<: *y\n", "/a = &x !!int 1\n/b = *x\n/c/d = !!int 1\n/e/<< = *y"},
		{"tags", "a: !!str 1\nb: !x {c: 1}\nd: !y\n", "/a = !!str 1\n/b whole !x \n/b/c = !!int 1\n/d = !y "},
		{"documents", "# c\n---\na: 1\n---\nb: 1\n...\n---\n--- |\n x\n", "/a = !!int 1\n/b = !!int 1"},
		{"no document", "# c\n\n", ""},
		{"CRLF", "a: 1\r\nb:\r\n  - |\r\n    x\r\n    y\r\n", "/a = !!int 1\n/b/[] = !!str x\ny\n"},
		{"no last line end", "a:\n  b: 1", "/a/b = !!int 1"},
		{"other letters", "é: 'ü'\n日本: [語, é]\n", "/é = !!str ü\n/日本/[] = !!str 語\n/日本/[] = !!str é"},
	} {
		if got := leaves(t, c.text); got != c.want {
			t.Errorf("%s: %q:\nwant\n%s\ngot\n%s", c.name, c.text, c.want, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"template", "a: {{ .Values.a }}\n"},
		{"template at the line's start", "{{- if x }}\na: 1\n{{- end }}\n"},
		{"directive", "%YAML 1.2\n---\na: 1\n"},
		{"explicit key", "? a\n: b\n"},
		{"collection as key", "{[a]: b}\n"},
		{"anchor on a key", "&a b: c\n"},
		{"alias as key", "a: &x b\n*x : c\n"},
		{"one anchor twice", "a: &x 1\nb: &x 2\n"},
		{"unknown alias", "a: *x\n"},
		{"CR alone", "a: 1\rb: 2\n"},
		{"next line character", "a: x\u0085\n"},
		{"not UTF-8", "a: \xe9\n"},
		{"UTF-16", "a\x00:\x00 \x001\x00"},
		{"too deep", strings.Repeat("[", 600) + strings.Repeat("]", 600)},
		{"tab as indentation", "a:\n\tb: 1\n"},
	} {
		if n, err := yaml.Parse([]byte(c.text)); err == nil {
			t.Errorf("%s: %q: want an error, got %+v", c.name, c.text, n)
		}
	}
}

// FuzzParse: parsing never panics; what is parsed prints as it was; its leaves are those
// that yaml.v3 sees.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "# c\n\n# d\na: 1 # e\n\n# f\nb: # g\n  # h\n  c: |+\n    x\n\n  # i\nd: [a, {b: c}, # j\n e]\n# k\n",
		"- a\n- - b\n  - c: d\n    e: f\n-\n  # x\n  g: h\n", "---\na: 1\n...\n# x\n---\n- b\n--- >-\n y\n  z\n",
		"a: &x !!str b\nc: *x\nd: !t\n  <<: [*x]\n", "a: \"x\n  y\"\nb: 'c''d'\ne: f\n  g\n", "a: |2\n    x\n   y\nb: >1-\n  z\n", "a:\r\n- b\r\n- c\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := yaml.Parse(data)
		if err != nil {
			return
		}
		if err := tree.Verify(data, root); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if got := tree.Print(data, root); !bytes.Equal(got, data) {
			t.Fatalf("want %q, got %q", data, got)
		}
		if got, want := countLeaves(root), countScalars(t, data); got != want {
			t.Fatalf("%q: want %d leaves, got %d", data, want, got)
		}
		checkValues(t, data, root)
	})
}

// checkValues reads each quoted value alone: it must say what the whole says.
func checkValues(t *testing.T, data []byte, n *tree.Node) {
	for _, k := range n.Kids {
		checkValues(t, data, k)
	}
	if n.Kind != tree.Leaf || n.Val.Empty() || !strings.ContainsRune(`"'`, rune(data[n.Val.Start])) {
		return
	}
	var y yaml3.Node
	val := data[n.Val.Start:n.Val.End]
	if err := yaml3.Unmarshal(val, &y); err != nil || len(y.Content) != 1 {
		t.Fatalf("%q: %q is no value alone: %v", data, val, err)
	}
	if y := y.Content[0]; y.Kind != yaml3.ScalarNode || n.Value != y.ShortTag()+" "+y.Value {
		t.Errorf("%q: %q says %q, alone %q", data, val, n.Value, y.Value)
	}
}

func countLeaves(n *tree.Node) int {
	if len(n.Kids) == 0 {
		return 1
	}
	sum := 0
	for _, k := range n.Kids {
		sum += countLeaves(k)
	}
	return sum
}

// countScalars counts what has nothing below it.
func countScalars(t *testing.T, data []byte) int {
	sum := 0
	var count func(y *yaml3.Node, flowList bool)
	count = func(y *yaml3.Node, flowList bool) {
		step := 1
		if y.Kind == yaml3.MappingNode {
			step = 2
		}
		if len(y.Content) == 0 || step == 2 && flowList && isPair(data, y) {
			sum++
			return
		}
		for i := step - 1; i < len(y.Content); i += step {
			count(y.Content[i], y.Kind == yaml3.SequenceNode && y.Style&yaml3.FlowStyle != 0)
		}
	}
	d := yaml3.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml3.Node
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return max(sum, 1)
		} else if err != nil {
			t.Fatalf("%q: parsed here, not by yaml.v3: %v", data, err)
		}
		count(doc.Content[0], false)
	}
}

// isPair tells whether a mapping in a flow list stands there without braces.
func isPair(data []byte, y *yaml3.Node) bool {
	line := bytes.SplitAfter(data, []byte("\n"))[y.Line-1]
	return []rune(string(line))[y.Column-1] != '{' && y.Anchor == "" && y.Style&yaml3.TaggedStyle == 0
}
