package backup

import (
	"os"

	"inplace/backup/fsys"
)

// StageDir is where a run puts everything aside before its commit point. Without a
// journal that names it, what lies there is the litter of an interrupted run.
const StageDir = "updates/stage"

// SnapshotsDir is where the snapshots lie.
const SnapshotsDir = "updates/backups"

// UndoFile is the name of the journal record that lies ready in a snapshot while
// its transaction is open, so that turning round needs no room on the disk.
const UndoFile = "undo"

// UndoneFile marks what is left of a transaction that was undone. It is the journal
// itself, moved here by the step that closed it.
const UndoneFile = "undone"

// Stage is a snapshot in the making. Its methods may be called from several
// goroutines.
type Stage struct {
	tree   *fsys.Tree
	slots  *fsys.Dir
	aside  *fsys.Dir
	config *fsys.Dir
}

// NewStage throws away what an earlier run left staged and opens an empty stage.
func NewStage(tree *fsys.Tree) (*Stage, error) {
	if err := tree.RemoveAll(StageDir); err != nil {
		return nil, err
	}
	for _, dir := range []string{SnapshotsDir, StageDir} {
		if err := tree.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	stage, err := tree.OpenDir(StageDir)
	if err != nil {
		return nil, err
	}
	defer stage.Close()
	s := &Stage{tree: tree}
	for _, part := range []struct {
		name string
		dir  **fsys.Dir
	}{{"slots", &s.slots}, {"aside", &s.aside}, {"config", &s.config}} {
		if err = stage.Mkdir(part.name, 0o700); err == nil {
			*part.dir, err = stage.OpenDir(part.name)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// Close lets go of the stage's handles; what is staged stays.
func (s *Stage) Close() {
	for _, d := range []*fsys.Dir{s.slots, s.aside, s.config} {
		if d != nil {
			d.Close()
		}
	}
}

// Discard removes the stage and all in it.
func (s *Stage) Discard() error {
	s.Close()
	return s.tree.RemoveAll(StageDir)
}

// Meta is what a staged file gets besides its bytes.
type Meta struct {
	Mode     uint32
	UID, GID int
	Attrs    []fsys.Xattr // of the file that it replaces
	MTime    int64        // Unix nanoseconds; 0: now
}

// Put stages a file: fill writes its bytes, then it gets its owner, mode, attributes
// and time, in the order in which none undoes another. It returns the names of the
// attributes that could not be set. Nothing is synced but where the system cannot
// sync a whole file system at once.
func (s *Stage) Put(slot int, meta Meta, fill func(f *os.File) error) (refused []string, err error) {
	return put(s.slots, slotName(slot), meta, fill)
}

// PutOld keeps a copy of the live file src beside the slot, for a file whose inode
// cannot become the backup because something else holds it too.
func (s *Stage) PutOld(slot int, meta Meta, src *os.File) error {
	_, err := put(s.aside, slotName(slot), meta, func(f *os.File) error { return fsys.CopyData(f, src) })
	return err
}

// PutConfig keeps a copy of a configuration file.
func (s *Stage) PutConfig(slot int, meta Meta, src *os.File) error {
	_, err := put(s.config, slotName(slot), meta, func(f *os.File) error { return fsys.CopyData(f, src) })
	return err
}

// PutLink stages a symbolic link.
func (s *Stage) PutLink(slot int, target string, uid, gid int) error {
	if err := s.slots.Symlink(target, slotName(slot)); err != nil {
		return err
	}
	info, err := s.slots.Lstat(slotName(slot))
	if err != nil || (info.UID == uid && info.GID == gid) {
		return err
	}
	return s.slots.Chown(slotName(slot), uid, gid)
}

func put(d *fsys.Dir, name string, meta Meta, fill func(f *os.File) error) (refused []string, err error) {
	f, err := d.Create(name)
	if err != nil {
		return nil, err
	}
	err = fill(f)
	if err == nil {
		refused, err = finish(f, meta)
	}
	if err == nil && meta.MTime != 0 {
		err = d.Chtimes(name, meta.MTime)
	}
	if err == nil && !fsys.SyncsWhole {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return refused, err
}

func finish(f *os.File, meta Meta) (refused []string, err error) {
	info, err := fsys.FileInfo(f)
	if err != nil {
		return nil, err
	}
	if meta.UID >= 0 && (info.UID != meta.UID || info.GID != meta.GID) {
		if err := f.Chown(meta.UID, meta.GID); err != nil {
			return nil, err
		}
	}
	if refused, err = fsys.SetXattrs(f, meta.Attrs); err != nil {
		return refused, err
	}
	return refused, f.Chmod(os.FileMode(meta.Mode))
}

// Seal writes what makes the stage a snapshot: the entries, restore.sh and the head
// last, and makes all of it durable. undo is the journal record that turns the
// transaction round, kept ready under the name [UndoFile].
func (s *Stage) Seal(head Head, entries []Entry, undo []byte) error {
	raw := MarshalEntries(entries)
	dir, err := s.tree.OpenDir(StageDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.WriteFile("entries", raw, 0o600, !fsys.SyncsWhole); err != nil {
		return err
	}
	if err := dir.WriteFile(UndoFile, undo, 0o600, !fsys.SyncsWhole); err != nil {
		return err
	}
	if err := dir.WriteFile("restore.sh", restoreScript(head, entries), 0o700, !fsys.SyncsWhole); err != nil {
		return err
	}
	if err := dir.WriteFile("snapshot.yaml", head.marshal(raw), 0o600, !fsys.SyncsWhole); err != nil {
		return err
	}
	if ok, err := dir.SyncFS(); ok || err != nil {
		return err
	}
	for _, d := range []*fsys.Dir{s.slots, s.aside, s.config, dir} {
		if err := d.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// Space is the room where the stage lies.
func (s *Stage) Space() (bytes, inodes int64, err error) { return s.slots.Space() }
