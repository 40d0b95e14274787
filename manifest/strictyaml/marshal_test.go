package strictyaml

import (
	"reflect"
	"strings"
	"testing"
)

const everythingWritten = `schema: s/1
text: "1.10"
flag: true
number: -9223372036854775808
small: 127
count: 65535
when: 2026-11-20T10:00:00Z
span: 1m30s
list:
  - plain
  - single
  - double
argv: [a, "block\ntext\n"]
map:
  key: value
  "odd key": x
inner:
  a: "yes"
pointer: {a: p, b: 7}
inners:
  - {a: one}
  - {a: two, b: 2}
nested:
  one:
    a: deep
upper-case: ABC
`

func TestMarshal(t *testing.T) {
	value := everythingValue()
	got := string(Marshal(&value))
	if got != everythingWritten {
		t.Errorf("got:\n%s\nwant:\n%s", got, everythingWritten)
	}
	var again settings
	if err := Decode("s", []byte(got), 1<<16, &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, value) {
		t.Errorf("got %+v, want %+v", again, value)
	}
}

func TestMarshalBlock(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"one\ntwo\n", "text: |\n  one\n  two\n"},
		{"one\n\n  two\n", "text: |\n  one\n\n    two\n"},
		{"no end", "text: \"no end\"\n"},
		{"one\ntwo", "text: \"one\\ntwo\"\n"},
		{"end twice\n\n", "text: \"end twice\\n\\n\"\n"},
		{" indented\n", "text: \" indented\\n\"\n"},
		{"tab\there\n", "text: \"tab\\there\\n\"\n"},
		{"\x1b[0m\n", "text: \"\\x1B[0m\\n\"\n"},
		{"---\n...\n# x\n", "text: |\n  ---\n  ...\n  # x\n"},
		{"\u202e\U000e0041\u00e9", "text: \"\\u202E\\U000E0041\u00e9\"\n"},
	} {
		got := string(Marshal(&settings{Text: c.text}))
		if got = strings.TrimPrefix(got, "schema: \"\"\n"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Whatever text goes in comes out again, as a value, in a list and as a key.
func FuzzMarshalText(f *testing.F) {
	for _, seed := range []string{"", "a", "yes", "1.10", "0755", "- a", "a: b", "#", "a #b", "'", `"\`, "a\nb\n", " \n", "a\n \n\n b\n", "~", "<<", "*a", "&a", "!a", "%", "@", "`", "\u0085", "\ufeff", "é", "a\r\nb\n", "=", "2026-01-01", "12:30", "..."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ToValidUTF8(text, "") != text || strings.ContainsRune(text, 0) {
			return
		}
		in := settings{Text: text, List: []string{text}, Argv: []string{text, text}, Inners: []inner{{A: text}}}
		if len(text) <= MaxKey && text == clean(text) {
			in.Map = map[string]string{text: text}
		}
		written := Marshal(&in)
		if e := checkText(written); e != nil && strings.Contains(e.Msg, "at most") {
			return
		}
		var out settings
		if err := Decode("s", written, 1<<24, &out); err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if !reflect.DeepEqual(in, out) {
			t.Fatalf("got %+v, want %+v from\n%s", out, in, written)
		}
	})
}

// No text makes the reader panic, and each fault has the name.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("? {a: b}\n: ! 'c'\n"))
	f.Add([]byte("text: >-\n  a\n\n  b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out settings
		if err := Decode("s", data, 1<<16, &out); err != nil && !strings.HasPrefix(err.Error(), "s:") {
			t.Fatalf("got %q, want the name first", err)
		}
	})
}
