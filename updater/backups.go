package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"inplace/backup"
)

// Backups lists the snapshots, newest first, each with a cheap check: its list is whole
// and what it keeps is there with the right size. It writes nothing.
func (u *Updater) Backups(ctx context.Context) (*Backups, error) {
	return u.lookAtBackups(ctx, false)
}

// VerifyBackups compares everything that the snapshots keep with what was recorded, by
// digest. The list is there also with an error, which holds a *[backup.DamagedError] for
// each snapshot that is damaged. It writes nothing.
func (u *Updater) VerifyBackups(ctx context.Context) (*Backups, error) {
	b, err := u.lookAtBackups(ctx, true)
	if err != nil {
		return b, err
	}
	b.Verified = true
	var errs []error
	for _, s := range b.Snapshots {
		errs = append(errs, s.wrong)
	}
	var second []error
	b.Second, second = u.verifySecond()
	return b, u.offerSecond(errors.Join(append(errs, second...)...))
}

// headGone is the damage of the snapshot id, of which the head is gone.
func headGone(id string) *backup.DamagedError {
	return &backup.DamagedError{ID: id, Unread: true, Paths: []string{"snapshot.yaml: is gone"}}
}

func (u *Updater) lookAtBackups(ctx context.Context, deep bool) (*Backups, error) {
	if err := u.lookOnly(); err != nil {
		return nil, err
	}
	r, err := readRecord(u.tree)
	if err != nil {
		return nil, err
	}
	return u.listBackups(ctx, u.nextBack(r), deep)
}

// listBackups looks at each snapshot; current is what a plain revert takes back.
func (u *Updater) listBackups(ctx context.Context, current []string, deep bool) (*Backups, error) {
	if deep {
		u.event(PhaseVerify, "begin", "", 0, 0)
		defer u.event(PhaseVerify, "end", "", 0, 0)
	}
	done := int64(0)
	list, err := u.snapshots(ctx, current, func(snap *backup.Snapshot, info *SnapshotInfo, of int) error {
		if done++; deep {
			defer u.event(PhaseVerify, "progress", "", done, int64(of))
		}
		if info.wrong != nil {
			return nil
		}
		return u.lookInto(snap, info, deep)
	})
	if err != nil {
		return nil, err
	}
	return &Backups{Snapshots: list}, nil
}

// lookInto adds to info what only the content of the snapshot tells.
func (u *Updater) lookInto(snap *backup.Snapshot, info *SnapshotInfo, deep bool) (err error) {
	faults, turned, err := checkAll(u.tree, snap, deep)
	info.Turned = turned
	if away := u.awayFrom(snap); away != nil {
		info.Away, info.wrong = away.Paths[0], away
		faults = slices.DeleteFunc(faults, func(f backup.Fault) bool {
			return f.Entry.Class == backup.Product && backup.RootOf(snap.Roots, f.Entry.Path) != nil
		})
	}
	if len(faults) > 0 {
		damaged := snap.Damaged(faults)
		info.Faults, info.Damaged, info.wrong = damaged.Paths, damaged.Error(), errors.Join(damaged, info.wrong)
	}
	var script *backup.DamagedError
	if deep && errors.As(snap.CheckScript(u.tree), &script) {
		info.Faults, info.wrong = append(info.Faults, script.Paths...), errors.Join(info.wrong, script)
		info.Damaged = cmp.Or(info.Damaged, script.Error())
	}
	return err
}

// PruneOptions stand in place of the settings' limits; nil leaves a limit as it is set.
type PruneOptions struct {
	Keep    *int
	MaxAge  *time.Duration
	MaxSize *int64

	DryRun  bool
	Confirm func(*Backups) (bool, error) // asked once, if set and there is something to remove
}

// PruneBackups removes the snapshots that the limits let go, from the oldest end only, but
// never the newest nor the one that a plain revert takes back, nor what came after it.
func (u *Updater) PruneBackups(ctx context.Context, opt PruneOptions) (*Backups, error) {
	limits := u.limits()
	if opt.Keep != nil {
		limits.Keep = *opt.Keep
	}
	if opt.MaxAge != nil {
		limits.MaxAge = *opt.MaxAge
	}
	if opt.MaxSize != nil {
		limits.MaxSize = *opt.MaxSize
	}
	if opt.DryRun {
		if err := u.lookOnly(); err != nil {
			return nil, err
		}
	} else {
		release, _, err := u.begin(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	root, err := u.tree.Lstat("")
	if err != nil {
		return nil, err
	}
	if f := u.foreign(root); f != nil && !opt.DryRun {
		return nil, &PreflightError{[]Finding{*f}}
	}
	r, err := readRecord(u.tree)
	if err != nil {
		return nil, err
	}
	b, err := u.listBackups(ctx, u.nextBack(r), false)
	if err != nil {
		return nil, err
	}
	b.Limits = &Limits{Keep: limits.Keep, MaxAge: limits.MaxAge, MaxSize: limits.MaxSize}
	if b.Removed, err = backup.Excess(u.tree, limits, u.opt.Now(), r.Snapshot); err != nil || opt.DryRun || len(b.Removed) == 0 {
		return b, err
	}
	if opt.Confirm != nil {
		ok, err := opt.Confirm(b)
		if err == nil && !ok {
			err = ErrDeclined
		}
		if err != nil {
			return b, err
		}
	}
	want := b.Removed
	b.Removed, err = backup.Prune(u.tree, limits, u.opt.Now(), r.Snapshot)
	b.Snapshots = slices.DeleteFunc(b.Snapshots, func(s SnapshotInfo) bool { return slices.Contains(b.Removed, s.ID) })
	if err == nil {
		err = appendHistory(u.tree, HistoryEntry{Time: u.opt.Now().UTC().Truncate(time.Second), By: actor(), Action: "prune", From: r.Level, To: r.Level,
			Channel: r.Channel, Version: r.Version, Result: "done", Reason: "removed " + joined(want), Engine: u.opt.Engine})
	}
	if err != nil {
		return b, fmt.Errorf("remove snapshots: %w", err)
	}
	return b, nil
}

// limits are the settings' of how long snapshots are kept.
func (u *Updater) limits() backup.Retention {
	b := u.settings.Backup
	return backup.Retention{Keep: b.Keep, MaxAge: b.MaxAge, MaxSize: b.MaxSize}
}
