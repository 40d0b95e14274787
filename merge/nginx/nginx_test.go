package nginx_test

import (
	"bytes"
	"strings"
	"testing"

	"inplace/merge/nginx"
	"inplace/merge/tree"
)

// outline spells a tree in one line.
func outline(n *tree.Node) string {
	var parts []string
	for _, k := range n.Kids {
		if k.Kind == tree.Leaf {
			parts = append(parts, k.Key+"="+k.Value)
		} else {
			parts = append(parts, k.Key+outline(k))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a 1  2;\nb;\n", "{a=1 2, b=}"},
		{"server { listen 80; server_name x y; # c\n}\n", "{server x y {}{listen=80, server_name=x y}}"},
		{"location ~ \\.php$ { a 1; }\n", "{location ~ \\.php$ {}{a=1}}"},
		{"add_header X 'a;b';\nset $a ${b};\n", "{add_header X=X 'a;b', set $a=$a ${b}}"},
		{"log_format main 'x'\n   # c\n   'y';\n", "{log_format=main 'x' 'y'}"},
		{"map $a $b { default 0; ~x 1; }", "{map $a $b {}{default=0, ~x=1}}"},
		{"", "{}"},
	} {
		n, err := nginx.Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if got := outline(n); got != c.want {
			t.Errorf("%q:\nwant %s\ngot  %s", c.text, c.want, got)
		}
	}
	for _, text := range []string{"a", "a {", "}", "a; }", ";", "{ }", "a 'x;", "a ${b;", "location / { content_by_lua_block { return } }", strings.Repeat("a {", 2*tree.MaxDepth)} {
		if n, err := nginx.Parse([]byte(text)); err == nil {
			t.Errorf("%.40q: want an error, got %s", text, outline(n))
		}
	}
}

func TestComments(t *testing.T) {
	n, err := nginx.Parse([]byte("# head\n\n# above\na 1; # behind\n  # in b\nb { # in c\n c 1;\n # last\n}\n# end\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := n.Kids[0], n.Kids[1]
	for _, c := range []struct {
		what  string
		atoms []tree.Atom
		want  string
	}{{"head", n.Lead, "# head"}, {"above", a.Lead, "# above"}, {"above a block", b.Lead, "# in b"},
		{"first in a block", b.Kids[0].Lead, "# in c"}, {"last in a block", b.Tail, "# last"}, {"end", n.Tail, "# end"}} {
		if len(c.atoms) != 1 || c.atoms[0].Text != c.want {
			t.Errorf("%s: want %q, got %+v", c.what, c.want, c.atoms)
		}
	}
	if a.Trail.End-a.Trail.Start != len(" # behind") {
		t.Errorf("want the comment behind a directive, got %+v", a.Trail)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "# head\n\n# c\na 1; # d\r\nb { c 'x' \"y\" ${z}; } # e\n# f\n", "a\\", "a {}", "a ${", "#", "a 1;b 2;\n#x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := nginx.Parse(data)
		if err != nil {
			return
		}
		if err := tree.Verify(data, n); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if got := tree.Print(data, n); !bytes.Equal(got, data) {
			t.Fatalf("want %q, got %q", data, got)
		}
	})
}
