package manifest

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	long := strings.Repeat("n", 255)
	deep := strings.TrimSuffix(strings.Repeat("d/", 2048), "/")
	for _, p := range []string{"a", "a/b", ".hidden", "...", "a..b", "a b", "a\nb", "\xff\xfe", `a\b`, long, long + "/" + long, deep} {
		if got, err := ParsePath(p); err != nil || string(got) != p {
			t.Errorf("ParsePath(%q) = %q, %v; want it taken", p, got, err)
		}
	}
	refused := []struct{ name, path, want string }{
		{"A1 up", "../x", `got a "." or ".."`},
		{"A1 up inside", "a/../../x", `got a "." or ".."`},
		{"A1 up last", "a/..", `got a "." or ".."`},
		{"A2 absolute", "/etc/x", "absolute"},
		{"A2 UNC with slashes", "//srv/x", "absolute"},
		{"A6 trailing slash", "a/", "without a slash at its end"},
		{"A10 NUL", "a\x00b", "NUL"},
		{"A11 name of 256 bytes", "a/" + long + "n", "at most 255 bytes, got one of 256"},
		{"A11 path over 4096", strings.Repeat("d/", 2048) + "d", "at most 4096 bytes, got 4097"},
		{"A11 depth 5000", strings.Repeat("d/", 4999) + "d", "at most 4096 bytes"},
		{"empty", "", "empty"},
		{"dot", ".", `got a "." or ".."`},
		{"dot inside", "a/./b", `got a "." or ".."`},
		{"two slashes", "a//b", "got two"},
	}
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePath(c.path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("ParsePath(%.40q): got %v, want %q", c.path, err, c.want)
			}
			if !strings.HasPrefix(err.Error(), printableCut(c.path)) {
				t.Errorf("got %v, want the path first", err)
			}
		})
	}
}

func TestPathParts(t *testing.T) {
	for _, c := range []struct {
		path, parent Path
		base         string
	}{{"a", "", "a"}, {"a/b", "a", "b"}, {"a/b/c.d", "a/b", "c.d"}, {"", "", ""}} {
		if c.path.Parent() != c.parent || c.path.Base() != c.base {
			t.Errorf("%q: got %q and %q, want %q and %q", c.path, c.path.Parent(), c.path.Base(), c.parent, c.base)
		}
		if c.path != "" && c.parent.Join(c.base) != c.path {
			t.Errorf("%q: got %q from its parts", c.path, c.parent.Join(c.base))
		}
	}
	for _, c := range []struct {
		path, dir Path
		want      bool
	}{{"a/b", "a", true}, {"a", "a", true}, {"a-b", "a", false}, {"a", "a/b", false}, {"x", "", true}, {"b/a", "a", false}} {
		if got := c.path.Within(c.dir); got != c.want {
			t.Errorf("%q within %q: got %v, want %v", c.path, c.dir, got, c.want)
		}
	}
}

func TestPathString(t *testing.T) {
	for _, c := range []struct{ name, path, want string }{
		{"plain", "conf/a b.xml", "conf/a b.xml"},
		{"letters stay", "größe/日本", "größe/日本"},
		{"A10 newline", "a\nb", `a\x0ab`},
		{"A10 escape sequence", "\x1b[31mred", `\x1b[31mred`},
		{"A10 C1 control", "a\u009bb", `a\u009bb`},
		{"A8 invalid UTF-8", "a\xff\xc3", `a\xff\xc3`},
		{"A8 bidi control", "a\u202egpj.exe", `a\u202egpj.exe`},
		{"A8 zero width", "a\u200bb", `a\u200bb`},
		{"A8 tag character", "a\U000e0041", `a\U000e0041`},
		{"backslash is doubled", `a\x0ab`, `a\\x0ab`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Path(c.path).String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestPortable(t *testing.T) {
	for _, p := range []Path{"a", "a b/c.d", "größe.xml", "日本/x", "console", "com10.txt", "nullable", "lpt", "aux-1", ".profile", "a.NUL"} {
		if err := p.Portable(); err != nil {
			t.Errorf("%s: got %v, want it taken", p, err)
		}
	}
	for _, c := range []struct {
		name  string
		paths []Path
	}{
		{"A1 backslash", []Path{`..\x`, `a\b`}},
		{"A2 drives and devices of Windows", []Path{`C:\x`, `C:x`, `\\srv\x`, `\\?\x`}},
		{"A8 not UTF-8, invisible, bidi", []Path{"a\xff", "a\u200bb", "a\u202eb", "a\ufeffb", "a\u2028b", "a\u00adb"}},
		{"A9 reserved names", []Path{"NUL", "nul", "aux.txt", "x/AUX.tar.gz/y", "COM1", "com9.log", "COM¹", "lpt².x", "CONIN$", "conout$", "con", "prn", "NUL .txt"}},
		{"A9 dot or space last", []Path{"a.", "a ", "dir./x", "dir /x", "..."}},
		{"A9 characters", []Path{"a:stream", "a<b", "a>b", `a"b`, "a|b", "a?b", "a*b"}},
		{"A10 controls", []Path{"a\nb", "a\x1bb", "a\x7fb", "a\u0085b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range c.paths {
				if err := p.Portable(); err == nil {
					t.Errorf("%s: got it taken, want it refused", p)
				} else if !strings.HasPrefix(err.Error(), p.String()+": ") {
					t.Errorf("got %q, want the path first", err)
				}
			}
		})
	}
}

func TestFold(t *testing.T) {
	same := []struct {
		name string
		a, b Path
	}{
		{"A7 letter case", "README/Conf.XML", "readme/conf.xml"},
		{"A7 case beyond ASCII", "GRÖSSE", "grösse"},
		{"A7 Greek final sigma", "ΣΑΣ", "σας"},
		{"A7 Kelvin sign", "\u212a", "k"},
		{"A7 long s", "ſ", "S"},
		{"A8 NFC and NFD", "caf\u00e9", "cafe\u0301"},
		{"A8 NFD in capitals", "CAFE\u0301", "caf\u00e9"},
		{"A8 two marks", "\u1ead", "a\u0323\u0302"},
		{"A8 two marks, one composed", "\u1ea1\u0302", "\u1ead"},
		{"A8 marks in another order", "a\u0302\u0323", "a\u0323\u0302"},
		{"A8 Hangul", "\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af"},
		{"A8 kana with voice mark", "\u304c", "\u304b\u3099"},
		{"A8 Cyrillic short i", "\u0439", "\u0418\u0306"},
		{"A8 capital I with dot", "\u0130", "I\u0307"},
		{"A8 mark that is another", "a\u0340", "\u00e0"},
		{"A8 angstrom", "\u212b", "a\u030a"},
	}
	for _, c := range same {
		t.Run(c.name, func(t *testing.T) {
			if c.a.Fold() != c.b.Fold() {
				t.Errorf("%+q folds to %+q, %+q to %+q; want one key", c.a, c.a.Fold(), c.b, c.b.Fold())
			}
		})
	}
	for _, c := range [][2]Path{{"a", "b"}, {"e", "é"}, {"o", "ö"}, {"a/b", "a-b"}, {"a\xff", "a\xfe"}, {"か", "が"}, {"ss", "ß"}} {
		if c[0].Fold() == c[1].Fold() {
			t.Errorf("%+q and %+q: got one key, want two", c[0], c[1])
		}
	}
}

func TestReserved(t *testing.T) {
	for _, p := range []Path{
		"updates/OPEN", "updates/settings.yaml", "updates/installed", "updates/installed/base/x", "updates/backups/1/entries",
		"updates/.inplace-tmp-journal", "updates/conflicts", "updates/resolutions/x", "updates/stage", "updates/journal", "updates/lock", "updates/history.jsonl",
		"updates/logs/a", "updates/trust/timestamp.json", "updates/trust/root.json/x", "updates/trust/ROOT.json",
		"Updates", "UPDATES/x", "updates/open", "updates/Journal", "update\u017f/lock",
	} {
		t.Run("A17 "+p.String(), func(t *testing.T) {
			if !ReservedInRelease(p) || !IsState(p) {
				t.Error("got it allowed in a release, want it reserved")
			}
		})
	}
	for _, p := range []Path{
		"updates", "updates/product.yaml", "updates/trust", "updates/trust/root.json", "updates/readme.txt", "bin/inplace",
		"bin/inplace-linux-amd64", "bin/update.sh", "bin/update.cmd", "updates/inplace-tmp", "a/updates/lock", "updates.d/lock", "updates/lock.txt", "",
	} {
		if ReservedInRelease(p) {
			t.Errorf("%s: got it reserved, want it allowed in a release", p)
		}
	}
}

// What plainPath takes is its own escaped form and has no fault; and it takes all such.
func TestPlainPath(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	parts := []string{"a", "b", ".", "..", "...", "/", "/", "//", " ", "%", "%41", "\x7f", "\x00", "é", "\xff", ".x", "x.", strings.Repeat("n", 254), strings.Repeat("n", 2000)}
	taken := 0
	for range 200_000 {
		var b strings.Builder
		for range rng.IntN(7) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		s := b.String()
		want := pathFault(s) == "" && escapeName(s) == s
		if got := plainPath(s); got != want {
			t.Fatalf("%q: got %v, want %v", s, got, want)
		}
		if want {
			taken++
		}
	}
	if taken < 1000 {
		t.Errorf("only %d of the tried paths were good ones", taken)
	}
}
