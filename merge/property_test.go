package merge

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func lineNumber(i int) string { return fmt.Sprintf("line %d\n", i) }

// drawLines draws a text of few different lines, so that equal ones are common.
func drawLines(t *rapid.T, label string, ends ...string) []string {
	word := rapid.SampledFrom([]string{"", "a", "b", "c", "}", "port=1", "port=2", "\xff", "=======", "x\ry"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return word.Draw(t, "word") + rapid.SampledFrom(ends).Draw(t, "end")
	}), 0, 12).Draw(t, label)
}

// drawEdit draws a text made from lines by a few edits, perhaps without its last newline.
func drawEdit(t *rapid.T, label string, lines []string, ends ...string) []byte {
	l := append([]string(nil), lines...)
	for range rapid.IntRange(0, 3).Draw(t, label+" edits") {
		at := rapid.IntRange(0, len(l)).Draw(t, label+" at")
		n := rapid.IntRange(0, min(2, len(l)-at)).Draw(t, label+" removed")
		in := drawLines(t, label+" added", ends...)
		l = append(append(append([]string(nil), l[:at]...), in[:min(2, len(in))]...), l[at+n:]...)
	}
	s := strings.Join(l, "")
	if rapid.Bool().Draw(t, label+" cut") {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	}
	return []byte(s)
}

func drawTriple(t *rapid.T, ends ...string) (base, ours, theirs []byte) {
	lines := drawLines(t, "base", ends...)
	return drawEdit(t, "base", lines, ends...), drawEdit(t, "ours", lines, ends...), drawEdit(t, "theirs", lines, ends...)
}

func TestOneSidedChangesAreTakenWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, o, _ := drawTriple(t, "\n", "\r\n", " \n")
		for _, c := range []struct {
			what               string
			base, ours, theirs []byte
			want               []byte
		}{
			{"Merge(b, b, t)", b, b, o, o},
			{"Merge(b, o, b)", b, o, b, o},
			{"Merge(b, x, x)", b, o, o, o},
		} {
			got := Merge(c.base, c.ours, c.theirs, Options{})
			if !got.Clean() || !bytes.Equal(got.Merged, c.want) || got.Method != MethodEqual {
				t.Fatalf("%s: want %q, got %q, %v", c.what, c.want, got.Merged, got.Conflicts)
			}
			// The line merge itself must say the same without the short cuts.
			lines := mergeLines(c.base, c.ours, c.theirs, Options{})
			if !lines.Clean() || !bytes.Equal(foldText(lines.Merged), foldText(c.want)) {
				t.Fatalf("%s by lines: want %q, got %q, %v", c.what, c.want, lines.Merged, lines.Conflicts)
			}
		}
	})
}

// foldText removes what lines are not compared by.
func foldText(b []byte) []byte {
	var out []byte
	for _, l := range splitText(b).lines {
		out = append(append(out, l.key()...), '\n')
	}
	return out
}

func TestSwappingSidesSwapsOnlyLabels(t *testing.T) {
	check := func(exact bool, ends ...string) func(*rapid.T) {
		return func(t *rapid.T) {
			b, o, th := drawTriple(t, ends...)
			x := Merge(b, o, th, Options{Labels: Labels{Ours: "1", Theirs: "2"}})
			y := Merge(b, th, o, Options{Labels: Labels{Ours: "2", Theirs: "1"}})
			if len(x.Conflicts) != len(y.Conflicts) {
				t.Fatalf("want as many conflicts, got %v and %v", x.Conflicts, y.Conflicts)
			}
			if x.Clean() {
				alike := bytes.HasSuffix(o, []byte("\n")) == bytes.HasSuffix(th, []byte("\n")) // else each keeps its own end
				if same := bytes.Equal(x.Merged, y.Merged); exact && alike && !same ||
					!bytes.Equal(foldText(x.Merged), foldText(y.Merged)) {
					t.Fatalf("want the same text, got %q and %q", x.Merged, y.Merged)
				}
				return
			}
			for i, c := range x.Conflicts {
				d := y.Conflicts[i]
				if !bytes.Equal(c.Ours, d.Theirs) || !bytes.Equal(c.Theirs, d.Ours) || !bytes.Equal(c.Base, d.Base) ||
					c.OursStart != d.TheirsStart || c.OursEnd != d.TheirsEnd || c.BaseStart != d.BaseStart || c.BaseEnd != d.BaseEnd {
					t.Fatalf("want sides swapped, got %+v and %+v", c, d)
				}
			}
		}
	}
	t.Run("one style", rapid.MakeCheck(check(true, "\n")))
	t.Run("mixed styles", rapid.MakeCheck(check(false, "\n", "\r\n", " \n")))
}

// Every line of a clean merge comes from an input, and each conflict's texts are
// what its ranges say.
func TestConflictRangesGiveTheirTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, o, th := drawTriple(t, "\n", "\r\n")
		r := Merge(b, o, th, Options{})
		for _, c := range r.Conflicts {
			for _, side := range []struct {
				file, part []byte
				start, end int
			}{{b, c.Base, c.BaseStart, c.BaseEnd}, {o, c.Ours, c.OursStart, c.OursEnd}, {th, c.Theirs, c.TheirsStart, c.TheirsEnd}} {
				if want := bytes.Join(rawLines(side.file)[side.start:side.end], nil); !bytes.Equal(want, side.part) {
					t.Fatalf("lines %d to %d: want %q, got %q", side.start, side.end, want, side.part)
				}
			}
		}
		have := map[string]bool{}
		for _, f := range [][]byte{b, o, th} {
			for _, l := range splitText(f).lines {
				have[string(l.key())] = true
			}
		}
		for _, l := range splitText(r.Merged).lines {
			if r.Clean() && !have[string(l.key())] {
				t.Fatalf("line %q is in no input", l.body)
			}
		}
	})
}

// A file of CRLF lines stays one, whatever the vendor ships.
func TestLineEndsOfOursStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, o, th := drawTriple(t, "\n")
		crlf := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }
		want := mergeLines(b, o, th, Options{})
		got := mergeLines(b, crlf(o), th, Options{})
		if !bytes.Contains(o, []byte("\n")) {
			return // ours has no line end to follow
		}
		if !bytes.Equal(got.Merged, crlf(want.Merged)) {
			t.Fatalf("want %q, got %q", crlf(want.Merged), got.Merged)
		}
	})
}

// Applying a diff gives the target, whoever applies it.
func TestUnifiedApplies(t *testing.T) {
	tools := map[string][]string{
		"patch": {"patch", "--binary", "-s", "-p1", "-i", "diff"},
		"git":   {"git", "apply", "--unidiff-zero", "--whitespace=nowarn", "diff"},
	}
	least := map[string]int{"git": 1}
	for name, argv := range tools {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(argv[0]); err != nil {
				t.Skipf("%s is not installed", argv[0])
			}
			dir := t.TempDir()
			applied := 0
			rapid.Check(t, func(t *rapid.T) {
				_, a, b := drawTriple(t, "\n", "\r\n", " \n")
				// Without context git takes the line end before a removed last line, if that had none.
				context := rapid.IntRange(least[name], 4).Draw(t, "context")
				diff := Unified(a, b, "a/conf x", "b/conf x", context)
				if bytes.Equal(a, b) != (diff == nil) {
					t.Fatalf("want a diff exactly for different texts, got %q for %q and %q", diff, a, b)
				}
				if diff == nil || len(a) == 0 || len(b) == 0 {
					return // creating and removing files needs headers of its own
				}
				applied++
				file := filepath.Join(dir, "conf x")
				if err := errors.Join(os.WriteFile(file, a, 0o600), os.WriteFile(filepath.Join(dir, "diff"), diff, 0o600)); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				got, _ := os.ReadFile(file)
				if err != nil || !bytes.Equal(got, b) {
					t.Fatalf("%v: %v %s\nfrom %q\ndiff %q\nwant %q\ngot  %q", argv, err, out, a, diff, b, got)
				}
			})
			if applied == 0 {
				t.Error("no diff was applied")
			}
		})
	}
}
