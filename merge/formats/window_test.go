package formats_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/proof"
	"inplace/merge/window"
)

// checkWindow holds a merge window by window, where there is one, against the mergers
// that understand the format, and against the proof. The two may differ in the comments and
// blank lines that they take over.
func checkWindow(t interface {
	Helper()
	Errorf(string, ...any)
}, name, format string, base, ours, theirs []byte) (done bool) {
	t.Helper()
	got, ok := window.Merge(format, base, ours, theirs)
	if !ok {
		return false
	}
	if err := proof.Check(format, base, ours, theirs, got); err != nil {
		t.Errorf("%s (%s): not proven: %v\nbase\n%s\nours\n%s\ntheirs\n%s\ngot\n%s", name, format, err, base, ours, theirs, got)
		return true
	}
	want := formats.Merge(format, base, ours, theirs, merge.Options{})
	if !want.Clean() {
		if want.Format == formats.Lines && format != formats.Lines { // not understood: adjacent lines conflict there
			return true
		}
		t.Errorf("%s (%s): clean, want the conflict %+v\nbase\n%s\nours\n%s\ntheirs\n%s", name, format, want.Conflicts[0].Reason, base, ours, theirs)
	} else if plain(format, got) != plain(format, want.Merged) {
		t.Errorf("%s (%s):\nbase\n%s\nours\n%s\ntheirs\n%s\nwant\n%s\ngot\n%s", name, format, base, ours, theirs, want.Merged, got)
	}
	return true
}

// plain is a text without comments and blank lines.
func plain(format string, text []byte) string {
	var kept []string
	for _, l := range strings.Split(string(text), "\n") {
		l = strings.TrimSpace(l)
		comment := format != "lines" && strings.HasPrefix(l, "#") || format == "ini" && strings.HasPrefix(l, ";") || format == "properties" && strings.HasPrefix(l, "!")
		if l != "" && !comment {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

// edit changes some lines of a text at random: values, whole lines, comments, places.
func edit(r *rand.Rand, text []byte, who string) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for range 1 + r.IntN(3) {
		i := r.IntN(len(lines))
		switch r.IntN(8) {
		case 0, 1, 2: // a value
			if n := bytes.IndexAny(lines[i], "0123456789"); n >= 0 {
				lines[i] = append(append(append([]byte(nil), lines[i][:n]...), byte('0'+r.IntN(10))), lines[i][n+1:]...)
			}
		case 3:
			lines[i] = nil
		case 4:
			lines[i] = append(append([]byte(nil), lines[i]...), lines[r.IntN(len(lines))]...)
		case 5:
			lines[i] = append([]byte("# "+who+"\n"), lines[i]...)
		case 6:
			j := r.IntN(len(lines))
			lines[i], lines[j] = lines[j], lines[i]
		case 7:
			lines[i] = bytes.ReplaceAll(lines[i], []byte("a"), []byte(who))
		}
	}
	return bytes.Join(lines, nil)
}

func TestWindowsAgainstStructure(t *testing.T) {
	paths, err := filepath.Glob("../../../shared/corpus/merge/case-*/base.*")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skip("../shared/corpus/merge is absent: the real triples are not checked")
	}
	done := map[string][2]int{}
	count := func(format string, ok bool) {
		n := done[format]
		n[1]++
		if ok {
			n[0]++
		}
		done[format] = n
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, p := range paths {
		dir, ext := filepath.Dir(p), filepath.Ext(p)
		var sides [3][]byte
		for i, side := range []string{"base", "ours", "theirs"} {
			if sides[i], err = os.ReadFile(filepath.Join(dir, side+ext)); err != nil {
				t.Fatal(err)
			}
		}
		format := formats.Detect(p, sides[2])
		count(format, checkWindow(t, p, format, sides[0], sides[1], sides[2]))
		rounds := 10
		if len(sides[0]) > 20_000 {
			rounds = 1
		}
		for range rounds {
			count(format+" edited", checkWindow(t, p, format, sides[0], edit(r, sides[0], "ours"), edit(r, sides[0], "theirs")))
		}
	}
	for f, n := range done {
		t.Logf("%-20s %d of %d merged by windows", f, n[0], n[1])
	}
}

// Random edits of small texts of every format: whatever merges by windows is proven, and as
// the mergers that understand the format have it.
func FuzzWindows(f *testing.F) {
	texts := map[string]string{
		"properties": "# a\na=1\nb=2\n\nc=3,\\\n  4\nd: 5\n", "ini": "[x]\na=1\nb=2\n\n; y\n[y]\na=1\n  2\nc=3\n", "env": "A=1\nexport B='2 3'\n# c\nC=3\n",
		"yaml": "a: 1\nb:\n  a: 2\n  c: [1, 2]\n# d\nd:\n- 1\n- 2\ne: |\n  f: 3\n\ng: x\n", "json": "{\n  \"a\": 1,\n  \"b\": {\n    \"a\": 2,\n    \"c\": [\n      1,\n      2\n    ]\n  },\n  \"d\": \"3\"\n}\n",
		"toml": "a = 1\n[b]\na = 2\nc = [\n  1,\n  2\n]\n[[d]]\nname = 1\n[[d]]\nname = 2\n[e.f]\na = 3\n", "nginx": "a 1;\nhttp {\n  server {\n    server_name a;\n    listen 1;\n  }\n  server {\n    server_name b;\n    listen 2;\n    location / {\n      b 1\n        2;\n    }\n  }\n}\n",
		"xml": "<?xml version=\"1.0\"?>\n<a>\n  <!-- b -->\n  <b name=\"x1\">\n    <c>1</c>\n    <c>2</c>\n  </b>\n  <b name=\"x2\"/>\n  <d e=\"3\">\n    <f/>\n  </d>\n</a>\n", "lines": "one\ntwo\n\nthree\nfour 4\nfive\n", "directive": "Port 1\n# a\nUseDNS no\nBanner 2\n",
	}
	for format, text := range texts {
		for seed := range uint64(5) {
			f.Add(format, text, seed)
		}
	}
	f.Fuzz(func(t *testing.T, format, text string, seed uint64) {
		if _, known := texts[format]; !known || len(text) > 4<<10 || !utf8.ValidString(text) {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		checkWindow(t, "text", format, []byte(text), edit(r, []byte(text), "ours"), edit(r, []byte(text), "theirs"))
	})
}
