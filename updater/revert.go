package updater

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// DryRevert says what Revert would do and writes nothing.
func (u *Updater) DryRevert(ctx context.Context) (*Plan, error) {
	return u.dry(func(in *installed) (*Plan, error) { return u.planRevert(ctx, in) })
}

// Revert takes back the newest update that is not taken back yet, offline: every
// path which that update changed gets the bytes, mode, owner and time that it had.
// What is there now, later edits too, goes into a snapshot of its own. Other paths
// stay as they are. Errors: [ErrNothingToRevert], *[backup.DamagedError], and those
// of Update but for metadata.
func (u *Updater) Revert(ctx context.Context) (*Outcome, error) {
	release, rec, err := u.begin(ctx)
	out := &Outcome{Recovery: rec, Warnings: []string{}, Found: []backup.Found{}}
	if err != nil {
		return out, err
	}
	defer release()
	in, err := readInstalled(u.tree)
	if err != nil {
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
	if len(plan.Findings) > 0 {
		return out, &PreflightError{plan.Findings}
	}
	if err := u.notRunning(in); err != nil {
		return out, err
	}
	if err := u.confirm(plan); err != nil {
		return out, err
	}
	if err := u.fullBackup(ctx, out); err != nil {
		return out, err
	}
	now := u.opt.Now()
	id, err := backup.NewID(u.tree, now, plan.To.Level)
	if err != nil {
		return out, err
	}
	stage, err := backup.NewStage(u.tree, plan.snapshot.Roots...)
	if err != nil {
		return out, err
	}
	entries := plan.entries
	more, err := u.copyConfig(stage, in)
	if err != nil {
		return out, errors.Join(err, stage.Discard())
	}
	entries = append(entries, more...)
	head := backup.Head{
		ID: id, Action: "revert", Created: now.UTC().Truncate(time.Second), By: actor(), Product: plan.Product,
		From: plan.From.level(), To: plan.To.level(), Previous: in.Snapshot, Undoes: plan.snapshot.ID, Engine: u.opt.Engine,
	}
	for _, e := range entries {
		if e.Slot != backup.NoSlot && e.Class != backup.Config {
			head.Bytes += e.Old.Size
		}
	}
	tx := &transaction{u: u, in: in, stage: stage, head: head, entries: entries, takes: plan.snapshot.ID, plan: plan, out: out}
	err = tx.run(ctx, func() error {
		if err := u.notRunning(in); err != nil {
			return err
		}
		return u.unchanged(plan)
	})
	return out, err
}

// planRevert is the way back as a plan: the entries of the snapshot turned round, each
// starting from what is there now.
func (u *Updater) planRevert(ctx context.Context, in *installed) (*Plan, error) {
	if in.Snapshot == "" {
		return nil, ErrNothingToRevert
	}
	snap, err := backup.Load(u.tree, in.Snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: its snapshot %s is not kept any more", ErrNothingToRevert, in.Snapshot)
	}
	if err != nil {
		return nil, err
	}
	if f := u.awayFrom(snap); f != nil {
		return nil, &PreflightError{[]Finding{*f}}
	}
	if err := snap.Verify(u.tree); err != nil {
		return nil, err
	}
	p := &Plan{
		Schema: PlanSchema, Engine: u.opt.Engine, Created: u.opt.Now().UTC(), Product: in.Product, Action: "revert",
		Source: "snapshot " + snap.ID, From: in.release(), To: releaseOf(snap.From),
		Steps: []Step{}, Conflicts: []ConflictOf{}, Fixes: []manifest.Fix{}, Instructions: []Instruction{},
		Findings: []Finding{}, Warnings: []string{}, snapshot: snap,
	}
	touched := map[manifest.Path]int64{}
	for _, e := range snap.Entries {
		if err := cancelled(ctx); err != nil {
			return nil, err
		}
		switch e.Class {
		case backup.Product, backup.Record:
			if err := u.revertEntry(p, e); err != nil {
				return nil, err
			}
		case backup.Touched:
			touched[e.Path] = e.Old.MTime
		}
	}
	now, err := touchedDirs(u.tree, p.entries)
	if err != nil {
		return nil, err
	}
	for _, m := range now {
		m.New.MTime = touched[m.Path]
		p.entries = append(p.entries, m)
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return p, u.preflight(p)
}

// revertEntry plans the way back of one entry of a snapshot.
func (u *Updater) revertEntry(p *Plan, e backup.Entry) error {
	if e.Old.Kind == backup.Whole || e.New.Kind == backup.Whole {
		return u.revertWhole(p, e)
	}
	info, err := u.tree.Lstat(string(e.Path))
	var link *fsys.LinkError
	if errors.As(err, &link) && p.shipsLink(link.Path) {
		err = nil // the update made the directory a link: nothing is below it now
	}
	if errors.As(err, &link) {
		f := Finding{Path: link.Path, Reason: "is a symbolic link where the snapshot has a directory, and the settings do not name it under follow",
			Hint: followHint(append(slices.Clone(u.settings.Follow), manifest.Path(link.Path)))}
		if !slices.Contains(p.Findings, f) && !slices.ContainsFunc(u.astray, func(e *fsys.FollowError) bool { return e.Path == link.Path }) {
			p.Findings = append(p.Findings, f)
		}
		return nil
	}
	if err != nil {
		return err
	}
	now := live{info: info}
	if info.IsLink() {
		if now.target, err = u.tree.Readlink(string(e.Path)); err != nil {
			return err
		}
	}
	if info.IsFile() && e.Slot != backup.NoSlot {
		f, err := u.tree.Open(string(e.Path))
		if err != nil {
			return err
		}
		now.digest, err = backup.DigestFile(f)
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	back := backup.Entry{Class: e.Class, Slot: e.Slot, Path: e.Path, New: e.Old, Before: info}
	back.Old = stateOf(now.side(), info)
	if e.ModeOnly() {
		back.Old.Digest, back.Old.Size = e.New.Digest, e.New.Size
		if now.kind() != kindOf(e.New.Kind) || info.Perm() == e.Old.Mode {
			return nil // gone or put back by hand: nothing to change in place
		}
	}
	reason := "as it was before the update"
	edited := now.kind() != kindOf(e.New.Kind) || now.digest != e.New.Digest && e.Slot != backup.NoSlot || now.target != e.New.Target
	if e.New.Kind == backup.Dir {
		edited = false
	}
	if edited && e.Class == backup.Product {
		reason += "; you changed it since, that goes into the new snapshot"
	}
	if info.IsDir() && back.New.Kind != backup.Dir && e.New.Kind != backup.Dir {
		p.Findings = append(p.Findings, Finding{Path: e.Path.String(), Reason: "is a directory now, and was a " + kindOf(e.New.Kind).String() + " after the update",
			Hint: "move it away before going back"})
		return nil
	}
	if !info.Exists && back.New.Kind == backup.Absent {
		return nil
	}
	p.entries = append(p.entries, back)
	if e.Class != backup.Product {
		return nil
	}
	s := Step{Path: e.Path, Reason: reason, Ours: now.side(), before: info}
	s.Theirs = Side{Kind: kindOf(e.Old.Kind), Mode: e.Old.Mode, Size: e.Old.Size, Digest: e.Old.Digest, Target: e.Old.Target}
	s.Result = s.Theirs
	switch {
	case e.ModeOnly():
		s.Action = Mode
	case back.New.Kind == backup.Absent:
		s.Action = Remove
	case !info.Exists:
		s.Action = Add
	default:
		s.Action = Replace
	}
	p.Steps = append(p.Steps, s)
	return nil
}

// revertWhole plans the way back of what was moved as a whole. What the product has
// made at the same place since goes into a slot of its own first.
func (u *Updater) revertWhole(p *Plan, e backup.Entry) error {
	info, err := u.tree.Lstat(string(e.Path))
	if err != nil && !fsys.IsBlocked(err) {
		return err
	}
	out := backup.Entry{Class: e.Class, Slot: e.Slot, Path: e.Path, Old: backup.State{Kind: backup.Whole}, New: backup.State{Kind: backup.Absent}, Before: info}
	step := Step{Path: e.Path, Ours: Side{Kind: manifest.Absent}, before: info, Action: Clear, Reason: "made by the product since; goes into the new snapshot"}
	if info.Exists {
		step.Ours = Side{Kind: manifest.Other}
	}
	if e.New.Kind == backup.Whole { // the change put it here: out it goes again
		if info.Exists {
			p.entries, p.Steps = append(p.entries, out), append(p.Steps, step)
		}
		return nil
	}
	paired := slices.ContainsFunc(p.snapshot.Entries, func(o backup.Entry) bool { return o.Path == e.Path && o.New.Kind == backup.Whole })
	if info.Exists && !paired {
		out.Slot = p.freeSlot()
		p.entries = append(p.entries, out)
	}
	p.entries = append(p.entries, backup.Entry{Class: e.Class, Slot: e.Slot, Path: e.Path, Old: backup.State{Kind: backup.Absent}, New: backup.State{Kind: backup.Whole}})
	step.Action, step.Reason, step.Result = Replace, "as it was before the update", Side{Kind: manifest.Other}
	if !info.Exists {
		step.Action = Add
	}
	p.Steps = append(p.Steps, step)
	return nil
}

// freeSlot is a number that no entry of the snapshot or of the plan uses.
func (p *Plan) freeSlot() int {
	n := 0
	for _, list := range [][]backup.Entry{p.snapshot.Entries, p.entries} {
		for _, e := range list {
			if e.Class == backup.Product || e.Class == backup.Record {
				n = max(n, e.Slot+1)
			}
		}
	}
	return n
}

// shipsLink reports whether the update that a revert takes back made path a link.
func (p *Plan) shipsLink(path string) bool {
	return slices.ContainsFunc(p.snapshot.Entries, func(e backup.Entry) bool {
		return string(e.Path) == path && e.New.Kind == backup.Link
	})
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
