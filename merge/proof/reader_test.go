package proof

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

// outline spells a tree in one line: key=value, and {} around the keys of a block.
func outline(n *node) string {
	var parts []string
	for _, k := range n.kids {
		if k.leaf {
			parts = append(parts, k.id+"="+k.value)
		} else {
			parts = append(parts, k.id+"{"+outline(k)+"}")
		}
	}
	return strings.Join(parts, ", ")
}

func utf16Text(s string, little bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		if little {
			b.Write([]byte{byte(u), byte(u >> 8)})
		} else {
			b.Write([]byte{byte(u >> 8), byte(u)})
		}
	}
	return b.String()
}

func TestReaders(t *testing.T) {
	for _, c := range []struct{ format, text, want string }{
		{"properties", "# c\n! c\n\na=b\n c : d\ne f = g\nh\n", "a=b, c=d, e=f = g, h="},
		{"properties", "a=b\\\n   c\\\\\nd=e\\\r\n\tf", `a=bc\, d=ef`},
		{"properties", "a\\ b\\=c=d\\u00e9\\t\\q\\\n", "a b=c=dé\tq"},
		{"properties", "a=\\ud83d\\ude00\n", `a=\ud83d\ude00`},
		{"properties", "a=x\\ \nb=x \n", "a=x , b=x"},
		{"properties", "a=\xe9\r\rb=\n", "a=\xe9, b="},
		{"properties", "a=b\\\n\nc=d\n", "a=b, c=d"},
		{"properties", "=x\n", "=x"},
		{"properties", "a=\\u12", "error"},
		{"properties", "a=\\u12x4", "error"},
		{"ini", "; c\n# c\ntop=1\n[ a b ] ; x\nk = v=w\nskip-networking\nm: 1\n[a]\n", "top=1, section  a b {k=v=w, skip-networking=, m=1}, section a{}"},
		{"ini", "[a\n", "error"},
		{"ini", "= b\n", "error"},
		{"env", "# c\nexport A=1\nB = \"x\\\" # y\nz\" \nC=it's\nD=\r\n", "A=1, B=\"x\\\" # y\nz\", C=it's, D="},
		{"env", "A='1' # x\nB=''\n", "A='1' # x, B=''"},
		{"env", "A=\"1\nB=2\n", "A=\"1, B=2"}, // a script, as far as can be told
		{"env", "if true; then\n  A=1\nfi\nexport B=2\n", "B=2"},
		{"sh", "#!/bin/sh\nA=1\nreadonly B=\"x y\" \n  C=3\nif x; then D=4; fi\n", "A=1, B=\"x y\""},
		{"directive", "# c\nsave 900  1\nSave 300 10\nPort=22\nyes\n", "save=900 1, save=300 10, port=22, yes="},
		{"nginx", "a 1 2; # c\nserver { server_name x y;\n listen 80; }\nif ($a = \"}\" ) { set $b '${c};'; }\n",
			"a=1 2, server {}[server_name=x y]{server_name=x y, listen=80}, if ($a = \"}\" ) {}{set=$b '${c};'}"},
		{"nginx", "log_format x '\\'$a' ${b}c;d;\n", "log_format=x '\\'$a' ${b}c, d="},
		{"nginx", "a ${b};c;\n", "a=${b}, c="},
		{"nginx", "a { b 1; ", "error"},
		{"nginx", "a 1; }", "error"},
		{"nginx", "a 1", "error"},
		{"nginx", ";", "error"},
		{"nginx", "a 'x", "error"},
		{"xml", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e SYSTEM 'x.xml'>]><a b='1'>&e; x<c/>y</a>", "a{@b=1, c{}, #text=&e; x\ny}"},
		{"xml", "<w:a xmlns:w='u'><servlet><servlet-name>x</servlet-name></servlet></w:a>", "w:a{@xmlns:w=u, servlet[servlet-name=x]{servlet-name{#text=x}}}"},
		{"xml", "<a><d><groupId>g</groupId><artifactId>i</artifactId></d><r className='C' x='1'/></a>",
			"a{d[groupId=g][artifactId=i]{groupId{#text=g}, artifactId{#text=i}}, r[@className=C]{@className=C, @x=1}}"},
		{"xml", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "a{#text=é}"},
		{"xml", "<a x:b='1'><!-- \xe9 --></a>", "a{@x:b=1}, undeclared prefix x="},
		{"xml", "<?xml version='1.0' encoding='us-ascii'?><a>e</a>", "a{#text=e}"},
		{"xml", "\xFF\xFE" + utf16Text("<?xml version='1.0' encoding='UTF-16'?><a>é</a>", true), "a{#text=é}"},
		{"xml", utf16Text("<?xml version='1.0' encoding='utf-16be'?><a>é</a>", false), "a{#text=é}"},
		{"xml", "<?xml version='1.0' encoding='KOI8-R'?><a/>", "error"},
		{"xml", "<a>\xe9</a>", "error"},
		{"xml", "<a/><b/>", "error"},
		{"xml", "<a/>x", "error"},
		{"xml", "", "error"},
		{"xml", "<a b='1' b='2'/>", "error"},
		{"xml", "<a><b></a></b>", "error"},
		{"xml", "<a>&unknown;</a>", "error"},
		{"yaml", "a: 1\na: '1'\nb: [x, {id: 7, v: null}, [y]]\n", "document 1{a=!!int 1, a=!!str 1, b{[]=!!str x=!!str x, [id=!!int 7]{id=!!int 7, v=!!null null}, []{[]=!!str y=!!str y}}}"},
		{"yaml", "kind: K\nmetadata: {name: n}\n---\n---\na: &x b\nc: *x\n", "!!str K[name=!!str n]{kind=!!str K, metadata{name=!!str n}}, document 1=!!null , document 2{a=&x !!str b, c=*x}"},
		{"yaml", "# only a comment\n", ""},
		{"yaml", "a: *unknown\n", "error"},
		{"yaml", "a: b: c\n", "error"},
		{"yaml", "\ta: b\n", "error"},
		{"json", `{"a":1,"a":"1","b":[1.50,{"name":"x"},null]}`, `{a=1, a="1, b{[]=1.50=1.50, [name="x]{name="x}, []=null=null}}`},
		{"json", `{"a":1,}`, "error"},
		{"json", `// c`, "error"},
		{"jsonc", "{// c\n\"a\":1,}", "{a=1}"},
		{"jsonc", `{"a":1`, "error"},
		{"toml", "a.b = 1\n[c]\nd = 'x'\n[[e]]\nname = 'n'\n[[e]]\nv = [1, 1.5, true]\n",
			"a{b=int64 1}, c{d=string x}, e{[name=string n]{name=string n}, []{v{[]=int64 1=int64 1, []=float64 1.5=float64 1.5, []=bool true=bool true}}}"},
		{"toml", "a = 1\na = 2\n", "error"},
		{"toml", "[a]\n[a]\n", "error"},
	} {
		read, _ := readerOf(c.format)
		n, err := parse(read, []byte(c.text))
		got := "error"
		if err == nil {
			got = outline(n)
		}
		if got != c.want {
			t.Errorf("%s %q:\nwant %s\ngot  %s (%v)", c.format, c.text, c.want, got, err)
		}
	}
}

// A block is the same under another name only where nothing else could be meant.
func TestAlign(t *testing.T) {
	for _, c := range []struct {
		base, ours, theirs string
		want               int
	}{
		{"<a><b name='n'/></a>", "<a><b name='m'/></a>", "<a><b name='n'/></a>", 1},
		{"<a><b name='n'/></a>", "<a><b name='m'/></a>", "<a><b name='n'/><b name='m'/></a>", 0},
		{"<a><b name='n'/></a>", "<a><c name='m'/></a>", "<a><b name='n'/></a>", 0},
		{"<a><b name='n'/></a>", "<a><b name='m'/><b name='o'/></a>", "<a><b name='n'/></a>", 0},
		{"<a><b name='n'/><b name='o'/></a>", "<a><b name='m'/></a>", "<a><b name='n'/></a>", 0},
		{"<r><a name='x'><b name='n'/></a></r>", "<r><a name='y'><b name='m'/></a></r>", "<r><a name='x'/></r>", 2},
		{"<a name='x'><b name='n'/></a>", "<a name='y'><b name='m'/></a>", "<a name='x'/>", 1}, // there is but one root
	} {
		var trees []*node
		for _, text := range []string{c.base, c.ours, c.theirs} {
			n, err := readXML([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			trees = append(trees, n)
		}
		a := newAtlas()
		a.align(0, trees[0], trees[1], trees[2])
		if len(a.aliases) != c.want {
			t.Errorf("%s to %s beside %s: want %d other names, got %v", c.base, c.ours, c.theirs, c.want, a.aliases)
		}
	}
}

// Texts made to exhaust a reader end in an error about limits; those that only look
// so are read, in time and memory that grow with their size.
func TestHostileTexts(t *testing.T) {
	if testing.Short() {
		t.Skip("one reader at a time")
	}
	const n = 2 << 20
	for _, c := range []struct{ name, format, text string }{
		{"nested arrays", "json", strings.Repeat("[", n)},
		{"nested arrays that end", "json", strings.Repeat("[", 2000) + strings.Repeat("]", 2000)},
		{"nested objects with comments", "jsonc", strings.Repeat(`{"a":/**/`, n/8)},
		{"nested TOML arrays", "toml", "a = " + strings.Repeat("[", n)},
		{"dotted TOML key", "toml", strings.Repeat("a.", n) + "a = 1\n"},
		{"nested TOML tables", "toml", strings.Repeat("a.", 2000) + "a = 1\n"},
		{"nested elements", "xml", strings.Repeat("<a>", n)},
		{"nested YAML blocks", "yaml", nestedYAML(2000)},
		{"too large", "env", "A=1\n" + strings.Repeat("#", maxBytes)},
	} {
		err := Check(c.format, nil, []byte(c.text), []byte("{}"), []byte("{}"))
		if !errors.Is(err, errLimit) {
			t.Errorf("%s: want an error about limits, got %.200v", c.name, err)
		}
	}
	for _, c := range []struct{ name, format, text string }{
		{"attributes", "xml", "<a " + manyAttributes(100_000) + "/>"},
		{"quotes that do not end", "env", strings.Repeat("A='\n", n/8) + "'"},
		{"deep flow", "yaml", strings.Repeat("[", 50_000)},
		{"alias bomb", "yaml", aliasBomb()},
		{"deep path, many leaves", "json", strings.Repeat(`{"`+strings.Repeat("k", 1000)+`":`, 400) + manyMembers(20_000) + strings.Repeat("}", 400)},
	} {
		if err := Check(c.format, []byte(c.text), []byte(c.text), []byte(c.text), []byte(c.text)); err != nil {
			t.Errorf("%s: want no fault in a text that is the same four times, got %.200v", c.name, err)
		}
	}
}

func nestedYAML(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d='' ", i)
	}
	return b.String()
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":1,`, i)
	}
	return "{" + strings.TrimSuffix(b.String(), ",") + "}"
}

func aliasBomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := range 30 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	return b.String()
}

func FuzzProof(f *testing.F) {
	for _, format := range []string{"properties", "ini", "env", "sh", "directive", "nginx", "xml", "yaml", "json", "jsonc", "toml", "lines"} {
		f.Add(format, "a=1\nb=2\n", "a=1\nb=3\n# c\n")
		f.Add(format, "{\"a\":[1,{\"name\":\"x\"}]}", "{\"a\":[1,{\"name\":\"y\"}]}")
		f.Add(format, "<a><b name='x'/></a>", "<a><b name='y'/><!-- c --></a>")
		f.Add(format, "a: &x [b, *x]\n---\n? [c]\n: d\n", "a: b\na: c\n")
	}
	f.Fuzz(func(t *testing.T, format, a, b string) {
		for _, c := range []struct{ what, base, ours, theirs, merged string }{
			{"only theirs changed", a, a, b, b},
			{"only ours changed", a, b, a, b},
			{"both changed alike", a, b, b, b},
		} {
			if err := Check(format, []byte(c.base), []byte(c.ours), []byte(c.theirs), []byte(c.merged)); err != nil && !errors.Is(err, errLimit) {
				t.Fatalf("%s %s: want no fault, got %v\nbase %q\nmerged %q", format, c.what, err, c.base, c.merged)
			}
		}
		_ = Check(format, []byte(a), []byte(b), []byte(a), []byte(a)) // any verdict, no panic
	})
}
