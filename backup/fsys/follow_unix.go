//go:build unix

package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// walker goes from the link to its directory, one name at a time, each opened from the
// directory held before it.
type walker struct {
	path   string // of the link
	owners []int  // who may have made the directories and links on the way
	fd     int
	at     string   // the path of fd, resolved
	todo   []string // names still to go
	links  int
}

// resolve follows the link path and opens the directory that it leads to.
func (t *Tree) resolve(path string) (*followed, error) {
	root, err := t.root.Stat()
	if err != nil {
		return nil, err
	}
	dir, name := split(path)
	from, err := t.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	fd, err := openat(from.fd(), ".", walkFlags, 0)
	if err != nil {
		return nil, from.pathError("", err)
	}
	w := &walker{path: path, owners: []int{0, root.UID, os.Geteuid()}, fd: fd, at: t.RealPath(dir), todo: []string{name}}
	defer func() { _ = unix.Close(w.fd) }()
	for len(w.todo) > 0 {
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	f, err := w.open()
	if err != nil {
		return nil, err
	}
	why, err := t.overlaps(path, f.chain)
	if err == nil && why != "" {
		err = w.refuse(why, nil)
	}
	if err != nil {
		f.dir.Close()
		return nil, err
	}
	return f, nil
}

func (w *walker) refuse(reason string, err error) error {
	return &FollowError{Path: w.path, Target: w.at, Reason: reason, Err: err}
}

// refuseNext is refuse for what the name next in the present directory is.
func (w *walker) refuseNext(next, reason string, err error) error {
	w.at = filepath.Join(w.at, next)
	return w.refuse(reason, err)
}

// step goes one name further: into a directory, or by the text of a link.
func (w *walker) step() error {
	next := w.todo[0]
	w.todo = w.todo[1:]
	if next == "" || next == "." {
		return nil
	}
	var info Info
	err := retry(func() (err error) { info, err = lstatat(w.fd, next); return err })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.at = filepath.Join(append([]string{w.at, next}, w.todo...)...)
		return w.refuse("is not there (is its file system mounted?)", err)
	case err != nil:
		return w.refuseNext(next, "cannot be reached: "+err.Error(), err)
	case info.IsLink():
		return w.link(next, info)
	case !info.IsDir():
		return w.refuseNext(next, "is not a directory", nil)
	}
	fd, err := openat(w.fd, next, walkFlags, 0)
	if err != nil {
		return w.refuseNext(next, "cannot be opened: "+err.Error(), err)
	}
	_ = unix.Close(w.fd)
	w.fd, w.at = fd, filepath.Join(w.at, next)
	return w.trusted(info, true)
}

// trusted refuses a directory in which somebody else could change what is met next: one of
// another owner, or writable for all. On the way, though not at its end, a directory like
// /tmp passes, in which everybody changes only what is his own.
func (w *walker) trusted(info Info, onTheWay bool) error {
	if !w.trusts(info) {
		return w.refuse("belongs to user "+strconv.Itoa(info.UID)+", want user "+strconv.Itoa(w.owners[1])+", the owner of the installation, or root", nil)
	}
	if info.Perm()&0o002 != 0 && !(onTheWay && info.Mode&fs.ModeSticky != 0) {
		return w.refuse("can be written by everybody", nil)
	}
	return nil
}

func (w *walker) trusts(info Info) bool {
	for _, uid := range w.owners {
		if info.UID == uid {
			return true
		}
	}
	return false
}

// link puts the text of the link next in front of what is still to go.
func (w *walker) link(next string, info Info) error {
	if w.links++; w.links > maxLinks {
		return w.refuseNext(next, "leads round in a circle", nil)
	}
	if !w.trusts(info) {
		return w.refuseNext(next, "is a link of user "+strconv.Itoa(info.UID)+", want one of user "+strconv.Itoa(w.owners[1])+", the owner of the installation, or of root", nil)
	}
	text, err := readlinkat(w.fd, next)
	if err != nil {
		return w.refuseNext(next, "cannot be read: "+err.Error(), err)
	}
	if strings.HasPrefix(text, "/") {
		fd, err := openat(unix.AT_FDCWD, "/", walkFlags, 0)
		if err != nil {
			return w.refuse("cannot be reached: "+err.Error(), err)
		}
		_ = unix.Close(w.fd)
		w.fd, w.at = fd, "/"
	}
	w.todo = append(strings.Split(text, "/"), w.todo...)
	return nil
}

// open opens the directory that was reached for what an update does with it.
func (w *walker) open() (*followed, error) {
	fd, err := openat(w.fd, ".", dirFlags, 0)
	if err != nil {
		return nil, w.refuse("cannot be opened: "+err.Error(), err)
	}
	f := &followed{dir: &Dir{num: fd}, target: w.at}
	info, err := f.dir.Stat()
	if err == nil {
		err = w.trusted(info, false)
	}
	if err == nil {
		f.chain, err = f.dir.above()
	}
	if err != nil {
		f.dir.Close()
		return nil, err
	}
	return f, nil
}

// above lists d and the directories above it, up to the root of the file system.
func (d *Dir) above() ([]id, error) {
	fd, err := openat(d.fd(), ".", walkFlags, 0)
	if err != nil {
		return nil, d.pathError("", err)
	}
	var out []id
	for {
		info, err := lstatat(fd, ".")
		if err != nil {
			_ = unix.Close(fd)
			return nil, d.pathError("", err)
		}
		if len(out) > 0 && out[len(out)-1] == idOf(info) { // above the root is the root
			_ = unix.Close(fd)
			return out, nil
		}
		out = append(out, idOf(info))
		up, err := openat(fd, "..", walkFlags, 0)
		_ = unix.Close(fd)
		if err != nil {
			return nil, d.pathError("", err)
		}
		fd = up
	}
}
