package updater

import (
	"context"
	"fmt"
	"slices"

	"inplace/manifest"
	"inplace/manifest/repository"
)

// LacksError reports a source that has a part of a repository only, and not the part that is
// needed here.
type LacksError struct {
	Source string
	Serves string // what it is good for, in words
	From   int64  // the level that is installed here
	To     int64  // and the one to go to; of an adopt 0
	Adopt  bool
	Count  int // contents that are missing
	First  manifest.Path
}

func (e *LacksError) Error() string {
	if e.Adopt {
		return fmt.Sprintf("%s: has no level in full to adopt: it is for %s", e.Source, e.Serves)
	}
	return fmt.Sprintf("%s: lacks %s that going from level %d to level %d takes (%s%s): it is for %s",
		e.Source, plural(e.Count, "content"), e.From, e.To, e.First, more(e.Count-1), e.Serves)
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

// lacks reports what the source does not have of the contents that the items may take, before
// any of it is asked for: a *[LacksError], or where the source has said to have them what says
// that it is not whole.
func (m *maker) lacks() error {
	if m.u.client == nil || m.u.client.Serves() == "" {
		return nil
	}
	e := &LacksError{Source: m.u.client.Source(), Serves: m.u.client.Serves(), From: m.in.Level, To: m.to.Level}
	promised := m.u.promised(m.in.Level, m.to.Level)
	says := m.u.client.Promises()
	bases := promised && (slices.Contains(says.Levels, m.in.Level) || m.in.Level == says.To) // else the level is of another channel
	held := func(it *item, c *manifest.Entry, level int64, promised bool) (bool, error) {
		return m.u.client.Owed(repository.ContentPiece(c.Digest, c.Size), promised, fmt.Sprintf("%s of level %d", it.path, level))
	}
	for _, it := range m.items {
		if it.renews != "" || !m.all && (it.class == manifest.Data || it.class == manifest.Ignore) {
			continue
		}
		differs := wants(it.base, it.theirs)
		if differs || m.all && it.theirs != nil && it.theirs.Kind == manifest.File {
			ok, err := held(it, it.theirs, m.to.Level, promised && (differs || says.Whole))
			if err != nil {
				return err
			}
			if !ok {
				if e.Count++; e.Count == 1 {
					e.First = it.path
				}
			}
		}
		if bases && takesBase(m.rules[0], it.path, it.base) && m.in.placedEntry(it.path) == nil && (it.theirs == nil || !it.base.Same(it.theirs)) {
			if _, err := held(it, it.base, m.in.Level, true); err != nil {
				return err
			}
		}
	}
	if e.Count > 0 {
		return e
	}
	return nil
}

// saysWhole reports whether a source that has a part of a repository says to have its levels in
// full.
func saysWhole(c *repository.Client) bool {
	p := c.Promises()
	return p != nil && p.Whole
}

// inventoryOf reads the inventory of m. A part of a repository that has said to have it, and has
// not, is not whole.
func inventoryOf(ctx context.Context, c *repository.Client, m *manifest.Manifest, promised bool) (*manifest.Inventory, error) {
	if _, err := c.Owed(repository.InventoryPiece(m), promised, fmt.Sprintf("the inventory of level %d", m.Level)); err != nil {
		return nil, err
	}
	return c.Inventory(ctx, m)
}

// wholeLevel is the error that a source which says to have the level of v in full, and has not,
// is not whole.
func wholeLevel(c *repository.Client, level int64, v *manifest.Inventory) error {
	if !saysWhole(c) {
		return nil
	}
	for _, e := range v.All() {
		if e.Kind != manifest.File {
			continue
		}
		if _, err := c.Owed(repository.ContentPiece(e.Digest, e.Size), true, fmt.Sprintf("%s of level %d", e.Path, level)); err != nil {
			return err
		}
	}
	return nil
}

// promised reports whether the source, a part of a repository, says that it has what going
// from one level to another takes. Of the ways there are it has the one to the newest level.
func (u *Updater) promised(from, to int64) bool {
	p := u.client.Promises()
	return p != nil && p.Channel == u.channel() && to <= p.To &&
		(p.Whole || slices.Contains(p.Levels, from) && (to == p.To || !u.opt.HasLevel))
}

// beyond warns that the channel goes further than the source does.
func (u *Updater) beyond() []string {
	n := u.client.Beyond(u.channel())
	if n == 0 {
		return []string{}
	}
	return []string{fmt.Sprintf("the newest of channel %s is level %d, which %s does not have", u.channel(), n, u.client.Source())}
}
