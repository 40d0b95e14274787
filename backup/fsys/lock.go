package fsys

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrLocked is in the chain of the error that a second run gets.
var ErrLocked = errors.New("another run holds the lock")

// LockedError says who holds the lock, as far as the lock file tells.
type LockedError struct{ Path, Holder string }

func (e *LockedError) Error() string {
	if e.Holder == "" {
		return e.Path + ": " + ErrLocked.Error()
	}
	return e.Path + ": " + ErrLocked.Error() + ": " + e.Holder
}

// Unwrap makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Unwrap() error { return ErrLocked }

// Lock is held until it is released or the process ends, however it ends: it
// belongs to the open file, so nothing stale can ever block.
type Lock struct{ f *os.File }

// Lock takes the lock file path, making it if it is missing, without waiting.
func (t *Tree) Lock(path string) (*Lock, error) {
	info, err := t.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := t.CheckState(path, info); err != nil {
		return nil, err
	}
	var f *os.File
	err = t.In(path, func(d *Dir, name string) (err error) {
		f, err = d.openAppend(name, 0o600)
		return err
	})
	if err != nil {
		return nil, err
	}
	if info, err = FileInfo(f); err == nil {
		err = t.CheckState(path, info)
	}
	if err == nil {
		err = lockFile(f, true)
	}
	if err != nil {
		if errors.Is(err, ErrLocked) {
			err = &LockedError{path, holder(f)}
		}
		_ = f.Close()
		return nil, err
	}
	host, _ := os.Hostname()
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), host)
	}
	return &Lock{f}, nil
}

// Hold takes a lock on the open file f, without waiting, until f is closed or the process
// ends. A lock held elsewhere is [ErrLocked].
func Hold(f *os.File) error { return lockFile(f, true) }

// Locked reports who holds the lock, as a *[LockedError], or nil. It writes nothing.
func (t *Tree) Locked(path string) error {
	f, err := t.Open(path)
	if err != nil {
		return nil // no lock file, no run; an unreadable one is not ours to judge
	}
	defer func() { _ = f.Close() }()
	if err := lockFile(f, false); errors.Is(err, ErrLocked) {
		return &LockedError{path, holder(f)}
	}
	return nil
}

func holder(f *os.File) string {
	buf := make([]byte, 256)
	n, _ := f.ReadAt(buf, 0)
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, line)
}

// Release lets go of the lock. The file stays: removing it would let two runs hold
// two locks.
func (l *Lock) Release() {
	if l != nil && l.f != nil {
		_ = l.f.Close()
		l.f = nil
	}
}
