package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inplace/backup"
)

// manyBench has four levels in which paths change in every way, several of them more
// than once, and an installation with edits that has gone through all of them. states
// are what it was like before each update and at last; ids the snapshots.
func manyBench(t *testing.T) (be *bench, states []map[string]string, ids []string) {
	levels := []tree{
		{"bin/start.sh": "0755 one\n", "conf/server.conf": "port=1\n\n\n\nhost=a\n", "lib/core-1.jar": "\x00one", "lib/link.jar": "-> core-1.jar", "mode.sh": "0644 m\n",
			"kind": "a file\n", "kind2/inner": "a dir\n", "empty/": "", "webapps/app.war": "\x00war1", "late": "0644 late\n"},
		{"bin/start.sh": "0755 two\n", "conf/server.conf": "port=1\n\n\n\nhost=b\n", "lib/core-2.jar": "\x00two", "lib/link.jar": "-> core-2.jar", "mode.sh": "0755 m\n",
			"kind/inner": "a dir now\n", "kind2": "a file now\n", "empty2/deep/": "", "webapps/app.war": "\x00war2", "late": "0755 late\n"},
		{"bin/start.sh": "0755 two\n", "conf/server.conf": "port=1\n\n\nx\nhost=c\n", "lib/core-3.jar": "\x00three", "lib/link.jar": "-> core-3.jar", "mode.sh": "0755 m3\n",
			"kind": "-> lib", "kind2/deep/inner": "a dir again\n", "webapps/app.war": "\x00war2", "only/here": "x\n", "late": "0755 late\n"},
		{"bin/start.sh": "0755 four\n", "conf/server.conf": "port=1\n\n\nx\nhost=d\n", "lib/core-3.jar": "\x00three", "mode.sh": "0644 m3\n",
			"kind": "a file\n", "kind2/deep/inner": "changed\n", "webapps/app.war": "\x00war4", "late": "0644 late 4\n"},
	}
	be = newBench(t, sampleProduct, levels...)
	tree{"conf/server.conf": "port=9\n\n\n\nhost=a\n", "conf/mine.conf": "mine\n", "webapps/app/index.html": "made\n"}.write(t, be.home)
	be.adopt(t)
	for n := range int64(3) {
		states = append(states, strip(look(t, be.home, true)))
		out, err := be.open(t, func(o *Options) { o.Level, o.HasLevel = n+1, true }).Update(context.Background())
		must(t, err)
		ids = append(ids, out.Snapshot)
		if n != 1 { // the product makes it anew where an update has cleared it
			tree{"webapps/app/index.html": "made " + out.Snapshot + "\n"}.write(t, be.home)
		}
	}
	return be, append(states, strip(look(t, be.home, true))), ids
}

func revertTo(id string) func(*Options) { return func(o *Options) { o.RevertTo = id } }

// TestRevertTo goes back over several updates and forward again, in one transaction each
// time, from every state to every other; the dry run changes nothing and says the same.
func TestRevertTo(t *testing.T) {
	ctx := context.Background()
	be, states, ids := manyBench(t)
	at := map[int]string{0: ids[0], 1: ids[1], 2: ids[2]} // a snapshot that holds each state
	go_ := func(to int) {
		t.Helper()
		before := look(t, be.home, true)
		plan, err := be.open(t, revertTo(at[to])).DryRevert(ctx)
		must(t, err)
		same(t, "after the dry run", before, look(t, be.home, true))
		out, err := be.open(t, revertTo(at[to])).Revert(ctx)
		must(t, err)
		if len(plan.Steps) != len(out.Plan.Steps) || out.Plan.To.Level != int64(to) || plan.To.Level != int64(to) {
			t.Fatalf("to %d: the dry run has %d steps to level %d, the run %d to level %d", to, len(plan.Steps), plan.To.Level, len(out.Plan.Steps), out.Plan.To.Level)
		}
		same(t, "at state "+string(rune('0'+to)), states[to], strip(look(t, be.home, true)))
		r, err := readRecord(be.open(t).tree)
		must(t, err)
		if r.Level != int64(to) {
			t.Fatalf("the record says level %d, want %d", r.Level, to)
		}
		if _, err := be.open(t).VerifyBackups(ctx); err != nil {
			t.Fatal(err)
		}
		from := int(out.Plan.From.Level)
		at[from] = out.Snapshot
	}
	for _, to := range []int{0, 3, 1, 2, 0, 2, 3, 0, 1, 3} {
		go_(to)
	}
	// already there
	go_(2)
	out, err := be.open(t, revertTo(ids[2])).Revert(ctx)
	must(t, err)
	if out.Snapshot != "" || len(out.Plan.Steps) != 0 {
		t.Errorf("already there: made %q with %d steps", out.Snapshot, len(out.Plan.Steps))
	}
	// plain reverts go on from wherever that led
	for to := 1; to >= 0; to-- {
		_, err := be.open(t).Revert(ctx)
		must(t, err)
		same(t, "plain revert", states[to], strip(look(t, be.home, true)))
	}
	if _, err := be.open(t).Revert(ctx); !errors.Is(err, ErrNothingToRevert) {
		t.Errorf("got %v, want ErrNothingToRevert", err)
	}
	go_(3)
}

// After a plain revert, whose snapshot took over the slots of what it undid, the way
// forward and back again is found all the same.
func TestRevertForwardAfterPlain(t *testing.T) {
	ctx := context.Background()
	be, states, ids := manyBench(t)
	var taken []string
	for range 2 {
		out, err := be.open(t).Revert(ctx)
		must(t, err)
		taken = append(taken, out.Snapshot)
	}
	for n, to := range map[string]int{taken[0]: 3} {
		_, err := be.open(t, revertTo(n)).Revert(ctx)
		must(t, err)
		same(t, "forward", states[to], strip(look(t, be.home, true)))
	}
	for to := 2; to >= 0; to-- { // the record names snapshots that were taken over
		_, err := be.open(t).Revert(ctx)
		must(t, err)
		same(t, "back again", states[to], strip(look(t, be.home, true)))
	}
	var unknown *UnknownSnapshotError
	if _, err := be.open(t, revertTo(ids[2]+"x")).Revert(ctx); !errors.As(err, &unknown) || len(unknown.Others) == 0 {
		t.Errorf("got %v, want an UnknownSnapshotError with what there is", err)
	}
	if _, err := be.open(t, revertTo("20")).Revert(ctx); !errors.As(err, &unknown) || len(unknown.Match) < 2 {
		t.Errorf("got %v, want an UnknownSnapshotError with several", err)
	}
}

// Where the record is as a snapshot holds it already, what is not as it holds it is put back, and
// what is there instead can be had back in turn.
func TestRevertToSameRecord(t *testing.T) {
	ctx := context.Background()
	be, _, ids := manyBench(t)
	back := func(id string) *Outcome {
		t.Helper()
		out, err := be.open(t, revertTo(id)).Revert(ctx)
		must(t, err)
		return out
	}
	back(ids[1])
	tree{"bin/start.sh": "0755 mine\n"}.write(t, be.home)
	up, err := be.open(t, func(o *Options) { o.OnConflict = "theirs" }).Update(ctx)
	must(t, err)
	back(ids[1])
	before := look(t, be.home, true)
	out := back(up.Snapshot)
	if steps := out.Plan.Steps; len(steps) != 1 || steps[0].Path != "bin/start.sh" {
		t.Fatalf("got the steps %+v, want the file that differs", steps)
	}
	if got := read(t, be, "bin/start.sh"); got != "mine\n" {
		t.Errorf("got %q, want what the snapshot holds", got)
	}
	if out := back(up.Snapshot); out.Snapshot != "" {
		t.Errorf("again: made %q with %+v, want nothing to do", out.Snapshot, out.Plan.Steps)
	}
	back(out.Snapshot)
	same(t, "and back", before, look(t, be.home, true))
	if out := back(ids[1]); out.Snapshot != "" || len(out.Plan.Warnings) != 0 {
		t.Errorf("made %q and warned %q, want nothing", out.Snapshot, out.Plan.Warnings)
	}
}

// A way leads to a snapshot whose run has put copies back and left the record as it was, and from
// any other state as well.
func TestRevertToLoop(t *testing.T) {
	ctx := context.Background()
	be, _, ids := manyBench(t)
	exact := func(o *Options) { o.Exact = true }
	back := func(set ...func(*Options)) *Outcome {
		t.Helper()
		out, err := be.open(t, set...).Revert(ctx)
		must(t, err)
		return out
	}
	back(revertTo(ids[1]), exact)
	shipped := strip(look(t, be.home, true))
	tree{"conf/mine.conf": "later\n"}.write(t, be.home)
	edited := strip(look(t, be.home, true))
	loop := back(revertTo(ids[1]), exact).Snapshot
	same(t, "exact again", shipped, strip(look(t, be.home, true)))
	if out := back(revertTo(ids[1]), exact); out.Snapshot != "" {
		t.Errorf("once more: made %q with %+v, want nothing to do", out.Snapshot, out.Plan.Steps)
	}
	again := back(revertTo(loop)).Snapshot
	same(t, "over the loop", edited, strip(look(t, be.home, true)))
	back(revertTo(again))
	same(t, "and again", shipped, strip(look(t, be.home, true)))
	back(revertTo(ids[0]))
	back(revertTo(loop))
	same(t, "from elsewhere", edited, strip(look(t, be.home, true)))
	if _, err := be.open(t).VerifyBackups(ctx); err != nil {
		t.Error(err)
	}
}

// What was edited since is saved in the new snapshot, and comes back with it.
func TestRevertToKeepsPresent(t *testing.T) {
	ctx := context.Background()
	be, states, ids := manyBench(t)
	tree{"bin/start.sh": "0755 mine\n", "lib/core-3.jar": "\x00mine", "other": "other\n"}.write(t, be.home)
	must(t, os.Remove(filepath.Join(be.home, "mode.sh")))
	edited := strip(look(t, be.home, true))
	out, err := be.open(t, revertTo(ids[0])).Revert(ctx)
	must(t, err)
	states[0]["other"] = edited["other"]
	same(t, "back", states[0], strip(look(t, be.home, true)))
	_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
	must(t, err)
	same(t, "forward", edited, strip(look(t, be.home, true)))
}

// Each path that was edited since is warned of, in the end with where its bytes are.
func TestRevertNamesEdits(t *testing.T) {
	ctx := context.Background()
	for _, copies := range []bool{false, true} {
		be := editsBench(t)
		tree{"lib/a.jar": "\x00mine", "new.txt": "mine\n", "conf/same.conf": "mine\n"}.write(t, be.home)
		must(t, os.Remove(filepath.Join(be.home, "lib/b.jar")))
		set := func(o *Options) { o.Exact = copies }
		plan, err := be.open(t, set).DryRevert(ctx)
		must(t, err)
		if w := plan.Warnings; len(w) != 2 || !strings.HasPrefix(w[0], "lib/a.jar: you changed it since") || !strings.HasPrefix(w[1], "new.txt: you changed it since") {
			t.Errorf("the dry run warned %q, want the edited paths", w)
		}
		out, err := be.open(t, set).Revert(ctx)
		must(t, err)
		for i, want := range []string{"\x00mine", "mine\n"} {
			if i >= len(out.Plan.Warnings) {
				t.Fatalf("warned %q, want the edited paths", out.Plan.Warnings)
			}
			_, at, _ := strings.Cut(out.Plan.Warnings[i], " in ")
			if got, err := os.ReadFile(filepath.Join(be.home, at)); err != nil || string(got) != want {
				t.Errorf("%q: got %q, %v, want %q there", out.Plan.Warnings[i], got, err, want)
			}
		}
		text := read(t, be, SummaryPathOf(out.Snapshot))
		if !strings.Contains(text, "lib/a.jar: you changed it since; going back keeps") {
			t.Errorf("the list of the run has no word of the edits: %s", text)
		}
	}
}

// A damaged slot is named and refused where it is needed, and where it is not the way is
// free; the release stands in for it on request.
func TestRevertAfterDamage(t *testing.T) {
	ctx := context.Background()
	be, states, ids := manyBench(t)
	slots := filepath.Join(be.home, backup.SnapshotsDir, ids[1], "slots")
	names, err := os.ReadDir(slots)
	must(t, err)
	damaged := 0
	for _, n := range names {
		p := filepath.Join(slots, n.Name())
		if data, err := os.ReadFile(p); err == nil && string(data) == "two\n" || string(data) == "\x00two" {
			must(t, os.WriteFile(p, []byte("bad"), 0o644))
			damaged++
		}
	}
	if damaged == 0 {
		t.Fatal("nothing was damaged")
	}
	before := look(t, be.home, true)
	var bad *backup.DamagedError
	if _, err := be.open(t, revertTo(ids[1])).Revert(ctx); !errors.As(err, &bad) || bad.ID != ids[1] || !strings.HasPrefix(bad.Paths[0], "lib/core-2.jar: ") {
		t.Fatalf("got %v, want the damaged path", err)
	}
	same(t, "refused", before, look(t, be.home, true))
	// what does not need the damaged slot goes
	_, err = be.open(t, revertTo(ids[0])).Revert(ctx)
	must(t, err)
	same(t, "around it", states[0], strip(look(t, be.home, true)))
	out, err := be.open(t, func(o *Options) { o.RevertTo, o.FromRelease = ids[1], true }).Revert(ctx)
	must(t, err)
	if w := out.Plan.Warnings; !slices.ContainsFunc(w, func(s string) bool { return strings.HasPrefix(s, "lib/core-2.jar: its slot is damaged") }) {
		t.Errorf("warned %q, want the damaged path", w)
	}
	same(t, "from the release", states[1], strip(look(t, be.home, true)))
}
