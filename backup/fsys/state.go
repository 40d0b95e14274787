package fsys

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// UnsafeError reports a state file or directory that somebody else could have made
// or could change, so that nothing it says can be believed.
type UnsafeError struct{ Path, Reason string }

func (e *UnsafeError) Error() string { return e.Path + ": " + e.Reason }

// CheckState reports why what info tells of (found at path) must not be taken as
// the updater's own: a link, fifo or device, a second name, another owner than the
// tree's, or writable for others. Nothing there is fine.
func (t *Tree) CheckState(path string, info Info) error {
	if !info.Exists {
		return nil
	}
	root, err := t.Root().Stat()
	if err != nil {
		return err
	}
	switch {
	case !info.IsFile() && !info.IsDir():
		return &UnsafeError{path, "is a link or special file, want a file or directory of the updater"}
	case info.IsFile() && info.Nlink > 1:
		return &UnsafeError{path, fmt.Sprintf("has %d names (hard links), want 1", info.Nlink)}
	case info.UID != root.UID && info.UID != os.Geteuid():
		return &UnsafeError{path, fmt.Sprintf("belongs to user %d, want user %d, the owner of the installation", info.UID, root.UID)}
	case writableByOthers && info.Perm()&0o022 != 0:
		return &UnsafeError{path, fmt.Sprintf("mode %04o lets others write, want %04o", info.Perm(), info.Perm()&^0o022)}
	}
	return nil
}

// ReadState reads a state file of the updater's own, of at most limit bytes. A
// missing one is fs.ErrNotExist; one that is not to be trusted an *[UnsafeError].
func (t *Tree) ReadState(path string, limit int64) ([]byte, error) {
	return t.ReadStateInto(nil, path, limit)
}

// ReadStateInto is [Tree.ReadState] into the memory of buf, where that is large enough.
func (t *Tree) ReadStateInto(buf []byte, path string, limit int64) ([]byte, error) {
	f, err := t.OpenState(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := FileInfo(f)
	if err != nil {
		return nil, err
	}
	tooLong := &UnsafeError{path, fmt.Sprintf("larger than %d bytes", limit)}
	if info.Size > limit {
		return nil, tooLong
	}
	if need := info.Size + bytes.MinRead; int64(cap(buf)) < need { // with room left to see the end
		buf = Memory(need)
	}
	data := bytes.NewBuffer(buf[:0])
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, &PathError{path, cause(err)}
	}
	if int64(data.Len()) > limit {
		return nil, tooLong
	}
	return data.Bytes(), nil
}

// OpenState opens a state file for reading, with the checks of [Tree.ReadState].
func (t *Tree) OpenState(path string) (*os.File, error) {
	info, err := t.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Exists {
		return nil, &PathError{path, fs.ErrNotExist}
	}
	if err := t.CheckState(path, info); err != nil {
		return nil, err
	}
	f, err := t.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err = FileInfo(f); err == nil {
		err = t.CheckState(path, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// WriteState replaces the state file path by data, durably and in one step: a
// temporary file beside it, synced, renamed, its directory synced. When it is
// interrupted the old file stands whole.
func (t *Tree) WriteState(path string, data []byte, mode uint32) error {
	return t.In(path, func(d *Dir, name string) error {
		tmp := TempPrefix + name
		if err := ignoreAbsent(d.Remove(tmp)); err != nil {
			return err
		}
		if err := d.WriteFile(tmp, data, mode, true); err != nil {
			_ = d.Remove(tmp)
			return err
		}
		if err := d.Rename(tmp, d, name); err != nil {
			_ = d.Remove(tmp)
			return err
		}
		return d.Sync()
	})
}

// RemoveState removes the state file path durably. Nothing there is no error.
func (t *Tree) RemoveState(path string) error {
	return t.In(path, func(d *Dir, name string) error {
		if err := d.Remove(name); err != nil {
			return ignoreAbsent(err)
		}
		return d.Sync()
	})
}

// WriteFile makes the new file name with data and mode, synced if asked.
func (d *Dir) WriteFile(name string, data []byte, mode uint32, sync bool) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && mode != 0o600 {
		err = f.Chmod(fs.FileMode(mode))
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return d.pathError(name, cause(err))
}

// AppendState adds data, which is one line, to the end of the state file path and
// syncs it. A last line that an interruption has torn is ended first.
func (t *Tree) AppendState(path string, data []byte, mode uint32) error {
	f, err := t.OpenAppend(path, mode)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := FileInfo(f)
	if err != nil {
		return err
	}
	var last [1]byte
	if info.Size > 0 {
		if _, err := f.ReadAt(last[:], info.Size-1); err != nil {
			return &PathError{path, cause(err)}
		}
		if last[0] != '\n' {
			data = append([]byte{'\n'}, data...)
		}
	}
	if _, err := f.Write(data); err != nil {
		return &PathError{path, cause(err)}
	}
	if err := f.Sync(); err != nil {
		return &PathError{path, cause(err)}
	}
	return nil
}

// OpenAppend opens the state file path, made with mode if need be, to read it and to write at its end.
func (t *Tree) OpenAppend(path string, mode uint32) (f *os.File, err error) {
	info, err := t.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := t.CheckState(path, info); err != nil {
		return nil, err
	}
	err = t.In(path, func(d *Dir, name string) error {
		f, err = d.openAppend(name, mode)
		return err
	})
	if err != nil {
		return nil, err
	}
	if info, err = FileInfo(f); err == nil {
		err = t.CheckState(path, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
