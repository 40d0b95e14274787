//go:build unix

package fsys

import (
	"os"
	"path/filepath"
	"testing"
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
