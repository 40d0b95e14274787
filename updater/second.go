package updater

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// A second copy of each snapshot lies where `backup.also` of the settings says, in a
// directory of the installation's own below it, which is laid out as the installation is:
// DIR/NAME-XXXXXXXX/updates/backups/ID. NAME is the last name of the installation's path and the
// digits are of the whole path, so that several installations may share DIR. A snapshot
// goes back by copying its directory into updates/backups of the installation.
//
// The copies are made when the run has been successful and cannot fail it any more: what stands in
// their way is therefore found before the first change. A copy that is missing all the
// same, as after an interruption, is made by the next run.

// secondDir is where this installation's second copies lie.
func (u *Updater) secondDir() string {
	home := u.tree.Path()
	sum := sha256.Sum256([]byte(home))
	return filepath.Join(u.settings.Backup.Also, filepath.Base(home)+"-"+hex.EncodeToString(sum[:4]))
}

// openAlso opens the directory that holds the second copies of all. It must not lie in
// the installation, where an update would meet it.
func (u *Updater) openAlso() (*fsys.Tree, error) {
	real, err := filepath.EvalSymlinks(u.settings.Backup.Also)
	if err != nil {
		return nil, cause(err)
	}
	if home := u.tree.Path(); real == home || strings.HasPrefix(real, home+string(filepath.Separator)) {
		return nil, errAlsoInside
	}
	tree, err := fsys.Open(real)
	if err != nil {
		return nil, cause(err)
	}
	return tree, nil
}

var errAlsoInside = errors.New("lies in the installation itself")

// secondFinding says why no second copy of what the plan changes could be made, if so.
func (u *Updater) secondFinding(p *Plan) (*Finding, error) {
	also := u.settings.Backup.Also
	if also == "" || p.way != nil { // the way back does not hang on another disk
		return nil, nil
	}
	no := func(reason, hint string) (*Finding, error) {
		return &Finding{Path: also, Reason: "backup.also: " + reason, Hint: hint + ", or take backup.also out of " + settingsPath}, nil
	}
	other, err := u.openAlso()
	if err != nil {
		return no(err.Error(), "make the directory elsewhere, or mount its file system")
	}
	defer other.Close()
	if err := other.Root().Writable(); err != nil {
		return no("cannot be written to: "+cause(err).Error(), "check its owner, its mode and its mount")
	}
	need, err := u.secondBytes(p)
	if err != nil {
		return nil, err
	}
	free, _, err := other.Root().Space()
	if err != nil {
		return nil, err
	}
	if need > free {
		return no(fmt.Sprintf("the second copy needs %d bytes, %d are free", need, free), "make room there")
	}
	return nil, nil
}

// secondBytes is the room that the second copy of what the plan replaces and removes
// takes.
func (u *Updater) secondBytes(p *Plan) (int64, error) {
	need := int64(spareBytes)
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Action.Changes() {
			need += blocks(s.Ours.Size) + bytesPerStep
		}
	}
	if p.in == nil {
		return need, nil
	}
	data, err := u.dataBytes(p.in)
	return need + data, err
}

// secondCopies makes the second copies that are missing, and lets those go that the
// settings do not keep. Nothing of the run hangs on it.
func (u *Updater) secondCopies(out *Outcome) {
	if u.settings.Backup.Also == "" || out.Snapshot == "" {
		return
	}
	dir := u.secondDir()
	err := u.during(PhaseBackup, func() error { return u.copyMissing(filepath.Base(dir), out) })
	if err != nil {
		out.Warnings = append(out.Warnings, fmt.Sprintf("no second copy of snapshot %s: %v; the next run tries again", out.Snapshot, err))
		return
	}
	out.Second = dir
}

func (u *Updater) copyMissing(name string, out *Outcome) error {
	also, err := u.openAlso()
	if err != nil {
		return err
	}
	defer also.Close()
	if err := also.MkdirAll(name, 0o700); err != nil {
		return err
	}
	other, err := fsys.Open(filepath.Join(also.Path(), name))
	if err != nil {
		return err
	}
	defer other.Close()
	if err := other.MkdirAll(backup.SnapshotsDir, 0o700); err != nil {
		return err
	}
	lock, err := other.Lock(lockPath)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := other.WriteState(backup.CopyMark, []byte("second copies of the snapshots of "+manifest.Path(u.tree.Path()).String()+"\n"), 0o600); err != nil {
		return err
	}
	ids, err := backup.List(u.tree)
	if err != nil {
		return err
	}
	have, err := backup.List(other)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if slices.Contains(have, id) {
			continue
		}
		skipped, err := backup.CopyTo(u.tree, id, other)
		var damaged *backup.DamagedError
		if id != out.Snapshot && (errors.As(err, &damaged) || errors.Is(err, backup.ErrNoSnapshot)) {
			continue // an older one that is damaged here already, or half gone
		}
		if err != nil {
			return err
		}
		for _, s := range skipped {
			out.Warnings = append(out.Warnings, fmt.Sprintf("not in the second copy of snapshot %s: %s, which is no file, directory or link", id, manifest.Path(s)))
		}
	}
	_, err = backup.Prune(other, u.limits(), u.opt.Now(), append(ids, out.Snapshot)...) // what is here stays there
	return err
}

// verifySecond compares the second copies with what was recorded; each fault is a
// *[backup.DamagedError].
func (u *Updater) verifySecond() (n int, errs []error) {
	if u.settings.Backup.Also == "" {
		return 0, nil
	}
	dir := u.secondDir()
	damaged := func(id string, paths ...string) {
		errs = append(errs, &backup.DamagedError{ID: id, In: manifest.Path(dir).String(), Paths: paths})
	}
	other, err := fsys.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, e := os.Stat(u.settings.Backup.Also); e == nil {
			return 0, nil // none was made yet
		}
	}
	if err != nil {
		damaged("", cause(err).Error())
		return 0, errs
	}
	defer other.Close()
	ids, err := backup.List(other)
	if err != nil {
		damaged("", err.Error())
	}
	for _, id := range ids {
		snap, err := backup.Load(other, id)
		if err != nil {
			damaged(id, err.Error())
			continue
		}
		n++
		faults, _, err := checkAll(other, snap, true)
		switch {
		case err != nil:
			damaged(id, err.Error())
		case len(faults) > 0:
			damaged(id, snap.Damaged(faults).Paths...)
		}
	}
	return n, errs
}

// checkAll compares all that a snapshot in tree keeps with what was recorded, turned or not; deep: by
// digest.
func checkAll(tree *fsys.Tree, snap *backup.Snapshot, deep bool) (faults []backup.Fault, turned bool, err error) {
	if turned, err = snap.Turned(tree); err != nil {
		return nil, turned, err
	}
	if turned {
		snap.Turn()
	}
	faults, err = snap.Check(tree, deep, nil)
	return faults, turned, err
}

// offerSecond looks for a whole second copy of a snapshot that err calls damaged, and
// returns err, which names it then.
func (u *Updater) offerSecond(err error) error {
	var damaged *backup.DamagedError
	if u.settings.Backup.Also == "" || !errors.As(err, &damaged) || damaged.In != "" {
		return err
	}
	other, e := fsys.Open(u.secondDir())
	if e != nil {
		return err
	}
	defer other.Close()
	second, e := backup.Load(other, damaged.ID)
	if e != nil {
		return err
	}
	for _, r := range second.Roots {
		if info, e := u.tree.Lstat(string(r.Path)); e != nil || !info.IsDir() {
			return err // there is no place to copy it to
		}
	}
	if mine, e := backup.Load(u.tree, damaged.ID); e == nil {
		if turned, e := mine.Turned(u.tree); turned || e != nil {
			return err // restore.sh has taken it back here, and not in the copy
		}
	}
	if faults, turned, e := checkAll(other, second, true); e == nil && !turned && len(faults) == 0 {
		damaged.Whole = second.Seconds(u.tree, other)
	}
	return err
}

// offerLost is offerSecond for an error that says that the snapshot id is not here: where there is a
// whole second copy of it, it was lost.
func (u *Updater) offerLost(err error, id string) error {
	var unknown *UnknownSnapshotError
	if errors.Is(err, ErrNothingToRevert) || errors.As(err, &unknown) {
		lost := headGone(id)
		if _ = u.offerSecond(lost); lost.Whole != nil {
			return lost
		}
	}
	return u.offerSecond(err)
}
