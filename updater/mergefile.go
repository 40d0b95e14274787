package updater

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"inplace/manifest"
	"inplace/merge"
	"inplace/merge/formats"
	"inplace/updater/settings"
)

// maxMerge is the largest file that is merged; beyond it both sides' changes are a
// conflict of the whole file.
const maxMerge = 16 << 20

// conflict makes the path a conflict, unless it was resolved before, or the run or the
// settings decide it.
func (m *maker) conflict(it *item, reason string) {
	c := ConflictOf{Path: it.path, Reason: reason, Kind: m.kindOf(it, reason)}
	c.file = m.fileOf(it, &c)
	r, side := m.settledBy(c.file.ID, m.policy(it.path, ""))
	if r != nil && m.resolve(it, &c, r) {
		return
	}
	if m.takeSide(it, side, "conflict ("+reason+") decided") {
		return
	}
	it.step = m.step(it, Conflict, reason)
	m.lay(it, &c)
	m.plan.Conflicts = append(m.plan.Conflicts, c)
}

// lay reads the sides of a conflict for the workspace.
func (m *maker) lay(it *item, c *ConflictOf) {
	if c.has != [3]bool{} {
		return
	}
	if err := m.sides(it, c); err != nil {
		m.plan.Warnings = append(m.plan.Warnings, fmt.Sprintf("%s: not all sides could be read: %v", it.path, err))
	}
}

// takeSide decides a path for one side; it fails for Stop, and where the vendor's side
// cannot be put there. how begins the reason.
func (m *maker) takeSide(it *item, side settings.OnConflict, how string) bool {
	switch side {
	case settings.Ours:
		action := Keep
		if !it.live.info.Exists {
			action = Deleted
		}
		it.step = m.step(it, action, how+" for yours")
		it.step.decided = true
		return true
	case settings.Theirs:
		switch {
		case it.theirs == nil:
			it.step = m.step(it, Remove, how+" for the vendor's; yours goes into the snapshot")
		case m.barred(it) != "":
			return false
		case !it.live.info.Exists:
			it.step = m.step(it, Add, how+" for the vendor's")
		default:
			it.step = m.step(it, Replace, how+" for the vendor's; yours goes into the snapshot")
		}
		return true
	}
	return false
}

// barred says why the vendor's side cannot be put at a path; "" if it can.
func (m *maker) barred(it *item) string {
	if it.theirs == nil {
		return ""
	}
	above, err := m.dirs.at(it.path.Parent())
	switch {
	case err == nil && above.state == dirBlocked:
		return above.top.String() + " is not a directory any more: move away what stands there"
	case it.live.kind() == manifest.Other, it.live.kind() == manifest.Dir && it.theirs.Kind != manifest.Dir:
		return "a " + it.live.kind().String() + " of yours stands there, which is not thrown away: move it away"
	}
	return ""
}

// policy is what decides a conflict at the key of p, "" being the whole of p: the run's
// option, else the first policy of the settings that covers it.
func (m *maker) policy(p manifest.Path, key string) settings.OnConflict {
	if m.u.opt.OnConflict != "" {
		return settings.OnConflict(m.u.opt.OnConflict)
	}
	for _, rule := range m.u.settings.Policy {
		if g, err := manifest.CompileGlob(rule.Path); err == nil && (rule.Key == "" || rule.Key == key) && g.Match(p) {
			return rule.OnConflict
		}
	}
	return settings.Stop
}

// sides reads the three sides of a conflict, as far as they are files of a size to
// lay beside each other.
func (m *maker) sides(it *item, c *ConflictOf) error {
	var errs []error
	for i, read := range []func() ([]byte, error){
		func() ([]byte, error) { return m.shipped(it.base) },
		func() ([]byte, error) { return m.ours(it) },
		func() ([]byte, error) { return m.shipped(it.theirs) },
	} {
		data, err := read()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if data == nil {
			continue
		}
		c.has[i] = true
		*[]*[]byte{&c.base, &c.ours, &c.theirs}[i] = data
	}
	return errors.Join(errs...)
}

// merge merges every file that both sides changed, and proves the result.
func (m *maker) merge() error {
	var todo []*item
	for _, it := range m.items {
		if it.step != nil && it.step.merged {
			todo = append(todo, it)
		}
	}
	m.ahead = readAhead(m.ctx, m.u.client, func() (sides []*manifest.Entry) {
		for _, it := range todo {
			for _, e := range []*manifest.Entry{it.base, it.theirs} {
				if e != nil && !m.base.has(e.Digest) && m.u.prep.content(e.Digest) == nil {
					sides = append(sides, e)
				}
			}
		}
		return sides
	})
	defer func() {
		m.ahead.close()
		m.ahead = nil
	}()
	for _, it := range todo {
		if err := cancelled(m.ctx); err != nil {
			return err
		}
		it.step.merged = false
		one := m.mergeOne
		if it.theirs == nil {
			one = m.moveKeys
		}
		if err := one(it); err != nil {
			return fmt.Errorf("merge %s: %w", it.path, err)
		}
	}
	return m.carry()
}

func (m *maker) mergeOne(it *item) error {
	if max(it.base.Size, it.live.info.Size, it.theirs.Size) > maxMerge {
		m.conflict(it, fmt.Sprintf("you and this release both changed it, and files over %d MiB are not merged", maxMerge>>20))
		return nil
	}
	if it.base.SameContent(it.theirs) { // renamed only
		ours, err := m.ours(it)
		if err != nil {
			return err
		}
		m.merged(it, ours, ours, ours)
		return nil
	}
	var c ConflictOf
	if err := m.sides(it, &c); err != nil {
		return err
	}
	base, ours, theirs := c.base, c.ours, c.theirs
	if !manifest.IsText(base) || !manifest.IsText(ours) || !manifest.IsText(theirs) {
		m.conflict(it, "you changed this binary file, this release changes it too")
		return nil
	}
	format := m.format(it.path, theirs)
	pinned, notes, reason := m.pin(it, format, base, ours, theirs)
	if reason != "" {
		m.conflict(it, reason)
		return nil
	}
	mine, moved := m.migrate(it, format, base, ours, pinned)
	res := formats.Merge(format, base, mine, pinned, merge.Options{Path: string(it.path),
		Labels: merge.Labels{Ours: "ours (as it is now)", Base: fmt.Sprintf("base (level %d)", m.in.Level), Theirs: fmt.Sprintf("theirs (level %d)", m.to.Level)}})
	content := res.Merged
	if !res.Clean() {
		var ok bool
		if content, ok = m.settle(it, format, &c, mine, pinned, res); !ok {
			return nil
		}
	}
	it.step.Notes = append(append(notes, moved...), res.Notes...)
	m.merged(it, base, ours, content)
	switch s := it.step; {
	case s.merged || s.Reason == "":
	case !res.Clean() && s.Action == Replace:
		s.Reason = "you edited it; this release's side is taken where both changed it"
	case !res.Clean():
		s.Reason = "you edited it; your side stays where both changed it"
	case s.Action != Replace && !bytes.Equal(pinned, theirs):
		s.Reason = "you edited it; your pinned values stay"
	}
	return nil
}

// moveKeys settles a file that the operator edited and the vendor drops: if all that
// was edited is keys that the vendor moves elsewhere, the values go along and the
// file goes.
func (m *maker) moveKeys(it *item) error {
	base, err := m.shipped(it.base)
	if err != nil {
		return err
	}
	ours, err := m.ours(it)
	if err != nil {
		return err
	}
	carried := len(m.carried)
	rest, notes := m.migrate(it, m.format(it.path, ours), base, ours, nil)
	if !bytes.Equal(rest, base) {
		m.carried = m.carried[:carried]
		m.conflict(it, reasonYouEdit)
		return nil
	}
	it.step = m.step(it, Remove, "not in this release any more; your values go along")
	it.step.Notes = notes
	return nil
}

// merged settles a path whose contents were merged into content.
func (m *maker) merged(it *item, base, ours, content []byte) {
	d := manifest.DigestOf(content)
	s := it.step
	switch {
	case it.at == it.path && d == it.live.digest:
		s.Action, s.Reason = Keep, "you edited it; what this release changes is there already"
		mode := s.Result.Mode
		s.Result = s.Ours
		if s.Ours.Mode != mode {
			s.Action, s.Result.Mode = Mode, mode
		}
		return
	case d == it.theirs.Digest && it.at == it.path:
		s.Action, s.Reason = Replace, "this release contains your edits"
		return
	}
	s.Result.Size, s.Result.Digest = int64(len(content)), d
	s.content, s.base, s.ours, s.merged = content, base, ours, true
}

// format is what the manifest says of p, else what its name and content tell.
func (m *maker) format(p manifest.Path, head []byte) string {
	if f := m.rules[1].Format(p); f != "" {
		return f
	}
	return formats.Detect(string(p), head)
}

// shipped is the content that the vendor shipped as e, from the packs or from the
// repository; nil where e is no file or one too large to lay aside.
func (m *maker) shipped(e *manifest.Entry) ([]byte, error) {
	if e == nil || e.Kind != manifest.File || e.Size > maxMerge {
		return nil, nil
	}
	if data, err := m.base.get(e.Digest); err == nil {
		return data, nil
	} else if !errors.Is(err, errNotKept) {
		return nil, err
	}
	if data := m.u.prep.content(e.Digest); data != nil {
		return data, nil
	}
	return m.ahead.get(m.ctx, m.u.client, e)
}

// ours is the operator's content, checked to be the one that was looked at.
func (m *maker) ours(it *item) ([]byte, error) {
	if !it.live.info.IsFile() || it.live.info.Size > maxMerge {
		return nil, nil
	}
	f, err := m.u.tree.Open(string(it.at))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxMerge+1))
	if err != nil {
		return nil, err
	}
	if manifest.DigestOf(data) != it.live.digest {
		return nil, fmt.Errorf("%s: was changed while the plan was made", it.at)
	}
	return data, nil
}

func hunkReason(hunks []merge.Conflict) string {
	first := hunks[0]
	text := first.Reason
	if first.Key != "" {
		text = first.Key + ": " + text
	} else if first.OursEnd > first.OursStart {
		text = fmt.Sprintf("line %d: %s", first.OursStart+1, text)
	}
	if len(hunks) > 1 {
		text += fmt.Sprintf(" (and %s more)", plural(len(hunks)-1, "place"))
	}
	return text
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
