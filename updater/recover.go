package updater

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/updater/journal"
	"inplace/updater/service"
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
//	stopping    any        -              killed with the product       stage thrown away: old; started
//	                                      stopped, nothing exchanged
//	forward     sealed     -              killed at the commit point    promoted, finished: new
//	forward     -          there          killed while exchanging       finished: new
//	forward     any        any            the same, and health was      turned, undone: old; started
//	                                      asked for
//	forward     -          not to finish  a slot is gone or damaged     turned, undone: old
//	watching    -          there          killed while the product was  see watched
//	                                      started or watched: all new
//	watching    -          without undo   killed while closing          finished: new
//	undo        -          there          killed while rolling back     undone: old
//	unreadable  any        any            torn, edited or newer         nothing; exit 8 with advice
//	deleted     -          not ended      see findLostJournal           undone: old
//
// A forward, watching or undo record of the second schema says that the product was stopped: it
// is started once every path is new or old, and only then is the journal closed, so that a
// run that is killed before is repeated by the next. A guard leaves starting and stopping to
// its caller. The marker OPEN is not there while the product may start: taken away before each start, put back
// before it is stopped to go back.
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
	out := &Recovery{ID: rec.ID, Action: rec.Action, Result: "undone", Found: []backup.Found{}}
	if rec.Service != nil {
		out.Service = &ServiceRun{Was: string(service.Up), Stopped: true, Skipped: []string{}, Log: serviceLog}
	}
	if rec.State == journal.Stopping {
		err = u.recoverStopped(*rec, out)
	} else {
		err = u.recoverOpen(ctx, *rec, out)
	}
	var unwell *UnwellError
	if err != nil && !errors.As(err, &unwell) && !errors.Is(err, errMayRun) {
		return out, &OpenError{Cause: err, Script: restoreScriptOf(u.tree, rec)}
	}
	if err == nil && out.Service.fault() != nil {
		err = &RestartError{out.Service.err}
	}
	if errors.Is(err, errMayRun) {
		return out, err
	}
	return out, errors.Join(err, u.sweep())
}

// errMayRun says to a guard that the product runs already, at a new level that is whole.
var errMayRun = errors.New("the product runs")

// recoverStopped mends a run that was killed before its commit point, with the product
// stopped: everything is old, and what is staged is thrown away.
func (u *Updater) recoverStopped(rec journal.Record, out *Recovery) error {
	if r, err := readRecord(u.tree); err == nil {
		out.From, out.To = r.release(), r.release()
	}
	head := backup.Head{From: out.From.level(), To: out.To.level()}
	if snap, err := backup.LoadDir(u.tree, backup.StageDir, rec.ID); err == nil {
		head, out.To = snap.Head, releaseOf(snap.To)
	}
	if err := u.resume(rec, out.Service); err != nil {
		return err
	}
	if err := journal.End(u.tree); err != nil {
		return err
	}
	u.rememberUndone(rec, head, nil)
	return nil
}

// recoverOpen finishes or undoes a transaction that is past its commit point.
func (u *Updater) recoverOpen(ctx context.Context, rec journal.Record, out *Recovery) error {
	snap, err := loadOpen(u, rec.ID)
	if err != nil {
		return err
	}
	out.From, out.To = releaseOf(snap.From), releaseOf(snap.To)
	if err := u.reach(snap); err != nil {
		return err
	}
	if s := rec.Service; s != nil && s.Before != nil {
		if err := json.Unmarshal(s.Before, &u.product().before); err != nil {
			return err
		}
	}
	tx := &transaction{u: u, head: snap.Head, entries: snap.Entries, out: &Outcome{Service: out.Service}}
	defer func() { out.Found = append(out.Found, tx.out.Found...) }()
	switch {
	case rec.Undo:
	case rec.State == journal.Watching:
		return tx.watched(ctx, rec, out)
	case rec.Service != nil && rec.Service.Judge:
		u.event(PhaseRecover, "note", "health was asked for and could not be seen, so it is taken back", 0, 0)
	default:
		err := u.commit(rec, snap.Roots, snap.Entries, true, &tx.out.Found)
		if err == nil {
			out.Result = "finished"
			return tx.settled(ctx, rec, out)
		}
		u.event(PhaseRecover, "note", "cannot be finished, is taken back: "+err.Error(), 0, 0)
	}
	return tx.back(rec)
}

// back undoes a transaction in recovery. The promotion comes first where it is missing: a
// power cut may have kept a directory that was made after it, and lost it.
func (tx *transaction) back(rec journal.Record) error {
	if err := backup.Promote(tx.u.tree, rec.ID, tx.head.Roots...); err != nil {
		return err
	}
	if err := tx.u.undo(rec, tx.head.Roots, tx.entries, &tx.out.Found, tx.out.Service); err != nil {
		return err
	}
	tx.u.rememberUndone(rec, tx.head, nil)
	return nil
}

// settled ends a transaction in recovery that is all new and stays so: what was stopped is
// started, and told if it does not.
func (tx *transaction) settled(ctx context.Context, rec journal.Record, out *Recovery) error {
	out.Result = "finished"
	if rec.Service != nil {
		rec.Service.Judge, rec.Service.Stay = false, true
	}
	err := tx.ahead(ctx, rec)
	var unwell *UnwellError
	var back *RolledBackError
	switch {
	case errors.As(err, &unwell):
		return nil // of the start, which is told
	case errors.As(err, &back):
		out.Result = "undone"
		tx.u.rememberUndone(rec, tx.head, back)
		return nil
	}
	return err
}

// watched goes on with a transaction that was interrupted while its product was started or
// watched. Every path is new.
//
//	closing had begun              finished
//	not to be judged, or one-way   started if it is down, finished
//	the caller is a start guard    product up: left as it is; down: undone
//	product down                   undone, and started
//	product up                     asked: well: finished; not well in time: stopped, undone, started
func (tx *transaction) watched(ctx context.Context, rec journal.Record, out *Recovery) error {
	u, p := tx.u, tx.u.product()
	undo, err := u.tree.Lstat(path.Join(backup.SnapshotsDir, rec.ID, backup.UndoFile))
	if err != nil {
		return err
	}
	state, err := p.state(ctx)
	if err != nil {
		state = service.Unknown // the probes decide
	}
	switch {
	case u.opt.guard && state != service.Down:
		return errMayRun
	case !undo.Exists || rec.Service.Stay || !rec.Service.Judge:
		if rec.Service.Stay && rec.Service.Judge {
			u.event(PhaseRecover, "note", "the release cannot be left again once it was started, so it stays", 0, 0)
		}
		return tx.settled(ctx, rec, out)
	case state == service.Down:
		u.event(PhaseRecover, "note", "the product does not run, and whether it was well is not known, so it is taken back", 0, 0)
		return tx.forbidden(rec, func() error { return tx.back(rec) })
	}
	why := tx.asked(p.svc.Come, ctx)
	if why == nil {
		out.Service.Started = true
		rec.Service.Judge = false
		return tx.settled(ctx, rec, out)
	}
	return tx.takeBack(rec, why)
}

// forbidden puts the marker back before it goes back.
func (tx *transaction) forbidden(rec journal.Record, back func() error) error {
	dir, err := tx.u.tree.OpenDir(path.Join(backup.SnapshotsDir, rec.ID))
	if err != nil {
		return err
	}
	err = journal.Forbid(tx.u.tree, dir)
	dir.Close()
	if err != nil {
		return err
	}
	return back()
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
	if err := u.dropUpdater(); err != nil {
		return err
	}
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
	names, err := u.tree.Names(updatesDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, fsys.TempPrefix) {
			if err := u.tree.RemoveAll(path.Join(updatesDir, name)); err != nil {
				return err
			}
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
