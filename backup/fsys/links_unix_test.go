//go:build unix

package fsys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSwappedDirectory is row E2: an attacker keeps exchanging a directory for a link
// to one outside, 10,000 times at least, while every kind of change goes on below it.
// Nothing outside changes; each refusal names the link.
func TestSwappedDirectory(t *testing.T) {
	const rounds = 10_000
	tree, home := newTree(t)
	outside := t.TempDir()
	for _, dir := range []string{outside, filepath.Join(home, "dir")} {
		for _, name := range []string{"sub/file", "sub/gone", "file", "deep/er/file"} {
			put(t, filepath.Join(dir, name), "untouched")
		}
	}
	must(t, os.Symlink(outside, filepath.Join(home, "evil")))
	before := fingerprint(t, outside)

	for range 2 {
		err := tree.Root().Exchange("dir", tree.Root(), "evil")
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("this file system cannot exchange names, so the attack cannot be made")
		}
		must(t, err)
	}
	var swaps atomic.Int64
	var stop atomic.Bool
	attacker := make(chan error, 1)
	go func() {
		root, err := openRoot(home)
		if err != nil {
			attacker <- err
			return
		}
		defer root.Close()
		for !stop.Load() && err == nil {
			if err = root.Exchange("dir", root, "evil"); err == nil && swaps.Add(1)%101 == 0 {
				time.Sleep(100 * time.Microsecond) // now and then a change gets through
			}
		}
		attacker <- err
	}()

	changes := []struct {
		name string
		fn   func() error
	}{
		{"write", func() error { return tree.WriteState("dir/sub/file", []byte("ours"), 0o600) }},
		{"append", func() error { return tree.AppendState("dir/log", []byte("line\n"), 0o600) }},
		{"mkdir", func() error { return tree.MkdirAll("dir/new/deep", 0o755) }},
		{"remove", func() error { return tree.RemoveAll("dir/new") }},
		{"remove file", func() error { return tree.RemoveState("dir/sub/gone") }},
		{"chmod", func() error { return tree.In("dir/file", func(d *Dir, n string) error { return d.Chmod(n, 0o600) }) }},
		{"chmod of it", func() error { return tree.In("dir", func(d *Dir, n string) error { return d.Chmod(n, 0o750) }) }},
		{"times", func() error { return tree.In("dir/file", func(d *Dir, n string) error { return d.Chtimes(n, 1e18) }) }},
		{"chown", func() error {
			return tree.In("dir/file", func(d *Dir, n string) error { return d.Chown(n, os.Getuid(), os.Getgid()) })
		}},
		{"link", func() error { return tree.In("dir/made", func(d *Dir, n string) error { return d.Symlink("x", n) }) }},
		{"rename", func() error {
			return tree.In("dir/sub/file", func(d *Dir, n string) error { return d.Rename(n, d, "moved") })
		}},
		{"read", func() error {
			f, err := tree.Open("dir/deep/er/file")
			if err == nil {
				_ = f.Close()
			}
			return err
		}},
	}
	done, refused := map[string]int{}, 0
	for i, start := 0, time.Now(); swaps.Load() < rounds || len(done) < len(changes) || refused == 0; i++ {
		if time.Since(start) > time.Minute {
			t.Fatalf("in %d swaps: done %v, refused %d: each must happen", swaps.Load(), done, refused)
		}
		select {
		case err := <-attacker:
			t.Fatalf("the attacker gave up after %d swaps: %v", swaps.Load(), err)
		default:
		}
		tree.Forget() // walk again: a held handle is safe anyway
		c := changes[i%len(changes)]
		var link *LinkError
		switch err := c.fn(); {
		case err == nil:
			done[c.name]++
		case errors.As(err, &link):
			refused++
		case errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR): // the last name was the link, or turned into it
			refused++
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist): // our own changes of before
			done[c.name]++
		default:
			t.Fatalf("%s: %v", c.name, err)
		}
	}
	stop.Store(true)
	must(t, <-attacker)
	if after := fingerprint(t, outside); after != before {
		t.Fatalf("outside was changed:\n%s\nwant\n%s", after, before)
	}
}

// fingerprint lists all below dir: names, kinds, modes, owners, times, contents.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	out := ""
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		info := infoOf(&st)
		out += fmt.Sprintln(p, info.Mode, info.UID, info.GID, info.MTime, info.CTime, info.Nlink)
		if info.IsFile() {
			out += read(t, p)
		}
		return nil
	}))
	return out
}

// TestLinksAreNotFollowed does each change once through a link on the way and once at
// a link.
func TestLinksAreNotFollowed(t *testing.T) {
	tree, home := newTree(t)
	outside := t.TempDir()
	put(t, filepath.Join(outside, "file"), "untouched")
	put(t, filepath.Join(outside, "sub/file"), "untouched")
	must(t, os.Symlink(outside, filepath.Join(home, "dir")))
	must(t, os.Symlink(filepath.Join(outside, "file"), filepath.Join(home, "file")))
	before := fingerprint(t, outside)
	through := map[string]func() error{
		"lstat":    func() error { _, err := tree.Lstat("dir/file"); return err },
		"open":     func() error { _, err := tree.Open("dir/file"); return err },
		"opendir":  func() error { _, err := tree.OpenDir("dir"); return err },
		"deeper":   func() error { _, err := tree.OpenDir("dir/sub"); return err },
		"names":    func() error { _, err := tree.Names("dir"); return err },
		"write":    func() error { return tree.WriteState("dir/file", nil, 0o600) },
		"append":   func() error { return tree.AppendState("dir/file", []byte("x\n"), 0o600) },
		"lock":     func() error { _, err := tree.Lock("dir/file"); return err },
		"mkdir":    func() error { return tree.MkdirAll("dir/new", 0o755) },
		"remove":   func() error { return tree.RemoveAll("dir/sub") },
		"state":    func() error { return tree.RemoveState("dir/file") },
		"readlink": func() error { _, err := tree.Readlink("dir/file"); return err },
	}
	for name, fn := range through {
		var link *LinkError
		if err := fn(); !errors.As(err, &link) || link.Path != "dir" {
			t.Errorf("%s through a link: got %v, want a LinkError of dir", name, err)
		}
	}
	root := tree.Root()
	if err := root.Chmod("file", 0o777); !errors.Is(err, unix.ELOOP) {
		t.Errorf("chmod of a link: got %v, want ELOOP", err)
	}
	must(t, root.Chown("file", os.Getuid(), os.Getgid()))
	must(t, root.Chtimes("file", 1e18))
	if _, err := root.Create("file"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create at a link: got %v, want fs.ErrExist", err)
	}
	must(t, os.Symlink(filepath.Join(outside, "made"), filepath.Join(home, "dangling")))
	for _, name := range []string{"file", "dangling"} { // past the look that callers take first
		if f, err := root.openAppend(name, 0o600); !errors.Is(err, unix.ELOOP) {
			_ = f.Close()
			t.Errorf("append at the link %s: got %v, want ELOOP", name, err)
		}
	}
	must(t, root.WriteFile("new", []byte("ours"), 0o644, true))
	must(t, root.Rename("new", root, "file")) // replaces the link, not what it points to
	if info, err := tree.Lstat("file"); err != nil || !info.IsFile() {
		t.Errorf("got %+v, %v", info, err)
	}
	must(t, tree.RemoveAll("dir"))
	if after := fingerprint(t, outside); after != before {
		t.Fatalf("outside was changed:\n%s\nwant\n%s", after, before)
	}
}
