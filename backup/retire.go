package backup

import (
	"errors"
	"io/fs"
	"path"
	"slices"

	"inplace/backup/fsys"
)

// TakeSlots moves the slots of snapshot from into snapshot to, which has been
// promoted with none: a revert exchanges with the very files that it puts back.
// Repeated, it does nothing.
func TakeSlots(tree *fsys.Tree, from, to string, roots ...Root) error {
	return eachPair(from, to, roots, func(from, to string) error { return moveSlots(tree, from, to) })
}

// eachPair calls fn with the directories of two snapshots in the installation, then in each
// root.
func eachPair(from, to string, roots []Root, fn func(from, to string) error) error {
	targets := twins(path.Join(SnapshotsDir, to), roots)
	for i, source := range twins(path.Join(SnapshotsDir, from), roots) {
		if err := fn(source, targets[i]); err != nil {
			return err
		}
	}
	return nil
}

// HasSlots reports whether the snapshot in dir has slots wherever it should: while a revert
// takes them over, they may be on their way.
func HasSlots(tree *fsys.Tree, dir string, roots ...Root) (bool, error) {
	for _, d := range twins(dir, roots) {
		if info, err := tree.Lstat(d + "/slots"); err != nil || !info.IsDir() {
			return false, err
		}
	}
	return true, nil
}

// GiveSlotsBack undoes TakeSlots. Repeated, or where nothing was taken, it does
// nothing.
func GiveSlotsBack(tree *fsys.Tree, from, to string, roots ...Root) error {
	return eachPair(from, to, roots, func(from, to string) error {
		info, err := tree.Lstat(path.Join(from, "slots"))
		if err != nil || info.Exists {
			return err
		}
		return moveSlots(tree, to, from)
	})
}

func moveSlots(tree *fsys.Tree, from, to string) error {
	source, err := tree.OpenDir(from)
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
	target, err := tree.OpenDir(to)
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
func Retire(tree *fsys.Tree, id string, roots ...Root) error {
	for _, dir := range slices.Backward(twins(path.Join(SnapshotsDir, id), roots)) {
		info, err := tree.Lstat(dir + "/slots")
		if err != nil || info.Exists {
			return err
		}
		if err := tree.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// Discard removes what is left in dir of a transaction that was undone: all but what
// recovery found and moved aside. Where a root cannot be reached, all stays for another
// time.
func Discard(tree *fsys.Tree, dir string) error {
	var roots []Root
	if head, err := readHead(tree, dir); err == nil {
		roots = head.Roots
	}
	if ok, err := reachable(tree, roots); !ok || err != nil {
		return err
	}
	dirs, found := twins(dir, roots), false
	for _, d := range dirs {
		info, err := tree.Lstat(d + "/found")
		if err != nil {
			return err
		}
		found = found || info.Exists
	}
	for _, d := range slices.Backward(dirs) {
		if err := discard(tree, d, found); err != nil {
			return err
		}
	}
	for _, r := range roots {
		if err := dropStore(tree, r); err != nil {
			return err
		}
	}
	return nil
}

// discard is Discard for one directory; found keeps it.
func discard(tree *fsys.Tree, dir string, found bool) error {
	if !found {
		return tree.RemoveAll(dir)
	}
	for _, name := range []string{"slots", "aside", "config", "data", "restore.sh", "snapshot.yaml"} {
		if err := tree.RemoveAll(path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
