package backup

import (
	"errors"
	"fmt"
	"inplace/backup/fsys/fsystest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inplace/manifest"
)

// emptySize is what a snapshot of nothing takes: its two files and a copy.
const emptySize = 3 * block

// emptySnapshot lays down a snapshot of nothing.
func emptySnapshot(t *testing.T, home, id string, created time.Time) {
	t.Helper()
	head := testHead()
	head.ID, head.Created, head.Bytes = id, created, 100
	raw := MarshalEntries(nil)
	tree{
		SnapshotsDir + "/" + id + "/entries":       "0600 " + string(raw),
		SnapshotsDir + "/" + id + "/snapshot.yaml": "0600 " + string(head.marshal(manifest.DigestOf(raw))),
		SnapshotsDir + "/" + id + "/slots/":        "0700",
		SnapshotsDir + "/" + id + "/config/0":      "0600 x",
	}.write(t, home)
}

func TestPrune(t *testing.T) {
	now := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		r      Retention
		newest string
		want   string
	}{
		{"no limit", Retention{}, "s5", ""},
		{"as many as may be", Retention{Keep: 5}, "s5", ""},
		{"two of five", Retention{Keep: 2}, "s5", "s1 s2 s3"},
		{"the newest always stays", Retention{Keep: 1, MaxAge: time.Nanosecond, MaxSize: 1}, "s5", "s1 s2 s3 s4"},
		{"older than 25 days", Retention{MaxAge: 25 * 24 * time.Hour}, "s5", "s1 s2 s3"},
		{"exactly 20 days", Retention{MaxAge: 20 * 24 * time.Hour}, "s5", "s1 s2 s3"},
		{"more than two and a half", Retention{MaxSize: emptySize * 5 / 2}, "s5", "s1 s2 s3"},
		{"exactly three", Retention{MaxSize: 3 * emptySize}, "s5", "s1 s2"},
		{"what is pinned stops it", Retention{Keep: 1}, "s3", "s1 s2"},
		{"all limits, the strictest holds", Retention{Keep: 4, MaxAge: 45 * 24 * time.Hour, MaxSize: 2 * emptySize}, "s5", "s1 s2 s3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := fsystest.TempDir(t)
			for n, days := range map[int]int{1: 50, 2: 40, 3: 30, 4: 20, 5: 10} {
				emptySnapshot(t, home, fmt.Sprintf("s%d", n), now.AddDate(0, 0, -days))
			}
			tree{SnapshotsDir + "/broken/snapshot.yaml": "0600 torn", SnapshotsDir + "/s0-not-one/x": "0600 x"}.write(t, home)
			disk := open(t, home)
			removed, err := Prune(disk, c.r, now, c.newest)
			must(t, err)
			if got := strings.Join(removed, " "); got != c.want {
				t.Fatalf("removed %q, want %q", got, c.want)
			}
			left, err := List(disk)
			must(t, err)
			want := []string{"broken", "s0-not-one"}
			for n := range 5 {
				if id := fmt.Sprintf("s%d", n+1); !slices.Contains(removed, id) {
					want = append(want, id)
				}
			}
			if !slices.Equal(left, want) {
				t.Fatalf("left %q, want %q", left, want)
			}
		})
	}
}

// TestPruneDamaged: a damaged snapshot goes from the oldest end as a whole one does, but counts for
// nothing, and what the way back needs stays.
func TestPruneDamaged(t *testing.T) {
	now := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	id := func(n int) string { return now.AddDate(0, 0, n-10).Format(idTime) + "-to-1" }
	for _, c := range []struct {
		name   string
		r      Retention
		head   []int // whose head is damaged
		list   []int // whose list is
		needed string
		want   []int
	}{
		{"the oldest head", Retention{Keep: 3}, []int{1}, nil, id(4), []int{1}},
		{"the oldest list", Retention{Keep: 3}, nil, []int{1}, id(4), []int{1}},
		{"as many as may be beside it", Retention{Keep: 4}, []int{1}, nil, id(4), nil},
		{"by age", Retention{MaxAge: 8*24*time.Hour + 1}, []int{1}, nil, id(4), []int{1}},
		{"by size", Retention{MaxSize: emptySize * 5 / 2}, nil, []int{1}, id(4), []int{1, 2}},
		{"in the middle", Retention{Keep: 1}, []int{2}, []int{3}, id(4), []int{1, 2, 3}},
		{"the newest", Retention{Keep: 1}, []int{4}, nil, id(4), []int{1, 2}},
		{"no whole one", Retention{Keep: 1}, []int{1, 2}, []int{3, 4}, id(4), nil},
		{"what is needed", Retention{Keep: 1}, []int{2}, nil, id(2), []int{1}},
		{"what may have taken back what is needed", Retention{Keep: 1}, []int{2}, nil, "taken over", []int{1}},
		{"what has not, by its head", Retention{Keep: 1}, nil, []int{2}, "taken over", []int{1, 2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := fsystest.TempDir(t)
			for n := 1; n <= 4; n++ {
				emptySnapshot(t, home, id(n), now.AddDate(0, 0, n-10))
			}
			for name, of := range map[string][]int{"snapshot.yaml": c.head, "entries": c.list} {
				for _, n := range of {
					must(t, os.WriteFile(filepath.Join(home, SnapshotsDir, id(n), name), []byte("torn"), 0o600))
				}
			}
			var want []string
			for _, n := range c.want {
				want = append(want, id(n))
			}
			got, err := Prune(open(t, home), c.r, now, c.needed)
			must(t, err)
			if !slices.Equal(got, want) {
				t.Fatalf("removed %q, want %q", got, want)
			}
		})
	}
}

func TestListEmpty(t *testing.T) {
	if ids, err := List(open(t, fsystest.TempDir(t))); err != nil || len(ids) != 0 {
		t.Fatalf("got %q, %v", ids, err)
	}
}

// TestSlotsChangeHands kills the move of the slots at each operation, there and back.
func TestSlotsChangeHands(t *testing.T) {
	takes := func(back bool, home string, n int) error {
		disk := open(t, home)
		faults(disk, nil, n)
		if back {
			return GiveSlotsBack(disk, "from", "to")
		}
		return TakeSlots(disk, "from", "to")
	}
	kills := 0
	for n := 1; ; n++ {
		home := fsystest.TempDir(t)
		for _, id := range []string{"from", "to"} {
			emptySnapshot(t, home, id, time.Unix(0, 0))
		}
		tree{SnapshotsDir + "/from/slots/0": "0644 old"}.write(t, home)
		holds := func(id string) bool {
			data, _ := os.ReadFile(filepath.Join(home, SnapshotsDir, id, "slots", "0"))
			return string(data) == "old"
		}
		err := takes(false, home, n)
		if err != nil {
			kills++
			if !errors.Is(err, errKilled) || holds("from") == holds("to") {
				t.Fatalf("killed at %d: %v; in from %v, in to %v", n, err, holds("from"), holds("to"))
			}
		}
		if n%2 == 0 { // give back what was taken, if it was; else complete it first
			must(t, takes(true, home, 0))
		} else {
			for range 2 {
				must(t, takes(false, home, 0))
				if !holds("to") {
					t.Fatalf("killed at %d, taken again: not in to", n)
				}
			}
			if err := takes(true, home, n); err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
		}
		for range 2 {
			must(t, takes(true, home, 0))
			if !holds("from") {
				t.Fatalf("killed at %d, given back: not in from", n)
			}
		}
		if err == nil {
			break
		}
	}
	if kills < 4 {
		t.Fatalf("only %d points to die at", kills)
	}
}

func TestTakeSlotsOverOthers(t *testing.T) {
	home := fsystest.TempDir(t)
	for _, id := range []string{"from", "to"} {
		emptySnapshot(t, home, id, time.Unix(0, 0))
		tree{SnapshotsDir + "/" + id + "/slots/0": "0644 " + id}.write(t, home)
	}
	before := look(t, home, true)
	if err := TakeSlots(open(t, home), "from", "to"); err == nil {
		t.Fatal("slots that were in use were replaced")
	}
	same(t, "refused", look(t, home, true), before)
}

func TestRetire(t *testing.T) {
	home := fsystest.TempDir(t)
	emptySnapshot(t, home, "from", time.Unix(0, 0))
	emptySnapshot(t, home, "to", time.Unix(0, 0))
	disk := open(t, home)
	must(t, Retire(disk, "from")) // it has its slots: it stays
	if ids, _ := List(disk); len(ids) != 2 {
		t.Fatalf("got %q", ids)
	}
	must(t, TakeSlots(disk, "from", "to"))
	for range 2 {
		must(t, Retire(disk, "from"))
		must(t, TakeSlots(disk, "from", "to"))
		if ids, _ := List(disk); !slices.Equal(ids, []string{"to"}) {
			t.Fatalf("got %q, want only to", ids)
		}
	}
}

// TestDiscard keeps what recovery found and moved aside, and nothing else.
func TestDiscard(t *testing.T) {
	for _, found := range []bool{false, true} {
		home := fsystest.TempDir(t)
		emptySnapshot(t, home, "s", time.Unix(0, 0))
		if found {
			tree{SnapshotsDir + "/s/found/0": "0644 mine"}.write(t, home)
		}
		for range 2 {
			must(t, Discard(open(t, home), SnapshotsDir+"/s"))
		}
		data, _ := os.ReadFile(filepath.Join(home, SnapshotsDir, "s/found/0"))
		if _, err := os.Lstat(filepath.Join(home, SnapshotsDir, "s")); found != (err == nil) || found != (string(data) == "mine") {
			t.Fatalf("found %v: left %v, %q", found, err, data)
		}
		if _, err := Load(open(t, home), "s"); err == nil {
			t.Fatal("it is still a snapshot")
		}
	}
}

// TestRemoveKilled removes a snapshot and dies at each operation: it is there whole, or it
// is no snapshot any more and what is left of it lies in the stage.
func TestRemoveKilled(t *testing.T) {
	kills := 0
	for n := 1; ; n++ {
		home := fsystest.TempDir(t)
		for _, id := range []string{"s1", "s2"} {
			emptySnapshot(t, home, id, time.Unix(0, 0))
			tree{SnapshotsDir + "/" + id + "/slots/0": "0644 old"}.write(t, home)
		}
		before := look(t, filepath.Join(home, SnapshotsDir), true)
		disk := open(t, home)
		faults(disk, nil, n)
		err := Remove(disk, "s1")
		ids, _ := List(open(t, home))
		if len(ids) == 2 {
			same(t, fmt.Sprintf("killed at %d", n), look(t, filepath.Join(home, SnapshotsDir), true), before)
		} else if !slices.Equal(ids, []string{"s2"}) {
			t.Fatalf("killed at %d: left %q", n, ids)
		}
		if err == nil {
			break
		}
		kills++
		if len(ids) == 2 {
			must(t, Remove(open(t, home), "s1"))
		}
	}
	if kills < 4 {
		t.Fatalf("only %d points to die at", kills)
	}
}

// TestTurned tells a snapshot that restore.sh has taken back, and takes it as what it is.
func TestTurned(t *testing.T) {
	home, entries := prepare(t, tree{"a": "0644 old"}, tree{"a": "0644 new"})
	entries[0].Class = Record
	dir := filepath.Join(home, SnapshotsDir, testID)
	raw := MarshalEntries(entries)
	must(t, os.WriteFile(filepath.Join(dir, "entries"), raw, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "snapshot.yaml"), testHead().marshal(manifest.DigestOf(raw)), 0o600))
	disk := open(t, home)
	s, err := Load(disk, testID)
	must(t, err)
	if turned, err := s.Turned(disk); err != nil || !turned {
		t.Fatalf("before the exchange the slot holds the new side: got %v, %v", turned, err)
	}
	s.Turn()
	must(t, s.Verify(disk))
	_, err = run(t, home, entries, nil, 0, Change{})
	must(t, err)
	s, err = Load(disk, testID)
	must(t, err)
	if turned, err := s.Turned(disk); err != nil || turned {
		t.Fatalf("after the exchange: got %v, %v", turned, err)
	}
	must(t, s.Verify(disk))
}

// TestAtMost: a snapshot never takes more than is told of it without looking at its files.
func TestAtMost(t *testing.T) {
	home, _ := prepare(t, oldTree, newTree, copiedPaths...)
	disk := open(t, home)
	s := &Snapshot{Dir: SnapshotsDir + "/" + testID}
	raw, err := s.read(disk, testID, nil)
	must(t, err)
	atMost, err := s.atMost(disk, raw)
	must(t, err)
	takes, err := s.DiskSize(disk)
	must(t, err)
	if takes < 5*block || atMost < takes {
		t.Errorf("takes %d, at most %d", takes, atMost)
	}
}
