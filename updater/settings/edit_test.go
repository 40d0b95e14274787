package settings

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const head = "schema: inplace/settings/1\n"

func TestSet(t *testing.T) {
	rows := []struct{ name, in, key, value, want string }{
		{"plain, comment stays", "# mine\nsource: /old   # since May\nchannel: full\n", "source", "https://host/x",
			"# mine\nsource: https://host/x   # since May\nchannel: full\n"},
		{"quoted", "source: \"/o # \\\" ld\"  # why\n", "source", "/new", "source: /new  # why\n"},
		{"single quotes", "source: '/it''s'\n", "source", "/new", "source: /new\n"},
		{"below the key", "source:\n    # over here\n    /old\nchannel: full\n", "source", "/new", "source:\n    # over here\n    /new\nchannel: full\n"},
		{"quoted key", "\"channel\" : full\n", "channel", "security", "\"channel\" : security\n"},
		{"word that needs quotes", "channel: full\n", "channel", "on", "channel: \"on\"\n"},
		{"blanks and backslashes", "source: /old\n", "source", "/a \\ b: #c", "source: \"/a \\\\ b: #c\"\n"},
		{"missing, at the end", "channel: full\n", "source", "/r", "channel: full\nsource: /r\n"},
		{"missing, no last line end", "channel: full", "source", "/r", "channel: full\nsource: /r"},
		{"missing, below its example", "# name\n#launcher: update\n\nchannel: full\n", "launcher", "acme", "# name\n#launcher: update\nlauncher: acme\n\nchannel: full\n"},
		{"the key as text elsewhere", "# source: of trouble is not: this\npins: [\"a: b\"]\nabsent:\n  - \"source: x\"\nsource: /old\n", "source", "/new",
			"# source: of trouble is not: this\npins: [\"a: b\"]\nabsent:\n  - \"source: x\"\nsource: /new\n"},
		{"same value", "source: \"/same\"\n", "source", "/same", "source: \"/same\"\n"},
		{"default written out", "source: /r\n", "channel", "full", "source: /r\n"},
	}
	for _, row := range rows {
		for _, nl := range []string{"\n", "\r\n"} {
			t.Run(row.name, func(t *testing.T) {
				in := strings.ReplaceAll(head+row.in, "\n", nl)
				want := strings.ReplaceAll(head+row.want, "\n", nl)
				got, err := Set([]byte(in), row.key, row.value)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, string(got)); diff != "" {
					t.Errorf("want -, got +:\n%s", diff)
				}
			})
		}
	}
}

func TestAppendList(t *testing.T) {
	rows := []struct {
		name, in, key string
		values        []string
		want          string
	}{
		{"flow", "absent: [\"a\", 'b' , c] # note\n", "absent", []string{"d/**", "e"}, "absent: [\"a\", 'b' , c, \"d/**\", \"e\"] # note\n"},
		{"flow, closing comma", "absent: [a, ]\n", "absent", []string{"b"}, "absent: [a, \"b\", ]\n"},
		{"flow, empty", "absent: []\n", "absent", []string{"a", "b"}, "absent: [\"a\", \"b\"]\n"},
		{"flow, brackets in texts", "absent: [\"a]\", 'b,]''' ]\n", "absent", []string{"c"}, "absent: [\"a]\", 'b,]''', \"c\" ]\n"},
		{"flow in lines, closing comma", "absent: [\n  \"a\",  # one\n  \"b\",  # two\n]\n", "absent", []string{"c", "d"},
			"absent: [\n  \"a\",  # one\n  \"b\",  # two\n  \"c\",\n  \"d\",\n]\n"},
		{"flow in lines", "absent: [\n  \"a\",\n  \"b\"  # two\n  # the end\n]\n", "absent", []string{"c", "d"},
			"absent: [\n  \"a\",\n  \"b\",  # two\n  \"c\",\n  \"d\"\n  # the end\n]\n"},
		{"block", "absent:\n  # first\n  - a   # one\n  - 'b'\n\n  # about pins\npins: []\n", "absent", []string{"c"},
			"absent:\n  # first\n  - a   # one\n  - 'b'\n  - \"c\"\n\n  # about pins\npins: []\n"},
		{"block, not indented", "follow:\n- conf\nchannel: full\n", "follow", []string{"data"}, "follow:\n- conf\n- \"data\"\nchannel: full\n"},
		{"block, long item", "absent:\n  - \"a\n    b\"\nchannel: full\n", "absent", []string{"c"}, "absent:\n  - \"a\n    b\"\n  - \"c\"\nchannel: full\n"},
		{"block, no last line end", "absent:\n  - a", "absent", []string{"b", "c"}, "absent:\n  - a\n  - \"b\"\n  - \"c\""},
		{"missing", "channel: full\n", "pins", []string{"conf/a.xml: k"}, "channel: full\npins:\n  - \"conf/a.xml: k\"\n"},
		{"missing, below its example", "#absent: [x]\n\nchannel: full\n", "absent", []string{"a", "b"},
			"#absent: [x]\nabsent:\n  - \"a\"\n  - \"b\"\n\nchannel: full\n"},
		{"there already", "absent: [a]\n", "absent", []string{"a"}, "absent: [a]\n"},
		{"one new of three", "absent: [a]\n", "absent", []string{"a", "b", "b"}, "absent: [a, \"b\"]\n"},
		{"odd names", "absent: [a]\n", "absent", []string{"t\u00fcr \"x\" \u202e"}, "absent: [a, \"t\u00fcr \\\"x\\\" \\u202e\"]\n"},
	}
	for _, row := range rows {
		for _, nl := range []string{"\n", "\r\n"} {
			t.Run(row.name, func(t *testing.T) {
				in := strings.ReplaceAll(head+row.in, "\n", nl)
				want := strings.ReplaceAll(head+row.want, "\n", nl)
				got, err := AppendList([]byte(in), row.key, row.values...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, string(got)); diff != "" {
					t.Errorf("want -, got +:\n%s", diff)
				}
			})
		}
	}
}

func TestEditRefused(t *testing.T) {
	rows := []struct{ name, in, key, value, want string }{
		{"block text", head + "source: >-\n  /old\n", "source", "/new", "change it by hand"},
		{"two-line text", head + "source: /old\n  more\n", "source", "/new", "change it by hand"},
		{"indented file", "  schema: inplace/settings/1\n  source: /old\n", "source", "/new", "change it by hand"},
		{"a map in braces", "{schema: inplace/settings/1, source: /old}\n", "source", "/new", "change it by hand"},
		{"key within a text", head + "absent: [\"\nsource: /x\"]\n", "source", "/new", "change it by hand"},
		{"end mark", head + "...\n", "source", "/new", "change it by hand"},
		{"value at fault", head + "source: /old\n", "source", "../new", "settings.yaml:2:9: source: want a URL or an absolute path"},
		{"value at fault, new line", head, "channel", "Full", "settings.yaml:2:10: channel: want a channel"},
		{"not a text for YAML", head, "source", "/\xff", "want UTF-8"},
		{"file at fault", head + "sauce: /x\n", "source", "/new", "settings.yaml:2:1: unknown key"},
		{"other key", head, "schema", "x", "want source, channel or launcher"},
		{"nested list", head + "absent: [a, [b]]\n", "+absent", "c", "settings.yaml:2:13: absent[1]: want a text"},
		{"glob at fault", head, "+absent", "a/", "settings.yaml:3:5: absent[0]:"},
		{"pin at fault", head, "+pins", "conf", "want \"PATH: KEY\""},
		{"not a list", head, "+source", "/x", "want absent, follow or pins"},
		{"not UTF-8", head, "+absent", "\xff", "want UTF-8"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var got []byte
			var err error
			if key, list := strings.CutPrefix(row.key, "+"); list {
				got, err = AppendList([]byte(row.in), key, row.value)
			} else {
				got, err = Set([]byte(row.in), row.key, row.value)
			}
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %q, %v; want an error with %q", got, err, row.want)
			}
		})
	}
}

// TestOperatorsFile edits a file as it looks after years: every value changes,
// nothing else does.
func TestOperatorsFile(t *testing.T) {
	in, err := os.ReadFile(filepath.Join("testdata", "operator.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "operator.want.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := in
	edit := func(out []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got = out
	}
	edit(Set(got, "source", "/srv/mirror/acme.bundle"))
	edit(Set(got, "channel", "security"))
	edit(Set(got, "launcher", "acme-update"))
	edit(AppendList(got, "absent", "webapps/manager/**"))
	edit(AppendList(got, "follow", "conf/tls"))
	edit(AppendList(got, "pins", "conf/server.xml: Server/@shutdown"))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Fatalf("want -, got +:\n%s", diff)
	}
}

// comments lists the comment lines of a text.
func comments(data []byte) []string {
	var out []string
	for line := range bytes.Lines(data) {
		if text := strings.TrimSpace(string(line)); strings.HasPrefix(text, "#") {
			out = append(out, text)
		}
	}
	return out
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte(head+"# c\nsource: /a # d\nabsent:\n  - x\n  # e\n"), "/new")
	f.Add([]byte(head+"absent: [\n  a, # b\n]\r\n"), "x\"y\\")
	f.Add([]byte("{\"schema\": inplace/settings/1, absent: [a,]}"), "on")
	f.Add([]byte(head+"absent: ['it''s',\"\\\"\"]\n#source: x"), "https://h/p")
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		before, err := Parse(FileName, data)
		check := func(out []byte, err error, change func(*Settings)) {
			t.Helper()
			if err != nil {
				return
			}
			want := *before
			change(&want)
			got, err := Parse(FileName, out)
			if err != nil {
				t.Fatalf("%q became %q: %v", data, out, err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Fatalf("%q became %q, want -, got +:\n%s", data, out, diff)
			}
			if diff := cmp.Diff(comments(data), comments(out)); diff != "" {
				t.Fatalf("%q became %q, comments: want -, got +:\n%s", data, out, diff)
			}
		}
		set, setErr := Set(data, "source", value)
		list, listErr := AppendList(data, "absent", value)
		if err != nil {
			if setErr == nil || listErr == nil {
				t.Fatalf("%q has faults (%v) and was edited", data, err)
			}
			return
		}
		check(set, setErr, func(s *Settings) { s.Source = value })
		check(list, listErr, func(s *Settings) {
			if _, err := s.add("absent", value); err != nil {
				t.Fatal(err)
			}
		})
	})
}
