package updater

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

var errInjected = errors.New("injected")

// faultTrees have every kind of change in them.
func faultBench(t *testing.T) *bench {
	be := newBench(t, sampleProduct, tree{
		"bin/start.sh": "0755 one\n", "conf/server.conf": "port=8080\n\n\n\nhost=a\n", "lib/core-1.jar": "\x00one", "lib/link.jar": "-> core-1.jar",
		"lib/old/x.jar": "\x00x", "mode.sh": "0644 m\n", "kind": "a file\n", "kind2/inner": "a dir\n", "empty/": "", "webapps/app.war": "\x00war1",
	}, tree{
		"bin/start.sh": "0755 two\n", "conf/server.conf": "port=8080\n\n\n\nhost=b\n", "lib/core-2.jar": "\x00two", "lib/link.jar": "-> core-2.jar",
		"mode.sh": "0755 m\n", "kind/inner": "a dir now\n", "kind2": "a file now\n", "empty2/deep/": "", "webapps/app.war": "\x00war2",
	})
	tree{"conf/server.conf": "port=9090\n\n\n\nhost=a\n", "webapps/app/index.html": "made\n"}.write(t, be.home)
	must(t, os.Link(filepath.Join(be.home, "webapps/app.war"), filepath.Join(be.home, "second-name")))
	be.adopt(t)
	return be
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.RemoveAll(to))
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// TestFaults fails each change of an update and of a revert, once or from then on
// (which is what a kill looks like from the disk), and asserts that the fault fired.
// After a run that failed once the tree is old or new without recovery; in any case the
// next command makes it one of the two, and the next update leads to the new tree.
func TestFaults(t *testing.T) {
	ctx := context.Background()
	be := faultBench(t)
	pristine := filepath.Join(be.dir, "pristine")
	copyTree(t, be.home, pristine)
	old := look(t, be.home, true)
	_, err := be.open(t).Update(ctx)
	must(t, err)
	fresh := strip(look(t, be.home, true))
	updated := filepath.Join(be.dir, "updated")
	copyTree(t, be.home, updated)
	for _, c := range []struct {
		name, from string
		run        func(u *Updater) error
	}{
		{"update", pristine, func(u *Updater) error { _, err := u.Update(ctx); return err }},
		{"revert", updated, func(u *Updater) error { _, err := u.Revert(ctx); return err }},
	} {
		for _, lasting := range []bool{false, true} {
			points := 0
			for n := 1; ; n++ {
				copyTree(t, c.from, be.home)
				count, at := 0, ""
				fault := func(op, path string) error {
					count++
					if count == n || lasting && count > n {
						if at == "" {
							at = op + " " + path
						}
						return errInjected
					}
					return nil
				}
				u := be.open(t, func(o *Options) { o.fault = fault })
				err := c.run(u)
				u.Close()
				if at == "" {
					if err != nil {
						t.Fatalf("%s without a fault: %v", c.name, err)
					}
					break
				}
				points++
				name := c.name + " at " + at
				is := func(when string) {
					t.Helper()
					got := look(t, be.home, true)
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
				same(t, name+" after the next update", fresh, strip(look(t, be.home, true)))
				if _, err := be.open(t).Revert(ctx); err != nil {
					t.Fatalf("%s: the next revert: %v", name, err)
				}
				same(t, name+" after the next revert", old, look(t, be.home, true))
			}
			if points < 20 {
				t.Errorf("%s: only %d points were reached", c.name, points)
			}
			t.Logf("%s, lasting %v: %d points", c.name, lasting, points)
		}
	}
}
