package updater

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/proof"
	"inplace/updater/conflict"
	"inplace/updater/settings"
)

// resolution is what was decided about a place before this plan was made.
type resolution struct {
	conflict.Resolution
	replayed bool          // it was remembered; else it is of the workspace
	filled   bool          // of the workspace: it was filled in there as remembered
	decided  bool          // it was remembered, and decided here again
	final    manifest.Path // the file beside the live one that it was taken from; "" for none
	digest   manifest.Digest
	before   fsys.Info // of final
}

// Resolved is a conflict that was decided before, as a plan tells of it.
type Resolved struct {
	Path     manifest.Path `json:"path"`
	ID       conflict.ID   `json:"id"`
	Key      string        `json:"key,omitempty"`
	Replayed bool          `json:"replayed"` // remembered from an earlier run, or from another node
	Final    manifest.Path `json:"final,omitempty"`
	By       string        `json:"by"`
	At       string        `json:"at"`
	Why      string        `json:"why,omitempty"`

	kept *resolution
}

// settledBy is what decides a place: its resolution in the workspace; else the run's
// option; else what is remembered; else policy, a rule of the settings.
func (m *maker) settledBy(id conflict.ID, policy settings.OnConflict) (*resolution, settings.OnConflict) {
	kept, asked := m.kept[id]
	if !asked {
		var err error
		if kept, err = conflict.Get(m.u.tree, id); err != nil {
			m.plan.Warnings = append(m.plan.Warnings, "a remembered resolution is not used: "+err.Error())
			kept = nil
		}
		m.kept[id] = kept
	}
	if m.u.ws != nil {
		if r := m.u.ws.resolved[id]; r != nil {
			if kept != nil && kept.Same(&r.Resolution) && r.final == "" {
				return &resolution{Resolution: *kept, replayed: true, decided: !r.filled}, settings.Stop
			}
			return r, settings.Stop
		}
	}
	switch {
	case m.u.opt.OnConflict != "":
		return nil, policy
	case kept != nil:
		return &resolution{Resolution: *kept, replayed: true}, settings.Stop
	}
	return nil, policy
}

// tell notes in the plan that a resolution is used.
func (m *maker) tell(it *item, r *resolution) {
	m.plan.Resolved = append(m.plan.Resolved, Resolved{Path: it.path, ID: r.ID, Key: r.Key, Replayed: r.replayed, Final: r.final,
		By: r.By, At: r.At.UTC().Format("2006-01-02 15:04"), Why: r.Why, kept: r})
}

// resolve decides a path that is a conflict as a whole. Where r cannot be taken, c says
// why, and it fails.
func (m *maker) resolve(it *item, c *ConflictOf, r *resolution) bool {
	how := "conflict (" + c.Reason + ") resolved"
	if r.Take != conflict.Text {
		if !m.takeSide(it, settings.OnConflict(r.Take), how) {
			c.Fault = "the vendor's side cannot be taken: " + c.file.Barred
			return false
		}
		c.file.Take = r.Take
	} else if c.Fault = m.takeText(it, r, how); c.Fault != "" {
		return false
	}
	m.tell(it, r)
	c.final = r.Text
	if m.u.ws != nil {
		m.lay(it, c)
	}
	m.plan.settled = append(m.plan.settled, *c)
	return true
}

// takeText makes the text of r what becomes of the path, and takes the file that it came
// from away. fault says why that cannot be.
func (m *maker) takeText(it *item, r *resolution, how string) (fault string) {
	if why := m.barred(it); why != "" {
		return "nothing can be put there: " + why
	}
	if it.live.info.Exists && it.live.kind() != manifest.File {
		return "a " + it.live.kind().String() + " of yours stands there: move it away"
	}
	if fault = m.faultOf(it, r.Text); fault != "" {
		return fault
	}
	if !m.takeFinal(r) {
		return r.final.String() + ": is a path of the release, or data, and is not taken as a resolution"
	}
	d, size := manifest.DigestOf(r.Text), int64(len(r.Text))
	step := m.step(it, Merge, how+" by a text")
	if it.theirs == nil || it.theirs.Kind != manifest.File {
		step.Result = step.Ours
		if !it.live.info.Exists {
			step.Result = Side{Kind: manifest.File, Mode: 0o644}
			if it.base != nil && it.base.Kind == manifest.File {
				step.Result.Mode = it.base.Mode
			}
		}
	}
	switch {
	case it.live.info.IsFile() && d == it.live.digest:
		step = m.step(it, Keep, how+" for yours")
	case it.theirs != nil && it.theirs.Kind == manifest.File && d == it.theirs.Digest:
		action := Replace
		if !it.live.info.Exists {
			action = Add
		}
		step = m.step(it, action, how+" for the vendor's")
	default:
		if !it.live.info.Exists {
			step.Action = Add
		}
		ours, err := m.ours(it)
		if err != nil {
			return err.Error()
		}
		step.Result.Size, step.Result.Digest = size, d
		step.content, step.base, step.ours, step.merged = r.Text, ours, ours, true
	}
	it.step = step
	return ""
}

// faultOf says why text cannot become of a path: markers are left in it, or it is not of
// the format that ours is of.
func (m *maker) faultOf(it *item, text []byte) string {
	ours, err := m.ours(it)
	if err != nil || ours == nil || !manifest.IsText(ours) {
		return ""
	}
	return textFault(m.format(it.path, ours), ours, text)
}

func textFault(format string, ours, text []byte) string {
	if line := conflict.AnyMarker(text); line > 0 && conflict.AnyMarker(ours) == 0 {
		return fmt.Sprintf("line %d: a conflict marker is left", line)
	}
	if proof.Parses(format, ours) == nil {
		if err := proof.Parses(format, text); err != nil {
			return "what was decided is not " + format + " any more: " + err.Error()
		}
	}
	return ""
}

// takeFinal plans to move the file that a resolution came from into the snapshot.
func (m *maker) takeFinal(r *resolution) bool {
	p := r.final
	if p == "" {
		return true
	}
	if c := m.class(p); m.byPath[p] != nil || m.in.inventory.Find(p) != nil || m.to.inventory.Find(p) != nil || c == manifest.Data || c == manifest.Ignore {
		return false
	}
	it := &item{path: p, at: p, class: m.class(p), live: live{info: r.before, digest: r.digest}}
	it.step = m.step(it, Remove, "taken as the resolution of "+strings.TrimSuffix(p.String(), conflict.FinalSuffix))
	m.items, m.byPath[p] = append(m.items, it), it
	return true
}

// settle decides the places of a text that both sides changed, each for itself; mine and
// pinned are ours and theirs as they were merged. It returns the text if no place is
// left; else the step of the path is decided.
func (m *maker) settle(it *item, format string, sides *ConflictOf, mine, pinned []byte, res merge.Result) (text []byte, ok bool) {
	c := *sides
	c.mine, c.pinned = mine, pinned
	c.Path, c.Kind, c.Reason = it.path, conflict.Contents, hunkReason(res.Conflicts)
	c.file = m.fileOf(it, &c)
	c.file.Format, c.file.Parses = format, proof.Parses(format, c.ours) == nil
	if len(res.Blocks) == 0 {
		m.conflict(it, c.Reason)
		return nil, false
	}
	if whole, _ := m.settledBy(c.file.ID, settings.Stop); whole != nil && whole.Take == conflict.Text {
		if c.Fault = textFault(format, c.ours, whole.Text); c.Fault == "" && !m.takeFinal(whole) {
			c.Fault = whole.final.String() + ": is a path of the release, or data, and is not taken as a resolution"
		}
		if c.Fault == "" {
			m.tell(it, whole)
			it.step.Reason = "resolved"
			c.layPlaces(m, &res, whole.Text, nil)
			m.plan.settled = append(m.plan.settled, c)
			return whole.Text, true
		}
	}
	// First what a rule decides: the workspace does not ask about it.
	ruled := 0
	res = res.Settle(func(b merge.Block) ([]byte, bool) {
		r, side := m.settledBy(c.place(m, b).ID(), m.blockPolicy(it.path, b))
		if r != nil {
			return nil, false
		}
		text, ok := blockSide(b, side)
		if ok {
			ruled++
		}
		return text, ok
	})
	content, used, fault := m.replay(it, &c, &res, true)
	if fault != "" && len(used) > 0 {
		var asked string
		if content, used, asked = m.replay(it, &c, &res, false); asked == "" {
			m.plan.Warnings = append(m.plan.Warnings, fmt.Sprintf("%s: what is remembered does not hold here and is asked anew: %s", it.path, fault))
		}
		fault = asked
	}
	c.Fault = cmp.Or(c.Fault, fault)
	c.layPlaces(m, &res, content.Merged, used)
	if fault != "" || !content.Clean() {
		left := content.Conflicts
		if len(left) == 0 {
			left = res.Conflicts
		}
		if len(left) == 0 { // all that was decided, by rules alone, does not parse
			m.conflict(it, c.Reason)
			return nil, false
		}
		c.Reason, c.Hunks = hunkReason(left), left
		it.step = m.step(it, Conflict, c.Reason)
		m.plan.Conflicts = append(m.plan.Conflicts, c)
		return nil, false
	}
	for _, r := range used {
		m.tell(it, r)
	}
	it.step.Reason = "merged; " + plural(ruled+len(used), "conflict") + " decided by a policy or an option"
	if len(used) > 0 {
		it.step.Reason = "merged; " + plural(len(used), "conflict") + " resolved"
		m.plan.settled = append(m.plan.settled, c)
	}
	return content.Merged, true
}

// replay fills in the resolutions of the places of a text; remembered says whether those
// of earlier runs count. One that was decided with other texts around it has to be proven,
// as any merge that nobody has looked at. fault says why what comes out cannot be used, if all is decided.
func (m *maker) replay(it *item, c *ConflictOf, res *merge.Result, remembered bool) (out merge.Result, used []*resolution, fault string) {
	unseen := false
	texts := map[int][]byte{}
	out = res.Settle(func(b merge.Block) ([]byte, bool) {
		r, _ := m.settledBy(c.place(m, b).ID(), settings.Stop)
		if r == nil || r.Take != conflict.Text || r.replayed && !remembered {
			return nil, false
		}
		used, unseen = append(used, r), unseen || r.replayed && !r.decided && r.In != c.file.ID
		texts[b.Start] = r.Text
		return r.Text, true
	})
	if !out.Clean() {
		return out, used, ""
	}
	if fault = textFault(c.file.Format, c.ours, out.Merged); fault == "" && unseen {
		if err := m.provenAs(c, res, texts, out.Merged); err != nil {
			fault = err.Error()
		}
	}
	return out, used, fault
}

// provenAs holds a text that was put together from remembered resolutions against the
// rules of any merge, as if the decisions were the vendor's changes: what ours changed
// apart from the places, and theirs with each place as it was decided, must both be in it,
// and nothing twice.
func (m *maker) provenAs(c *ConflictOf, res *merge.Result, texts map[int][]byte, merged []byte) error {
	shipped := map[int][]byte{}
	for _, b := range res.Blocks {
		shipped[b.Start] = b.Base
	}
	ours, ok := withPlaces(c.mine, res.Blocks, shipped, func(k merge.Conflict) (int, int) { return k.OursStart, k.OursEnd })
	theirs, fine := withPlaces(c.pinned, res.Blocks, texts, func(k merge.Conflict) (int, int) { return k.TheirsStart, k.TheirsEnd })
	if !ok || !fine {
		return errors.New("its places lie within each other")
	}
	return proof.Check(c.file.Format, c.base, ours, theirs, merged)
}

// withPlaces is a side with the lines of each block replaced by its text.
func withPlaces(side []byte, blocks []merge.Block, texts map[int][]byte, lines func(merge.Conflict) (from, to int)) ([]byte, bool) {
	type change struct {
		from, to int
		text     []byte
	}
	var changes []change
	for _, b := range blocks {
		from, to := lines(b.Conflicts[0])
		for _, k := range b.Conflicts[1:] {
			f, t := lines(k)
			from, to = min(from, f), max(to, t)
		}
		changes = append(changes, change{from, to, texts[b.Start]})
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.from - b.from })
	var out []byte
	n := 0
	rest := slices.Collect(bytes.Lines(side))
	for _, k := range changes {
		if k.from < n || k.to > len(rest) {
			return nil, false
		}
		for ; n < k.from; n++ {
			out = append(out, rest[n]...)
		}
		if len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(out, '\n')
		}
		out, n = append(out, k.text...), k.to
	}
	for ; n < len(rest); n++ {
		out = append(out, rest[n]...)
	}
	return out, true
}

// place is what a block of the conflict c is known by.
func (c *ConflictOf) place(m *maker, b merge.Block) conflict.Place {
	first := b.Conflicts[0]
	p := conflict.Place{Product: m.in.Product, Path: c.Path, Format: c.file.Format, Key: blockKey(b), Base: b.Base, Ours: b.Ours, Theirs: b.Theirs}
	if p.Key == "" {
		p.Before, p.After = conflict.Around(c.base, first.BaseStart, first.BaseEnd)
	}
	return p
}

func blockKey(b merge.Block) string {
	var keys []string
	for _, k := range b.Conflicts {
		if k.Key != "" {
			keys = append(keys, k.Key)
		}
	}
	return strings.Join(keys, ", ")
}

// layPlaces puts into c what the workspace is to have of its places: res has the text
// with markers, merged what it has become by what was used.
func (c *ConflictOf) layPlaces(m *maker, res *merge.Result, merged []byte, used []*resolution) {
	c.marked, c.merged = res.Merged, merged
	c.file.Spots = nil
	line, at := 0, 0
	for _, b := range res.Blocks {
		line += strings.Count(string(res.Merged[at:b.Start]), "\n")
		rows := strings.Count(string(res.Merged[b.Start:b.End]), "\n")
		first := b.Conflicts[0]
		c.file.Marker = conflict.MarkerLen(res.Merged[b.Start:b.End])
		spot := conflict.Spot{ID: c.place(m, b).ID(), Key: blockKey(b), Reason: first.Reason, From: line, To: line + rows}
		spot.Replayed = slices.ContainsFunc(used, func(r *resolution) bool { return r.ID == spot.ID && r.replayed && !r.decided })
		c.file.Spots = append(c.file.Spots, spot)
		line, at = line+rows, b.End
	}
}

// blockPolicy is what the run or the settings decide about a block: all its conflicts
// alike, or nothing.
func (m *maker) blockPolicy(p manifest.Path, b merge.Block) settings.OnConflict {
	side := m.policy(p, b.Conflicts[0].Key)
	for _, k := range b.Conflicts[1:] {
		if m.policy(p, k.Key) != side {
			return settings.Stop
		}
	}
	return side
}

// blockSide is a side of a block; ok is false for Stop.
func blockSide(b merge.Block, side settings.OnConflict) (text []byte, ok bool) {
	switch side {
	case settings.Ours:
		return b.Ours, true
	case settings.Theirs:
		return b.Theirs, true
	}
	return nil, false
}

// kindOf says what contradicts at a path that is decided as a whole.
func (m *maker) kindOf(it *item, reason string) conflict.Kind {
	switch {
	case reason == reasonMode:
		return conflict.Mode
	case it.base == nil:
		return conflict.Added
	case it.theirs == nil, !it.live.info.Exists:
		return conflict.Deleted
	case it.live.kind() != it.base.Kind, it.theirs.Kind != it.base.Kind, it.base.Kind != manifest.File:
		return conflict.Changed
	}
	return conflict.Binary
}

// fileOf is the record of a path that waits, as far as it is known yet.
func (m *maker) fileOf(it *item, c *ConflictOf) conflict.File {
	mode := c.Kind == conflict.Mode
	entry := func(e *manifest.Entry) string { return sideWord(sideOf(e), mode) }
	f := conflict.File{Path: conflict.Name(it.path), Kind: c.Kind, Reason: c.Reason, Barred: m.barred(it), Spots: []conflict.Spot{},
		ID: conflict.Whole(m.in.Product, it.path, entry(it.base), sideWord(it.live.side(), mode), entry(it.theirs))}
	if ours, err := m.ours(it); err == nil && ours != nil && manifest.IsText(ours) {
		f.Format = m.format(it.path, ours)
		f.Parses = proof.Parses(f.Format, ours) == nil && f.Format != formats.Lines
	}
	return f
}

// sideWord is a side of a path decided as a whole, as its identity has it.
func sideWord(s Side, mode bool) string {
	var w string
	switch s.Kind {
	case manifest.File:
		w = "file " + s.Digest.String()
	case manifest.Link:
		w = "link " + s.Target
	default:
		w = s.Kind.String()
	}
	if mode {
		w += fmt.Sprintf(" %04o", s.Mode)
	}
	return w
}
