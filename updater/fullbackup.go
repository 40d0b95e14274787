package updater

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"inplace/backup/full"
	"inplace/manifest"
)

// fullBackup makes the complete copy that was asked for, before anything is staged. If
// it fails the run ends with nothing changed.
func (u *Updater) fullBackup(ctx context.Context, out *Outcome) error {
	if u.opt.FullBackup == "" {
		return nil
	}
	return u.during(PhaseBackup, func() error {
		res, err := full.Copy(ctx, u.tree, u.opt.FullBackup)
		if err != nil {
			return err
		}
		dir, err := filepath.Abs(u.opt.FullBackup)
		out.Copy = &FullCopy{Dir: dir, Files: res.Files, Bytes: res.Bytes, Skipped: append([]string{}, res.Skipped...)}
		return err
	})
}

// checkFullBackup finds what keeps the copy from being made, before a product is stopped for it.
// p.Space is known by now: what is staged before the stop is copied as well.
func (u *Updater) checkFullBackup(p *Plan) error {
	if u.opt.FullBackup == "" {
		return nil
	}
	room, err := full.Check(u.tree, u.opt.FullBackup)
	if err != nil {
		p.Findings = append(p.Findings, Finding{Path: "--full-backup", Reason: err.Error(), Hint: "name a new directory outside of the installation, in one that you may write to; all of the installation has to be readable",
			access: errors.Is(err, fs.ErrPermission)})
		return nil
	}
	need := Space{NeededBytes: room.Bytes, NeededInodes: room.Inodes, FreeBytes: room.FreeBytes, FreeInodes: room.FreeInodes}
	times := int64(0)
	if room.Beside {
		times++
	}
	if u.stops() {
		times++
	}
	need.NeededBytes += times * p.Space.NeededBytes
	need.NeededInodes += times * p.Space.NeededInodes
	dir, err := filepath.Abs(u.opt.FullBackup)
	p.short(manifest.Path(dir).String(), "the file system of the copy", need)
	return err
}
