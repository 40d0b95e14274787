package manifest

import (
	"strings"
	"sync"
	"testing"
)

func TestMatcher(t *testing.T) {
	rules := Rules{
		Config: []string{"conf/**", "webapps/*/WEB-INF/web.xml", "all/**"},
		Data:   []string{"database/**", "all/data/**"},
		Ignore: []string{"logs/**", "**/*.tmp", "all/data/ignore/**", "all/ignore/**"},
		Formats: map[string]string{
			"conf/x.conf": "ini", "conf/*.conf": "properties", "**/*.conf": "lines", "conf/special/**": "yaml", "conf/**": "xml",
		},
	}
	m, err := rules.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[Path]Class{
		"": Plain, "bin/run": Plain, "conf": Config, "conf/a/b": Config, "webapps/a/WEB-INF/web.xml": Config,
		"webapps/a/b/WEB-INF/web.xml": Plain, "database": Data, "database/x.tmp": Data, "conf/a.tmp": Ignore, "logs/a": Ignore,
		"all/x": Config, "all/data/ignore/x": Data, "all/ignore/x": Ignore, "Conf/a": Plain,
	} {
		if got := m.Class(p); got != want {
			t.Errorf("%s: got %s, want %s", p, got, want)
		}
	}
	for p, want := range map[Path]string{
		"conf/x.conf": "ini", "conf/y.conf": "properties", "a/b.conf": "lines", "conf/z": "xml", "bin/z": "",
		"conf/special/a": "yaml", "conf/a/b.conf": "xml",
	} {
		if got := m.Format(p); got != want {
			t.Errorf("%s: got format %q, want %q", p, got, want)
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if m.Class("conf/a") != Config {
				t.Error("conf/a: got another class beside other readers")
			}
		})
	}
	group.Wait()
}

func TestRulesCompileListsEveryFault(t *testing.T) {
	rules := Rules{Config: []string{"conf/", "ok"}, Data: []string{"/data"}, Formats: map[string]string{"a**": "ini"}}
	_, err := rules.Compile()
	for _, want := range []string{`"conf/": want a pattern without a slash`, `"/data": want a path relative`, `"a**": want ** alone`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestDerived(t *testing.T) {
	for _, c := range []struct {
		name        string
		when, clear string
		path        Path
		want        string
	}{
		{"exploded archive", "webapps/*.war", "webapps/{1}/**", "webapps/shop.war", "webapps/shop/**"},
		{"no reference", "conf/**", "work/**", "conf/a", "work/**"},
		{"two references", "a/*/b-*.x", "c/{2}/{1}", "a/one/b-two.x", "c/two/one"},
		{"deep reference", "a/**/b", "c/{1}/d", "a/x/y/b", "c/x/y/d"},
		{"another path", "a/*", "b/{1}", "c/x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := Derived{c.when, c.clear}.Expand(c.path)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if g != nil {
				got = g.String()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	for _, c := range []struct {
		name, when, clear string
		path              Path
		want              string
	}{
		{"M10 everything", "a", "**", "a", "never matches bin"},
		{"M10 the top", "a", ".", "a", `"." or ".."`},
		{"M10 outside", "a", "../x", "a", `"." or ".."`},
		{"M10 bin", "a", "bin/**", "a", "never matches bin"},
		{"M10 the updater", "a", "bin/inpl*", "a", "never matches bin/inplace"},
		{"M10 state", "a", "updates/back*/**", "a", "never matches updates/backups"},
		{"M10 glob over it", "a", "*/journal", "a", "never matches updates/journal"},
		{"M10 reference over it", "*/x", "{1}/**", "a/x", "never matches bin"},
		{"M10 deep reference over it", "**/x", "{1}/**", "bin/x", "never matches bin"},
		{"reference without wildcard", "a", "b/{1}", "a", "want {1} to {0}"},
		{"reference too high", "a/*", "b/{2}", "a/x", "want {1} to {1}"},
		{"reference zero", "a/*", "b/{0}", "a/x", "want {1} to {1}"},
		{"huge reference", "a/*", "b/{99999999999999999999}", "a/x", "want {1} to {1}"},
		{"bad when", "a/", "b", "a", "when"},
		{"wildcard in the path", "a/*", "b/{1}", "a/x*", "without wildcards"},
		{"nothing taken", "a/**/b", "{1}/c", "a/b", "absolute"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := Derived{c.when, c.clear}.Expand(c.path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want %q", g, err, c.want)
			}
		})
	}
}
