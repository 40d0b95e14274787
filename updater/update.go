package updater

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/journal"
	"inplace/updater/settings"
)

// DryRun makes the plan and writes nothing, nowhere. A plan with conflicts or
// findings is no error. Errors: *[fsys.LockedError] beside a running update,
// *[OpenError] on an open journal, those of metadata and settings.
func (u *Updater) DryRun(ctx context.Context) (*Plan, error) {
	return u.dry(readDeclared, func(in *installed) (*Plan, error) {
		if err := u.openWorkspace(&in.record, true); err != nil {
			return nil, err
		}
		return u.planFrom(ctx, in)
	})
}

// dry makes a plan for who only looks.
func (u *Updater) dry(read func(*fsys.Tree) (*installed, error), plan func(*installed) (*Plan, error)) (*Plan, error) {
	if err := u.lookOnly(); err != nil {
		return nil, err
	}
	in, err := read(u.tree)
	if err != nil {
		return nil, err
	}
	p, err := plan(in)
	if err == nil {
		p.lookedAt()
	}
	return p, err
}

// lookOnly refuses to look at an installation that is being changed.
func (u *Updater) lookOnly() error {
	if err := u.tree.Locked(lockPath); err != nil {
		return err
	}
	marker, errMarker := u.tree.Lstat(journal.Open)
	j, err := journal.Read(u.tree)
	if err != nil || j != nil {
		return &OpenError{Cause: err, Script: restoreScriptOf(u.tree, j), Whole: err == nil && errMarker == nil && !marker.Exists}
	}
	err = errMarker
	if err != nil || marker.Exists {
		return &OpenError{Cause: err, Script: restoreScriptOf(u.tree, nil)}
	}
	return nil
}

// planFrom chooses the release and plans the way to it, from what [readDeclared] has
// read.
func (u *Updater) planFrom(ctx context.Context, in *installed) (*Plan, error) {
	u.fromPrepared()
	to, err := u.bothInventories(ctx, in)
	if err != nil {
		return nil, err
	}
	if to == nil {
		plan := &Plan{Schema: PlanSchema, Engine: u.opt.Engine, Created: u.opt.Now().UTC(), Product: in.Product, Source: u.client.Source(),
			Action: "none", From: in.release(), To: in.release(), Steps: []Step{}, Conflicts: []ConflictOf{}, Fixes: []manifest.Fix{},
			Instructions: []Instruction{}, Findings: []Finding{}, Warnings: u.beyond()}
		plan.To.Channel = u.channel()
		if why := u.client.Withdrawn(in.Level); why != "" {
			plan.Warnings = append(plan.Warnings, fmt.Sprintf("the vendor has withdrawn level %d, which is installed: %s", in.Level, why))
		}
		return plan, u.pin(plan)
	}
	var plan *Plan
	err = u.during(PhasePlan, func() (err error) {
		plan, err = u.makePlan(ctx, in, to)
		return err
	})
	if err == nil {
		if text := u.subscription.Warning(); text != "" {
			plan.Warnings = append(plan.Warnings, text)
		}
		u.prepareFor(plan)
		err = u.pin(plan)
	}
	return plan, err
}

// bothInventories reads the inventory of what is installed while it chooses the target
// and reads the target's: of a large installation each takes a core for a while.
func (u *Updater) bothInventories(ctx context.Context, in *installed) (to *target, err error) {
	own := beside(func() error { return in.readInventory(u.tree) })
	if err = u.during(PhaseMetadata, func() error { return u.connect(ctx) }); err == nil {
		to, err = u.choose(ctx, in)
	}
	if failed := own(); failed != nil {
		return nil, failed
	}
	return to, err
}

// begin takes the lock and mends what an interrupted run has left.
func (u *Updater) begin(ctx context.Context) (release func(), rec *Recovery, err error) {
	lock, err := u.tree.Lock(lockPath)
	if err != nil {
		return nil, nil, err
	}
	rec, err = u.recover(ctx)
	if err != nil {
		lock.Release()
		return nil, rec, err
	}
	if rec == nil {
		rec = u.opt.Renew.Mended
	}
	u.lock, u.mended = lock, rec
	return func() { u.summarize(nil); u.lock = nil; lock.Release() }, rec, nil
}

// start is how each run begins that may change the installation: begin, and then read
// says what is installed. The outcome is there also with an error; the lock is held, and release gives it
// back, only without one.
func (u *Updater) start(ctx context.Context, read func(*fsys.Tree) (*installed, error)) (in *installed, out *Outcome, release func(), err error) {
	release, rec, err := u.begin(ctx)
	out = &Outcome{Recovery: rec, Warnings: []string{}, Found: []backup.Found{}}
	if err != nil {
		return nil, out, nil, err
	}
	u.reserveMemory()
	if in, err = read(u.tree); err != nil {
		release()
		return nil, out, nil, err
	}
	end := release
	return in, out, func() { u.summarize(out); end() }, nil
}

// Update goes to the newest level of the channel, or to the one asked for. Until its
// commit point it has changed nothing but its own state; after it, it finishes or
// rolls back. Told to prepare, it ends before that, with everything staged. The outcome is
// there whenever a plan was made, also with an error.
//
// Errors: *[ConflictError] (the workspace is written), *[PreflightError],
// *[WorkspaceError] for another level, *[PlanDriftError] and *[PlanExpiredError] with a plan that was approved,
// *[RunningError], *[backup.DriftError], *[RolledBackError], *[RollbackError],
// *[OpenError], *[fsys.LockedError], and those of metadata, settings and context.
func (u *Updater) Update(ctx context.Context) (*Outcome, error) {
	in, out, release, err := u.start(ctx, readDeclared)
	if err != nil {
		return out, err
	}
	defer release()
	if err := u.openWorkspace(&in.record, false); err != nil {
		return out, err
	}
	if err := u.elsewhere(u.opt.HasLevel); err != nil {
		return out, err
	}
	return out, u.update(ctx, in, out)
}

// update is Update under the lock, with the workspace read.
func (u *Updater) update(ctx context.Context, in *installed, out *Outcome) (err error) {
	if out.Plan, err = u.planFrom(ctx, in); err != nil {
		return err
	}
	if err := saveTrust(u.tree, u.client.State()); err != nil {
		return err
	}
	plan := out.Plan
	if plan.Action == "none" {
		return u.nothingLeft(out)
	}
	if len(plan.Conflicts) > 0 {
		if err := u.writeWorkspace(plan); err != nil {
			return err
		}
		return &ConflictError{plan.Conflicts}
	}
	if len(plan.Findings) > 0 {
		return &PreflightError{plan.Findings}
	}
	if err := u.confirm(plan); err != nil {
		return err
	}
	if u.opt.Prepare {
		return u.prepare(ctx, in, plan, out)
	}
	err = u.execute(ctx, in, plan, out)
	if isLive(err) {
		u.settle(plan, out)
	}
	return err
}

// confirm asks whether to go on, if there is somebody to ask.
func (u *Updater) confirm(plan *Plan) error {
	if u.opt.Confirm == nil {
		return nil
	}
	ok, err := u.opt.Confirm(plan)
	if err == nil && !ok {
		err = ErrDeclined
	}
	return err
}

// longBytes is from when on staging takes so long that who runs the product is looked
// for before it, and not only at its end: on a machine with many processes the look
// takes longer than a small update.
const longBytes = 64 << 20

// execute applies a plan without conflicts or findings.
func (u *Updater) execute(ctx context.Context, in *installed, plan *Plan, out *Outcome) error {
	now := u.opt.Now()
	id, err := backup.NewID(u.tree, now, plan.To.Level)
	if err != nil {
		return err
	}
	if !u.stops() {
		if u.opt.FullBackup != "" || plan.Space.NeededBytes >= longBytes {
			if err := u.notRunning(); err != nil { // early: before the long part
				return err
			}
		}
		if err := u.fullBackup(ctx, out); err != nil {
			return err
		}
	}
	var s *stager
	err = u.during(PhaseStage, func() (err error) {
		s, err = u.stagePlan(ctx, in, plan, id)
		return err
	})
	if err != nil {
		return err
	}
	head := backup.Head{
		ID: id, Action: plan.Action, Created: now.UTC().Truncate(time.Second), By: actor(), Product: plan.Product,
		From: plan.From.level(), To: plan.To.level(), Previous: in.Snapshot, Engine: u.opt.Engine, Bytes: s.bytes, Data: s.hasData, OneWay: plan.door(),
	}
	tx := &transaction{u: u, in: in, stage: s.stage, head: head, entries: s.entries, plan: plan, out: out}
	if u.stops() && (u.opt.FullBackup != "" || u.copiesData()) {
		tx.still = func() error {
			if err := u.fullBackup(ctx, out); err != nil {
				return err
			}
			err := s.data()
			tx.entries, tx.head.Data = s.entries, s.hasData
			return err
		}
	}
	err = tx.run(ctx, func() error {
		if err := u.notRunning(); err != nil {
			return err
		}
		return u.unchanged(plan)
	})
	out.Warnings = append(out.Warnings, s.warn...)
	if isLive(err) && s.prep != nil {
		if err := backup.NoLonger(u.tree, id, tx.head.Roots, s.entries); err != nil {
			out.Warnings = append(out.Warnings, "cleaning up: "+err.Error())
		}
	}
	return err
}

// unchanged looks once more at each path that is about to change.
func (u *Updater) unchanged(plan *Plan) error {
	for _, r := range u.rootsOf(plan) {
		if err := u.tree.StillFollowed(string(r.Path)); err != nil {
			return err
		}
	}
	for i := range plan.Steps {
		s := &plan.Steps[i]
		if !s.Action.Changes() {
			continue
		}
		info, err := u.tree.Lstat(string(s.Path))
		if err != nil && (s.before.Exists || !fsys.IsBlocked(err)) {
			return err
		}
		if info.Exists != s.before.Exists || info.Exists && !info.IsDir() && !info.Unchanged(s.before) {
			return &backup.DriftError{Path: s.Path}
		}
	}
	return nil
}

// settle does what is left once the update is live and the journal closed: nothing
// here can fail the run.
func (u *Updater) settle(plan *Plan, out *Outcome) {
	u.event(PhaseFinish, "begin", "", 0, 0)
	warn := func(err error) {
		if err != nil {
			out.Warnings = append(out.Warnings, "cleaning up: "+err.Error())
		}
	}
	u.learn(plan)
	warn(u.finishWorkspace(plan))
	warn(u.standingAbsent(plan))
	u.secondCopies(out)
	u.prune(out)
	if plan.target != nil {
		warn(mergePacks(u.tree, plan.target.inventory, plan.To.Level, plan.To.Manifest, maxPacks))
	}
	u.event(PhaseFinish, "end", "", 0, 0)
}

// prune removes the snapshots that the settings keep no longer.
func (u *Updater) prune(out *Outcome) {
	removed, err := backup.Prune(u.tree, u.limits(), u.opt.Now(), out.Snapshot)
	if err != nil {
		out.Warnings = append(out.Warnings, "cleaning up: "+err.Error())
	}
	if len(removed) > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("removed %s older than the settings keep: %s", plural(len(removed), "snapshot"), joined(removed)))
	}
}

// maxPacks is how many packs of pristine contents may lie beside each other.
const maxPacks = 16

// learn writes the stat cache of the new level: the digests of what was just made
// live are known without reading it.
func (u *Updater) learn(plan *Plan) {
	if plan.target == nil {
		return
	}
	learnt := make(map[manifest.Path]known, len(plan.Steps))
	_ = u.tree.Holding(func() error {
		for i := range plan.Steps {
			s := &plan.Steps[i]
			if !s.Action.Changes() || s.Result.Kind != manifest.File {
				continue
			}
			info, err := u.tree.Lstat(string(s.Path))
			if err == nil && info.IsFile() && info.Size == s.Result.Size {
				learnt[s.Path] = known{info, s.Result.Digest}
			}
		}
		return nil
	})
	in := plan.baseInventory
	before := openStatCache(u.tree, in.Digest)
	defer before.close()
	writeStatCache(u.tree, plan.target.inventory, learnt, before, in)
}

// standingAbsent writes an absent line for each deleted file whose conflict was
// decided for the operator's side, so that it is not asked again.
func (u *Updater) standingAbsent(plan *Plan) error {
	var add []string
	for i := range plan.Steps {
		s := &plan.Steps[i]
		if s.Action == Deleted && s.decided {
			add = append(add, string(s.Path))
		}
	}
	if len(add) == 0 {
		return nil
	}
	data, err := u.tree.ReadState(settingsPath, settings.MaxBytes)
	if err != nil {
		return err
	}
	if data, err = settings.AppendList(data, "absent", add...); err != nil {
		return err
	}
	return u.tree.WriteState(settingsPath, data, 0o600)
}

// restoreScriptOf is the restore.sh of an open transaction, of the newest snapshot where j
// is nil, for a hint; "" if none can be named.
func restoreScriptOf(t *fsys.Tree, j *journal.Record) string {
	dirs := []string{backup.StageDir}
	if j != nil && backup.ValidID(j.ID) {
		dirs = append([]string{path.Join(backup.SnapshotsDir, j.ID)}, dirs...)
	} else if ids, err := backup.List(t); err == nil && len(ids) > 0 {
		dirs = append(dirs, path.Join(backup.SnapshotsDir, ids[len(ids)-1]))
	}
	for _, d := range dirs {
		if info, err := t.Lstat(path.Join(d, "restore.sh")); err == nil && info.IsFile() {
			return filepath.Join(t.Path(), filepath.FromSlash(d), "restore.sh")
		}
	}
	return ""
}
