package yaml_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	yaml3 "gopkg.in/yaml.v3"

	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/tree"
	"inplace/merge/yaml"
)

// setting is a key with a text, or with settings below it: entries, or items by name.
type setting struct {
	key   string
	text  string
	below []*setting
	list  bool
}

func randomSettings(r *rand.Rand, depth int, prefix string) []*setting {
	var out []*setting
	for i := range 2 + r.IntN(4) {
		s := &setting{key: fmt.Sprintf("%s%c", prefix, 'a'+i), text: fmt.Sprint("v", r.IntN(1000))}
		if depth > 0 && r.IntN(2) == 0 {
			s.below, s.list = randomSettings(r, depth-1, s.key), r.IntN(3) == 0
		}
		out = append(out, s)
	}
	return out
}

func copySettings(all []*setting) []*setting {
	var out []*setting
	for _, s := range all {
		c := *s
		c.below = copySettings(s.below)
		out = append(out, &c)
	}
	return out
}

// style is how a side writes its text; which of the forms is random.
type style struct {
	r      *rand.Rand
	indent int
	eol    string
	quotes bool // some values are quoted
	rich   bool // some have comments, or are block scalars
}

func (y style) write(all []*setting, indent string) string {
	var s strings.Builder
	for _, e := range all {
		if y.rich && y.r.IntN(4) == 0 {
			s.WriteString(indent + "# about " + e.key + y.eol)
		}
		in := indent + strings.Repeat(" ", y.indent)
		switch {
		case e.list:
			s.WriteString(indent + e.key + ":" + y.eol)
			for _, item := range e.below {
				s.WriteString(indent + "- name: " + item.key + y.eol)
				if item.below == nil {
					s.WriteString(indent + "  v: " + y.scalar(item.text) + y.eol)
				} else {
					s.WriteString(y.write(item.below, indent+"  "))
				}
			}
		case e.below != nil:
			s.WriteString(indent + e.key + ":" + y.eol + y.write(e.below, in))
		case y.rich && y.r.IntN(8) == 0:
			s.WriteString(indent + e.key + ": |-" + y.eol + in + e.text + y.eol)
		default:
			s.WriteString(indent + e.key + ": " + y.scalar(e.text) + y.eol)
		}
	}
	return s.String()
}

func (y style) scalar(text string) string {
	if y.quotes {
		text = [...]string{text, `"` + text + `"`, "'" + text + "'"}[y.r.IntN(3)]
	}
	if y.rich && y.r.IntN(4) == 0 {
		text += " # c"
	}
	return text
}

// change edits the settings at random and does the same to both; which edits is told by
// turn, so that two sides with different turns never touch one key.
func change(r *rand.Rand, side, both []*setting, turn int) {
	for i := range side {
		if s := side[i]; s.below != nil {
			n := len(both[i].below)
			change(r, s.below, both[i].below[:n:n], turn)
			if r.IntN(3) == 0 {
				added := &setting{key: fmt.Sprint(s.key, "new", turn), text: "new"}
				at := r.IntN(len(s.below) + 1)
				s.below = append(s.below[:at:at], append([]*setting{added}, s.below[at:]...)...)
				both[i].below = append(both[i].below, added)
			}
		} else if i%2 == turn && r.IntN(2) == 0 {
			s.text = fmt.Sprint("w", r.IntN(1000))
			both[i].text = s.text
		}
	}
}

// Changes of different keys are merged, whatever form either side has.
func TestRandomChangesMerge(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		base := randomSettings(r, 3, "k")
		ours, theirs, both := copySettings(base), copySettings(base), copySettings(base)
		change(r, theirs, both, 1)
		// Only what base has is changed by ours: settings that theirs added are at the end of both.
		change(r, ours, both, 0)
		plain := style{r: r, indent: 2, eol: "\n"}
		b, th := plain.write(base, ""), plain.write(theirs, "")
		o := style{r: r, indent: 1 + r.IntN(6), eol: [...]string{"\n", "\r\n"}[r.IntN(2)], quotes: true, rich: true}.write(ours, "")
		want := plain.write(both, "")

		res := formats.Merge("yaml", []byte(b), []byte(o), []byte(th), merge.Options{})
		if !res.Clean() {
			t.Fatalf("seed %d: want no conflict, got %+v\nbase\n%s\nours\n%s\ntheirs\n%s", seed, res.Conflicts[0], b, o, th)
		}
		if got, want := meaningOf(t, string(res.Merged)), meaningOf(t, want); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: want\n%v\ngot\n%v\nbase\n%s\nours\n%s\ntheirs\n%s\nmerged\n%s", seed, want, got, b, o, th, res.Merged)
		}
		if got, want := strings.Count(string(res.Merged), "#"), strings.Count(o, "#"); got != want {
			t.Fatalf("seed %d: want the %d comments of ours, got %d\n%s", seed, want, got, res.Merged)
		}
	}
}

// meaningOf reads a text into maps; lists of named items become maps too.
func meaningOf(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml3.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var named func(v any) any
	named = func(v any) any {
		switch x := v.(type) {
		case map[string]any:
			for k := range x {
				x[k] = named(x[k])
			}
		case []any:
			m := map[string]any{}
			for _, item := range x {
				m[item.(map[string]any)["name"].(string)] = named(item)
			}
			return m
		}
		return v
	}
	return named(v)
}

// The laws of merging hold for the merger by structure itself, which is asked here
// without the short cuts for equal sides. Swapping the sides changes nothing where there
// are no comments, of which those of ours weigh more.
func TestLaws(t *testing.T) {
	structure := tree.Structure(yaml.Format())
	dirty := merge.Result{Conflicts: []merge.Conflict{{}}} // no line merge to take
	run := func(b, o, th []byte) merge.Result {
		r, ok := structure(b, o, th, dirty, merge.Options{})
		if !ok {
			t.Fatalf("not understood:\n%s\n%s\n%s", b, o, th)
		}
		return r
	}
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 2))
		base := randomSettings(r, 3, "k")
		var texts [3][]byte
		for i := range texts {
			side := copySettings(base)
			change(r, side, copySettings(base), i%2)
			texts[i] = []byte(style{r: r, indent: 2 + 2*r.IntN(2), eol: "\n", quotes: true}.write(side, ""))
		}
		b, x, y := texts[0], texts[1], texts[2]
		for _, c := range []struct {
			law           string
			b, o, t, want []byte
		}{{"base, base, theirs", b, b, x, x}, {"base, ours, base", b, x, b, x}, {"both sides alike", b, x, x, x}} {
			if got := run(c.b, c.o, c.t); !got.Clean() || !bytes.Equal(got.Merged, c.want) {
				t.Fatalf("seed %d: %s: want\n%s\ngot\n%s", seed, c.law, c.want, got.Merged)
			}
		}
		one, other := run(b, x, y), run(b, y, x)
		if one.Clean() != other.Clean() || len(one.Conflicts) != len(other.Conflicts) {
			t.Fatalf("seed %d: %d conflicts, with the sides swapped %d:\n%s\n%s\n%s", seed, len(one.Conflicts), len(other.Conflicts), b, x, y)
		}
		if one.Clean() && !reflect.DeepEqual(meaningOf(t, string(one.Merged)), meaningOf(t, string(other.Merged))) {
			t.Fatalf("seed %d: want the same meaning with the sides swapped, got\n%s\n%s", seed, one.Merged, other.Merged)
		}
	}
}
