package fsys

import (
	"errors"
	"fmt"
	"inplace/backup/fsys/fsystest"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestLstat: what is not there is the zero Info, whatever is missing above it; a
// link above is named.
func TestLstat(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "d/f"), "12345")
	fsystest.Symlink(t, "f", filepath.Join(home, "d/link"))
	fsystest.Symlink(t, "d", filepath.Join(home, "dlink"))
	for _, c := range []struct {
		path            string
		dir, file, link bool
	}{
		{"", true, false, false}, {"d", true, false, false}, {"d/f", false, true, false}, {"d/link", false, false, true}, {"dlink", false, false, true},
		{"none", false, false, false}, {"none/deep/er", false, false, false}, {"d/f/below", false, false, false}, {"d/f/below/more", false, false, false},
	} {
		info, err := tree.Lstat(c.path)
		must(t, err)
		if info.IsDir() != c.dir || info.IsFile() != c.file || info.IsLink() != c.link || info.Exists != (c.dir || c.file || c.link) {
			t.Errorf("%q: got %+v", c.path, info)
		}
	}
	info, err := tree.Lstat("d/f")
	must(t, err)
	if info.Size != 5 || info.Nlink != 1 || info.Ino == 0 || info.MTime == 0 || !info.Unchanged(info) || info.Unchanged(Info{}) {
		t.Errorf("d/f: got %+v", info)
	}
	var link *LinkError
	for _, p := range []string{"dlink/f", "dlink/none", "dlink/f/none"} {
		if _, err := tree.Lstat(p); !errors.As(err, &link) || link.Path != "dlink" {
			t.Errorf("%s: got %v, want a LinkError of dlink", p, err)
		}
	}
	if _, err := tree.Open("d/link"); !errors.Is(err, ErrNotRegular) {
		t.Errorf("opening a link: got %v, want ErrNotRegular", err)
	}
	if _, err := tree.Open("d"); !errors.Is(err, ErrNotRegular) {
		t.Errorf("opening a directory: got %v, want ErrNotRegular", err)
	}
	if _, err := tree.Open("d/none"); !errors.Is(err, fs.ErrNotExist) || !IsAbsent(err) || !strings.HasPrefix(err.Error(), "d/none: ") {
		t.Errorf("opening nothing: got %v, want d/none: not there", err)
	}
	if _, err := tree.Open("d/f/x"); !IsAbsent(err) {
		t.Errorf("opening below a file: got %v, want it absent", err)
	}
}

// TestOpenThroughLink: the installation itself may be given as a link, once.
func TestOpenThroughLink(t *testing.T) {
	_, home := newTree(t)
	put(t, filepath.Join(home, "f"), "here")
	link := filepath.Join(fsystest.TempDir(t), "link")
	fsystest.Symlink(t, home, link)
	tree, err := Open(link + "/")
	must(t, err)
	defer tree.Close()
	if real, _ := filepath.EvalSymlinks(home); tree.Path() != real {
		t.Errorf("got %s, want %s", tree.Path(), real)
	}
	must(t, os.Remove(link))
	fsystest.Symlink(t, fsystest.TempDir(t), link) // what it points to later does not matter
	if info, err := tree.Lstat("f"); err != nil || !info.Exists {
		t.Errorf("got %+v, %v", info, err)
	}
	for _, path := range []string{filepath.Join(home, "f"), filepath.Join(home, "none")} {
		if tree, err := Open(path); err == nil {
			tree.Close()
			t.Errorf("%s was opened as an installation", path)
		}
	}
}

func TestNames(t *testing.T) {
	tree, home := newTree(t)
	want := []string{"-rf", ".hidden", "a b", "sub", "ü"}
	for i := range 2000 {
		want = append(want, fmt.Sprintf("n%04d", i))
	}
	for _, name := range want {
		put(t, filepath.Join(home, "d", name), "")
	}
	slices.Sort(want)
	for range 2 { // listing twice begins at the start again
		got, err := tree.Names("d")
		must(t, err)
		if !slices.Equal(got, want) {
			t.Fatalf("got %d names, want %d, sorted", len(got), len(want))
		}
	}
	d, err := tree.OpenDir("d")
	must(t, err)
	defer d.Close()
	for range 2 {
		if got, err := d.Names(); err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %d names, %v", len(got), err)
		}
	}
	if _, err := tree.Names("none"); !IsAbsent(err) {
		t.Errorf("got %v, want it absent", err)
	}
}

func TestRemoveAll(t *testing.T) {
	tree, home := newTree(t)
	outside := fsystest.TempDir(t)
	put(t, filepath.Join(outside, "keep/f"), "mine")
	put(t, filepath.Join(home, "d/e/f"), "")
	put(t, filepath.Join(home, "d/ro/f"), "")
	put(t, filepath.Join(home, "stays"), "")
	fsystest.Symlink(t, outside, filepath.Join(home, "d/e/link"))
	fsystest.Symlink(t, filepath.Join(outside, "keep"), filepath.Join(home, "link"))
	must(t, os.Chmod(filepath.Join(home, "d/ro/f"), 0o400))
	for _, p := range []string{"d", "link", "none", "stays/below", "none/deep"} {
		must(t, tree.RemoveAll(p))
	}
	if names, err := tree.Names(""); err != nil || !slices.Equal(names, []string{"stays"}) {
		t.Errorf("left %q, %v", names, err)
	}
	if read(t, filepath.Join(outside, "keep/f")) != "mine" {
		t.Error("a link was followed")
	}
	fsystest.Symlink(t, outside, filepath.Join(home, "link"))
	var link *LinkError
	if err := tree.RemoveAll("link/keep"); !errors.As(err, &link) {
		t.Errorf("got %v, want a LinkError", err)
	}
	if read(t, filepath.Join(outside, "keep/f")) != "mine" {
		t.Error("a link was followed")
	}
}

func TestParent(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "a/b/c/f"), "")
	d, err := tree.OpenDir("a/b/c")
	must(t, err)
	for _, want := range []string{"a/b", "a", ""} {
		up, err := d.Parent()
		must(t, err)
		d.Close()
		d = up
		if d.Path() != want {
			t.Fatalf("got %q, want %q", d.Path(), want)
		}
		info, err := d.Stat()
		must(t, err)
		if same, err := tree.Lstat(want); err != nil || same.Ino != info.Ino {
			t.Errorf("%q is another directory", want)
		}
	}
	if _, err := d.Parent(); !errors.Is(err, ErrAboveRoot) {
		t.Errorf("got %v, want ErrAboveRoot", err)
	}
	d.Close()
}

func TestMkdirAll(t *testing.T) {
	tree, home := newTree(t)
	for range 2 {
		must(t, tree.MkdirAll("a/b/c", 0o700))
		must(t, tree.MkdirAll("", 0o700))
	}
	put(t, filepath.Join(home, "f"), "")
	if err := tree.MkdirAll("f/a", 0o700); err == nil {
		t.Error("a directory was made below a file")
	}
	fsystest.Symlink(t, fsystest.TempDir(t), filepath.Join(home, "link"))
	var link *LinkError
	if err := tree.MkdirAll("link/a", 0o700); !errors.As(err, &link) {
		t.Errorf("got %v, want a LinkError", err)
	}
}

// TestMoves: rename, link and exchange across directories, for each kind.
func TestMoves(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "a/file"), "file")
	put(t, filepath.Join(home, "a/dir/x"), "x")
	must(t, tree.MkdirAll("b", 0o755))
	a, err := tree.OpenDir("a")
	must(t, err)
	defer a.Close()
	b, err := tree.OpenDir("b")
	must(t, err)
	defer b.Close()
	must(t, a.Link("file", b, "file"))
	if err := a.Link("file", b, "file"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("linking over a file: got %v, want fs.ErrExist", err)
	}
	info, err := b.Lstat("file")
	must(t, err)
	if info.Nlink != 2 {
		t.Errorf("got %d links, want 2", info.Nlink)
	}
	put(t, filepath.Join(home, "b/2"), "two")
	must(t, b.Rename("2", a, "file")) // replaces one name, the other keeps the bytes
	if read(t, filepath.Join(home, "a/file")) != "two" || read(t, filepath.Join(home, "b/file")) != "file" {
		t.Error("replacing one of two names changed the other")
	}
	must(t, a.Rename("dir", b, "dir"))
	if read(t, filepath.Join(home, "b/dir/x")) != "x" {
		t.Error("a directory lost what it holds")
	}
	if err := a.Rename("none", b, "x"); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "b/x: ") {
		t.Errorf("got %v, want b/x: not there", err)
	}
	exchangeTwice(t, b, "dir", a, "file")
	exchangeTwice(t, b, "file", a, "file")
	if err := b.Exchange("file", a, "none"); err == nil {
		t.Error("exchanged with nothing")
	}
	if err := b.Rmdir("dir"); !IsNotEmpty(err) {
		t.Errorf("got %v, want not empty", err)
	}
	must(t, b.RemoveAll("dir"))
	if _, err := a.Create("file"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
}

// TestMoveLinks: links move as themselves, whatever they point to.
func TestMoveLinks(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "a/file"), "file")
	must(t, tree.MkdirAll("b", 0o755))
	fsystest.Symlink(t, "target", filepath.Join(home, "a/link"))
	a, err := tree.OpenDir("a")
	must(t, err)
	defer a.Close()
	b, err := tree.OpenDir("b")
	must(t, err)
	defer b.Close()
	must(t, a.Rename("link", b, "link"))
	if target, err := tree.Readlink("b/link"); err != nil || target != "target" {
		t.Errorf("got %q, %v", target, err)
	}
	exchangeTwice(t, b, "link", a, "file")
	if err := a.Symlink("t", "file"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	long := strings.Repeat("x", 200) + "/" + strings.Repeat("y", 200)
	must(t, a.Symlink(long, "long"))
	if got, err := a.Readlink("long"); err != nil || got != long {
		t.Errorf("got %q, %v", got, err)
	}
}

func exchangeTwice(t *testing.T, a *Dir, name string, b *Dir, other string) {
	t.Helper()
	err := a.Exchange(name, b, other)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Logf("this file system cannot exchange: %v", err)
		return
	}
	must(t, err)
	must(t, a.Exchange(name, b, other))
}

// TestGoroutines uses one tree from several at once (with -race this is a check of
// its locking).
func TestGoroutines(t *testing.T) {
	tree, home := newTree(t)
	for i := range 8 {
		put(t, filepath.Join(home, fmt.Sprint("d", i), "e/f"), fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				f, err := tree.Open(fmt.Sprint("d", i, "/e/f"))
				if err != nil {
					t.Error(err)
					return
				}
				data, err := io.ReadAll(f)
				_ = f.Close()
				if err != nil || string(data) != fmt.Sprint(i) {
					t.Errorf("d%d: got %q, %v", i, data, err)
				}
				if _, err := tree.Root().Stat(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSpaceAndWritable(t *testing.T) {
	tree, _ := newTree(t)
	bytes, inodes, err := tree.Root().Space()
	must(t, err)
	if bytes <= 0 || inodes == 0 || inodes < -1 {
		t.Errorf("got %d bytes, %d inodes", bytes, inodes)
	}
	must(t, tree.Root().Writable())
	must(t, tree.Root().Sync())
	if ok, err := tree.Root().SyncFS(); ok != SyncsWhole || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
}
