package updater

import (
	"fmt"
	"io"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/proof"
	"inplace/updater/settings"
)

// keepEdits merges what was edited since a change into what a revert puts back: base is
// what the change left, ours the disk, theirs what the snapshot keeps. It settles e.New;
// stay says that the path stays as it is, or that it is a conflict. merged is the new
// content of a file that was merged.
func (b *backer) keepEdits(g *goal, now *live, e *backup.Entry, step *Step) (merged []byte, stay bool, err error) {
	left, want := g.New, e.New
	if top := b.stayed(g.Path); top != "" && want.Kind != backup.Absent {
		step.Action, step.Reason = Deleted, top.String()+" stays as you made it since, and nothing is below it"
		return nil, true, nil
	}
	if g.ModeOnly() {
		if now.kind() == kindOf(left.Kind) && fsys.HasModes && now.info.Perm() != left.Mode && now.info.Perm() != want.Mode {
			return nil, b.decided(step, "you changed its mode since, and going back changes it too"), nil
		}
		return nil, false, nil
	}
	if left.Kind == backup.Dir && now.info.IsDir() {
		if movable(want) {
			stay, err = b.ownBelow(g, step)
		}
		return nil, stay, err
	}
	if (left.Kind == backup.Dir || want.Kind == backup.Dir) && !now.info.Exists {
		return nil, false, nil
	}
	mode, ok := modeBack(left, now, want)
	switch {
	case !now.differs(left): // not edited
		if !ok {
			return nil, b.decided(step, "you changed its mode since, and going back changes it too"), nil
		}
		e.New.Mode = mode
		return nil, false, nil
	case !now.differs(want):
		return nil, false, nil
	case left.Kind == want.Kind && left.Digest == want.Digest && left.Target == want.Target:
		if !ok {
			return nil, b.decided(step, "you changed its mode since, and going back changes it too"), nil
		}
		e.New = e.Old
		e.New.Mode = mode
		step.Action, step.Reason = Keep, "you edited it since; what goes back is at most its mode"
		return nil, !fsys.HasModes || mode == now.info.Perm(), nil
	case !now.info.Exists:
		if above, err := b.u.tree.Lstat(string(g.Path.Parent())); !above.IsDir() {
			step.Action, step.Reason = Deleted, "you deleted its directory since"
			return nil, true, err
		}
		return nil, b.decided(step, "you deleted it since, and going back changes it"), nil
	case left.Kind == backup.File && want.Kind == backup.File && now.info.IsFile():
		if !ok {
			return nil, b.decided(step, "you changed its mode since, and going back changes it too"), nil
		}
		e.New.Mode = mode
		return b.mergeBack(g, now, e, step)
	case want.Kind == backup.Absent:
		return nil, b.decided(step, "you edited it since, and going back removes it"), nil
	case left.Kind == backup.Dir:
		return nil, b.decided(step, "you put something else in the place of this directory since, and going back changes it too"), nil
	case left.Kind == backup.Absent:
		return nil, b.decided(step, "there is one of your own where going back puts its own"), nil
	}
	return nil, b.decided(step, "you changed it since, and going back makes it another kind"), nil
}

// ownBelow decides about a directory that going back makes something else, where what is
// not the update's lies in it, or what was edited since.
func (b *backer) ownBelow(g *goal, step *Step) (stay bool, err error) {
	at := make(map[manifest.Path]*goal, len(b.goals))
	for _, o := range b.goals {
		at[o.Path] = o
	}
	var own []manifest.Path
	todo := []manifest.Path{g.Path}
	for len(todo) > 0 {
		dir := todo[0]
		todo = todo[1:]
		names, err := b.u.tree.Names(string(dir))
		if err != nil {
			return false, err
		}
		for _, name := range names {
			p := dir.Join(name)
			o := at[p]
			switch {
			case o == nil || o.Old.Kind != backup.Absent && o.Old.Kind != backup.Whole:
				own = append(own, p)
			case o.New.Kind == backup.Whole || o.Old.Kind == backup.Whole: // the product makes it anew
			case o.now.info.IsDir():
				todo = append(todo, p)
			case o.now.differs(o.New):
				own = append(own, p)
			}
		}
	}
	if len(own) == 0 {
		return false, nil
	}
	shown := own[0].String()
	if len(own) > 1 {
		shown = fmt.Sprintf("%s and %d more", shown, len(own)-1)
	}
	return b.decided(step, "going back makes this directory something else, and yours lies in it: "+shown), nil
}

// stayed is the path above p that going back does not make a directory, since what stands
// there is the operator's; "": there is none.
func (b *backer) stayed(p manifest.Path) manifest.Path {
	for p = p.Parent(); p != "" && len(b.stays) > 0; p = p.Parent() {
		if b.stays[p] {
			return p
		}
	}
	return ""
}

// modeBack merges modes by the same rule; ok is false where both sides changed it.
func modeBack(left backup.State, now *live, want backup.State) (mode uint32, ok bool) {
	if !fsys.HasModes || left.Kind != backup.File || want.Kind != backup.File || !now.info.IsFile() {
		return want.Mode, true
	}
	mine := now.info.Perm()
	switch mine {
	case left.Mode, want.Mode:
		return want.Mode, true
	}
	return mine, left.Mode == want.Mode
}

// decided makes the path a conflict unless the run has decided for one side; stay tells
// that it does not change.
func (b *backer) decided(step *Step, reason string) (stay bool) {
	switch settings.OnConflict(b.u.opt.OnConflict) {
	case settings.Theirs:
		step.Reason = "conflict (" + reason + ") decided for the snapshot's; yours goes into the new snapshot"
		return false
	case settings.Ours:
		step.Action, step.Reason = Keep, "conflict ("+reason+") decided for yours"
		if step.Ours.Kind == manifest.Absent {
			step.Action = Deleted
		}
		return true
	}
	b.conflict(step, reason, nil)
	return true
}

// conflict adds a conflict to the plan.
func (b *backer) conflict(step *Step, reason string, hunks []merge.Conflict) {
	step.Action, step.Reason = Conflict, reason
	b.plan.Conflicts = append(b.plan.Conflicts, ConflictOf{Path: step.Path, Reason: reason, Hunks: hunks})
}

// mergeBack merges the contents of a file.
func (b *backer) mergeBack(g *goal, now *live, e *backup.Entry, step *Step) (merged []byte, stay bool, err error) {
	if max(g.New.Size, now.info.Size, e.New.Size) > maxMerge {
		return nil, b.decided(step, fmt.Sprintf("you edited it since, and files over %d MiB are not merged", maxMerge>>20)), nil
	}
	ours, err := b.read(string(g.Path), now.digest)
	if err != nil {
		return nil, false, err
	}
	if !manifest.IsText(ours) {
		return nil, b.decided(step, "you changed this binary file since"), nil
	}
	base, err := b.content(g.New.Digest)
	if err != nil {
		return nil, false, err
	}
	if base == nil {
		return nil, b.decided(step, "you edited it since, and what the update had put there is not kept, so that the edits cannot be told apart"), nil
	}
	var theirs []byte
	if g.instead != nil && g.instead.content != nil {
		theirs = g.instead.content
	} else if theirs, err = b.content(e.New.Digest); err != nil {
		return nil, false, err
	}
	if theirs == nil || !manifest.IsText(base) || !manifest.IsText(theirs) {
		return nil, b.decided(step, "you changed this binary file since"), nil
	}
	format := b.rules.Format(g.Path)
	if format == "" {
		format = formats.Detect(string(g.Path), theirs)
	}
	res := formats.Merge(format, base, ours, theirs, merge.Options{Path: string(g.Path),
		Labels: merge.Labels{Ours: "ours (as it is now)", Base: fmt.Sprintf("base (level %d)", b.plan.From.Level), Theirs: fmt.Sprintf("theirs (level %d)", b.plan.To.Level)}})
	content := res.Merged
	if !res.Clean() {
		side := settings.OnConflict(b.u.opt.OnConflict)
		picked := res.Settle(func(k merge.Block) ([]byte, bool) { return blockSide(k, side) })
		if content = picked.Merged; !picked.Clean() || proof.Parses(format, ours) == nil && proof.Parses(format, content) != nil {
			b.conflict(step, hunkReason(res.Conflicts), res.Conflicts)
			return nil, true, nil
		}
	}
	d := manifest.DigestOf(content)
	step.Notes = res.Notes
	switch d {
	case now.digest:
		step.Action, step.Reason = Keep, "you edited it since; what the snapshot has is there already"
		return nil, true, nil
	case e.New.Digest:
		step.Reason = "as it was; your edits since are in it already"
		return nil, false, nil
	}
	e.New.Size, e.New.Digest, e.New.MTime = int64(len(content)), d, 0
	step.Reason = "as it was, with your edits since"
	step.content, step.ours, step.merged = content, ours, true
	return content, false, nil
}

// content is the bytes with digest d, from what was shipped, merged or kept by any snapshot; nil
// where they are not kept.
func (b *backer) content(d manifest.Digest) ([]byte, error) {
	if data, err := b.base.get(d); err == nil {
		return data, nil
	}
	for _, k := range b.way.all {
		if data, err := b.read(k.Left(d), d); err == nil {
			return data, nil
		}
		if err := b.u.fill(k); err != nil {
			return nil, err
		}
		for _, e := range k.Entries {
			if e.Slot == backup.NoSlot || e.Old.Kind != backup.File || e.Old.Digest != d {
				continue
			}
			dir := k.SlotsOf(e)
			if e.Class == backup.Config {
				dir = k.CopiesDir()
			}
			if data, err := b.read(fmt.Sprintf("%s/%d", dir, e.Slot), d); err == nil {
				return data, nil
			}
		}
	}
	return nil, nil
}

// read reads a file of at most maxMerge bytes that must have digest d.
func (b *backer) read(path string, d manifest.Digest) ([]byte, error) {
	f, err := b.u.tree.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxMerge+1))
	if err == nil && manifest.DigestOf(data) != d {
		err = &backup.DriftError{Path: manifest.Path(path)}
	}
	return data, err
}
