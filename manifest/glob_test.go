package manifest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGlobMatch(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []Path
	}{
		{"conf/**", []Path{"conf", "conf/a", "conf/a/b", "conf/.a"}, []Path{"", "config", "conf-a", "a/conf", "Conf/a"}},
		{"**", []Path{"a", "a/b/c", ".a"}, []Path{""}},
		{"**/x", []Path{"x", "a/x", "a/b/x"}, []Path{"ax", "x/a", "a/x/b"}},
		{"a/**/b", []Path{"a/b", "a/x/b", "a/x/y/b", "a/b/b"}, []Path{"a", "b", "a/b/c", "ab"}},
		{"a/**/b/**/c", []Path{"a/b/c", "a/x/b/y/z/c", "a/b/b/c/c"}, []Path{"a/c", "a/c/b", "a/b/x"}},
		{"*", []Path{"a", ".a"}, []Path{"a/b", ""}},
		{"*.xml", []Path{"a.xml", ".xml"}, []Path{"a/b.xml", "a.xml.bak", "xml", "a.XML"}},
		{"conf/*/x", []Path{"conf/a/x"}, []Path{"conf/x", "conf/a/b/x"}},
		{"a*b*c", []Path{"abc", "axbxbxc", "abcbc"}, []Path{"ab", "acb", "abcd"}},
		{"?", []Path{"a", "ö", "日"}, []Path{"", "ab"}},
		{"a??", []Path{"abc", "aöö"}, []Path{"ab", "abcd"}},
		{"a?b", []Path{"a\xffb"}, []Path{"a/b", "ab"}},
		{"*?", []Path{"a", "abc"}, []Path{"a/b"}},
		{"conf/[x].{y}", []Path{"conf/[x].{y}"}, []Path{"conf/x.y"}},
		{"webapps/*/WEB-INF/**/*.xml", []Path{"webapps/a/WEB-INF/web.xml", "webapps/a/WEB-INF/b/c/d.xml"}, []Path{"webapps/WEB-INF/web.xml"}},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			g, err := CompileGlob(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range c.yes {
				if !g.Match(p) {
					t.Errorf("%q: got no match, want one", p)
				}
			}
			for _, p := range c.no {
				if g.Match(p) {
					t.Errorf("%q: got a match, want none", p)
				}
			}
		})
	}
}

func TestGlobRefused(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{"", "empty"}, {"/a", "absolute"}, {"a/", `"dir/**"`}, {"a//b", "two"}, {"../a", `".."`}, {"a/./b", `"."`},
		{"a**", "** alone"}, {"a/**b/c", "** alone"}, {"***", "** alone"}, {"**/**", "one ** in a row"}, {`a\b`, "backslashes"},
		{"a\nb", "control"}, {"a\x00", "NUL"}, {strings.Repeat("a/", 3000) + "a", "at most 4096"},
	} {
		_, err := CompileGlob(c.pattern)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("CompileGlob(%.40q): got %v, want %q", c.pattern, err, c.want)
		}
	}
}

func TestGlobCaptures(t *testing.T) {
	for _, c := range []struct {
		pattern string
		path    Path
		want    []string
	}{
		{"webapps/*.war", "webapps/shop.war", []string{"shop"}},
		{"webapps/*.war", "webapps/.war", []string{""}},
		{"a/**/x-*.jar", "a/b/c/x-1.jar", []string{"b/c", "1"}},
		{"a/**/x-*.jar", "a/x-1.jar", []string{"", "1"}},
		{"**/lib/**", "a/lib/b/lib/c", []string{"a", "b/lib/c"}},
		{"**/lib/**", "lib", []string{"", ""}},
		{"v??-*", "v12-a-b", []string{"12", "a-b"}},
		{"*-*", "a-b-c", []string{"a", "b-c"}},
		{"*?", "aöc", []string{"aö", "c"}},
		{"a", "a", nil},
	} {
		t.Run(c.pattern+" on "+string(c.path), func(t *testing.T) {
			g, err := CompileGlob(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := g.Captures(c.path)
			if !ok || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, ok, c.want)
			}
			if n := g.wildcards(); n != len(c.want) {
				t.Errorf("got %d wildcards, want %d", n, len(c.want))
			}
		})
	}
	g, err := CompileGlob("a/*")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := g.Captures("b/c"); ok {
		t.Errorf("got %q, want no match", got)
	}
}

func TestGlobPrefix(t *testing.T) {
	for pattern, want := range map[string]Path{
		"conf/**": "conf", "a/b/*.x": "a/b", "**": "", "a": "", "a/b": "a", "a/*/b": "a", "a/b?/c": "a",
	} {
		g, err := CompileGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Prefix(); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}

// A pattern made to send a matcher back again and again ends at once.
func TestGlobHostile(t *testing.T) {
	name := strings.Repeat("a", 255)
	start := time.Now()
	for pattern, path := range map[string]Path{
		strings.Repeat("*a", 127) + "b":                               Path(name),
		strings.Repeat("**/a*/", 400) + "b":                           Path(strings.TrimSuffix(strings.Repeat("aa/", 1365), "/")),
		strings.Repeat("**/"+strings.Repeat("*a", 60)+"b/", 30) + "c": Path(strings.TrimSuffix(strings.Repeat(name+"/", 16), "/")),
	} {
		g, err := CompileGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if g.Match(path) {
			t.Errorf("%.40s: got a match, want none", pattern)
		}
	}
	if took := time.Since(start); took > time.Minute { // backtracking would take far longer, on any machine
		t.Errorf("took %v", took)
	}
}

// matchSlow is the definition of a match, without the going back.
func matchSlow(parts, names []string) bool {
	if len(parts) == 0 {
		return len(names) == 0
	}
	if parts[0] == "**" {
		return matchSlow(parts[1:], names) || len(names) > 0 && matchSlow(parts, names[1:])
	}
	return len(names) > 0 && nameSlow([]rune(parts[0]), []rune(names[0])) && matchSlow(parts[1:], names[1:])
}

func nameSlow(pattern, name []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == '*':
		return nameSlow(pattern[1:], name) || len(name) > 0 && nameSlow(pattern, name[1:])
	}
	return len(name) > 0 && (pattern[0] == '?' || pattern[0] == name[0]) && nameSlow(pattern[1:], name[1:])
}

func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"conf/**", "conf/a"}, {"**/x", "a/b/x"}, {"a/**/b*?c", "a/x/bxxc"}, {"*?*", "aö"}, {"a*b/**/?", "ab/c/d"}, {"**/a/**/a", "a/a/a/b/a"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		g, err := CompileGlob(pattern)
		p, perr := ParsePath(path)
		if err != nil || perr != nil || len(pattern) > 24 || len(path) > 24 {
			return
		}
		got := g.Match(p)
		if want := matchSlow(strings.Split(pattern, "/"), strings.Split(path, "/")); got != want && strings.ToValidUTF8(path, "") == path && strings.ToValidUTF8(pattern, "") == pattern {
			t.Fatalf("%q on %q: got %v, want %v", pattern, path, got, want)
		}
		captures, ok := g.Captures(p)
		if ok != got || ok && len(captures) != g.wildcards() {
			t.Fatalf("%q on %q: match %v, captures %q, %v", pattern, path, got, captures, ok)
		}
		if got && !p.Within(g.Prefix()) {
			t.Fatalf("%q on %q: not within the prefix %q", pattern, path, g.Prefix())
		}
		if got {
			checkRebuild(t, pattern, path, captures)
		}
	})
}

// checkRebuild puts the captures into the pattern and wants the path back.
func checkRebuild(t *testing.T, pattern, path string, captures []string) {
	var names []string
	for text := range strings.SplitSeq(pattern, "/") {
		if text == "**" {
			if captures[0] != "" {
				names = append(names, captures[0])
			}
			captures = captures[1:]
			continue
		}
		var name strings.Builder
		for i := 0; i < len(text); i++ {
			switch {
			case text[i] == '?' && i > 0 && text[i-1] == '?':
			case text[i] == '?' || text[i] == '*':
				name.WriteString(captures[0])
				captures = captures[1:]
			default:
				name.WriteByte(text[i])
			}
		}
		names = append(names, name.String())
	}
	if got := strings.Join(names, "/"); got != path {
		t.Fatalf("%q on %q: captures give %q", pattern, path, got)
	}
}
