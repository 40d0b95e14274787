package fsys

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const accessFlags = 0

// walkFlags open a directory on the way to another.
const walkFlags = dirFlags

func statTimes(st *unix.Stat_t) (mtime, ctime int64) {
	return st.Mtim.Nano(), st.Ctim.Nano()
}

func lstatat(dirfd int, name string) (Info, error) { return fstatat(dirfd, name) }

func exchange(fd1 int, name1 string, fd2 int, name2 string) error {
	return unix.RenameatxNp(fd1, name1, fd2, name2, unix.RENAME_SWAP)
}

// chmodUnopened sets the mode of what may be neither read nor written; of a link its
// own, which nothing reads.
func chmodUnopened(dirfd int, name string, mode uint32) error {
	return unix.Fchmodat(dirfd, name, mode, unix.AT_SYMLINK_NOFOLLOW)
}

// SyncFS is not to be had here: files and directories have to be synced one by one.
func (d *Dir) SyncFS() (bool, error) { return false, nil }

// SyncsWhole reports whether [Dir.SyncFS] works on this system.
const SyncsWhole = false

// Flowing is f; nothing is begun early on this system.
func Flowing(f *os.File) io.Writer { return f }

// Reserve does nothing here.
func Reserve(*os.File, int64) error { return nil }

// Clone makes dst share the blocks of src, which is not done on this system.
func Clone(dst, _ *os.File) error { return &PathError{dst.Name(), errors.ErrUnsupported} }

// CopyData copies all bytes of src to dst.
func CopyData(dst, src *os.File) error {
	if _, err := io.Copy(dst, src); err != nil {
		return &PathError{dst.Name(), err}
	}
	return nil
}

// Xattr is one extended attribute.
type Xattr struct {
	Name  string
	Value []byte
}

// Xattrs keeps nothing here: the attributes of macOS (quarantine, resource forks)
// belong to the file that was downloaded, not to the one that takes its place.
func Xattrs(*os.File) ([]Xattr, error) { return nil, nil }

// Xattrs keeps nothing here, of a regular file; anything else has the errors of [Dir.Open].
func (d *Dir) Xattrs(name string) ([]Xattr, error) {
	fd, _, err := d.statRegular(name)
	if err != nil {
		return nil, err
	}
	return nil, d.pathError(name, unix.Close(fd))
}

// SetXattrs sets nothing here.
func SetXattrs(*os.File, []Xattr) ([]string, error) { return nil, nil }

// Disinherit does nothing here.
func (d *Dir) Disinherit() error { return nil }
