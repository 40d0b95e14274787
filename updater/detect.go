package updater

import (
	"cmp"
	"fmt"
	"slices"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// maxForeign and maxExamples bound what is told of a candidate.
const (
	maxForeign  = 20
	maxExamples = 5
)

// compare counts how the files that are there differ from level l. Placed launchers,
// data and ignored paths say nothing about the level.
func (a *adopter) compare(l *level) {
	c := &l.candidate
	c.Foreign, c.Examples = []ForeignFile{}, []string{}
	c.Release = Release{Level: l.Level, Channel: l.Channel, Version: l.manifest.Product.Version, Released: l.manifest.Released, Manifest: l.Digest}
	for _, e := range l.inventory.All() {
		if e.Kind == manifest.Dir {
			continue
		}
		class := l.rules.Class(e.Path)
		if class == manifest.Data || class == manifest.Ignore {
			continue
		}
		f := a.files.at(e.Path)
		switch {
		case !f.info.Exists:
			c.Missing++
		case f.same(&e):
			c.Same++
		case class == manifest.Config:
			c.Edited++
		default:
			c.Differ++
			if len(c.Examples) < maxExamples {
				c.Examples = append(c.Examples, e.Path.String())
			}
			if other, ok := a.shippedBy(e.Path, f, l.Level); ok {
				c.Foreign = append(c.Foreign, ForeignFile{e.Path.String(), other})
			}
		}
	}
}

// foreign counts the files that level l does not ship at all, but another level does,
// exactly as they are here: they differ from l as much as changed ones do.
func (a *adopter) foreign(l *level) {
	for i, p := range a.files.paths {
		f := a.files.found[i]
		if !f.info.Exists || l.inventory.Find(p) != nil {
			continue
		}
		if class := l.rules.Class(p); class != manifest.Plain {
			continue
		}
		if other, ok := a.shippedBy(p, f, l.Level); ok {
			l.candidate.Differ++
			l.candidate.Foreign = append(l.candidate.Foreign, ForeignFile{p.String(), other})
		}
	}
	slices.SortFunc(l.candidate.Foreign, func(x, y ForeignFile) int { return cmp.Compare(x.Path, y.Path) })
	if len(l.candidate.Foreign) > maxForeign {
		l.candidate.Foreign = l.candidate.Foreign[:maxForeign]
	}
}

// shippedBy names another level that ships the file as it is here.
func (a *adopter) shippedBy(p manifest.Path, f live, not int64) (int64, bool) {
	for i := range a.levels {
		l := &a.levels[i]
		if l.Level == not {
			continue
		}
		if e := l.inventory.Find(p); e != nil && f.same(e) {
			return l.Level, true
		}
	}
	return 0, false
}

// choose takes the one level that fits, or the one that was named.
func (a *adopter) choose() (*level, error) {
	var fit []*level
	for i := range a.levels {
		l := &a.levels[i]
		if a.opt.HasBase && l.Level == a.opt.Base {
			if len(l.candidate.Foreign) > 0 {
				f := l.candidate.Foreign[0]
				a.out.Warnings = append(a.out.Warnings, fmt.Sprintf("%s of other levels, such as %s of level %d, count as your edits", plural(len(l.candidate.Foreign), "file"), f.Path, f.Level))
			}
			return l, nil
		}
		if l.candidate.Differ == 0 && l.candidate.Same > 0 {
			fit = append(fit, l)
		}
	}
	if a.opt.HasBase {
		return nil, fmt.Errorf("level %d: %w in %s", a.opt.Base, ErrUnknownLevel, a.opt.Source)
	}
	if len(fit) == 1 {
		return fit[0], nil
	}
	err := &BaseError{Home: a.tree.Path()}
	for i := range a.levels {
		err.Candidates = append(err.Candidates, a.levels[i].candidate)
	}
	slices.SortStableFunc(err.Candidates, func(x, y Candidate) int {
		return cmp.Compare(x.Level, y.Level)
	})
	a.out.Candidates = err.Candidates
	return nil, err
}

// edits lists what of the installation is not as base ships it. A directory that is
// wholly gone is one line.
func (a *adopter) edits(base *level) {
	d := newDirs(a.tree, base.inventory)
	gone := map[manifest.Path]int{}
	var linked []manifest.Path
	for _, e := range base.inventory.All() {
		class := base.rules.Class(e.Path)
		if class == manifest.Data || class == manifest.Ignore {
			continue
		}
		edit := Edit{Path: e.Path, Config: class == manifest.Config}
		dir := e.Path.Parent()
		if e.Kind == manifest.Dir {
			dir = e.Path
		}
		at, err := d.at(dir)
		if err == nil && at.state == dirLinked {
			if !slices.Contains(linked, at.top) {
				linked = append(linked, at.top)
				a.out.Edits = append(a.out.Edits, a.link(at.top))
			}
			continue
		}
		if err == nil && at.state == dirDeleted {
			if k, ok := gone[at.top]; ok {
				a.out.Edits[k].Count++
			} else {
				gone[at.top] = len(a.out.Edits)
				a.out.Edits = append(a.out.Edits, Edit{Path: at.top, What: "missing", Detail: "the whole directory"})
			}
			continue
		}
		if e.Kind == manifest.Dir {
			continue
		}
		f := a.files.at(e.Path)
		switch {
		case !f.info.Exists:
			edit.What = "missing"
		case f.kind() != e.Kind:
			edit.What, edit.Detail = "kind", "is a "+f.kind().String()+", shipped as a "+e.Kind.String()
		case !f.same(&e):
			edit.What = "edited"
		case fsys.HasModes && e.Kind == manifest.File && f.info.Perm()&0o755 != e.Mode:
			edit.What, edit.Detail = "mode", fmt.Sprintf("%04o, shipped as %04o", f.info.Perm(), e.Mode)
		default:
			continue
		}
		a.out.Edits = append(a.out.Edits, edit)
	}
	if len(linked) > 0 {
		var names []string
		for _, p := range linked {
			names = append(names, p.String())
		}
		a.out.Warnings = append(a.out.Warnings, joined(names)+": updates do not go through links unless they are told to; "+followHint(append(slices.Clone(a.named), linked...)))
	}
	slices.SortStableFunc(a.out.Edits, func(x, y Edit) int { return cmp.Compare(x.Path, y.Path) })
}

// link is the edit that a link in place of the directory p is.
func (a *adopter) link(p manifest.Path) Edit {
	target, _ := a.tree.Readlink(string(p))
	return Edit{Path: p, What: WhatKind, Detail: "a symbolic link to " + manifest.Path(target).String() + ", shipped as a directory"}
}
