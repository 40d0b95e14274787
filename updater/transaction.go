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

// transaction makes a stage live.
type transaction struct {
	u       *Updater
	in      *installed
	stage   *backup.Stage
	head    backup.Head
	entries []backup.Entry
	takes   string // the snapshot whose slots this one takes over
	plan    *Plan
	out     *Outcome

	still   func() error // what has to wait until the product stands still; may add entries
	stopped time.Time    // when the product was begun to be stopped
}

// run stops the product where that is to be done, seals the stage, asks check a last
// time, commits, starts the product again and watches it. Up to the commit any
// failure throws the stage away, and starts what was stopped: the installation is as it was.
func (tx *transaction) run(ctx context.Context, check func() error) error {
	u := tx.u
	rec := journal.Record{State: journal.Committing, ID: tx.head.ID, Action: tx.head.Action, Takes: tx.takes,
		Started: u.opt.Now().UTC(), Engine: u.opt.Engine}
	err := tx.lookBefore(ctx, &rec)
	if err == nil && tx.still == nil {
		err = tx.seal(rec) // before the stop, since it waits for the disk
	}
	if err == nil {
		err = tx.halt(ctx, rec)
	}
	if err == nil {
		steps := []func() error{check, func() error { return tx.ready(&rec) }, func() error { return cancelled(ctx) }}
		if tx.still != nil {
			steps = append([]func() error{check, tx.still, func() error { return tx.seal(rec) }}, steps...)
		}
		err = u.during(PhaseCheck, func() (err error) {
			for i := 0; i < len(steps) && err == nil; i++ {
				err = steps[i]()
			}
			return err
		})
	}
	if err != nil {
		return tx.giveUp(err)
	}
	tx.stage.Close()
	if err := journal.Begin(u.tree, rec); err != nil {
		// Whether the journal reached the disk is not known: the next run finds it or
		// not, and either way nothing has been exchanged yet.
		return u.abort(rec, tx.head.Roots, tx.entries, err, tx.out)
	}
	if tx.stopped.IsZero() {
		tx.stopped = time.Now()
	}
	err = u.during(PhaseCommit, func() error { return u.commit(rec, tx.head.Roots, tx.entries, false, &tx.out.Found) })
	tx.out.Window = time.Since(tx.stopped)
	if err != nil {
		return u.abort(rec, tx.head.Roots, tx.entries, err, tx.out)
	}
	tx.out.Snapshot = rec.ID
	return tx.ahead(ctx, rec)
}

// seal makes the stage a snapshot, with the way back ready in it.
func (tx *transaction) seal(rec journal.Record) error {
	rec.Undo = true
	tx.head.Roots = tx.stage.Roots()
	return tx.stage.Seal(tx.head, tx.entries, rec.Marshal())
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
		undone = u.undo(rec, roots, entries, &out.Found, out.Service)
		return undone
	})
	if undone != nil {
		return &RollbackError{Cause: cause, Undo: undone}
	}
	if rec.Action != "" && out.Plan != nil {
		u.remember(rec, out.Plan, "failed, rolled back", cause, 0)
	}
	return &RolledBackError{errors.Join(cause, out.Service.fault())}
}

// undo puts everything back as it was before the transaction, starts the product if the
// transaction has stopped it, and closes it. It needs no room on the disk. A product that
// cannot be started again is told in run and fails nothing.
func (u *Updater) undo(rec journal.Record, roots []backup.Root, entries []backup.Entry, found *[]backup.Found, run *ServiceRun) error {
	dir := path.Join(backup.SnapshotsDir, rec.ID)
	info, err := u.tree.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.Exists { // not promoted: nothing was exchanged
		if err := u.resume(rec, run); err != nil {
			return err
		}
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
		if err := u.stopAgain(rec); err != nil {
			return err
		}
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
	if err := u.resume(rec, run); err != nil {
		return err
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
func (u *Updater) close(rec journal.Record, head backup.Head, plan *Plan, out *Outcome, unwell error) error {
	u.rememberDone(rec, head, plan, out.Window, unwell)
	if rec.Takes != "" {
		if err := backup.Retire(u.tree, rec.Takes, head.Roots...); err != nil {
			return err
		}
	}
	ready := []string{backup.UndoFile}
	if rec.Service != nil {
		ready = append(ready, backup.WatchFile, path.Base(journal.Open))
	}
	for _, name := range ready {
		if err := u.tree.RemoveState(path.Join(backup.SnapshotsDir, rec.ID, name)); err != nil && !fsys.IsAbsent(err) {
			return err
		}
	}
	return journal.End(u.tree)
}
