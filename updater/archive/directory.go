package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// directory writes the tree as a directory: aside, then renamed.
func (w *writer) directory(temp, to string) (err error) {
	if err := os.Mkdir(temp, 0o700); err != nil {
		return placed(err, to)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := w.fill(temp); err != nil {
		return placed(err, to)
	}
	if err := Vacant(to); err != nil { // a rename would take the place of an empty directory
		return err
	}
	if err := os.Rename(temp, to); err != nil {
		return placed(err, to)
	}
	return syncDir(filepath.Dir(to))
}

// fill writes every entry below dir and makes them durable. Directories get mode and
// time when all is in them, the deepest first.
func (w *writer) fill(dir string) error {
	t, err := fsys.Open(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	t.Fault = w.opt.fault
	for i := range w.entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		e := &w.entries[i]
		if err := t.In(e.Path, func(d *fsys.Dir, name string) error { return w.put(d, name, e) }); err != nil {
			return &entryError{e.Path, unplaced(err)}
		}
	}
	if err := syncEach(t, w.entries); err != nil {
		return err
	}
	for i := range slices.Backward(w.entries) {
		e := &w.entries[i]
		if e.Kind != manifest.Dir {
			continue
		}
		if err := t.In(e.Path, func(d *fsys.Dir, name string) error { return w.settle(d, name, e.Mode) }); err != nil {
			return &entryError{e.Path, unplaced(err)}
		}
	}
	t.Forget()
	mode := uint32(0o755)
	if w.opt.Private {
		mode = 0o700
	}
	if err := os.Chmod(dir, fs.FileMode(mode)); err != nil {
		return err
	}
	if err := os.Chtimes(dir, w.opt.Time, w.opt.Time); err != nil {
		return err
	}
	_, err = t.Root().SyncFS()
	return err
}

// settle gives a file or directory its mode and time.
func (w *writer) settle(d *fsys.Dir, name string, mode uint32) error {
	if fsys.HasModes {
		if err := d.Chmod(name, mode); err != nil {
			return err
		}
	}
	return d.Chtimes(name, w.opt.Time.UnixNano())
}

// put makes one entry in d.
func (w *writer) put(d *fsys.Dir, name string, e *Entry) error {
	switch e.Kind {
	case manifest.Dir:
		return d.Mkdir(name, 0o700)
	case manifest.Link:
		if err := d.Symlink(e.Target, name); err != nil {
			return err
		}
		return d.Chtimes(name, w.opt.Time.UnixNano())
	}
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	err = w.content(f, e)
	if err == nil && !fsys.SyncsWhole {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return w.settle(d, name, e.Mode)
}

// syncEach makes the names in every directory durable, where the whole tree cannot be
// synced in one call at the end.
func syncEach(t *fsys.Tree, entries []Entry) error {
	if fsys.SyncsWhole {
		return nil
	}
	for i := range entries {
		if entries[i].Kind != manifest.Dir {
			continue
		}
		d, err := t.OpenDir(entries[i].Path)
		if err != nil {
			return err
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return err
		}
	}
	return t.Root().Sync()
}

// unplaced strips the path of an error, which its caller names.
func unplaced(err error) error {
	var p *fsys.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var w *fs.PathError
	if errors.As(err, &w) && w.Op == "write" {
		return w.Err
	}
	return err
}
