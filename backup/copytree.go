package backup

import (
	"os"

	"inplace/backup/fsys"
)

// PutTree stages in the slot of e a copy of what lies under the number kept in the directory
// from, whatever it is, with modes, owners, attributes and times. It returns what is no file, directory
// or link, and is left out.
func (s *Stage) PutTree(e Entry, from *fsys.Dir, kept int) (skipped []string, err error) {
	return copyTree(from, slotName(kept), s.at(e).slots, slotName(e.Slot), "")
}

// copyTree copies from/name to to/as; at is its path in what is copied, for skipped.
func copyTree(from *fsys.Dir, name string, to *fsys.Dir, as, at string) (skipped []string, err error) {
	info, err := from.Lstat(name)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsLink():
		return nil, copyLink(from, name, to, as, info)
	case info.IsFile():
		f, err := from.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		return nil, copyFile(to, as, f)
	case !info.IsDir():
		return []string{at}, nil
	}
	src, err := from.OpenDir(name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if err := to.Mkdir(as, 0o700); err != nil {
		return nil, err
	}
	dst, err := to.OpenDir(as)
	if err != nil {
		return nil, err
	}
	defer dst.Close()
	names, err := src.Names()
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		below := n
		if at != "" {
			below = at + "/" + n
		}
		more, err := copyTree(src, n, dst, n, below)
		skipped = append(skipped, more...)
		if err != nil {
			return skipped, err
		}
	}
	if !fsys.SyncsWhole {
		if err := dst.Sync(); err != nil {
			return skipped, err
		}
	}
	if err := own(to, as, info); err != nil {
		return skipped, err
	}
	if err := to.Chmod(as, info.Perm()); err != nil {
		return skipped, err
	}
	return skipped, to.Chtimes(as, info.MTime)
}

func copyLink(from *fsys.Dir, name string, to *fsys.Dir, as string, info fsys.Info) error {
	target, err := from.Readlink(name)
	if err == nil {
		err = to.Symlink(target, as)
	}
	if err == nil {
		err = own(to, as, info)
	}
	if err == nil {
		err = to.Chtimes(as, info.MTime)
	}
	return err
}

// own gives d/name the owner that info tells of.
func own(d *fsys.Dir, name string, info fsys.Info) error {
	got, err := d.Lstat(name)
	if err != nil || info.UID < 0 || got.UID == info.UID && got.GID == info.GID {
		return err
	}
	return d.Chown(name, info.UID, info.GID)
}

// copyFile makes the new file to/as a copy of src, with all that belongs to it. An
// attribute that this user may not set is left out.
func copyFile(to *fsys.Dir, as string, src *os.File) error {
	info, err := fsys.FileInfo(src)
	if err != nil {
		return err
	}
	meta := Meta{Mode: info.Perm(), UID: info.UID, GID: info.GID, MTime: info.MTime}
	if meta.Attrs, err = fsys.Xattrs(src); err != nil {
		return err
	}
	_, err = put(to, as, meta, func(f *os.File) error { return fsys.CopyData(f, src) })
	return err
}
