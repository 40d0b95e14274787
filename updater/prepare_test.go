//go:build unix

package updater

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inplace/backup"
	"inplace/manifest"
	"inplace/manifest/repository"
)

// preparedBench is an installation for which level 1 waits prepared.
func preparedBench(t *testing.T) *bench {
	t.Helper()
	be := faultBench(t)
	out, err := be.open(t, func(o *Options) { o.Prepare = true }).Update(context.Background())
	must(t, err)
	if out.Prepared == nil || out.Prepared.Staged == 0 || len(out.Prepared.Drift) != 0 || out.Snapshot != "" {
		t.Fatalf("prepared %+v, snapshot %q", out.Prepared, out.Snapshot)
	}
	return be
}

func (b *bench) path(name string) string { return filepath.Join(b.home, filepath.FromSlash(name)) }

// slotOf is the staged file for a path.
func (b *bench) slotOf(t *testing.T, p manifest.Path) string {
	t.Helper()
	w, err := readPrepared(b.open(t).tree)
	must(t, err)
	if w == nil || w.byPath[p] == nil {
		t.Fatalf("%s is not staged", p)
	}
	return b.path(fmt.Sprintf("updates/stage/slots/%d", w.byPath[p].Slot))
}

// TestPreparedDrift changes something between the run that prepares and the one that takes
// it, and compares what comes of it with an update that was not prepared. The second one
// runs without a repository where that has to do.
func TestPreparedDrift(t *testing.T) {
	conf := func(text string) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) { tree{"conf/server.conf": text}.write(t, b.home) }
	}
	tests := []struct {
		name    string
		drift   func(*testing.T, *bench)
		anew    []manifest.Path // as the plan says
		needs   bool            // the repository
		dropped bool            // nothing of it can be used
	}{
		{name: "nothing", drift: func(*testing.T, *bench) {}},
		{name: "an edited file", drift: conf("port=9999\n\n\n\nhost=a\n"), anew: []manifest.Path{"conf/server.conf"}},
		{name: "an edit taken back", drift: conf("port=8080\n\n\n\nhost=a\n"), anew: []manifest.Path{"conf/server.conf"}},
		{name: "the vendor's change made by hand", drift: conf("port=9090\n\n\n\nhost=b\n")},
		{name: "a mode", drift: func(t *testing.T, b *bench) { must(t, os.Chmod(b.path("bin/start.sh"), 0o700)) }, anew: []manifest.Path{"bin/start.sh"}},
		{name: "a time alone", drift: func(t *testing.T, b *bench) {
			must(t, os.Chtimes(b.path("bin/start.sh"), time.Unix(5, 0), time.Unix(5, 0)))
		}},
		{name: "a deleted directory", drift: func(t *testing.T, b *bench) { must(t, os.RemoveAll(b.path("webapps"))) }},
		{name: "another inode", drift: func(t *testing.T, b *bench) {
			data, err := os.ReadFile(b.path("bin/start.sh"))
			must(t, err)
			tree{"bin/start.sh": "0755 " + string(data)}.write(t, b.home)
		}},
		{name: "settings", drift: func(t *testing.T, b *bench) {
			f, err := os.OpenFile(b.path("updates/settings.yaml"), os.O_APPEND|os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteString("pins: [\"conf/server.conf: port\"]\n")
			must(t, errors.Join(err, f.Close()))
		}},
		{name: "a damaged slot of a text", drift: func(t *testing.T, b *bench) {
			must(t, os.WriteFile(b.slotOf(t, "bin/start.sh"), []byte("owt\n"), 0))
		}},
		{name: "a damaged slot", needs: true, drift: func(t *testing.T, b *bench) {
			must(t, os.WriteFile(b.slotOf(t, "lib/core-2.jar"), []byte("\x00owt"), 0))
		}},
		{name: "a slot that is gone", needs: true, drift: func(t *testing.T, b *bench) { must(t, os.Remove(b.slotOf(t, "lib/core-2.jar"))) }},
		{name: "a slot of another mode", drift: func(t *testing.T, b *bench) { must(t, os.Chmod(b.slotOf(t, "lib/core-2.jar"), 0o777)) }},
		{name: "the slots are gone", needs: true, dropped: true, drift: func(t *testing.T, b *bench) { must(t, os.RemoveAll(b.path("updates/stage/slots"))) }},
		{name: "a torn record", needs: true, dropped: true, drift: func(t *testing.T, b *bench) {
			must(t, os.Truncate(b.path("updates/stage/prepared"), 100))
		}},
		{name: "the record of a newer program", needs: true, dropped: true, drift: func(t *testing.T, b *bench) {
			must(t, os.WriteFile(b.path("updates/stage/prepared"), []byte("schema: \"inplace/prepared/2\"\n"), 0o600))
		}},
		{name: "no entries", needs: true, dropped: true, drift: func(t *testing.T, b *bench) {
			names, err := filepath.Glob(b.path("updates/stage/staged-*"))
			must(t, err)
			if len(names) != 1 {
				t.Fatalf("entries: %v", names)
			}
			must(t, os.Remove(names[0]))
		}},
	}
	ctx := context.Background()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			be := preparedBench(t)
			tt.drift(t, be)
			plain := filepath.Join(be.dir, "plain")
			copyTree(t, be.home, plain)
			must(t, os.RemoveAll(filepath.Join(plain, "updates/stage")))
			before := look(t, be.home, true)

			if tt.needs { // says so, changes nothing, and what waits goes on waiting
				must(t, os.Rename(be.repo, be.repo+".away"))
				if _, err := be.open(t).Update(ctx); err == nil {
					t.Fatal("without the repository it was done all the same")
				}
				same(t, "without the repository", before, look(t, be.home, true))
				if _, err := os.Stat(be.path("updates/stage/prepared")); (err == nil) == tt.dropped {
					t.Errorf("the record is there: %v, want %v", err == nil, !tt.dropped)
				}
				must(t, os.Rename(be.repo+".away", be.repo))
			}
			at := *be
			at.home = plain
			_, err := at.open(t).Update(ctx)
			must(t, err)
			if !tt.needs {
				must(t, os.RemoveAll(be.repo))
			}
			out, err := be.open(t).Update(ctx)
			must(t, err)
			same(t, "against an update that was not prepared", strip(look(t, plain, true)), strip(look(t, be.home, true)))
			if got := out.Plan.Prepared; tt.dropped != (got == nil) || got != nil && !slices.Equal(got.Anew, tt.anew) {
				t.Errorf("planned %+v, want staged anew %v", got, tt.anew)
			}
			if _, err := os.Stat(be.path("updates/stage")); err == nil {
				t.Error("the stage is left behind")
			}
			for _, name := range []string{"prepared", "source", "gone"} {
				if _, err := os.Stat(be.path("updates/backups/" + out.Snapshot + "/" + name)); err == nil {
					t.Errorf("%s is left in the snapshot", name)
				}
			}
			if b, err := be.open(t).VerifyBackups(ctx); err != nil || len(b.Snapshots) != 1 || b.Snapshots[0].Damaged != "" || len(b.Snapshots[0].Faults) > 0 {
				t.Errorf("backups: %+v, %v", b, err)
			}
			_, err = be.open(t).Revert(ctx)
			must(t, err)
			same(t, "after the revert", before, look(t, be.home, true))
		})
	}
}

// What keeps a run from its commit point leaves what waits, also a conflict.
func TestPreparedGoesOnWaiting(t *testing.T) {
	ctx := context.Background()
	be := preparedBench(t)
	waits := func(when string) {
		t.Helper()
		s, err := be.open(t).Status(ctx)
		must(t, err)
		if s.Prepared == nil || s.Prepared.Level != 1 {
			t.Fatalf("%s: nothing waits: %+v", when, s.Prepared)
		}
	}
	waits("at first")
	must(t, Guard(ctx, be.home, "test"))

	stop := errors.New("stop")
	_, err := be.open(t, func(o *Options) { o.Confirm = func(*Plan) (bool, error) { return false, stop } }).Update(ctx)
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	waits("not confirmed")

	ended, cancel := context.WithCancel(ctx)
	_, err = be.open(t, func(o *Options) {
		o.Report = func(e Event) {
			if e.Phase == PhaseCheck {
				cancel()
			}
		}
	}).Update(ended)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	waits("ended at the check")

	tree{"bin/start.sh": "0755 mine\n"}.write(t, be.home)
	var conflict *ConflictError
	if _, err := be.open(t).Update(ctx); !errors.As(err, &conflict) {
		t.Fatalf("want a conflict, got %v", err)
	}
	waits("with a conflict")
	s, err := be.open(t).Status(ctx)
	must(t, err)
	if len(s.Prepared.Drift) != 1 || !strings.HasPrefix(s.Prepared.Drift[0], "bin/start.sh: ") {
		t.Errorf("drift %q", s.Prepared.Drift)
	}
	tree{"bin/start.sh": "0755 one\n"}.write(t, be.home)

	// past the date of the metadata a source that cannot be asked is asked for
	must(t, os.Rename(be.repo, be.repo+".away"))
	late := func(o *Options) {
		o.Now = func() time.Time { return be.now.AddDate(1, 0, 0) }
	}
	var expired *repository.ExpiredError
	if _, err := be.open(t, late).Update(ctx); !errors.As(err, &expired) {
		t.Fatalf("want expired metadata, got %v", err)
	}
	waits("past its date")
	_, err = be.open(t, late, func(o *Options) { o.AllowStale = "air gap" }).Update(ctx)
	must(t, err)
	history, err := be.open(t).History()
	must(t, err)
	if e := history[len(history)-1]; e.Stale != "air gap" || e.To != 1 {
		t.Errorf("history %+v", e)
	}
}

// Snapshots can be removed, and their removal be interrupted, beside what waits.
func TestPruneBesidePrepared(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, one after the other: nothing for the race detector")
	}
	ctx := context.Background()
	be := faultBench(t)
	one := 1
	for _, level := range []int64{1, 0, 1} {
		_, err := be.open(t, func(o *Options) { o.Level, o.HasLevel = level, true }).Update(ctx)
		must(t, err)
	}
	_, err := be.open(t, func(o *Options) { o.Level, o.HasLevel, o.Prepare = 0, true, true }).Update(ctx)
	must(t, err)
	for n := 1; ; n++ {
		home := filepath.Join(be.dir, "copy")
		copyTree(t, be.home, home)
		at := *be
		at.home = home
		count, fired := 0, false
		u := at.open(t, func(o *Options) {
			o.fault = func(op, path string) error {
				if count++; count >= n {
					fired = true
					return errInjected
				}
				return nil
			}
		})
		_, err := u.PruneBackups(ctx, PruneOptions{Keep: &one})
		u.Close()
		s, e := at.open(t).Status(ctx)
		must(t, e)
		if s.Prepared == nil || s.Prepared.Level != 0 || len(s.Prepared.Drift) > 0 {
			t.Fatalf("fault %d: what waits: %+v", n, s.Prepared)
		}
		if _, err := os.Stat(filepath.Join(home, "updates/stage/gone")); err == nil {
			t.Fatalf("fault %d: a snapshot on its way out is left", n)
		}
		for _, snap := range s.Snapshots {
			if snap.Damaged != "" {
				t.Fatalf("fault %d: %+v", n, snap)
			}
		}
		if !fired {
			must(t, err)
			if n < 10 || len(s.Snapshots) != 1 {
				t.Fatalf("%d faults, %d snapshots are left", n, len(s.Snapshots))
			}
			return
		}
	}
}

func TestAbortPrepared(t *testing.T) {
	ctx := context.Background()
	be := preparedBench(t)
	out, err := be.open(t).Abort(ctx)
	must(t, err)
	if was := out.Prepared; was == nil || was.Level != 1 || was.Bytes == 0 {
		t.Errorf("dropped %+v", was)
	}
	if ok, err := backup.Prepared(be.open(t).tree); ok || err != nil {
		t.Errorf("it is still there: %v", err)
	}
	if out, err = be.open(t).Abort(ctx); err != nil || out.Prepared != nil {
		t.Errorf("a second time: %+v, %v", out, err)
	}
}

// TestWholeMS: what was exchanged faster than in a millisecond has still been measured.
func TestWholeMS(t *testing.T) {
	for d, want := range map[time.Duration]int64{0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, 50 * time.Millisecond: 50} {
		if got := WholeMS(d); got != want {
			t.Errorf("%v: got %d, want %d", d, got, want)
		}
	}
}

// TestNewest: the newest entries come first, a torn line and those of others are passed over,
// and of a long history no more is read than its end.
func TestNewest(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"lib/core.jar": "\x00one"})
	be.adopt(t)
	u := be.open(t)
	levels := func() (got []int64) {
		newest, err := u.newest()
		must(t, err)
		for e := range newest {
			got = append(got, e.To)
		}
		return got
	}
	const path = "updates/history.jsonl"
	must(t, os.Remove(be.path(path)))
	if got := levels(); len(got) > 0 {
		t.Errorf("no history: got %v", got)
	}
	for n := range int64(3) {
		must(t, appendHistory(u.tree, HistoryEntry{To: n}))
	}
	must(t, u.tree.AppendState(path, []byte("{\"schema\":\"of others\"}\n\n{\"schema\":\""+historySchema+"\",\"to\":9"), 0o600))
	if got := levels(); !slices.Equal(got, []int64{2, 1, 0}) {
		t.Errorf("got %v", got)
	}
	must(t, os.Remove(be.path(path)))
	const runs = 1000
	for n := range int64(runs) {
		must(t, appendHistory(u.tree, HistoryEntry{To: n, Reason: strings.Repeat("x", 300)}))
	}
	got := levels()
	if len(got) < forecastAge || len(got) > recentBytes/300 {
		t.Errorf("%d entries of %d", len(got), runs)
	}
	for i, n := range got {
		if n != int64(runs-1-i) {
			t.Fatalf("entry %d is that of %d", i, n)
		}
	}
}

func TestForecast(t *testing.T) {
	run := func(ms int64, changed int, result string) HistoryEntry {
		return HistoryEntry{Result: result, WindowMS: ms, Changed: changed}
	}
	tests := []struct {
		name     string
		history  []HistoryEntry
		paths    int
		ms       int64
		runs     int
		notThere bool
	}{
		{name: "nothing changes", notThere: true},
		{name: "nothing known", paths: 700, ms: 100},
		{name: "the middle of three", history: []HistoryEntry{run(9000, 100, "done"), run(50, 100, "done"), run(80, 100, "done"), run(200, 100, "done")}, paths: 100, ms: 80, runs: 3},
		{name: "more paths take longer", history: []HistoryEntry{run(100, 100, "done")}, paths: 700, ms: 250, runs: 1},
		{name: "few still wait for the disk", history: []HistoryEntry{run(100, 700, "done")}, paths: 1, ms: 30, runs: 1},
		{name: "what failed does not count", history: []HistoryEntry{run(900, 100, "failed, rolled back"), run(0, 100, "done"), run(70, 0, "done")}, paths: 100, ms: 40},
	}
	for _, tt := range tests {
		slices.Reverse(tt.history)
		got := forecast(slices.Values(tt.history), tt.paths)
		if tt.notThere {
			if got != nil {
				t.Errorf("%s: got %+v, want none", tt.name, got)
			}
			continue
		}
		if got == nil || got.MS != tt.ms || got.Runs != tt.runs {
			t.Errorf("%s: got %+v, want %d ms by %d", tt.name, got, tt.ms, tt.runs)
		}
	}
}
