// Package fsys is the only code that touches an installation: it reads and
// writes relative to held directory handles and never follows a symbolic link
// below the directory that was opened first.
//
// A [Tree] is an installation held open. Its root is resolved once, when it is
// opened; from then on every path is walked component by component from the held
// handle, each component opened with O_NOFOLLOW, so that a link swapped in under a
// running update ends in a [LinkError] and never in a write elsewhere. A [Dir] is
// one directory held open; its methods take single names only.
//
// The one exception are directories that the operator moved behind a link and named (see
// [Tree.Follow]): such a path stands for the directory behind it, which is held open like
// the root, and everything below is walked from there.
//
// What a crash leaves behind: nothing of this package's own but files whose name
// starts with [TempPrefix], which the next run may delete.
//
// What differs by system is in dir_unix.go, dir_windows.go and the files named
// after a system; nothing else in the project asks which system it runs on.
package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// TempPrefix starts the name of each temporary file that this package makes.
const TempPrefix = ".inplace-tmp-"

// Info is what lstat tells of a name. The zero value means that nothing is there.
type Info struct {
	Exists bool
	Mode   fs.FileMode // type and permission bits
	UID    int         // -1 where the system has no such number
	GID    int
	Size   int64
	MTime  int64 // nanoseconds since 1970
	CTime  int64 // nanoseconds since 1970; 0 where the system has none
	Ino    uint64
	Dev    uint64
	Nlink  uint64

	Mount     uint64 // the mount it lies on; 0 where the system does not tell
	Immutable bool   // flagged immutable or append-only
}

// IsDir reports whether i is a directory.
func (i Info) IsDir() bool { return i.Exists && i.Mode.IsDir() }

// IsFile reports whether i is a regular file.
func (i Info) IsFile() bool { return i.Exists && i.Mode.IsRegular() }

// IsLink reports whether i is a symbolic link.
func (i Info) IsLink() bool { return i.Exists && i.Mode&fs.ModeSymlink != 0 }

// Perm is the permission bits as a plain number.
func (i Info) Perm() uint32 { return uint32(i.Mode.Perm()) }

// Unchanged reports whether o was taken of the same, untouched inode as i.
func (i Info) Unchanged(o Info) bool {
	return i.Exists == o.Exists && i.Mode == o.Mode && i.Size == o.Size && i.MTime == o.MTime &&
		i.CTime == o.CTime && i.Ino == o.Ino && i.Dev == o.Dev && i.UID == o.UID && i.GID == o.GID
}

// LinkError reports that a directory on the way to Path is a symbolic link.
type LinkError struct{ Path string }

func (e *LinkError) Error() string { return e.Path + ": is a symbolic link, not a directory" }

// IsBlocked reports whether err says that no directory leads to a path: nothing is
// there, or a file or link stands in the way.
func IsBlocked(err error) bool {
	var link *LinkError
	return IsAbsent(err) || errors.As(err, &link)
}

// ErrNotRegular is returned for a state or product file that is not a regular file.
var ErrNotRegular = errors.New("not a regular file")

// ErrAboveRoot is returned for a step that would leave the tree.
var ErrAboveRoot = errors.New("lies above the installation")

// Tree is a directory tree held open. Its methods may be called from several
// goroutines; they take slash-separated relative paths, "" being the root.
type Tree struct {
	// Fault, if set, is asked before each change (its operation and path); an error
	// it returns is the outcome of the change. For tests.
	Fault func(op, path string) error

	// Inherit has what root makes new belong to the owner of the root directory, who could not
	// read it otherwise, or has to find it as the others are. Not on Windows.
	Inherit bool

	path  string
	owner func() (Info, error) // what the root directory is
	root  *Dir
	mu    sync.Mutex
	chain []*Dir          // root first, then the directories of the path used last
	kept  map[string]*Dir // by path, while Holding

	named    map[string]bool      // the paths given to Follow, links or not
	followed map[string]*followed // those of them that are links
}

// Open resolves path (a link as installation path is followed once, here) and
// holds the directory open.
func Open(path string) (*Tree, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, err
	}
	t := &Tree{path: real}
	root, err := openRoot(real)
	if err != nil {
		return nil, err
	}
	root.tree = t
	t.root, t.chain = root, []*Dir{root}
	t.owner = sync.OnceValues(root.Stat)
	return t, nil
}

// Path is the resolved path of the root.
func (t *Tree) Path() string { return t.path }

// Close lets go of all handles.
func (t *Tree) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shorten(0)
	t.chain = nil
	t.letGo()
	t.unfollow()
}

// heir is who is to have what info tells of, which was just made; ok is false where that is as
// it is to be.
func (t *Tree) heir(info Info) (uid, gid int, ok bool, err error) {
	if t == nil || !t.Inherit || info.UID != 0 {
		return 0, 0, false, nil
	}
	root, err := t.owner()
	return root.UID, root.GID, root.UID > 0, err
}

// Root is the held root directory. It is closed with the tree.
func (t *Tree) Root() *Dir { return t.root }

// fault is asked before each change of path.
func (t *Tree) fault(op, path string) error {
	if t == nil {
		return nil
	}
	if err := t.changesLink(op, path); err != nil || t.Fault == nil {
		return err
	}
	return t.Fault(op, path)
}

// faultBetween is fault for a change that takes the name from away from where it is.
func (t *Tree) faultBetween(op, from, path string) error {
	if t != nil {
		if err := t.changesLink(op, from); err != nil {
			return err
		}
	}
	return t.fault(op, path)
}

// OpenDir opens the directory path on a handle of its own.
func (t *Tree) OpenDir(path string) (*Dir, error) {
	if path == "" {
		return t.Root().reopen()
	}
	var out *Dir
	err := t.In(path, func(d *Dir, name string) (err error) {
		out, err = d.OpenDir(name)
		return err
	})
	return out, err
}

// Lstat tells what is at path. Nothing there, also because a directory above is
// missing or is a file, is the zero Info without an error; a link above is a
// *[LinkError].
func (t *Tree) Lstat(path string) (Info, error) {
	if path == "" {
		return t.Root().Stat()
	}
	var info Info
	err := t.In(path, func(d *Dir, name string) (err error) {
		info, err = d.Lstat(name)
		return err
	})
	if IsAbsent(err) {
		return Info{}, nil
	}
	return info, err
}

// Open opens the regular file path for reading. A link, fifo or device is
// [ErrNotRegular]; opening never blocks.
func (t *Tree) Open(path string) (*os.File, error) {
	var f *os.File
	err := t.In(path, func(d *Dir, name string) (err error) {
		f, err = d.Open(name)
		return err
	})
	return f, err
}

// Readlink returns the target of the link path.
func (t *Tree) Readlink(path string) (string, error) {
	var target string
	err := t.In(path, func(d *Dir, name string) (err error) {
		target, err = d.Readlink(name)
		return err
	})
	return target, err
}

// Names lists the names in the directory path, sorted; in one that is followed without
// [StoreName].
func (t *Tree) Names(path string) ([]string, error) {
	d, err := t.OpenDir(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Names()
	if t.named[path] {
		names = slices.DeleteFunc(names, func(n string) bool { return n == StoreName })
	}
	return names, err
}

// MkdirAll makes the directory path and what is missing above it, with mode, and
// syncs each directory that got a new name.
func (t *Tree) MkdirAll(path string, mode uint32) error {
	if path == "" {
		return nil
	}
	info, err := t.Lstat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return nil
	}
	dir, _ := split(path)
	if err := t.MkdirAll(dir, mode); err != nil {
		return err
	}
	return t.In(path, func(d *Dir, name string) error {
		if err := d.Mkdir(name, mode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return d.Sync()
	})
}

// RemoveAll removes path and all below it without following a link. Nothing
// there is no error.
func (t *Tree) RemoveAll(path string) error {
	err := t.In(path, func(d *Dir, name string) error { return d.RemoveAll(name) })
	if IsAbsent(err) {
		return nil
	}
	return err
}

// RemoveAll removes name and all below it without following a link.
func (d *Dir) RemoveAll(name string) error {
	if d.followed(name) != nil {
		return d.pathError(name, errFollowed)
	}
	info, err := d.Lstat(name)
	if err != nil || !info.Exists {
		return err
	}
	if !info.IsDir() {
		return ignoreAbsent(d.Remove(name))
	}
	sub, err := d.OpenDir(name)
	if errors.Is(err, fs.ErrPermission) && d.Chmod(name, 0o700) == nil {
		sub, err = d.OpenDir(name)
	}
	if err != nil {
		return ignoreAbsent(err)
	}
	names, err := sub.Names()
	for _, n := range names {
		if e := sub.RemoveAll(n); err == nil {
			err = e
		}
	}
	sub.Close()
	if err != nil {
		return err
	}
	return ignoreAbsent(d.Rmdir(name))
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// PathError names the path that an operation failed on: "path: cause".
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *PathError) Unwrap() error { return e.Err }

// cause strips what the os package adds, since the path is added here.
func cause(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}

// pathError adds where it happened, once, as "path: cause".
func (d *Dir) pathError(name string, err error) error {
	if err == nil {
		return nil
	}
	p := name
	if d.path != "" && name != "" {
		p = d.path + "/" + name
	} else if name == "" {
		p = d.path
	}
	if p == "" {
		p = "."
	}
	return &PathError{Path: p, Err: err}
}
