//go:build unix

package full

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"inplace/backup/fsys"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sample(t *testing.T) (*fsys.Tree, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	must(t, os.MkdirAll(filepath.Join(dir, "lib", "empty"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "lib", "a.jar"), []byte("jar"), 0o640))
	must(t, os.Chmod(filepath.Join(dir, "lib", "a.jar"), 0o640|os.ModeSetuid))
	must(t, os.Link(filepath.Join(dir, "lib", "a.jar"), filepath.Join(dir, "second")))
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	must(t, os.Chmod(filepath.Join(dir, "lib", "empty"), 0o555))
	old := time.Date(2020, 1, 2, 3, 4, 5, 678, time.UTC)
	for _, p := range []string{"lib/a.jar", "lib/empty", "lib"} {
		must(t, os.Chtimes(filepath.Join(dir, p), old, old))
	}
	tree, err := fsys.Open(dir)
	must(t, err)
	t.Cleanup(tree.Close)
	return tree, dir
}

func TestCopy(t *testing.T) {
	src, _ := sample(t)
	to := filepath.Join(t.TempDir(), "copy")
	res, err := Copy(context.Background(), src, to)
	must(t, err)
	if res.Files != 2 || res.Bytes != 6 || len(res.Skipped) != 1 || res.Skipped[0] != "fifo" {
		t.Errorf("got %+v", res)
	}
	dst, err := fsys.Open(to)
	must(t, err)
	defer dst.Close()
	for _, p := range []string{"lib", "lib/empty", "lib/a.jar", "second", "dangling"} {
		want, err := src.Lstat(p)
		must(t, err)
		got, err := dst.Lstat(p)
		must(t, err)
		if got.Mode != want.Mode || got.UID != want.UID || got.MTime != want.MTime || (got.IsFile() && got.Nlink != want.Nlink) {
			t.Errorf("%s: got %+v, want %+v", p, got, want)
		}
	}
}

func TestCopyRefuses(t *testing.T) {
	src, dir := sample(t)
	if _, err := Copy(context.Background(), src, filepath.Join(dir, "inside")); err == nil || !strings.Contains(err.Error(), "lies within") {
		t.Errorf("a copy into itself: %v", err)
	}
	if _, err := Copy(context.Background(), src, t.TempDir()); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a copy over something: %v", err)
	}
}

// endingContext is cancelled once it has been asked a few times.
type endingContext struct {
	context.Context
	after int
	then  func()
	mu    sync.Mutex
}

func (c *endingContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.after--; c.after > 0 {
		return nil
	}
	if c.after == 0 {
		c.then()
	}
	return context.Canceled
}

// What is not whole has no name: a copy that was interrupted, or killed before the one that
// comes after it.
func TestCopyWhole(t *testing.T) {
	src, _ := sample(t)
	parent := t.TempDir()
	left := func() (names []string) {
		list, err := os.ReadDir(parent)
		must(t, err)
		for _, e := range list {
			names = append(names, e.Name())
		}
		return names
	}
	var seen []string
	ctx := &endingContext{Context: context.Background(), after: 3, then: func() { seen = left() }}
	if _, err := Copy(ctx, src, filepath.Join(parent, "copy")); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled copy: %v", err)
	}
	if len(seen) != 1 || seen[0] == "copy" || len(left()) > 0 {
		t.Errorf("got %q on the way and %q at the end, want a copy without its name and nothing", seen, left())
	}
	must(t, os.MkdirAll(filepath.Join(parent, seen[0], "half"), 0o700))
	_, err := Copy(context.Background(), src, filepath.Join(parent, "copy"))
	must(t, err)
	if got := left(); len(got) != 1 || got[0] != "copy" {
		t.Errorf("got %q beside the copy", got)
	}
}

// A copy that does not have the same bytes is never called one.
func TestVerifySeesDamage(t *testing.T) {
	src, _ := sample(t)
	to := filepath.Join(t.TempDir(), "copy")
	_, err := Copy(context.Background(), src, to)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(to, "second"), []byte("rat"), 0o640))
	dst, err := fsys.Open(to)
	must(t, err)
	defer dst.Close()
	list, err := walk(src, "", nil)
	must(t, err)
	for i, e := range list {
		if e.path == "fifo" {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if err := verify(context.Background(), src, dst, list, &Result{}); err == nil || !strings.Contains(err.Error(), "differs") {
		t.Errorf("got %v, want the damage named", err)
	}
}
