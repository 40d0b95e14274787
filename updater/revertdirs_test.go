package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
