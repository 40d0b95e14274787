package updater

import (
	"inplace/backup"
	"inplace/manifest"
)

// goal is what a revert puts at one path.
type goal struct {
	backup.Entry // Old is put back; New is what the newest change on the way left there

	from *kept  // the snapshot that keeps the content; nil: none is needed
	dir  string // where in it; "": with the pristine contents
	kept int    // the number in that directory

	now    live // what is there, once it has been looked at
	looked bool
	plain  bool // it could be looked at; where not, the plan says why

	instead *instead     // of damaged content
	copied  backup.Class // Config or Data: a copy that is put back on request only; else 0
}

// over is the snapshots whose entries are put back: the steps, or the one gone to where the record
// is as it holds it already.
func (w *wayBack) over() []*kept {
	if len(w.steps) == 0 && w.holds != nil {
		return []*kept{w.holds}
	}
	return w.steps
}

// goals follows the way over all that it touches. Of a path that several changes touch
// the last one on the way counts; one that changed the mode alone changes only that.
// Directories whose time changed come apart.
func (w *wayBack) goals() (out []*goal, touched map[manifest.Path]int64) {
	at := map[manifest.Path]*goal{}
	touched = map[manifest.Path]int64{}
	for _, k := range w.over() {
		for _, e := range k.Entries {
			switch e.Class {
			case backup.Touched:
				touched[e.Path] = e.Old.MTime
				continue
			case backup.Product, backup.Record:
			default:
				continue
			}
			g := at[e.Path]
			if g == nil {
				g = &goal{Entry: e, from: k, dir: k.SlotsOf(e), kept: e.Slot}
				at[e.Path] = g
				out = append(out, g)
				continue
			}
			g.follow(e, k)
		}
	}
	return out, touched
}

// follow goes one change further.
func (g *goal) follow(e backup.Entry, k *kept) {
	switch {
	case g.from == k: // moved whole out and another one in: what was there counts
		if e.Old.Kind == backup.Whole {
			g.Old, g.Slot, g.kept, g.dir = e.Old, e.Slot, e.Slot, k.SlotsOf(e)
		}
	case e.ModeOnly() && g.Old.Kind == e.Old.Kind:
		g.Old.Mode = e.Old.Mode
	default:
		g.Old, g.Slot, g.from, g.kept, g.dir = e.Old, e.Slot, k, e.Slot, k.SlotsOf(e)
	}
}

// holds reports whether the snapshot keeps content for the goal.
func (g *goal) holds() bool {
	switch g.Old.Kind {
	case backup.Link:
		return g.copied != backup.Config // else the entry has all of it
	case backup.File, backup.Whole:
		return !g.ModeOnly()
	}
	return false
}
