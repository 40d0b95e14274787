package updater

import (
	"errors"
	"slices"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// spares reports whether nothing is lost with the snapshot whose slots are taken over: it has no
// copy of the data, and the configuration that it has copies of is as it was then, or put back.
func (b *backer) spares() (bool, error) {
	if b.way.holds.hasData() {
		return false, nil
	}
	put := make(map[manifest.Path]bool, len(b.goals))
	for _, g := range b.goals {
		put[g.Path] = true
	}
	look := &backer{u: b.u, ctx: b.ctx, in: b.in, plan: &Plan{way: b.way}}
	for _, e := range b.way.holds.Entries {
		if e.Class == backup.Config && e.Slot != backup.NoSlot && !put[e.Path] {
			look.goals = append(look.goals, &goal{Entry: e})
		}
	}
	err := errors.Join(look.look(), look.digests())
	return !slices.ContainsFunc(look.goals, func(g *goal) bool { return !g.plain || g.now.differs(g.Old) }), err
}

// housed reports whether each path that is put back has the directory it lies in, or gets
// it on the way; where not, it has to be made first, and slots are not taken over.
func (b *backer) housed() (bool, error) {
	there := map[manifest.Path]bool{"": true}
	for _, g := range b.goals {
		if g.Old.Kind == backup.Dir && !g.ModeOnly() {
			there[g.Path] = true
		}
	}
	for _, g := range b.goals {
		if g.now.info.Exists || g.Old.Kind == backup.Absent || g.ModeOnly() || g.looked && !g.plain {
			continue
		}
		dir := g.Path.Parent()
		if there[dir] {
			continue
		}
		info, err := b.u.tree.Lstat(string(dir))
		if err != nil && !fsys.IsBlocked(err) {
			return false, err
		}
		if !info.IsDir() {
			return false, nil
		}
		there[dir] = true
	}
	return true, nil
}

// turnRound plans the entries of the only snapshot on the way as they are, turned round:
// its very slots are exchanged with what is live.
func (b *backer) turnRound() error {
	at := make(map[manifest.Path]*goal, len(b.goals))
	for _, g := range b.goals {
		at[g.Path] = g
	}
	b.plan.Steps = slices.Grow(b.plan.Steps, len(b.goals))
	b.plan.entries = slices.Grow(b.plan.entries, 2*len(b.goals)) // with the directories that they lie in
	for _, e := range b.way.holds.Entries {
		if err := cancelled(b.ctx); err != nil {
			return err
		}
		if e.Class != backup.Product && e.Class != backup.Record {
			continue
		}
		if err := b.u.revertEntry(b.plan, e, at[e.Path]); err != nil {
			return err
		}
	}
	return nil
}

// revertEntry plans the way back of one entry of a snapshot whose slots are taken over; g is
// the goal at its path.
func (u *Updater) revertEntry(p *Plan, e backup.Entry, g *goal) error {
	if e.Old.Kind == backup.Whole || e.New.Kind == backup.Whole {
		return u.revertWhole(p, e)
	}
	if !g.plain {
		return nil
	}
	now := &g.now
	info := now.info
	back := backup.Entry{Class: e.Class, Slot: e.Slot, Path: e.Path, New: e.Old, Before: info}
	back.Old = stateOf(now.side(), info)
	if e.ModeOnly() {
		back.Old.Digest, back.Old.Size = e.New.Digest, e.New.Size
		if now.kind() != kindOf(e.New.Kind) || info.Perm() == e.Old.Mode {
			return nil // gone or put back by hand: nothing to change in place
		}
	}
	reason := "as it was before the update"
	if now.differs(e.New) && (e.Slot != backup.NoSlot || now.kind() != kindOf(e.New.Kind)) && e.Class == backup.Product {
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
	if now.differs(e.New) {
		p.edited(now, back)
	}
	s := Step{Path: e.Path, Reason: reason, Ours: now.side(), before: info}
	s.Theirs = Side{Kind: kindOf(e.Old.Kind), Mode: e.Old.Mode, Size: e.Old.Size, Digest: e.Old.Digest, Target: e.Old.Target}
	s.Result = s.Theirs
	s.Action = actionOf(e.ModeOnly(), back.New.Kind, info.Exists)
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
	paired := slices.ContainsFunc(p.way.holds.Entries, func(o backup.Entry) bool { return o.Path == e.Path && o.New.Kind == backup.Whole })
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
	for _, list := range [][]backup.Entry{p.way.holds.Entries, p.entries} {
		for _, e := range list {
			if e.Class == backup.Product || e.Class == backup.Record {
				n = max(n, e.Slot+1)
			}
		}
	}
	return n
}
