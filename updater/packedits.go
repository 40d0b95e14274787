package updater

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/archive"
)

// overlay is the tree that an update to a release would leave, as far as it belongs into
// a pack: the vendor's paths with the operator's edits, and the operator's own files of
// configuration.
type overlay struct {
	p     *packing
	u     *Updater
	in    *installed
	to    *target
	m     *maker
	paths map[manifest.Path]archive.Entry
}

// packEdits makes the pack the release t with the edits of the installation. The plan is
// an update's, only over every path of both releases.
func (u *Updater) packEdits(ctx context.Context, p *packing, in *installed, t *target) error {
	p.head(t)
	from := in.release()
	p.out.Home, p.out.From = u.tree.Path(), &from
	m := u.newMaker(ctx, in, t)
	m.all = true
	if err := m.make(); err != nil {
		return err
	}
	plan := m.plan
	plan.Steps = slices.DeleteFunc(plan.Steps, func(s Step) bool { return s.Action == Same })
	p.out.Plan = plan
	p.out.Warnings = append(p.out.Warnings, plan.Warnings...)
	if len(plan.Conflicts) > 0 {
		return &ConflictError{plan.Conflicts}
	}
	if len(plan.Findings) > 0 {
		return &PreflightError{plan.Findings}
	}
	o := &overlay{p: p, u: u, in: in, to: t, m: m, paths: map[manifest.Path]archive.Entry{}}
	for _, it := range m.items {
		if err := o.take(it); err != nil {
			return err
		}
	}
	if err := o.own(ctx, ""); err != nil {
		return err
	}
	return o.finish()
}

// take puts the outcome of one planned path into the pack.
func (o *overlay) take(it *item) error {
	if it.class == manifest.Data || it.class == manifest.Ignore {
		if it.theirs != nil {
			o.paths[it.path] = o.p.vendors(it.theirs)
		}
		return nil
	}
	gone, err := o.gone(it)
	if err != nil {
		return err
	}
	if gone || it.step == nil {
		o.dir(it, gone)
		return nil
	}
	s := it.step
	e := archive.Entry{Path: string(it.path), Kind: s.Result.Kind, Mode: s.Result.Mode & 0o755, Size: s.Result.Size, Target: s.Result.Target}
	switch {
	case s.Result.Kind == manifest.Absent:
		if it.theirs != nil {
			o.edit(it, "missing")
		}
		return nil
	case s.Result.Kind == manifest.Dir && it.theirs == nil:
		return nil // stays for the sake of what lies in it
	case s.Result.Kind == manifest.Other:
		o.p.out.Warnings = append(o.p.out.Warnings, it.path.String()+": is neither file, directory nor link; left out")
		return nil
	case s.merged:
		e.Open = text(s.content)
		o.edit(it, "merged")
	case it.theirs != nil && s.Result.Kind == it.theirs.Kind && s.Result.Digest == it.theirs.Digest && s.Result.Target == it.theirs.Target:
		e.Open = o.p.vendors(it.theirs).Open
		if hasMode(it.theirs) && fsys.HasModes && e.Mode != it.theirs.Mode {
			o.edit(it, "mode")
		}
	default:
		e.Open = o.live(it.path, s.Result.Digest)
		o.edit(it, "edited")
	}
	if !fsys.HasModes && hasMode(it.theirs) {
		e.Mode = it.theirs.Mode
	}
	o.paths[it.path] = e
	return nil
}

// gone reports whether the path lies in a directory that the operator deleted, or is one.
func (o *overlay) gone(it *item) (bool, error) {
	above, err := o.m.dirs.at(it.path.Parent())
	if err != nil || above.state == dirDeleted {
		return true, err
	}
	self, err := o.m.selfDir(it)
	return self.state == dirDeleted, err
}

// dir settles a path without a step: a directory of the release that stays as it is, or
// something that was deleted with the directory above.
func (o *overlay) dir(it *item, gone bool) {
	switch {
	case it.theirs == nil:
		return
	case gone:
		if it.step != nil && it.step.Path != it.path {
			o.p.out.Edits = append(o.p.out.Edits, Edit{Path: it.step.Path, What: "missing", Count: it.step.Count})
		} else if it.step != nil {
			o.edit(it, "missing")
		}
		return
	}
	e := o.p.vendors(it.theirs)
	if mode, ok := mergeMode(it.base, &it.live, it.theirs); ok && it.live.info.IsDir() && mode&0o755 != e.Mode {
		e.Mode = mode & 0o755
		o.edit(it, "mode")
	}
	o.paths[it.path] = e
}

func (o *overlay) edit(it *item, what string) {
	e := Edit{Path: it.path, What: what, Config: it.class == manifest.Config}
	if it.step != nil {
		e.Count = it.step.Count
	}
	o.p.out.Edits = append(o.p.out.Edits, e)
}

// own adds the operator's own configuration at and below dir, and notes what else is
// his. Data and what is ignored are passed over.
func (o *overlay) own(ctx context.Context, dir manifest.Path) error {
	if err := cancelled(ctx); err != nil {
		return err
	}
	names, err := o.u.tree.Names(string(dir))
	if err != nil {
		return err
	}
	for _, name := range names {
		p, err := manifest.ParsePath(string(dir.Join(name)))
		if err != nil {
			o.p.out.Warnings = append(o.p.out.Warnings, fmt.Sprintf("left out: %v", err))
			continue
		}
		if manifest.IsState(p) || o.m.cleared[p] || o.u.isUpdater(string(p)) && o.in.inventory.Find(p) == nil {
			continue
		}
		info, err := o.u.tree.Lstat(string(p))
		if err != nil {
			return err
		}
		known := o.m.byPath[p] != nil
		if !known && !info.IsDir() {
			err = o.add(p, info)
		}
		if err == nil && info.IsDir() {
			err = o.own(ctx, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add takes one path that no release has.
func (o *overlay) add(p manifest.Path, info fsys.Info) error {
	switch o.m.class(p) {
	case manifest.Data, manifest.Ignore:
		return nil
	case manifest.Plain:
		o.p.out.LeftOut = append(o.p.out.LeftOut, p)
		return nil
	}
	e := archive.Entry{Path: string(p), Mode: info.Perm() & 0o755}
	switch {
	case info.IsFile():
		e.Kind, e.Size, e.Open = manifest.File, info.Size, o.live(p, manifest.Digest{})
		if !fsys.HasModes {
			e.Mode = 0o644
		}
	case info.IsLink():
		var err error
		e.Kind = manifest.Link
		if e.Target, err = o.u.tree.Readlink(string(p)); err != nil {
			return err
		}
	default:
		o.p.out.Warnings = append(o.p.out.Warnings, p.String()+": is neither file, directory nor link; left out")
		return nil
	}
	o.paths[p] = e
	o.p.out.Edits = append(o.p.out.Edits, Edit{Path: p, What: "added", Config: true})
	return nil
}

// finish adds the directories that the paths lie in and hands the entries over.
func (o *overlay) finish() error {
	for p := range o.paths {
		for d := p.Parent(); d != ""; d = d.Parent() {
			e, ok := o.paths[d]
			if ok && e.Kind != manifest.Dir {
				return fmt.Errorf("%s: is a %s in the pack, and %s lies in it", d, e.Kind, p)
			}
			if ok {
				continue
			}
			e = archive.Entry{Path: string(d), Kind: manifest.Dir, Mode: 0o755}
			if info, err := o.u.tree.Lstat(string(d)); err == nil && info.IsDir() && fsys.HasModes {
				e.Mode = info.Perm() & 0o755
			}
			o.paths[d] = e
		}
	}
	for _, e := range o.paths {
		o.p.entries = append(o.p.entries, e)
	}
	slices.SortFunc(o.p.out.Edits, func(a, b Edit) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return nil
}

// live opens the operator's file at p, which has to have the digest that the plan was
// made with; zero: any.
func (o *overlay) live(p manifest.Path, want manifest.Digest) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		f, err := o.u.tree.Open(string(p))
		if err != nil {
			return nil, err
		}
		return &liveFile{f, sha256.New(), want}, nil
	}
}

// errMoved: a file was not the one that the plan was made with any more.
var errMoved = errors.New("was changed while it was packed")

// liveFile reads a file and compares its digest at the end.
type liveFile struct {
	*os.File
	hash hash.Hash
	want manifest.Digest
}

func (f *liveFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && !f.want.IsZero() && manifest.Digest(f.hash.Sum(nil)) != f.want {
		return n, errMoved
	}
	return n, err
}
