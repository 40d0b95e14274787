package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func dirsBench(t *testing.T) *bench {
	be := newBench(t, sampleProduct,
		tree{"conf/deep/a.conf": "a=1\n", "doc/in/a.txt": "one\n", "dd/one": "x\n", "dd/sub/two": "x\n", "ff": "f\n", "lib/a.jar": "\x00a"},
		tree{"conf/deep/a.conf": "a=2\n", "doc/in/a.txt": "two\n", "dd": "a file\n", "ff/in/side": "s\n", "lib/a.jar": "\x00a2"})
	be.adopt(t)
	return be
}

// A directory that was removed since is made again for what is put back below it.
func TestRevertRemovedDir(t *testing.T) {
	ctx := context.Background()
	for _, to := range []bool{false, true} {
		be := dirsBench(t)
		must(t, os.Chmod(filepath.Join(be.home, "doc/in"), 0o710))
		must(t, os.Chmod(filepath.Join(be.home, "conf/deep"), 0o700))
		before := strip(look(t, be.home, true))
		up, err := be.open(t).Update(ctx)
		must(t, err)
		must(t, os.RemoveAll(filepath.Join(be.home, "doc")))
		must(t, os.RemoveAll(filepath.Join(be.home, "conf/deep")))
		edited := strip(look(t, be.home, true))
		named := func(o *Options) {
			if to {
				o.RevertTo = up.Snapshot
			}
		}
		_, err = be.open(t, named).DryRevert(ctx)
		must(t, err)
		out, err := be.open(t, named).Revert(ctx)
		must(t, err)
		same(t, "back", before, strip(look(t, be.home, true)))
		_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
		must(t, err)
		same(t, "and forward again", edited, strip(look(t, be.home, true)))
	}
}

// What stands where a directory was is named, by the dry run too, and nothing changes.
func TestRevertDirInTheWay(t *testing.T) {
	ctx := context.Background()
	be := dirsBench(t)
	_, err := be.open(t).Update(ctx)
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(be.home, "doc")))
	tree{"doc": "mine\n"}.write(t, be.home)
	before := look(t, be.home, true)
	for _, set := range []func(*Options){func(*Options) {}, func(o *Options) { o.Exact = true }} {
		plan, err := be.open(t, set).DryRevert(ctx)
		must(t, err)
		if len(plan.Findings) != 1 || plan.Findings[0].Path != "doc" || plan.Findings[0].Hint == "" {
			t.Errorf("the dry run found %+v, want doc in the way", plan.Findings)
		}
		var in *PreflightError
		if _, err := be.open(t, set).Revert(ctx); !errors.As(err, &in) || len(in.Findings) != 1 || in.Findings[0].Path != "doc" {
			t.Errorf("got %v, want doc in the way", err)
		}
		same(t, "refused", before, look(t, be.home, true))
	}
}

// What is the operator's own at a path that was or becomes a directory is a conflict where
// edits are kept, and stays or goes as that is decided.
func TestRevertKeepEditsDirs(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		edit tree
		gone string
		path string
		why  string
		ours map[string]string // what stays where it is decided so
		gets string            // what path becomes otherwise
	}{
		"one below":      {edit: tree{"ff/in/mine": "mine\n"}, path: "ff", why: "ff/in/mine", ours: map[string]string{"ff/in/mine": "mine\n"}, gets: "f\n"},
		"a file instead": {edit: tree{"ff": "mine\n"}, gone: "ff", path: "ff", why: "in the place", ours: map[string]string{"ff": "mine\n"}, gets: "f\n"},
		"an edited file": {edit: tree{"dd": "mine\n"}, path: "dd", why: "another kind", ours: map[string]string{"dd": "mine\n"}},
	} {
		for _, side := range []string{"", "ours", "theirs"} {
			be := dirsBench(t)
			shipped := strip(look(t, be.home, true))
			_, err := be.open(t).Update(ctx)
			must(t, err)
			if c.gone != "" {
				must(t, os.RemoveAll(filepath.Join(be.home, c.gone)))
			}
			c.edit.write(t, be.home)
			before := look(t, be.home, true)
			decide := func(o *Options) { o.OnConflict = side }
			plan, err := be.open(t, keepEdits, decide).DryRevert(ctx)
			must(t, err)
			if len(plan.Findings) > 0 {
				t.Errorf("%s for %q: found %+v", name, side, plan.Findings)
			}
			out, err := be.open(t, keepEdits, decide).Revert(ctx)
			switch side {
			case "":
				var conflict *ConflictError
				if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 || string(conflict.Conflicts[0].Path) != c.path || !strings.Contains(conflict.Conflicts[0].Reason, c.why) {
					t.Errorf("%s: got %v, want one conflict of %s about %q", name, err, c.path, c.why)
				}
				if len(plan.Conflicts) != 1 {
					t.Errorf("%s: the dry run has %d conflicts, want 1", name, len(plan.Conflicts))
				}
				same(t, name, before, look(t, be.home, true))
			case "ours":
				must(t, err)
				for path, want := range c.ours {
					if got := read(t, be, path); got != want {
						t.Errorf("%s for ours: %s: got %q, want %q", name, path, got, want)
					}
				}
				if got := read(t, be, "lib/a.jar"); got != "\x00a" {
					t.Errorf("%s for ours: lib/a.jar: got %q", name, got)
				}
				_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
				must(t, err)
				same(t, name+" and forward again", strip(before), strip(look(t, be.home, true)))
			case "theirs":
				must(t, err)
				same(t, name+" for theirs", shipped, strip(look(t, be.home, true)))
			}
		}
	}
}
