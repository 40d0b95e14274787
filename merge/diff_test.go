package merge

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numbered gives each byte of a and b, taken as lines, its number.
func numbered(a, b string) ([]int, []int, *vocabulary) {
	v := newVocabulary()
	ids := func(s string) []int {
		return v.number(splitText([]byte(strings.Join(strings.Split(s, ""), "\n"))))
	}
	return ids(a), ids(b), v
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		want       []hunk
	}{
		{"equal", "abc", "abc", nil},
		{"from nothing", "", "ab", []hunk{{span{0, 0}, span{0, 2}}}},
		{"change", "abc", "axc", []hunk{{span{1, 2}, span{1, 2}}}},
		{"insertion slides down", "a}b", "a}x}b", []hunk{{span{2, 2}, span{2, 4}}}},
		{"deletion slides down", "aaab", "aab", []hunk{{span{2, 3}, span{2, 2}}}},
		{"insertion slides into the next change", "axxb", "axxxy", []hunk{{span{3, 4}, span{3, 5}}}},
		{"lines of one side only", "a12b3c", "45ab6c", []hunk{{span{0, 0}, span{0, 2}}, {span{1, 3}, span{3, 3}}, {span{4, 5}, span{4, 5}}}},
	} {
		a, b, v := numbered(c.a, c.b)
		got, err := diff(a, b, v)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(hunk{}, span{})); d != "" {
			t.Errorf("%s: %q to %q: -want +got:\n%s", c.name, c.a, c.b, d)
		}
	}
}

// Hunks turn the first text into the second, a common line lies between any two,
// none could stand further down, and no shorter list of edits exists.
func TestHunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching("[a-d]{0,12}")
		a, b, v := numbered(text.Draw(t, "a"), text.Draw(t, "b"))
		hunks, err := diff(a, b, v)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		at, edits := 0, 0
		for i, h := range hunks {
			if h.a.empty() && h.b.empty() || i > 0 && h.a.start <= at {
				t.Fatalf("hunk %d of %v is empty or touches the one before", i, hunks)
			}
			got = append(append(got, a[at:h.a.start]...), b[h.b.start:h.b.end]...)
			at = h.a.end
			edits += h.a.end - h.a.start + h.b.end - h.b.start
			if at == len(a) {
				continue
			}
			if h.a.empty() && b[h.b.start] == b[h.b.end] || h.b.empty() && a[h.a.start] == a[h.a.end] {
				t.Fatalf("hunk %d of %v can slide down", i, hunks)
			}
		}
		if got = append(got, a[at:]...); !slices.Equal(got, b) {
			t.Fatalf("want %v, got %v by %v", b, got, hunks)
		}
		if want := editDistance(a, b); edits != want {
			t.Fatalf("want %d edits, got %d: %v", want, edits, hunks)
		}
	})
}

// editDistance counts insertions and deletions by the textbook table.
func editDistance(a, b []int) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			above := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diagonal
			} else {
				row[j+1] = min(above, row[j]) + 1
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
