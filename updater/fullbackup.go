package updater

import (
	"context"
	"path/filepath"

	"inplace/backup/full"
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
