package fsys

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The calls below take a held directory handle and a single name, as the calls
// ending in "at" do elsewhere. Each opens with FILE_OPEN_REPARSE_POINT, so that a link or
// junction is opened itself and never followed. The structures are those of ntifs.h.

// ErrReservedName is in the chain for a name that this system would take for
// another one or for a device: NUL, aux.txt, COM1, a trailing dot or space.
var ErrReservedName = errors.New("not a possible file name on this system")

// patience is how long a file that another program holds is waited for: virus
// scanners and indexers let go within seconds.
const patience = 10 * time.Second

const (
	shareAll      = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	addFile       = 0x2 // FILE_ADD_FILE
	addDirectory  = 0x4 // FILE_ADD_SUBDIRECTORY
	dirAccess     = windows.FILE_LIST_DIRECTORY | windows.FILE_TRAVERSE | windows.FILE_READ_ATTRIBUTES | windows.READ_CONTROL
	renameInfo    = windows.FileRenameInformation
	renameInfoEx  = 65 // FileRenameInformationEx
	linkInfo      = 11 // FileLinkInformation
	maxNameLength = 255
)

func checkName(name string) error {
	if !filepath.IsLocal(name) || name == "." || strings.ContainsAny(name, `<>:"/\|?*`) || strings.TrimRight(name, ". ") != name {
		return ErrReservedName
	}
	for _, c := range name {
		if c < ' ' {
			return ErrReservedName
		}
	}
	return nil
}

// ntOpen opens name in dir; the name "." is dir itself.
func ntOpen(dir windows.Handle, name string, access, disposition, options uint32) (windows.Handle, error) {
	if name == "." {
		name = ""
	} else if err := checkName(name); err != nil {
		return 0, err
	}
	text, err := windows.NewNTUnicodeString(name)
	if err != nil {
		return 0, ErrReservedName
	}
	attrs := &windows.OBJECT_ATTRIBUTES{RootDirectory: dir, ObjectName: text, Attributes: windows.OBJ_CASE_INSENSITIVE}
	attrs.Length = uint32(unsafe.Sizeof(*attrs))
	options |= windows.FILE_OPEN_REPARSE_POINT | windows.FILE_OPEN_FOR_BACKUP_INTENT | windows.FILE_SYNCHRONOUS_IO_NONALERT
	var h windows.Handle
	err = patiently(func() error {
		var io windows.IO_STATUS_BLOCK
		return windows.NtCreateFile(&h, access|windows.SYNCHRONIZE, attrs, &io, nil,
			windows.FILE_ATTRIBUTE_NORMAL, shareAll, disposition, options, 0, 0)
	})
	return h, err
}

// patiently repeats fn while another program holds the file, at growing intervals,
// for at most [patience], and turns the last answer into a Windows error.
func patiently(fn func() error) error {
	wait := time.Millisecond
	for start := time.Now(); ; wait = min(2*wait, 500*time.Millisecond) {
		err := fn()
		var status windows.NTStatus
		if !errors.As(err, &status) {
			return err
		}
		switch status {
		case windows.STATUS_SHARING_VIOLATION, windows.STATUS_DELETE_PENDING, windows.STATUS_USER_MAPPED_FILE:
			if time.Since(start) < patience {
				time.Sleep(wait)
				continue
			}
		case windows.STATUS_NOT_A_DIRECTORY:
			return windows.ERROR_DIRECTORY
		case windows.STATUS_FILE_IS_A_DIRECTORY:
			return ErrNotRegular
		}
		return status.Errno()
	}
}

// nameInfo is FILE_RENAME_INFORMATION(_EX) and FILE_LINK_INFORMATION, which are laid
// out alike.
type nameInfo struct {
	flags  uint32 // ReplaceIfExists in the plain forms
	root   windows.Handle
	length uint32 // bytes
	name   [maxNameLength + 1]uint16
}

func setName(h windows.Handle, class, flags uint32, dir windows.Handle, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	text, err := windows.UTF16FromString(name)
	if err != nil || len(text) > maxNameLength+1 {
		return ErrReservedName
	}
	info := nameInfo{flags: flags, root: dir, length: uint32(2 * (len(text) - 1))}
	copy(info.name[:], text)
	var io windows.IO_STATUS_BLOCK
	return windows.NtSetInformationFile(h, &io, (*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), class)
}

// unsupported reports that the system or file system does not know a call or flag.
func unsupported(err error) bool {
	return errors.Is(err, windows.STATUS_INVALID_INFO_CLASS) || errors.Is(err, windows.STATUS_INVALID_PARAMETER) ||
		errors.Is(err, windows.STATUS_NOT_SUPPORTED) || errors.Is(err, windows.STATUS_NOT_IMPLEMENTED)
}

// ntRename moves name in dir to toName in to, replacing what is there, also while it
// is open (POSIX semantics, Windows 10 1607 and later).
func ntRename(dir windows.Handle, name string, to windows.Handle, toName string) error {
	if err := checkName(name); err != nil {
		return err
	}
	h, err := ntOpen(dir, name, windows.DELETE, windows.FILE_OPEN, 0)
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	const posix = windows.FILE_RENAME_REPLACE_IF_EXISTS | windows.FILE_RENAME_POSIX_SEMANTICS
	return patiently(func() error {
		err := setName(h, renameInfoEx, posix|windows.FILE_RENAME_IGNORE_READONLY_ATTRIBUTE, to, toName)
		if unsupported(err) {
			err = setName(h, renameInfoEx, posix, to, toName)
		}
		if unsupported(err) {
			err = setName(h, renameInfo, windows.FILE_RENAME_REPLACE_IF_EXISTS, to, toName)
		}
		return err
	})
}

// ntReplace is ntRename that also replaces a running program. Such a file can be
// renamed but not replaced: it goes, under a unique name, to the directory that the new
// one comes from. That is a directory of the updater's own, removed by a later run.
func ntReplace(dir windows.Handle, name string, to windows.Handle, toName string) error {
	err := ntRename(dir, name, to, toName)
	if !errors.Is(err, windows.ERROR_ACCESS_DENIED) && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		return err
	}
	if info, e := ntStat(to, toName); e != nil || !info.IsFile() {
		return err
	}
	aside := TempPrefix + "old-" + rand.Text()[:12]
	if ntRename(to, toName, dir, aside) != nil {
		return err
	}
	if again := ntRename(dir, name, to, toName); again != nil {
		return errors.Join(again, ntRename(dir, aside, to, toName))
	}
	_ = ntRemove(dir, aside, 0) // refused while it runs
	return nil
}

// ntRemove deletes name; options may ask for a file or for a directory.
func ntRemove(dir windows.Handle, name string, options uint32) error {
	if err := checkName(name); err != nil {
		return err
	}
	h, err := ntOpen(dir, name, windows.DELETE|windows.FILE_READ_ATTRIBUTES|windows.FILE_WRITE_ATTRIBUTES, windows.FILE_OPEN, options)
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return patiently(func() error {
		var io windows.IO_STATUS_BLOCK
		flags := uint32(windows.FILE_DISPOSITION_DELETE | windows.FILE_DISPOSITION_POSIX_SEMANTICS |
			windows.FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK | windows.FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE)
		err := windows.NtSetInformationFile(h, &io, (*byte)(unsafe.Pointer(&flags)), 4, windows.FileDispositionInformationEx)
		if !unsupported(err) {
			return err
		}
		if err := setReadOnly(h, false); err != nil {
			return err
		}
		yes := byte(1)
		return windows.NtSetInformationFile(h, &io, &yes, 1, windows.FileDispositionInformation)
	})
}

// basicInfo is FILE_BASIC_INFO: a zero leaves what it stands for as it is.
type basicInfo struct {
	created, accessed, written, changed int64
	attributes                          uint32
	_                                   uint32
}

func setReadOnly(h windows.Handle, on bool) error {
	var st windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &st); err != nil {
		return err
	}
	want := st.FileAttributes &^ windows.FILE_ATTRIBUTE_READONLY
	if on {
		want |= windows.FILE_ATTRIBUTE_READONLY
	}
	if want == st.FileAttributes || st.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
		return nil
	}
	if want == 0 {
		want = windows.FILE_ATTRIBUTE_NORMAL
	}
	info := basicInfo{attributes: want}
	return windows.SetFileInformationByHandle(h, windows.FileBasicInfo, (*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
}
