package formats_test

import (
	"bytes"
	"strings"
	"testing"

	"inplace/merge"
	"inplace/merge/formats"
)

// Cases of line formats; those of the other formats are with their packages. want ""
// means that nothing but a conflict is right, and key what it is about.
func TestMerge(t *testing.T) {
	const bom = "\uFEFF"
	for _, c := range []struct{ name, format, base, ours, theirs, want, key string }{
		// What is no conflict.
		{"adjacent settings", "properties", "a=1\nb=1\n", "a=2\nb=1\n", "a=1\nb=2\n", "a=2\nb=2\n", ""},
		{"both add at one place", "properties", "a=1\n", "a=1\nmine=1\n", "a=1\nnew=1\n", "a=1\nnew=1\nmine=1\n", ""},
		{"both add the same, and something of their own", "ini", "[m]\na=1\n", "[m]\na=1\nc=utf8\no=1\n", "[m]\na=1\nn=1\nc=utf8\n", "[m]\na=1\nn=1\nc=utf8\no=1\n", ""},
		{"both add one key at two places", "env", "A=1\nB=2\nC=3\n", "A=1\nN=true\nB=2\nC=3\n", "A=1\nB=2\nN=true\nC=3\n", "A=1\nN=true\nB=2\nC=3\n", ""},
		{"vendor re-orders", "properties", "a=1\nb=1\nc=1\n", "a=1\nb=2\nc=1\n", "c=1\na=1\nb=1\n", "a=1\nb=2\nc=1\n", ""},
		{"operator re-orders", "properties", "a=1\nb=1\nc=1\n", "c=1\nb=1\na=1\n", "a=1\nb=2\nc=1\n", "c=1\nb=2\na=1\n", ""},
		{"vendor re-indents", "ini", "[m]\na = 1\nb = 1\n", "[m]\na = 1\nb = 2\n", "[m]\n    a = 1\n    b = 1\n", "[m]\na = 1\nb = 2\n", ""},
		{"vendor respells separators", "properties", "a=1\nb=1\n", "a=2\nb=1\n", "a: 1\nb: 1\n", "a=2\nb=1\n", ""},
		{"vendor respells escapes", "properties", "a=\\u0041\nb=1\n", "a=\\u0041\nb=2\n", "a=A\nb=1\nc=1\n", "a=\\u0041\nb=2\nc=1\n", ""},
		{"continuation lines", "properties", "l=a,\\\n  b\nk=1\n", "l=a,\\\n  b\nk=2\n", "l=a,\\\n  b,\\\n  c\nk=1\n", "l=a,\\\n  b,\\\n  c\nk=2\n", ""},
		{"Latin-1", "properties", "n=\xe9\nb=1\n", "n=\xe8\nb=1\n", "n=\xe9\nb=\xfc\n", "n=\xe8\nb=\xfc\n", ""},
		{"header date", "properties", "#Mon Jan 1\n\na=1\n", "#Tue Feb 2\n\na=2\n", "#Wed Mar 3\n\na=1\nb=1\n", "#Tue Feb 2\n\na=2\nb=1\n", ""},
		{"licence block", "properties", "# (c) 2020\n# all rights\n\na=1\n", "# (c) 2020\n# all rights\n\n# mine\na=2\n", "# (c) 2024\n# some rights\n\na=1\n", "# (c) 2024\n# some rights\n\n# mine\na=2\n", ""},
		{"licence block added", "properties", "a=1\nb=1\n", "a=2\nb=1\n", "# (c) 2024\n\na=1\nb=1\n", "# (c) 2024\n\na=2\nb=1\n", ""},
		{"comment beside a change", "ini", "# old\na=1\n", "# old\na=2\n", "# new\na=1\n", "# new\na=2\n", ""},
		{"comment changed by both", "ini", "# old\na=1\n", "# mine\na=2\n", "# new\na=1\n", "# mine\na=2\n", ""},
		{"CRLF of ours", "env", "A=1\nB=1\n", "A=2\r\nB=1\r\n", "A=1\nB=2\nC=1\n", "A=2\r\nB=2\r\nC=1\r\n", ""},
		{"CRLF of theirs", "env", "A=1\nB=1\n", "A=2\nB=1\n", "A=1\r\nB=2\r\nC=1\r\n", "A=2\nB=2\nC=1\n", ""},
		{"byte order mark of ours", "ini", "[m]\na=1\nb=1\n", bom + "[m]\na=2\nb=1\n", "[m]\na=1\nb=2\n", bom + "[m]\na=2\nb=2\n", ""},
		{"byte order mark of theirs", "ini", "[m]\na=1\nb=1\n", "[m]\na=2\nb=1\n", bom + "[m]\na=1\nb=2\n", "[m]\na=2\nb=2\n", ""},
		{"no newline at the end, both add", "properties", "a=1", "a=1\nmine=1", "a=1\nnew=1", "a=1\nnew=1\nmine=1", ""},
		{"newline at the end from theirs", "properties", "a=1\nb=1", "a=2\nb=1", "a=1\nb=2\n", "a=2\nb=2\n", ""},
		{"blanks at the end", "properties", "a=1\nb=1\n", "a=1  \nb=2\n", "a=3\nb=1\t\n", "a=3  \nb=2\n", ""},
		// A CR that no LF follows is no line end: it stays.
		{"lone CR at the end, ini", "ini", "[m]\na=1\nb=1\n", "[m]\na=1\nb=1\no=1\r", "[m]\na=1\nb=2\n", "[m]\na=1\nb=2\no=1\r", ""},
		{"lone CR at the end, properties", "properties", "a=1\nb=1\n", "a=1\nb=1\no=1\r", "a=1\nb=2\n", "a=1\nb=2\no=1\r", ""},
		{"lone CR at the end, env", "env", "A=1\nB=1\n", "A=1\nB=1\nO=1\r", "A=1\nB=2\n", "A=1\nB=2\nO=1\r", ""},
		{"lone CR at the end of what both changed, sh", "sh", "A=1\nB=1\n", "A=1\nB=2\r", "A=1\nB=1\nC=1\n", "", ""},
		{"lone CR at the end, directive", "directive", "Port 22\nUseDNS no\n", "Port 22\nUseDNS no\n# mine\r", "Port 22\nUseDNS yes\n", "Port 22\nUseDNS yes\n# mine\r", ""},
		{"lone CR at the end, nginx", "nginx", "a 1;\nb 1;\n", "a 1;\nb 1;\no 1;\r", "a 1;\nb 2;\n", "a 1;\nb 2;\no 1;\r", ""},
		{"lone CR at the end, json", "json", "{\"a\": 1,\n\"b\": 1}\n", "{\"a\": 1,\n\"b\": 1, \"o\": 1}\r", "{\"a\": 1,\n\"b\": 2}\n", "{\"a\": 1,\n\"b\": 2, \"o\": 1}\r", ""},
		{"lone CR at the end, xml", "xml", "<m>\n<a>1</a>\n<b>1</b></m>\n", "<m>\n<a>1</a>\n<b>1</b><o>1</o></m>\r", "<m>\n<a>1</a>\n<b>2</b></m>\n", "<m>\n<a>1</a>\n<b>2</b><o>1</o></m>\r", ""},
		{"lone CR at the end, toml", "toml", "a = 1\nb = 1\nc = 1\n", "a = 1\nb = 1\nc = 1\r", "a = 2\nb = 1\nc = 1\n", "a = 2\nb = 1\nc = 1\r", ""},
		{"lone CR at the end, yaml", "yaml", "a: 1\nb: 1\nc: 1\n", "a: 1\nb: 1\nc: 1\r", "a: 2\nb: 1\nc: 1\n", "a: 2\nb: 1\nc: 1\r", ""},
		{"lone CR before what theirs adds", "ini", "a=1\nb=1\n", "a=1\nb=2\r", "a=1\nb=1\nn=1\n", "a=1\nb=2\r\nn=1", ""},
		// Commented-out defaults.
		{"uncommented, vendor edits the comment", "properties", "# the port\n#port=80\nx=1\n", "# the port\nport=81\nx=1\n", "# the port of the server\n#port=8080\nx=1\n", "# the port of the server\nport=81\nx=1\n", ""},
		{"default beside the live value", "properties", "#port=80\nx=1\n", "#port=80\nport=81\nx=1\n", "#port=8080\nx=2\n", "#port=8080\nport=81\nx=2\n", ""},
		{"vendor comments a default out", "ini", "[s]\na=1\nb=1\n", "[s]\na=1\nb=2\n", "[s]\n;a=1\nb=1\n", "[s]\n;a=1\nb=2\n", ""},
		// Sections and comments stay together.
		{"new setting in its section", "properties", "a=1\n\n# Part B\n\nb=1\n", "a=1\n\n# Part B\n\nb=2\n", "a=1\n\n# Part B\n\nn=1\nb=1\n", "a=1\n\n# Part B\n\nn=1\nb=2\n", ""},
		{"both add one section", "ini", "[a]\nx=1\n", "[n]\no=1\n\n[a]\nx=1\n", "[a]\nx=1\n\n[n]\nt=1\n", "[n]\nt=1\no=1\n\n[a]\nx=1\n", ""},
		{"new section keeps its settings", "ini", "[a]\nx=1\n", "[a]\nx=2\n", "[a]\nx=1\n\n# n\n[n]\ny=1\nz=1\n", "[a]\nx=2\n\n# n\n[n]\ny=1\nz=1\n", ""},
		{"a section of theirs and a setting above it of ours", "ini", "a=1\n", "a=1\no=1\n", "a=1\n\n[n]\ny=1\n", "a=1\no=1\n\n[n]\ny=1\n", ""},
		{"a section of ours and a setting above it of theirs", "ini", "a=1\n", "a=1\n\n[n]\ny=1\n", "a=1\nt=1\n", "a=1\nt=1\n\n[n]\ny=1\n", ""},
		{"a block of ours, a directive of theirs", "directive", "Port 22\nUseDNS no\n", "Port 2222\nUseDNS no\n\n# git\nMatch User git\n    Banner none\n", "Port 22\nUseDNS no\nAddressFamily any\n", "Port 2222\nUseDNS no\nAddressFamily any\n\n# git\nMatch User git\n    Banner none\n", ""},
		{"a directive of ours, a block of theirs", "directive", "Port 22\nUseDNS no\n", "Port 22\nUseDNS no\nAddressFamily any\n", "Port 22\nUseDNS no\n\nMatch User git\n\tBanner none\n", "Port 22\nUseDNS no\nAddressFamily any\n\nMatch User git\n\tBanner none\n", ""},
		{"repeatable directives", "directive", "save 1 1\nport 1\n", "save 1 1\nsave 2 2\nport 1\n", "save 1 1\nsave 3 3\nport 1\n", "save 1 1\nsave 3 3\nsave 2 2\nport 1\n", ""},
		{"removed by theirs, comment of ours stays", "properties", "a=1\nb=1\n", "# mine\na=1\nb=2\n", "b=1\n", "# mine\nb=2\n", ""},
		{"locations at two places", "nginx", "s {\n  location /b { x 1; }\n}\n", "s {\n  location /a { o 1; }\n  location /b { x 1; }\n}\n", "s {\n  location /b { x 1; }\n  location /c { t 1; }\n}\n",
			"s {\n  location /a { o 1; }\n  location /b { x 1; }\n  location /c { t 1; }\n}\n", ""},
		{"directives of one block", "nginx", "s {\n  a 1;\n  b 1;\n}\n", "s {\n  a 2;\n  b 1;\n  o 1;\n}\n", "s {\n  a 1;\n  b 2;\n  t 1;\n}\n", "s {\n  a 2;\n  b 2;\n  t 1;\n  o 1;\n}\n", ""},

		// What is always a conflict.
		{"one value, two ways", "properties", "a=1\nb=1\n", "a=2\nb=1\n", "a=3\nb=1\n", "", "a"},
		{"added with two values at two places", "properties", "a=1\nb=1\nc=1\n", "n=1\na=1\nb=1\nc=1\n", "a=1\nb=1\nc=1\nn=2\n", "", "n"},
		{"added with two values in a section", "ini", "[m]\na=1\nb=1\nc=1\n", "[m]\nx=24\na=1\nb=1\nc=1\n", "[m]\na=1\nb=1\nx=8\nc=1\n", "", "m/x"},
		{"removed and changed", "env", "A=1\nB=1\n", "B=1\n", "A=2\nB=1\n", "", "A"},
		{"changed and removed", "env", "A=1\nB=1\n", "A=2\nB=1\n", "B=1\n", "", "A"},
		{"section removed, changed in", "ini", "[m]\na=1\n[n]\nb=1\n", "[m]\na=2\n[n]\nb=1\n", "[n]\nb=1\n", "", "m"},
		{"uncommented by both", "properties", "#p=1\na=1\n", "p=2\na=1\n", "p=3\na=1\n", "", "p"},
		{"key that stands twice", "properties", "a=1\na=2\nb=1\n", "a=1\na=3\nb=1\n", "a=4\na=2\nb=1\n", "", "a"},
		{"locations at one place", "nginx", "s {\n  a 1;\n}\n", "s {\n  a 1;\n  location ~ o { x 1; }\n}\n", "s {\n  a 1;\n  location ~ t { x 1; }\n}\n", "", "s"},
		{"rules at one place", "nginx", "s {\n  deny all;\n}\n", "s {\n  allow 1;\n  deny all;\n}\n", "s {\n  allow 2;\n  deny all;\n}\n", "", "s/allow"},
		{"blocks at one place", "directive", "Port 22\n", "Port 22\nMatch User a\nBanner none\n", "Port 22\nMatch User b\nBanner none\n", "", ""},
		{"repeatable directive edited by both", "directive", "save 1 1\nsave 9 9\n", "save 1 2\nsave 9 9\n", "save 1 3\nsave 9 9\n", "", "save"},
	} {
		checkWindow(t, c.name, c.format, []byte(c.base), []byte(c.ours), []byte(c.theirs))
		r := formats.Merge(c.format, []byte(c.base), []byte(c.ours), []byte(c.theirs), merge.Options{})
		if c.want != "" {
			if !r.Clean() || string(r.Merged) != c.want {
				t.Errorf("%s:\nbase   %q\nours   %q\ntheirs %q\nwant   %q\ngot    %q, %+v", c.name, c.base, c.ours, c.theirs, c.want, r.Merged, r.Conflicts)
			}
			continue
		}
		if len(r.Conflicts) != 1 || r.Conflicts[0].Key != c.key || r.Conflicts[0].Reason == "" {
			t.Errorf("%s: want one conflict about %q, got %q, %+v", c.name, c.key, r.Merged, r.Conflicts)
		}
		if !bytes.Contains(r.Merged, []byte("<<<<<<< ours\n")) || !bytes.Contains(r.Merged, []byte(">>>>>>> theirs\n")) {
			t.Errorf("%s: want markers, got %q", c.name, r.Merged)
		}
	}
}

// The ranges of a conflict give its texts, in a file with more than the conflict.
func TestConflictRanges(t *testing.T) {
	base, ours, theirs := "# c\na=1\nb=1\n", "# c\nx=1\ny=1\na=2\nb=2\n", "b=3\na=1\n"
	r := formats.Merge("properties", []byte(base), []byte(ours), []byte(theirs), merge.Options{})
	if len(r.Conflicts) != 1 {
		t.Fatalf("want one conflict, got %+v", r.Conflicts)
	}
	c := r.Conflicts[0]
	if c.Key != "b" || string(c.Base) != "b=1\n" || string(c.Ours) != "b=2\n" || string(c.Theirs) != "b=3\n" ||
		c.BaseStart != 2 || c.BaseEnd != 3 || c.OursStart != 4 || c.OursEnd != 5 || c.TheirsStart != 0 || c.TheirsEnd != 1 {
		t.Errorf("got %+v", c)
	}
	want := "# c\nx=1\ny=1\na=2\n<<<<<<< ours\nb=2\n||||||| base\nb=1\n=======\nb=3\n>>>>>>> theirs\n"
	if string(r.Merged) != want {
		t.Errorf("want %q, got %q", want, r.Merged)
	}
}

// A merge by structure that the proof refuses is no result: here a format whose
// structure is not understood, and lines that double a key.
func TestUnprovenIsAConflict(t *testing.T) {
	base := "echo\nA=1\nB=1\nC=1\nexit\n"
	ours, theirs := strings.Replace(base, "A=1\n", "N=1\nA=1\n", 1), strings.Replace(base, "C=1\n", "C=1\nN=2\n", 1)
	if lines := merge.Merge([]byte(base), []byte(ours), []byte(theirs), merge.Options{}); !lines.Clean() {
		t.Fatal("want the line merge to be clean")
	}
	r := formats.Merge("sh", []byte(base), []byte(ours), []byte(theirs), merge.Options{})
	if len(r.Conflicts) != 1 || !strings.Contains(r.Conflicts[0].Reason, "N: stands 2 times") {
		t.Errorf("want a conflict about N, got %q, %+v", r.Merged, r.Conflicts)
	}
}
