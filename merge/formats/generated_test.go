package formats_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"inplace/merge"
	"inplace/merge/formats"
)

// A config is what a generated file says: values by section and key. A section "" holds
// the keys that stand above all others.
type config map[string]map[string]string

// dialect spells a config in a format.
type dialect struct {
	path  string // its name tells the format
	flat  bool   // it has no sections
	spell func(sections []string, keys map[string][]string, c config, comments map[string]string) string
	key   func(section, key string) string // as formats.Get takes it
}

// commentLine is the comment above a key, if it has one, indented.
func commentLine(comments map[string]string, id, indent, mark string) string {
	if comments[id] == "" {
		return ""
	}
	return indent + mark + " " + comments[id] + "\n"
}

func dialects() []dialect {
	lines := func(join, mark string) func([]string, map[string][]string, config, map[string]string) string {
		return func(sections []string, keys map[string][]string, c config, comments map[string]string) string {
			var b strings.Builder
			for _, s := range sections {
				if s != "" {
					fmt.Fprintf(&b, "[%s]\n", s)
				}
				for _, k := range keys[s] {
					b.WriteString(commentLine(comments, s+"/"+k, "", mark) + k + join + c[s][k] + "\n")
				}
			}
			return b.String()
		}
	}
	slash := func(section, key string) string {
		if section == "" {
			return key
		}
		return section + "/" + key
	}
	brackets := func(mark string, comma bool) func([]string, map[string][]string, config, map[string]string) string {
		return func(sections []string, keys map[string][]string, c config, comments map[string]string) string {
			var parts []string
			for _, s := range sections {
				var inner []string
				for _, k := range keys[s] {
					comment := ""
					if mark != "" {
						comment = commentLine(comments, s+"/"+k, "    ", mark)
					}
					inner = append(inner, comment+fmt.Sprintf("    %q: %s", k, c[s][k]))
				}
				end := "\n  }"
				if comma && len(inner) > 0 {
					end = ",\n  }"
				}
				if len(inner) == 0 {
					parts = append(parts, fmt.Sprintf("  %q: {}", s))
				} else {
					parts = append(parts, fmt.Sprintf("  %q: {\n%s%s", s, strings.Join(inner, ",\n"), end))
				}
			}
			return "{\n" + strings.Join(parts, ",\n") + "\n}\n"
		}
	}
	return []dialect{
		{"a.properties", true, lines("=", "#"), slash},
		{"a.env", true, lines("=", "#"), slash},
		{"redis.conf", true, lines(" ", "#"), slash},
		{"a.ini", false, lines(" = ", ";"), slash},
		{"a.toml", false, lines(" = ", "#"), slash},
		{"a.json", false, brackets("", false), slash},
		{"a.jsonc", false, brackets("//", true), slash},
		{"a.yaml", false, func(sections []string, keys map[string][]string, c config, comments map[string]string) string {
			var b strings.Builder
			for _, s := range sections {
				if len(keys[s]) == 0 {
					b.WriteString(s + ": {}\n")
					continue
				}
				b.WriteString(s + ":\n")
				for _, k := range keys[s] {
					b.WriteString(commentLine(comments, s+"/"+k, "  ", "#") + "  " + k + ": " + c[s][k] + "\n")
				}
			}
			return b.String()
		}, slash},
		{"a.xml", false, func(sections []string, keys map[string][]string, c config, comments map[string]string) string {
			var b strings.Builder
			b.WriteString("<root>\n")
			for _, s := range sections {
				fmt.Fprintf(&b, "  <part name=%q>\n", s)
				for _, k := range keys[s] {
					if text := comments[s+"/"+k]; text != "" {
						b.WriteString("    <!-- " + text + " -->\n")
					}
					fmt.Fprintf(&b, "    <%s>%s</%s>\n", k, c[s][k], k)
				}
				b.WriteString("  </part>\n")
			}
			b.WriteString("</root>\n")
			return b.String()
		}, func(section, key string) string { return "root/part[name=" + section + "]/" + key }},
		{"a.nginx", false, func(sections []string, keys map[string][]string, c config, comments map[string]string) string {
			var b strings.Builder
			for _, s := range sections {
				b.WriteString(s + " {\n")
				for _, k := range keys[s] {
					b.WriteString(commentLine(comments, s+"/"+k, "    ", "#") + "    " + k + " " + c[s][k] + ";\n")
				}
				b.WriteString("}\n")
			}
			return b.String()
		}, slash},
	}
}

// side is a config in an order of its own, with comments.
type side struct {
	sections []string
	keys     map[string][]string
	values   config
	comments map[string]string // by section/key
}

func (s side) clone() side {
	c := side{slices.Clone(s.sections), map[string][]string{}, config{}, maps.Clone(s.comments)}
	for name, keys := range s.keys {
		c.keys[name], c.values[name] = slices.Clone(keys), maps.Clone(s.values[name])
	}
	return c
}

// add puts a key at a place among those of its section.
func (s side) add(section, key, value string, at int) {
	s.keys[section] = slices.Insert(s.keys[section], at, key)
	s.values[section][key] = value
}

func (s side) remove(section, key string) {
	s.keys[section] = slices.DeleteFunc(s.keys[section], func(k string) bool { return k == key })
	delete(s.values[section], key)
	delete(s.comments, section+"/"+key)
}

func newSide(sections ...string) side {
	s := side{sections, map[string][]string{}, config{}, map[string]string{}}
	for _, name := range sections {
		s.keys[name], s.values[name] = nil, map[string]string{}
	}
	return s
}

// drawEdits changes some keys of a side: values, new keys, removed ones, another order,
// comments of its own. Sections stay.
func drawEdits(t *rapid.T, s side, who string) side {
	s = s.clone()
	section := rapid.SampledFrom(s.sections)
	for i := range rapid.IntRange(0, 4).Draw(t, who+" edits") {
		in := section.Draw(t, "section")
		keys := s.keys[in]
		switch action := rapid.SampledFrom([]string{"change", "change", "add", "add", "remove", "move", "comment"}).Draw(t, "action"); {
		case action == "add":
			key := rapid.SampledFrom([]string{"new_a", "new_b", "new_c"}).Draw(t, "new key")
			if !slices.Contains(keys, key) {
				s.add(in, key, fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "value")), rapid.IntRange(0, len(keys)).Draw(t, "at"))
			}
		case len(keys) == 0:
		default:
			key := rapid.SampledFrom(keys).Draw(t, "key")
			switch action {
			case "change":
				s.values[in][key] = fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "value"))
			case "remove":
				if key != "key_a" { // a block that both sides emptied in part stays one
					s.remove(in, key)
				}
			case "move":
				value, comment := s.values[in][key], s.comments[in+"/"+key]
				s.remove(in, key)
				s.add(in, key, value, rapid.IntRange(0, len(s.keys[in])).Draw(t, "to"))
				s.comments[in+"/"+key] = comment
			case "comment":
				s.comments[in+"/"+key] = fmt.Sprintf("%s %d", who, i)
			}
		}
	}
	return s
}

// expected applies the three-way rule; the second value names the keys that contradict.
func expected(b, o, t side) (want config, contradictions []string) {
	want = config{}
	for _, s := range b.sections {
		want[s] = map[string]string{}
		keys := map[string]bool{}
		for _, side := range []side{b, o, t} {
			for k := range side.values[s] {
				keys[k] = true
			}
		}
		for k := range keys {
			base, inBase := b.values[s][k]
			ours, inOurs := o.values[s][k]
			theirs, inTheirs := t.values[s][k]
			switch value, in := ours, inOurs; {
			case inOurs == inTheirs && ours == theirs, inBase == inTheirs && base == theirs:
				if in {
					want[s][k] = value
				}
			case inBase == inOurs && base == ours:
				if inTheirs {
					want[s][k] = theirs
				}
			default:
				contradictions = append(contradictions, s+"/"+k)
			}
		}
	}
	return want, contradictions
}

// Files whose right merge is known because they were made from it: a conflict exactly where
// a key contradicts; else every key has its value, none stands twice, no comment of the
// operator's is gone, and the order of the operator's keys stays.
func TestGenerated(t *testing.T) {
	for _, d := range dialects() {
		t.Run(d.path, rapid.MakeCheck(func(t *rapid.T) {
			base := newSide("alpha", "beta")
			if d.flat {
				base = newSide("")
			}
			for _, s := range base.sections {
				for i := range rapid.IntRange(1, 5).Draw(t, "keys") {
					key := fmt.Sprintf("key_%c", 'a'+i)
					base.add(s, key, "1", i)
					if rapid.Bool().Draw(t, "commented") {
						base.comments[s+"/"+key] = fmt.Sprintf("about %s %c", s, 'a'+i)
					}
				}
			}
			ours, theirs := drawEdits(t, base, "ours"), drawEdits(t, base, "theirs")
			spell := func(s side) []byte { return []byte(d.spell(s.sections, s.keys, s.values, s.comments)) }
			b, o, th := spell(base), spell(ours), spell(theirs)
			crlf := rapid.Bool().Draw(t, "CRLF")
			if crlf {
				o = []byte(strings.ReplaceAll(string(o), "\n", "\r\n"))
			}
			if rapid.Bool().Draw(t, "no newline at the end") {
				o = []byte(strings.TrimRight(string(o), "\r\n"))
			}
			checkGenerated(t, d, base, ours, theirs, b, o, th)
		}))
	}
}

func checkGenerated(t *rapid.T, d dialect, base, ours, theirs side, b, o, th []byte) {
	format := formats.Detect(d.path, th)
	checkWindow(t, d.path, format, b, o, th)
	r := formats.Merge(format, b, o, th, merge.Options{Path: d.path})
	show := func() string {
		return fmt.Sprintf("\nbase\n%s\nours\n%s\ntheirs\n%s\ngot\n%s\n%+v", b, o, th, r.Merged, r.Notes)
	}
	want, contradictions := expected(base, ours, theirs)
	if swapped := formats.Merge(format, b, th, o, merge.Options{}); swapped.Clean() != r.Clean() {
		t.Fatalf("clean: got %v, with the sides swapped %v%s", r.Clean(), swapped.Clean(), show())
	}
	if (len(contradictions) > 0) == r.Clean() {
		t.Fatalf("want conflicts about %v, got %d: %v%s", contradictions, len(r.Conflicts), r.Conflicts, show())
	}
	if !r.Clean() {
		return
	}
	all := 0
	for s, keys := range want {
		all += len(keys)
		for k, v := range keys {
			if _, got, err := formats.Get(format, r.Merged, d.key(s, k)); err != nil || !strings.HasSuffix(got, v) {
				t.Fatalf("%s/%s: want %s, got %q, %v%s", s, k, v, got, err, show())
			}
		}
	}
	got := 0
	for _, k := range []string{"key_a", "key_b", "key_c", "key_d", "key_e", "new_a", "new_b", "new_c"} {
		got += strings.Count(string(r.Merged), k) / strings.Count(d.spell([]string{""}, map[string][]string{"": {k}}, config{"": {k: "1"}}, nil), k)
	}
	if got != all {
		t.Fatalf("want %d keys, got %d%s", all, got, show())
	}
	merged := string(r.Merged)
	for id, text := range ours.comments {
		if d.path != "a.json" && strings.HasPrefix(text, "ours") && !strings.Contains(merged, text) {
			t.Fatalf("the comment %q on %s is gone%s", text, id, show())
		}
	}
	if strings.Contains(merged, "\n") && strings.Contains(string(o), "\r\n") && strings.Count(merged, "\n") != strings.Count(merged, "\r\n") {
		t.Fatalf("mixed line ends%s", show())
	}
}
