package updater

import (
	"slices"
	"strings"

	"inplace/manifest"
)

// report puts together what the workers have found.
func (s *survey) report(v *Verification) {
	v.Edits = []Edit{}
	var extras []extraPath
	for i := range s.workers {
		w := &s.workers[i]
		v.Compared += w.compared
		v.Same += w.same
		v.Absent += w.absent
		v.Untouched += w.untouched
		v.ReadFiles += w.files
		v.ReadBytes += w.bytes
		v.Edits = append(v.Edits, w.edits...)
		extras = append(extras, w.extras...)
	}
	slices.SortFunc(extras, func(a, b extraPath) int { return strings.Compare(string(a.path), string(b.path)) })
	s.derived(extras)
	v.Edits = append(v.Edits, s.topmost(extras)...)
	slices.SortStableFunc(v.Edits, func(a, b Edit) int { return strings.Compare(string(a.Path), string(b.Path)) })
}

// derived marks what the product has made from shipped files, or from the operator's
// of the same kind, as its own.
func (s *survey) derived(extras []extraPath) {
	if len(extras) == 0 {
		return
	}
	var clear []*manifest.Glob
	for _, rule := range s.in.manifest.Derived {
		when, err := manifest.CompileGlob(rule.When)
		if err != nil {
			continue // an update says so
		}
		add := func(p manifest.Path) {
			if !when.Match(p) {
				return
			}
			if g, err := rule.Expand(p); err == nil && g != nil {
				clear = append(clear, g)
			}
		}
		for i := range s.in.inventory.Len() {
			add(s.in.inventory.PathAt(i))
		}
		for _, x := range extras {
			add(x.path)
		}
	}
	for i := range extras {
		x := &extras[i]
		x.own = x.own || slices.ContainsFunc(clear, func(g *manifest.Glob) bool { return g.Match(x.path) })
	}
}

// extraDir is a directory that is extra as a whole, with what lies in it.
type extraDir struct {
	edit   Edit
	config int  // of the files in it
	own    bool // something of the product or the updater lies in it
}

// topmost makes one edit of a directory that is extra with all in it. extras are
// sorted, so a directory comes before what lies in it.
func (s *survey) topmost(extras []extraPath) []Edit {
	var out []Edit
	tops := map[manifest.Path]*extraDir{}
	var order []*extraDir
	holds := map[manifest.Path]bool{}
	for _, x := range extras {
		holds[x.path.Parent()] = true
		config := s.rules.Class(x.path) == manifest.Config
		top := tops[x.path.Parent()]
		switch {
		case x.dir && top != nil:
			tops[x.path] = top
			top.own = top.own || x.own
			if !x.own {
				top.edit.inside = append(top.edit.inside, x.path)
			}
		case x.dir:
			top = &extraDir{edit: Edit{Path: x.path, What: WhatExtra, Detail: "a directory", Config: config}, own: x.own}
			tops[x.path] = top
			order = append(order, top)
		case top == nil && !x.own:
			out = append(out, Edit{Path: x.path, What: WhatExtra, Config: config})
		case top != nil && x.own:
			top.own = true
		case top != nil:
			top.edit.Count++
			top.edit.inside = append(top.edit.inside, x.path)
			if config {
				top.config++
			}
		}
	}
	for _, top := range order {
		if top.edit.Count == 0 && top.own {
			continue
		}
		if top.edit.Count > 0 {
			top.edit.Config = top.config == top.edit.Count
		}
		top.edit.inside = slices.DeleteFunc(top.edit.inside, func(p manifest.Path) bool { return holds[p] })
		out = append(out, top.edit)
	}
	return out
}
