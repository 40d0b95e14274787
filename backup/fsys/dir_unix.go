//go:build unix

package fsys

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Dir is a directory held open. Names given to its methods are single components.
//
// It holds a bare descriptor: an update opens thousands, and an *os.File asks the system
// about each.
type Dir struct {
	num  int    // the descriptor; -1 once closed
	path string // relative to the tree, "" for the root
	tree *Tree

	listed bool // by a Listing, through this very descriptor
}

const dirFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// retry repeats a call that a signal interrupted.
func retry(fn func() error) error {
	for {
		if err := fn(); err != unix.EINTR {
			return err
		}
	}
}

func openat(dirfd int, name string, flags int, mode uint32) (int, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat(dirfd, name, flags|unix.O_CLOEXEC, mode)
		return err
	})
	return fd, err
}

func openRoot(path string) (*Dir, error) {
	fd, err := openat(unix.AT_FDCWD, path, dirFlags, 0)
	if err != nil {
		return nil, &PathError{path, err}
	}
	return &Dir{num: fd}, nil
}

func (d *Dir) fd() int { return d.num }

// Close lets go of the handle. Closing it again does nothing.
func (d *Dir) Close() {
	if d.num >= 0 {
		_ = unix.Close(d.num)
		d.num = -1
	}
}

// Path is the path of the directory relative to its tree.
func (d *Dir) Path() string { return d.path }

func (d *Dir) join(name string) string {
	if d.path == "" {
		return name
	}
	return d.path + "/" + name
}

func (d *Dir) reopen() (*Dir, error) {
	fd, err := openat(d.fd(), ".", dirFlags, 0)
	if err != nil {
		return nil, d.pathError("", err)
	}
	return &Dir{num: fd, path: d.path, tree: d.tree}, nil
}

// Parent opens the directory above d, which must not be the root of its tree.
func (d *Dir) Parent() (*Dir, error) {
	if d.path == "" {
		return nil, &PathError{d.path, ErrAboveRoot}
	}
	if d.tree != nil && d.tree.followed[d.path] != nil {
		return nil, &PathError{d.path, ErrAboveRoot}
	}
	fd, err := openat(d.fd(), "..", dirFlags, 0)
	if err != nil {
		return nil, d.pathError("", err)
	}
	dir, _ := split(d.path)
	return &Dir{num: fd, path: dir, tree: d.tree}, nil
}

// OpenDir opens the sub-directory name; a link there is a *[LinkError], unless it is
// followed.
func (d *Dir) OpenDir(name string) (*Dir, error) {
	if f := d.followed(name); f != nil {
		return f.reopen()
	}
	fd, err := openat(d.fd(), name, dirFlags, 0)
	if err != nil {
		if err == unix.ELOOP || err == unix.ENOTDIR {
			if info, e := d.Lstat(name); e == nil && info.IsLink() {
				return nil, &LinkError{d.join(name)}
			}
		}
		return nil, d.pathError(name, err)
	}
	return &Dir{num: fd, path: d.join(name), tree: d.tree}, nil
}

// IsAbsent reports whether err says that nothing is at a path, also because a file
// stands where a directory above it would have to be.
func IsAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR)
}

// modeOf is st_mode as Go has it.
func modeOf(st uint32) fs.FileMode {
	mode := fs.FileMode(st & 0o777)
	switch st & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFREG:
	default:
		mode |= fs.ModeIrregular
	}
	if st&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if st&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if st&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

func infoOf(st *unix.Stat_t) Info {
	m, c := statTimes(st)
	return Info{
		Exists: true, Mode: modeOf(uint32(st.Mode)), UID: int(st.Uid), GID: int(st.Gid), Size: st.Size,
		MTime: m, CTime: c, Ino: uint64(st.Ino), Dev: uint64(st.Dev), Nlink: uint64(st.Nlink), //nolint:unconvert // differs by system
	}
}

// Stat tells of the directory itself.
func (d *Dir) Stat() (Info, error) {
	var info Info
	err := retry(func() (err error) { info, err = lstatat(d.fd(), "."); return err })
	return info, d.pathError("", err)
}

// Lstat tells what is at name; nothing there is the zero Info. Of a link that is followed
// it tells where that leads.
func (d *Dir) Lstat(name string) (Info, error) {
	if f := d.followed(name); f != nil {
		return f.Stat()
	}
	return d.lstat(name)
}

// lstat is Lstat of the name itself, also where it is a link that is followed.
func (d *Dir) lstat(name string) (Info, error) {
	var info Info
	err := retry(func() (err error) { info, err = lstatat(d.fd(), name); return err })
	if err == unix.ENOENT {
		return Info{}, nil
	}
	if err != nil {
		return Info{}, d.pathError(name, err)
	}
	return info, nil
}

// maxHandles is how many files the process may have open.
func maxHandles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<20 {
		return 1 << 20
	}
	return int(limit.Cur)
}

// fstatat is lstatat where the system has nothing that tells more.
func fstatat(dirfd int, name string) (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Info{}, err
	}
	return infoOf(&st), nil
}

// FileInfo tells of an open file.
func FileInfo(f *os.File) (Info, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(int(f.Fd()), &st) }); err != nil {
		return Info{}, &PathError{f.Name(), err}
	}
	return infoOf(&st), nil
}

// openRegular opens name for reading, if it is neither a link nor a fifo that nobody
// writes to; what else it is has to be looked at.
func (d *Dir) openRegular(name string) (fd int, err error) {
	fd, err = openat(d.fd(), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err == unix.ELOOP || err == unix.ENXIO {
		err = ErrNotRegular
	}
	return fd, d.pathError(name, err)
}

// statRegular opens the regular file name for reading, and tells what the open file says
// of itself.
func (d *Dir) statRegular(name string) (fd int, st unix.Stat_t, err error) {
	if fd, err = d.openRegular(name); err != nil {
		return fd, st, err
	}
	err = retry(func() error { return unix.Fstat(fd, &st) })
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = ErrNotRegular
	}
	if err != nil {
		_ = unix.Close(fd)
	}
	return fd, st, d.pathError(name, err)
}

// Open opens the regular file name for reading.
func (d *Dir) Open(name string) (*os.File, error) {
	fd, _, err := d.statRegular(name)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.join(name)), nil
}

// Create makes the new file name, mode 0600, for writing; it must not exist.
func (d *Dir) Create(name string) (*os.File, error) {
	f, info, err := d.CreateAs(name, 0o600)
	if err == nil && info.Perm() != 0o600 { // the umask took some
		if err = d.pathError(name, unix.Fchmod(int(f.Fd()), 0o600)); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	return f, err
}

// CreateAs makes the new file name for writing, with what the umask leaves of mode, and
// tells what came of it; it must not exist.
func (d *Dir) CreateAs(name string, mode uint32) (*os.File, Info, error) {
	if err := d.tree.fault("create", d.join(name)); err != nil {
		return nil, Info{}, d.pathError(name, err)
	}
	fd, err := openat(d.fd(), name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, mode&0o777)
	if err != nil {
		return nil, Info{}, d.pathError(name, err)
	}
	f := os.NewFile(uintptr(fd), d.join(name))
	info, err := FileInfo(f)
	if err == nil {
		err = d.bequeath(fd, &info)
	}
	if err != nil {
		_ = f.Close()
		return nil, Info{}, err
	}
	return f, info, nil
}

// bequeath gives the new file fd, of which info tells, to who is to have it.
func (d *Dir) bequeath(fd int, info *Info) error {
	uid, gid, ok, err := d.tree.heir(*info)
	if ok && err == nil {
		if err = unix.Fchown(fd, uid, gid); err == nil {
			info.UID, info.GID = uid, gid
		}
	}
	return err
}

// Mkdir makes the directory name with exactly mode, whatever the umask.
func (d *Dir) Mkdir(name string, mode uint32) error {
	if err := d.tree.fault("mkdir", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	if err := retry(func() error { return unix.Mkdirat(d.fd(), name, mode&0o777) }); err != nil {
		return d.pathError(name, err)
	}
	info, err := d.Lstat(name)
	if err != nil {
		return err
	}
	if uid, gid, ok, err := d.tree.heir(info); err != nil || ok {
		if err = errors.Join(err, d.Chown(name, uid, gid)); err != nil {
			return err
		}
	}
	if info.Perm() != mode&0o777 {
		return d.Chmod(name, mode)
	}
	return nil
}

// Symlink makes the link name with the text target.
func (d *Dir) Symlink(target, name string) error {
	if err := d.tree.fault("symlink", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	return d.pathError(name, retry(func() error { return unix.Symlinkat(target, d.fd(), name) }))
}

// Readlink returns the text of the link name.
func (d *Dir) Readlink(name string) (string, error) {
	text, err := readlinkat(d.fd(), name)
	return text, d.pathError(name, err)
}

func readlinkat(dirfd int, name string) (string, error) {
	for size := 256; ; size *= 4 {
		buf := make([]byte, size)
		var n int
		err := retry(func() (err error) { n, err = unix.Readlinkat(dirfd, name, buf); return err })
		if err != nil {
			return "", err
		}
		if n < size {
			return string(buf[:n]), nil
		}
	}
}

// Rename moves name to toName in to, replacing a file there.
func (d *Dir) Rename(name string, to *Dir, toName string) error {
	if err := d.tree.faultBetween("rename", d.join(name), to.join(toName)); err != nil {
		return to.pathError(toName, err)
	}
	return to.pathError(toName, retry(func() error { return unix.Renameat(d.fd(), name, to.fd(), toName) }))
}

// Exchange swaps the two names in one step. Where the system or file system cannot,
// the error satisfies errors.Is(err, errors.ErrUnsupported).
func (d *Dir) Exchange(name string, to *Dir, toName string) error {
	if err := d.tree.faultBetween("exchange", d.join(name), to.join(toName)); err != nil {
		return to.pathError(toName, err)
	}
	err := retry(func() error { return exchange(d.fd(), name, to.fd(), toName) })
	if err == unix.EINVAL || err == unix.ENOSYS || err == unix.ENOTSUP {
		err = errors.ErrUnsupported
	}
	return to.pathError(toName, err)
}

// Link gives name a second name; it must not exist.
func (d *Dir) Link(name string, to *Dir, toName string) error {
	if err := d.tree.faultBetween("link", d.join(name), to.join(toName)); err != nil {
		return to.pathError(toName, err)
	}
	return to.pathError(toName, retry(func() error { return unix.Linkat(d.fd(), name, to.fd(), toName, 0) }))
}

// Remove unlinks the file or link name.
func (d *Dir) Remove(name string) error {
	if err := d.tree.fault("remove", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	return d.pathError(name, retry(func() error { return unix.Unlinkat(d.fd(), name, 0) }))
}

// Rmdir removes the empty directory name.
func (d *Dir) Rmdir(name string) error {
	if err := d.tree.fault("rmdir", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	return d.pathError(name, retry(func() error { return unix.Unlinkat(d.fd(), name, unix.AT_REMOVEDIR) }))
}

// IsNotEmpty reports whether err came from removing a directory that is not empty.
func IsNotEmpty(err error) bool {
	return errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST)
}

// with opens name (a file or directory, not a link) and calls fn with its handle.
func (d *Dir) with(op, name string, fn func(fd int) error) error {
	if err := d.tree.fault(op, d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	fd, err := openat(d.fd(), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return d.pathError(name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	return d.pathError(name, retry(func() error { return fn(fd) }))
}

// Chmod sets the permission bits of the file or directory name, also of one that
// may not be opened; of a link never.
func (d *Dir) Chmod(name string, mode uint32) error {
	if f := d.followed(name); f != nil {
		return f.Chmod(".", mode)
	}
	err := d.with("chmod", name, func(fd int) error { return unix.Fchmod(fd, mode&0o777) })
	if !errors.Is(err, unix.EACCES) {
		return err
	}
	return d.pathError(name, retry(func() error { return chmodUnopened(d.fd(), name, mode&0o777) }))
}

// Chown sets the owner of name itself, also where it is a link that is not followed.
func (d *Dir) Chown(name string, uid, gid int) error {
	if f := d.followed(name); f != nil {
		return f.Chown(".", uid, gid)
	}
	if err := d.tree.fault("chown", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	return d.pathError(name, retry(func() error {
		return unix.Fchownat(d.fd(), name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	}))
}

// Chtimes sets the modification time (Unix nanoseconds) of name itself; the access
// time becomes the same.
func (d *Dir) Chtimes(name string, mtime int64) error {
	if f := d.followed(name); f != nil {
		return f.Chtimes(".", mtime)
	}
	if err := d.tree.fault("chtimes", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	ts := []unix.Timespec{unix.NsecToTimespec(mtime), unix.NsecToTimespec(mtime)}
	return d.pathError(name, retry(func() error {
		return unix.UtimesNanoAt(d.fd(), name, ts, unix.AT_SYMLINK_NOFOLLOW)
	}))
}

// Names lists the directory, sorted.
func (d *Dir) Names() ([]string, error) {
	fd, err := openat(d.fd(), ".", dirFlags, 0) // to read from the start
	if err != nil {
		return nil, d.pathError("", err)
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, d.pathError("", err)
	}
	slices.Sort(names)
	return names, nil
}

// Sync makes the names in the directory durable.
func (d *Dir) Sync() error {
	if err := d.tree.fault("sync", d.path); err != nil {
		return d.pathError("", err)
	}
	err := retry(func() error { return unix.Fsync(d.fd()) })
	if err == unix.EINVAL || err == unix.ENOTSUP { // a file system without it
		return nil
	}
	return d.pathError("", err)
}

// Writable reports whether names may be made and removed in the directory: nil,
// EACCES or EROFS.
func (d *Dir) Writable() error {
	return d.pathError("", retry(func() error {
		return unix.Faccessat(d.fd(), ".", unix.W_OK|unix.X_OK, accessFlags)
	}))
}

// Space is the room on the file system of d for who asks: bytes and inodes
// (-1: not limited).
func (d *Dir) Space() (bytes, inodes int64, err error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(d.fd(), &st) }); err != nil {
		return 0, 0, d.pathError("", err)
	}
	inodes = -1
	if st.Files > 0 {
		inodes = int64(st.Ffree) //nolint:unconvert // differs by system
	}
	return int64(st.Bavail) * int64(st.Bsize), inodes, nil //nolint:unconvert // differs by system
}
