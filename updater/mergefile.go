package updater

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"inplace/manifest"
	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/proof"
	"inplace/updater/settings"
)

// maxMerge is the largest file that is merged; beyond it both sides' changes are a
// conflict of the whole file.
const maxMerge = 16 << 20

// conflict makes the path a conflict, unless the run or the settings decide it.
func (m *maker) conflict(it *item, reason string) {
	switch m.policy(it.path) {
	case settings.Ours:
		action := Keep
		if !it.live.info.Exists {
			action = Deleted
		}
		it.step = m.step(it, action, "conflict ("+reason+") decided for yours")
		it.step.decided = true
		return
	case settings.Theirs:
		switch {
		case it.theirs == nil:
			it.step = m.step(it, Remove, "conflict ("+reason+") decided for the vendor's; yours goes into the snapshot")
			return
		case it.live.kind() == manifest.Other, it.live.kind() == manifest.Dir && it.theirs.Kind != manifest.Dir:
			// a directory of the operator's is not thrown away by a policy
		case !it.live.info.Exists:
			it.step = m.step(it, Add, "conflict ("+reason+") decided for the vendor's")
			return
		default:
			it.step = m.step(it, Replace, "conflict ("+reason+") decided for the vendor's; yours goes into the snapshot")
			return
		}
	}
	it.step = m.step(it, Conflict, reason)
	m.plan.Conflicts = append(m.plan.Conflicts, ConflictOf{Path: it.path, Reason: reason})
	if err := m.sides(it, &m.plan.Conflicts[len(m.plan.Conflicts)-1]); err != nil {
		m.plan.Warnings = append(m.plan.Warnings, fmt.Sprintf("%s: not all sides could be read: %v", it.path, err))
	}
}

// policy is what decides a conflict at p: the run's option, else the first policy of
// the settings that covers the whole of p.
func (m *maker) policy(p manifest.Path) settings.OnConflict {
	if m.u.opt.OnConflict != "" {
		return settings.OnConflict(m.u.opt.OnConflict)
	}
	for _, rule := range m.u.settings.Policy {
		if g, err := manifest.CompileGlob(rule.Path); err == nil && rule.Key == "" && g.Match(p) {
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
		sides, left := m.sidesOf(it.path, res.Conflicts)
		picked, ok := pick(content, sides)
		switch {
		case ok && len(left) == 0 && (proof.Parses(format, ours) != nil || proof.Parses(format, picked) == nil):
			it.step.Reason = "merged; " + plural(len(sides), "conflict") + " decided by a policy or an option"
			content = picked
		case ok && len(left) > 0:
			content, reason = picked, hunkReason(left)
		default:
			left, reason = res.Conflicts, hunkReason(res.Conflicts)
		}
		if reason != "" || !ok {
			m.conflictIn(it, cmp.Or(reason, hunkReason(res.Conflicts)), left, content)
			return nil
		}
	}
	it.step.Notes = append(append(notes, moved...), res.Notes...)
	m.merged(it, base, ours, content)
	return nil
}

// conflictIn is a conflict within a file, with the text that has its markers.
func (m *maker) conflictIn(it *item, reason string, hunks []merge.Conflict, marked []byte) {
	before := len(m.plan.Conflicts)
	m.conflict(it, reason)
	if len(m.plan.Conflicts) > before {
		last := &m.plan.Conflicts[len(m.plan.Conflicts)-1]
		last.Hunks, last.merged = hunks, marked
	}
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
	r, err := m.u.client.Blob(m.ctx, e.Digest, e.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	data := make([]byte, 0, e.Size)
	buf := bytes.NewBuffer(data)
	_, err = io.Copy(buf, r)
	return buf.Bytes(), err
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

// pick resolves the conflicts of a marked text, in their order, each for its side; one
// whose side is Stop keeps its markers. It fails on a text whose markers do not pair or
// are not as many as the sides.
func pick(marked []byte, sides []settings.OnConflict) ([]byte, bool) {
	var out []byte
	state := byte(0) // the marker passed last
	n := 0
	for line := range bytes.Lines(marked) {
		mark := marker(line)
		if mark != 0 {
			i := slices.Index([]byte{'<', '|', '=', '>'}, mark)
			if before := []byte{0, '<', '|', '='}[i]; state != before || n >= len(sides) {
				return nil, false
			}
			state = mark
		}
		side := settings.Stop
		if state != 0 {
			side = sides[n]
		}
		if side == settings.Stop || mark == 0 && (state == '<' && side == settings.Ours || state == '=' && side == settings.Theirs) {
			out = append(out, line...)
		}
		if mark == '>' {
			state = 0
			n++
		}
	}
	return out, state == 0 && n == len(sides)
}

// marker is the character of a conflict marker line, or 0.
func marker(line []byte) byte {
	for _, c := range []byte{'<', '|', '=', '>'} {
		run := bytes.Repeat([]byte{c}, 7)
		if rest, ok := bytes.CutPrefix(line, run); ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\r') {
			return c
		}
	}
	return 0
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
