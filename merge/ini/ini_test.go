package ini_test

import (
	"bytes"
	"strings"
	"testing"

	"inplace/merge/ini"
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
	for _, c := range []struct{ name, text, want string }{
		{"top and sections", "; c\ntop = 1\n[ a b ] ; x\nk = v=w \nskip\nm: 1\n[a]\n", "{top=1, [ a b {k=v=w, skip=, m=1}, [a{}}"},
		{"git", "[remote \"origin\"]\n\turl = x\n\tfetch = y\n", `{[remote "origin"{url=x, fetch=y}}`},
		{"the value goes on", "a =\n  b\n  c\nd = 1\n", "{a=\nb\nc, d=1}"},
		{"it ends at a comment", "a = b\n  c\n# x\n  d\n", "{a=b\nc, d=}"},
		{"a deeper key is a key", "a = b\n  c = d\n", "{a=b, c=d}"},
		{"a backslash", "ExecStart=/bin/x \\\n--y\nUser=z\n", "{ExecStart=/bin/x \\\n--y, User=z}"},
		{"a path is no continuation", "dir=C:\\x\\\nnext=1\n", "{dir=C:\\x\\, next=1}"},
		{"slots", "[s]\n;a = 1 \n# b=2\n# prose, no slot = x\n", "{[s{#a=1, #b=2}}"},
		{"CRLF", "[s]\r\na = 1\r\n", "{[s{a=1}}"},
		{"empty value", "a =\nb=\n", "{a=, b=}"},
	} {
		n, err := ini.Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := outline(n); got != c.want {
			t.Errorf("%s: %q:\nwant %q\ngot  %q", c.name, c.text, c.want, got)
		}
	}
	for _, text := range []string{"[a\n", "[a] b\n", "= b\n"} {
		if n, err := ini.Parse([]byte(text)); err == nil {
			t.Errorf("%q: want an error, got %s", text, outline(n))
		}
	}
}

func TestParseDirectives(t *testing.T) {
	n, err := ini.ParseDirectives([]byte("# c\nPort 22\nsave 900  1\nsave 300 10\nMax=3\n#Listen=x\nflag\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outline(n), "{port=22, save=900 1, save=300 10, max=3, #Listen=x, flag=}"; got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if n.Kids[0].Bag || !n.Kids[1].Bag {
		t.Error("want save to be repeatable, and Port not")
	}
	n, err = ini.ParseDirectives([]byte("Port 22\n\n# git\nMatch  User git\n\tBanner none\n\t#PermitTTY=no\nMatch All\nx 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outline(n), "{port=22, match Match User git{banner=none, #PermitTTY=no}, match Match All{x=1}}"; got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	for _, text := range []string{"<VirtualHost *>\n", "a {\n}\n", "a \\\nb\n", "a\n  b\n", "a\n  Match User x\n"} {
		if n, err := ini.ParseDirectives([]byte(text)); err == nil {
			t.Errorf("%q: want an error, got %s", text, outline(n))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "; head\n\n[a]\nb = c\n  d\n;e=f\n\n# x\n[g]\r\nh: i \\\nj", "a=\\\nb", "=", "[", "\n[a]\n\n", "\xff=\x00", " a=\n\tb\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) (*tree.Node, error){ini.Parse, ini.ParseDirectives} {
			n, err := parse(data)
			if err != nil {
				continue
			}
			if err := tree.Verify(data, n); err != nil {
				t.Fatalf("%q: %v", data, err)
			}
			if got := tree.Print(data, n); !bytes.Equal(got, data) {
				t.Fatalf("want %q, got %q", data, got)
			}
		}
	})
}
