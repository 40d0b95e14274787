//go:build unix

package updater

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/backup/sealed"
	"inplace/manifest"
)

// followed is a bench whose conf lies behind a link, in a directory beside home.
type followed struct {
	*bench
	etc string
}

// followBench moves conf away, with an edit, an own file and every kind of change in it.
func followBench(t *testing.T, levels ...tree) *followed {
	t.Helper()
	if len(levels) == 0 {
		levels = []tree{{
			"bin/start.sh": "0755 one\n", "conf/server.conf": "port=8080\n\n\n\nhost=a\n", "conf/gone.conf": "gone\n", "conf/kept.conf": "kept\n",
			"conf/mode.sh": "0644 m\n", "conf/link": "-> kept.conf", "conf/kind": "a file\n", "conf/old/x": "x\n", "lib/a.jar": "\x00a", "webapps/app.war": "\x00war1",
		}, {
			"bin/start.sh": "0755 two\n", "conf/server.conf": "port=8080\n\n\n\nhost=b\n", "conf/fresh/deep.conf": "fresh\n", "conf/kept.conf": "kept\n",
			"conf/mode.sh": "0755 m\n", "conf/link": "-> server.conf", "conf/kind/inner": "a dir\n", "lib/a.jar": "\x00b", "webapps/app.war": "\x00war2",
		}}
	}
	f := &followed{bench: newBench(t, sampleProduct, levels...)}
	f.etc = filepath.Join(f.dir, "etc dir", "product")
	must(t, os.Mkdir(filepath.Dir(f.etc), 0o755))
	must(t, os.Rename(filepath.Join(f.home, "conf"), f.etc))
	must(t, os.Symlink("../etc dir/product", filepath.Join(f.home, "conf")))
	tree{"server.conf": "port=9090\n\n\n\nhost=a\n", "mine.conf": "mine\n"}.write(t, f.etc)
	f.adoptWith(t, func(o *AdoptOptions) { o.Follow = []manifest.Path{"conf"} })
	return f
}

// look describes both trees, without what belongs to the updater.
func (f *followed) look(t *testing.T, times bool) map[string]string {
	t.Helper()
	out := look(t, f.home, times)
	for p, v := range look(t, f.etc, times) {
		if p != fsys.StoreName && !strings.HasPrefix(p, fsys.StoreName+"/") {
			out["conf => "+p] = v
		}
	}
	return out
}

// TestFollow goes there and back and there again, and once more with the directory back in
// the place of the link.
func TestFollow(t *testing.T) {
	ctx := context.Background()
	f := followBench(t)
	before := f.look(t, true)
	plan, err := f.open(t).DryRun(ctx)
	must(t, err)
	if len(plan.Findings)+len(plan.Conflicts) > 0 || len(plan.Follow) != 1 || plan.Follow[0].Target != f.etc {
		t.Fatalf("findings %+v, conflicts %+v, follow %+v", plan.Findings, plan.Conflicts, plan.Follow)
	}
	if _, err := os.Lstat(filepath.Join(f.etc, fsys.StoreName)); !os.IsNotExist(err) {
		t.Errorf("a store after the dry run: %v", err)
	}
	_, err = f.open(t).Update(ctx)
	must(t, err)
	after := f.look(t, false)
	for p, want := range map[string]string{
		"conf": " -> ../etc dir/product", "conf => server.conf": "port=9090\n\n\n\nhost=b\n", "conf => mine.conf": "mine\n", "conf => link": " -> server.conf",
		"conf => kind/inner": "a dir\n", "conf => fresh/deep.conf": "fresh\n", "conf => mode.sh": "-rwxr-xr-x m\n", "conf => gone.conf": "", "conf => old": "",
	} {
		if !strings.HasSuffix(after[p], want) || want == "" && after[p] != "" {
			t.Errorf("%s: got %q, want %q", p, after[p], want)
		}
	}
	_, err = f.open(t).Revert(ctx)
	must(t, err)
	same(t, "after the revert", before, f.look(t, true))
	_, err = f.open(t).Update(ctx)
	must(t, err)
	same(t, "after the second update", strip(after), strip(f.look(t, false)))

	link := filepath.Join(f.home, "conf")
	must(t, os.Remove(link))
	must(t, os.Rename(f.etc, link))
	_, err = f.open(t).Revert(ctx)
	must(t, err)
	must(t, os.Rename(link, f.etc))
	must(t, os.Symlink("../etc dir/product", link))
	same(t, "after the revert in place", strip(before), strip(f.look(t, true)))
}

// TestFollowFull: of a disk that is full the error names the one that is.
func TestFollowFull(t *testing.T) {
	for at, behind := range map[string]bool{"conf/.inplace/stage": true, "conf/.inplace/stage/slots/": true, "conf/fresh": true, "updates/stage/slots/": false} {
		f := followBench(t)
		_, err := f.open(t, func(o *Options) {
			o.fault = func(op, path string) error {
				if (op == "create" || op == "mkdir") && strings.HasPrefix(path, at) {
					return syscall.ENOSPC
				}
				return nil
			}
		}).Update(context.Background())
		var full *FullError
		if !errors.Is(err, syscall.ENOSPC) || errors.As(err, &full) != behind || full != nil && full.Place != f.etc {
			t.Errorf("%s: got %v, %+v", at, err, full)
		}
	}
}

// TestFollowFaults fails each change once, or from then on, as TestFaults does.
func TestFollowFaults(t *testing.T) {
	for _, action := range []string{"update", "revert"} {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lasting=%v", action, lasting), func(t *testing.T) {
				t.Parallel()
				f := followBench(t)
				testFaultsOf(t, action, lasting, 4, f.bench, []string{f.home, f.etc}, func(times bool) map[string]string { return f.look(t, times) })
			})
		}
	}
}

// interrupted is an update that died in the middle of its exchanges.
func (f *followed) interrupted(t *testing.T) {
	t.Helper()
	n, dead := 0, false
	var mu sync.Mutex // files are staged by several goroutines
	u := f.open(t, func(o *Options) {
		o.fault = func(op, path string) error {
			mu.Lock()
			defer mu.Unlock()
			if op == "exchange" {
				n++
			}
			dead = dead || n == 3
			if dead {
				return errInjected
			}
			return nil
		}
	})
	var open *RollbackError
	if _, err := u.Update(context.Background()); !errors.As(err, &open) {
		t.Fatalf("got %v, want a RollbackError", err)
	}
	u.Close()
}

// TestFollowAway: while the directory is not there, recovery says so and changes nothing; it
// mends all once it is back.
func TestFollowAway(t *testing.T) {
	ctx := context.Background()
	for name, away := range map[string]func(f *followed) (back func() error, err error){
		"not mounted": func(f *followed) (func() error, error) {
			err := errors.Join(os.Rename(f.etc, f.etc+".away"), os.Mkdir(f.etc, 0o755))
			return func() error { return errors.Join(os.Remove(f.etc), os.Rename(f.etc+".away", f.etc)) }, err
		},
		"dangling": func(f *followed) (func() error, error) {
			return func() error { return os.Rename(f.etc+".away", f.etc) }, os.Rename(f.etc, f.etc+".away")
		},
		"another target": func(f *followed) (func() error, error) {
			link, other := filepath.Join(f.home, "conf"), filepath.Join(f.dir, "other")
			turn := func(to string) error { return errors.Join(os.Remove(link), os.Symlink(to, link)) }
			return func() error { return turn("../etc dir/product") }, errors.Join(os.Mkdir(other, 0o755), turn(other))
		},
		"no link": func(f *followed) (func() error, error) {
			link := filepath.Join(f.home, "conf")
			return func() error { return os.Symlink("../etc dir/product", link) }, os.Remove(link)
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole := followBench(t)
			_, err := whole.open(t).Update(ctx)
			must(t, err)
			want := whole.look(t, false)
			f := followBench(t)
			f.interrupted(t)
			mixed := look(t, f.home, true)
			back, err := away(f)
			must(t, err)
			var open *OpenError
			for range 2 {
				_, err = f.open(t).Update(ctx)
				if !errors.As(err, &open) || !strings.Contains(err.Error(), "conf: ") {
					t.Fatalf("got %v, want an OpenError that names conf", err)
				}
			}
			if err := Guard(ctx, f.home, "test"); !errors.As(err, &open) {
				t.Errorf("guard: got %v, want an OpenError", err)
			}
			got := look(t, f.home, true)
			delete(got, "conf")
			delete(mixed, "conf")
			same(t, "while it is away", mixed, got)
			must(t, back())
			s, err := f.open(t).Status(ctx)
			must(t, err)
			if s.Recovery == nil || s.Recovery.Result != "finished" {
				t.Errorf("recovery: %+v, want finished", s.Recovery)
			}
			same(t, "mended", want, f.look(t, false))
		})
	}
}

// TestFollowTurned: a link that is turned elsewhere under the run is noticed, and nothing
// is written in either place.
func TestFollowTurned(t *testing.T) {
	f := followBench(t)
	link, other := filepath.Join(f.home, "conf"), filepath.Join(f.dir, "other")
	must(t, os.Mkdir(other, 0o755))
	before := f.look(t, true)
	_, err := f.open(t, func(o *Options) {
		o.Confirm = func(*Plan) (bool, error) {
			return true, errors.Join(os.Remove(link), os.Symlink(other, link))
		}
	}).Update(context.Background())
	if err == nil || !strings.Contains(err.Error(), "conf: leads to "+other+", which is not "+f.etc+" any more") {
		t.Fatalf("got %v", err)
	}
	after := f.look(t, true)
	before["conf"], before["."], after["."] = after["conf"], "", ""
	same(t, "after the refusal", before, after)
	for _, dir := range []string{other, f.etc} {
		if _, err := os.Lstat(filepath.Join(dir, fsys.StoreName)); !os.IsNotExist(err) {
			t.Errorf("%s has a store: %v", dir, err)
		}
	}
}

// TestFollowRefused: what stands in the way is one finding, with what to do.
func TestFollowRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, f *followed)
		reason string
		hint   string
	}{
		{"not named", func(t *testing.T, f *followed) {
			must(t, os.WriteFile(filepath.Join(f.home, settingsPath), []byte("schema: inplace/settings/1\nsource: "+f.repo+"\n"), 0o600))
		}, "is a symbolic link to ../etc dir/product where the release has a directory", "updates/settings.yaml: follow: [conf]"},
		{"dangling", func(t *testing.T, f *followed) { must(t, os.Rename(f.etc, f.etc+".away")) }, "is not there", "mount"},
		{"open to all", func(t *testing.T, f *followed) { must(t, os.Chmod(f.etc, 0o777)) }, "can be written by everybody", "directory of the owner"},
		{"another's", func(t *testing.T, f *followed) {
			other := filepath.Join(f.dir, "other home")
			must(t, os.MkdirAll(filepath.Join(other, "updates"), 0o755))
			must(t, os.Symlink(f.etc, filepath.Join(other, "conf")))
			tree{".inplace/owner": "0600 " + string(sealed.Marshal("inplace/store/1", map[string]string{"home": other}))}.write(t, f.etc)
			must(t, os.Chmod(filepath.Join(f.etc, ".inplace"), 0o700))
		}, "belongs to the installation", "a directory of its own"},
		{"planted store", func(t *testing.T, f *followed) {
			must(t, os.Symlink("/tmp", filepath.Join(f.etc, ".inplace")))
		}, "is a link or special file", "move it away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := followBench(t)
			c.change(t, f)
			plan, err := f.open(t).DryRun(context.Background())
			must(t, err)
			if len(plan.Findings) != 1 || !strings.Contains(plan.Findings[0].Reason, c.reason) || !strings.Contains(plan.Findings[0].Hint, c.hint) {
				t.Errorf("got %+v, want one with %q and %q", plan.Findings, c.reason, c.hint)
			}
			var stopped *PreflightError
			if _, err := f.open(t).Update(context.Background()); !errors.As(err, &stopped) {
				t.Errorf("got %v, want a PreflightError", err)
			}
		})
	}
}

// TestFollowDirectoryGone: the link stays when the release drops its directory, and is a
// conflict where the release puts something else there.
func TestFollowDirectoryGone(t *testing.T) {
	base := tree{"conf/a.conf": "a\n", "lib/a.jar": "\x00a"}
	f := followBench(t, base, tree{"lib/a.jar": "\x00b"})
	must(t, os.Remove(filepath.Join(f.etc, "mine.conf")))
	must(t, os.Remove(filepath.Join(f.etc, "server.conf")))
	before := strip(f.look(t, true))
	_, err := f.open(t).Update(context.Background())
	must(t, err)
	got := f.look(t, false)
	if got["conf => a.conf"] != "" || !strings.HasSuffix(got["conf"], "product") || got["conf => ."] == "" {
		t.Errorf("got %v, want the link and an empty directory", got)
	}
	_, err = f.open(t).Revert(context.Background())
	must(t, err)
	same(t, "after the revert", before, strip(f.look(t, true)))
	for name, level := range map[string]tree{"file": {"conf": "a file\n", "lib/a.jar": "\x00b"}, "symlink": {"conf": "-> lib", "lib/a.jar": "\x00b"}} {
		f := followBench(t, base, level)
		must(t, os.Remove(filepath.Join(f.etc, "mine.conf")))
		must(t, os.Remove(filepath.Join(f.etc, "server.conf")))
		plan, err := f.open(t).DryRun(context.Background())
		must(t, err)
		if len(plan.Conflicts) != 1 || plan.Conflicts[0].Path != "conf" || !strings.Contains(plan.Conflicts[0].Reason, "moved it behind a link") {
			t.Errorf("%s: got %+v", name, plan.Conflicts)
		}
	}
}

// TestFollowRestoreScript goes back without the program.
func TestFollowRestoreScript(t *testing.T) {
	f := followBench(t)
	before := f.look(t, false)
	f.interrupted(t)
	ids, err := backup.List(f.open(t).tree)
	must(t, err)
	script := filepath.Join(f.home, backup.SnapshotsDir, ids[0], "restore.sh")
	must(t, os.Rename(f.etc, f.etc+".away"))
	if out, err := exec.Command("sh", script).CombinedOutput(); err == nil || !strings.Contains(string(out), "nothing was put back") {
		t.Errorf("without the directory: %v\n%s", err, out)
	}
	must(t, os.Rename(f.etc+".away", f.etc))
	out, err := exec.Command("sh", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	same(t, "after restore.sh", before, f.look(t, false))
	if _, err := os.Lstat(filepath.Join(f.home, "updates/OPEN")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OPEN is still there: %v", err)
	}
}

// TestFollowVerify: edits are found through the link, the updater's own store is none of
// them, and a fix puts the shipped bytes back where the link leads.
func TestFollowVerify(t *testing.T) {
	ctx := context.Background()
	f := followBench(t)
	_, err := f.open(t).Update(ctx)
	must(t, err)
	before := f.look(t, true)
	for _, full := range []bool{false, true} {
		v, err := f.open(t).Verify(ctx, VerifyOptions{Full: full})
		must(t, err)
		expectTold(t, fmt.Sprintf("full %v", full), v, "extra conf/mine.conf config", "edited conf/server.conf config")
	}
	_, err = f.open(t).Fix(ctx, VerifyOptions{Paths: []string{"conf/server.conf"}})
	must(t, err)
	if got := f.look(t, false)["conf => server.conf"]; !strings.HasSuffix(got, "port=8080\n\n\n\nhost=b\n") {
		t.Errorf("fixed: got %q", got)
	}
	b, err := f.open(t).VerifyBackups(ctx)
	must(t, err)
	if len(b.Snapshots) != 2 || b.Snapshots[0].DiskBytes == 0 {
		t.Errorf("got %+v, want two sound snapshots", b.Snapshots)
	}
	_, err = f.open(t).Revert(ctx)
	must(t, err)
	same(t, "after the fix is taken back", before, f.look(t, true))
}

// TestFollowFullBackup: the copy is complete, so it has the directory in place of the link.
func TestFollowFullBackup(t *testing.T) {
	f := followBench(t)
	want := look(t, f.home, false)
	for p, v := range look(t, f.etc, false) {
		if p != "." {
			want["conf/"+p] = v
		}
	}
	want["conf"] = look(t, f.etc, false)["."]
	to := filepath.Join(f.dir, "copy")
	_, err := f.open(t, func(o *Options) { o.FullBackup = to }).Update(context.Background())
	must(t, err)
	same(t, "the copy", want, look(t, to, false))
	_, err = f.open(t, func(o *Options) { o.FullBackup = filepath.Join(f.etc, "copy") }).Revert(context.Background())
	if err == nil || !strings.Contains(err.Error(), "lies within the installation") {
		t.Errorf("a copy into itself: got %v", err)
	}
	// The copy is an installation of its own: it goes back without the other's directory.
	f.home = to
	_, err = f.open(t).Update(context.Background())
	must(t, err)
	_, err = f.open(t).Revert(context.Background())
	must(t, err)
	same(t, "the copy after there and back", want, look(t, to, false))
}

// TestFollowTwo has two roots, in one of which a whole directory is cleared.
func TestFollowTwo(t *testing.T) {
	ctx := context.Background()
	f := followBench(t)
	apps := filepath.Join(f.dir, "apps")
	must(t, os.Rename(filepath.Join(f.home, "webapps"), apps))
	must(t, os.Symlink(apps, filepath.Join(f.home, "webapps")))
	tree{"app/WEB-INF/page": "made\n"}.write(t, apps)
	must(t, os.WriteFile(filepath.Join(f.home, settingsPath), []byte("schema: inplace/settings/1\nsource: "+f.repo+"\nfollow: [webapps, conf]\n"), 0o600))
	both := func() map[string]string {
		out := f.look(t, true)
		for p, v := range look(t, apps, true) {
			if !strings.HasPrefix(p, fsys.StoreName) {
				out["webapps => "+p] = v
			}
		}
		return out
	}
	before := both()
	for range 2 {
		_, err := f.open(t).Update(ctx)
		must(t, err)
		if got := strip(both()); got["webapps => app"] != "" || !strings.Contains(both()["webapps => app.war"], "war2") {
			t.Errorf("after the update: %v", got)
		}
		tree{"app/WEB-INF/page": "made anew\n"}.write(t, apps)
		_, err = f.open(t).Revert(ctx)
		must(t, err)
		same(t, "after the revert", before, both())
	}
}

// TestFollowRevertTo goes back over two updates at once, and forward again.
func TestFollowRevertTo(t *testing.T) {
	ctx := context.Background()
	f := followBench(t)
	before := strip(f.look(t, true))
	first, err := f.open(t).Update(ctx)
	must(t, err)
	f.add(t, 2, tree{"bin/start.sh": "0755 three\n", "conf/server.conf": "port=8080\n\n\n\nhost=c\n", "conf/kept.conf": "kept\n", "lib/a.jar": "\x00c", "webapps/app.war": "\x00war3"}, "")
	_, err = f.open(t).Update(ctx)
	must(t, err)
	newest := strip(f.look(t, true))
	back, err := f.open(t, revertTo(first.Snapshot)).Revert(ctx)
	must(t, err)
	same(t, "back over two", before, strip(f.look(t, true)))
	_, err = f.open(t, revertTo(back.Snapshot)).Revert(ctx)
	must(t, err)
	same(t, "forward over two", newest, strip(f.look(t, true)))
	_, err = f.open(t).VerifyBackups(ctx)
	must(t, err)
}

// TestFollowPruneDamaged: with a snapshot whose head is damaged goes what it has in a followed directory.
func TestFollowPruneDamaged(t *testing.T) {
	ctx := context.Background()
	f := followBench(t)
	var ids []string
	for _, level := range []int64{1, 0, 1} {
		out, err := f.open(t, toLevel(level)).Update(ctx)
		must(t, err)
		ids = append(ids, out.Snapshot)
	}
	must(t, os.WriteFile(f.path(backup.SnapshotsDir+"/"+ids[0]+"/snapshot.yaml"), []byte("torn"), 0o600))
	two := 2
	b, err := f.open(t).PruneBackups(ctx, PruneOptions{Keep: &two})
	must(t, err)
	left, err := os.ReadDir(filepath.Join(f.etc, fsys.StoreName, "backups"))
	must(t, err)
	if !slices.Equal(b.Removed, ids[:1]) || len(left) != 2 {
		t.Errorf("removed %q of %q, left behind the link %q", b.Removed, ids, left)
	}
}
