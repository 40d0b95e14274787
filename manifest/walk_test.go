package manifest

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// Below and Find agree with the plain definition on random trees.
func TestFindAndBelow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := 0; round < 50; round++ {
		v := randomInventory(t, rng)
		for i, e := range v.All() {
			p := e.Path
			if got := v.Find(p); got == nil || *got != e || v.Index(p) != i || v.PathAt(i) != p {
				t.Fatalf("round %d: Find(%s) = %v, want entry %d, %v", round, p, got, i, e)
			}
			if v.Find(p+"?") != nil || v.Index(p+"?") >= 0 {
				t.Fatalf("round %d: Find found what is not there", round)
			}
			var want []Path
			for _, e := range v.All() {
				if e.Path != p && e.Path.Within(p) {
					want = append(want, e.Path)
				}
			}
			var got []Path
			for first, end := v.Below(p); first < end; first++ {
				got = append(got, v.PathAt(first))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: Below(%s) = %q, want %q", round, p, got, want)
			}
		}
		first, end := v.Below("")
		none, noneEnd := v.Below("none")
		if first != 0 || end != v.Len() || none != noneEnd {
			t.Fatalf("round %d: got %d to %d at the top, %d to %d below nothing", round, first, end, none, noneEnd)
		}
	}
}

// randomInventory returns a small tree with names that sort around the slash.
func randomInventory(t *testing.T, rng *rand.Rand) *Inventory {
	t.Helper()
	dirs := []Path{""}
	seen := map[string]bool{}
	var entries []Entry
	for range 30 {
		p := dirs[rng.IntN(len(dirs))].Join([]string{"a", "a-b", "a.b", "b", "a0", "c c", "é"}[rng.IntN(7)])
		if seen[p.Fold()] {
			continue
		}
		seen[p.Fold()] = true
		switch rng.IntN(4) {
		case 0:
			entries = append(entries, Entry{Path: p, Kind: File, Mode: 0o644, Digest: DigestOf([]byte{byte(rng.IntN(2))})})
		case 1:
			entries = append(entries, Entry{Path: p, Kind: Link, Target: "x"})
		default:
			entries = append(entries, Entry{Path: p, Kind: Dir, Mode: 0o755})
			dirs = append(dirs, p)
		}
	}
	v, err := BuildInventory(entries)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseInventory("inv", v.Raw)
	if err != nil || !reflect.DeepEqual(again, v) {
		t.Fatalf("parsing what was built: got %+v, %v, want %+v", again, err, v)
	}
	return v
}

func TestWalk(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	steps := 0
	for round := 0; round < 50; round++ {
		base, theirs := randomInventory(t, rng), randomInventory(t, rng)
		for _, all := range []bool{false, true} {
			want := map[Path][2]*Entry{}
			for _, v := range []*Inventory{base, theirs} {
				for _, e := range v.All() {
					want[e.Path] = [2]*Entry{base.Find(e.Path), theirs.Find(e.Path)}
				}
			}
			for p, pair := range want {
				if !all && pair[0] != nil && pair[1] != nil && pair[0].Same(pair[1]) {
					delete(want, p)
				}
			}
			last := Path("")
			err := Walk(base, theirs, all, func(p Path, b, o *Entry) error {
				if p <= last {
					t.Errorf("round %d: got %s after %s", round, p, last)
				}
				if pair, ok := want[p]; !ok || !reflect.DeepEqual(pair, [2]*Entry{b, o}) {
					t.Errorf("round %d: %s: got %v and %v, want %v", round, p, b, o, pair)
				}
				delete(want, p)
				last = p
				steps++
				return nil
			})
			if err != nil || len(want) != 0 {
				t.Errorf("round %d: got %v and %d paths left out", round, err, len(want))
			}
		}
	}
	if steps < 1000 {
		t.Errorf("got %d steps, want a walk worth its name", steps)
	}
	stop := errors.New("stop")
	v := randomInventory(t, rng)
	calls := 0
	if err := Walk(nil, v, false, func(Path, *Entry, *Entry) error { calls++; return stop }); err != stop || calls != 1 {
		t.Errorf("got %v after %d calls, want the first error at once", err, calls)
	}
}

func TestSame(t *testing.T) {
	f := Entry{Path: "a", Kind: File, Mode: 0o644, Size: 1, Digest: DigestOf([]byte("a"))}
	mode, content, kind, path := f, f, f, f
	mode.Mode = 0o755
	content.Digest = DigestOf([]byte("b"))
	kind.Kind = Dir
	path.Path = "b"
	link, other := Entry{Kind: Link, Target: "x"}, Entry{Kind: Link, Target: "y"}
	for _, c := range []struct {
		name             string
		a, b             Entry
		same, sameInside bool
	}{
		{"itself", f, f, true, true}, {"mode", f, mode, false, true}, {"content", f, content, false, false},
		{"kind", f, kind, false, false}, {"path does not count", f, path, true, true}, {"links", link, other, false, false},
	} {
		if got := c.a.Same(&c.b); got != c.same {
			t.Errorf("%s: Same: got %v, want %v", c.name, got, c.same)
		}
		if got := c.a.SameContent(&c.b); got != c.sameInside {
			t.Errorf("%s: SameContent: got %v, want %v", c.name, got, c.sameInside)
		}
	}
}
