package cli

import (
	"maps"
	"testing"
)

func TestReadGitConfig(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       map[string]string
	}{
		{"sections and keys in any case", "[Merge]\n\tTool = meld\n", map[string]string{"merge.tool": "meld"}},
		{"subsections keep theirs", "[mergetool \"My Tool\"]\ncmd = x\n", map[string]string{"mergetool.My Tool.cmd": "x"}},
		{"escapes in subsections", `[mergetool "a\"b\\"]` + "\ncmd=x", map[string]string{`mergetool.a"b\.cmd`: "x"}},
		{"comments", "# a\n; b\n[merge] # c\ntool = x # d\nother = \"y # z\" ; e\n", map[string]string{"merge.tool": "x", "merge.other": "y # z"}},
		{"quotes and blanks", "[m]\na = one  two  \nb = \" x \"\nc = a\\\"b\\tc\n", map[string]string{"m.a": "one  two", "m.b": " x ", "m.c": "a\"b\tc"}},
		{"a line goes on", "[m]\na = one \\\n  two\nb = back\\\\\nc = 1\n", map[string]string{"m.a": "one   two", "m.b": `back\`, "m.c": "1"}},
		{"the last one counts", "[m]\na = 1\n[m]\na = 2\n", map[string]string{"m.a": "2"}},
		{"a key on the line of its section", "[m] a = 1\n", map[string]string{"m.a": "1"}},
		{"CRLF and a byte order mark", "\uFEFF[m]\r\na = 1\r\n", map[string]string{"m.a": "1"}},
		{"a key without a value", "[m]\na\n", map[string]string{"m.a": ""}},
		{"what is broken is left out", "[m\na = 1\n[n \"x]\nb = 1\n[o]\nc = 1", map[string]string{"o.c": "1"}},
		{"nothing", "", map[string]string{}},
	} {
		got := map[string]string{}
		if readGitConfig(c.text, got); !maps.Equal(got, c.want) {
			t.Errorf("%s: %q:\n got %q\nwant %q", c.name, c.text, got, c.want)
		}
	}
}
