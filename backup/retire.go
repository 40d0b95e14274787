package backup

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

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

// Retention says which snapshots stay. The newest always does.
type Retention struct {
	Keep    int           // at most so many; 0: no limit
	MaxAge  time.Duration // none older; 0: no limit
	MaxSize int64         // bytes of all together; 0: no limit
}

// Prune removes snapshots from the oldest end until the rest is within r, and
// returns the names of those removed. What cannot be read as a snapshot stays.
func Prune(tree *fsys.Tree, r Retention, now time.Time, newest string) ([]string, error) {
	ids, err := List(tree)
	if err != nil {
		return nil, err
	}
	var heads []Head
	for _, id := range ids {
		if s, err := Load(tree, id); err == nil {
			heads = append(heads, s.Head)
		}
	}
	slices.SortStableFunc(heads, func(a, b Head) int { return a.Created.Compare(b.Created) })
	var total int64
	for _, h := range heads {
		total += h.Bytes
	}
	var removed []string
	for i, h := range heads {
		left := len(heads) - i
		over := r.Keep > 0 && left > r.Keep || r.MaxAge > 0 && now.Sub(h.Created) > r.MaxAge || r.MaxSize > 0 && total > r.MaxSize
		if !over || left == 1 || h.ID == newest {
			break
		}
		if err := tree.RemoveAll(path.Join(SnapshotsDir, h.ID)); err != nil {
			return removed, err
		}
		removed = append(removed, h.ID)
		total -= h.Bytes
	}
	return removed, nil
}
