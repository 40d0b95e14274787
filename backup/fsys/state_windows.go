package fsys

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// writableByOthers says whether mode bits tell who may write.
const writableByOthers = false

func (d *Dir) openAppend(name string, _ uint32) (*os.File, error) {
	if err := d.tree.fault("append", d.join(name)); err != nil {
		return nil, d.pathError(name, err)
	}
	f, err := d.openFile(name, windows.FILE_GENERIC_READ|windows.FILE_GENERIC_WRITE, windows.FILE_OPEN_IF)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		_ = f.Close()
		return nil, d.pathError(name, cause(err))
	}
	return f, nil
}

// lockOffset is where the locked byte lies, far behind the end of the file: locks
// are mandatory here, and the text of the file has to stay readable for others.
const lockOffset = 1 << 30 // in units of 4 GiB

func lockFile(f *os.File, exclusive bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: lockOffset})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	if err != nil {
		return &PathError{f.Name(), err}
	}
	return nil
}

// ErrReadOnly is in the chain of what a read-only volume answers.
var ErrReadOnly error = windows.ERROR_WRITE_PROTECT
