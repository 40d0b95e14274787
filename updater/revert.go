package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// DryRevert says what Revert would do and writes nothing.
func (u *Updater) DryRevert(ctx context.Context) (*Plan, error) {
	return u.dry(u.readBack, func(in *installed) (*Plan, error) { return u.planRevert(ctx, in) })
}

// Revert takes back the newest update that is not taken back yet, offline: every
// path which that update changed gets the bytes, mode, owner and time that it had.
// Options.RevertTo goes to what any snapshot holds, back or forward over several runs, in
// one transaction. What is there now, later edits too, goes into a snapshot of its own.
// Other paths stay as they are. Errors: [ErrNothingToRevert], [ErrNoWay],
// *[UnknownSnapshotError], *[backup.DamagedError], *[ConflictError] where edits are to be
// kept, and those of Update but for metadata.
func (u *Updater) Revert(ctx context.Context) (*Outcome, error) {
	in, out, release, err := u.start(ctx, u.readBack)
	if err != nil {
		return out, err
	}
	defer release()
	if err := u.openWorkspace(&in.record, false); err != nil {
		return out, err
	}
	if err := u.elsewhere(true); err != nil {
		return out, err
	}
	err = u.during(PhasePlan, func() (err error) {
		out.Plan, err = u.planRevert(ctx, in)
		return err
	})
	if err != nil {
		return out, err
	}
	plan := out.Plan
	if len(plan.Conflicts) > 0 {
		return out, &ConflictError{plan.Conflicts}
	}
	if len(plan.Findings) > 0 {
		return out, &PreflightError{plan.Findings}
	}
	if len(plan.entries) == 0 {
		return out, nil
	}
	if !u.stops() && (u.opt.Confirm != nil || u.opt.FullBackup != "" || !plan.way.takes) { // early: before what takes long
		if err := u.notRunning(); err != nil {
			return out, err
		}
	}
	if err := u.confirm(plan); err != nil {
		return out, err
	}
	if !u.stops() {
		if err := u.fullBackup(ctx, out); err != nil {
			return out, err
		}
	}
	err = u.executeRevert(ctx, in, out)
	if isLive(err) {
		u.secondCopies(out)
	}
	return out, err
}

// executeRevert applies the plan of a revert.
func (u *Updater) executeRevert(ctx context.Context, in *installed, out *Outcome) error {
	plan, now := out.Plan, u.opt.Now()
	id, err := backup.NewID(u.tree, now, plan.To.Level)
	if err != nil {
		return err
	}
	s := &stager{u: u, plan: plan, in: in}
	if s.stage, err = backup.NewStage(u.tree, u.rootsOf(plan)...); err != nil {
		return u.whereFull(err)
	}
	head := backup.Head{
		ID: id, Action: "revert", Created: now.UTC().Truncate(time.Second), By: actor(), Product: plan.Product,
		From: plan.From.level(), To: plan.To.level(), Previous: in.Snapshot, Engine: u.opt.Engine, OneWay: plan.door(),
	}
	tx := &transaction{u: u, in: in, stage: s.stage, plan: plan, out: out}
	if plan.way.takes {
		head.Undoes = plan.way.holds.ID
		tx.takes = head.Undoes
	} else {
		err = u.during(PhaseStage, func() error { return s.putBack(ctx) })
	}
	s.entries = plan.entries
	if err == nil {
		err = s.config(ctx)
	}
	if err != nil {
		return errors.Join(err, s.stage.Discard())
	}
	for _, e := range s.entries {
		if e.Slot != backup.NoSlot && e.Class != backup.Config {
			head.Bytes += e.Old.Size
		}
	}
	tx.head, tx.entries = head, s.entries
	plan.editsIn(&backup.Snapshot{Head: head, Dir: path.Join(backup.SnapshotsDir, id)}, s.stage.Roots())
	if u.stops() && u.opt.FullBackup != "" {
		tx.still = func() error { return u.fullBackup(ctx, out) }
	}
	err = tx.run(ctx, func() error {
		if err := u.notRunning(); err != nil {
			return err
		}
		return u.unchanged(plan)
	})
	out.Warnings = append(out.Warnings, s.warn...)
	return err
}

// planRevert is the way back as a plan: for each path what the snapshots on the way keep
// of it, starting from what is there now.
func (u *Updater) planRevert(ctx context.Context, in *installed) (*Plan, error) {
	inventory := beside(func() error { return in.readInventory(u.tree) })
	defer func() { _ = inventory() }()
	way, err := u.findWay(in)
	if err != nil {
		return nil, u.offerLost(err, cmp.Or(u.opt.RevertTo, in.Snapshot))
	}
	for _, k := range way.over() {
		if away := u.awayFrom(k.Snapshot); away != nil {
			return nil, u.offerSecond(away)
		}
	}
	p := &Plan{
		Schema: PlanSchema, Engine: u.opt.Engine, Created: u.opt.Now().UTC(), Product: in.Product, Action: "revert",
		Source: "snapshot " + way.name, From: in.release(), To: way.dest,
		Steps: []Step{}, Conflicts: []ConflictOf{}, Fixes: []manifest.Fix{}, Instructions: []Instruction{},
		Findings: []Finding{}, Warnings: []string{}, way: way,
	}
	for _, k := range way.steps {
		p.Way = append(p.Way, k.ID)
	}
	way.doors(p)
	b := &backer{u: u, ctx: ctx, in: in, plan: p, way: way, stays: map[manifest.Path]bool{}}
	err = u.tree.Holding(func() error {
		if err := b.run(inventory); err != nil {
			return err
		}
		slices.SortStableFunc(p.Steps, func(a, b Step) int { return strings.Compare(string(a.Path), string(b.Path)) })
		return u.preflight(p)
	})
	if b.sound != nil {
		if damaged := b.sound(); damaged != nil {
			err = damaged
		}
	}
	if err != nil {
		return nil, u.offerSecond(err)
	}
	return p, nil
}

// backer plans a revert.
type backer struct {
	u     *Updater
	ctx   context.Context
	in    *installed
	plan  *Plan
	way   *wayBack
	goals []*goal
	slots int                    // numbers given away in the new snapshot
	stays map[manifest.Path]bool // that would become directories again, and do not
	base  pristine
	rules *manifest.Matcher
	sound func() error // waits for checkContent, where that goes on beside the rest; else nil
}

// run plans everything but what stands in the way. inventory waits for that of what is installed.
func (b *backer) run(inventory func() error) (err error) {
	b.base.tree = b.u.tree
	if b.rules, err = b.in.manifest.Rules.Compile(); err != nil {
		return err
	}
	var touched map[manifest.Path]int64
	b.goals, touched = b.way.goals()
	b.way.takes = len(b.way.steps) == 1 && b.way.steps[0].ID == b.in.Snapshot && !b.way.steps[0].turned &&
		!b.u.opt.Exact && !b.u.opt.WithData && !b.u.opt.KeepEdits
	if b.way.takes && !b.u.opt.FromRelease { // nothing but a refusal can come of it
		b.sound = beside(func() error {
			_, err := b.checkContent()
			return err
		})
	}
	if err := b.look(); err != nil {
		return err
	}
	if err := inventory(); err != nil {
		return err
	}
	if len(b.way.steps) == 0 {
		if err := b.unlike(); err != nil {
			return err
		}
	}
	if b.sound == nil {
		if err := b.gather(); err != nil {
			return err
		}
	}
	if err := b.digests(); err != nil {
		return err
	}
	for _, ok := range []func() (bool, error){b.housed, b.spares} {
		if b.way.takes && err == nil {
			b.way.takes, err = ok()
		}
	}
	if err != nil {
		return err
	}
	if held := b.way.holds; held != nil && held.hasData() && !b.u.opt.WithData {
		b.plan.Warnings = append(b.plan.Warnings, fmt.Sprintf("the data stays as it is; snapshot %s keeps its copy, which --revert --to %s --with-data puts back", held.ID, held.ID))
	}
	put := b.putAll
	if b.way.takes {
		put = b.turnRound
	} else if b.sound != nil { // which reads what the snapshots have been found to hold so far
		if err := b.sound(); err != nil {
			return err
		}
	}
	if err := put(); err != nil {
		return err
	}
	if err := b.tie(); err != nil {
		return err
	}
	now, err := touchedDirs(b.u.tree, b.plan.entries)
	for _, m := range now {
		m.New.MTime = touched[m.Path]
		b.plan.entries = append(b.plan.entries, m)
	}
	return err
}

// tie adds the record to a change that leaves it as it is, so that the snapshot tells from which
// state a way leads over it.
func (b *backer) tie() error {
	if len(b.plan.entries) == 0 || slices.ContainsFunc(b.plan.entries, func(e backup.Entry) bool { return e.Path == recordPath }) {
		return nil
	}
	info, err := b.u.tree.Lstat(recordPath)
	if err != nil {
		return err
	}
	e := backup.Entry{Class: backup.Record, Slot: backup.NoSlot, Path: recordPath, Old: backup.StateOf(info), Before: info}
	if e.Old.Digest, err = b.u.stateNow(); err != nil {
		return err
	}
	e.New = e.Old
	b.plan.entries = append(b.plan.entries, e)
	return nil
}

// gather adds the goals that the options ask for, and checks what is put back: where something
// has to stand in for what is damaged, slots cannot be taken over.
func (b *backer) gather() error {
	if b.u.opt.Exact {
		if err := b.addConfig(); err != nil {
			return err
		}
	}
	if b.u.opt.WithData {
		if err := b.addData(); err != nil {
			return err
		}
	}
	if err := b.look(); err != nil { // at what was added
		return err
	}
	mended, err := b.checkContent()
	b.way.takes = b.way.takes && !mended
	return err
}

// unlike leaves of the goals those that are not as they are to be, where the record is so already:
// what was edited since, or that a later run has taken out of the way. What was moved whole is the
// product's.
func (b *backer) unlike() error {
	err := b.digests()
	b.goals = slices.DeleteFunc(b.goals, func(g *goal) bool {
		e := g.Entry
		e.New, e.New.MTime = g.Old, 0
		done, _ := b.inPlace(g, &g.now, &e)
		return g.Old.Kind == backup.Whole || g.New.Kind == backup.Whole || g.plain && done
	})
	return err
}

// look looks at each path that the revert is to change and that it has not looked at yet.
func (b *backer) look() (err error) {
	for _, g := range b.goals {
		if err := cancelled(b.ctx); err != nil {
			return err
		}
		if g.looked || g.Old.Kind == backup.Whole || g.New.Kind == backup.Whole {
			continue
		}
		g.looked = true
		if g.now, g.plain, err = b.u.liveNow(b.plan, g.Path); err != nil {
			return err
		}
	}
	return nil
}

// digests takes the digest of each file that is there now and whose bytes tell something; the
// stat cache spares most of it.
func (b *backer) digests() error {
	cache := openStatCache(b.u.tree, b.in.Inventory)
	defer cache.close()
	var todo []*goal
	for _, g := range b.goals {
		if !g.now.info.IsFile() || g.ModeOnly() || !g.now.digest.IsZero() {
			continue
		}
		known := g.Path == inventoryPath // which was read just now
		if known {
			g.now.digest = b.in.Inventory
		} else {
			g.now.digest, known = cache.digest(b.in.inventory.Index(g.Path), g.now.info)
		}
		if !known {
			todo = append(todo, g)
		}
	}
	return inParallel(b.ctx, todo, func(g *goal) (err error) {
		g.now.digest, err = digestAt(b.u.tree, g.Path)
		return err
	})
}

// liveNow looks at a path that a revert is to change. ok is false where it cannot, which
// the plan then says.
func (u *Updater) liveNow(p *Plan, path manifest.Path) (now live, ok bool, err error) {
	now.info, err = u.tree.Lstat(string(path))
	var link *fsys.LinkError
	if errors.As(err, &link) && p.way.leftLink(link.Path) {
		err = nil // a change on the way made the directory a link: nothing is below it now
	}
	if errors.As(err, &link) {
		f := Finding{Path: link.Path, Reason: "is a symbolic link where the snapshot has a directory, and the settings do not name it under follow",
			Hint: followHint(append(slices.Clone(u.settings.Follow), manifest.Path(link.Path)))}
		if !slices.Contains(p.Findings, f) && u.astrayAt(manifest.Path(link.Path)) == nil {
			p.Findings = append(p.Findings, f)
		}
		return now, false, nil
	}
	if err != nil {
		return now, false, err
	}
	if now.info.IsLink() {
		now.target, err = u.tree.Readlink(string(path))
	}
	return now, err == nil, err
}

// actionOf is what a way back does to a path so that it becomes what to says.
func actionOf(modeOnly bool, to backup.Kind, exists bool) Action {
	switch {
	case modeOnly:
		return Mode
	case to == backup.Absent:
		return Remove
	case !exists:
		return Add
	}
	return Replace
}

// leftLink reports whether path is a link by the changes that a revert goes back over, or where
// there are none, by the snapshot gone to.
func (w *wayBack) leftLink(path string) bool {
	return slices.ContainsFunc(w.over(), func(k *kept) bool {
		return slices.ContainsFunc(k.Entries, func(e backup.Entry) bool {
			is := e.New
			if len(w.steps) == 0 {
				is = e.Old
			}
			return string(e.Path) == path && is.Kind == backup.Link
		})
	})
}

// differs reports whether what is live has other content than s; a directory has none.
func (l *live) differs(s backup.State) bool {
	if l.kind() != kindOf(s.Kind) || s.Kind == backup.Whole {
		return s.Kind != backup.Whole || !l.info.Exists
	}
	switch s.Kind {
	case backup.File:
		return l.digest != s.Digest
	case backup.Link:
		return l.target != s.Target
	}
	return false
}

func kindOf(k backup.Kind) manifest.Kind {
	switch k {
	case backup.File:
		return manifest.File
	case backup.Dir:
		return manifest.Dir
	case backup.Link:
		return manifest.Link
	case backup.Whole:
		return manifest.Other
	}
	return manifest.Absent
}
