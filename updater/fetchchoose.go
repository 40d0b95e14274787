package updater

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"inplace/manifest"
	"inplace/manifest/repository"
)

// shippedLevel is a level with its manifest.
type shippedLevel struct {
	repository.Release
	manifest *manifest.Manifest
}

// choose finds the levels, and the pieces that updates from them need.
func (f *fetching) choose(ctx context.Context) error {
	list, err := releasesOf(f.client, f.opt.Channel)
	if err != nil {
		return err
	}
	if p := f.client.Promises(); p != nil && p.Channel != f.opt.Channel { // of which it may have some levels and not others
		return fmt.Errorf("channel %s: %w in %s, which is for %s", f.opt.Channel, ErrUnknownLevel, f.client.Source(), f.client.Serves())
	}
	to, err := chooseRelease(list, f.opt.Channel, f.opt.Level, f.opt.HasLevel)
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.Withdrawn == "" {
			f.out.Newest = max(f.out.Newest, r.Level)
		}
	}
	list = slices.DeleteFunc(list, func(r repository.Release) bool { return r.Level > to.Level })
	var levels []shippedLevel
	err = f.renewer.manifestsOf(ctx, list, func(r repository.Release, m *manifest.Manifest, raw []byte, err error) error {
		if err == nil {
			levels = append(levels, f.with(r, m, raw))
		}
		return err
	})
	if err != nil {
		return err
	}
	f.out.Newest = max(f.out.Newest, f.client.Beyond(f.opt.Channel))
	for _, u := range f.client.Updaters() { // which a newer manifest may ask for
		f.manifests = append(f.manifests, repository.UpdaterPiece(u))
		f.total += u.Size
	}
	for _, channel := range f.client.Channels() {
		if list, err := f.client.Releases(channel); err == nil && channel != f.opt.Channel && len(list) > 0 {
			f.out.LeftOut = append(f.out.LeftOut, channel)
		}
	}
	last := levels[len(levels)-1]
	f.out.To = (&target{Release: last.Release, manifest: last.manifest}).release()
	f.out.Product = last.manifest.Product.Name
	if f.opt.Whole {
		return f.whole(ctx, levels)
	}
	starts, err := f.starts(ctx, levels)
	if err != nil {
		return err
	}
	return f.ways(ctx, starts, levels)
}

// with puts the manifest m of r, of which raw are the bytes, into the bundle.
func (f *fetching) with(r repository.Release, m *manifest.Manifest, raw []byte) shippedLevel {
	f.manifests = append(f.manifests, repository.ManifestPiece(r, raw))
	return shippedLevel{r, m}
}

// whole takes every level in full.
func (f *fetching) whole(ctx context.Context, levels []shippedLevel) error {
	need := newNeeds()
	for _, l := range levels {
		inv, err := f.inventory(ctx, l.manifest)
		if err != nil {
			return err
		}
		for _, e := range inv.All() {
			need.add(&e)
		}
		if l.Level < f.out.To.Level {
			f.out.Levels = append(f.out.Levels, l.Level)
		}
	}
	f.take(need)
	return nil
}

// starts are the levels that an update may come from: the one named, which may be of
// another channel, and those of the channel that are newer, up to the one to go to.
func (f *fetching) starts(ctx context.Context, levels []shippedLevel) ([]shippedLevel, error) {
	if f.opt.From > f.out.To.Level {
		return nil, fmt.Errorf("level %d: %w below level %d of channel %s", f.opt.From, ErrUnknownLevel, f.out.To.Level, f.opt.Channel)
	}
	var out []shippedLevel
	for _, l := range levels {
		if l.Level >= f.opt.From && l.Level < f.out.To.Level {
			out = append(out, l)
		}
	}
	if f.opt.From == f.out.To.Level || len(out) > 0 && out[0].Level == f.opt.From {
		return out, nil
	}
	var l shippedLevel
	err := atLevel(f.client, f.opt.Channel, f.opt.From, func(r repository.Release) error {
		m, raw, err := f.renewer.manifestOf(ctx, r)
		if err == nil {
			l = f.with(r, m, raw)
		}
		return err
	})
	if errors.Is(err, ErrUnknownLevel) {
		_, err = findLevel(f.client.All(), f.opt.Channel, f.opt.From)
	}
	return append([]shippedLevel{l}, out...), err
}

// ClosedError reports a level that is in channels only which the source does not give to who asks.
type ClosedError struct {
	Level   int64
	Channel string // the first of them
	Err     error  // what the source has answered
}

func (e *ClosedError) Error() string {
	return fmt.Sprintf("level %d: is of channel %s: %v", e.Level, e.Channel, e.Err)
}

// Unwrap returns the answer.
func (e *ClosedError) Unwrap() error { return e.Err }

// atLevel calls read for the releases of level, that of channel first, until one is given to who
// asks. Errors: read's, *[ClosedError], [ErrUnknownLevel].
func atLevel(c *repository.Client, channel string, level int64, read func(repository.Release) error) error {
	list := slices.DeleteFunc(c.All(), func(r repository.Release) bool { return r.Level != level })
	if i := slices.IndexFunc(list, func(r repository.Release) bool { return r.Channel == channel }); i > 0 {
		list[0], list[i] = list[i], list[0]
	}
	err := ErrUnknownLevel
	for _, r := range list {
		e := read(r)
		if !refused(e) {
			return e
		}
		if errors.Is(err, ErrUnknownLevel) {
			err = &ClosedError{level, r.Channel, e}
		}
	}
	return err
}

// ways takes what updates need from each of starts to where they lead in one step. Levels
// that they lead to are among starts, so that several steps are provided for.
func (f *fetching) ways(ctx context.Context, starts, levels []shippedLevel) error {
	need := newNeeds()
	for _, from := range starts {
		f.out.Levels = append(f.out.Levels, from.Level)
		base, err := f.inventory(ctx, from.manifest)
		if err != nil {
			return err
		}
		for _, to := range slices.Backward(levels) {
			if to.Level <= from.Level {
				break
			}
			if to.Withdrawn != "" || to.manifest.From.Min > from.Level {
				continue
			}
			theirs, err := f.inventory(ctx, to.manifest)
			if err != nil {
				return err
			}
			if err := f.way(need, from, to, base, theirs); err != nil {
				return err
			}
			if len(to.manifest.Platforms) == 0 { // else a machine of another kind goes elsewhere
				break
			}
		}
	}
	f.take(need)
	return nil
}

// way takes what one step needs: what differs, and of configuration that does, what was
// shipped before, for the texts that an installation does not keep.
func (f *fetching) way(need *needs, from, to shippedLevel, base, theirs *manifest.Inventory) error {
	rules, err := from.manifest.Rules.Compile()
	if err != nil {
		return err
	}
	return manifest.Walk(base, theirs, false, func(p manifest.Path, old, new *manifest.Entry) error {
		if manifest.IsState(p) {
			return nil
		}
		if wants(old, new) {
			need.add(new)
		}
		if takesBase(rules, p, old) {
			need.add(old)
		}
		return nil
	})
}

// wants reports whether going from old to new takes the content of new.
func wants(old, new *manifest.Entry) bool {
	return new != nil && new.Kind == manifest.File && (old == nil || old.Kind != manifest.File || old.Digest != new.Digest)
}

// takesBase reports whether going on from old, which differs, may take its content too: the
// text that a merge of configuration starts from.
func takesBase(rules *manifest.Matcher, p manifest.Path, old *manifest.Entry) bool {
	return old != nil && old.Kind == manifest.File && rules.Class(p) == manifest.Config && old.Size <= maxMerge
}

// needs are contents, each once, in the order in which they were added.
type needs struct {
	seen map[manifest.Digest]bool
	list []repository.Piece
}

func newNeeds() *needs { return &needs{seen: map[manifest.Digest]bool{}} }

func (n *needs) add(e *manifest.Entry) {
	if e.Kind == manifest.File && !n.seen[e.Digest] {
		n.seen[e.Digest] = true
		n.list = append(n.list, repository.ContentPiece(e.Digest, e.Size))
	}
}

// inventory reads the inventory of m, which goes into the bundle.
func (f *fetching) inventory(ctx context.Context, m *manifest.Manifest) (*manifest.Inventory, error) {
	if v := f.inventories[m.Inventory.Digest]; v != nil {
		return v, nil
	}
	v, err := f.client.Inventory(ctx, m)
	if err != nil {
		return nil, err
	}
	f.inventories[m.Inventory.Digest] = v
	f.pieces = append(f.pieces, repository.InventoryPiece(m))
	return v, nil
}

// take puts the pieces in the order in which they go into the bundle.
func (f *fetching) take(need *needs) {
	byPath := func(a, b repository.Piece) int { return strings.Compare(a.Path, b.Path) }
	slices.SortFunc(f.manifests, byPath)
	f.manifests = slices.CompactFunc(f.manifests, func(a, b repository.Piece) bool { return a.Path == b.Path && bytes.Equal(a.Data, b.Data) })
	slices.SortFunc(f.pieces, byPath)
	f.pieces = append(f.pieces, need.list...)
	f.out.Contents = len(need.list)
	for _, p := range f.pieces {
		f.total += p.Size
	}
}

// chooseRelease is the level of list, those of channel, that was asked for, or the newest
// that is not withdrawn.
func chooseRelease(list []repository.Release, channel string, level int64, hasLevel bool) (repository.Release, error) {
	if hasLevel {
		return findLevel(list, channel, level)
	}
	for _, r := range slices.Backward(list) {
		if r.Withdrawn == "" {
			return r, nil
		}
	}
	return repository.Release{}, fmt.Errorf("channel %s: %w: it has no release to take", channel, ErrUnknownLevel)
}
