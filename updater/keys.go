package updater

import (
	"bytes"
	"fmt"

	"inplace/manifest"
	"inplace/merge"
	"inplace/merge/formats"
)

// Some keys of a file are decided before it is merged. A pin keeps the operator's value
// whatever the vendor's is: the vendor's text is taken as if it had that value. A key
// that the vendor's manifest migrates is taken out of the operator's edits, so that its
// removal is no conflict, and its value is put where it goes once everything is merged.

// carried is an operator's value on its way to another key.
type carried struct {
	source *item
	from   string // the old key
	to     manifest.KeyRef
	format string // that raw is spelt in
	raw    []byte
	plain  string // without quotes, mapped
	mapped bool
}

// pins are the pinned keys of p.
func (m *maker) pins(p manifest.Path) []string {
	var out []string
	for _, pin := range m.u.settings.Pins {
		if pin.Path == p {
			out = append(out, pin.Key)
		}
	}
	return out
}

// migrations are those of the levels on the way that start in p.
func (m *maker) migrations(p manifest.Path) []manifest.Migration {
	var out []manifest.Migration
	for _, level := range m.to.between {
		for _, mg := range level.Migrations {
			if mg.From.Path == p {
				out = append(out, mg)
			}
		}
	}
	return out
}

// pin returns theirs with the operator's values of pinned keys. The reason is not ""
// where a pin cannot hold.
func (m *maker) pin(it *item, format string, base, ours, theirs []byte) (out []byte, notes []merge.Note, reason string) {
	for _, key := range m.pins(it.path) {
		raw, mine, err := formats.Get(format, ours, key)
		if err != nil {
			notes = append(notes, merge.Note{Key: key, Text: "is pinned, but your file has no such key, or more than one"})
			continue
		}
		_, vendors, err := formats.Get(format, theirs, key)
		if err != nil {
			if _, _, err := formats.Get(format, base, key); err == nil {
				return nil, nil, key + ": you pinned it, this release removes it"
			}
			continue
		}
		if vendors == mine {
			continue
		}
		if theirs, err = formats.Set(format, theirs, key, raw); err != nil {
			return nil, nil, key + ": is pinned and cannot be kept: " + err.Error()
		}
		notes = append(notes, merge.Note{Key: key, Text: "pinned: yours stays"})
	}
	return theirs, notes, ""
}

// migrate returns ours with the edits of migrated keys taken out, and remembers where
// their values go. theirs is nil where the vendor drops the whole file.
func (m *maker) migrate(it *item, format string, base, ours, theirs []byte) (out []byte, notes []merge.Note) {
	for _, mg := range m.migrations(it.at) {
		key := mg.From.Key
		raw, mine, err := formats.Get(format, ours, key)
		if err != nil {
			continue
		}
		shipped, before, err := formats.Get(format, base, key)
		if err != nil || before == mine {
			continue // the operator's own key, or not edited
		}
		if _, _, err := formats.Get(format, theirs, key); err == nil && theirs != nil {
			continue // the vendor still has it
		}
		kept := bytes.Clone(raw)
		reset, err := formats.Set(format, ours, key, shipped)
		if err != nil {
			continue
		}
		ours = reset
		if mg.To == nil {
			notes = append(notes, merge.Note{Key: key, Text: joinWords("is gone in this release, your value with it", mg.Message)})
			continue
		}
		c := carried{source: it, from: key, to: *mg.To, format: format, raw: kept, plain: unquote(kept)}
		if to, ok := mg.Map[c.plain]; ok {
			c.plain, c.mapped = to, true
		}
		m.carried = append(m.carried, c)
		notes = append(notes, merge.Note{Key: key, Text: joinWords(fmt.Sprintf("is now %s in %s, your value goes along", mg.To.Key, mg.To.Path), mg.Message)})
	}
	return ours, notes
}

func joinWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + ": " + b
}

// carry puts the values of migrated keys where they go.
func (m *maker) carry() error {
	for _, c := range m.carried {
		if c.source.step == nil || c.source.step.Action == Conflict {
			continue // the source itself is not decided
		}
		reason, err := m.carryOne(c)
		if err != nil {
			return err
		}
		if reason != "" {
			m.conflict(c.source, fmt.Sprintf("%s moves to %s in %s, where your value cannot be put: %s", c.from, c.to.Key, c.to.Path, reason))
		}
	}
	return nil
}

func (m *maker) carryOne(c carried) (reason string, err error) {
	t := m.byPath[c.to.Path]
	if t == nil || t.step == nil || t.step.Result.Kind != manifest.File {
		return "this release does not change that file", nil
	}
	var now, ours []byte
	switch {
	case t.step.merged:
		now, ours = t.step.content, t.step.ours
	case t.step.Action == Add, t.step.Action == Replace:
		if now, err = m.shipped(t.theirs); err == nil && t.step.Action == Replace {
			ours, err = m.ours(t)
		}
	case t.step.Action == Conflict:
		return "that file has a conflict of its own", nil
	default:
		now, err = m.ours(t)
		ours = now
	}
	if err != nil {
		return "", err
	}
	format := m.format(t.path, now)
	current, _, err := formats.Get(format, now, c.to.Key)
	if err != nil {
		return err.Error(), nil
	}
	raw := c.raw
	if c.mapped || c.format != format {
		raw = spell(current, c.plain)
	}
	content, err := formats.Set(format, now, c.to.Key, raw)
	if err != nil {
		return err.Error(), nil
	}
	s := t.step
	if s.Action != Add {
		s.Action, s.Reason = Merge, "your value of a key that moved here goes along"
	}
	s.Result.Size, s.Result.Digest = int64(len(content)), manifest.DigestOf(content)
	s.content, s.ours, s.merged = content, ours, true
	if s.base == nil { // not merged for another reason as well: all else is the vendor's
		s.base = ours
	}
	s.Notes = append(s.Notes, merge.Note{Key: c.to.Key, Text: fmt.Sprintf("your value of %s in %s", c.from, c.source.path)})
	return "", nil
}

// unquote takes one pair of quotes off.
func unquote(raw []byte) string {
	if n := len(raw); n >= 2 && (raw[0] == '"' || raw[0] == '\'') && raw[n-1] == raw[0] {
		raw = raw[1 : n-1]
	}
	return string(raw)
}

// spell quotes plain as the value that it takes the place of is quoted.
func spell(current []byte, plain string) []byte {
	if n := len(current); n >= 2 && (current[0] == '"' || current[0] == '\'') && current[n-1] == current[0] {
		return []byte(string(current[0]) + plain + string(current[0]))
	}
	return []byte(plain)
}
