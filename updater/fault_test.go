//go:build unix

package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"inplace/backup"
	"inplace/updater/journal"
)

// copyTree copies a tree with its modes, times, links and hard links. It starts no
// process: a child of one test would hold the locks of another until it execs.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.RemoveAll(to))
	names := map[uint64]string{}
	type stamp struct {
		path string
		at   time.Time
	}
	var stamps []stamp
	must(t, filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dst := to + strings.TrimPrefix(p, from)
		info, err := d.Info()
		if err != nil {
			return err
		}
		stamps = append(stamps, stamp{dst, info.ModTime()})
		switch {
		case d.IsDir():
			return errors.Join(os.Mkdir(dst, 0o700), os.Chmod(dst, info.Mode().Perm()))
		case info.Mode()&fs.ModeSymlink != 0:
			stamps = stamps[:len(stamps)-1]
			target, err := os.Readlink(p)
			return errors.Join(err, os.Symlink(target, dst), lchtimes(dst, info.ModTime()))
		}
		if ino := inode(info); names[ino] != "" {
			return os.Link(names[ino], dst)
		} else {
			names[ino] = dst
		}
		data, err := os.ReadFile(p)
		return errors.Join(err, os.WriteFile(dst, data, 0o600), os.Chmod(dst, info.Mode().Perm()))
	}))
	for i := len(stamps) - 1; i >= 0; i-- { // the deepest last, or its making changes the one above
		must(t, os.Chtimes(stamps[i].path, stamps[i].at, stamps[i].at))
	}
}

// TestFaults fails each change of an update, of a revert, of a run that prepares and of the
// one that takes what was prepared, once or from then on
// (which is what a kill looks like from the disk), and asserts that the fault fired.
// After a run that failed once the tree is old or new without recovery; in any case the
// next command makes it one of the two, and the next update leads to the new tree.
func TestFaults(t *testing.T) {
	for _, action := range []string{"update", "prepare", "take", "revert", "revert-to"} {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lasting=%v", action, lasting), func(t *testing.T) {
				t.Parallel()
				testFaults(t, action, lasting)
			})
		}
	}
}

func testFaults(t *testing.T, action string, lasting bool) {
	be := faultBench(t)
	testFaultsOf(t, action, lasting, 2, be, []string{be.home}, func(times bool) map[string]string { return look(t, be.home, times) })
}

// testFaultsOf is testFaults for an installation that lies in dirs and is described by look,
// at every stride-th point.
func testFaultsOf(t *testing.T, action string, lasting bool, stride int, be *bench, dirs []string, look func(times bool) map[string]string) {
	ctx := context.Background()
	start := filepath.Join(be.dir, "start")
	preparing := func(o *Options) { o.Prepare = true }
	if action == "take" {
		_, err := be.open(t, preparing).Update(ctx)
		must(t, err)
	}
	save := func() {
		for i, dir := range dirs {
			copyTree(t, dir, fmt.Sprint(start, i))
		}
	}
	save()
	old := look(true)
	_, err := be.open(t).Update(ctx)
	must(t, err)
	fresh := strip(look(true))
	run := func(u *Updater) error { _, err := u.Update(ctx); return err }
	if action == "revert" {
		slots, err := filepath.Glob(be.path("updates/backups/*/slots/*"))
		must(t, err)
		for _, slot := range slots { // which go live with the modes that are recorded
			if info, err := os.Lstat(slot); err == nil && info.Mode().IsRegular() {
				must(t, os.Chmod(slot, 0o777))
			}
		}
		save()
		run = func(u *Updater) error { _, err := u.Revert(ctx); return err }
	}
	to := ""
	if action == "revert-to" { // forward again, by copies of what the revert's snapshot holds
		out, err := be.open(t).Revert(ctx)
		must(t, err)
		to = out.Snapshot
		save()
		run = func(u *Updater) error { _, err := u.Revert(ctx); return err }
	}
	if testing.Short() {
		stride *= 4
	}
	points, first := 0, 1
	if lasting {
		first = 2 // every other point once, the ones between for good; the crash campaign takes all
	}
	for n := first; ; n += stride {
		for i, dir := range dirs {
			copyTree(t, fmt.Sprint(start, i), dir)
		}
		count, at := 0, ""
		var mu sync.Mutex // files are staged by several goroutines
		u := be.open(t, func(o *Options) {
			o.RevertTo, o.Prepare = to, action == "prepare"
			o.fault = func(op, path string) error {
				mu.Lock()
				defer mu.Unlock()
				count++
				if count == n || lasting && count > n {
					at = cmp.Or(at, op+" "+path)
					return errInjected
				}
				return nil
			}
		})
		err := run(u)
		u.Close()
		if at == "" {
			must(t, err)
			break
		}
		points++
		name := action + " at " + at
		is := func(when string) {
			t.Helper()
			got := look(true)
			if !reflect.DeepEqual(got, old) && !reflect.DeepEqual(strip(got), fresh) {
				same(t, name+" "+when+", against old", old, got)
				same(t, name+" "+when+", against new", fresh, strip(got))
				t.FailNow()
			}
		}
		if !lasting {
			is("without recovery")
		}
		s, err := be.open(t).Status(ctx)
		if err != nil || s.Open {
			t.Fatalf("%s: status: %v", name, err)
		}
		is("after recovery")
		if err := Guard(ctx, be.home, "test"); err != nil {
			t.Fatalf("%s: guard: %v", name, err)
		}
		if _, err := be.open(t).Update(ctx); err != nil {
			t.Fatalf("%s: the next update: %v", name, err)
		}
		same(t, name+" after the next update", fresh, strip(look(true)))
		if _, err := be.open(t).Revert(ctx); err != nil {
			t.Fatalf("%s: the next revert: %v", name, err)
		}
		same(t, name+" after the next revert", old, look(true))
	}
	least := 20
	if action == "prepare" { // it changes nothing live
		least = 15
	}
	if testing.Short() {
		least = 5
	}
	if points < least {
		t.Errorf("only %d points were reached", points)
	}
	t.Logf("%d points", points)
}

// TestPromotionLost takes back an update that a power cut has left with a directory it made,
// and without the promotion it did before.
func TestPromotionLost(t *testing.T) {
	be := faultBench(t)
	old := look(t, be.home, true)
	var mu sync.Mutex // files are staged by several goroutines
	dead := false
	u := be.open(t, func(o *Options) {
		o.fault = func(op, path string) error {
			mu.Lock()
			defer mu.Unlock()
			if dead = dead || op == "mkdir" && path == "empty2/deep"; dead {
				return errInjected
			}
			return nil
		}
	})
	_, err := u.Update(context.Background())
	rec, _ := journal.Read(u.tree)
	u.Close()
	if err == nil || rec == nil {
		t.Fatalf("want a run that died in the middle, got %v, journal %v", err, rec)
	}
	rec.Undo = true
	must(t, os.WriteFile(filepath.Join(be.home, "updates/journal"), rec.Marshal(), 0o600))
	must(t, os.Rename(filepath.Join(be.home, backup.SnapshotsDir, rec.ID), filepath.Join(be.home, backup.StageDir)))
	if _, err := os.Stat(filepath.Join(be.home, "empty2")); err != nil {
		t.Fatal(err)
	}
	if _, err := be.open(t).Status(context.Background()); err != nil {
		t.Fatal(err)
	}
	same(t, "recovered", old, look(t, be.home, true))
	text, err := os.ReadFile(filepath.Join(be.home, "updates/logs", rec.ID+".md"))
	if err != nil || !strings.Contains(string(text), "undone after an interruption") || !strings.Contains(string(text), "all of it was taken back") {
		t.Errorf("the summary of the recovery: %v\n%s", err, text)
	}
}
