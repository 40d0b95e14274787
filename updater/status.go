package updater

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest/repository"
	"inplace/updater/journal"
)

// Status tells where the installation stands. If it may write and nobody else does,
// it first mends what an interrupted run has left. A source that cannot be reached
// is told in the status and is no error. Beside another run there is a *[fsys.LockedError] and no status.
func (u *Updater) Status(ctx context.Context) (*Status, error) {
	s := &Status{Home: u.tree.Path(), Engine: u.opt.Engine, Source: u.source(), Channel: u.channel(), Snapshots: []SnapshotInfo{}, Conflicts: []string{}, Service: u.servicePlan()}
	release, rec, err := u.begin(ctx)
	s.Recovery = rec
	var open *OpenError
	switch {
	case err == nil:
		defer release()
	case isMended(err):
		now, e := u.Status(ctx)
		if now != nil {
			now.Recovery = rec
		}
		return now, errors.Join(err, e)
	case errors.As(err, &open):
		s.Open = true
		return s, err
	case errors.Is(err, fsys.ErrLocked):
		return nil, err // nothing is told that the other run is changing
	case errors.Is(err, fs.ErrPermission), isReadOnly(err):
		if err := u.lookOnly(); err != nil {
			s.Open = errors.As(err, &open)
			return s, err
		}
	default:
		return s, err
	}
	r, err := readRecord(u.tree)
	if err != nil {
		return s, err
	}
	s.Product, s.Installed = r.Product, r.release()
	for _, e := range u.astray {
		s.Away = append(s.Away, e.Error())
	}
	if s.Snapshots, err = u.snapshots(ctx, u.nextBack(r), nil); err != nil {
		return s, err
	}
	u.waitingOf(s, r, release != nil)
	if p, err := readPrepared(u.tree); err == nil && p != nil {
		if s.Prepared, err = u.info(p, r); err != nil {
			return s, err
		}
	}
	for _, snap := range s.Snapshots {
		s.SlotBytes += snap.Bytes
	}
	if err := u.edits(ctx, s, release != nil); err != nil {
		return s, err
	}
	list, err := u.known(ctx, s)
	if err != nil {
		s.NewestErr = err.Error()
	}
	if err == nil {
		s.Withdrawn = u.client.Withdrawn(r.Level)
	}
	for _, l := range list {
		if l.Level == r.Level && l.Withdrawn != "" {
			s.Withdrawn = l.Withdrawn
		}
		if s.Prepared != nil && l.Level == s.Prepared.Level && l.Withdrawn != "" {
			s.Prepared.Drift = append(s.Prepared.Drift, "the vendor has withdrawn this level: "+l.Withdrawn)
		}
		if l.Withdrawn == "" && (s.Newest == nil || l.Level > s.Newest.Level) {
			s.Newest = &Release{Level: l.Level, Channel: l.Channel, Manifest: l.Digest}
		}
	}
	return s, nil
}

// waitingOf tells what waits in the workspace. A workspace that cannot be read is told.
func (u *Updater) waitingOf(s *Status, r *record, mayWrite bool) {
	if err := u.openWorkspace(r, !mayWrite); err != nil {
		s.WorkspaceErr = err.Error()
		return
	}
	if u.ws == nil {
		return
	}
	s.Workspace = u.workspaceView(r, nil)
	for i := range u.ws.files {
		s.Conflicts = append(s.Conflicts, string(u.ws.files[i].Path))
	}
}

// edits compares the files with what was shipped. Where this run may write, what it had
// to read goes into the stat cache. Only the end of ctx is an error.
func (u *Updater) edits(ctx context.Context, s *Status, mayWrite bool) error {
	in, err := readInstalled(u.tree)
	if err == nil {
		s.Edits, err = u.verifyAnd(ctx, in, VerifyOptions{}, mayWrite)
	}
	if cancelled(ctx) != nil {
		return err
	}
	if err != nil {
		s.EditsErr = err.Error()
	}
	return nil
}

// known lists the releases of the channel: as the source has them, else, with the error
// of the source, as they were seen when it was asked last.
func (u *Updater) known(ctx context.Context, s *Status) ([]repository.Release, error) {
	err := u.connect(ctx)
	if err == nil {
		return u.client.Releases(u.channel())
	}
	trust, e := readTrust(u.tree)
	if e != nil {
		return nil, err
	}
	list, e := trust.Seen(u.channel())
	if e != nil {
		return nil, err
	}
	s.Seen = trust.Newest
	return list, err
}

func isReadOnly(err error) bool { return errors.Is(err, fsys.ErrReadOnly) }

// snapshots lists them, newest first; current is what a plain revert takes back. look, if any, adds
// to each what only its content tells; of are how many there are.
func (u *Updater) snapshots(ctx context.Context, current []string, look func(snap *backup.Snapshot, info *SnapshotInfo, of int) error) ([]SnapshotInfo, error) {
	ids, err := backup.List(u.tree)
	if err != nil {
		return nil, err
	}
	out := []SnapshotInfo{}
	for _, id := range slices.Backward(ids) {
		if err := cancelled(ctx); err != nil {
			return nil, err
		}
		snap, err := backup.Load(u.tree, id)
		if errors.Is(err, fs.ErrNotExist) {
			if !slices.Contains(current, id) {
				continue // what is left of a transaction that was undone
			}
			err = headGone(id)
		}
		info := snapshotInfo(id, snap, err, current)
		if snap == nil {
			snap = &backup.Snapshot{Dir: path.Join(backup.SnapshotsDir, id)}
		}
		if info.DiskBytes, err = snap.DiskSize(u.tree); err != nil {
			return nil, err
		}
		if look != nil {
			if err := look(snap, &info, len(ids)); err != nil {
				return nil, err
			}
		}
		out = append(out, info)
	}
	return out, nil
}

// snapshotInfo is what the list of a snapshot, or why it could not be read, tells.
func snapshotInfo(id string, snap *backup.Snapshot, err error, current []string) SnapshotInfo {
	info := SnapshotInfo{ID: id, Current: slices.Contains(current, id)}
	if err != nil {
		info.Damaged, info.wrong = err.Error(), err
		return info
	}
	info.Action, info.Created, info.Bytes = snap.Action, snap.Created, snap.Bytes
	info.From, info.To, info.Data = snap.From.Level, snap.To.Level, snap.Data
	for _, e := range snap.Entries {
		switch e.Class {
		case backup.Product:
			info.Paths++
		case backup.Config:
			if e.Old.Kind == backup.File {
				info.Config++
			}
		}
	}
	return info
}

// Guard says whether the product may start: nil, or *[OpenError], or *[fsys.LockedError] beside
// a run that is at work. Without an open
// journal it costs a few system calls and no more; with one it finishes or undoes the
// interrupted run, but leaves it to its caller to start the product. Where the journal is open and the
// marker OPEN is not there, everything is new, or old: then the run that watches the product lets it start. Somebody
// else than the owner, who may not read the journal, goes by the marker.
func Guard(ctx context.Context, home, engine string) error {
	tree, err := fsys.Open(home)
	if err != nil {
		return err
	}
	defer tree.Close()
	tree.Inherit = true // a start script may run as root
	marker, err := tree.Lstat(journal.Open)
	if err != nil {
		return err
	}
	journalInfo, err := tree.Lstat(journal.Path)
	if err != nil {
		return err
	}
	if !marker.Exists && (!journalInfo.Exists || tree.Locked(lockPath) != nil) {
		return nil
	}
	root, err := tree.Lstat("")
	if err != nil {
		return err
	}
	if euid := os.Geteuid(); euid > 0 && euid != root.UID {
		if !marker.Exists {
			return nil
		}
		return &OpenError{}
	}
	u, err := Open(Options{Home: home, Engine: engine, guard: true})
	if err != nil {
		return &OpenError{Cause: err}
	}
	defer u.Close()
	release, _, err := u.begin(ctx)
	var open *OpenError
	switch {
	case err == nil:
		release()
		return nil
	case errors.Is(err, errMayRun):
		return nil
	case errors.As(err, &open), errors.Is(err, fsys.ErrLocked):
		return err
	}
	return &OpenError{Cause: err}
}
