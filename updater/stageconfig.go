package updater

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// config copies the configuration, touched or not, into the snapshot.
func (s *stager) config(ctx context.Context) (err error) {
	s.base.tree = s.u.tree
	s.entries, err = s.u.copyConfig(ctx, s.stage, s.in, &s.base, s.entries)
	return err
}

// copyConfig appends to entries one for every path of configuration: those the release lists,
// and what the operator has put into directories that are configuration. It copies the files
// into the stage whose bytes are not kept as the vendor's; of a link or directory an entry has all
// that is put back.
func (u *Updater) copyConfig(ctx context.Context, stage *backup.Stage, in *installed, shipped *pristine, entries []backup.Entry) ([]backup.Entry, error) {
	if err := shipped.load(); err != nil { // before several goroutines ask it
		return nil, err
	}
	kept := len(entries)
	entries, err := u.configEntries(ctx, in, shipped, entries)
	if err != nil {
		return nil, err
	}
	var todo []*backup.Entry
	for i := kept; i < len(entries); i++ {
		if e := &entries[i]; e.Old.Digest.IsZero() {
			todo = append(todo, e)
		}
	}
	var slots atomic.Int64
	err = inParallel(ctx, todo, func(e *backup.Entry) error {
		if err := u.readConfig(stage, in, shipped, e, &slots); err != nil {
			return fmt.Errorf("copy %s: %w", e.Path, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	gone := slices.DeleteFunc(entries[kept:], func(e backup.Entry) bool { return e.Old.Kind == backup.Absent })
	return entries[:kept+len(gone)], nil
}

// configEntries appends to entries one for each path of configuration, sorted, without targets. With shipped it has the digest of those that the stat cache vouches for, if they are as
// the vendor ships them and kept there.
func (u *Updater) configEntries(ctx context.Context, in *installed, shipped *pristine, entries []backup.Entry) ([]backup.Entry, error) {
	rules, err := in.manifest.Rules.Compile()
	if err != nil {
		return nil, err
	}
	kept := len(entries)
	l := configList{u: u, in: in, rules: rules, shipped: shipped, entries: entries}
	if shipped != nil {
		l.cache = openStatCache(u.tree, in.inventory.Digest)
		defer l.cache.close()
	}
	for _, pattern := range in.manifest.Rules.Config {
		g, err := manifest.CompileGlob(pattern)
		if err != nil {
			return nil, err
		}
		if prefix := g.Prefix(); prefix != "" {
			if err := l.walk(ctx, prefix); err != nil {
				return nil, err
			}
			continue
		}
		w := l.walker(0)
		for _, e := range in.inventory.All() {
			if !g.Match(e.Path) {
				continue
			}
			info, err := u.tree.Lstat(string(e.Path))
			var link *fsys.LinkError
			if err != nil && !errors.As(err, &link) {
				return nil, err
			}
			w.add(e.Path, info)
		}
		l.take(w.found)
	}
	list := l.entries[kept:]
	byPath := func(a, b backup.Entry) int { return strings.Compare(string(a.Path), string(b.Path)) }
	if !slices.IsSortedFunc(list, byPath) {
		slices.SortFunc(list, byPath)
	}
	list = slices.CompactFunc(list, func(a, b backup.Entry) bool { return a.Path == b.Path })
	return l.entries[:kept+len(list)], nil
}

// readConfig reads the file of e for its digest, and copies it where the digest is not
// the vendor's; of a link it reads where it leads. What has gone meanwhile leaves e without an old
// side.
func (u *Updater) readConfig(stage *backup.Stage, in *installed, shipped *pristine, e *backup.Entry, slots *atomic.Int64) error {
	switch e.Old.Kind {
	case backup.Dir:
		return nil
	case backup.Link:
		var err error
		if e.Old.Target, err = u.tree.Readlink(string(e.Path)); fsys.IsAbsent(err) {
			e.Old, err = backup.State{Kind: backup.Absent}, nil
		}
		return err
	}
	f, err := u.tree.Open(string(e.Path))
	if fsys.IsAbsent(err) || errors.Is(err, fsys.ErrNotRegular) {
		e.Old = backup.State{Kind: backup.Absent}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := fsys.FileInfo(f)
	if err != nil {
		return err
	}
	e.Old = backup.StateOf(info)
	if e.Old.Digest, err = backup.DigestFile(f); err != nil || isShipped(in, shipped, in.inventory.Index(e.Path), e.Old.Digest) {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	e.Slot = int(slots.Add(1)) - 1
	return stage.PutConfig(e.Slot, backup.Meta{Mode: 0o600, UID: -1, MTime: info.MTime}, f)
}

// isShipped reports whether d is what the vendor ships as entry index of the inventory, -1
// for none, and its bytes are kept already, so that the digest is enough.
func isShipped(in *installed, shipped *pristine, index int, d manifest.Digest) bool {
	if index < 0 {
		return false
	}
	e := in.inventory.At(index)
	return e.Kind == manifest.File && e.Digest == d && shipped.has(d)
}

// configList lists files of configuration by handles of its own: thousands of files lie in a
// few directories, and staging goes on beside it.
type configList struct {
	u       *Updater
	in      *installed
	rules   *manifest.Matcher
	shipped *pristine  // nil: digests do not matter
	cache   *statCache // nil: knows none
	entries []backup.Entry
}

// take appends an entry for each of found.
func (l *configList) take(found []configFile) {
	for i := range found {
		f := &found[i]
		e := backup.Entry{Class: backup.Config, Slot: backup.NoSlot, Path: f.path, Old: backup.StateOf(f.info), New: backup.State{Kind: backup.Absent}}
		e.Old.Digest = f.shipped
		if e.Old.Kind == backup.Dir {
			e.Old.MTime = 0 // is not put back
		}
		l.entries = append(l.entries, e)
	}
}

// walk adds what lies at and below top, on several goroutines. Nothing behind a link is
// configuration.
func (l *configList) walk(ctx context.Context, top manifest.Path) error {
	info, err := l.u.tree.Lstat(string(top))
	var link *fsys.LinkError
	if errors.As(err, &link) {
		return nil
	}
	w := l.walker(0)
	below := err == nil && w.add(top, info)
	l.take(w.found)
	if !below {
		return err
	}
	d, err := l.u.tree.OpenDir(string(top))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := w.names.Read(d); err != nil {
		return err
	}
	names := slices.Clone(w.names.Names)
	first, end := l.in.inventory.Below(top)
	l.entries = slices.Grow(l.entries, end-first)
	idle := make(chan *configWalk, workers)
	for range workers {
		idle <- l.walker((end - first) / max(len(names), 1))
	}
	var mu sync.Mutex
	done := make([][]configFile, len(names)) // and not taken yet
	next := 0
	return inParallel(ctx, indices(names), func(i int) error {
		w := <-idle
		w.found = w.found[:0]
		err := w.entry(d, names[i], top.Join(names[i]))
		mu.Lock()
		defer mu.Unlock()
		if i == next { // in the order of names, as soon as may be: many files are much memory
			l.take(w.found)
			for next++; next < len(done) && done[next] != nil; next++ {
				l.take(done[next])
				done[next] = nil
			}
		} else {
			done[i] = append([]configFile{}, w.found...)
		}
		idle <- w
		return err
	})
}

// configFile is a path of configuration and what lstat tells of it.
type configFile struct {
	path    manifest.Path
	info    fsys.Info
	shipped manifest.Digest // of its bytes, where those are known to be the vendor's and kept
}

// configWalk is what one goroutine of a configList finds.
type configWalk struct {
	*configList
	own   *statCache // its view of cache
	names fsys.Listing
	near  int // where the file found last is in the inventory
	found []configFile
}

// walker is a configWalk that will find some files.
func (l *configList) walker(some int) *configWalk {
	return &configWalk{configList: l, own: l.cache.another(), found: make([]configFile, 0, some)}
}

// add takes p if it is configuration, and reports whether there is something below it.
func (w *configWalk) add(p manifest.Path, info fsys.Info) bool {
	if manifest.IsState(p) {
		return false
	}
	if (info.IsFile() || info.IsLink() || info.IsDir()) && w.rules.Class(p) == manifest.Config {
		w.keep(p, info)
	}
	return info.IsDir()
}

// keep takes p, which is configuration.
func (w *configWalk) keep(p manifest.Path, info fsys.Info) {
	f := configFile{path: p, info: info}
	if w.shipped != nil && info.IsFile() {
		w.near = w.in.inventory.IndexNear(p, w.near)
		if d, ok := w.own.digest(w.near, info); ok && isShipped(w.in, w.shipped, w.near, d) {
			f.shipped = d
		}
	}
	w.found = append(w.found, f)
}

// entry adds what name in d is, which is p, with all that is below.
func (w *configWalk) entry(d *fsys.Dir, name string, p manifest.Path) error {
	info, err := d.Lstat(name)
	if err != nil || !w.add(p, info) {
		return err
	}
	below, err := d.OpenDir(name)
	if err != nil {
		return err
	}
	defer below.Close()
	if err := w.names.Read(below); err != nil {
		return err
	}
	for _, name := range slices.Clone(w.names.Names) {
		if err := w.entry(below, name, p.Join(name)); err != nil {
			return err
		}
	}
	return nil
}
