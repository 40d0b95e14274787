package backup

import (
	"fmt"
	"path"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// CopyMark is a file in a tree that holds second copies and no installation: restore.sh
// does nothing beside it.
const CopyMark = homeDir + "/COPY"

// CopyTo makes a second copy of a snapshot in another tree, at the same place as in its
// own: what lies in followed directories too, so that [Load], [Snapshot.Check] and [Prune]
// work there as here. Until all of it is there, durable and compared by digest, it has
// another name, which List does not take for a snapshot and the next CopyTo replaces. It
// returns what is no file, directory or link, and is not in the copy.
//
// Errors: those of Load; *[DamagedError] where the copy does not hold what was recorded, as
// where the snapshot itself does not.
func CopyTo(tree *fsys.Tree, id string, other *fsys.Tree) (skipped []string, err error) {
	snap, err := Load(tree, id)
	if err != nil {
		return nil, err
	}
	from := twins(snap.Dir, snap.Roots)
	to := twins(path.Join(SnapshotsDir, fsys.TempPrefix+id), snap.Roots)
	for i := range from {
		more, err := copyDir(tree, from[i], other, to[i])
		skipped = append(skipped, more...)
		if err != nil {
			return skipped, fmt.Errorf("%s: %w", manifest.Path(from[i]), err)
		}
	}
	second, err := LoadDir(other, to[0], id)
	if err != nil {
		return skipped, err
	}
	if turned, err := second.Turned(other); err != nil {
		return skipped, err
	} else if turned {
		second.Turn()
	}
	faults, err := second.Check(other, true, nil)
	if err != nil {
		return skipped, err
	}
	if len(faults) > 0 {
		return skipped, second.Damaged(faults)
	}
	for i := len(to) - 1; i >= 0; i-- { // the installation's part last: it is what List goes by
		if err := settleDir(other, to[i], id); err != nil {
			return skipped, err
		}
	}
	return skipped, nil
}

// Seconds are the directories of a second copy in other, in the order in which CopyTo makes
// them, and those of tree that they are copies of.
func (s *Snapshot) Seconds(tree, other *fsys.Tree) []Second {
	var out []Second
	for _, dir := range twins(s.Dir, s.Roots) {
		out = append(out, Second{From: other.RealPath(dir), To: tree.RealPath(dir)})
	}
	return out
}

// copyDir copies the directory at from in tree to the path to in other, which is made
// anew.
func copyDir(tree *fsys.Tree, from string, other *fsys.Tree, to string) (skipped []string, err error) {
	if err := other.RemoveAll(to); err != nil {
		return nil, err
	}
	if err := other.MkdirAll(path.Dir(to), 0o700); err != nil {
		return nil, err
	}
	err = tree.In(from, func(src *fsys.Dir, name string) error {
		return other.In(to, func(dst *fsys.Dir, as string) (err error) {
			skipped, err = copyTree(src, name, dst, as, "")
			if err != nil {
				return err
			}
			_, err = dst.SyncFS() // where that is not to be had, copyTree has synced each
			return err
		})
	})
	return skipped, err
}

// settleDir gives a whole copy its name, in place of one that is there.
func settleDir(other *fsys.Tree, dir, id string) error {
	if err := other.RemoveAll(path.Join(path.Dir(dir), id)); err != nil {
		return err
	}
	return other.In(dir, func(d *fsys.Dir, name string) error {
		if err := d.Rename(name, d, id); err != nil {
			return err
		}
		return d.Sync()
	})
}
