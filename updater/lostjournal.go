package updater

import (
	"errors"
	"path"
	"slices"

	"inplace/backup"
	"inplace/backup/sealed"
	"inplace/updater/journal"
)

// findLostJournal puts back a journal that somebody has deleted in the middle of a
// transaction. No journal is there. A transaction that was ended by this program has
// left no [backup.UndoFile] in its snapshot, and its paths are live (or it is marked as
// undone); where that is not so for the newest snapshot, the transaction is open and the
// only way that is certain is back.
//
// The first sign costs a look at each snapshot. The second, for a transaction that was
// turning round already, reads the files that it changed, and only where the marker OPEN
// still stands. What then cannot be read is an *[OpenError].
func (u *Updater) findLostJournal() (err error) {
	marker, err := u.tree.Lstat(journal.Open)
	if err != nil {
		return err
	}
	signs := marker.Exists
	defer func() {
		if err != nil && signs {
			err = &OpenError{Cause: err, Script: restoreScriptOf(u.tree, nil)}
		}
	}()
	ids, err := backup.List(u.tree)
	if err != nil || len(ids) == 0 {
		return err
	}
	for _, id := range slices.Backward(ids) {
		dir := path.Join(backup.SnapshotsDir, id)
		undo, err := u.tree.Lstat(path.Join(dir, backup.UndoFile))
		if err != nil {
			return err
		}
		if undo.Exists {
			signs = true
			return u.turnBack(dir)
		}
	}
	if !marker.Exists {
		return nil
	}
	id := ids[len(ids)-1]
	undone, err := u.tree.Lstat(path.Join(backup.SnapshotsDir, id, backup.UndoneFile))
	if err != nil || undone.Exists {
		return err
	}
	snap, err := backup.Load(u.tree, id)
	if errors.Is(err, backup.ErrNoSnapshot) {
		return nil // what was found by an earlier recovery
	}
	if err != nil {
		return err
	}
	if err := u.reach(snap); err != nil {
		return err
	}
	live, err := snap.Live(u.tree)
	if err != nil || live {
		return err
	}
	rec := journal.Record{State: journal.Committing, ID: id, Undo: true, Action: snap.Action, Takes: snap.Undoes, Started: snap.Created, Engine: snap.Engine}
	return u.tree.WriteState(journal.Path, rec.Marshal(), 0o600)
}

// turnBack makes the record that lies ready in dir the journal, if it is sound.
func (u *Updater) turnBack(dir string) error {
	if _, err := u.tree.ReadState(path.Join(dir, backup.UndoFile), sealed.MaxBytes); err != nil {
		return err
	}
	d, err := u.tree.OpenDir(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return journal.Turn(u.tree, d, backup.UndoFile)
}
