//go:build unix

package fsys

import (
	"os"

	"golang.org/x/sys/unix"
)

// HasModes reports whether permission bits are kept by the file system.
const HasModes = true

// writableByOthers says whether mode bits tell who may write.
const writableByOthers = true

func (d *Dir) openAppend(name string, mode uint32) (*os.File, error) {
	if err := d.tree.fault("append", d.join(name)); err != nil {
		return nil, d.pathError(name, err)
	}
	fd, err := openat(d.fd(), name, unix.O_RDWR|unix.O_APPEND|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, d.pathError(name, err)
	}
	f := os.NewFile(uintptr(fd), d.join(name))
	info, err := FileInfo(f)
	if err == nil && !info.IsFile() {
		err = ErrNotRegular
	}
	if err == nil && info.Size == 0 && info.Perm() != mode {
		err = unix.Fchmod(fd, mode)
	}
	if err == nil && info.Size == 0 {
		err = d.bequeath(fd, &info)
	}
	if err != nil {
		_ = f.Close()
		return nil, d.pathError(name, err)
	}
	return f, nil
}

func lockFile(f *os.File, exclusive bool) error {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	err := retry(func() error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) })
	if err == unix.EWOULDBLOCK {
		return ErrLocked
	}
	if err != nil {
		return &PathError{f.Name(), err}
	}
	return nil
}

// ErrReadOnly is in the chain of what a read-only mount answers.
var ErrReadOnly error = unix.EROFS
