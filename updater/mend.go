package updater

import (
	"errors"
	"fmt"

	"inplace/backup"
	"inplace/manifest"
)

// instead is what a revert puts at a path whose kept content is damaged.
type instead struct {
	backup.State
	content []byte // nil: from the repository if blob, else none is needed
	blob    bool
	reason  string
}

// addConfig adds the configuration as the snapshot holds it: where the change that it was
// made for put no other content, its copy counts, whatever changes on the way did. What has
// been made since stays, and the plan says so.
func (b *backer) addConfig() error {
	have := map[manifest.Path]*goal{}
	for _, g := range b.goals {
		have[g.Path] = g
	}
	held := b.way.holds
	if held == nil || held.turned {
		b.plan.Findings = append(b.plan.Findings, Finding{Reason: "no snapshot holds the configuration of the state that " + b.way.name + " stands for",
			Hint: "leave --exact out, or go to another snapshot"})
		return nil
	}
	for _, e := range held.Entries {
		if e.Class != backup.Config || e.Old.Kind == backup.Dir {
			continue
		}
		g := have[e.Path]
		switch {
		case g == nil:
			g = &goal{Entry: e}
			g.New = e.Old
			have[e.Path] = g
			b.goals = append(b.goals, g)
		case g.from == held && !g.ModeOnly() || g.New.Kind == backup.Whole || g.Old.Kind == backup.Whole:
			continue
		}
		g.Class, g.Slot, g.Old = backup.Product, e.Slot, e.Old
		g.from, g.dir, g.kept, g.copied = held, held.CopiesDir(), e.Slot, backup.Config
		if e.Slot == backup.NoSlot {
			g.dir, g.Slot = "", 0 // as shipped: kept with the pristine contents
		}
	}
	now, err := b.u.configEntries(b.ctx, b.in, nil, nil)
	for _, f := range now {
		if have[f.Path] == nil && f.Old.Kind != backup.Dir {
			b.plan.Steps = append(b.plan.Steps, Step{Path: f.Path, Action: Keep, Reason: "made since the snapshot; stays", Config: true})
		}
	}
	return err
}

// checkContent compares everything that is to be put back with what was recorded. What is
// damaged is refused by name, or replaced by what the release shipped there if that is
// asked for.
func (b *backer) checkContent() (mended bool, err error) {
	wanted := map[*kept]map[manifest.Path]*goal{}
	bad := map[*goal]string{}
	for _, g := range b.goals {
		switch {
		case !g.holds():
		case g.dir == "":
			if _, err := b.base.get(g.Old.Digest); err != nil {
				bad[g] = "the bytes that were shipped there are not kept any more"
			}
		default:
			if wanted[g.from] == nil {
				wanted[g.from] = map[manifest.Path]*goal{}
			}
			wanted[g.from][g.Path] = g
		}
	}
	for k, of := range wanted {
		faults, err := k.Check(b.u.tree, true, func(e backup.Entry) bool {
			g := of[e.Path]
			return g != nil && e.Slot == g.kept && (e.Class == g.copied || g.copied == 0 && (e.Class == backup.Product || e.Class == backup.Record))
		})
		if err != nil {
			return false, err
		}
		for _, f := range faults {
			bad[of[f.Entry.Path]] = f.Reason
		}
	}
	if len(bad) == 0 {
		return false, nil
	}
	left := map[*kept]*backup.DamagedError{}
	for _, g := range b.goals { // in order
		reason, damaged := bad[g]
		if !damaged {
			continue
		}
		if b.u.opt.FromRelease {
			if g.instead, err = b.mend(g); err != nil {
				return false, err
			}
			if g.instead != nil {
				b.plan.Warnings = append(b.plan.Warnings, g.Path.String()+": "+g.instead.reason)
				continue
			}
			reason += ", and no release has it"
		}
		if left[g.from] == nil {
			left[g.from] = &backup.DamagedError{ID: g.from.ID, Turned: g.from.turned}
		}
		left[g.from].Paths = append(left[g.from].Paths, g.Path.String()+": "+reason)
	}
	var errs []error
	for _, k := range b.way.all {
		if left[k] != nil {
			errs = append(errs, left[k])
		}
	}
	return true, errors.Join(errs...)
}

// mend finds what to put at a path whose kept content is damaged: the same bytes where
// they are kept as shipped, else what the release gone to shipped there, from here or
// from the repository. nil: there is nothing.
func (b *backer) mend(g *goal) (*instead, error) {
	if g.Old.Kind == backup.Whole {
		return &instead{State: backup.State{Kind: backup.Absent}, reason: "what the product had made there is damaged; it makes it anew"}, nil
	}
	if data, err := b.base.get(g.Old.Digest); err == nil && g.Old.Kind == backup.File {
		return &instead{State: g.Old, content: data, reason: "its slot is damaged; the same bytes as shipped are kept elsewhere"}, nil
	}
	if g.Class == backup.Record {
		return b.mendRecord(g)
	}
	inv, err := b.inventoryThen()
	if err != nil {
		return nil, err
	}
	e := inv.Find(g.Path)
	if e == nil || e.Kind != manifest.File && e.Kind != manifest.Link {
		return nil, nil
	}
	in := &instead{State: g.Old, reason: fmt.Sprintf("its slot is damaged: as level %d shipped it", b.plan.To.Level)}
	in.Digest, in.Size, in.Target = e.Digest, e.Size, e.Target
	switch {
	case e.Kind == manifest.Link:
		in.Kind = backup.Link
		return in, nil
	case in.Kind == backup.Link:
		in.Kind, in.Mode = backup.File, e.Mode
	}
	if e.Digest != g.Old.Digest {
		in.reason += ", without the edits it had"
	}
	if data, err := b.base.get(e.Digest); err == nil {
		in.content = data
		return in, nil
	}
	in.blob = true
	return in, b.u.connect(b.ctx)
}

// inventoryThen is the list of the release that is gone to: from the snapshot if it is
// sound, else from the repository.
func (b *backer) inventoryThen() (*manifest.Inventory, error) {
	for _, g := range b.goals {
		if g.Path != inventoryPath || g.Class != backup.Record {
			continue
		}
		data, err := b.u.tree.ReadState(fmt.Sprintf("%s/%d", g.dir, g.kept), manifest.MaxInventoryBytes)
		if err == nil && manifest.DigestOf(data) == g.Old.Digest {
			return manifest.ParseAgain(inventoryPath, data, g.Old.Digest)
		}
		_, inv, err := b.releaseThen()
		return inv, err
	}
	return b.in.inventory, nil // the release stays the same
}

// releaseThen fetches manifest and inventory of the release that is gone to.
func (b *backer) releaseThen() ([]byte, *manifest.Inventory, error) {
	if err := b.u.connect(b.ctx); err != nil {
		return nil, nil, err
	}
	to := b.plan.To
	list, err := b.u.client.Releases(to.Channel)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range list {
		if r.Level != to.Level || r.Digest != to.Manifest {
			continue
		}
		m, raw, err := b.u.renewer().manifestOf(b.ctx, r)
		if err != nil {
			return nil, nil, err
		}
		inv, err := b.u.client.Inventory(b.ctx, m)
		return raw, inv, err
	}
	return nil, nil, fmt.Errorf("level %d: %w in channel %s with the manifest of then", to.Level, ErrUnknownLevel, to.Channel)
}

// mendRecord makes a file of the record of what is installed anew from the release.
func (b *backer) mendRecord(g *goal) (*instead, error) {
	raw, inv, err := b.releaseThen()
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(manifestPath, raw)
	if err != nil {
		return nil, err
	}
	next := record{Product: m.Product.Name, Version: m.Product.Version, Level: m.Level, Channel: b.plan.To.Channel, Released: m.Released,
		Snapshot: g.from.Previous, Engine: b.u.opt.Engine}
	for _, p := range b.in.Placed {
		if inv.Find(p.Path) == nil {
			next.Placed = append(next.Placed, p)
		}
	}
	data := recordFiles(&next, raw, inv)[g.Path]
	in := &instead{State: g.Old, content: data, reason: "made anew from the release"}
	in.Size, in.Digest = int64(len(data)), manifest.DigestOf(data)
	return in, nil
}
