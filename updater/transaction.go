package updater

import (
	"context"
	"errors"
	"path"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/updater/journal"
)

// transaction makes a sealed stage live.
type transaction struct {
	u       *Updater
	in      *installed
	stage   *backup.Stage
	head    backup.Head
	entries []backup.Entry
	takes   string // the snapshot whose slots this one takes over
	plan    *Plan
	out     *Outcome
}

// run seals the stage, asks check a last time, and commits. Up to the journal any
// failure throws the stage away and the installation is as it was.
func (tx *transaction) run(ctx context.Context, check func() error) error {
	u := tx.u
	rec := journal.Record{State: journal.Committing, ID: tx.head.ID, Action: tx.head.Action, Takes: tx.takes,
		Started: u.opt.Now().UTC(), Engine: u.opt.Engine}
	err := u.during(PhaseCheck, func() error {
		undo := rec
		undo.Undo = true
		tx.head.Roots = tx.stage.Roots()
		if err := tx.stage.Seal(tx.head, tx.entries, undo.Marshal()); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		return cancelled(ctx)
	})
	if err != nil {
		return errors.Join(err, tx.stage.Discard())
	}
	tx.stage.Close()
	if err := journal.Begin(u.tree, rec); err != nil {
		// Whether the journal reached the disk is not known: the next run finds it or
		// not, and either way nothing has been exchanged yet.
		return u.abort(rec, tx.head.Roots, tx.entries, err, tx.out)
	}
	begun := time.Now()
	err = u.during(PhaseCommit, func() error { return u.commit(rec, tx.head.Roots, tx.entries, false, &tx.out.Found) })
	tx.out.Window = time.Since(begun)
	if err != nil {
		return u.abort(rec, tx.head.Roots, tx.entries, err, tx.out)
	}
	tx.out.Snapshot = rec.ID
	if err := u.close(rec, tx.head, tx.plan, tx.out); err != nil {
		return &OpenError{Cause: err, Done: true}
	}
	return nil
}

// commit makes the entries live, forward. careful is for a transaction that an
// earlier run has begun.
func (u *Updater) commit(rec journal.Record, roots []backup.Root, entries []backup.Entry, careful bool, found *[]backup.Found) error {
	dir, err := u.place(rec, roots, careful)
	if err != nil {
		return err
	}
	change := &backup.Change{Tree: u.tree, Dir: dir, Roots: roots, Careful: careful,
		Progress: func(done, total int) { u.event(PhaseCommit, "progress", "", int64(done), int64(total)) }}
	err = change.Run(entries)
	*found = append(*found, change.Found...)
	return err
}

// place brings the stage among the snapshots and, for a revert, the slots into it.
// It is idempotent: each step is looked at before it is done.
func (u *Updater) place(rec journal.Record, roots []backup.Root, careful bool) (dir string, err error) {
	dir = path.Join(backup.SnapshotsDir, rec.ID)
	info, err := u.tree.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.Exists && careful {
		if _, err := backup.LoadDir(u.tree, backup.StageDir, rec.ID); err != nil {
			return "", err
		}
	}
	if err := backup.Promote(u.tree, rec.ID, roots...); err != nil {
		return "", err
	}
	if rec.Takes != "" {
		if err := backup.TakeSlots(u.tree, rec.Takes, rec.ID, roots...); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// abort rolls a transaction back after a failure and says what became of it.
func (u *Updater) abort(rec journal.Record, roots []backup.Root, entries []backup.Entry, cause error, out *Outcome) error {
	var undone error
	_ = u.during(PhaseRollback, func() error {
		undone = u.undo(rec, roots, entries, &out.Found)
		return undone
	})
	if undone != nil {
		return &RollbackError{Cause: cause, Undo: undone}
	}
	if rec.Action != "" && out.Plan != nil {
		u.remember(rec, out.Plan, "failed, rolled back", cause, 0)
	}
	return &RolledBackError{cause}
}

// undo puts everything back as it was before the transaction and closes it. It needs
// no room on the disk.
func (u *Updater) undo(rec journal.Record, roots []backup.Root, entries []backup.Entry, found *[]backup.Found) error {
	dir := path.Join(backup.SnapshotsDir, rec.ID)
	info, err := u.tree.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.Exists { // not promoted: nothing was exchanged
		if err := journal.End(u.tree); err != nil {
			return err
		}
		_ = backup.DropStage(u.tree, roots...) // the next run repeats what fails here
		return nil
	}
	if err := backup.Promote(u.tree, rec.ID, roots...); err != nil {
		return err
	}
	if err := u.turn(rec, dir); err != nil {
		return err
	}
	slots, err := backup.HasSlots(u.tree, dir, roots...)
	if err != nil {
		return err
	}
	if slots {
		change := &backup.Change{Tree: u.tree, Dir: dir, Roots: roots, Undo: true}
		err = change.Run(entries)
		*found = append(*found, change.Found...)
		if err != nil {
			return err
		}
	}
	if rec.Takes != "" {
		if err := backup.GiveSlotsBack(u.tree, rec.Takes, rec.ID, roots...); err != nil {
			return err
		}
	}
	if err := journal.EndInto(u.tree, dir, backup.UndoneFile); err != nil {
		return err
	}
	_ = backup.Discard(u.tree, dir) // the next run repeats what fails here
	return nil
}

// turn makes the journal say that the way is back, once.
func (u *Updater) turn(rec journal.Record, dir string) error {
	if rec.Undo {
		return nil
	}
	d, err := u.tree.OpenDir(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	info, err := d.Lstat(backup.UndoFile)
	if err != nil || !info.Exists {
		return err // turned already by a run that was interrupted since
	}
	return journal.Turn(u.tree, d, backup.UndoFile)
}

// close ends a transaction that is live: history, then the journal. It is repeated
// by recovery when it is interrupted.
func (u *Updater) close(rec journal.Record, head backup.Head, plan *Plan, out *Outcome) error {
	u.rememberDone(rec, head, plan, out.Window)
	if rec.Takes != "" {
		if err := backup.Retire(u.tree, rec.Takes, head.Roots...); err != nil {
			return err
		}
	}
	if err := u.tree.RemoveState(path.Join(backup.SnapshotsDir, rec.ID, backup.UndoFile)); err != nil && !fsys.IsAbsent(err) {
		return err
	}
	return journal.End(u.tree)
}
