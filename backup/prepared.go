package backup

import (
	"crypto/sha256"
	"fmt"
	"io"
	"path"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// A stage that waits prepared has been filled by a run that ended there, while the product
// was running, for a later one to take:
//
//	updates/stage/prepared        the record that says so, written last; the caller's
//	updates/stage/staged-HEX      its entries, in the form of a snapshot's, by their digest
//	updates/stage/slots/N         their new sides
//	updates/stage/config/HEX      what merges made, as in a snapshot
//	updates/stage/source/         what else the later run reads of the repository
//	updates/stage/gone/           a snapshot on its way out, see [Remove]
//
// The run that takes it adds what a snapshot needs besides and touches neither the record
// nor the entries: until its commit point it can be interrupted anywhere, and what waits
// goes on waiting. Every slot is compared by digest before it is taken, so nothing hangs on
// the record being true. Once the stage is a snapshot, what is only for waiting is litter.
const (
	PreparedFile = "prepared"
	SourceDir    = StageDir + "/source"

	stagedPrefix = "staged-"
	goneDir      = StageDir + "/gone"
)

// Prepared reports whether a stage waits prepared.
func Prepared(tree *fsys.Tree) (bool, error) {
	info, err := tree.Lstat(path.Join(StageDir, PreparedFile))
	if fsys.IsBlocked(err) {
		return false, nil
	}
	return info.Exists, err
}

// LoadStaged reads the entries that WriteStaged wrote.
func LoadStaged(tree *fsys.Tree, d manifest.Digest) ([]Entry, error) {
	name := path.Join(StageDir, stagedPrefix+d.Hex())
	raw, err := tree.ReadState(name, MaxEntriesBytes)
	if err != nil {
		return nil, err
	}
	if got := manifest.DigestOf(raw); got != d {
		return nil, fmt.Errorf("%s: digest mismatch: want %s, got %s", name, d, got)
	}
	return ParseEntries(name, raw)
}

// WriteStaged makes all slots durable and records the entries that they are for, under
// the digest that it returns.
func (s *Stage) WriteStaged(entries []Entry) (manifest.Digest, error) {
	raw := MarshalEntries(entries)
	d := manifest.DigestOf(raw)
	if err := s.sync(); err != nil {
		return d, err
	}
	for _, p := range s.places { // a new stage has to be found again as well
		if fsys.SyncsWhole {
			break
		}
		above, err := p.stage.Parent()
		if err != nil {
			return d, err
		}
		err = above.Sync()
		above.Close()
		if err != nil {
			return d, err
		}
	}
	return d, s.tree.WriteState(path.Join(StageDir, stagedPrefix+d.Hex()), raw, 0o600)
}

// ForgetStaged removes what waited before the entries with digest d were recorded: other
// records of entries, and slots that these do not name.
func (s *Stage) ForgetStaged(d manifest.Digest, entries []Entry) error {
	tree := s.tree
	if err := tidy(tree, StageDir, s.roots, entries); err != nil {
		return err
	}
	return eachWaiting(tree, StageDir, func(name string) error {
		if name == PreparedFile || name == stagedPrefix+d.Hex() {
			return nil
		}
		return tree.RemoveState(path.Join(StageDir, name))
	})
}

// eachWaiting calls fn with the name of each record that dir has of its waiting.
func eachWaiting(tree *fsys.Tree, dir string, fn func(name string) error) error {
	names, err := tree.Names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == PreparedFile || strings.HasPrefix(name, stagedPrefix) {
			if err := fn(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// NoLonger removes from the snapshot id, which a run made of a stage that had been
// prepared, what was for its waiting: records, and slots that its entries do not name.
func NoLonger(tree *fsys.Tree, id string, roots []Root, entries []Entry) error {
	dir := path.Join(SnapshotsDir, id)
	err := eachWaiting(tree, dir, func(name string) error { return tree.RemoveState(path.Join(dir, name)) })
	for _, name := range []string{path.Base(SourceDir), path.Base(goneDir)} {
		if err == nil {
			err = tree.RemoveAll(path.Join(dir, name))
		}
	}
	if err != nil {
		return err
	}
	return tidy(tree, dir, roots, entries)
}

// OpenStage opens the stage that waits prepared, with entries, for a run that takes it. What
// an earlier run of that kind has left in it goes. Whatever becomes of the run before its
// commit point, [Stage.Discard] leaves it waiting.
func OpenStage(tree *fsys.Tree, entries []Entry, roots ...Root) (s *Stage, err error) {
	s = &Stage{tree: tree, roots: roots, waits: true}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	for _, dir := range twins(StageDir, roots) {
		if err := s.reopen(dir); err != nil {
			return s, err
		}
	}
	dir := s.places[0].stage
	for _, name := range []string{"entries", UndoFile, "restore.sh", "snapshot.yaml", "data", "config"} {
		if err := dir.RemoveAll(name); err != nil {
			return s, err
		}
	}
	if s.config, err = newDir(dir, "config"); err != nil {
		return s, err
	}
	return s, tidy(tree, StageDir, roots, entries)
}

// reopen opens the part of the stage in dir.
func (s *Stage) reopen(dir string) (err error) {
	s.places = append(s.places, stagePlace{})
	p := &s.places[len(s.places)-1]
	if p.stage, err = s.tree.OpenDir(dir); err != nil {
		return err
	}
	if p.slots, err = p.stage.OpenDir("slots"); err != nil {
		return err
	}
	if err := p.stage.RemoveAll("aside"); err != nil {
		return err
	}
	p.aside, err = newDir(p.stage, "aside")
	return err
}

// tidy removes the slots in dir and its twins that entries do not name.
func tidy(tree *fsys.Tree, dir string, roots []Root, entries []Entry) error {
	wanted := map[*Root]map[string]bool{nil: {}}
	for i := range roots {
		wanted[&roots[i]] = map[string]bool{}
	}
	for _, e := range entries {
		switch {
		case e.Slot == NoSlot:
		case e.Class == Product:
			wanted[RootOf(roots, e.Path)][slotName(e.Slot)] = true
		case e.Class == Record:
			wanted[nil][slotName(e.Slot)] = true
		}
	}
	for i, d := range twins(dir, roots) {
		var root *Root
		if i > 0 {
			root = &roots[i-1]
		}
		slots, err := tree.OpenDir(path.Join(d, "slots"))
		if err != nil {
			return err
		}
		names, err := slots.Names()
		for _, name := range names {
			if err == nil && !wanted[root][name] {
				err = slots.RemoveAll(name)
			}
		}
		slots.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// Holds reports whether the slot of e has its new side: kind, mode, owner, and content by
// digest. Of a file it must have exactly the attributes attrs.
func (s *Stage) Holds(e Entry, attrs []fsys.Xattr) (bool, error) {
	slots, name := s.at(e).slots, slotName(e.Slot)
	info, err := slots.Lstat(name)
	if err != nil {
		return false, err
	}
	got := StateOf(info)
	if got.Kind != e.New.Kind || got.UID != e.New.UID || got.GID != e.New.GID || info.Nlink > 1 {
		return false, nil
	}
	if e.New.Kind == Link {
		got.Target, err = slots.Readlink(name)
		return got.Target == e.New.Target, err
	}
	if got.Kind != File || got.Mode != e.New.Mode || got.Size != e.New.Size {
		return false, nil
	}
	f, err := slots.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	have, err := fsys.Xattrs(f)
	if err != nil || !sameAttrs(have, attrs) {
		return false, err
	}
	d, err := DigestFile(f)
	return d == e.New.Digest, err
}

func sameAttrs(a, b []fsys.Xattr) bool {
	if len(a) != len(b) {
		return false
	}
	values := map[string]string{}
	for _, x := range a {
		values[x.Name] = string(x.Value)
	}
	for _, x := range b {
		if v, ok := values[x.Name]; !ok || v != string(x.Value) {
			return false
		}
	}
	return true
}

// Content writes to w what the slot of e holds, and fails if that does not have the digest
// of its new side; w has had some of it then.
func (s *Stage) Content(e Entry, w io.Writer) error {
	return content(s.at(e).slots, e, w)
}

// StagedContent is [Stage.Content] of a stage that is not open.
func StagedContent(tree *fsys.Tree, roots []Root, e Entry, w io.Writer) error {
	dir := StageDir
	if r := RootOf(roots, e.Path); r != nil && e.Class == Product {
		dir = r.twin(dir)
	}
	slots, err := tree.OpenDir(path.Join(dir, "slots"))
	if err != nil {
		return err
	}
	defer slots.Close()
	return content(slots, e, w)
}

func content(slots *fsys.Dir, e Entry, w io.Writer) error {
	f, err := slots.Open(slotName(e.Slot))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(h, w), io.LimitReader(f, e.New.Size+1))
	if err == nil && manifest.Digest(h.Sum(nil)) != e.New.Digest {
		err = fmt.Errorf("%s: the stage holds other bytes than were put there", e.Path)
	}
	return err
}

// leave moves the snapshot id out of its place into the directory to, in one step.
func leave(tree *fsys.Tree, id, to string) error {
	from, err := tree.OpenDir(SnapshotsDir)
	if err != nil {
		return err
	}
	defer from.Close()
	d, err := tree.OpenDir(path.Dir(to))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := from.Rename(id, d, path.Base(to)); err != nil {
		return err
	}
	return from.Sync()
}

// DropGone removes what is left of a snapshot that was on its way out through the stage that
// waits prepared, and in the followed directories what it had there.
func DropGone(tree *fsys.Tree) error {
	head, err := readHead(tree, goneDir)
	if err == nil && ValidID(head.ID) {
		if err := dropTwins(tree, head.ID, head.Roots); err != nil {
			return err
		}
	}
	return tree.RemoveAll(goneDir)
}

// dropTwins removes what the snapshot id has in roots, but where that is another installation's.
func dropTwins(tree *fsys.Tree, id string, roots []Root) error {
	for _, r := range roots {
		if CheckStore(tree, r) != nil {
			continue
		}
		if err := tree.RemoveAll(r.twin(path.Join(SnapshotsDir, id))); err != nil && !fsys.IsBlocked(err) {
			return err
		}
	}
	return nil
}
