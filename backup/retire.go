package backup

import (
	"errors"
	"io/fs"
	"path"

	"inplace/backup/fsys"
)

// TakeSlots moves the slots of snapshot from into snapshot to, which has been
// promoted with none: a revert exchanges with the very files that it puts back.
// Repeated, it does nothing.
func TakeSlots(tree *fsys.Tree, from, to string) error {
	return moveSlots(tree, from, to)
}

// GiveSlotsBack undoes TakeSlots. Repeated, or where nothing was taken, it does
// nothing.
func GiveSlotsBack(tree *fsys.Tree, from, to string) error {
	info, err := tree.Lstat(path.Join(SnapshotsDir, from, "slots"))
	if err != nil || info.Exists {
		return err
	}
	return moveSlots(tree, to, from)
}

func moveSlots(tree *fsys.Tree, from, to string) error {
	source, err := tree.OpenDir(path.Join(SnapshotsDir, from))
	if fsys.IsAbsent(err) {
		return nil // retired already
	}
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Lstat("slots")
	if err != nil || !info.Exists {
		return err
	}
	target, err := tree.OpenDir(path.Join(SnapshotsDir, to))
	if err != nil {
		return err
	}
	defer target.Close()
	if err := target.Rmdir("slots"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := source.Rename("slots", target, "slots"); err != nil {
		return err
	}
	if err := target.Sync(); err != nil {
		return err
	}
	return source.Sync()
}

// Retire removes what is left of a snapshot whose slots another has taken.
func Retire(tree *fsys.Tree, id string) error {
	dir := path.Join(SnapshotsDir, id)
	info, err := tree.Lstat(dir + "/slots")
	if err != nil || info.Exists {
		return err
	}
	return tree.RemoveAll(dir)
}

// Discard removes what is left in dir of a transaction that was undone: all but what
// recovery found and moved aside.
func Discard(tree *fsys.Tree, dir string) error {
	info, err := tree.Lstat(dir + "/found")
	if err != nil {
		return err
	}
	if !info.Exists {
		return tree.RemoveAll(dir)
	}
	for _, name := range []string{"slots", "aside", "config", "restore.sh", "snapshot.yaml"} {
		if err := tree.RemoveAll(path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
