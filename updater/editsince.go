package updater

import (
	"fmt"

	"inplace/backup"
)

// edited warns of a path with an edit since, which e takes out of the way.
func (p *Plan) edited(now *live, e backup.Entry) {
	if e.ModeOnly() || !movable(e.Old) || !now.differs(e.New) {
		return // nothing of it goes
	}
	p.edits = append(p.edits, editSince{e, len(p.Warnings)})
	p.Warnings = append(p.Warnings, e.Path.String()+": you changed it since; what is there now goes into the new snapshot")
}

// editsIn says in those warnings where the snapshot keeps what was there.
func (p *Plan) editsIn(snap *backup.Snapshot, roots []backup.Root) {
	snap.Roots = roots
	for _, x := range p.edits {
		if x.entry.Slot != backup.NoSlot { // else it is listed as moved aside
			p.Warnings[x.at] = fmt.Sprintf("%s: you changed it since; going back keeps what was there in %s/%d", x.entry.Path, snap.SlotsOf(x.entry), x.entry.Slot)
		}
	}
}

// editSince is an edit that a revert takes out of the way, and the index of the warning of it.
type editSince struct {
	entry backup.Entry
	at    int
}
