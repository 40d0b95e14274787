package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func editsBench(t *testing.T) *bench {
	be := newBench(t, sampleProduct,
		tree{"conf/a.conf": "port=1\nx\ny\nz\nhost=a\n", "conf/same.conf": "s=1\n", "lib/a.jar": "\x00a", "lib/b.jar": "\x00b", "run.sh": "0644 one\n", "gone.txt": "gone\n"},
		tree{"conf/a.conf": "port=1\nx\ny\nz\nhost=b\n", "conf/same.conf": "s=1\n", "lib/a.jar": "\x00a2", "lib/b.jar": "\x00b2", "run.sh": "0755 two\n", "new.txt": "new\n"})
	tree{"conf/a.conf": "port=7\nx\ny\nz\nhost=a\n"}.write(t, be.home)
	be.adopt(t)
	_, err := be.open(t).Update(context.Background())
	must(t, err)
	return be
}

func read(t *testing.T, be *bench, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(be.home, path))
	must(t, err)
	return string(data)
}

func keepEdits(o *Options) { o.KeepEdits = true }

// What was edited since the update is merged into what is put back, also into a file that
// the update had merged.
func TestRevertKeepEdits(t *testing.T) {
	ctx := context.Background()
	be := editsBench(t)
	tree{"conf/a.conf": "port=8\nx\ny\nz\nhost=b\n", "conf/same.conf": "s=2\n"}.write(t, be.home)
	must(t, os.Chmod(filepath.Join(be.home, "lib/b.jar"), 0o640))
	before := look(t, be.home, true)
	plan, err := be.open(t, keepEdits).DryRevert(ctx)
	must(t, err)
	same(t, "after the dry run", before, look(t, be.home, true))
	if n := plan.Count()[Merge]; n != 1 || len(plan.Conflicts) != 0 {
		t.Fatalf("want one merge and no conflict, got %d, %+v", n, plan.Conflicts)
	}
	out, err := be.open(t, keepEdits).Revert(ctx)
	must(t, err)
	for path, want := range map[string]string{"conf/a.conf": "port=8\nx\ny\nz\nhost=a\n", "conf/same.conf": "s=2\n", "lib/b.jar": "\x00b", "gone.txt": "gone\n"} {
		if got := read(t, be, path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if info, err := os.Stat(filepath.Join(be.home, "lib/b.jar")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode given since: got %v, %v", info.Mode(), err)
	}
	_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
	must(t, err)
	same(t, "and forward again", strip(before), strip(look(t, be.home, true)))
}

// Each kind of edit that contradicts going back is a conflict, changes nothing, and may be
// decided for one side.
func TestRevertKeepEditsConflicts(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, one after the other: nothing for the race detector")
	}
	ctx := context.Background()
	for name, c := range map[string]struct {
		edit  tree
		gone  string
		path  string
		why   string
		after map[string]string // by the side that decides
	}{
		"the same line":        {edit: tree{"conf/a.conf": "port=7\nx\ny\nz\nhost=mine\n"}, path: "conf/a.conf", why: "line 5", after: map[string]string{"ours": "port=7\nx\ny\nz\nhost=mine\n", "theirs": "port=7\nx\ny\nz\nhost=a\n"}},
		"a binary":             {edit: tree{"lib/a.jar": "\x00mine"}, path: "lib/a.jar", why: "binary", after: map[string]string{"ours": "\x00mine", "theirs": "\x00a"}},
		"removed by the way":   {edit: tree{"new.txt": "mine\n"}, path: "new.txt", why: "removes it", after: map[string]string{"ours": "mine\n", "theirs": ""}},
		"there is one already": {edit: tree{"gone.txt": "mine\n"}, path: "gone.txt", why: "your own", after: map[string]string{"ours": "mine\n", "theirs": "gone\n"}},
		"deleted":              {gone: "run.sh", path: "run.sh", why: "you deleted it", after: map[string]string{"ours": "", "theirs": "one\n"}},
	} {
		for _, side := range []string{"", "ours", "theirs"} {
			be := editsBench(t)
			c.edit.write(t, be.home)
			if c.gone != "" {
				must(t, os.Remove(filepath.Join(be.home, c.gone)))
			}
			before := look(t, be.home, true)
			out, err := be.open(t, keepEdits, func(o *Options) { o.OnConflict = side }).Revert(ctx)
			if side == "" {
				var conflict *ConflictError
				if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 || string(conflict.Conflicts[0].Path) != c.path || !strings.Contains(conflict.Conflicts[0].Reason, c.why) {
					t.Errorf("%s: got %v, want one conflict of %s about %q", name, err, c.path, c.why)
				}
				same(t, name, before, look(t, be.home, true))
				continue
			}
			if err != nil {
				t.Errorf("%s for %s: %v, %+v", name, side, err, out.Plan.Conflicts)
				continue
			}
			data, _ := os.ReadFile(filepath.Join(be.home, c.path))
			if got := string(data); got != c.after[side] {
				t.Errorf("%s for %s: got %q, want %q", name, side, got, c.after[side])
			}
		}
	}
}

// --exact puts back configuration that the update did not touch; what was made since stays.
func TestRevertExact(t *testing.T) {
	ctx := context.Background()
	be := newBench(t, sampleProduct,
		tree{"conf/a.conf": "a=1\n", "conf/same.conf": "s=1\n", "conf/edited.conf": "e=1\n", "conf/deep/x.conf": "x=1\n", "lib/a.jar": "\x00a"},
		tree{"conf/a.conf": "a=2\n", "conf/same.conf": "s=1\n", "conf/edited.conf": "e=1\n", "conf/deep/x.conf": "x=1\n", "lib/a.jar": "\x00a2"})
	tree{"conf/edited.conf": "0640 e=mine\n", "conf/mine.conf": "mine\n", "conf/link.conf": "-> mine.conf", "conf/lost.conf": "-> nowhere", "conf/own/in/x.conf": "x\n"}.write(t, be.home)
	must(t, os.Chmod(filepath.Join(be.home, "conf/own"), 0o700))
	must(t, os.Chmod(filepath.Join(be.home, "conf/deep"), 0o750))
	be.adopt(t)
	before := strip(look(t, be.home, true))
	_, err := be.open(t).Update(ctx)
	must(t, err)
	tree{"conf/edited.conf": "e=later\n", "conf/same.conf": "s=later\n", "conf/later.conf": "later\n", "conf/link.conf": "-> later.conf", "conf/new.conf": "-> a.conf"}.write(t, be.home)
	must(t, os.Remove(filepath.Join(be.home, "conf/mine.conf")))
	must(t, os.Remove(filepath.Join(be.home, "conf/lost.conf")))
	must(t, os.RemoveAll(filepath.Join(be.home, "conf/deep")))
	must(t, os.RemoveAll(filepath.Join(be.home, "conf/own")))
	edited := strip(look(t, be.home, true))
	out, err := be.open(t, func(o *Options) { o.Exact = true }).Revert(ctx)
	must(t, err)
	got := strip(look(t, be.home, true))
	for _, since := range []string{"conf/later.conf", "conf/new.conf"} {
		before[since] = got[since]
		listed := slices.ContainsFunc(out.Plan.Steps, func(s Step) bool { return string(s.Path) == since && s.Action == Keep })
		if got[since] == "" || !listed {
			t.Errorf("%s, made since, is %q, and listed: %v", since, got[since], listed)
		}
	}
	same(t, "exact", before, got)
	_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
	must(t, err)
	same(t, "and forward again", edited, strip(look(t, be.home, true)))
}

// --exact puts back the bytes as well of what the update gave other permissions only, and
// those of the very snapshot where a later change has been at the file.
func TestRevertExactTouched(t *testing.T) {
	ctx := context.Background()
	exact := func(o *Options) { o.Exact = true }
	be := newBench(t, sampleProduct,
		tree{"conf/mode.conf": "0640 m=1\n", "conf/gone.conf": "0640 g=1\n", "conf/late.conf": "l=1\n", "lib/a.jar": "\x00a"},
		tree{"conf/mode.conf": "0600 m=1\n", "conf/gone.conf": "0600 g=1\n", "conf/late.conf": "l=1\n", "lib/a.jar": "\x00b"},
		tree{"conf/mode.conf": "0600 m=1\n", "conf/gone.conf": "0600 g=1\n", "conf/late.conf": "l=1\n\n\n\nnew=1\n", "lib/a.jar": "\x00c"})
	tree{"conf/gone.conf": "0640 g=mine\n"}.write(t, be.home)
	be.adopt(t)
	before := strip(look(t, be.home, true))
	level := func(n int64) func(*Options) { return func(o *Options) { o.Level, o.HasLevel = n, true } }
	up, err := be.open(t, level(1)).Update(ctx)
	must(t, err)
	tree{"conf/mode.conf": "0600 m=later\n", "conf/late.conf": "l=later\n"}.write(t, be.home)
	must(t, os.Remove(filepath.Join(be.home, "conf/gone.conf")))
	edited := strip(look(t, be.home, true))
	out, err := be.open(t, exact).Revert(ctx)
	must(t, err)
	same(t, "exact", before, strip(look(t, be.home, true)))
	_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
	must(t, err)
	same(t, "and forward again", edited, strip(look(t, be.home, true)))
	_, err = be.open(t, level(2)).Update(ctx)
	must(t, err)
	_, err = be.open(t, revertTo(up.Snapshot), exact).Revert(ctx)
	must(t, err)
	same(t, "exact over two", before, strip(look(t, be.home, true)))
}
