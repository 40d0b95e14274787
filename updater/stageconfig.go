package updater

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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

// configFile is a file of configuration and what lstat tells of it.
type configFile struct {
	path manifest.Path
	info fsys.Info
}

// copyConfig appends to entries one for every file of configuration: those the release
// lists, and what the operator has put into directories that are configuration. It
// copies those into the stage whose bytes are not kept as the vendor's.
func (u *Updater) copyConfig(ctx context.Context, stage *backup.Stage, in *installed, shipped *pristine, entries []backup.Entry) ([]backup.Entry, error) {
	files, err := u.configFiles(in)
	if err != nil {
		return nil, err
	}
	if err := shipped.load(); err != nil { // before several goroutines ask it
		return nil, err
	}
	cache := openStatCache(u.tree, in.inventory.Digest)
	defer cache.close()
	entries = slices.Grow(entries, len(files))
	kept := len(entries)
	var todo []*backup.Entry
	for _, f := range files {
		entries = append(entries, backup.Entry{Class: backup.Config, Slot: backup.NoSlot, Path: f.path,
			Old: backup.StateOf(f.info), New: backup.State{Kind: backup.Absent}})
		e := &entries[len(entries)-1]
		d, ok := cache.digest(in.inventory.Index(f.path), f.info)
		if ok && isShipped(in, shipped, f.path, d) {
			e.Old.Digest = d
		} else {
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
	gone := slices.DeleteFunc(entries[kept:], func(e backup.Entry) bool { return e.Old.Kind != backup.File })
	return entries[:kept+len(gone)], nil
}

// configFiles lists the files of configuration by path.
func (u *Updater) configFiles(in *installed) ([]configFile, error) {
	rules, err := in.manifest.Rules.Compile()
	if err != nil {
		return nil, err
	}
	walk := configWalk{rules: rules}
	for _, pattern := range in.manifest.Rules.Config {
		g, err := manifest.CompileGlob(pattern)
		if err != nil {
			return nil, err
		}
		if prefix := g.Prefix(); prefix != "" {
			if err := walk.walk(u.tree, prefix); err != nil {
				return nil, err
			}
			continue
		}
		for _, e := range in.inventory.All() {
			if e.Kind != manifest.File || !g.Match(e.Path) || rules.Class(e.Path) != manifest.Config {
				continue
			}
			info, err := u.tree.Lstat(string(e.Path))
			var link *fsys.LinkError
			if err != nil && !errors.As(err, &link) {
				return nil, err
			}
			if info.IsFile() {
				walk.found = append(walk.found, configFile{e.Path, info})
			}
		}
	}
	found := walk.found
	slices.SortStableFunc(found, func(a, b configFile) int { return strings.Compare(string(a.path), string(b.path)) })
	return slices.CompactFunc(found, func(a, b configFile) bool { return a.path == b.path }), nil
}

// readConfig reads the file of e for its digest, and copies it where the digest is not
// the vendor's. A file that has gone meanwhile leaves e without an old side.
func (u *Updater) readConfig(stage *backup.Stage, in *installed, shipped *pristine, e *backup.Entry, slots *atomic.Int64) error {
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
	if e.Old.Digest, err = backup.DigestFile(f); err != nil || isShipped(in, shipped, e.Path, e.Old.Digest) {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	e.Slot = int(slots.Add(1)) - 1
	return stage.PutConfig(e.Slot, backup.Meta{Mode: 0o600, UID: -1, MTime: info.MTime}, f)
}

// isShipped reports whether d is what the vendor ships at p and its bytes are kept
// already, so that the digest is enough.
func isShipped(in *installed, shipped *pristine, p manifest.Path, d manifest.Digest) bool {
	e := in.inventory.Find(p)
	return e != nil && e.Kind == manifest.File && e.Digest == d && shipped.has(d)
}

// configWalk lists files of configuration by handles of its own: thousands of files lie in a few
// directories, and staging goes on beside it.
type configWalk struct {
	rules *manifest.Matcher
	names fsys.Listing
	found []configFile
}

// walk adds the files at and below p. A link is no configuration, and nothing behind it is.
func (w *configWalk) walk(tree *fsys.Tree, p manifest.Path) error {
	info, err := tree.Lstat(string(p))
	var link *fsys.LinkError
	if errors.As(err, &link) {
		return nil
	}
	if err != nil || !w.add(p, info) {
		return err
	}
	d, err := tree.OpenDir(string(p))
	if err != nil {
		return err
	}
	return w.below(d, p)
}

// add takes p if it is configuration, and reports whether there is something below it.
func (w *configWalk) add(p manifest.Path, info fsys.Info) bool {
	if manifest.IsState(p) {
		return false
	}
	if info.IsFile() && w.rules.Class(p) == manifest.Config {
		w.found = append(w.found, configFile{p, info})
	}
	return info.IsDir()
}

// below walks through the directory d, which is p, and closes it.
func (w *configWalk) below(d *fsys.Dir, p manifest.Path) error {
	defer d.Close()
	if err := w.names.Read(d); err != nil {
		return err
	}
	for _, name := range slices.Clone(w.names.Names) {
		info, err := d.Lstat(name)
		if err != nil {
			return err
		}
		if !w.add(p.Join(name), info) {
			continue
		}
		next, err := d.OpenDir(name)
		if err != nil {
			return err
		}
		if err := w.below(next, p.Join(name)); err != nil {
			return err
		}
	}
	return nil
}
