package updater

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"time"

	"inplace/backup"
	"inplace/updater/journal"
	"inplace/updater/service"
)

// This file is the part of a transaction that deals with the running product: it is
// stopped once everything is staged, started when every path is new, or old again, and watched.
// Each step is in the journal before it is done; recover.go says what is made of each.

// newRun is what a run tells of the product; nil where the settings do not say how to stop it.
func (u *Updater) newRun() *ServiceRun {
	if !u.stops() {
		return nil
	}
	return &ServiceRun{Was: string(service.Unknown), Skipped: []string{}, Log: serviceLog}
}

// fault is why the product could not be started, if so.
func (r *ServiceRun) fault() error {
	if r == nil {
		return nil
	}
	return r.err
}

// lookBefore asks the product how it is, before anything is done to it, and notes in the
// journal's record whether it is to be stopped and started. One that does not run stays down.
func (tx *transaction) lookBefore(ctx context.Context, rec *journal.Record) error {
	u := tx.u
	if tx.out.Service = u.newRun(); tx.out.Service == nil {
		return nil
	}
	p := u.product()
	state, err := p.svc.State(ctx)
	if err != nil {
		return &ServiceError{Doing: "status", Err: err}
	}
	tx.out.Service.Was = string(state)
	if state == service.Down {
		return nil
	}
	rec.Service = &journal.Service{Judge: p.judged() && rec.Action != "revert", Stay: rec.Action == "revert" || tx.plan.OneWayAhead()}
	if p.judged() {
		p.before = p.svc.Look(ctx, &p.health)
		rec.Service.Before, err = json.Marshal(p.before)
	}
	return err
}

// halt stops the product and waits until nobody runs it. From here on a start guard refuses.
func (tx *transaction) halt(ctx context.Context, rec journal.Record) error {
	u := tx.u
	if rec.Service == nil {
		return nil
	}
	rec.State = journal.Stopping
	tx.stopped = time.Now()
	if err := journal.Begin(u.tree, rec); err != nil {
		return err
	}
	tx.out.Service.Stopped = true
	if err := u.product().stop(ctx); err != nil {
		return err
	}
	return u.idle()
}

// ready lays the record beside the way back with which the product will be started, so
// that this needs no room on the disk later. Probes that are well although the product stands still
// are noted in it.
func (tx *transaction) ready(rec *journal.Record) error {
	if rec.Service == nil {
		return nil
	}
	u, p := tx.u, tx.u.product()
	if p.judged() {
		p.svc.Unmask(context.Background(), &p.health, p.before, p.telling())
		tx.out.Service.Skipped = append(tx.out.Service.Skipped, p.before.Skipped()...)
		if rec.Service.Judge && !p.svc.Judges(&p.health, p.before) {
			return blindError(p.before)
		}
		var err error
		if rec.Service.Before, err = json.Marshal(p.before); err != nil {
			return err
		}
	}
	watch := *rec
	watch.State = journal.Watching
	return u.tree.WriteState(path.Join(backup.StageDir, backup.WatchFile), watch.Marshal(), 0o600)
}

// blindError says that nothing would tell a bad update from a good one.
func blindError(before service.Baseline) error {
	e := &PreflightError{}
	for _, s := range before.Skipped() {
		e.Findings = append(e.Findings, Finding{Path: settingsPath, Reason: "health: the probe " + s,
			Hint: "set service.status, or a probe that the product itself answers; or go without a watch: --no-health"})
	}
	return e
}

// giveUp ends a run before its commit point: what was stopped is started, the stage thrown away.
func (tx *transaction) giveUp(cause error) error {
	u := tx.u
	if tx.stopped.IsZero() {
		return errors.Join(cause, tx.stage.Discard())
	}
	var err error
	if tx.out.Service.Stopped {
		err = u.resume(journal.Record{Service: &journal.Service{}}, tx.out.Service)
	}
	if err == nil {
		err = journal.End(u.tree)
	}
	if err != nil {
		return &OpenError{Cause: errors.Join(cause, err), Whole: true}
	}
	return errors.Join(cause, tx.out.Service.fault(), tx.stage.Discard())
}

// resume lets the product start again as it was before, and starts it. The journal stands
// until then, so that the next run repeats it. That it does not start is told in run.
func (u *Updater) resume(rec journal.Record, run *ServiceRun) error {
	if rec.Service == nil {
		return nil
	}
	if err := u.tree.RemoveState(journal.Open); err != nil {
		return err
	}
	u.startFor(run)
	return nil
}

// startFor starts the product and tells in run how that went. A guard leaves it to its caller.
func (u *Updater) startFor(run *ServiceRun) {
	if u.opt.guard {
		return
	}
	if run.err = u.product().start(); run.err != nil {
		run.Fault = run.err.Error()
	}
	run.Started = run.err == nil
}

// stopAgain stops the product before its files are exchanged back. Where the marker is gone
// they are back already, and it may be the old product that runs.
func (u *Updater) stopAgain(rec journal.Record) error {
	if rec.Service == nil {
		return nil
	}
	marker, err := u.tree.Lstat(journal.Open)
	if err != nil || !marker.Exists {
		return err
	}
	return u.product().standStill()
}

// ahead takes a transaction whose paths are all live to its end: what was stopped is
// started and watched, and the journal closed; or everything is taken back. Errors:
// *[UnwellError], *[OpenError], *[RollbackError], *[RolledBackError].
func (tx *transaction) ahead(ctx context.Context, rec journal.Record) error {
	u := tx.u
	var unwell error
	if rec.Service != nil {
		if err := tx.bringUp(&rec); err != nil {
			return u.abort(rec, tx.head.Roots, tx.entries, err, tx.out)
		}
		if unwell = tx.out.Service.err; unwell == nil {
			unwell = tx.watch(ctx, rec)
		}
		if unwell != nil && !rec.Service.Stay {
			return tx.takeBack(rec, unwell)
		}
	}
	if err := u.close(rec, tx.head, tx.plan, tx.out, unwell); err != nil {
		return &OpenError{Cause: err, Done: true, Whole: true}
	}
	if unwell != nil {
		return tx.notWell(unwell)
	}
	return nil
}

// isLive reports whether a run that ended with err has made its change and left it so.
func isLive(err error) bool {
	var unwell *UnwellError
	return err == nil || errors.As(err, &unwell) && !unwell.Back
}

// bringUp turns the journal to watching, lets the product start, and starts it. An error
// says that the journal could not be turned.
func (tx *transaction) bringUp(rec *journal.Record) error {
	u := tx.u
	dir, err := u.tree.OpenDir(path.Join(backup.SnapshotsDir, rec.ID))
	if err != nil {
		return err
	}
	defer dir.Close()
	info, err := dir.Lstat(backup.WatchFile)
	if err == nil && info.Exists { // else a run that was interrupted has turned it
		err = journal.Turn(u.tree, dir, backup.WatchFile)
	}
	if err == nil {
		err = journal.Allow(u.tree, dir)
	}
	if err != nil {
		return err
	}
	rec.State = journal.Watching
	u.startFor(tx.out.Service)
	if !tx.stopped.IsZero() {
		tx.out.Window = time.Since(tx.stopped)
	}
	return nil
}

// watch asks the started product whether it is well: for the whole time where the answer
// decides; after a revert, where it does not, until it is well for the first time.
func (tx *transaction) watch(ctx context.Context, rec journal.Record) error {
	p := tx.u.product()
	switch {
	case tx.u.opt.guard:
		return nil
	case rec.Service.Judge:
		return tx.asked(p.svc.Stay, ctx)
	case rec.Action == "revert" && p.judged() && !tx.recovers():
		return tx.asked(p.svc.Come, ctx)
	}
	return nil
}

// recovers reports whether the transaction is one that an earlier run has begun.
func (tx *transaction) recovers() bool { return tx.plan == nil }

type asking func(context.Context, *service.Health, service.Baseline, func(well, of int)) error

// asked watches by how, and counts the time.
func (tx *transaction) asked(how asking, ctx context.Context) error {
	p := tx.u.product()
	begun := time.Now()
	err := tx.u.during(PhaseHealth, func() error {
		return how(ctx, &p.health, p.before, func(well, of int) {
			tx.u.event(PhaseHealth, "progress", "", int64(well), int64(of))
		})
	})
	if run := tx.out.Service; run != nil {
		run.Watched += time.Since(begun)
	}
	return err
}

// notWell is the error of a product that is not well, with its last words.
func (tx *transaction) notWell(why error) *UnwellError {
	e := &UnwellError{Cause: why}
	e.From, e.Lines = tx.u.product().tail(why)
	if run := tx.out.Service; run != nil {
		run.Fault = why.Error()
	}
	return e
}

// takeBack stops a product that is not well, puts everything back, starts it as it was and
// sees whether it comes up.
func (tx *transaction) takeBack(rec journal.Record, why error) error {
	u := tx.u
	unwell := tx.notWell(why)
	unwell.Back = true
	run := tx.out.Service
	err := u.during(PhaseRollback, func() error {
		return tx.forbidden(rec, func() error { return u.undo(rec, tx.head.Roots, tx.entries, &tx.out.Found, run) })
	})
	if err != nil {
		return &RollbackError{Cause: why, Undo: err}
	}
	tx.out.Snapshot = ""
	if unwell.Restart = run.err; unwell.Restart == nil && rec.Service.Judge && !u.opt.guard {
		unwell.Restart = tx.asked(u.product().svc.Come, context.Background())
	}
	if tx.recovers() {
		u.rememberUndone(rec, tx.head, why)
	} else {
		u.remember(rec, tx.plan, "not well, rolled back", unwell, tx.out.Window)
	}
	return unwell
}
