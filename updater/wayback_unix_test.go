//go:build unix

package updater

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inplace/backup"
)

// TestPruneKeepsTheWay: where the snapshot that led here was taken over by a revert which was
// taken back itself, the way goes by that revert's, and it stays.
func TestPruneKeepsTheWay(t *testing.T) {
	be, _ := secondBench(t)
	withoutData(t, be)
	ctx := context.Background()
	_, err := be.open(t, toLevel(2)).Update(ctx)
	must(t, err)
	at2 := strip(look(t, be.home, true))
	out, err := be.open(t).Revert(ctx)
	must(t, err)
	before := strip(look(t, be.home, true))
	forward, err := be.open(t, func(o *Options) { o.RevertTo = out.Snapshot }).Revert(ctx)
	must(t, err)
	same(t, "forward again", strip(look(t, be.home, true)), at2)
	listed, err := be.open(t).Backups(ctx)
	must(t, err)
	for _, s := range listed.Snapshots {
		if s.Current != (s.ID == forward.Snapshot) {
			t.Errorf("%s: current is %v, and the way leads over %s", s.ID, s.Current, forward.Snapshot)
		}
	}
	one := 1
	b, err := be.open(t).PruneBackups(ctx, PruneOptions{Keep: &one})
	must(t, err)
	if slices.Contains(b.Removed, out.Snapshot) {
		t.Errorf("removed %q, by which the way leads back", b.Removed)
	}
	_, err = be.open(t).Revert(ctx)
	must(t, err)
	same(t, "back", strip(look(t, be.home, true)), before)
}

// withoutData has snapshots keep no data, so that a revert takes them over, and two of them.
func withoutData(t *testing.T, be *bench) {
	t.Helper()
	settings, err := os.ReadFile(be.path(settingsPath))
	must(t, err)
	must(t, os.WriteFile(be.path(settingsPath), []byte(strings.Replace(string(settings), "data: copy,", "keep: 2,", 1)), 0o644))
}

// TestSecondCopiesStay: what a revert has taken over here makes no second copy go whose
// snapshot is still kept.
func TestSecondCopiesStay(t *testing.T) {
	be, _ := secondBench(t)
	withoutData(t, be)
	ctx := context.Background()
	for _, level := range []int64{1, 2} {
		_, err := be.open(t, toLevel(level)).Update(ctx)
		must(t, err)
	}
	out, err := be.open(t).Revert(ctx)
	must(t, err)
	ids, err := backup.List(be.open(t).tree)
	must(t, err)
	names, err := os.ReadDir(filepath.Join(out.Second, backup.SnapshotsDir))
	must(t, err)
	var there []string
	for _, n := range names {
		there = append(there, n.Name())
	}
	for _, id := range ids {
		if !slices.Contains(there, id) {
			t.Errorf("%s has no second copy any more, of %s", id, strings.Join(there, ", "))
		}
	}
}

// TestRevertToTimes: a file comes back with its time where its bytes were put there again
// since.
func TestRevertToTimes(t *testing.T) {
	be, _ := secondBench(t)
	ctx := context.Background()
	jar := be.path("lib/core.jar")
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	must(t, os.Chtimes(jar, old, old))
	first, err := be.open(t, toLevel(1)).Update(ctx)
	must(t, err)
	_, err = be.open(t, toLevel(0)).Update(ctx)
	must(t, err)
	if info, err := os.Stat(jar); err != nil || info.ModTime().Equal(old) {
		t.Fatalf("the file was not put there again: %v, %v", info, err)
	}
	_, err = be.open(t, func(o *Options) { o.RevertTo = first.Snapshot }).Revert(ctx)
	must(t, err)
	if info, err := os.Stat(jar); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("got %v, %v, want the time %v", info.ModTime(), err, old)
	}
}

// TestHeadless: the snapshot that is next to take back is damaged, and no leftover, where its
// head is gone.
func TestHeadless(t *testing.T) {
	be, _ := secondBench(t)
	ctx := context.Background()
	out, err := be.open(t, toLevel(1)).Update(ctx)
	must(t, err)
	must(t, os.Remove(be.path(backup.SnapshotsDir+"/"+out.Snapshot+"/snapshot.yaml")))
	_, err = be.open(t).VerifyBackups(ctx)
	var bad *backup.DamagedError
	if !errors.As(err, &bad) || bad.ID != out.Snapshot || len(bad.Whole) == 0 {
		t.Fatalf("got %v, %+v, want the snapshot damaged, and its second copy", err, bad)
	}
	copyTree(t, bad.Whole[0].From, bad.Whole[0].To)
	_, err = be.open(t).VerifyBackups(ctx)
	must(t, err)
}

// TestTakenBackOverEdits: of what restore.sh took out of the way no list has the digest, if it was
// edited, and so it is not called damaged without more ado.
func TestTakenBackOverEdits(t *testing.T) {
	be, _ := secondBench(t)
	ctx := context.Background()
	out, err := be.open(t, toLevel(1)).Update(ctx)
	must(t, err)
	must(t, os.WriteFile(be.path("lib/core.jar"), []byte("mine"), 0o644))
	text, err := exec.Command("sh", be.path(backup.SnapshotsDir+"/"+out.Snapshot+"/restore.sh")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	_, err = be.open(t).VerifyBackups(ctx)
	var bad *backup.DamagedError
	if !errors.As(err, &bad) || !bad.Turned || len(bad.Paths) != 1 || !strings.Contains(err.Error(), "holds edits that restore.sh took out of the way, or is damaged: lib/core.jar: ") {
		t.Errorf("got %v", err)
	}
}
