package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Dir is a directory held open. Names given to its methods are single components.
type Dir struct {
	f    *os.File
	path string // relative to the tree, "" for the root
	tree *Tree
}

// HasModes reports whether permission bits are kept by the file system. Here they
// are made up: 0755 for directories, 0644 for files, 0444 for read-only ones.
const HasModes = false

func openRoot(path string) (*Dir, error) {
	long := path
	switch {
	case strings.HasPrefix(path, `\\?\`):
	case strings.HasPrefix(path, `\\`):
		long = `\\?\UNC` + path[1:]
	default:
		long = `\\?\` + path
	}
	name, err := windows.UTF16PtrFromString(long)
	if err != nil {
		return nil, &PathError{path, err}
	}
	h, err := windows.CreateFile(name, dirAccess|windows.SYNCHRONIZE, shareAll, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return nil, &PathError{path, err}
	}
	d := &Dir{f: os.NewFile(uintptr(h), path)}
	if info, err := d.Stat(); err != nil || !info.IsDir() {
		d.Close()
		return nil, &PathError{path, errors.Join(windows.ERROR_DIRECTORY, err)}
	}
	return d, nil
}

func (d *Dir) handle() windows.Handle { return windows.Handle(d.f.Fd()) }

// Close lets go of the handle.
func (d *Dir) Close() { _ = d.f.Close() }

// Path is the path of the directory relative to its tree.
func (d *Dir) Path() string { return d.path }

func (d *Dir) join(name string) string {
	if d.path == "" {
		return name
	}
	return d.path + "/" + name
}

func (d *Dir) reopen() (*Dir, error) {
	h, err := ntOpen(d.handle(), ".", dirAccess, windows.FILE_OPEN, windows.FILE_DIRECTORY_FILE)
	if err != nil {
		return nil, d.pathError("", err)
	}
	return &Dir{f: os.NewFile(uintptr(h), d.f.Name()), path: d.path, tree: d.tree}, nil
}

// Parent opens the directory above d, which must not be the root of its tree. The
// system has no "..": it is walked to from the root, again without following links.
func (d *Dir) Parent() (*Dir, error) {
	if d.path == "" {
		return nil, &PathError{d.path, ErrAboveRoot}
	}
	up, err := d.tree.Root().reopen()
	above, _ := split(d.path)
	for rest := above; err == nil && rest != ""; {
		name, more, _ := strings.Cut(rest, "/")
		var next *Dir
		next, err = up.OpenDir(name)
		up.Close()
		up, rest = next, more
	}
	return up, err
}

// OpenDir opens the sub-directory name; a link there is a *[LinkError].
func (d *Dir) OpenDir(name string) (*Dir, error) {
	h, err := ntOpen(d.handle(), name, dirAccess, windows.FILE_OPEN, windows.FILE_DIRECTORY_FILE)
	if err != nil {
		if info, e := d.Lstat(name); e == nil && info.IsLink() {
			return nil, &LinkError{d.join(name)}
		}
		return nil, d.pathError(name, err)
	}
	sub := &Dir{f: os.NewFile(uintptr(h), name), path: d.join(name), tree: d.tree}
	info, err := sub.Stat()
	switch {
	case err != nil:
	case info.IsLink():
		err = &LinkError{d.join(name)}
	case !info.IsDir():
		err = d.pathError(name, windows.ERROR_DIRECTORY)
	}
	if err != nil {
		sub.Close()
		return nil, err
	}
	return sub, nil
}

// IsAbsent reports whether err says that nothing is at a path, also because a file
// stands where a directory above it would have to be.
func IsAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, windows.ERROR_DIRECTORY)
}

// infoOfHandle tells of what h is open on. Links and junctions are links; any other
// reparse point that is a directory or stands for one (a cloud placeholder, a mount)
// is neither file nor directory nor link.
func infoOfHandle(h windows.Handle) (Info, error) {
	var st windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &st); err != nil {
		return Info{}, err
	}
	info := Info{
		Exists: true, UID: -1, GID: -1, MTime: st.LastWriteTime.Nanoseconds(),
		Size: int64(st.FileSizeHigh)<<32 | int64(st.FileSizeLow),
		Ino:  uint64(st.FileIndexHigh)<<32 | uint64(st.FileIndexLow),
		Dev:  uint64(st.VolumeSerialNumber), Nlink: uint64(st.NumberOfLinks),
	}
	dir := st.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0
	switch {
	case st.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		info.Mode = fs.ModeIrregular | 0o644
		var tag struct{ attributes, tag uint32 }
		err := windows.GetFileInformationByHandleEx(h, windows.FileAttributeTagInfo, (*byte)(unsafe.Pointer(&tag)), uint32(unsafe.Sizeof(tag)))
		if err != nil {
			return Info{}, err
		}
		if tag.tag == windows.IO_REPARSE_TAG_SYMLINK || tag.tag == windows.IO_REPARSE_TAG_MOUNT_POINT {
			info.Mode = fs.ModeSymlink | 0o777
		}
	case dir:
		info.Mode, info.Size = fs.ModeDir|0o755, 0
	case st.FileAttributes&windows.FILE_ATTRIBUTE_READONLY != 0:
		info.Mode = 0o444
	default:
		info.Mode = 0o644
	}
	return info, nil
}

func ntStat(dir windows.Handle, name string) (Info, error) {
	h, err := ntOpen(dir, name, windows.FILE_READ_ATTRIBUTES, windows.FILE_OPEN, 0)
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return infoOfHandle(h)
}

// Stat tells of the directory itself.
func (d *Dir) Stat() (Info, error) {
	info, err := infoOfHandle(d.handle())
	return info, d.pathError("", err)
}

// Lstat tells what is at name; nothing there is the zero Info.
func (d *Dir) Lstat(name string) (Info, error) {
	info, err := ntStat(d.handle(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, nil
	}
	return info, d.pathError(name, err)
}

// FileInfo tells of an open file.
func FileInfo(f *os.File) (Info, error) {
	info, err := infoOfHandle(windows.Handle(f.Fd()))
	if err != nil {
		return Info{}, &PathError{f.Name(), err}
	}
	return info, nil
}

// Open opens the regular file name for reading.
func (d *Dir) Open(name string) (*os.File, error) {
	return d.openFile(name, windows.FILE_GENERIC_READ, windows.FILE_OPEN)
}

func (d *Dir) openFile(name string, access, disposition uint32) (*os.File, error) {
	h, err := ntOpen(d.handle(), name, access, disposition, windows.FILE_NON_DIRECTORY_FILE)
	if err != nil {
		return nil, d.pathError(name, err)
	}
	f := os.NewFile(uintptr(h), d.join(name))
	info, err := infoOfHandle(h)
	if err == nil && !info.IsFile() {
		err = ErrNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, d.pathError(name, err)
	}
	return f, nil
}

// Create makes the new file name for writing; it must not exist.
func (d *Dir) Create(name string) (*os.File, error) {
	if err := d.tree.fault("create", d.join(name)); err != nil {
		return nil, d.pathError(name, err)
	}
	return d.openFile(name, windows.FILE_GENERIC_READ|windows.FILE_GENERIC_WRITE|windows.WRITE_DAC, windows.FILE_CREATE)
}

// CreateAs makes the new file name for writing and tells what came of it; it must not
// exist. Its mode is set later.
func (d *Dir) CreateAs(name string, _ uint32) (*os.File, Info, error) {
	f, err := d.Create(name)
	if err != nil {
		return nil, Info{}, err
	}
	info, err := FileInfo(f)
	if err != nil {
		_ = f.Close()
		return nil, Info{}, err
	}
	return f, info, nil
}

// Mkdir makes the directory name. Who may use it is inherited from the one above.
func (d *Dir) Mkdir(name string, _ uint32) error {
	if err := d.tree.fault("mkdir", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	h, err := ntOpen(d.handle(), name, windows.FILE_LIST_DIRECTORY, windows.FILE_CREATE, windows.FILE_DIRECTORY_FILE)
	if err == nil {
		err = windows.CloseHandle(h)
	}
	return d.pathError(name, err)
}

// root opens d as an os.Root, for the two calls about the text of a link. The path
// it goes by may have changed its meaning, so what was opened is compared with d.
func (d *Dir) root() (*os.Root, error) {
	buf := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetFinalPathNameByHandle(d.handle(), &buf[0], uint32(len(buf)), 0)
	if err != nil || int(n) > len(buf) {
		return nil, d.pathError("", errors.Join(err, fs.ErrInvalid))
	}
	r, err := os.OpenRoot(filepath.Clean(windows.UTF16ToString(buf[:n])))
	if err != nil {
		return nil, d.pathError("", err)
	}
	mine, err := d.f.Stat()
	if err == nil {
		var theirs fs.FileInfo
		if theirs, err = r.Stat("."); err == nil && !os.SameFile(mine, theirs) {
			err = &LinkError{d.path}
		}
	}
	if err != nil {
		_ = r.Close()
		return nil, d.pathError("", err)
	}
	return r, nil
}

// Symlink makes the link name with the text target.
func (d *Dir) Symlink(target, name string) error {
	if err := d.tree.fault("symlink", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	r, err := d.root()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	return d.pathError(name, cause(r.Symlink(filepath.FromSlash(target), name)))
}

// Readlink returns the text of the link name, with slashes.
func (d *Dir) Readlink(name string) (string, error) {
	r, err := d.root()
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	target, err := r.Readlink(name)
	return filepath.ToSlash(target), d.pathError(name, cause(err))
}

// Rename moves name to toName in to, replacing a file there, also one in use.
func (d *Dir) Rename(name string, to *Dir, toName string) error {
	if err := d.tree.fault("rename", to.join(toName)); err != nil {
		return to.pathError(toName, err)
	}
	return to.pathError(toName, ntReplace(d.handle(), name, to.handle(), toName))
}

// Exchange is not to be had here: errors.Is(err, errors.ErrUnsupported) holds.
func (d *Dir) Exchange(_ string, to *Dir, toName string) error {
	if err := d.tree.fault("exchange", to.join(toName)); err != nil {
		return to.pathError(toName, err)
	}
	return to.pathError(toName, errors.ErrUnsupported)
}

// Link gives name a second name; it must not exist.
func (d *Dir) Link(name string, to *Dir, toName string) error {
	if err := d.tree.fault("link", to.join(toName)); err != nil {
		return to.pathError(toName, err)
	}
	h, err := ntOpen(d.handle(), name, windows.FILE_WRITE_ATTRIBUTES, windows.FILE_OPEN, windows.FILE_NON_DIRECTORY_FILE)
	if err != nil {
		return d.pathError(name, err)
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return to.pathError(toName, patiently(func() error { return setName(h, linkInfo, 0, to.handle(), toName) }))
}

// Remove unlinks the file or link name.
func (d *Dir) Remove(name string) error {
	if err := d.tree.fault("remove", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	var options uint32 = windows.FILE_NON_DIRECTORY_FILE
	if info, err := d.Lstat(name); err == nil && info.IsLink() {
		options = 0 // a link to a directory is a directory to the system
	}
	return d.pathError(name, ntRemove(d.handle(), name, options))
}

// Rmdir removes the empty directory name.
func (d *Dir) Rmdir(name string) error {
	if err := d.tree.fault("rmdir", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	return d.pathError(name, ntRemove(d.handle(), name, windows.FILE_DIRECTORY_FILE))
}

// IsNotEmpty reports whether err came from removing a directory that is not empty.
func IsNotEmpty(err error) bool { return errors.Is(err, windows.ERROR_DIR_NOT_EMPTY) }

// Chmod sets or clears the read-only attribute of the file name, after the owner's
// write bit; directories have none worth the name.
func (d *Dir) Chmod(name string, mode uint32) error {
	return d.change("chmod", name, func(h windows.Handle) error { return setReadOnly(h, mode&0o200 == 0) })
}

// Chown is not to be had here: owners have no numbers.
func (d *Dir) Chown(name string, _, _ int) error {
	if err := d.tree.fault("chown", d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	return d.pathError(name, errors.ErrUnsupported)
}

// Chtimes sets the modification time (Unix nanoseconds, kept in steps of 100) of
// name itself; the access time becomes the same.
func (d *Dir) Chtimes(name string, mtime int64) error {
	return d.change("chtimes", name, func(h windows.Handle) error {
		t := windows.NsecToFiletime(mtime)
		return windows.SetFileTime(h, nil, &t, &t)
	})
}

// change opens name, or with "." the directory itself, to change its attributes.
func (d *Dir) change(op, name string, fn func(h windows.Handle) error) error {
	if err := d.tree.fault(op, d.join(name)); err != nil {
		return d.pathError(name, err)
	}
	h, err := ntOpen(d.handle(), name, windows.FILE_READ_ATTRIBUTES|windows.FILE_WRITE_ATTRIBUTES, windows.FILE_OPEN, 0)
	if err != nil {
		return d.pathError(name, err)
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return d.pathError(name, fn(h))
}

// Names lists the directory, sorted.
func (d *Dir) Names() ([]string, error) {
	fresh, err := d.reopen()
	if err != nil {
		return nil, err
	}
	defer fresh.Close()
	names, err := fresh.f.Readdirnames(-1)
	if err != nil {
		return nil, d.pathError("", cause(err))
	}
	slices.Sort(names)
	return names, nil
}

// Sync does nothing here: NTFS keeps its own journal of names, and the system knows
// no flush of a directory.
func (d *Dir) Sync() error {
	return d.pathError("", d.tree.fault("sync", d.path))
}

// Writable reports whether names may be made and removed in the directory: nil, an
// fs.ErrPermission or [ErrReadOnly].
func (d *Dir) Writable() error {
	h, err := ntOpen(d.handle(), ".", addFile|addDirectory, windows.FILE_OPEN, windows.FILE_DIRECTORY_FILE)
	if err == nil {
		err = windows.CloseHandle(h)
	}
	return d.pathError("", err)
}

// Space is the room on the volume of d for who asks: bytes; inodes are not limited
// here (-1).
func (d *Dir) Space() (bytes, inodes int64, err error) {
	buf := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetFinalPathNameByHandle(d.handle(), &buf[0], uint32(len(buf)), 0)
	if err != nil || int(n) > len(buf) {
		return 0, 0, d.pathError("", errors.Join(err, fs.ErrInvalid))
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(&buf[0], &free, nil, nil); err != nil {
		return 0, 0, d.pathError("", err)
	}
	return int64(min(free, 1<<62)), -1, nil
}

// maxHandles is how many files the process may have open.
func maxHandles() int { return 1 << 20 }
