// Package full makes a complete copy of an installation, for who wants one beside the
// snapshots. The copying is otiai10/copy's; what it leaves out is done here: hard links
// are joined again, links get their owner, files their setuid bits and extended
// attributes, directories their times. Then the copy is compared with the original,
// path by path, by digest, and only then gets its name. One that was interrupted or differs is
// an error and is removed; what a killed run left is removed by the next copy to the same name.
//
// Sockets, pipes and devices are not copied; they are listed. A directory that is followed
// behind a link stands in the copy in place of the link, so that the copy is complete, and
// nothing that is done to it reaches the original.
package full

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/otiai10/copy"

	"inplace/backup"
	"inplace/backup/fsys"
)

// Result is what a copy holds.
type Result struct {
	Files   int
	Bytes   int64
	Skipped []string // sockets, pipes and devices, relative to the original
}

// entry is a path of the original, relative to it.
type entry struct {
	path string
	info fsys.Info
}

// Copy copies the directory from, which is open as src, to the directory to. It must
// not exist, its parent must, and it must not lie below from. Errors name the path that could not be
// copied, or that differs.
func Copy(ctx context.Context, src *fsys.Tree, to string) (Result, error) {
	to, parent, err := place(src, to)
	if err != nil {
		return Result{}, err
	}
	defer parent.Close()
	name := filepath.Base(to)
	of := sha256.Sum256([]byte(src.Path()))
	unnamed := fmt.Sprintf("%s%s-%x", fsys.TempPrefix, name, of[:6]) // that of no other installation
	if err := parent.RemoveAll(unnamed); err != nil {
		return Result{}, err
	}
	res, err := copyTo(ctx, src, filepath.Join(parent.Path(), unnamed))
	if err == nil {
		err = parent.Root().Rename(unnamed, parent.Root(), name)
	}
	if err != nil {
		return res, errors.Join(fmt.Errorf("copy to %s: %w", to, err), parent.RemoveAll(unnamed))
	}
	return res, parent.Root().Sync()
}

// copyTo makes the copy and compares it.
func copyTo(ctx context.Context, src *fsys.Tree, to string) (res Result, err error) {
	links := map[string]bool{}
	for _, p := range src.Followed() {
		links[filepath.Join(src.RealPath(path.Dir(p)), path.Base(p))] = true
	}
	for _, dir := range append([]string{""}, src.Followed()...) {
		skipped, err := copyDir(ctx, src.RealPath(dir), filepath.Join(to, filepath.FromSlash(dir)), links)
		if err != nil {
			return res, err
		}
		for _, p := range skipped {
			res.Skipped = append(res.Skipped, path.Join(dir, p))
		}
	}
	slices.Sort(res.Skipped)
	dst, err := fsys.Open(to)
	if err != nil {
		return res, err
	}
	defer dst.Close()
	list, err := walk(src, "", nil)
	if err != nil {
		return res, err
	}
	list = slices.DeleteFunc(list, func(e entry) bool { return slices.Contains(res.Skipped, e.path) })
	if err := mend(src, dst, list); err != nil {
		return res, err
	}
	return res, verify(ctx, src, dst, list, &res)
}

// place is the absolute path that a copy of src in to will have, and the directory that it will lie in.
func place(src *fsys.Tree, to string) (string, *fsys.Tree, error) {
	to, err := filepath.Abs(to)
	if err != nil {
		return "", nil, err
	}
	if _, err := os.Lstat(to); err == nil {
		return "", nil, fmt.Errorf("%s: is there already, want a new directory", to)
	}
	parent, err := fsys.Open(filepath.Dir(to))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s: is not there, want a directory to make the copy in", filepath.Dir(to))
	}
	if err != nil {
		return "", nil, err
	}
	real := filepath.Join(parent.Path(), filepath.Base(to))
	for _, dir := range append([]string{""}, src.Followed()...) {
		if rel, err := filepath.Rel(src.RealPath(dir), real); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			parent.Close()
			return "", nil, fmt.Errorf("%s: lies within the installation", to)
		}
	}
	return to, parent, nil
}

// Room is what a copy takes, and what there is where it is to lie.
type Room struct {
	Bytes, Inodes         int64 // of the copy
	FreeBytes, FreeInodes int64 // FreeInodes is -1 where they are not counted
	Beside                bool  // it lies on the file system of the original
}

// Check finds what keeps a copy of src from being made in to, and writes nothing. It is for
// who wants to know early: Copy checks by itself. Errors: of Copy, but for the room, and
// a parent that nothing can be made in.
func Check(src *fsys.Tree, to string) (Room, error) {
	var room Room
	_, parent, err := place(src, to)
	if err != nil {
		return room, err
	}
	defer parent.Close()
	if err := parent.Root().Writable(); err != nil {
		return room, fmt.Errorf("%s: cannot be written to: %w", parent.Path(), err)
	}
	if room.FreeBytes, room.FreeInodes, err = parent.Root().Space(); err != nil {
		return room, err
	}
	home, err := src.Lstat("")
	if err != nil {
		return room, err
	}
	above, err := parent.Lstat("")
	if err != nil {
		return room, err
	}
	room.Beside = home.Dev == above.Dev
	list, err := walk(src, "", nil)
	for _, e := range list {
		room.Inodes++
		if e.info.IsFile() {
			room.Bytes += e.info.Size // each name of a file counts: they are joined afterwards
		}
	}
	return room, err
}

// copyDir copies the directory from to to, but for links and for what cannot be copied,
// which it lists.
func copyDir(ctx context.Context, from, to string, links map[string]bool) (skipped []string, err error) {
	var mu sync.Mutex
	err = copy.Copy(from, to, copy.Options{
		PreserveTimes: true, PreserveOwner: os.Geteuid() == 0, Sync: true, NumOfWorkers: 4,
		OnSymlink: func(path string) copy.SymlinkAction {
			if links[path] {
				return copy.Skip
			}
			return copy.Shallow
		},
		Skip: func(info os.FileInfo, path, _ string) (bool, error) {
			if err := context.Cause(ctx); err != nil {
				return false, err
			}
			if info.Mode()&(fs.ModeSocket|fs.ModeNamedPipe|fs.ModeDevice) == 0 {
				return false, nil
			}
			mu.Lock()
			defer mu.Unlock()
			rel, _ := filepath.Rel(from, path)
			skipped = append(skipped, filepath.ToSlash(rel))
			return true, nil
		},
	})
	return skipped, err
}

// walk lists everything below dir, sorted, directories before what is in them.
func walk(t *fsys.Tree, dir string, out []entry) ([]entry, error) {
	d, err := t.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Names()
	d.Close()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		p := strings.TrimPrefix(dir+"/"+name, "/")
		info, err := t.Lstat(p)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{p, info})
		if info.IsDir() {
			if out, err = walk(t, p, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// mend gives the copy what the library does not: in the order in which none of it
// undoes another, directories' times last and from the deepest up.
func mend(src, dst *fsys.Tree, list []entry) error {
	first := map[[2]uint64]string{}
	for _, e := range list {
		if e.info.IsFile() && e.info.Nlink > 1 {
			key := [2]uint64{e.info.Dev, e.info.Ino}
			if other, ok := first[key]; ok {
				if err := join(dst, other, e.path); err != nil {
					return err
				}
				continue
			}
			first[key] = e.path
		}
		if err := mendOne(src, dst, e); err != nil {
			return err
		}
	}
	for _, e := range slices.Backward(list) {
		if !e.info.IsDir() {
			continue
		}
		if err := syncDir(dst, e.path); err != nil {
			return err
		}
		if err := dst.In(e.path, func(d *fsys.Dir, name string) error { return d.Chtimes(name, e.info.MTime) }); err != nil {
			return err
		}
	}
	return syncDir(dst, "")
}

func syncDir(t *fsys.Tree, path string) error {
	d, err := t.OpenDir(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// join makes path a second name of other.
func join(t *fsys.Tree, other, path string) error {
	dir, name := "", other
	if i := strings.LastIndexByte(other, '/'); i >= 0 {
		dir, name = other[:i], other[i+1:]
	}
	from, err := t.OpenDir(dir)
	if err != nil {
		return err
	}
	defer from.Close()
	return t.In(path, func(d *fsys.Dir, n string) error {
		if err := d.Remove(n); err != nil {
			return err
		}
		return from.Link(name, d, n)
	})
}

func mendOne(src, dst *fsys.Tree, e entry) error {
	return dst.In(e.path, func(d *fsys.Dir, name string) error {
		if os.Geteuid() == 0 {
			if err := d.Chown(name, e.info.UID, e.info.GID); err != nil {
				return err
			}
		}
		if e.info.IsLink() {
			return d.Chtimes(name, e.info.MTime)
		}
		var err error
		switch {
		case e.info.IsFile():
			err = attributes(func() (*os.File, error) { return src.Open(e.path) }, func() (*os.File, error) { return d.Open(name) })
		case e.info.IsDir() && fsys.HasModes:
			err = attributes(func() (*os.File, error) { return os.Open(src.RealPath(e.path)) }, func() (*os.File, error) { return os.Open(dst.RealPath(e.path)) })
		}
		if err != nil {
			return err
		}
		if fsys.HasModes {
			mode := e.info.Mode.Perm() | e.info.Mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)
			if err := os.Chmod(filepath.Join(dst.Path(), filepath.FromSlash(e.path)), mode); err != nil {
				return err
			}
		}
		return d.Chtimes(name, e.info.MTime)
	})
}

// attributes gives what to opens the extended attributes of what from opens, lists of rights
// among them.
func attributes(from, to func() (*os.File, error)) error {
	src, err := from()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	attrs, err := fsys.Xattrs(src)
	if err != nil || len(attrs) == 0 {
		return err
	}
	dst, err := to()
	if err != nil {
		return err
	}
	defer func() { _ = dst.Close() }()
	_, err = fsys.SetXattrs(dst, attrs) // what this user may not set is no reason to have no copy
	return err
}

// verify compares the copy with what was listed of the original.
func verify(ctx context.Context, src, dst *fsys.Tree, list []entry, res *Result) error {
	for _, e := range list {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		got, err := dst.Lstat(e.path)
		if err != nil {
			return err
		}
		want := e.info
		if got.Mode != want.Mode || want.IsFile() && got.Size != want.Size {
			return fmt.Errorf("%s: the copy differs: want %v and %d bytes, got %v and %d", e.path, want.Mode, want.Size, got.Mode, got.Size)
		}
		switch {
		case want.IsFile():
			if err := sameBytes(src, dst, e.path); err != nil {
				return err
			}
			res.Files++
			res.Bytes += want.Size
		case want.IsLink():
			a, err1 := src.Readlink(e.path)
			b, err2 := dst.Readlink(e.path)
			if err := errors.Join(err1, err2); err != nil || a != b {
				return fmt.Errorf("%s: the copy differs: want a link to %q, got %q", e.path, a, b)
			}
		}
	}
	return nil
}

func sameBytes(src, dst *fsys.Tree, path string) error {
	var sums [2]string
	for i, t := range []*fsys.Tree{src, dst} {
		f, err := t.Open(path)
		if err != nil {
			return err
		}
		d, err := backup.DigestFile(f)
		_ = f.Close()
		if err != nil {
			return err
		}
		sums[i] = d.String()
	}
	if sums[0] != sums[1] {
		return fmt.Errorf("%s: the copy differs: want %s, got %s", path, sums[0], sums[1])
	}
	return nil
}
