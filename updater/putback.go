package updater

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// put is a slot of a revert that copies, and what goes into it.
type put struct {
	backup.Entry
	goal    *goal
	content []byte // a merge made it, or it stands in for something damaged; nil: the goal says
	copied  bool   // the live file has other names: its old bytes are copied apart
}

// putAll plans every goal as a copy of what the snapshots on the way keep: they stay
// whole, and the new snapshot takes what is live now.
func (b *backer) putAll() error {
	if f := b.tangled(); f != nil {
		b.plan.Findings = append(b.plan.Findings, *f)
		return nil
	}
	goals := b.goals
	if b.u.opt.KeepEdits { // what stays is known before what would lie below it
		goals = slices.Clone(goals)
		slices.SortFunc(goals, func(a, b *goal) int { return strings.Compare(string(a.Path), string(b.Path)) })
	}
	for _, g := range goals {
		if err := cancelled(b.ctx); err != nil {
			return err
		}
		one := b.putOne
		if g.Old.Kind == backup.Whole || g.New.Kind == backup.Whole {
			if b.stayed(g.Path) != "" {
				continue
			}
			one = b.putWhole
		}
		if err := one(g); err != nil {
			return err
		}
	}
	return b.parents()
}

// tangled finds what was moved whole on one change and consists of the vendor's paths on
// another: such changes are undone one at a time.
func (b *backer) tangled() *Finding {
	whole := map[manifest.Path]bool{}
	for _, g := range b.goals {
		if g.Old.Kind == backup.Whole || g.New.Kind == backup.Whole {
			whole[g.Path] = true
		}
	}
	for _, g := range b.goals {
		bad := whole[g.Path] && g.Old.Kind != backup.Whole && g.Old.Kind != backup.Absent
		for p := g.Path.Parent(); p != "" && !bad; p = p.Parent() {
			bad = whole[p]
		}
		if bad {
			return &Finding{Path: g.Path.String(), Reason: "was made by the product at one level and shipped at another, and cannot be put back over both at once",
				Hint: "go back one update at a time, with --revert alone"}
		}
	}
	return nil
}

func (b *backer) slot() int {
	b.slots++
	return b.slots - 1
}

// putOne plans one path that is a file, link or directory on either side.
func (b *backer) putOne(g *goal) error {
	if !g.plain {
		return nil
	}
	p, now := b.plan, &g.now
	info := now.info
	want := g.Old
	if g.instead != nil {
		want = g.instead.State
	}
	switch {
	case now.kind() == manifest.Other:
		p.Findings = append(p.Findings, Finding{Path: g.Path.String(), Reason: "is neither a file nor a directory nor a link now", Hint: "move it away before going back"})
		return nil
	case info.IsDir() && want.Kind != backup.Dir && g.New.Kind != backup.Dir:
		p.Findings = append(p.Findings, Finding{Path: g.Path.String(), Reason: "is a directory now, and was a " + kindOf(g.New.Kind).String() + " after the update",
			Hint: "move it away before going back"})
		return nil
	}
	step := Step{Path: g.Path, Reason: b.reason(g, now), Ours: now.side(), Theirs: sideOfState(want), before: info,
		Config: b.rules.Class(g.Path) == manifest.Config}
	e := backup.Entry{Class: g.Class, Slot: backup.NoSlot, Path: g.Path, Old: stateOf(now.side(), info), New: want, Before: info}
	var merged []byte
	if b.u.opt.KeepEdits && g.Class == backup.Product && g.copied == 0 {
		step.Base = sideOfState(g.New)
		var stay bool
		var err error
		if merged, stay, err = b.keepEdits(g, now, &e, &step); err != nil {
			return err
		}
		if stay {
			if want.Kind == backup.Dir && !info.IsDir() {
				b.stays[g.Path] = true
			}
			step.Result = step.Ours
			p.Steps = append(p.Steps, step)
			return nil
		}
	}
	if os.Geteuid() > 0 && e.New.GID != now.info.GID && !mine(e.New.GID) {
		e.New.GID = os.Getegid()
	}
	done, moded := b.inPlace(g, now, &e)
	if done {
		return nil
	}
	step.Result = sideOfState(e.New)
	if !moded && (movable(e.Old) || movable(e.New)) {
		e.Slot = b.slot()
	}
	step.copied = info.IsFile() && info.Nlink > 1 && e.Slot != backup.NoSlot
	if movable(e.New) && e.Slot != backup.NoSlot || step.copied {
		if g.instead != nil && merged == nil {
			merged = g.instead.content
		}
		p.puts = append(p.puts, put{Entry: e, goal: g, content: merged, copied: step.copied})
	}
	p.entries = append(p.entries, e)
	if g.Class != backup.Product {
		return nil
	}
	if now.differs(g.New) && !step.merged && g.copied == 0 {
		p.edited(now, e)
	}
	step.Action = actionOf(e.ModeOnly(), e.New.Kind, info.Exists)
	if step.Action == Replace && step.merged {
		step.Action = Merge
	}
	p.Steps = append(p.Steps, step)
	return nil
}

// inPlace reports that the path is as it is to be (done), or that nothing but its mode has
// to change (moded).
func (b *backer) inPlace(g *goal, now *live, e *backup.Entry) (done, moded bool) {
	info := now.info
	if g.ModeOnly() {
		e.Old.Digest, e.Old.Size = e.New.Digest, e.New.Size
		return now.kind() != kindOf(e.New.Kind) || info.Perm() == e.New.Mode, true // gone, or put back by hand
	}
	if now.differs(e.New) {
		return false, false
	}
	switch e.New.Kind {
	case backup.Absent, backup.Link:
		return true, false
	case backup.File:
		if e.New.MTime != 0 && e.New.MTime != info.MTime { // the same bytes, put there since: the time comes back with the file
			return false, false
		}
	}
	return info.Perm() == e.New.Mode || !fsys.HasModes, e.New.Kind == backup.Dir || info.Nlink < 2
}

func movable(s backup.State) bool { return s.Kind == backup.File || s.Kind == backup.Link }

func (b *backer) reason(g *goal, now *live) string {
	text := "as it was before " + g.from.ID
	if len(b.way.steps) == 1 {
		text = "as it was before the update"
	}
	switch {
	case g.copied == backup.Data:
		return "data as the snapshot holds it; what is there now goes into the new snapshot"
	case g.copied != 0:
		return "configuration as the snapshot holds it; what is there now goes into the new snapshot"
	case g.instead != nil:
		text = g.instead.reason
	}
	if now.differs(g.New) && !g.ModeOnly() {
		text += "; you changed it since, that goes into the new snapshot"
	}
	return text
}

// sideOfState is s as a plan has it.
func sideOfState(s backup.State) Side {
	return Side{Kind: kindOf(s.Kind), Mode: s.Mode, Size: s.Size, Digest: s.Digest, Target: s.Target}
}

// putWhole plans what was moved as a whole: what is at its place goes out, and a copy of
// what the snapshot keeps comes in.
func (b *backer) putWhole(g *goal) error {
	info, err := b.u.tree.Lstat(string(g.Path))
	if err != nil && !fsys.IsBlocked(err) {
		return err
	}
	step := Step{Path: g.Path, Ours: Side{Kind: manifest.Absent}, before: info, Action: Clear, Reason: "made by the product since; goes into the new snapshot"}
	if info.Exists {
		step.Ours = Side{Kind: manifest.Other}
		b.plan.entries = append(b.plan.entries, backup.Entry{Class: g.Class, Slot: b.slot(), Path: g.Path,
			Old: backup.State{Kind: backup.Whole}, New: backup.State{Kind: backup.Absent}, Before: info})
	}
	if g.Old.Kind == backup.Whole && g.instead == nil {
		e := backup.Entry{Class: g.Class, Slot: b.slot(), Path: g.Path, Old: backup.State{Kind: backup.Absent}, New: backup.State{Kind: backup.Whole}}
		b.plan.entries = append(b.plan.entries, e)
		b.plan.puts = append(b.plan.puts, put{Entry: e, goal: g})
		step.Action, step.Reason, step.Result = Replace, "as it was before the update", Side{Kind: manifest.Other}
		if !info.Exists {
			step.Action = Add
		}
	} else if !info.Exists {
		return nil
	}
	b.plan.Steps = append(b.plan.Steps, step)
	return nil
}

// parents plans the directories that what is put back needs and that are not there. Where
// something else has the name of one, a finding says so.
func (b *backer) parents() error {
	made := map[manifest.Path]bool{}
	for _, e := range b.plan.entries {
		if e.New.Kind == backup.Dir {
			made[e.Path] = true
		}
	}
	owners := newDirs(b.u.tree, b.in.inventory)
	var then map[manifest.Path]backup.State
	for _, e := range slices.Clone(b.plan.entries) {
		if e.New.Kind == backup.Absent {
			continue
		}
		for dir := e.Path.Parent(); dir != "" && !made[dir]; dir = dir.Parent() {
			info, err := b.u.tree.Lstat(string(dir))
			if err != nil && !fsys.IsBlocked(err) || info.IsDir() {
				if err != nil {
					return err
				}
				break
			}
			made[dir] = true
			if info.Exists {
				b.plan.Findings = append(b.plan.Findings, Finding{Path: dir.String(), Reason: "is no directory now, and what is put back lies below it",
					Hint: "move it away before going back"})
				break
			}
			above, err := owners.owner(dir)
			if err != nil {
				return err
			}
			if then == nil {
				if then, err = b.dirsThen(); err != nil {
					return err
				}
			}
			state := backup.State{Kind: backup.Dir, Mode: 0o755, UID: above.UID, GID: above.GID}
			if was, ok := then[dir]; ok {
				state.Mode = was.Mode | 0o300 // what is put back has to get in
				if os.Geteuid() == 0 {
					state.UID, state.GID = was.UID, was.GID
				}
			} else if was := b.in.inventory.Find(dir); was != nil && was.Kind == manifest.Dir {
				state.Mode = was.Mode
			}
			b.plan.entries = append(b.plan.entries, backup.Entry{Class: backup.Product, Slot: backup.NoSlot, Path: dir, Old: backup.State{Kind: backup.Absent}, New: state})
			b.plan.Steps = append(b.plan.Steps, Step{Path: dir, Action: Add, Reason: "holds what is put back", Ours: Side{Kind: manifest.Absent},
				Theirs: sideOfState(state), Result: sideOfState(state)})
		}
	}
	return nil
}

// dirsThen is what is recorded of directories of the state gone to.
func (b *backer) dirsThen() (map[manifest.Path]backup.State, error) {
	then := map[manifest.Path]backup.State{}
	for _, k := range b.way.over() {
		if err := b.u.fill(k); err != nil {
			return nil, err
		}
		for _, e := range k.Entries {
			if e.Old.Kind == backup.Dir {
				then[e.Path] = e.Old
			}
		}
	}
	return then, nil
}

// putBack fills the slots of a revert that copies.
func (s *stager) putBack(ctx context.Context) error {
	for _, p := range s.plan.puts {
		s.total += p.New.Size
	}
	return inParallel(ctx, s.plan.puts, func(p put) error {
		err := s.putOne(ctx, p)
		if err != nil {
			return fmt.Errorf("stage %s: %w", p.Path, err)
		}
		s.u.event(PhaseStage, "progress", "", s.done.Add(p.New.Size), s.total)
		return nil
	})
}

func (s *stager) putOne(ctx context.Context, p put) error {
	var old *os.File
	if p.Old.Kind == backup.File && p.Before.IsFile() {
		f, err := s.u.tree.Open(string(p.Path))
		if errors.Is(err, fsys.ErrNotRegular) || fsys.IsAbsent(err) {
			return &backup.DriftError{Path: p.Path}
		}
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		old = f
	}
	if p.copied {
		meta, err := metaOf(p.Old, old)
		if err == nil {
			err = s.stage.PutOld(p.Entry, meta, old)
		}
		if err != nil {
			return err
		}
	}
	switch p.New.Kind {
	case backup.Link:
		return s.stage.PutLink(p.Entry)
	case backup.Whole:
		return s.putTree(p)
	case backup.File:
		return s.putFile(ctx, p, old)
	}
	return nil
}

func metaOf(st backup.State, attrsOf *os.File) (m backup.Meta, err error) {
	m = backup.Meta{Mode: st.Mode, UID: st.UID, GID: st.GID, MTime: st.MTime}
	if attrsOf != nil {
		m.Attrs, err = fsys.Xattrs(attrsOf)
	}
	return m, err
}

// putFile stages a file that is put back: its bytes are checked as they lie in the stage.
func (s *stager) putFile(ctx context.Context, p put, old *os.File) error {
	var kept *os.File
	from, attrs := "", old
	if p.content == nil && p.goal.instead == nil && p.goal.dir != "" {
		from = fmt.Sprintf("%s/%d", p.goal.dir, p.goal.kept)
		f, err := s.u.tree.Open(from)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		kept = f
		if p.goal.copied != backup.Config {
			attrs = f // a slot is the very file of then; a copy of configuration is its bytes only
		}
	}
	meta, err := metaOf(p.New, attrs)
	if err != nil {
		return err
	}
	refused, err := s.stage.Put(p.Entry, meta, func(f *os.File) error {
		switch {
		case p.content != nil:
			_, err := f.Write(p.content)
			return err
		case kept != nil:
			if err := fsys.CopyData(f, kept); err != nil {
				return err
			}
		case p.goal.instead != nil && p.goal.instead.blob:
			r, err := s.u.client.Blob(ctx, p.New.Digest, p.New.Size)
			if err != nil {
				return err
			}
			defer func() { _ = r.Close() }()
			_, err = io.Copy(f, r)
			return err
		default:
			pr := pristine{tree: s.u.tree}
			data, err := pr.get(p.New.Digest)
			if err != nil {
				return err
			}
			_, err = io.Copy(f, bytes.NewReader(data))
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		got, err := backup.DigestFile(f)
		if err == nil && got != p.New.Digest {
			err = &backup.DamagedError{ID: p.goal.from.ID, Paths: []string{p.Path.String() + ": changed while it was copied: want " + p.New.Digest.Short() + ", got " + got.Short()}}
		}
		return err
	})
	for _, name := range refused {
		s.warning(fmt.Sprintf("%s: %s cannot be kept without more rights", p.Path, name))
	}
	return err
}

func (s *stager) putTree(p put) error {
	d, err := s.u.tree.OpenDir(p.goal.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	skipped, err := s.stage.PutTree(p.Entry, d, p.goal.kept)
	for _, name := range skipped {
		s.warning(fmt.Sprintf("%s/%s: is neither a file nor a directory nor a link, and is left out", p.Path, name))
	}
	return err
}
