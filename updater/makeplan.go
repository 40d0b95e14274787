package updater

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/conflict"
	"inplace/updater/settings"
)

// item is a path that differs between base and theirs, on its way to a step.
type item struct {
	path   manifest.Path
	base   *manifest.Entry // at from, where the path was renamed
	theirs *manifest.Entry
	from   manifest.Path // "" unless this is the new name of a renamed path
	at     manifest.Path // where the operator's side lies: path, or from
	live   live
	class  manifest.Class
	step   *Step
	renews string // the version of the updater that the item is; "": it is none
}

// maker makes one plan. It reads and never writes.
type maker struct {
	ctx     context.Context
	u       *Updater
	in      *installed
	to      *target
	plan    *Plan
	all     bool                 // look at the paths that do not differ, too
	rules   [2]*manifest.Matcher // of base and theirs
	absent  []*manifest.Glob
	dirs    *dirs
	cache   *statCache
	items   []*item // sorted by path
	byPath  map[manifest.Path]*item
	cleared map[manifest.Path]bool // what derived rules move into the snapshot
	base    pristine
	ahead   *ahead // while contents are merged
	carried []carried
	kept    map[conflict.ID]*conflict.Resolution // what is remembered of the places asked for; nil: nothing
}

// makePlan decides what going from in to to does with every path.
func (u *Updater) makePlan(ctx context.Context, in *installed, to *target) (*Plan, error) {
	m := u.newMaker(ctx, in, to)
	err := u.tree.Holding(func() error {
		if err := m.make(); err != nil {
			return err
		}
		return u.preflight(m.plan)
	})
	if err != nil {
		return nil, err
	}
	return m.plan, nil
}

func (u *Updater) newMaker(ctx context.Context, in *installed, to *target) *maker {
	m := &maker{ctx: ctx, u: u, in: in, to: to, byPath: map[manifest.Path]*item{}, kept: map[conflict.ID]*conflict.Resolution{}, cleared: map[manifest.Path]bool{}}
	m.plan = &Plan{
		Schema: PlanSchema, Engine: u.opt.Engine, Created: u.opt.Now().UTC(), Product: in.Product, Source: u.client.Source(),
		Action: "update", From: in.release(), To: to.release(), target: to, baseInventory: in.inventory, in: in,
		Steps: []Step{}, Conflicts: []ConflictOf{}, Fixes: to.fixes(), Instructions: to.instructions(),
		Findings: []Finding{}, Warnings: u.beyond(),
	}
	m.plan.Irreversible = oneWay(to.between)
	if to.Level < in.Level {
		m.plan.Action = "downgrade"
		m.plan.Irreversible = oneWay(append(to.left, in.manifest))
		m.plan.Behind = m.plan.Irreversible != nil
	}
	m.base.tree = u.tree
	m.dirs = newDirs(u.tree, in.inventory)
	return m
}

// make decides every path and fills in the plan, but for what stands in the way of
// carrying it out here.
func (m *maker) make() error {
	m.cache = openStatCache(m.u.tree, m.in.inventory.Digest)
	defer m.cache.close()
	for _, step := range []func() error{m.compileRules, m.collect, m.lacks, m.look, m.read, m.decide, m.clear, m.settleDirs, m.merge} {
		if err := cancelled(m.ctx); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	m.gather()
	return nil
}

func (m *maker) compileRules() error {
	for i, r := range []*manifest.Manifest{m.in.manifest, m.to.manifest} {
		c, err := r.Rules.Compile()
		if err != nil {
			return err
		}
		m.rules[i] = c
	}
	var err error
	m.absent, err = absentGlobs(m.u.settings)
	return err
}

// absentGlobs are the vendor's paths that the settings keep away.
func absentGlobs(s *settings.Settings) ([]*manifest.Glob, error) {
	var out []*manifest.Glob
	for _, pattern := range s.Absent {
		g, err := manifest.CompileGlob(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: absent: %w", settingsPath, err)
		}
		out = append(out, g)
	}
	return out, nil
}

// class is how the release installed or the one to come treats p; data of either
// stays data.
func (m *maker) class(p manifest.Path) manifest.Class {
	a, b := m.rules[0].Class(p), m.rules[1].Class(p)
	for _, c := range []manifest.Class{manifest.Data, manifest.Ignore, manifest.Config} {
		if a == c || b == c {
			return c
		}
	}
	return manifest.Plain
}

// collect walks both inventories and keeps the paths that differ, pairing the two
// names of a declared rename.
func (m *maker) collect() error {
	err := manifest.Walk(m.in.inventory, m.to.inventory, m.all, func(p manifest.Path, base, theirs *manifest.Entry) error {
		if manifest.IsState(p) {
			return nil
		}
		if base == nil {
			if base = m.in.placedEntry(p); base != nil && base.Same(theirs) && !m.all {
				return nil
			}
		}
		it := &item{path: p, at: p, base: base, theirs: theirs, class: m.class(p)}
		m.items = append(m.items, it)
		m.byPath[p] = it
		return nil
	})
	if err != nil {
		return err
	}
	if err := m.renewPlaced(); err != nil {
		return err
	}
	expectMemory(len(m.in.inventory.Raw)+len(m.to.inventory.Raw), len(m.items))
	for from, to := range m.to.renames(m.in) {
		old, fresh := m.byPath[from], m.byPath[to]
		if old == nil || fresh == nil || old.theirs != nil || fresh.base != nil ||
			old.base.Kind != manifest.File || fresh.theirs.Kind != manifest.File {
			continue
		}
		fresh.from = from
	}
	return nil
}

// look asks the disk, once per path and once per directory above.
func (m *maker) look() error {
	var linked []manifest.Path
	m.checkFollowed()
	for _, it := range m.items {
		if it.class == manifest.Data || it.class == manifest.Ignore {
			continue
		}
		above, err := m.dirs.at(it.path.Parent())
		if err != nil {
			return err
		}
		if self, err := m.selfDir(it); err != nil {
			return err
		} else if self.state == dirLinked {
			above = self
		}
		if above.state == dirLinked {
			if !slices.Contains(linked, above.top) {
				linked = append(linked, above.top)
			}
			continue
		}
		if above.state != dirThere {
			continue
		}
		info, err := m.u.tree.Lstat(string(it.path))
		var link *fsys.LinkError
		if errors.As(err, &link) {
			continue
		}
		if err != nil {
			return err
		}
		it.live.info = info
		if info.IsLink() {
			if it.live.target, err = m.u.tree.Readlink(string(it.path)); err != nil {
				return err
			}
		}
	}
	m.unnamed(linked)
	return nil
}

// read takes the digest of each file whose kind and size leave open whether it is
// base, theirs or edited; the stat cache spares most of it.
func (m *maker) read() error {
	var todo []*item
	for _, it := range m.items {
		if !it.live.info.IsFile() {
			continue
		}
		if d, ok := m.cache.digest(m.in.inventory.Index(it.path), it.live.info); ok {
			it.live.digest = d
			continue
		}
		todo = append(todo, it)
	}
	m.u.event(PhasePlan, "progress", "", 0, int64(len(todo)))
	return inParallel(m.ctx, todo, func(it *item) (err error) {
		it.live.digest, err = digestAt(m.u.tree, it.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// digestAt is the digest of the regular file at path.
func digestAt(tree *fsys.Tree, path manifest.Path) (manifest.Digest, error) {
	f, err := tree.Open(string(path))
	if err != nil {
		return manifest.Digest{}, err
	}
	defer func() { _ = f.Close() }()
	return backup.DigestFile(f)
}

// decide gives every path its verdict.
func (m *maker) decide() error {
	gone := map[manifest.Path]*item{} // topmost deleted directories
	// New names of renamed paths come early: they decide their old names too. What they may lie
	// below comes before them.
	order := slices.Clone(m.items)
	rank := func(it *item) int {
		switch {
		case it.becomesDir():
			return 0
		case it.from != "":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(order, func(a, b *item) int { return rank(a) - rank(b) })
	for _, it := range order {
		if it.step != nil {
			continue
		}
		switch it.class {
		case manifest.Data:
			m.keep(it, "data: an update never touches it")
			continue
		case manifest.Ignore:
			m.keep(it, "ignored: an update never touches it")
			continue
		}
		above, err := m.dirs.at(it.path.Parent())
		if err != nil {
			return err
		}
		self, err := m.selfDir(it)
		if err != nil {
			return err
		}
		if self.state == dirDeleted || self.state == dirLinked {
			above = self
		}
		switch above.state {
		case dirLinked:
			continue // a finding says it once
		case dirDeleted:
			if b := m.byPath[above.top]; b != nil && b.theirs != nil && b.theirs.Kind != manifest.Dir {
				if b == it {
					break // deleted, and changed by the release
				}
				continue // gone with the directory, on both sides
			}
			if gone[above.top] == nil {
				gone[above.top] = it
				first, end := m.in.inventory.Below(above.top)
				it.step = &Step{Path: above.top, Action: Deleted, Reason: "you deleted this directory; it stays deleted", Count: end - first}
			}
			continue
		case dirMissing, dirBlocked:
			b := m.byPath[above.top]
			turns := b != nil && b.becomesDir()
			if turns && b.step != nil && b.step.Action != Conflict && b.step.Result.Kind != manifest.Dir {
				continue // a file that stays as the operator has it, or away, is this directory in the release
			}
			if above.state == dirBlocked && !turns {
				m.blocked(it, above.top)
				continue
			}
		}
		m.decideOne(it)
	}
	return nil
}

// becomesDir reports whether the release makes the path, which was none, a directory.
func (it *item) becomesDir() bool {
	return it.base != nil && it.base.Kind != manifest.Dir && it.theirs != nil && it.theirs.Kind == manifest.Dir
}

// selfDir is what stands at a path that is a directory of the base.
func (m *maker) selfDir(it *item) (dirAt, error) {
	if it.base == nil || it.base.Kind != manifest.Dir || it.class != manifest.Plain && it.class != manifest.Config {
		return dirAt{}, nil
	}
	at, err := m.dirs.at(it.path)
	if at.state == dirDeleted && it.theirs == nil {
		at.state = dirMissing
	}
	return at, err
}

// blocked is a path below something that is not a directory any more.
func (m *maker) blocked(it *item, top manifest.Path) {
	if it.theirs == nil {
		return // gone with the directory, on both sides
	}
	m.conflict(it, fmt.Sprintf("%s is not a directory any more", top))
}

func (m *maker) decideOne(it *item) {
	if !it.live.info.Exists && slices.ContainsFunc(m.absent, func(g *manifest.Glob) bool { return g.Match(it.path) }) {
		if it.theirs != nil {
			it.step = m.step(it, Deleted, "listed under absent in "+settingsPath)
		}
		return
	}
	if it.from != "" && m.decideRename(it) {
		return
	}
	v := decide(it.base, &it.live, it.theirs)
	switch {
	case v.action == Same && it.theirs == nil, v.action == Same && it.theirs.Kind == manifest.Dir:
		return // nothing to do and nothing to tell
	case v.action == Keep && it.theirs != nil && it.theirs.Kind == manifest.Dir:
		return
	case v.action == Conflict && it.theirs == nil && it.live.kind() == manifest.File && it.base.Kind == manifest.File && len(m.migrations(it.at)) > 0:
		v.merge = true // its edits may all go elsewhere
	case v.action == Conflict:
		m.conflict(it, v.reason)
		return
	case v.action == Replace && it.base.Kind == manifest.File && it.theirs.Kind == manifest.File && len(m.pins(it.path)) > 0:
		v = verdict{action: Merge, reason: "changed in this release; your pins hold", merge: true}
	}
	if it.renews != "" {
		v.reason = "the updater renews itself: " + it.renews
	}
	it.step = m.step(it, v.action, v.reason)
	it.step.merged = v.merge
}

// decideRename follows the vendor's rename of a path that the operator edited or
// deleted; an untouched one is a plain removal and addition. It reports whether
// the new name is decided.
func (m *maker) decideRename(it *item) bool {
	old := m.byPath[it.from]
	sameContent := old.base.SameContent(it.theirs)
	switch {
	case old.live.same(old.base):
		return false
	case it.live.info.Exists:
		return false // something is at the new name already; the old one is decided by itself
	case !old.live.info.Exists && sameContent:
		it.step = m.step(it, Deleted, "you deleted it under its old name "+old.path.String())
		return true
	case !old.live.info.Exists:
		m.conflict(it, fmt.Sprintf("you deleted it under its old name %s, this release changes it", old.path))
		return true
	case old.live.kind() != manifest.File:
		return false
	}
	it.base, it.at, it.live = old.base, old.path, old.live
	it.step = m.step(it, Merge, "this release renames "+old.path.String()+"; your edits go along")
	it.step.From = old.path
	it.step.merged = true
	old.step = m.step(old, Remove, "renamed to "+it.path.String()+" in this release")
	return true
}

func (m *maker) keep(it *item, reason string) {
	it.step = m.step(it, Keep, reason)
}

// step makes the step of it; its result is what the action leads to.
func (m *maker) step(it *item, a Action, reason string) *Step {
	s := &Step{
		Path: it.path, Action: a, Reason: reason, Config: it.class == manifest.Config,
		Base: sideOf(it.base), Ours: it.live.side(), Theirs: sideOf(it.theirs), before: it.live.info,
	}
	if it.at != it.path {
		s.before = fsys.Info{}
	}
	s.Result = s.Ours
	switch a {
	case Add, Replace, Merge:
		s.Result = s.Theirs
		if hasMode(it.theirs) {
			if mode, ok := mergeMode(it.base, &it.live, it.theirs); ok {
				s.Result.Mode = mode
			}
		}
	case Mode:
		s.Result.Mode, _ = mergeMode(it.base, &it.live, it.theirs)
	case Remove, Clear:
		s.Result = Side{Kind: manifest.Absent}
	}
	return s
}

// gather turns the decided items into the plan's sorted steps and conflicts.
func (m *maker) gather() {
	p := m.plan
	p.Steps = slices.Grow(p.Steps, len(m.items)) // a step is large
	for _, it := range m.items {
		if it.step != nil && it.step.Action != Conflict {
			p.Steps = append(p.Steps, *it.step)
		}
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return strings.Compare(string(a.Path), string(b.Path)) })
	slices.SortStableFunc(p.Conflicts, func(a, b ConflictOf) int { return strings.Compare(string(a.Path), string(b.Path)) })
	slices.SortStableFunc(p.Resolved, func(a, b Resolved) int { return strings.Compare(string(a.Path), string(b.Path)) })
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Action.Changes() && s.before.Mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
			p.Warnings = append(p.Warnings, s.Path.String()+": loses its setuid, setgid or sticky bit")
		}
		if s.before.IsFile() && s.before.Nlink > 1 && s.Action.Changes() {
			s.copied = true
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s: has %d names (hard links); its old bytes are copied apart and the other names keep them", s.Path, s.before.Nlink))
		}
	}
}
