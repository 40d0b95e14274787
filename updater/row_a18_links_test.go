//go:build unix

package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestA18LinkInTheWay puts links where the release has directories and files: nothing is
// written through one; the preflight names it, or it is the operator's edit.
func TestA18LinkInTheWay(t *testing.T) {
	ctx := context.Background()
	old := tree{"lib/a.jar": "\x00one", "lib/sub/b.jar": "\x00one", "conf/x.conf": "a=1\n", "bin/start.sh": "0755 one\n"}
	fresh := tree{"lib/a.jar": "\x00two", "lib/sub/b.jar": "\x00two", "lib/sub/new/c.jar": "\x00c", "conf/x.conf": "a=2\n", "bin/start.sh": "0755 two\n"}
	for _, c := range []struct{ path, says string }{
		{"lib", "lib: is a symbolic link"},
		{"lib/sub", "lib/sub: is a symbolic link"},
		{"conf", "conf: is a symbolic link"},
		{"lib/a.jar", "conflict"},
		{"conf/x.conf", "conflict"},
	} {
		be := newBench(t, sampleProduct, old, fresh)
		be.adopt(t)
		outside := filepath.Join(be.dir, "outside")
		at := filepath.Join(be.home, c.path)
		must(t, os.Rename(at, outside))
		must(t, os.Symlink(outside, at))
		before, beyond := look(t, be.home, true), look(t, outside, true)
		plan, err := be.open(t).DryRun(ctx)
		must(t, err)
		if len(plan.Findings)+len(plan.Conflicts) == 0 {
			t.Errorf("%s: the dry run has nothing to say", c.path)
		}
		_, err = be.open(t).Update(ctx)
		var found *PreflightError
		var conflict *ConflictError
		switch {
		case errors.As(err, &found), errors.As(err, &conflict):
			if text := err.Error(); !strings.Contains(text, c.says) {
				t.Errorf("%s: want %q, got %q", c.path, c.says, text)
			}
		default:
			t.Errorf("%s: want it found before anything is changed, got %v", c.path, err)
		}
		same(t, c.path, before, look(t, be.home, true))
		same(t, c.path+", outside", beyond, look(t, outside, true))
	}
}
