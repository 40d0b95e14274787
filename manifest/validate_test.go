package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// minimal is a manifest with only what is needed; more may be appended.
const minimal = `schema: inplace/manifest/1
product: {name: acme, version: "1.0"}
level: 1
released: 2026-11-20T10:00:00Z
inventory: {digest: "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", size: 1, entries: 1}
`

// with replaces one line of minimal, found by its start.
func with(key, line string) string {
	lines := strings.SplitAfter(minimal, "\n")
	for i := range lines {
		if strings.HasPrefix(lines[i], key+":") {
			lines[i] = line + "\n"
			return strings.Join(lines, "")
		}
	}
	panic("no line " + key)
}

func TestParseMinimal(t *testing.T) {
	m, err := Parse("m.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse("m.yaml", m.Marshal()); err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("got %+v, %v, want %+v", again, err, m)
	}
}

func TestParseRefuses(t *testing.T) {
	const hex = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
	inventory := func(digest string) string {
		return with("inventory", `inventory: {digest: `+digest+`, size: 1, entries: 1}`)
	}
	for _, c := range []struct{ name, text, want string }{
		{"M1 CRLF", strings.ReplaceAll(minimal, "\n", "\r\n"), "m.yaml:1: want lines that end in LF"},
		{"M1 BOM", "\xef\xbb\xbf" + minimal, "byte order mark"},
		{"M1 UTF-16", "\xff\xfes\x00", "UTF-16"},
		{"M1 NUL", minimal + "\x00", "control character"},
		{"M1 tabs", minimal + "from:\n\tmin: 0\n", "m.yaml:7"},
		{"M1 too large", minimal + strings.Repeat("#", MaxManifestBytes), "want at most 1048576 bytes"},
		{"M2 duplicate key", minimal + "level: 2\n", `m.yaml:6:1: want each key once, got "level" again, first in line 3`},
		{"M2 duplicate key inside", with("product", "product: {name: a, version: b, name: c}"), `got "name" again`},
		{"M2 other letter case", minimal + "Level: 2\n", `m.yaml:6:1: unknown key "Level", want "level": letter case counts`},
		{"M2 unknown key", minimal + "scripts: [x]\n", `unknown key "scripts"`},
		{"M2 unknown key inside", with("product", "product: {name: a, version: b, vendor: c}"), `product: unknown key "vendor", want one of name, version`},
		{"M2 second document", minimal + "---\nschema: x\n", "want one document, got a second"},
		{"M2 merge key", minimal + "<<: {level: 2}\n", "want no merge key <<"},
		{"M2 tag", with("level", "level: !!int 1"), "want no tag"},
		{"M2 binary", with("product", `product: {name: !!binary YQ==, version: "1"}`), "want no tag"},
		{"M2 anchor", with("level", "level: &a 1"), "want no anchor, got &a"},
		{"M2 alias", with("level", "level: &a 1") + "from: {min: *a}\n", "want no alias"},
		{"M3 version 1.10", with("product", "product: {name: acme, version: 1.10}"), "m.yaml:2:32: product.version: want a text, got 1.10"},
		{"M3 version yes", with("product", "product: {name: acme, version: yes}"), "want a text, got yes"},
		{"M3 version null", with("product", "product: {name: acme, version: null}"), "want a text, got null"},
		{"M3 octal level", with("level", "level: 0755"), "want a whole number, got 0755"},
		{"M3 level as text", with("level", `level: "1"`), `want a whole number, got the text "1"`},
		{"M3 negative level", with("level", "level: -1"), "level: want a number from 0 to 9007199254740992, got -1"},
		{"M3 level over 2^53", with("level", "level: 9007199254740993"), "want a number from 0"},
		{"M3 level 2^63", with("level", "level: 9223372036854775808"), "level: want a whole number of at most 64 bits"},
		{"M3 level as float", with("level", "level: 1.0"), "want a whole number, got 1.0"},
		{"M3 level with underscore", with("level", "level: 1_000"), "want a whole number"},
		{"M3 null list", minimal + "platforms:\n", "platforms: want a list, got nothing"},
		{"M3 null list spelled out", minimal + "fixes: null\n", "fixes: want a list, got null"},
		{"M3 number as path", minimal + "renames: [{from: 12, to: a}]\n", "renames[0].from: want a text, got 12"},
		{"M3 negative size", with("inventory", `inventory: {digest: "sha256:`+hex+`", size: -1, entries: 1}`), "inventory.size: want a number from 0"},
		{"M3 map for a list", minimal + "platforms: {a: b}\n", "platforms: want a list, got a map"},
		{"M3 list for a map", minimal + "from: [1]\n", "from: want a map, got a list"},
		{"M3 date for a time", with("released", "released: 2026-11-20"), "want a time like"},
		{"M3 year 1", with("released", "released: 0001-01-01T00:00:00Z"), "want a year from 1970"},
		{"M3 fraction of a second", with("released", "released: 2026-11-20T10:00:00.5Z"), "want whole seconds"},
		{"M8 no digest", inventory(`""`), "want a digest sha256:"},
		{"M8 short", inventory("sha256:abcd"), "inventory.digest: want a digest of 64 hexadecimal digits"},
		{"M8 upper case", inventory("sha256:" + strings.ToUpper(hex)), "lower-case"},
		{"M8 MD5", inventory("md5:d41d8cd98f00b204e9800998ecf8427e"), "want a digest sha256:"},
		{"M8 another algorithm", inventory("sha512:" + hex), "want a digest sha256:"},
		{"M8 zero", inventory("sha256:" + strings.Repeat("0", 64)), "want a digest, got none"},
		{"M10 renamed twice", minimal + "renames: [{from: a, to: b}, {from: a, to: c}]\n", "m.yaml:6:36: renames[1].from: a: want each path once"},
		{"M10 two to one", minimal + "renames: [{from: a, to: c}, {from: b, to: C}]\n", "renames[1].to: C: want each path once"},
		{"M10 to itself", minimal + "renames: [{from: a, to: a}]\n", "want a path that is not renamed itself"},
		{"M10 in a chain", minimal + "renames: [{from: a, to: b}, {from: b, to: c}]\n", "renames[0].to: b: want a path that is not renamed itself"},
		{"M10 rename of the updater's", minimal + "renames: [{from: updates/journal, to: b}]\n", "want a path of the product"},
		{"M10 rename to outside", minimal + "renames: [{from: a, to: ../b}]\n", "renames[0].to: ../b: want a clean path"},
		{"M10 rename of the top", minimal + "renames: [{from: ., to: b}]\n", "renames[0].from: .: want a clean path"},
		{"M10 clears bin", minimal + `derived: [{when: a, clear: "bin/**"}]` + "\n", "derived[0].clear: bin/**: want a pattern that never matches bin"},
		{"M10 clears everything", minimal + `derived: [{when: a, clear: "**"}]` + "\n", "derived[0].clear"},
		{"A9 reserved name", minimal + "rules: {links: [NUL]}\n", "rules.links[0]: NUL"},
		{"A10 escape in a text", minimal + `fixes: [{id: A, kind: bug, summary: "\e[31m"}]` + "\n", "fixes[0].summary: want visible characters, got U+001B"},
		{"A10 bidi in a text", minimal + `instructions: "a\u202eb"` + "\n", "instructions: want visible characters, got U+202E"},
		{"schema of the future", "schema: inplace/manifest/2\nnew: 1\n", `m.yaml:1:9: schema: want inplace/manifest/1, got "inplace/manifest/2"`},
		{"no schema", strings.TrimPrefix(minimal, "schema: inplace/manifest/1\n"), `want a key "schema"`},
		{"no level", with("level", ""), `want a key "level", got none`},
		{"no digest in the inventory", with("inventory", "inventory: {size: 1, entries: 1}"), `inventory: want a key "digest"`},
		{"empty", "", "empty text"},
		{"a list", "- a\n", "want a map of keys, got a list"},
		{"product name", with("product", `product: {name: "A b", version: "1"}`), "product.name: want [a-z0-9]"},
		{"platform", minimal + "platforms: [Linux]\n", "m.yaml:6:13: platforms[0]: want os/arch"},
		{"platform twice", minimal + "platforms: [a/b, a/b]\n", "want each item once"},
		{"unknown feature", minimal + "requires: [deltas]\n", `requires[0]: want features this updater knows (none), got "deltas"`},
		{"min above level", minimal + "from: {min: 2}\n", "from.min: want at most the level 1, got 2"},
		{"bad glob", minimal + "rules: {config: [conf/]}\n", `m.yaml:6:18: rules.config[0]: "conf/": want a pattern without a slash`},
		{"bad glob of a format", minimal + "rules: {formats: {a**: ini}}\n", `rules.formats["a**"]: "a**": want ** alone`},
		{"unknown format", minimal + "rules: {formats: {a: word}}\n", `rules.formats.a: want a format`},
		{"fix kind", minimal + "fixes: [{id: A, kind: feature, summary: S}]\n", `fixes[0].kind: want bug, security or improvement, got "feature"`},
		{"fix severity", minimal + "fixes: [{id: A, kind: bug, severity: huge, summary: S}]\n", "fixes[0].severity"},
		{"fix twice", minimal + "fixes: [{id: A, kind: bug, summary: S}, {id: A, kind: bug, summary: S}]\n", "fixes[1].id: want each fix once"},
		{"irreversible after what", minimal + "irreversible: {after: lunch, reason: R}\n", "irreversible.after: want start"},
		{"migration to the same", minimal + "migrations: [{from: {path: a, key: k}, to: {path: a, key: k}}]\n", "want another key than from"},
		{"migration of values to nowhere", minimal + "migrations: [{from: {path: a, key: k}, map: {a: b}}]\n", "migrations[0].map: want a key it goes to"},
		{"x as a list", minimal + "x: [1]\n", "x: want a map, got a list"},
		{"x inside", with("product", `product: {name: a, version: b, x: {}}`), `unknown key "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse("m.yaml", []byte(c.text))
			if err == nil {
				t.Fatalf("got %+v, want it refused", m)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "m.yaml:") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestParseCutsTheList(t *testing.T) {
	_, err := Parse("m.yaml", []byte(minimal+"fixes:\n"+strings.Repeat("  - 1\n", 1000)))
	var faults Errors
	if !errors.As(err, &faults) || len(faults) != 51 {
		t.Fatalf("got %v, want fifty faults and one that counts", err)
	}
	if got := faults[50].Error(); got != "m.yaml: and at least 450 more faults" {
		t.Errorf("got %q last", got)
	}
}

func TestParseListsEveryFault(t *testing.T) {
	_, err := Parse("m.yaml", []byte(with("level", "level: -1")+"from: {min: x}\nrenames: [{from: ../a, to: b}]\nfixes: [{id: A, kind: x, severity: z, summary: S}]\n"))
	var faults Errors
	if !errors.As(err, &faults) || len(faults) != 5 {
		t.Fatalf("got %v, want five faults", err)
	}
	for i, want := range []string{"m.yaml:3:8: level: ", "m.yaml:6:13: from.min: ", "m.yaml:7:18: renames[0].from: ", "m.yaml:8:23: fixes[0].kind: ", "m.yaml:8:36: fixes[0].severity: "} {
		if !strings.HasPrefix(faults[i].Error(), want) {
			t.Errorf("got %v, want it to start with %q", faults[i], want)
		}
	}
}

// M1: texts made to cost time or memory are refused at once.
func TestParseHostile(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x]\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1)
	}
	fill := func(s string) string { return strings.Repeat(s, MaxManifestBytes/len(s)) }
	for name, text := range map[string]string{
		"M1 alias bomb":          bomb.String(),
		"M1 20,000 levels":       strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"M1 20,000 levels, maps": strings.Repeat("{a: ", 20_000),
		"M1 500,000 levels":      fill("[{"),
		"M1 levels by dashes":    fill("- "),
		"M1 levels by marks":     fill("? "),
		"M1 a long flat list":    "a: [" + fill("a,")[:MaxManifestBytes-8] + "]",
		"M1 a million lines":     fill("\n"),
		"M1 comments":            fill("#\n"),
		"M1 faults everywhere":   fill("? {}\n"),
		"M1 keys":                fill("a: b\n"),
		"M1 bad globs":           strings.Replace(minimal, "level: 1\n", "level: 1\nrules: {formats: {"+manyKeys(30_000)+"}}\n", 1),
		"M1 one quoted text":     `a: "` + fill(`\n`)[:MaxManifestBytes-8] + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if m, err := Parse("m.yaml", []byte(text)); err == nil {
				t.Fatalf("got %+v, want it refused", m)
			} else if len(err.Error()) > 1<<14 {
				t.Errorf("got a message of %d bytes, want a short one", len(err.Error()))
			}
			if took := time.Since(start); took > time.Minute { // what grows faster than the text takes far longer, on any machine
				t.Errorf("took %v", took)
			}
		})
	}
}

// manyKeys returns the inside of a map of n bad globs.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%x/: x,", i)
	}
	return b.String()
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(exampleManifest))
	f.Add([]byte(canonicalManifest))
	f.Add([]byte(minimal))
	f.Add([]byte(minimal + "fixes: [{id: A, kind: bug, summary: \"\\u00a0 #'\"}]\ninstructions: |+\n  a\n\n  b\n\n"))
	f.Add([]byte(minimal + "rules: {formats: {\"a: b\": env}}\nx: {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse("m.yaml", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "m.yaml:") {
				t.Fatalf("got %q, want the name first", err)
			}
			return
		}
		text := m.Marshal()
		again, err := Parse("m.yaml", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if !reflect.DeepEqual(again, m) {
			t.Fatalf("got %+v, want %+v from\n%s", again, m, text)
		}
		if !bytes.Equal(again.Marshal(), text) {
			t.Fatalf("got\n%s\nwant\n%s", again.Marshal(), text)
		}
	})
}
