package updater

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/merge"
)

// ErrNotShipped: a path that was named is in none of the releases that were to be compared.
var ErrNotShipped = errors.New("is in neither of the two releases")

// DiffLevels compares two releases: what the vendor changes from one level to another.
// A nil from is the installed level. Renames are those that the vendor declares, and
// files that only moved. It writes nothing. Errors: those of metadata, [ErrUnknownLevel],
// [ErrNotShipped].
func (u *Updater) DiffLevels(ctx context.Context, from *int64, to int64, opt DiffOptions) (*Diff, error) {
	if err := u.lookOnly(); err != nil {
		return nil, err
	}
	in, err := readInstalled(u.tree)
	if err != nil {
		return nil, err
	}
	wanted, err := u.inside(opt.Paths)
	if err != nil {
		return nil, err
	}
	if err := u.during(PhaseMetadata, func() error { return u.connect(ctx) }); err != nil {
		return nil, err
	}
	base := in
	if from != nil && *from != in.Level {
		if base, err = u.releaseAt(ctx, in.Product, *from); err != nil {
			return nil, err
		}
	}
	next := in
	if to != in.Level {
		if next, err = u.releaseAt(ctx, in.Product, to); err != nil {
			return nil, err
		}
	}
	for _, p := range wanted {
		if p != "" && base.inventory.Index(p) < 0 && next.inventory.Index(p) < 0 {
			return nil, fmt.Errorf("%s: %w", p, ErrNotShipped)
		}
	}
	release := next.release()
	d := &differ{ctx: ctx, u: u, in: next, base: pristine{tree: u.tree}, known: opt.Known,
		out: &Diff{Product: in.Product, From: base.release(), To: &release, Files: []FileDiff{}}}
	if d.rules, err = next.manifest.Rules.Compile(); err != nil {
		return nil, err
	}
	err = u.during(PhasePlan, func() error { return d.levels(base, next, wanted) })
	return d.out, err
}

// releaseAt reads a release as if it were installed.
func (u *Updater) releaseAt(ctx context.Context, product string, level int64) (*installed, error) {
	var m *manifest.Manifest
	var of repository.Release
	err := atLevel(u.client, u.channel(), level, func(r repository.Release) (err error) {
		of = r
		m, _, err = u.renewer().manifestOf(ctx, r)
		return err
	})
	if errors.Is(err, ErrUnknownLevel) {
		err = fmt.Errorf("level %d: %w in %s", level, ErrUnknownLevel, u.client.Source())
	}
	if err != nil {
		return nil, err
	}
	if m.Product.Name != product {
		return nil, fmt.Errorf("the repository is of product %s, installed is %s", m.Product.Name, product)
	}
	inv, err := u.client.Inventory(ctx, m)
	if err != nil {
		return nil, err
	}
	return &installed{manifest: m, inventory: inv, record: record{Product: m.Product.Name, Version: m.Product.Version, Level: level,
		Channel: of.Channel, Released: m.Released, Manifest: of.Digest}}, nil
}

// pair is a path that two releases have differently; nil: not at all. turned: it is a
// directory on the other side.
type pair struct {
	old, new *manifest.Entry
	turned   bool
}

func (d *differ) levels(base, next *installed, wanted []manifest.Path) error {
	var pairs []pair
	err := manifest.Walk(base.inventory, next.inventory, false, func(_ manifest.Path, a, b *manifest.Entry) error {
		for _, p := range splitKinds(a, b) {
			if p.new == nil && holds(base.inventory, p.old) || p.old == nil && holds(next.inventory, p.new) {
				continue // a directory comes and goes with what is in it
			}
			pairs = append(pairs, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	renames, err := d.renames(base, next, pairs)
	if err != nil {
		return err
	}
	byOld := map[manifest.Path]*manifest.Entry{}
	for _, p := range pairs {
		if p.new == nil && p.old.Kind != manifest.Dir {
			byOld[p.old.Path] = p.old
		}
	}
	moved := map[manifest.Path]bool{}
	for i := range pairs {
		p := &pairs[i]
		if p.old == nil && p.new.Kind != manifest.Dir && byOld[renames[p.new.Path]] != nil {
			p.old = byOld[renames[p.new.Path]]
			moved[p.old.Path] = true
		}
	}
	for _, p := range pairs {
		if err := cancelled(d.ctx); err != nil {
			return err
		}
		if p.new == nil && moved[p.old.Path] {
			continue
		}
		if e := cmp.Or(p.new, p.old); !within(wanted, e.Path) && (p.old == nil || !within(wanted, p.old.Path)) {
			continue
		}
		if err := d.pair(p); err != nil {
			return err
		}
	}
	d.turned()
	return nil
}

// splitKinds makes of a path that is a directory on one side alone only the other side.
func splitKinds(a, b *manifest.Entry) []pair {
	switch {
	case a == nil || b == nil || (a.Kind == manifest.Dir) == (b.Kind == manifest.Dir):
		return []pair{{a, b, false}}
	case a.Kind == manifest.Dir:
		return []pair{{nil, b, true}}
	}
	return []pair{{a, nil, true}}
}

// holds reports whether e is a directory that is not empty.
func holds(v *manifest.Inventory, e *manifest.Entry) bool {
	first, end := v.Below(e.Path)
	return e.Kind == manifest.Dir && first < end
}

// renames maps new names to old ones.
func (d *differ) renames(base, next *installed, pairs []pair) (map[manifest.Path]manifest.Path, error) {
	out := map[manifest.Path]manifest.Path{}
	gone := map[manifest.Digest][]manifest.Path{}
	for _, p := range pairs {
		if p.new == nil && p.old.Kind == manifest.File && p.old.Size > 0 {
			gone[p.old.Digest] = append(gone[p.old.Digest], p.old.Path)
		}
	}
	for _, p := range pairs {
		if p.old == nil && p.new.Kind == manifest.File && len(gone[p.new.Digest]) == 1 {
			out[p.new.Path] = gone[p.new.Digest][0]
			delete(gone, p.new.Digest)
		}
	}
	declared, err := d.declared(base, next)
	for from, to := range declared {
		out[to] = from
	}
	return out, err
}

// declared are the renames that the manifests on the way tell of, old names to new.
func (d *differ) declared(base, next *installed) (map[manifest.Path]manifest.Path, error) {
	t := &target{Release: repository.Release{Level: next.Level}, manifest: next.manifest}
	low, high := min(base.Level, next.Level), max(base.Level, next.Level)
	for _, r := range d.u.client.All() {
		if r.Level <= low || r.Level > high || slices.ContainsFunc(t.between, func(m *manifest.Manifest) bool { return m.Level == r.Level }) {
			continue
		}
		m, _, err := d.u.renewer().manifestOf(d.ctx, r)
		if refused(err) {
			continue // a channel that is closed here: no update goes by it
		}
		if err != nil {
			return nil, err
		}
		t.between = append(t.between, m)
	}
	if base.Level <= next.Level {
		return t.renames(base), nil
	}
	t.Level = high // read forward, and turned round
	back := map[manifest.Path]manifest.Path{}
	for from, to := range t.renames(next) {
		back[to] = from
	}
	return back, nil
}

// pair adds what the vendor changes of one path.
func (d *differ) pair(p pair) error {
	f := FileDiff{What: WhatEdited}
	same := false
	switch {
	case p.old == nil:
		f.Path, f.What = p.new.Path, "added"
	case p.new == nil:
		f.Path, f.What = p.old.Path, "deleted"
	default:
		f.Path = p.new.Path
		if p.old.Path != p.new.Path {
			f.From, f.What = p.old.Path, "renamed"
		}
		if same = p.old.SameContent(p.new); same && f.From == "" {
			f.What = WhatMode
		}
	}
	switch {
	case cmp.Or(p.new, p.old).Kind == manifest.Dir:
		d.patch(f, nil, nil, leftDirs)
		return nil
	case p.turned:
		d.patch(f, nil, nil, leftTurned)
		return nil
	case same:
		d.unread(f, p)
		return nil
	}
	var sides [2]*merge.PatchSide
	left := ""
	for i, e := range []*manifest.Entry{p.old, p.new} {
		if e == nil || left != "" {
			continue
		}
		var err error
		if sides[i], left, err = d.release(e); err != nil {
			return err
		}
	}
	d.patch(f, sides[0], sides[1], left)
	return nil
}

// unread adds a file whose content stays the same: it need not be read.
func (d *differ) unread(f FileDiff, p pair) {
	side := func(e *manifest.Entry) *merge.PatchSide {
		return &merge.PatchSide{Mode: e.Mode, Link: e.Kind == manifest.Link, Data: []byte(e.Target)}
	}
	d.patch(f, side(p.old), side(p.new), "")
}

// release returns the content of e as a release ships it, or why it has no place in a
// patch.
func (d *differ) release(e *manifest.Entry) (*merge.PatchSide, string, error) {
	if e.Kind == manifest.Link {
		return &merge.PatchSide{Link: true, Data: []byte(e.Target)}, "", nil
	}
	if e.Size > maxMerge {
		return nil, leftLarge, nil
	}
	data, err := d.base.get(e.Digest)
	if err != nil {
		if data, err = d.u.blob(d.ctx, e); err != nil {
			return nil, "", fmt.Errorf("%s: %w", e.Path, err)
		}
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, leftBinary, nil
	}
	return &merge.PatchSide{Mode: e.Mode, Data: data}, "", nil
}
