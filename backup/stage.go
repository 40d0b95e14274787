package backup

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"inplace/backup/fsys"
	"inplace/manifest"
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
	roots  []Root
	places []stagePlace // of the installation, then of each root
	config *fsys.Dir
	data   *fsys.Dir // nil until there is some
	waits  bool      // it waits prepared, see [OpenStage]
}

// stagePlace is a part of the stage, held open: [place] of a snapshot in the making.
type stagePlace struct{ stage, slots, aside *fsys.Dir }

// NewStage throws away what an earlier run left staged and opens an empty stage, with a
// part in the store of each root.
func NewStage(tree *fsys.Tree, roots ...Root) (s *Stage, err error) {
	if err := DropStage(tree, roots...); err != nil {
		return nil, err
	}
	s = &Stage{tree: tree, roots: roots}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Discard())
		}
	}()
	for i, dir := range twins(StageDir, roots) {
		if i > 0 {
			if err := makeStore(tree, roots[i-1]); err != nil {
				return s, err
			}
		}
		if err := s.make(dir); err != nil {
			return s, err
		}
	}
	s.config, err = newDir(s.places[0].stage, "config")
	return s, err
}

// make makes the part of the stage in dir.
func (s *Stage) make(dir string) (err error) {
	for _, d := range []string{path.Join(path.Dir(dir), "backups"), dir} {
		if err := s.tree.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	s.places = append(s.places, stagePlace{})
	p := &s.places[len(s.places)-1]
	if p.stage, err = s.tree.OpenDir(dir); err != nil {
		return err
	}
	if p.slots, err = newDir(p.stage, "slots"); err != nil {
		return err
	}
	p.aside, err = newDir(p.stage, "aside")
	return err
}

func newDir(d *fsys.Dir, name string) (*fsys.Dir, error) {
	if err := d.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return d.OpenDir(name)
}

// at is the place for the slot of e.
func (s *Stage) at(e Entry) *stagePlace {
	if r := RootOf(s.roots, e.Path); r != nil && e.Class == Product {
		for i := range s.roots {
			if &s.roots[i] == r {
				return &s.places[i+1]
			}
		}
	}
	return &s.places[0]
}

// Roots are those that the stage has a part in, for the head of the snapshot.
func (s *Stage) Roots() []Root { return s.roots }

// Close lets go of the stage's handles; what is staged stays.
func (s *Stage) Close() {
	for _, p := range s.places {
		for _, d := range []*fsys.Dir{p.stage, p.slots, p.aside} {
			if d != nil {
				d.Close()
			}
		}
	}
	if s.config != nil {
		s.config.Close()
	}
	if s.data != nil {
		s.data.Close()
	}
	s.places, s.config, s.data = nil, nil, nil
}

// Discard removes the stage and all in it, unless it waits prepared.
func (s *Stage) Discard() error {
	s.Close()
	if s.waits {
		return nil
	}
	return DropStage(s.tree, s.roots...)
}

// DropStage removes what is staged, in the installation last: while that is there, the rest
// is known to be litter. Where a snapshot lies in the stage that is on its way out, its parts
// in roots go with it. A root that cannot be reached, or is another installation's, keeps
// what it has.
func DropStage(tree *fsys.Tree, roots ...Root) error {
	if waits, err := Prepared(tree); err != nil {
		return err
	} else if waits { // first, or half of it would be taken for the whole
		if err := tree.RemoveState(path.Join(StageDir, PreparedFile)); err != nil {
			return err
		}
		if err := DropGone(tree); err != nil {
			return err
		}
	}
	litter := []string{StageDir}
	if head, err := readHead(tree, StageDir); err == nil && ValidID(head.ID) {
		live, err := tree.Lstat(path.Join(SnapshotsDir, head.ID))
		if err != nil {
			return err
		}
		if !live.Exists {
			litter = append(litter, path.Join(SnapshotsDir, head.ID))
		}
		roots = append(slices.Clone(roots), head.Roots...)
	}
	for _, r := range roots {
		if CheckStore(tree, r) != nil {
			continue
		}
		for _, dir := range litter {
			if err := tree.RemoveAll(r.twin(dir)); err != nil && !fsys.IsBlocked(err) {
				return err
			}
		}
		if err := dropStore(tree, r); err != nil {
			return err
		}
	}
	return tree.RemoveAll(StageDir)
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
func (s *Stage) Put(e Entry, meta Meta, fill func(f *os.File) error) (refused []string, err error) {
	return put(s.at(e).slots, slotName(e.Slot), meta, fill)
}

// PutOld keeps a copy of the live file src beside the slot, for a file whose inode
// cannot become the backup because something else holds it too.
func (s *Stage) PutOld(e Entry, meta Meta, src *os.File) error {
	_, err := put(s.at(e).aside, slotName(e.Slot), meta, func(f *os.File) error { return fsys.CopyData(f, src) })
	return err
}

// PutConfig keeps a copy of a configuration file.
func (s *Stage) PutConfig(slot int, meta Meta, src *os.File) error {
	_, err := put(s.config, slotName(slot), meta, func(f *os.File) error { return fsys.CopyData(f, src) })
	return err
}

// BeginData makes room for copies of data, before the first PutData.
func (s *Stage) BeginData() (err error) {
	s.data, err = newDir(s.places[0].stage, "data")
	return err
}

// DropData takes the room for data back, with what is in it.
func (s *Stage) DropData() error {
	s.data.Close()
	s.data = nil
	return s.places[0].stage.RemoveAll("data")
}

// PutData keeps a copy of a file of data; with share it fails with errors.ErrUnsupported
// where the file system cannot share blocks.
func (s *Stage) PutData(slot int, meta Meta, src *os.File, share bool) error {
	_, err := put(s.data, slotName(slot), meta, func(f *os.File) error {
		if share {
			return fsys.Clone(f, src)
		}
		return fsys.CopyData(f, src)
	})
	return err
}

// PutDataLink keeps a link among the data.
func (s *Stage) PutDataLink(slot int, target string) error {
	return s.data.Symlink(target, slotName(slot))
}

// PutLeft keeps what a merge makes of a file, under its digest: it is what later edits start
// from, and holds what the operator wrote.
func (s *Stage) PutLeft(d manifest.Digest, data []byte) error {
	err := s.config.WriteFile(d.Hex(), data, 0o600, !fsys.SyncsWhole)
	if errors.Is(err, fs.ErrExist) {
		return nil // two files that became the same
	}
	return err
}

// Left is where a snapshot keeps what a merge made, if it does.
func (s *Snapshot) Left(d manifest.Digest) string { return path.Join(s.Dir, "config", d.Hex()) }

// PutLink stages the symbolic link that e becomes, with its time if that is not 0.
func (s *Stage) PutLink(e Entry) error {
	slots, name := s.at(e).slots, slotName(e.Slot)
	if err := slots.Symlink(e.New.Target, name); err != nil {
		return err
	}
	if err := own(slots, name, fsys.Info{UID: e.New.UID, GID: e.New.GID}); err != nil || e.New.MTime == 0 {
		return err
	}
	return slots.Chtimes(name, e.New.MTime)
}

func put(d *fsys.Dir, name string, meta Meta, fill func(f *os.File) error) (refused []string, err error) {
	f, made, err := d.CreateAs(name, meta.Mode) // whatever it is: nobody else looks into the stage
	if err != nil {
		return nil, err
	}
	err = fill(f)
	if err == nil {
		refused, err = finish(f, made, meta)
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

// finish gives f, which was made as made tells, its owner, attributes and mode.
func finish(f *os.File, made fsys.Info, meta Meta) (refused []string, err error) {
	owned := meta.UID < 0 || made.UID == meta.UID && made.GID == meta.GID
	if !owned {
		if err := f.Chown(meta.UID, meta.GID); err != nil {
			return nil, err
		}
	}
	if refused, err = fsys.SetXattrs(f, meta.Attrs); err != nil {
		return refused, err
	}
	if owned && len(meta.Attrs) == 0 && made.Perm() == meta.Mode {
		return nil, nil
	}
	return refused, f.Chmod(os.FileMode(meta.Mode))
}

// WatchFile is the name of the journal record that lies ready beside [UndoFile] where the product
// is to be started once everything is live.
const WatchFile = "watch"

// Seal sorts entries and writes what makes the stage a snapshot: the entries, restore.sh
// and the head last, and makes all of it durable. undo is the journal record that turns the
// transaction round, kept ready under the name [UndoFile].
func (s *Stage) Seal(head Head, entries []Entry, undo []byte) error {
	dir := s.places[0].stage
	slices.SortStableFunc(entries, order)
	script := make(chan error, 1) // beside the list: each is long where much changes
	go func() { script <- dir.WriteFile("restore.sh", restoreScript(head, entries), 0o700, !fsys.SyncsWhole) }()
	digest, err := sealEntries(dir, entries)
	if err := errors.Join(err, <-script); err != nil {
		return err
	}
	if err := dir.WriteFile(UndoFile, undo, 0o600, !fsys.SyncsWhole); err != nil {
		return err
	}
	if err := dir.WriteFile("snapshot.yaml", head.marshal(digest), 0o600, !fsys.SyncsWhole); err != nil {
		return err
	}
	return s.sync()
}

// sync makes the stage durable.
func (s *Stage) sync() error {
	for _, p := range s.places {
		if ok, err := p.stage.SyncFS(); ok || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		for _, d := range []*fsys.Dir{p.slots, p.aside, p.stage} {
			if err := d.Sync(); err != nil {
				return err
			}
		}
	}
	if fsys.SyncsWhole {
		return nil
	}
	if s.data != nil {
		if err := s.data.Sync(); err != nil {
			return err
		}
	}
	return s.config.Sync()
}

// sealEntries writes the list of sorted entries into dir and returns its digest.
func sealEntries(dir *fsys.Dir, entries []Entry) (d manifest.Digest, err error) {
	f, err := dir.Create("entries")
	if err != nil {
		return d, err
	}
	h := sha256.New()
	err = writeEntries(io.MultiWriter(f, h), entries)
	if err == nil && !fsys.SyncsWhole {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	h.Sum(d[:0])
	return d, err
}
