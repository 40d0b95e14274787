package cli_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"inplace/updater/cli"
)

// tmpfs mounts one over the installation's directory and copies the installation there.
func (p *plant) tmpfs(t *testing.T, pristine, options string) {
	t.Helper()
	_ = syscall.Unmount(p.home, 0)
	ok(t, os.MkdirAll(p.home, 0o755))
	ok(t, syscall.Mount("rows", p.home, "tmpfs", 0, options))
	t.Cleanup(func() { _ = syscall.Unmount(p.home, syscall.MNT_DETACH) })
	if out, err := exec.Command("cp", "-a", pristine+"/.", p.home).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// TestC4FullDisk gives the update too little room: what is missing is said before
// anything is changed, in bytes or inodes.
func TestC4FullDisk(t *testing.T) {
	asRoot(t, "mounts a tmpfs")
	p := adopted(t)
	old, _, pristine := p.bothSides(t)
	count, sizeBytes := measure(t, pristine)
	for _, c := range []struct{ name, options, says string }{
		{"bytes", fmt.Sprintf("size=%d,mode=755", sizeBytes+900_000), "not enough room: the run needs "},
		{"inodes", fmt.Sprintf("size=64m,mode=755,nr_inodes=%d", count+8), "not enough inodes: the run needs "},
	} {
		p.tmpfs(t, pristine, c.options)
		o := finish(t, p.update())
		o.wants(t, c.name, cli.ExitFailed, c.says, " are free", "The installation was not changed.")
		alike(t, c.name, old, product(t, p.home))
		finish(t, p.update("--dry-run")).wants(t, c.name+", dry run", cli.ExitFailed, c.says)
	}
}

// measure counts the paths of a tree and the bytes that they take in whole pages.
func measure(t *testing.T, dir string) (count int, sizeBytes int64) {
	t.Helper()
	ok(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && d.Type().IsRegular() {
			sizeBytes += (info.Size() + 4095) &^ 4095
		}
		count++
		return err
	}))
	return count, sizeBytes
}

// TestC4FilledMeanwhile fills the disk while the update runs, at various times after its
// preflight: it ends with the old tree or the new one, by itself, on the full disk.
func TestC4FilledMeanwhile(t *testing.T) {
	cli.Slow(t)
	asRoot(t, "mounts a tmpfs")
	p := adopted(t)
	old, fresh, pristine := p.bothSides(t)
	ends := map[int]int{}
	_, sizeBytes := measure(t, pristine)
	// At least 16 rounds, and more until the disk was full in time once.
	for round := 0; round < 16 || round < 96 && ends[cli.ExitFailed] == 0 && !raceDetector; round++ {
		p.tmpfs(t, pristine, fmt.Sprintf("size=%d,mode=755", sizeBytes+(4<<20)))
		cmd := p.update()
		done := make(chan ending)
		go func() { done <- finish(t, cmd) }()
		for range 2000 { // the stage is made right after the preflight
			if _, err := os.Lstat(p.home + "/updates/stage"); err == nil {
				break
			}
			time.Sleep(50 * time.Microsecond)
		}
		time.Sleep(time.Duration(round%16) * 100 * time.Microsecond)
		fill(t, p.home+"/logs/filler")
		o := <-done
		ends[o.code]++
		got := product(t, p.home)
		delete(got, "logs/filler")
		switch {
		case o.code == 0 && maps.Equal(got, fresh), o.code == cli.ExitFailed && maps.Equal(got, old):
		default:
			alike(t, "against old", old, got)
			t.Fatalf("round %d: %v", round, o)
		}
		if _, err := os.Lstat(p.home + "/updates/OPEN"); err == nil {
			t.Errorf("round %d: the journal was left open by %v", round, o)
		}
		ok(t, os.Remove(p.home+"/logs/filler"))
		finish(t, p.update()).wants(t, "with room again", 0)
		alike(t, "with room again", fresh, product(t, p.home))
	}
	if ends[cli.ExitFailed] == 0 && !raceDetector { // which slows the filling down, not the update's calls
		t.Errorf("the disk was never full in time: exit codes %v", ends)
	}
}

// fill writes zeros until no room is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	ok(t, err)
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size >= 1; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("%s: want no space left, got %v", path, err)
	}
}
