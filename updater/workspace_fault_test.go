//go:build unix

package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"inplace/updater/conflict"
)

// twoConflicts has a text with two places, and a file deleted here that the vendor changes.
func twoConflicts(t *testing.T) *bench {
	be := newBench(t, sampleProduct,
		tree{"conf/a.conf": "port=1\nx=1\ny=1\nz=1\nhost=a\n", "conf/gone.conf": "1\n", "lib/a.jar": "\x00a"},
		tree{"conf/a.conf": "port=2\nx=1\ny=1\nz=1\nhost=b\n", "conf/gone.conf": "2\n", "lib/a.jar": "\x00b"})
	tree{"conf/a.conf": "port=3\nx=1\ny=1\nz=1\nhost=c\n", "conf/own.conf": "own\n"}.write(t, be.home)
	must(t, os.Remove(filepath.Join(be.home, "conf/gone.conf")))
	be.adopt(t)
	return be
}

// TestWorkspaceFaults fails each write of laying out the workspace, of a decision, of
// going on (before anything is live) and of throwing it away, once and for good. The
// installation is untouched or new, and the next commands decide, go on and finish as if
// nothing had been.
func TestWorkspaceFaults(t *testing.T) {
	ctx := context.Background()
	decideAll := func(u *Updater) error {
		_, err := u.Resolve(ctx, ResolveOptions{Path: "conf/a.conf", Take: "ours"})
		if err == nil {
			_, err = u.Resolve(ctx, ResolveOptions{Path: "conf/gone.conf", Take: "ours", Why: "not here"})
		}
		return err
	}
	lay := func(u *Updater) error {
		_, err := u.Update(ctx)
		var conflicts *ConflictError
		if errors.As(err, &conflicts) {
			return nil
		}
		return err
	}
	for _, c := range []struct {
		name    string
		prepare []func(*Updater) error
		run     func(*Updater) error
		live    bool // run may lead to the new level
	}{
		{"lay out", nil, lay, false},
		{"lay out anew", []func(*Updater) error{lay, func(u *Updater) error {
			_, err := u.Resolve(ctx, ResolveOptions{Path: "conf/a.conf", Conflict: "1", Take: "theirs"})
			return errors.Join(err, os.WriteFile(filepath.Join(u.Home(), "conf/a.conf"), []byte("port=3\nx=1\ny=1\nz=1\nhost=d\n"), 0o644))
		}}, lay, false},
		{"decide", []func(*Updater) error{lay}, decideAll, false},
		{"go on", []func(*Updater) error{lay, decideAll}, func(u *Updater) error { _, err := u.Continue(ctx); return err }, true},
		{"abort", []func(*Updater) error{lay, decideAll}, func(u *Updater) error { _, err := u.Abort(ctx); return err }, false},
	} {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lasting=%v", c.name, lasting), func(t *testing.T) {
				t.Parallel()
				be := twoConflicts(t)
				for _, p := range c.prepare {
					must(t, p(be.open(t)))
				}
				start := filepath.Join(be.dir, "start")
				copyTree(t, be.home, start)
				old := look(t, be.home, true)
				points := 0
				first := 1
				if lasting { // some points once, some for good
					first = 2
				}
				stride := 3
				if c.live { // TestFaults tries each point of a commit
					stride = 6
				}
				if testing.Short() {
					stride *= 2
				}
				for n := first; ; n += stride {
					copyTree(t, start, be.home)
					count, at := 0, ""
					var mu sync.Mutex // files are staged by several goroutines
					u := be.open(t, func(o *Options) {
						o.fault = func(op, path string) error {
							mu.Lock()
							defer mu.Unlock()
							if count++; count == n || lasting && count > n {
								at = cmp.Or(at, op+" "+path)
								return errInjected
							}
							return nil
						}
					})
					err := c.run(u)
					u.Close()
					if at == "" {
						must(t, err)
						break
					}
					points++
					if s, err := be.open(t).Status(ctx); err != nil || s.Open || s.WorkspaceErr != "" {
						t.Fatalf("%s: status: %v, %q", at, err, s.WorkspaceErr)
					}
					installed, err := readRecord(be.open(t).tree)
					must(t, err)
					if installed.Level == 0 {
						if got := look(t, be.home, true); !reflect.DeepEqual(got, old) {
							same(t, at, old, got)
							t.FailNow()
						}
						must(t, lay(be.open(t))) // this is all where everything was decided before
						if v, err := be.open(t).Workspace(ctx); err != nil || v.Open > 0 {
							must(t, err)
							must(t, decideAll(be.open(t)))
							_, err = be.open(t).Continue(ctx)
							must(t, err)
						}
					} else if !c.live {
						t.Fatalf("%s: went on by itself", at)
					}
					finished(t, be, at)
				}
				if points < 2 {
					t.Errorf("only %d points were reached", points)
				}
				t.Logf("%d points", points)
			})
		}
	}
}

// finished asserts that all is live as it was decided, that nothing is open, and that what
// was decided is remembered.
func finished(t *testing.T, be *bench, at string) {
	t.Helper()
	out, err := be.open(t).Continue(context.Background()) // closes what a fault after the commit has left
	if err != nil || out.Plan != nil {
		t.Fatalf("%s: something is still open: %v", at, err)
	}
	data, err := os.ReadFile(filepath.Join(be.home, "conf/a.conf"))
	must(t, err)
	if s := string(data); s != "port=3\nx=1\ny=1\nz=1\nhost=c\n" && s != "port=2\nx=1\ny=1\nz=1\nhost=d\n" && s != "port=3\nx=1\ny=1\nz=1\nhost=d\n" {
		t.Errorf("%s: conf/a.conf is %q", at, s)
	}
	if _, err := os.Stat(filepath.Join(be.home, "conf/gone.conf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: the deleted file is back: %v", at, err)
	}
	for _, p := range []string{conflict.Workspace, conflict.Dir + "/workspace", conflict.Dir + "/new", conflict.Dir + "/marked"} {
		if _, err := os.Lstat(filepath.Join(be.home, p)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %s is left behind", at, p)
		}
	}
	v, err := be.open(t).Remembered()
	must(t, err)
	if len(v.List) < 3 || len(v.Faults) > 0 {
		t.Errorf("%s: remembered are %+v, faults %v", at, v.List, v.Faults)
	}
}

// Links and files of somebody else in the place of the workspace are refused, and nothing
// is written through them.
func TestWorkspaceBehindLinks(t *testing.T) {
	ctx := context.Background()
	for _, p := range []string{conflict.Workspace, conflict.Dir, conflict.Workspace + "/conf", conflict.Dir + "/marked", conflict.Dir + "/workspace"} {
		be := twoConflicts(t)
		outside := filepath.Join(be.dir, "outside")
		must(t, os.MkdirAll(outside, 0o755))
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(be.home, p)), 0o700))
		must(t, os.Symlink(outside, filepath.Join(be.home, p)))
		before := look(t, be.home, true)
		u, err := Open(Options{Home: be.home, Engine: "test"})
		if err == nil {
			_, err = u.Update(ctx)
			u.Close()
		}
		if err == nil {
			t.Errorf("%s: a link there is no error", p)
		}
		if names, _ := os.ReadDir(outside); len(names) > 0 {
			t.Errorf("%s: %s was written through the link (%v)", p, names[0].Name(), err)
		}
		same(t, p, before, look(t, be.home, true))
	}
}
