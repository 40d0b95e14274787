package cli_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"inplace/updater/cli"
)

// TestFollowMounted follows a directory on a file system of its own: there and back, with
// too little room on it, and with the file system gone in the middle of an update.
func TestFollowMounted(t *testing.T) {
	cli.Slow(t)
	asRoot(t, "mounts")
	has(t, "strace")
	p := newPlant(t, rowOld(), rowNew())
	files{"conf/server.properties": "port=9090\n\n\nhost=a\n", "lib/mine.jar": "mine\n"}.write(t, p.home)
	disk, etc := filepath.Join(p.dir, "disk"), filepath.Join(p.dir, "etc")
	ok(t, os.Mkdir(disk, 0o755))
	ok(t, os.Mkdir(etc, 0o755))
	mount(t, disk, "-t", "tmpfs", "-o", "mode=755", "rows")
	restore(t, filepath.Join(p.home, "conf"), filepath.Join(disk, "conf"))
	mount(t, etc, "--bind", filepath.Join(disk, "conf"))
	ok(t, os.RemoveAll(filepath.Join(p.home, "conf")))
	ok(t, os.Symlink("../etc", filepath.Join(p.home, "conf")))
	p.must(t, "adopt", p.home, "--source", p.repo, "--follow", "conf")
	both := func() map[string]string {
		all := product(t, p.home)
		for path, text := range product(t, filepath.Join(disk, "conf")) {
			if !strings.HasPrefix(path, ".inplace") {
				all["conf/"+path] = text
			}
		}
		return all
	}
	old := both()

	finish(t, p.update("--dry-run")).wants(t, "dry run", 0, "conf is followed to "+etc)
	finish(t, p.update()).wants(t, "update", 0)
	fresh := both()
	if fresh["conf/server.properties"] == old["conf/server.properties"] {
		t.Fatal("the update changed nothing on the other file system")
	}
	finish(t, p.update("verify", "--ignore-config")).wants(t, "verify", cli.ExitDiffers, "lib/mine.jar")
	finish(t, p.update("backups", "verify")).wants(t, "backups verify", 0)
	finish(t, p.update("--revert")).wants(t, "revert", 0)
	alike(t, "reverted", old, both())

	remount := func(size string) {
		if out, err := exec.Command("mount", "-o", "remount,size="+size, disk).CombinedOutput(); err != nil {
			t.Fatalf("mount: %v: %s", err, out)
		}
	}
	remount("48k")
	finish(t, p.update()).wants(t, "with too little room", cli.ExitFailed, "conf: not enough room", "free some space on the file system of "+etc)
	alike(t, "with too little room", old, both())
	remount("10m")

	killed := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=1", filepath.Join(p.home, "bin/update.sh"))
	killed.Env, killed.Dir = p.env, p.dir
	_ = killed.Run()
	if _, err := os.Lstat(filepath.Join(p.home, "updates/OPEN")); err != nil {
		t.Skipf("the update was not killed among its exchanges: %v", err)
	}
	ok(t, syscall.Unmount(etc, 0))
	mixed := product(t, p.home)
	for _, command := range []string{"status", "guard", "--revert", "--yes"} {
		finish(t, p.update(command)).wants(t, command+" without the file system", cli.ExitInterrupted, "conf: le", etc)
	}
	alike(t, "without the file system", mixed, product(t, p.home))
	mount(t, etc, "--bind", filepath.Join(disk, "conf"))
	finish(t, p.update("guard")).wants(t, "guard with it", 0)
	if now := both(); !maps.Equal(now, old) && !maps.Equal(now, fresh) {
		alike(t, "mended, against old", old, now)
		alike(t, "mended, against new", fresh, now)
	}
	finish(t, p.update()).wants(t, "the next update", 0)
	alike(t, "the next update", fresh, both())
}
