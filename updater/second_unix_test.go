//go:build unix

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
	"inplace/backup/fsys"
)

// secondBench is an installation whose snapshots are to be copied to also.
func secondBench(t *testing.T) (be *bench, also string) {
	t.Helper()
	be = newBench(t, sampleProduct,
		tree{"conf/server.conf": "port=1\n\n\n\nhost=a\n", "lib/core.jar": "\x00one", "lib/link.jar": "-> core.jar", "data/seed.db": "seed", "webapps/app.war": "\x00war1"},
		tree{"conf/server.conf": "port=1\n\n\n\nhost=b\n", "lib/core.jar": "\x00two", "data/seed.db": "seed", "webapps/app.war": "\x00war2"},
		tree{"conf/server.conf": "port=1\n\n\n\nhost=c\n", "lib/core.jar": "\x00three", "data/seed.db": "seed", "webapps/app.war": "\x00war2"})
	tree{"conf/server.conf": "port=9\n\n\n\nhost=a\n", "webapps/app/index.html": "made\n", "webapps/app/run.sh": "0755 made\n"}.write(t, be.home)
	be.adopt(t)
	also = filepath.Join(be.dir, "also")
	must(t, os.Mkdir(also, 0o700))
	be.settle(t, "backup: {data: copy, also: "+also+"}\n")
	return be, also
}

func toLevel(n int64) func(*Options) { return func(o *Options) { o.Level, o.HasLevel = n, true } }

// TestSecondCopy: each run's snapshot is there twice; the second is what the first is, and
// brings everything back once the first is lost.
func TestSecondCopy(t *testing.T) {
	be, also := secondBench(t)
	before := strip(look(t, be.home, true))
	ctx := context.Background()
	out, err := be.open(t, toLevel(1)).Update(ctx)
	must(t, err)
	if len(out.Warnings) > 0 || !strings.HasPrefix(out.Second, also+string(os.PathSeparator)+"home-") {
		t.Fatalf("got %q, %q", out.Second, out.Warnings)
	}
	mine, second := filepath.Join(be.home, backup.SnapshotsDir), filepath.Join(out.Second, backup.SnapshotsDir)
	same(t, "the second copy", look(t, filepath.Join(second, out.Snapshot), true), look(t, filepath.Join(mine, out.Snapshot), true))

	must(t, os.RemoveAll(filepath.Join(mine, out.Snapshot)))
	must(t, os.CopyFS(filepath.Join(mine, out.Snapshot), os.DirFS(filepath.Join(second, out.Snapshot)))) // without times and links
	copyTree(t, filepath.Join(second, out.Snapshot), filepath.Join(mine, out.Snapshot))
	_, err = be.open(t).Revert(ctx)
	must(t, err)
	same(t, "reverted by the second copy", strip(look(t, be.home, true)), before)

	b, err := be.open(t).VerifyBackups(ctx)
	must(t, err)
	if b.Second != 2 { // the update's and the revert's
		t.Errorf("%d second copies were compared", b.Second)
	}
	damaged := filepath.Join(second, out.Snapshot, "slots")
	names, err := os.ReadDir(damaged)
	must(t, err)
	for _, n := range names {
		if n.Type().IsRegular() {
			must(t, os.Chmod(filepath.Join(damaged, n.Name()), 0o600))
			must(t, os.WriteFile(filepath.Join(damaged, n.Name()), []byte("damaged"), 0o600))
			break
		}
	}
	var bad *backup.DamagedError
	if _, err := be.open(t).VerifyBackups(ctx); !errors.As(err, &bad) || !strings.Contains(bad.In, also) {
		t.Errorf("a damaged second copy: got %v", err)
	}
}

// TestSecondCopyCatchesUp: what could not be copied is said, fails nothing, and is copied by
// the next run.
func TestSecondCopyCatchesUp(t *testing.T) {
	be, also := secondBench(t)
	ctx := context.Background()
	gone := false
	out, err := be.open(t, toLevel(1), func(o *Options) {
		o.Report = func(e Event) {
			if e.Phase == PhaseCommit && !gone { // the disk goes away after the plan was made
				gone = true
				must(t, os.Rename(also, also+".away"))
			}
		}
	}).Update(ctx)
	must(t, err)
	if !gone || out.Second != "" || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "no second copy of snapshot "+out.Snapshot) {
		t.Fatalf("got %q, %q", out.Second, out.Warnings)
	}
	first := out.Snapshot
	must(t, os.Rename(also+".away", also))
	out, err = be.open(t, toLevel(2)).Update(ctx)
	must(t, err)
	for _, id := range []string{first, out.Snapshot} {
		if _, err := os.Stat(filepath.Join(out.Second, backup.SnapshotsDir, id, "snapshot.yaml")); err != nil {
			t.Error(err)
		}
	}
}

// TestSecondCopyOffered: what refuses a damaged snapshot names its second copy, if that is
// whole; copied over it as the error says, it mends it.
func TestSecondCopyOffered(t *testing.T) {
	be, _ := secondBench(t)
	before := strip(look(t, be.home, true))
	ctx := context.Background()
	out, err := be.open(t, toLevel(1)).Update(ctx)
	must(t, err)
	mine := filepath.Join(be.home, backup.SnapshotsDir, out.Snapshot)
	second := filepath.Join(out.Second, backup.SnapshotsDir, out.Snapshot)
	// slotOf is the slot of a snapshot that keeps text.
	slotOf := func(snapshot, text string) string {
		names, err := os.ReadDir(filepath.Join(snapshot, "slots"))
		must(t, err)
		for _, n := range names {
			p := filepath.Join(snapshot, "slots", n.Name())
			if data, err := os.ReadFile(p); err == nil && string(data) == text {
				return p
			}
		}
		t.Fatalf("no slot of %s has %q", snapshot, text)
		return ""
	}
	offered := func(what string, err error) []backup.Second {
		var bad *backup.DamagedError
		if !errors.As(err, &bad) || bad.ID != out.Snapshot {
			t.Fatalf("%s: got %v, want %s damaged", what, err, out.Snapshot)
		}
		return bad.Whole
	}
	want := []backup.Second{{From: second, To: mine}}
	must(t, os.WriteFile(slotOf(mine, "\x00one"), []byte("bad"), 0o644))
	_, err = be.open(t).Revert(ctx)
	if got := offered("a revert", err); !slices.Equal(got, want) {
		t.Errorf("a revert offers %v, want %v", got, want)
	}
	_, err = be.open(t).VerifyBackups(ctx)
	if got := offered("backups verify", err); !slices.Equal(got, want) {
		t.Errorf("backups verify offers %v, want %v", got, want)
	}

	slot := slotOf(second, "\x00one")
	must(t, os.WriteFile(slot, []byte("bad"), 0o644))
	_, err = be.open(t).Revert(ctx)
	if got := offered("with both damaged", err); got != nil {
		t.Errorf("offers %v, which is damaged too", got)
	}
	must(t, os.WriteFile(slot, []byte("\x00one"), 0o644))

	copyTree(t, want[0].From, want[0].To)
	_, err = be.open(t).Revert(ctx)
	must(t, err)
	same(t, "reverted by the second copy", strip(look(t, be.home, true)), before)
}

// TestSecondCopyPreflight: what stands in the way of the second copy is found before the
// first change, and does not stand in the way back.
func TestSecondCopyPreflight(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		arrange func(t *testing.T, also, home string)
		want    string
	}{
		"missing": {func(t *testing.T, also, _ string) { must(t, os.Remove(also)) }, "no such file or directory"},
		"a file": {func(t *testing.T, also, _ string) {
			must(t, os.Remove(also))
			must(t, os.WriteFile(also, nil, 0o600))
		}, "not a directory"},
		"in the installation": {func(t *testing.T, also, home string) {
			must(t, os.Remove(also))
			must(t, os.Symlink(filepath.Join(home, "lib"), also))
		}, "lies in the installation itself"},
	} {
		t.Run(name, func(t *testing.T) {
			be, also := secondBench(t)
			_, err := be.open(t, toLevel(1)).Update(ctx)
			must(t, err)
			must(t, os.Rename(also, also+".kept"))
			must(t, os.Mkdir(also, 0o700))
			c.arrange(t, also, be.home)
			before := strip(look(t, be.home, true))
			var found *PreflightError
			if _, err := be.open(t, toLevel(2)).Update(ctx); !errors.As(err, &found) || !strings.Contains(found.Findings[0].Reason, c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			same(t, "refused", strip(look(t, be.home, true)), before)
			out, err := be.open(t).Revert(ctx)
			must(t, err)
			if len(out.Warnings) == 0 {
				t.Error("the revert did not say that it made no second copy")
			}
			if left, err := filepath.Glob(filepath.Join(be.home, "lib", "home-*")); err != nil || len(left) > 0 {
				t.Errorf("made in the installation: %q, %v", left, err)
			}
		})
	}
}

// TestSecondCopyFaults fails each operation on the way of the second copy in turn: the
// update stands, and the next run leads to a whole copy.
func TestSecondCopyFaults(t *testing.T) {
	be, _ := secondBench(t)
	ctx := context.Background()
	out, err := be.open(t, toLevel(1)).Update(ctx)
	must(t, err)
	must(t, os.Mkdir(filepath.Join(be.dir, "faults"), 0o700))
	to, err := fsys.Open(filepath.Join(be.dir, "faults"))
	must(t, err)
	defer to.Close()
	from := be.open(t).tree
	for n := 1; ; n++ {
		count, fired := 0, false
		to.Fault = func(string, string) error {
			if count++; count == n {
				fired = true
				return errInjected
			}
			return nil
		}
		_, err := backup.CopyTo(from, out.Snapshot, to)
		to.Fault = nil
		if !fired {
			must(t, err)
			if n < 20 {
				t.Fatalf("only %d operations were counted", n)
			}
			return
		}
		ids, listErr := backup.List(to)
		must(t, listErr)
		if err == nil && len(ids) == 0 {
			t.Fatalf("fault %d was swallowed", n)
		}
		if len(ids) > 0 { // it has its name: then it is whole
			snap, err := backup.Load(to, out.Snapshot)
			must(t, err)
			faults, err := snap.Check(to, true, nil)
			must(t, err)
			if len(faults) > 0 {
				t.Fatalf("fault %d left %v", n, faults)
			}
			must(t, to.RemoveAll(backup.SnapshotsDir))
		}
	}
}
