package strictyaml

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

type inner struct {
	A string `yaml:"a" strict:"required"`
	B int    `yaml:"b,omitempty"`
}

type upper string

func (u *upper) UnmarshalText(text []byte) error {
	if strings.ToUpper(string(text)) != string(text) {
		return errors.New("want capitals")
	}
	*u = upper(text)
	return nil
}

type common struct {
	Schema string `yaml:"schema"`
}

type settings struct {
	common   `yaml:",inline"`
	Text     string            `yaml:"text,omitempty"`
	Flag     bool              `yaml:"flag,omitempty"`
	Number   int64             `yaml:"number,omitempty"`
	Small    int8              `yaml:"small,omitempty"`
	Count    uint16            `yaml:"count,omitempty"`
	When     time.Time         `yaml:"when,omitempty"`
	Span     time.Duration     `yaml:"span,omitempty"`
	List     []string          `yaml:"list,omitempty"`
	Argv     []string          `yaml:"argv,flow,omitempty"`
	Map      map[string]string `yaml:"map,omitempty"`
	Inner    inner             `yaml:"inner,omitempty"`
	Pointer  *inner            `yaml:"pointer,flow,omitempty"`
	Inners   []inner           `yaml:"inners,omitempty"`
	Nested   map[string]inner  `yaml:"nested,omitempty"`
	Upper    upper             `yaml:"upper-case,omitempty"`
	Internal string
}

const everything = `# a comment
schema: s/1
text: "1.10"   # another
flag: true
number: -9223372036854775808
small: 127
count: 65535
when: 2026-11-20T12:00:00+02:00
span: 1m30s
list: [plain, 'single', "double"]
argv:
- a
- |
  block
  text
map: {key: value, "odd key": x}
inner: {a: "yes"}
pointer: {a: p, b: 7}
inners: [{a: one}, {a: two, b: 2}]
nested: {one: {a: deep}}
upper-case: ABC
x: {anything: [1, null, 2.5, {a: b}]}
`

func everythingValue() settings {
	return settings{
		common: common{"s/1"}, Text: "1.10", Flag: true, Number: -1 << 63, Small: 127, Count: 65535,
		When: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Span: 90 * time.Second,
		List: []string{"plain", "single", "double"}, Argv: []string{"a", "block\ntext\n"},
		Map: map[string]string{"key": "value", "odd key": "x"}, Inner: inner{A: "yes"}, Pointer: &inner{"p", 7},
		Inners: []inner{{"one", 0}, {"two", 2}}, Nested: map[string]inner{"one": {A: "deep"}}, Upper: "ABC",
	}
}

func TestDecode(t *testing.T) {
	for name, text := range map[string]string{
		"LF": everything, "CR LF": strings.ReplaceAll(everything, "\n", "\r\n"), "marked": "---\n" + everything + "...\n",
	} {
		var got settings
		if err := Decode("s.yaml", []byte(text), 1<<16, &got); err != nil {
			t.Errorf("%s: got %v, want it taken", name, err)
			continue
		}
		if want := everythingValue(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestDecodeEmptyIsNil(t *testing.T) {
	got := settings{List: []string{"old"}}
	if err := Decode("s.yaml", []byte("list: []\nmap: {}\n"), 100, &got); err != nil {
		t.Fatal(err)
	}
	if got.List != nil || got.Map != nil {
		t.Errorf("got %+v, want nil for both", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"M1 BOM", "\xef\xbb\xbftext: a\n", "s:1:1: want UTF-8 without a byte order mark"},
		{"M1 UTF-16", "\xfe\xff\x00t", "s:1:1: want UTF-8, got UTF-16"},
		{"M1 NUL", "text: a\nlist: [a\x00]\n", "s:2:9: want text, got the control character U+0000"},
		{"M1 NUL escaped", `text: "a\0"` + "\n", "s:1:7: want text without NUL"},
		{"M1 control", "text: a\x1b\n", "U+001B"},
		{"M1 control of Latin-1", "text: a\u0085b\n", "U+0085"},
		{"M1 line separator", "text: a\u2028b\n", "U+2028"},
		{"M1 CR alone", "text: a\rflag: true\n", "s:1:8: want lines that end in LF or CR LF"},
		{"M1 invalid UTF-8", "text: \xff\n", "s:1:7: want UTF-8, got byte 0xff"},
		{"M1 tab as indentation", "inner:\n\ta: b\n", "s:2: not readable as YAML"},
		{"M1 too large", "text: " + strings.Repeat("a", 1<<16), "s: want at most 65536 bytes, got 65542"},
		{"M1 33 levels", "x: " + strings.Repeat("[", 32) + strings.Repeat("]", 32), "s:1:35: want at most 32 levels"},
		{"M1 20,000 levels", "x: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "s:"},
		{"M2 duplicate", "text: a\nflag: true\ntext: b\n", `s:3:1: want each key once, got "text" again, first in line 1`},
		{"M2 duplicate in quotes", "text: a\n\"text\": b\n", `got "text" again`},
		{"M2 duplicate below x", "x: {a: 1, a: 2}\n", `got "a" again`},
		{"M2 duplicate in a list", "inners: [{a: b, a: c}]\n", `s:1:17: want each key once`},
		{"M2 other letter case", "Text: a\n", `s:1:1: unknown key "Text", want "text": letter case counts`},
		{"M2 unknown", "tex: a\n", `s:1:1: unknown key "tex", want one of schema, text,`},
		{"M2 unknown inside", "inner: {a: b, c: d}\n", `s:1:15: inner: unknown key "c", want one of a, b`},
		{"M2 second document", "text: a\n---\ntext: b\n", "s:2:1: want one document, got a second"},
		{"M2 second document that is broken", "text: a\n---\n[\n", "s:"},
		{"M2 rest behind the end", "text: a\n...\nb\n", "s:2: not readable as YAML"},
		{"M2 merge key", "inner:\n  <<: {a: b}\n", "s:2:3: want no merge key <<"},
		{"M2 tag", "text: !!str 1\n", "s:1:7: want no tag"},
		{"M2 tag of its own", "text: !env HOME\n", "want no tag"},
		{"M2 empty tag", "text: ! 1\n", "s:1:7: want no tag"},
		{"M2 empty tag on a list", "list: ! [a]\n", "want no tag"},
		{"M2 empty tag on a quoted key", "! \"text\": a\n", "want no tag"},
		{"M2 directive", "%YAML 1.1\n---\ntext: a\n", "s:1:1: want no YAML directive"},
		{"M2 anchor", "text: &a b\n", "s:1:7: want no anchor, got &a"},
		{"M2 anchor on a map", "inner: &a {a: b}\n", "want no anchor"},
		{"M2 alias", "text: &a b\nlist: [*a]\n", "s:2:8: want no alias, got *a"},
		{"M2 alias as key", "text: &a flag\n*a : b\n", "want no alias"},
		{"M2 alias to nothing", "text: *a\n", "unknown anchor"},
		{"M3 float", "text: 1.10\n", "s:1:7: text: want a text, got 1.10, which"},
		{"M3 whole number", "text: 12\n", "got 12"},
		{"M3 octal", "text: 0755\n", "got 0755"},
		{"M3 octal of 1.2", "text: 0o755\n", "got 0o755"},
		{"M3 hexadecimal", "text: 0x1F\n", "got 0x1F"},
		{"M3 exponent", "text: 1e3\n", "got 1e3"},
		{"M3 yes", "text: yes\n", "got yes"},
		{"M3 No", "text: No\n", "got No"},
		{"M3 on", "text: on\n", "got on"},
		{"M3 y", "text: y\n", "got y"},
		{"M3 true", "text: true\n", "got true"},
		{"M3 base 60", "text: 12:30\n", "got 12:30"},
		{"M3 date", "text: 2026-01-01\n", "got 2026-01-01"},
		{"M3 not a number", "text: .nan\n", "got .nan"},
		{"M3 null", "text: null\n", "got null"},
		{"M3 tilde", "text: ~\n", "got ~"},
		{"M3 nothing", "text:\n", "want a text, got nothing"},
		{"M3 list for text", "text: [a]\n", "want a text, got a list"},
		{"M3 map for text", "text: {a: b}\n", "want a text, got a map"},
		{"M3 number in a list", "list: [a, 1]\n", "s:1:11: list[1]: want a text, got 1"},
		{"M3 null list", "list:\n", "list: want a list, got nothing"},
		{"M3 text for list", "list: a\n", "list: want a list, got a"},
		{"M3 text for number", `number: "1"` + "\n", `number: want a whole number, got the text "1"`},
		{"M3 octal number", "number: 010\n", "want a whole number, got 010"},
		{"M3 plus", "number: +1\n", "want a whole number, got +1"},
		{"M3 minus zero", "number: -0\n", "want a whole number, got -0"},
		{"M3 underscore", "number: 1_0\n", "want a whole number"},
		{"M3 2^63", "number: 9223372036854775808\n", "number: want a whole number of at most 64 bits"},
		{"M3 overflow of a small field", "small: 128\n", "at most 8 bits, got 128"},
		{"M3 overflow without sign", "count: 65536\n", "at most 16 bits, got 65536"},
		{"M3 negative without sign", "count: -1\n", "from 0 up"},
		{"M3 flag as yes", "flag: yes\n", "flag: want true or false, got yes"},
		{"M3 flag as True", "flag: True\n", "want true or false"},
		{"M3 flag as text", "flag: 'true'\n", "want true or false"},
		{"M3 number as key", "map: {1: a}\n", "s:1:7: as key want a text, got 1"},
		{"M3 list as key", "? [a]\n: b\n", "want a text as key, got a list"},
		{"M3 null as key", "? \n: b\n", "as key want a text, got nothing"},
		{"time without zone", "when: 2026-11-20T12:00:00\n", "want a time like"},
		{"span", "span: 5 days\n", "want a time span"},
		{"text of a type", "upper-case: abc\n", "s:1:13: upper-case: want capitals"},
		{"required", "inner: {b: 1}\n", `s:1:8: inner: want a key "a", got none`},
		{"required in a list", "inners: [{a: b}, {}]\n", `s:1:18: inners[1]: want a key "a"`},
		{"long key", "map: {? " + strings.Repeat("k", 501) + " : v}\n", "keys of at most 500 bytes, got 501"},
		{"control in a key", `map: {"a\e": b}` + "\n", "printable characters, got U+001B"},
		{"x as text", "x: a\n", "x: want a map, got a"},
		{"x inside", "inner: {a: b, x: {}}\n", `unknown key "x"`},
		{"empty", "", "empty text"},
		{"comment only", "# a\n", "s:1: want a map of keys, got an empty text"},
		{"text at the top", "a\n", "s:1:1: want a map of keys, got a"},
		{"broken", "a: [\n", "not readable as YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out settings
			err := Decode("s", []byte(c.text), 1<<16, &out)
			if err == nil {
				t.Fatalf("got %+v, want it refused", out)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "s:") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			var faults Errors
			if !errors.As(err, &faults) {
				t.Errorf("got %T, want Errors", err)
			}
		})
	}
}

// M1: the separators of a text bound what reading it costs.
func TestDecodeBoundsMarks(t *testing.T) {
	list := func(n int) []byte { return []byte("list: [" + strings.Repeat("a,", n) + "]\n") }
	var out settings
	if err := Decode("s", list(MaxMarks-3), 1<<20, &out); err != nil || len(out.List) != MaxMarks-3 {
		t.Errorf("at the limit: got %d items, %v", len(out.List), err)
	}
	if err := Decode("s", list(MaxMarks), 1<<20, &out); err == nil || !strings.Contains(err.Error(), "want at most 65536 commas") {
		t.Errorf("over the limit: got %v", err)
	}
}

func TestFault(t *testing.T) {
	d, err := Parse("s", []byte("list: [a, b]\nmap:\n  key: v\n  odd key: w\n"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"", "s:1:1: m 1"},
		{"list[1]", "s:1:11: list[1]: m 1"},
		{Index("list", 0), "s:1:8: list[0]: m 1"},
		{Key("map", "key"), "s:3:8: map.key: m 1"},
		{Key("map", "odd key"), `s:4:12: map["odd key"]: m 1`},
		{"map.none", "s:3:3: map.none: m 1"},
		{"list[2]", "s:1:7: list[2]: m 1"},
		{"none.at[3].all", "s:1:1: none.at[3].all: m 1"},
		{"not a place", "s:1:1: not a place: m 1"},
	} {
		if got := d.Fault(c.path, "m %d", 1).Error(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if !d.Has("list[1]") || d.Has("list[2]") || d.Has("map.none") {
		t.Error("Has does not tell what is there")
	}
	if text, ok := d.Text("map.key"); !ok || text != "v" {
		t.Errorf("got %q, %v, want v", text, ok)
	}
	if _, ok := d.Text("map"); ok {
		t.Error("got a text for a map, want none")
	}
}
