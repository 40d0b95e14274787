package updater

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/backup/sealed"
)

// Prepared is what a run that prepares has done.
type Prepared struct {
	PreparedInfo
	Kept    int  `json:"kept"`    // paths that were staged already
	Staged  int  `json:"staged"`  // paths that this run staged
	Already bool `json:"already"` // all was prepared before, and compared; nothing was written
}

// prepare stages plan while the product runs, for a later run to take. It ends with a stage
// that is complete, compared and durable, and a record that says so written last:
// interrupted before, it leaves what waited before, or litter.
//
// What depends on the moment is left to the later run: copies of configuration and data,
// the old bytes of files with several names, and the record of what is installed.
func (u *Updater) prepare(ctx context.Context, in *installed, plan *Plan, out *Outcome) error {
	settings, err := u.settingsDigest()
	if err != nil {
		return err
	}
	var s *stager
	err = u.during(PhaseStage, func() (err error) {
		s, err = u.stageWith(ctx, in, plan, func(*stager) error { return cancelled(ctx) })
		return err
	})
	if err != nil {
		return err
	}
	out.Warnings = append(out.Warnings, s.warn...)
	entries := s.stagedEntries()
	rec := preparedRecord{
		Created: u.opt.Now().UTC().Truncate(time.Second), By: actor(), Engine: u.opt.Engine, From: plan.From.level(), To: plan.To.level(),
		Asked: u.opt.request(), Settings: settings, Roots: s.stage.Roots(),
	}
	already := s.prep != nil && s.anew == 0 && len(entries) == len(s.prep.entries) && rec.sameAs(&s.prep.preparedRecord)
	if !already {
		err = u.writePrepared(ctx, s, entries, rec)
	}
	s.stage.Close()
	if err != nil {
		if s.prep == nil {
			_ = backup.DropStage(u.tree, u.rootsOf(plan)...) // the next run repeats what fails here
		}
		return err
	}
	p, err := readPrepared(u.tree)
	if err == nil && p == nil {
		err = fmt.Errorf("%s: %w", preparedPath, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	info, err := u.info(p, &in.record)
	if err != nil {
		return err
	}
	out.Prepared = &Prepared{PreparedInfo: *info, Kept: len(entries) - s.anew, Staged: s.anew, Already: already}
	return nil
}

// sameAs reports whether both records are of the same preparation, whenever it was made.
func (r *preparedRecord) sameAs(o *preparedRecord) bool {
	return r.From == o.From && r.To == o.To && r.Asked.same(o.Asked) && r.Settings == o.Settings && slices.Equal(r.Roots, o.Roots)
}

// writePrepared writes the record, and before it all that it stands for.
func (u *Updater) writePrepared(ctx context.Context, s *stager, entries []backup.Entry, rec preparedRecord) (err error) {
	if err = u.keepUpdater(ctx); err != nil {
		return err
	}
	if err = u.keepSource(); err != nil {
		return err
	}
	if rec.Entries, err = s.stage.WriteStaged(entries); err != nil {
		return err
	}
	if err = u.tree.WriteState(preparedPath, sealed.Marshal(preparedSchema, rec), 0o600); err != nil {
		return err
	}
	return s.stage.ForgetStaged(rec.Entries, entries)
}

// keepSource keeps the manifests and inventories that this run has read, so that a later one
// needs no repository.
func (u *Updater) keepSource() error {
	if err := u.tree.MkdirAll(backup.SourceDir, 0o700); err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(u.fetched)) {
		file := sourceFile(name)
		wanted[path.Base(file)] = true
		if info, err := u.tree.Lstat(file); err == nil && info.IsFile() && info.Size == int64(len(u.fetched[name])) {
			continue // named by its digest
		}
		if err := u.tree.WriteState(file, u.fetched[name], 0o600); err != nil {
			return err
		}
	}
	names, err := u.tree.Names(backup.SourceDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !wanted[name] || strings.HasPrefix(name, fsys.TempPrefix) {
			if err := u.tree.RemoveState(path.Join(backup.SourceDir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
