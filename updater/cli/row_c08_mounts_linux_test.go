package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"inplace/updater/cli"
)

// TestC8Mounts puts parts of the installation on other devices or mounts: what could not
// be exchanged in one step is found in the preflight, by name.
func TestC8Mounts(t *testing.T) {
	asRoot(t, "mounts")
	p := adopted(t)
	at := func(path string) string { return filepath.Join(p.home, path) }
	old := product(t, p.home)
	for _, c := range []struct {
		name, path string
		make       func(t *testing.T)
	}{
		{"another file system for a directory", "lib", func(t *testing.T) {
			copied := filepath.Join(p.dir, "lib")
			restore(t, at("lib"), copied)
			mount(t, at("lib"), "-t", "tmpfs", "-o", "mode=755", "rows")
			restoreInto(t, copied, at("lib"))
		}},
		{"a bind mount of the same file system", "share", func(t *testing.T) { mount(t, at("share"), "--bind", at("share")) }},
		{"a bind-mounted file", "bin/start.sh", func(t *testing.T) { mount(t, at("bin/start.sh"), "--bind", at("bin/start.sh")) }},
		{"state on another device", "updates", func(t *testing.T) {
			copied := filepath.Join(p.dir, "updates")
			restore(t, at("updates"), copied)
			mount(t, at("updates"), "-t", "tmpfs", "-o", "mode=755", "rows")
			restoreInto(t, copied, at("updates"))
		}},
		{"snapshots on another device", "updates/backups", func(t *testing.T) {
			mount(t, at("updates/backups"), "-t", "tmpfs", "-o", "mode=700", "rows")
		}},
		{"a mount that would be moved away whole", "webapps/app", func(t *testing.T) {
			mount(t, at("webapps/app"), "--bind", at("webapps/app"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.make(t)
			finish(t, p.update()).wants(t, c.name, cli.ExitFailed, c.path+": ", "The installation was not changed.")
			alike(t, c.name, old, product(t, p.home))
		})
	}
	finish(t, p.update()).wants(t, "with nothing in the way", 0)
}

func restoreInto(t *testing.T, from, to string) {
	t.Helper()
	names, err := os.ReadDir(from)
	ok(t, err)
	for _, n := range names {
		restore(t, filepath.Join(from, n.Name()), filepath.Join(to, n.Name()))
	}
}

// TestC8Overlay updates and reverts an installation whose every file lies in the lower
// layer of an overlay, as in a container's image, but for what the running product made.
// A directory of the lower layer cannot be renamed there: where a whole one would have to
// move, the update rolls back.
func TestC8Overlay(t *testing.T) {
	asRoot(t, "mounts an overlay")
	p := adopted(t)
	old, fresh, pristine := p.bothSides(t)
	upper := filepath.Join(p.dir, "upper")
	ok(t, os.MkdirAll(upper, 0o755))
	mount(t, upper, "-t", "tmpfs", "-o", "mode=755", "rows")
	ok(t, os.MkdirAll(upper+"/up", 0o755))
	ok(t, os.MkdirAll(upper+"/work", 0o755))
	mount(t, p.home, "-t", "overlay", "-o", "lowerdir="+pristine+",upperdir="+upper+"/up,workdir="+upper+"/work", "rows")
	finish(t, p.update()).wants(t, "with a directory of the image to move", cli.ExitFailed, "cross-device", "The installation is as it was before.")
	alike(t, "with a directory of the image to move", old, product(t, p.home))
	made := filepath.Join(p.home, "webapps/app")
	restore(t, made, filepath.Join(p.dir, "made"))
	restore(t, filepath.Join(p.dir, "made"), made)
	finish(t, p.update()).wants(t, "on an overlay", 0)
	alike(t, "updated on an overlay", fresh, product(t, p.home))
	finish(t, p.update("--revert")).wants(t, "back on an overlay", 0)
	alike(t, "reverted on an overlay", old, product(t, p.home))
}
