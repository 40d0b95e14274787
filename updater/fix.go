package updater

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
)

// ActionFix is the action of a plan that puts back what the installed release shipped.
const ActionFix = "fix"

// FixError says why a path that was named cannot be put back; nothing was changed.
type FixError struct {
	Path   manifest.Path
	Reason string
}

func (e *FixError) Error() string { return e.Path.String() + ": " + e.Reason }

// DryFix says what Fix would do and writes nothing.
func (u *Updater) DryFix(ctx context.Context, opt VerifyOptions) (*Plan, error) {
	return u.dry(readInstalled, func(in *installed) (*Plan, error) { return u.planFix(ctx, in, opt) })
}

// Fix puts the shipped bytes, mode and kind of the named paths, and of all below
// them, back: a transaction like an update's, with a snapshot that Revert takes back.
// Contents come from what is kept here, else from the source; either way by their
// digest in the record of what is installed, so that no metadata has to be fresh.
// What was not shipped stays. A plan whose action is none had nothing to do. Errors:
// *[FixError], and those of [Updater.Verify] and [Updater.Update].
func (u *Updater) Fix(ctx context.Context, opt VerifyOptions) (*Outcome, error) {
	in, out, release, err := u.start(ctx, readInstalled)
	if err != nil {
		return out, err
	}
	defer release()
	if out.Plan, err = u.planFix(ctx, in, opt); err != nil {
		return out, err
	}
	plan := out.Plan
	switch {
	case len(plan.Findings) > 0:
		return out, &PreflightError{plan.Findings}
	case plan.Action == "none":
		return out, nil
	}
	if err := u.confirm(plan); err != nil {
		return out, err
	}
	err = u.execute(ctx, in, plan, out)
	if !isLive(err) {
		return out, err
	}
	_ = u.during(PhaseFinish, func() error {
		u.learn(plan)
		u.secondCopies(out)
		u.prune(out)
		return nil
	})
	return out, err
}

// fixer makes the plan of a fix.
type fixer struct {
	u     *Updater
	in    *installed
	plan  *Plan
	rules *manifest.Matcher
	named []manifest.Path
	base  pristine
	fetch bool // some content is not kept here
}

func (u *Updater) planFix(ctx context.Context, in *installed, opt VerifyOptions) (*Plan, error) {
	f := &fixer{u: u, in: in, base: pristine{tree: u.tree}}
	var err error
	if f.named, err = u.inside(opt.Paths); err != nil {
		return nil, err
	}
	if f.rules, err = in.manifest.Rules.Compile(); err != nil {
		return nil, err
	}
	for _, p := range f.named {
		if err := f.refused(p); err != nil {
			return nil, err
		}
	}
	v, err := u.verify(ctx, in, opt)
	if err != nil {
		return nil, err
	}
	raw, err := readChecked(u.tree, manifestPath, maxManifestBytes, in.Manifest)
	if err != nil {
		return nil, err
	}
	f.plan = &Plan{
		Schema: PlanSchema, Engine: u.opt.Engine, Created: u.opt.Now().UTC(), Product: in.Product, Source: u.source(),
		Action: ActionFix, From: in.release(), To: in.release(), baseInventory: in.inventory,
		Steps: []Step{}, Conflicts: []ConflictOf{}, Fixes: []manifest.Fix{}, Instructions: []Instruction{},
		Findings: []Finding{}, Warnings: []string{},
		target: &target{Release: repository.Release{Level: in.Level, Channel: in.Channel, Digest: in.Manifest},
			manifest: in.manifest, raw: raw, inventory: in.inventory},
	}
	for i := range v.Edits {
		if err := cancelled(ctx); err != nil {
			return nil, err
		}
		if err := f.edit(&v.Edits[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(f.plan.Steps, func(a, b Step) int { return strings.Compare(string(a.Path), string(b.Path)) })
	if len(f.plan.Steps)+len(f.plan.Findings) == 0 {
		f.plan.Action = "none"
		return f.plan, nil
	}
	if f.fetch {
		if err := u.openSource(); err != nil {
			return nil, err
		}
	}
	return f.plan, u.preflight(f.plan)
}

// openSource opens the source for contents alone, which their digests vouch for.
func (u *Updater) openSource() error {
	if u.client != nil {
		return nil
	}
	source := u.source()
	if source == "" {
		return noSource()
	}
	var err error
	u.client, err = u.openClient(source, repository.ClientOptions{})
	return err
}

// refused says why the path that was named cannot be put back.
func (f *fixer) refused(p manifest.Path) error {
	switch f.rules.Class(p) {
	case manifest.Data:
		return &FixError{p, "is data, which is never touched"}
	case manifest.Ignore:
		return &FixError{p, "is ignored, and so never touched"}
	}
	switch {
	case manifest.IsState(p):
		return &FixError{p, "belongs to the updater, and no release ships it"}
	case f.in.placedEntry(p) != nil:
		return &FixError{p, "was put there by adopt, and no release ships it"}
	case p != "" && f.in.inventory.Index(p) < 0:
		return &FixError{p, fmt.Sprintf("level %d does not ship it", f.in.Level)}
	}
	return nil
}

// edit plans what puts one difference right.
func (f *fixer) edit(e *Edit) error {
	entry := f.in.inventory.Find(e.Path)
	switch {
	case e.What == WhatExtra:
		return nil
	case e.What == WhatUnreadable:
		f.finding(e.Path, "cannot be read: "+e.Detail, "run it as the owner of the installation, who may need leave to read it: chmod u+r")
		return nil
	case entry == nil:
		f.plan.Warnings = append(f.plan.Warnings, e.Path.String()+": was put there by adopt, and no release ships it; it stays as it is")
		return nil
	case e.What == WhatOwner:
		f.plan.Warnings = append(f.plan.Warnings, e.Path.String()+": "+e.Detail+"; chown it by hand")
		return nil
	case e.What == WhatMissing:
		return f.add(entry)
	case e.What == WhatKind:
		return f.kind(entry)
	}
	return f.step(entry)
}

// add plans to bring back entry and, of a directory, what lies below it, as far as it
// was named.
func (f *fixer) add(entry *manifest.Entry) error {
	if err := f.step(entry); err != nil || entry.Kind != manifest.Dir {
		return err
	}
	for i, end := f.in.inventory.Below(entry.Path); i < end; i++ {
		e := f.in.inventory.At(i)
		if err := f.step(&e); err != nil {
			return err
		}
	}
	return nil
}

// kind plans to put entry in place of something of another kind.
func (f *fixer) kind(entry *manifest.Entry) error {
	info, err := f.u.tree.Lstat(string(entry.Path))
	if err != nil {
		return err
	}
	switch {
	case info.IsLink() && entry.Kind == manifest.Dir:
		f.finding(entry.Path, "is a symbolic link where the release has a directory", "put the directory back in place of the link, or leave it as it is")
		return nil
	case info.IsDir():
		names, err := f.u.tree.Names(string(entry.Path))
		if err != nil {
			return err
		}
		if len(names) > 0 {
			f.finding(entry.Path, "is a directory where the release has a "+entry.Kind.String()+", and files lie in it", "move the directory away")
			return nil
		}
	case !info.IsFile() && !info.IsLink():
		f.finding(entry.Path, "is neither file, directory nor link", "move it away")
		return nil
	}
	return f.add(entry)
}

func (f *fixer) finding(p manifest.Path, reason, hint string) {
	f.plan.Findings = append(f.plan.Findings, Finding{Path: p.String(), Reason: reason, Hint: hint})
}

// wanted reports whether p was named, lies below what was named, or is a directory
// that has to be there for it.
func (f *fixer) wanted(p manifest.Path) bool {
	return len(f.named) == 0 || slices.ContainsFunc(f.named, func(n manifest.Path) bool { return p.Within(n) || n.Within(p) })
}

// step plans to make one path as entry says, whatever is there now.
func (f *fixer) step(entry *manifest.Entry) error {
	class := f.rules.Class(entry.Path)
	if !f.wanted(entry.Path) || class == manifest.Data || class == manifest.Ignore || manifest.IsState(entry.Path) {
		return nil
	}
	info, err := f.u.tree.Lstat(string(entry.Path))
	if err != nil && !fsys.IsBlocked(err) {
		return err
	}
	now := live{info: info}
	if info.IsLink() {
		if now.target, err = f.u.tree.Readlink(string(entry.Path)); err != nil {
			return err
		}
	}
	if info.IsFile() {
		if now.digest, err = digestAt(f.u.tree, entry.Path); err != nil {
			return err
		}
	}
	s := Step{Path: entry.Path, Config: class == manifest.Config, Base: sideOf(entry), Ours: now.side(), Theirs: sideOf(entry), Result: sideOf(entry), before: info}
	switch {
	case !info.Exists:
		s.Action, s.Reason = Add, "is missing"
	case !now.same(entry) || info.IsFile() && info.Mode&specialBits != 0:
		s.Action, s.Reason = Replace, "as it was shipped; what is there now goes into the snapshot"
		if hasMode(entry) && now.kind() == entry.Kind && info.Mode&specialBits == 0 && info.Perm()&manifest.ModeMask == entry.Mode {
			s.Result.Mode = info.Perm() // group and other write bits are no edit
		}
	default:
		s.Action, s.Reason = Mode, fmt.Sprintf("has mode %s", octal(info))
	}
	if s.before.IsFile() && s.before.Nlink > 1 {
		s.copied = true
	}
	if s.Action != Mode && entry.Kind == manifest.File && !f.fetch {
		_, err := f.base.get(entry.Digest)
		f.fetch = err != nil
	}
	f.plan.Steps = append(f.plan.Steps, s)
	return nil
}
