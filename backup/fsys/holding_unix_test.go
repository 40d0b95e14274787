//go:build unix

package fsys

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"inplace/backup/fsys/fsystest"
)

// TestHoldingWhatMoves: a directory that is moved while it is held is read where it was
// opened.
func TestHoldingWhatMoves(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "d/f"), "x")
	look := func() {
		t.Helper()
		info, err := tree.Lstat("d/f")
		must(t, err)
		if !info.Exists {
			t.Error("d/f: want a file, got nothing")
		}
	}
	must(t, tree.Holding(func() error {
		look()
		must(t, os.Rename(filepath.Join(home, "d"), filepath.Join(home, "away")))
		look()
		return nil
	}))
}

// TestHoldingGivesWay: held directories go where a file needs the last descriptor.
func TestHoldingGivesWay(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "a/b/f"), "x")
	put(t, filepath.Join(home, "c/d/f"), "x")
	must(t, tree.Holding(func() error {
		for _, path := range []string{"a/b/f", "c/d/f"} {
			_, err := tree.Lstat(path)
			must(t, err)
		}
		var used []int
		defer func() {
			for _, fd := range used {
				must(t, unix.Close(fd))
			}
		}()
		fsystest.Handles(t, 60)
		for {
			fd, err := unix.Open(home, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err == unix.EMFILE {
				break
			}
			must(t, err)
			used = append(used, fd)
		}
		f, err := tree.Open("a/b/f")
		if err != nil {
			t.Errorf("with all descriptors in use but those of held directories: %v", err)
			return nil
		}
		return f.Close()
	}))
}
