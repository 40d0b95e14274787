package fsys

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestHolding: what is looked into stays open until the end, however much it is, and is
// walked to anew afterwards.
func TestHolding(t *testing.T) {
	tree, home := newTree(t)
	many := maxKept() + 100
	last := fmt.Sprintf("d/%d", many-1) // for which there is no room
	for i := range many {
		put(t, filepath.Join(home, fmt.Sprintf("d/%d/f", i)), "x")
	}
	there := func(path string) bool {
		info, err := tree.Lstat(path)
		must(t, err)
		return info.Exists
	}
	must(t, tree.Holding(func() error {
		for range 2 {
			for i := range many {
				if !there(fmt.Sprintf("d/%d/f", i)) {
					t.Fatalf("d/%d/f: want a file, got nothing", i)
				}
			}
		}
		if n := len(tree.kept); n == 0 || n > maxKept()+1 {
			t.Errorf("%d directories are kept, want at most %d", n, maxKept()+1)
		}
		return tree.Holding(func() error { // within another it changes nothing
			if !there("d/1/f") || !there(last+"/f") {
				t.Error("want a file, got nothing")
			}
			return nil
		})
	}))
	must(t, os.Rename(filepath.Join(home, "d/1"), filepath.Join(home, "away")))
	must(t, os.Rename(filepath.Join(home, last), filepath.Join(home, "away2")))
	if tree.kept != nil || there(last+"/f") || there("d/1/f") || !there("away/f") {
		t.Error("after Holding: want the tree as it is now, got what was kept")
	}
}
