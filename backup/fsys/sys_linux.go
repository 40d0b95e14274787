package fsys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const accessFlags = unix.AT_EACCESS

// walkFlags open a directory on the way to another: it need not be readable.
const walkFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW

func statTimes(st *unix.Stat_t) (mtime, ctime int64) {
	return st.Mtim.Nano(), st.Ctim.Nano()
}

// lstatat is fstatat by way of statx, which also tells the mount and the immutable
// and append-only flags.
func lstatat(dirfd int, name string) (Info, error) {
	var st unix.Statx_t
	err := unix.Statx(dirfd, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st)
	if err == unix.ENOSYS || err == unix.EPERM { // an old kernel, or a sandbox that does not know the call
		return fstatat(dirfd, name)
	}
	if err != nil {
		return Info{}, err
	}
	info := Info{
		Exists: true, Mode: modeOf(uint32(st.Mode)), UID: int(st.Uid), GID: int(st.Gid), Size: int64(st.Size),
		MTime: st.Mtime.Sec*1e9 + int64(st.Mtime.Nsec), CTime: st.Ctime.Sec*1e9 + int64(st.Ctime.Nsec),
		Ino: st.Ino, Dev: unix.Mkdev(st.Dev_major, st.Dev_minor), Nlink: uint64(st.Nlink),
	}
	info.Immutable = st.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0
	if st.Mask&unix.STATX_MNT_ID != 0 {
		info.Mount = st.Mnt_id
	}
	return info, nil
}

func exchange(fd1 int, name1 string, fd2 int, name2 string) error {
	return unix.Renameat2(fd1, name1, fd2, name2, unix.RENAME_EXCHANGE)
}

// chmodUnopened sets the mode of what may be neither read nor written. Kernels
// before 6.6 have no call that does so without following a link; a handle that was
// opened for nothing has a name of its own in /proc, which does.
func chmodUnopened(dirfd int, name string, mode uint32) error {
	fd, err := openat(dirfd, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return unix.ELOOP
	}
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode)
}

// SyncFS makes everything written to the file system of d durable in one call. Where
// there is no such call it returns false, and files and directories have to be
// synced one by one.
func (d *Dir) SyncFS() (bool, error) {
	if err := d.tree.fault("syncfs", d.path); err != nil {
		return true, d.pathError("", err)
	}
	return true, d.pathError("", retry(func() error { return unix.Syncfs(d.fd()) }))
}

// SyncsWhole reports whether [Dir.SyncFS] works on this system.
const SyncsWhole = true

// Reserve allocates size bytes for f without writing them, so that a full disk is
// met now. File systems that cannot say nothing.
func Reserve(f *os.File, size int64) error {
	if size == 0 {
		return nil
	}
	err := retry(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, size) })
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS || err == unix.EINVAL {
		return nil
	}
	if err != nil {
		return &PathError{f.Name(), err}
	}
	return nil
}

// Flowing writes to f, and has the disk begin with what was written, so that syncing a long
// file at its end does not wait for all of it.
func Flowing(f *os.File) io.Writer { return &flowing{f: f} }

type flowing struct {
	f         *os.File
	done, all int64 // bytes that the disk was told of, and written
}

const flowBytes = 8 << 20

func (w *flowing) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.all += int64(n)
	if w.all >= w.done+flowBytes {
		_ = unix.SyncFileRange(int(w.f.Fd()), w.done, w.all-w.done, unix.SYNC_FILE_RANGE_WRITE) // a hint
		w.done = w.all
	}
	return n, err
}

// Disinherit takes off d the ACLs that it got from the directory above, so that what is made
// in it does not get them in turn.
func (d *Dir) Disinherit() error {
	if err := d.tree.fault("disinherit", d.path); err != nil {
		return d.pathError("", err)
	}
	for _, name := range []string{"system.posix_acl_default", "system.posix_acl_access"} {
		err := retry(func() error { return unix.Fremovexattr(d.fd(), name) })
		if err != nil && err != unix.ENODATA && err != unix.ENOTSUP {
			return d.pathError("", err)
		}
	}
	return nil
}

// Clone makes dst share the blocks of src. What cannot is errors.ErrUnsupported.
func Clone(dst, src *os.File) error {
	err := retry(func() error { return unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) })
	switch err {
	case nil:
		return nil
	case unix.ENOSPC, unix.EDQUOT, unix.EIO:
		return &PathError{dst.Name(), err}
	}
	return &PathError{dst.Name(), errors.ErrUnsupported}
}

// CopyData copies all bytes of src to dst: shared extents where the file system
// can, else copied by the kernel.
func CopyData(dst, src *os.File) error {
	if err := Clone(dst, src); err == nil {
		return nil
	}
	if _, err := io.Copy(dst, src); err != nil {
		return &PathError{dst.Name(), err}
	}
	return nil
}

// Xattr is one extended attribute, ACLs and labels among them.
type Xattr struct {
	Name  string
	Value []byte
}

// Xattrs reads the extended attributes of f that an update must keep. A file system
// without them has none.
func Xattrs(f *os.File) ([]Xattr, error) { return xattrs(int(f.Fd()), f.Name()) }

// Xattrs reads the extended attributes of the regular file name, with the errors of
// [Dir.Open].
func (d *Dir) Xattrs(name string) ([]Xattr, error) {
	fd, _, err := d.statRegular(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }()
	return xattrs(fd, d.join(name))
}

func xattrs(fd int, path string) ([]Xattr, error) {
	size, err := unix.Flistxattr(fd, nil)
	if err != nil || size == 0 {
		if err == unix.ENOTSUP || err == unix.ENOSYS {
			err = nil
		}
		return nil, err
	}
	buf := make([]byte, size+1024)
	if size, err = unix.Flistxattr(fd, buf); err != nil {
		return nil, &PathError{path, err}
	}
	var out []Xattr
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:size]), "\x00"), "\x00") {
		n, err := unix.Fgetxattr(fd, name, nil)
		if err != nil {
			if errors.Is(err, unix.ENODATA) {
				continue
			}
			return nil, &PathError{path, err}
		}
		value := make([]byte, n)
		if n > 0 {
			if n, err = unix.Fgetxattr(fd, name, value); err != nil {
				return nil, &PathError{path, err}
			}
		}
		out = append(out, Xattr{name, value[:n]})
	}
	return out, nil
}

// SetXattrs sets the attributes on f and returns the names of those that this user has no
// right to set; whoever updates has been told of them. Anything else that fails, as root
// also a lack of rights, is an error. What f has already, such as a label that it was
// made with, need not be set.
func SetXattrs(f *os.File, attrs []Xattr) (refused []string, err error) {
	fd := int(f.Fd())
	for _, a := range attrs {
		err := retry(func() error { return unix.Fsetxattr(fd, a.Name, a.Value, 0) })
		if err == nil {
			continue
		}
		have := make([]byte, len(a.Value)+1)
		if n, e := unix.Fgetxattr(fd, a.Name, have); e == nil && bytes.Equal(have[:n], a.Value) {
			continue
		}
		if os.Geteuid() == 0 || err != unix.EPERM && err != unix.EACCES && err != unix.ENOTSUP {
			return refused, &PathError{f.Name(), fmt.Errorf("attribute %s: %w", a.Name, err)}
		}
		refused = append(refused, a.Name)
	}
	return refused, nil
}
