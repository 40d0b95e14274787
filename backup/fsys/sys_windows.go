package fsys

import (
	"errors"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// SyncFS is not to be had here: files have to be synced one by one.
func (d *Dir) SyncFS() (bool, error) { return false, nil }

// SyncsWhole reports whether [Dir.SyncFS] works on this system.
const SyncsWhole = false

// Flowing is f; nothing is begun early on this system.
func Flowing(f *os.File) io.Writer { return f }

// Reserve allocates size bytes for f without writing them, so that a full disk is
// met now. File systems that cannot say nothing.
func Reserve(f *os.File, size int64) error {
	if size == 0 {
		return nil
	}
	err := windows.SetFileInformationByHandle(windows.Handle(f.Fd()), windows.FileAllocationInfo, (*byte)(unsafe.Pointer(&size)), 8)
	if errors.Is(err, windows.ERROR_DISK_FULL) {
		return &PathError{f.Name(), err}
	}
	return nil
}

// Clone makes dst share the blocks of src, which is not done on this system.
func Clone(dst, _ *os.File) error { return &PathError{dst.Name(), errors.ErrUnsupported} }

// CopyData copies all bytes of src to dst.
func CopyData(dst, src *os.File) error {
	if _, err := io.Copy(dst, src); err != nil {
		return &PathError{dst.Name(), cause(err)}
	}
	return nil
}

// Xattr is one attribute besides the bytes. Here it is the access list.
type Xattr struct {
	Name  string
	Value []byte
}

// accessList is the name under which the access list is kept, in SDDL.
const accessList = "windows.dacl"

// Xattrs reads the access list of f, which a file that takes its place must get: a
// rename keeps the list of the directory that the file was staged in.
func Xattrs(f *os.File) ([]Xattr, error) {
	sd, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, &PathError{f.Name(), err}
	}
	return []Xattr{{accessList, []byte(sd.String())}}, nil
}

// Xattrs is [Xattrs] of the regular file name, with the errors of [Dir.Open].
func (d *Dir) Xattrs(name string) ([]Xattr, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return Xattrs(f)
}

// SetXattrs sets the attributes on f and returns the names that it may not set. The
// list is set as it is, with what it had inherited where it came from.
func SetXattrs(f *os.File, attrs []Xattr) (refused []string, err error) {
	for _, a := range attrs {
		err := errors.ErrUnsupported
		if a.Name == accessList {
			var sd *windows.SECURITY_DESCRIPTOR
			if sd, err = windows.SecurityDescriptorFromString(string(a.Value)); err == nil {
				err = windows.SetKernelObjectSecurity(windows.Handle(f.Fd()), windows.DACL_SECURITY_INFORMATION, sd)
			}
		}
		if err != nil {
			refused = append(refused, a.Name)
		}
	}
	return refused, nil
}

// Disinherit does nothing here.
func (d *Dir) Disinherit() error { return nil }
