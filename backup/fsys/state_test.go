package fsys

import (
	"errors"
	"inplace/backup/fsys/fsystest"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
)

var errFault = errors.New("injected")

// faulty lets each change from the n-th on fail, or only the n-th, and counts.
func faulty(tree *Tree, n int, lasting bool) *int {
	count := new(int)
	tree.Fault = func(string, string) error {
		if *count++; *count == n || lasting && *count > n {
			return errFault
		}
		return nil
	}
	return count
}

// TestWriteStateFaults fails each operation of a replacement: the file is the old
// one or the new one, whole, and the next write succeeds over what was left.
func TestWriteStateFaults(t *testing.T) {
	for _, lasting := range []bool{false, true} {
		for n := 1; ; n++ {
			tree, home := newTree(t)
			path := filepath.Join(home, "state", "file")
			put(t, path, "old")
			count := faulty(tree, n, lasting)
			err := tree.WriteState("state/file", []byte("new and longer"), 0o640)
			fired := *count >= n
			if fired != errors.Is(err, errFault) {
				t.Fatalf("operation %d, lasting %v: got %v, the fault fired: %v", n, lasting, err, fired)
			}
			if got := read(t, path); got != "old" && got != "new and longer" {
				t.Fatalf("operation %d: got %q, want old or new", n, got)
			}
			tree.Fault = nil
			names, e := tree.Names("state")
			must(t, e)
			if !lasting && n > 1 && !slices.Equal(names, []string{"file"}) {
				t.Fatalf("operation %d: left %q", n, names)
			}
			must(t, tree.WriteState("state/file", []byte("third"), 0o640))
			if names, e = tree.Names("state"); e != nil || !slices.Equal(names, []string{"file"}) || read(t, path) != "third" {
				t.Fatalf("operation %d, again: %q, %v", n, names, e)
			}
			if !fired {
				if n < 5 {
					t.Fatalf("only %d operations", n-1)
				}
				break
			}
		}
	}
}

func TestReadState(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "f"), "12345")
	if data, err := tree.ReadState("f", 5); err != nil || string(data) != "12345" {
		t.Errorf("got %q, %v", data, err)
	}
	var unsafe *UnsafeError
	if _, err := tree.ReadState("f", 4); !errors.As(err, &unsafe) {
		t.Errorf("larger than the limit: got %v, want an UnsafeError", err)
	}
	for _, p := range []string{"none", "none/none", "f/none"} {
		if _, err := tree.ReadState(p, 5); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want fs.ErrNotExist", p, err)
		}
	}
	must(t, tree.RemoveState("f"))
	must(t, tree.RemoveState("f"))
	if info, err := tree.Lstat("f"); err != nil || info.Exists {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestAppendState(t *testing.T) {
	for _, c := range []struct{ name, before, want string }{
		{"no file", "-", "line\n"},
		{"empty", "", "line\n"},
		{"whole lines", "one\ntwo\n", "one\ntwo\nline\n"},
		{"torn last line", "one\ntw", "one\ntw\nline\n"},
		{"torn at its first byte", "{", "{\nline\n"},
		{"zeros from a crash", "one\n\x00\x00", "one\n\x00\x00\nline\n"},
	} {
		tree, home := newTree(t)
		path := filepath.Join(home, "log")
		if c.before != "-" {
			put(t, path, c.before)
		}
		must(t, tree.AppendState("log", []byte("line\n"), 0o600))
		if got := read(t, path); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		must(t, tree.AppendState("log", []byte("more\n"), 0o600))
		if got := read(t, path); got != c.want+"more\n" {
			t.Errorf("%s, again: got %q", c.name, got)
		}
	}
}

func TestChtimes(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "d/f"), "")
	fsystest.Symlink(t, "f", filepath.Join(home, "d/link"))
	d, err := tree.OpenDir("d")
	must(t, err)
	defer d.Close()
	for i, c := range []struct {
		dir  *Dir
		name string
	}{{d, "f"}, {d, "link"}, {tree.Root(), "d"}, {tree.Root(), "."}} {
		for _, ns := range []int64{1_234_567_890_123_456_700, 100, 4_294_967_296_999_999_900} { // 2009, 1970, 2106
			ns += int64(i) * 1e9
			must(t, c.dir.Chtimes(c.name, ns))
			info, err := c.dir.Lstat(c.name)
			must(t, err)
			if info.MTime != ns {
				t.Errorf("%s: got %d, want %d", c.name, info.MTime, ns)
			}
		}
	}
	if f, err := d.Lstat("f"); err != nil || f.MTime != 4_294_967_296_999_999_900 {
		t.Errorf("the time of a link went to what it points to: %d, %v", f.MTime, err)
	}
}

func TestCopyAndReserve(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "from"), "some bytes")
	src, err := tree.Open("from")
	must(t, err)
	defer func() { _ = src.Close() }()
	dst, err := tree.Root().Create("to")
	must(t, err)
	defer func() { _ = dst.Close() }()
	must(t, Reserve(dst, 0))
	must(t, CopyData(dst, src))
	if got := read(t, filepath.Join(home, "to")); got != "some bytes" {
		t.Errorf("got %q", got)
	}
	reserved, err := tree.Root().Create("reserved")
	must(t, err)
	defer func() { _ = reserved.Close() }()
	must(t, Reserve(reserved, 1<<16))
	attrs, err := Xattrs(src)
	must(t, err)
	if refused, err := SetXattrs(dst, attrs); err != nil || len(refused) > 0 {
		t.Errorf("not copied within one directory: %q, %v", refused, err)
	}
}
