package updater

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/settings"
)

// dataFiles lists what the rules call data, directories before what is in them: files,
// directories and links. What is none of these comes apart. The product is not running
// when that is to mean anything.
func (u *Updater) dataFiles(in *installed) (list []manifest.Path, odd []manifest.Path, err error) {
	rules, err := in.manifest.Rules.Compile()
	if err != nil {
		return nil, nil, err
	}
	seen := map[manifest.Path]bool{}
	var walk func(p manifest.Path) error
	walk = func(p manifest.Path) error {
		info, err := u.tree.Lstat(string(p))
		if err != nil || p != "" && (!info.Exists || manifest.IsState(p)) {
			if fsys.IsBlocked(err) {
				err = nil
			}
			return err
		}
		if p != "" && !seen[p] && rules.Class(p) == manifest.Data {
			seen[p] = true
			if info.IsFile() || info.IsDir() || info.IsLink() {
				list = append(list, p)
			} else {
				odd = append(odd, p)
			}
		}
		if !info.IsDir() {
			return nil
		}
		names, err := u.tree.Names(string(p))
		for _, name := range names {
			if err == nil {
				err = walk(p.Join(name))
			}
		}
		return err
	}
	for _, pattern := range in.manifest.Rules.Data {
		g, err := manifest.CompileGlob(pattern)
		if err == nil {
			err = walk(g.Prefix())
		}
		if err != nil {
			return nil, nil, err
		}
	}
	slices.Sort(list)
	return list, odd, nil
}

// dataBytes is how much room the copies of data take.
func (u *Updater) dataBytes(in *installed) (n int64, err error) {
	if u.settings.Backup.Data != settings.DataFull {
		return 0, nil
	}
	list, _, err := u.dataFiles(in)
	for _, p := range list {
		info, e := u.tree.Lstat(string(p))
		if e == nil && info.IsFile() {
			n += blocks(info.Size)
		}
	}
	return n, err
}

// copiesData reports whether an update copies the product's data.
func (u *Updater) copiesData() bool { return u.settings.Backup.Data != settings.DataNone }

// data copies the product's data into the snapshot, where the settings ask for it.
func (s *stager) data() error {
	mode := s.u.settings.Backup.Data
	if mode == settings.DataNone {
		return nil
	}
	list, odd, err := s.u.dataFiles(s.in)
	if err != nil {
		return err
	}
	for _, p := range odd {
		s.warning(p.String() + ": is neither a file nor a directory nor a link, and is not in the copy of the data")
	}
	if err := s.stage.BeginData(); err != nil {
		return err
	}
	var out []backup.Entry
	for i, p := range list {
		e, err := s.dataEntry(p, i, mode == settings.DataReflink)
		if errors.Is(err, errors.ErrUnsupported) {
			s.warning("the data was not copied: the file system cannot share blocks, and backup.data is reflink; set it to copy to have one")
			return s.stage.DropData()
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", p, err)
		}
		out = append(out, e)
	}
	s.entries = append(s.entries, out...)
	s.hasData = true
	return nil
}

func (s *stager) dataEntry(p manifest.Path, slot int, share bool) (backup.Entry, error) {
	e := backup.Entry{Class: backup.Data, Slot: slot, Path: p, New: backup.State{Kind: backup.Absent}}
	info, err := s.u.tree.Lstat(string(p))
	if err != nil {
		return e, err
	}
	e.Old = backup.StateOf(info)
	switch {
	case info.IsDir():
		e.Slot = backup.NoSlot
		return e, nil
	case info.IsLink():
		if e.Old.Target, err = s.u.tree.Readlink(string(p)); err != nil {
			return e, err
		}
		return e, s.stage.PutDataLink(slot, e.Old.Target)
	case !info.IsFile():
		return e, &backup.DriftError{Path: p}
	}
	f, err := s.u.tree.Open(string(p))
	if err != nil {
		return e, err
	}
	defer func() { _ = f.Close() }()
	meta, err := metaOf(e.Old, f)
	if err != nil {
		return e, err
	}
	if e.Old.Digest, err = backup.DigestFile(f); err != nil {
		return e, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return e, err
	}
	return e, s.stage.PutData(slot, meta, f, share)
}

// addData adds the data as the snapshot holds it. What came since goes: data of two times
// do not belong together.
func (b *backer) addData() error {
	held := b.way.holds
	if held == nil || held.turned || !held.Data {
		b.plan.Findings = append(b.plan.Findings, Finding{Reason: "snapshot " + b.way.name + " holds no copy of the data (backup.data in " + settingsPath + ")", Hint: "leave --with-data out"})
		return nil
	}
	have := map[manifest.Path]bool{}
	for _, g := range b.goals {
		have[g.Path] = true
	}
	for _, e := range held.Entries {
		if e.Class != backup.Data || have[e.Path] {
			continue
		}
		have[e.Path] = true
		g := &goal{Entry: e, from: held, dir: held.DataDir(), kept: e.Slot, copied: backup.Data}
		g.Class = backup.Product
		b.goals = append(b.goals, g)
	}
	now, _, err := b.u.dataFiles(b.in)
	for _, p := range now {
		if have[p] {
			continue
		}
		info, err := b.u.tree.Lstat(string(p))
		if err != nil {
			return err
		}
		g := &goal{Entry: backup.Entry{Class: backup.Product, Slot: 0, Path: p, Old: backup.State{Kind: backup.Absent}, New: backup.StateOf(info)}, from: held, copied: backup.Data}
		b.goals = append(b.goals, g)
	}
	return err
}
