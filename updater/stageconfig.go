package updater

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// config copies the configuration, touched or not, into the snapshot.
func (s *stager) config() error {
	more, err := s.u.copyConfig(s.stage, s.in)
	s.entries = append(s.entries, more...)
	return err
}

// configFiles lists the files of configuration: those the release lists, and what the
// operator has put into directories that are configuration.
func (u *Updater) configFiles(in *installed) ([]manifest.Path, error) {
	rules, err := in.manifest.Rules.Compile()
	if err != nil {
		return nil, err
	}
	found := map[manifest.Path]bool{}
	for _, pattern := range in.manifest.Rules.Config {
		g, err := manifest.CompileGlob(pattern)
		if err != nil {
			return nil, err
		}
		if prefix := g.Prefix(); prefix != "" {
			if err := u.walkConfig(prefix, rules, found); err != nil {
				return nil, err
			}
			continue
		}
		for _, e := range in.inventory.All() {
			if e.Kind == manifest.File && g.Match(e.Path) && rules.Class(e.Path) == manifest.Config {
				found[e.Path] = true
			}
		}
	}
	var paths []manifest.Path
	for p := range found {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths, nil
}

// copyConfig copies every file of configuration into the stage.
func (u *Updater) copyConfig(stage *backup.Stage, in *installed) ([]backup.Entry, error) {
	paths, err := u.configFiles(in)
	if err != nil {
		return nil, err
	}
	cache := openStatCache(u.tree, in.inventory)
	defer cache.close()
	shipped := pristine{tree: u.tree}
	var out []backup.Entry
	slot := 0
	for _, p := range paths {
		if e, ok := u.shippedConfig(p, in, cache, &shipped); ok {
			out = append(out, e)
			continue
		}
		f, err := u.tree.Open(string(p))
		if fsys.IsAbsent(err) || errors.Is(err, fsys.ErrNotRegular) {
			continue
		}
		if err != nil {
			return nil, err
		}
		info, err := fsys.FileInfo(f)
		e := backup.Entry{Class: backup.Config, Slot: slot, Path: p, Old: backup.StateOf(info), New: backup.State{Kind: backup.Absent}}
		if err == nil {
			e.Old.Digest, err = backup.DigestFile(f)
		}
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err == nil {
			err = stage.PutConfig(e.Slot, backup.Meta{Mode: 0o600, UID: -1, MTime: info.MTime}, f)
		}
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("copy %s: %w", p, err)
		}
		out = append(out, e)
		slot++
	}
	return out, nil
}

// shippedConfig is the entry of a configuration file that is as the vendor shipped it:
// its bytes are kept already, so its digest is enough.
func (u *Updater) shippedConfig(p manifest.Path, in *installed, cache *statCache, shipped *pristine) (backup.Entry, bool) {
	i := in.inventory.Index(p)
	if i < 0 {
		return backup.Entry{}, false
	}
	info, err := u.tree.Lstat(string(p))
	if err != nil || !info.IsFile() {
		return backup.Entry{}, false
	}
	d, ok := cache.digest(i, info)
	if !ok || d != in.inventory.At(i).Digest || !shipped.has(d) {
		return backup.Entry{}, false
	}
	e := backup.Entry{Class: backup.Config, Slot: backup.NoSlot, Path: p, Old: backup.StateOf(info), New: backup.State{Kind: backup.Absent}}
	e.Old.Digest = d
	return e, true
}

func (u *Updater) walkConfig(p manifest.Path, rules *manifest.Matcher, found map[manifest.Path]bool) error {
	info, err := u.tree.Lstat(string(p))
	var link *fsys.LinkError
	if errors.As(err, &link) || manifest.IsState(p) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsFile() && rules.Class(p) == manifest.Config {
		found[p] = true
	}
	if !info.IsDir() {
		return nil
	}
	names, err := u.tree.Names(string(p))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := u.walkConfig(p.Join(name), rules, found); err != nil {
			return err
		}
	}
	return nil
}
