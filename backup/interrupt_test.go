package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// The fewest paths with every kind of step among them, since each is a point to die at.
var (
	oldSteps = here(tree{
		"replaced": "0644 one", "mode": "0644 same", "removed/x": "0640 gone", "file-to-dir": "0644 f", "dir-to-file/a": "0644 a",
		"link": "-> replaced", "link-to-dir": "-> removed", "linked": "0644 has another name", "linked-mode": "0644 two names",
	})
	newSteps = here(tree{
		"replaced": "0755 two", "mode": "0755 same", "added/y": "0644 hello", "file-to-dir/a": "0644 a", "dir-to-file": "0755 file",
		"link": "-> added", "link-to-dir/y": "0644 y", "linked": "0644 new bytes", "linked-mode": "0755 two names",
	})
)

// interrupted calls fn for each point at which a forward run of the change from
// oldSteps to newSteps can die, on a fresh installation in that state.
func interrupted(t *testing.T, lacks []string, fn func(t *testing.T, n int, home string, entries []Entry)) {
	for n, done := 1, false; !done; n++ {
		home, entries := prepare(t, oldSteps, newSteps, copiedPaths...)
		switch _, err := run(t, home, entries, lacks, n, Change{}); {
		case err == nil:
			done = true // the state after the last step is one too
			if n < 20 {
				t.Fatalf("only %d operations were counted", n)
			}
		case !errors.Is(err, errKilled):
			t.Fatalf("killed at %d: got %v", n, err)
		}
		t.Run(fmt.Sprint("at", n), func(t *testing.T) { fn(t, n, home, entries) })
		if runtime.GOOS != "windows" { // there, trees that are still open hold it
			must(t, os.RemoveAll(filepath.Dir(home)))
		}
	}
}

// TestInterrupted kills a run at each operation, and the recovery once more on its
// way. Whatever is done next ends in the new tree or in the old one, whole.
func TestInterrupted(t *testing.T) {
	for way, lacks := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			interrupted(t, lacks, func(t *testing.T, n int, home string, entries []Entry) {
				c := Change{Careful: true}
				want, what := newSteps.full(), "finished"
				if n%2 == 0 {
					c.Undo, want, what = true, oldSteps.full(), "undone"
				}
				if _, err := run(t, home, entries, lacks, 1+n*7%29, c); !errors.Is(err, errKilled) && err != nil {
					t.Fatalf("recovery, interrupted: %v", err)
				}
				if n%3 == 0 { // forward may turn to undo, never back again
					c.Undo, want, what = true, oldSteps.full(), "turned round and undone"
				}
				got, err := run(t, home, entries, lacks, 0, c)
				must(t, err)
				same(t, what, look(t, home, false), want)
				if len(got.Found) > 0 {
					t.Fatalf("found %v", got.Found)
				}
			})
		})
	}
}
