package merge

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// unescape turns the visible spelling of testdata into bytes: ␍ is CR, ␠ a blank,
// [BOM] a byte order mark, [E9] and [FF] these bytes, and [NONL] takes away the
// newline that follows it.
var unescape = strings.NewReplacer("␍", "\r", "␠", " ", "[BOM]", "\uFEFF", "[E9]", "\xE9", "[FF]", "\xFF", "[NONL]\n", "")

func TestMerge(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("want at least 20 cases, got %d (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(b)
			part := map[string]string{}
			for _, f := range archive.Files {
				part[f.Name] = unescape.Replace(string(f.Data))
			}
			if len(part) != 4 {
				t.Fatalf("want base, ours, theirs and want, got %d parts", len(part))
			}
			got := Merge([]byte(part["base"]), []byte(part["ours"]), []byte(part["theirs"]), Options{})
			if d := cmp.Diff(part["want"], string(got.Merged)); d != "" {
				t.Errorf("%sbase %q\nours %q\ntheirs %q\ngot %q\n-want +got:\n%s",
					archive.Comment, part["base"], part["ours"], part["theirs"], got.Merged, d)
			}
			if marked := longestMarker([]byte(part["want"])) > 0; marked == got.Clean() {
				t.Errorf("want conflict: %v, got %d conflicts", marked, len(got.Conflicts))
			}
		})
	}
}

func TestConflictValue(t *testing.T) {
	got := Merge([]byte("a\r\nb\r\nc\r\nd\r\n"), []byte("new\r\na\r\nB\r\nc\r\nd\r\n"), []byte("a\r\nc\r\nd2\r\n"), Options{})
	want := []Conflict{{
		Reason: "theirs removed lines that ours changed",
		Base:   []byte("b\r\n"), Ours: []byte("B\r\n"),
		BaseStart: 1, BaseEnd: 2, OursStart: 2, OursEnd: 3, TheirsStart: 1, TheirsEnd: 1,
	}}
	if d := cmp.Diff(want, got.Conflicts); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if !bytes.HasSuffix(got.Merged, []byte("c\r\nd2\r\n")) {
		t.Errorf("want the change after the conflict merged, got %q", got.Merged)
	}
}

func TestConflictReasons(t *testing.T) {
	for _, c := range []struct{ base, ours, theirs, want string }{
		{"a\n", "a\nx\n", "a\ny\n", "both sides added different lines at the same place"},
		{"a\nb\n", "a\n", "a\nc\n", "ours removed lines that theirs changed"},
		{"a\nb\n", "a\nc\n", "a\n", "theirs removed lines that ours changed"},
		{"a\nb\n", "a\nc\n", "a\nd\n", "both sides changed the same or adjacent lines differently"},
		{"a\n", "b\x00\n", "c\n", "ours is binary"},
		{"a\n", "b\n", "<<<<<<< x\nc\n", "theirs already contains conflict markers"},
		{">>>>>>>", "b\n", "c\n", "base already contains conflict markers"},
		{"a\n", "b\n", strings.Repeat("\n", MaxLines+1), "theirs is too long to merge: want at most 1000000 lines, got 1000001"},
		{"a\n", "b\n", strings.Repeat("x", MaxBytes+1), "theirs is too large to merge: want at most 67108864 bytes, got 67108865"},
	} {
		got := Merge([]byte(c.base), []byte(c.ours), []byte(c.theirs), Options{})
		if len(got.Conflicts) != 1 || got.Conflicts[0].Reason != c.want {
			t.Errorf("%.40q %.40q %.40q: want one conflict, %q, got %d conflicts %.200v",
				c.base, c.ours, c.theirs, c.want, len(got.Conflicts), got.Conflicts)
		}
	}
}

// A binary file has no merged text, and its conflict holds all of it.
func TestBinaryConflict(t *testing.T) {
	got := Merge([]byte("a\x00"), []byte("b\x00"), []byte("c\x00\n"), Options{})
	want := Result{Format: "lines", Method: MethodLines, Conflicts: []Conflict{{
		Reason: "base is binary", Base: []byte("a\x00"), Ours: []byte("b\x00"), Theirs: []byte("c\x00\n"),
		BaseEnd: 1, OursEnd: 1, TheirsEnd: 1,
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestLabelsAndMarkerSize(t *testing.T) {
	opt := Options{Labels: Labels{Ours: "conf/a b", Base: "level\n16", Theirs: "level 17"}, MarkerSize: 9}
	got := Merge([]byte("a\n"), []byte("b\n"), []byte("c\n"), opt)
	want := "<<<<<<<<< conf/a b\nb\n||||||||| level?16\na\n=========\nc\n>>>>>>>>> level 17\n"
	if string(got.Merged) != want {
		t.Errorf("want %q, got %q", want, got.Merged)
	}
}

// What theirs changed in style and ours does not follow is told.
func TestStyleNotes(t *testing.T) {
	got := Merge([]byte("a\nb\nc\n"), []byte("a\nb\nc1\n"), []byte("\uFEFFa1\r\nb\r\nc\r\n"), Options{})
	want := []Note{
		{Text: "line ends: kept LF of ours; theirs went from LF to CRLF"},
		{Text: "byte order mark: kept as in ours; theirs added it"},
	}
	if d := cmp.Diff(want, got.Notes); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := Merge([]byte("a\nb\nc\n"), []byte("a\nb\nc1\n"), []byte("a1\nb\nc\n"), Options{}); got.Notes != nil {
		t.Errorf("want no notes where no style changed, got %v", got.Notes)
	}
}

// The merger of a format decides where it knows the texts, and lines where not.
func TestStructure(t *testing.T) {
	upper := func(base, ours, theirs []byte, lines Result, opt Options) (Result, bool) {
		if bytes.Contains(ours, []byte("?")) {
			return Result{}, false
		}
		return Result{Merged: bytes.ToUpper(lines.Merged), Format: opt.Format, Method: MethodStructure}, true
	}
	opt := Options{Format: "ini", Structures: map[string]Structure{"ini": upper}}
	for _, c := range []struct{ format, ours, want, method string }{
		{"ini", "a1\nb\nc\n", "A1\nB\nC1\n", MethodStructure},
		{"ini", "a?\nb\nc\n", "a?\nb\nc1\n", MethodLines},
		{"xml", "a1\nb\nc\n", "a1\nb\nc1\n", MethodLines},
		{"ini", "a\nb\nc\n", "a\nb\nc1\n", MethodEqual},
	} {
		opt.Format = c.format
		got := Merge([]byte("a\nb\nc\n"), []byte(c.ours), []byte("a\nb\nc1\n"), opt)
		if string(got.Merged) != c.want || got.Method != c.method {
			t.Errorf("%s %q: want %q by %s, got %q by %s", c.format, c.ours, c.want, c.method, got.Merged, got.Method)
		}
	}
}

// Texts whose lines are the same in another order cost the most to compare. Past
// the limit the file is one conflict, after bounded work.
func TestTooDifferent(t *testing.T) {
	const n = 60_000
	var forward, backward, base strings.Builder
	for i := range n {
		forward.WriteString(lineNumber(i))
		backward.WriteString(lineNumber(n - 1 - i))
		base.WriteString(lineNumber(i * 7919 % n))
	}
	got := Merge([]byte(base.String()), []byte(forward.String()), []byte(backward.String()), Options{})
	want := "base and ours: too many differences to compare line by line"
	if len(got.Conflicts) != 1 || got.Conflicts[0].Reason != want {
		t.Fatalf("want one conflict, %q, got %d", want, len(got.Conflicts))
	}
	if c := got.Conflicts[0]; c.OursEnd != n || len(got.Merged) < 3*base.Len() {
		t.Errorf("want the whole file in the conflict, got %d lines, %d bytes", c.OursEnd, len(got.Merged))
	}
}
