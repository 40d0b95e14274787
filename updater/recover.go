package updater

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"inplace/backup"
	"inplace/updater/journal"
)

// recover mends what an interrupted run has left. The lock is held. What can be on
// the disk, and what is done:
//
//	journal     stage      backups/ID     means                         done
//	none        none       -              nothing was interrupted       nothing
//	none        there      -              killed while staging          stage thrown away: old
//	none        prepared   -              not interrupted: it waits, or kept as it is: old
//	                                      the run that takes it was
//	                                      killed before its commit point
//	none        half gone  -              killed while dropping what    stage thrown away: old
//	                                      waited: its record goes first
//	none        -          undone         killed while clearing up      its slots thrown away
//	forward     sealed     -              killed at the commit point    promoted, finished: new
//	forward     -          there          killed while exchanging       finished: new
//	forward     -          not to finish  a slot is gone or damaged     turned, undone: old
//	undo        -          there          killed while rolling back     undone: old
//	unreadable  any        any            torn, edited or newer         nothing; exit 8 with advice
//	deleted     -          not ended      see findLostJournal           undone: old
//
// Each exchange is decided by what live path and slot hold (package backup), so any
// of this may be interrupted again at any point. Neither way needs room on the disk
// or the network. A path that is neither old nor new is moved to found/ and told.
// OPEN without a journal is the trace of a run killed between its last two steps.
func (u *Updater) recover(ctx context.Context) (*Recovery, error) {
	rec, err := journal.Read(u.tree)
	if rec == nil && err == nil {
		if err := u.findLostJournal(); err != nil {
			return nil, err
		}
		rec, err = journal.Read(u.tree)
	}
	if err != nil {
		return nil, &OpenError{Cause: err, Script: restoreScriptOf(u.tree, nil)}
	}
	if rec == nil {
		return nil, u.sweep()
	}
	u.event(PhaseRecover, "begin", "", 0, 0)
	defer u.event(PhaseRecover, "end", "", 0, 0)
	snap, err := loadOpen(u, rec.ID)
	if err != nil {
		return nil, &OpenError{Cause: err, Script: restoreScriptOf(u.tree, rec)}
	}
	out := &Recovery{ID: rec.ID, Action: rec.Action, From: releaseOf(snap.From), To: releaseOf(snap.To), Found: []backup.Found{}}
	if err := u.reach(snap); err != nil {
		return nil, &OpenError{Cause: err, Script: restoreScriptOf(u.tree, rec)}
	}
	if !rec.Undo {
		forward := u.commit(*rec, snap.Roots, snap.Entries, true, &out.Found)
		if forward == nil {
			out.Result = "finished"
			if err := u.close(*rec, snap.Head, nil, &Outcome{}); err != nil {
				return out, &OpenError{Cause: err, Script: restoreScriptOf(u.tree, rec)}
			}
			return out, u.sweep()
		}
		u.event(PhaseRecover, "note", "cannot be finished, is taken back: "+forward.Error(), 0, 0)
	}
	out.Result = "undone"
	if err := u.undo(*rec, snap.Roots, snap.Entries, &out.Found); err != nil {
		return out, &OpenError{Cause: err, Script: restoreScriptOf(u.tree, rec)}
	}
	u.rememberUndone(*rec, snap.Head)
	return out, u.sweep()
}

// loadOpen reads the snapshot of an open transaction, wherever it has got to.
func loadOpen(u *Updater, id string) (*backup.Snapshot, error) {
	snap, err := backup.Load(u.tree, id)
	if errors.Is(err, fs.ErrNotExist) {
		return backup.LoadDir(u.tree, backup.StageDir, id)
	}
	return snap, err
}

// sweep removes the litter of interrupted runs. No journal is open.
func (u *Updater) sweep() error {
	if info, err := u.tree.Lstat(journal.Open); err == nil && info.Exists {
		if err := journal.End(u.tree); err != nil {
			return err
		}
	}
	if info, err := u.tree.Lstat(backup.StageDir); err == nil && info.Exists {
		waits, err := u.keepPrepared()
		if err == nil && !waits {
			err = backup.DropStage(u.tree, u.allRoots()...)
		}
		if err != nil {
			return err
		}
	}
	ids, err := backup.List(u.tree)
	if err != nil {
		return err
	}
	for _, id := range ids {
		dir := path.Join(backup.SnapshotsDir, id)
		info, err := u.tree.Lstat(path.Join(dir, backup.UndoneFile))
		if err == nil && info.Exists {
			err = backup.Discard(u.tree, dir)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
