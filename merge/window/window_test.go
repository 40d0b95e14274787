package window

import (
	"strings"
	"testing"
)

// Texts are spelt with | for a line end. want "" means that Merge has to give up.
func TestMerge(t *testing.T) {
	for _, c := range []struct{ name, format, base, ours, theirs, want string }{
		{"apart", "properties", "a=1|b=1|c=1|", "a=2|b=1|c=1|", "a=1|b=1|c=2|", "a=2|b=1|c=2|"},
		{"side by side, each its key", "properties", "a=1|b=1|", "a=2|b=1|", "a=1|b=2|", "a=2|b=2|"},
		{"one key, both", "properties", "a=1|b=1|", "a=2|b=1|", "a=3|b=1|", ""},
		{"one key, alike", "properties", "a=1|b=1|c=1|", "a=2|b=1|c=1|", "a=2|b=1|c=3|", "a=2|b=1|c=3|"},
		{"added at one place", "properties", "a=1|", "a=1|o=1|", "a=1|t=1|", ""},
		{"added at two places", "properties", "a=1|b=1|", "o=1|a=1|b=1|", "a=1|b=1|t=1|", "o=1|a=1|b=1|t=1|"},
		{"one key added at two places", "properties", "a=1|b=1|", "n=1|a=1|b=1|", "a=1|b=1|n=2|", ""},
		{"removed here, added there", "properties", "a=1|b=1|c=1|", "b=1|c=1|", "a=1|b=1|c=1|a=2|", ""},
		{"moved by one, changed by the other", "properties", "a=1|b=1|c=1|", "b=1|c=1|a=1|", "a=2|b=1|c=1|", ""},
		{"a key twice", "properties", "a=1|b=1|", "a=1|b=1|a=2|", "a=1|b=2|", ""},
		{"a key spelt in two ways", "properties", "a\\:b=1|c=1|", "a\\:b=2|c=1|", "a\\:b=1|c=2|", ""},
		{"a value over lines", "properties", "a=1,\\|  2|b=1|", "a=1,\\|  3|b=1|", "a=1,\\|  2|b=2|", "a=1,\\|  3|b=2|"},
		{"a comment goes with its key", "properties", "a=1|# b|b=1|c=1|", "a=1|# mine|b=1|c=1|", "a=1|# b|b=1|c=2|", "a=1|# mine|b=1|c=2|"},
		{"comments at the end", "properties", "a=1|b=1|# end|", "a=2|b=1|# end|", "a=1|b=1|# new|", "a=2|b=1|# new|"},
		{"no line end at the end", "properties", "a=1|b=1", "a=2|b=1", "a=1|b=1|", "a=2|b=1|"},
		{"line ends of one side", "properties", "a=1|b=1|", "a=2\r|b=1\r|", "a=1|b=2|", ""},
		{"CRLF on all sides", "properties", "a=1\r|b=1\r|", "a=2\r|b=1\r|", "a=1\r|b=2\r|", "a=2\r|b=2\r|"},
		{"markers", "properties", "a=1|b=1|", "<<<<<<< x|a=1|b=1|", "a=1|b=2|", ""},

		{"keys of sections", "ini", "[x]|a=1|[y]|a=1|", "[x]|a=2|[y]|a=1|", "[x]|a=1|[y]|a=2|", "[x]|a=2|[y]|a=2|"},
		{"a section put before others", "ini", "[x]|a=1|b=1|", "[x]|a=1|[n]|b=1|", "[x]|a=1|b=2|", ""},
		{"a section twice", "ini", "[x]|a=1|[x]|b=1|", "[x]|a=2|[x]|b=1|", "[x]|a=1|[x]|b=2|", ""},
		{"deeper lines go on", "ini", "[x]|a=1|  2|b=1|", "[x]|a=1|  3|b=1|", "[x]|a=1|  2|b=2|", "[x]|a=1|  3|b=2|"},

		{"variables", "env", "A=1|export B='x y'|", "A=2|export B='x y'|", "A=1|export B='x z'|", "A=2|export B='x z'|"},
		{"a quote that goes on", "env", "A='1|'|B=1|", "A='2|'|B=1|", "A='1|'|B=2|", ""},
		{"a command", "env", "A=1|B=$(date)|", "A=2|B=$(date)|", "A=1|B=$(time)|", ""},
		{"directives, whatever their case", "directive", "Port 1|UseDNS no|", "port 2|UseDNS no|", "Port 1|UseDNS yes|", "port 2|UseDNS yes|"},
		{"a block of directives", "directive", "Port 1|Match User a|", "Port 2|Match User a|", "Port 1|Match User b|", ""},

		{"keys of one name", "yaml", "a:|  p: 1|b:|  p: 1|", "a:|  p: 2|b:|  p: 1|", "a:|  p: 1|b:|  p: 2|", "a:|  p: 2|b:|  p: 2|"},
		{"a list is one value", "yaml", "a:|- x|- y|b: 1|", "a:|- x|- z|b: 1|", "a:|- x|- y|b: 2|", "a:|- x|- z|b: 2|"},
		{"a list, both", "yaml", "a:|- x|- y|b: 1|", "a:|- x|- z|b: 1|", "a:|- w|- y|b: 1|", ""},
		{"a block scalar with what looks like keys", "yaml", "a: \\||  k: 1||  k: 2|b: 1|", "a: \\||  k: 1||  k: 3|b: 1|", "a: \\||  k: 1||  k: 2|b: 2|", "a: \\||  k: 1||  k: 3|b: 2|"},
		{"a parent between", "yaml", "a:|  p: 1|  q: 1|", "a:|  p: 1|b:|  q: 1|", "a:|  p: 1|  q: 2|", ""},
		{"an alias", "yaml", "a: &x 1|b: *x|", "a: &x 2|b: *x|", "a: &x 1|b: 3|", ""},
		{"keys below a value", "yaml", "a: 1|b: []|", "a: 2|b: []|", "a: 1|b: []|  c: 1|", ""},
		{"deeper by another step", "yaml", "a:|  b: 1|c: 1|", "a:|  b: 1|   d: 1|c: 1|", "a:|  b: 1|c: 2|", ""},
		{"two documents", "yaml", "a: 1|---|b: 1|", "a: 2|---|b: 1|", "a: 1|---|b: 2|", ""},

		{"members", "json", "{|  \"a\": {|    \"x\": 1|  },|  \"b\": [|    1|  ]|}|", "{|  \"a\": {|    \"x\": 2|  },|  \"b\": [|    1|  ]|}|",
			"{|  \"a\": {|    \"x\": 1|  },|  \"b\": [|    2|  ]|}|", "{|  \"a\": {|    \"x\": 2|  },|  \"b\": [|    2|  ]|}|"},
		{"a comma too few", "json", "{|  \"a\": 1,|  \"b\": 1,|  \"c\": 1|}|", "{|  \"a\": 2,|  \"b\": 1,|  \"c\": 1|}|", "{|  \"a\": 1|  \"b\": 1,|  \"c\": 2|}|", ""},
		{"both add the last member", "json", "{|  \"a\": 1|}|", "{|  \"a\": 1,|  \"o\": 1|}|", "{|  \"a\": 1,|  \"t\": 1|}|", ""},

		{"tables", "toml", "[a]|x = 1|[b]|x = 1|", "[a]|x = 2|[b]|x = 1|", "[a]|x = 1|[b]|x = 2|", "[a]|x = 2|[b]|x = 2|"},
		{"a list over lines", "toml", "a = [|  1, # one|]|b = 1|", "a = [|  2, # one|]|b = 1|", "a = [|  1, # one|]|b = 2|", ""},
		{"a table in two forms", "toml", "a.b = 1|c = 1|", "a.b = 2|c = 1|", "a.b = 1|c = 1|[a]|d = 1|", "a.b = 2|c = 1|[a]|d = 1|"},
		{"a value and a table", "toml", "x = 1|[b]|y = 1|", "a = 1|x = 1|[b]|y = 1|", "x = 1|[b]|y = 1|[a.c]|z = 1|", ""},
		{"a list of tables changed by both", "toml", "[[a]]|x = 1|[[a]]|x = 2|", "[[a]]|x = 3|[[a]]|x = 2|", "[[a]]|x = 1|[[a]]|x = 4|", ""},

		{"elements", "xml", "<a>|<b p=\"1\"/>|<c>1</c>|</a>|", "<a>|<b p=\"2\"/>|<c>1</c>|</a>|", "<a>|<b p=\"1\"/>|<c>2</c>|</a>|", "<a>|<b p=\"2\"/>|<c>2</c>|</a>|"},
		{"elements of one name, both", "xml", "<a>|<b>1</b>|<b>2</b>|</a>|", "<a>|<b>3</b>|<b>2</b>|</a>|", "<a>|<b>1</b>|<b>4</b>|</a>|", ""},
		{"elements with names", "xml", "<a>|<b name=\"x\">1</b>|<b name=\"y\">2</b>|</a>|", "<a>|<b name=\"x\">3</b>|<b name=\"y\">2</b>|</a>|",
			"<a>|<b name=\"x\">1</b>|<b name=\"y\">4</b>|</a>|", "<a>|<b name=\"x\">3</b>|<b name=\"y\">4</b>|</a>|"},
		{"one put before, one changed within its like", "xml", "<a>|<b>|<p>1</p>|<q/>|</b>|</a>|", "<a>|<b>|<p>1</p>|<r/>|</b>|<b>|<p>1</p>|<q/>|</b>|</a>|", "<a>|<b>|<p>2</p>|<q/>|</b>|</a>|", ""},
		{"both put something below one parent", "xml", "<a>|<v/>|</a>|", "<a>|<o/>|<v/>|</a>|", "<a>|<v/>|<t/>|</a>|", ""},
		{"namespaces", "xml", "<a xmlns:x=\"1\">|<x:b/>|<c>1</c>|</a>|", "<a>|<b/>|<c>1</c>|</a>|", "<a xmlns:x=\"1\">|<x:b/>|<c>2</c>|</a>|", ""},
		{"text beside elements", "xml", "<a>text|<b/>|<c>1</c>|</a>|", "<a>text|<b/>|<c>2</c>|</a>|", "<a>new|<b/>|<c>1</c>|</a>|", ""},
		{"tags that do not pair", "xml", "<a>|<b>|</a>|<c/>|", "<a>|<b>|</a>|<d/>|", "<e>|<b>|</a>|<c/>|", ""},

		{"directives of blocks", "nginx", "h {|  a 1;|  s {|    a 1;|  }|}|", "h {|  a 2;|  s {|    a 1;|  }|}|", "h {|  a 1;|  s {|    a 2;|  }|}|", "h {|  a 2;|  s {|    a 2;|  }|}|"},
		{"servers by name", "nginx", "server {|  server_name a;|  x 1;|}|server {|  server_name b;|  x 1;|}|", "server {|  server_name a;|  x 2;|}|server {|  server_name b;|  x 1;|}|",
			"server {|  server_name a;|  x 1;|}|server {|  server_name b;|  x 2;|}|", "server {|  server_name a;|  x 2;|}|server {|  server_name b;|  x 2;|}|"},
		{"servers without a name", "nginx", "server {|  x 1;|}|server {|  x 1;|}|", "server {|  x 2;|}|server {|  x 1;|}|", "server {|  x 1;|}|server {|  x 2;|}|", ""},
		{"rules of both", "nginx", "s {|  deny a;|  x 1;|}|", "s {|  allow b;|  deny a;|  x 1;|}|", "s {|  deny a;|  x 1;|  deny all;|}|", ""},

		{"lines", "lines", "a|b|c|", "A|b|c|", "a|b|C|", "A|b|C|"},
		{"adjacent lines", "lines", "a|b|c|", "A|b|c|", "a|B|c|", ""},
		{"no format", "", "a|b|", "A|b|", "a|B|", ""},
	} {
		text := func(s string) []byte {
			return []byte(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "\\|", "\x01"), "|", "\n"), "\x01", "|"))
		}
		if c.format == "properties" {
			text = func(s string) []byte { return []byte(strings.ReplaceAll(s, "|", "\n")) }
		}
		got, ok := Merge(c.format, text(c.base), text(c.ours), text(c.theirs))
		if ok != (c.want != "") || ok && string(got) != string(text(c.want)) {
			t.Errorf("%s (%s): base %q, ours %q, theirs %q: want %q, got %q", c.name, c.format, c.base, c.ours, c.theirs, c.want, got)
		}
		if swapped, also := Merge(c.format, text(c.base), text(c.theirs), text(c.ours)); also != ok || string(swapped) != string(got) {
			t.Errorf("%s (%s), sides swapped: want %q, got %q", c.name, c.format, got, swapped)
		}
	}
}

// A scanner covers its text, whatever it holds, and never fails but by giving up.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"a=1\\\n b\n#c\n", "[x]\na=1\n  2\n", "a:\n- b\n\nc: |\n  d\n", "{\n\"a\": [\n1],\n\"b\": {\n}\n}\n", "[[a]]\nb = [\n1]\n",
		"<?xml version=\"1.0\"?>\n<a b='c'>\n<!-- d --><e/>x</a>", "server {\n  server_name a;\n  b\n   c;\n}\n"} {
		for format := range byte(10) {
			f.Add(format, []byte(text))
		}
	}
	all := []string{"properties", "ini", "env", "directive", "yaml", "json", "toml", "xml", "nginx", "lines"}
	f.Fuzz(func(t *testing.T, format byte, data []byte) {
		name := all[int(format)%len(all)]
		x := formatOf(name).read(data, newNames())
		if x == nil {
			return
		}
		if got := x.words(0, len(x.entries)); len(data) > 0 && string(got) != string(data) {
			t.Fatalf("%s: %q: want all of it in entries, got %q", name, data, got)
		}
		end := 0
		for _, e := range x.entries {
			if e.end <= end {
				t.Fatalf("%s: %q: want each entry behind the one before, got %+v", name, data, x.entries)
			}
			end = e.end
		}
	})
}
