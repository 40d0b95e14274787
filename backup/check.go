package backup

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// Fault is an entry whose content a snapshot does not keep as it was recorded.
type Fault struct {
	Entry  Entry
	Reason string
}

func (f Fault) String() string { return f.Entry.Path.String() + ": " + f.Reason }

// held is the directory in the snapshot that keeps what an entry was, "" if nothing is
// kept of it there.
func (e Entry) held() string {
	switch {
	case e.Slot == NoSlot || !e.Old.moves():
		return ""
	case e.Class == Product || e.Class == Record:
		return "slots"
	case e.Class == Config:
		return "config"
	case e.Class == Data:
		return "data"
	}
	return ""
}

// Check looks at what the snapshot keeps of the entries that wanted accepts (nil: of
// all): by digest if deep, else by kind and size alone, which reads no content.
func (s *Snapshot) Check(tree *fsys.Tree, deep bool, wanted func(Entry) bool) ([]Fault, error) {
	dirs := map[string]*fsys.Dir{}
	defer func() {
		for _, d := range dirs {
			if d != nil {
				d.Close()
			}
		}
	}()
	type look struct {
		e           *Entry
		dir, reason string
		err         error
	}
	var looks []look
	for i := range s.Entries {
		e := &s.Entries[i]
		part := e.held()
		if part == "" || wanted != nil && !wanted(*e) {
			continue
		}
		dir := path.Join(s.dirOf(*e), part)
		if _, ok := dirs[dir]; !ok {
			d, err := tree.OpenDir(dir)
			if err != nil && !fsys.IsBlocked(err) {
				return nil, err
			}
			dirs[dir] = d // nil where it is gone
		}
		looks = append(looks, look{e: e, dir: dir})
	}
	var next atomic.Int64
	var readers sync.WaitGroup
	for range min(2, len(looks)) { // what is read is read on both cores
		readers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(looks); i = int(next.Add(1)) - 1 {
				looks[i].reason, looks[i].err = s.fault(dirs[looks[i].dir], looks[i].e, deep)
			}
		})
	}
	readers.Wait()
	var out []Fault
	for _, l := range looks {
		if l.err != nil {
			return nil, l.err
		}
		if dirs[l.dir] == nil && s.dirOf(*l.e) != s.Dir {
			l.reason = fmt.Sprintf("slot %d is out of reach: %s is not there", l.e.Slot, manifest.Path(l.dir))
		}
		if l.reason != "" {
			out = append(out, Fault{*l.e, l.reason})
		}
	}
	return out, nil
}

// fault says what is wrong with what d keeps of e, "" if nothing. An error is of this
// process, which has no more descriptors, and says nothing of the snapshot.
func (s *Snapshot) fault(d *fsys.Dir, e *Entry, deep bool) (string, error) {
	slot := slotName(e.Slot)
	wrong := func(what string) string {
		if e.Class == Config || e.Class == Data {
			return "copy " + slot + what
		}
		return "slot " + slot + what
	}
	unread := func(err error) (string, error) {
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			return "", err
		}
		return wrong(": " + err.Error()), nil
	}
	if d == nil {
		return wrong(" is missing"), nil
	}
	info, err := d.Lstat(slot)
	if err != nil {
		return unread(err)
	}
	got := StateOf(info)
	switch {
	case !info.Exists:
		return wrong(" is missing"), nil
	case e.Old.Kind == Whole:
		return "", nil
	case got.Kind != e.Old.Kind, got.Kind == File && got.Size != e.Old.Size:
		return wrong(s.other()), nil
	}
	if !deep {
		return "", nil
	}
	switch {
	case got.Kind == File:
		got.Digest, err = digestIn(d, slot)
	case got.Kind == Link:
		got.Target, err = d.Readlink(slot)
	}
	if err != nil {
		return unread(err)
	}
	if !matches(got, e.Old, e.New) {
		return wrong(s.other()), nil
	}
	return "", nil
}

// other says of a slot that it holds something else.
func (s *Snapshot) other() string {
	if s.turned {
		return " does not hold the bytes that the update had put there"
	}
	return " does not hold the bytes that were there before"
}

// Verify checks by digest that each slot holds the old bytes as they were recorded, and
// returns a *[DamagedError] that names each one that does not.
func (s *Snapshot) Verify(tree *fsys.Tree) error {
	faults, err := s.Check(tree, true, func(e Entry) bool { return e.held() == "slots" })
	if err == nil && len(faults) > 0 {
		err = s.Damaged(faults)
	}
	return err
}

// Damaged is faults, at least one, as an error.
func (s *Snapshot) Damaged(faults []Fault) *DamagedError {
	e := &DamagedError{ID: s.ID, Turned: s.turned}
	for _, f := range faults {
		e.Paths = append(e.Paths, f.String())
	}
	return e
}

// Turned reports whether restore.sh has taken the change back: the slots then hold what
// the change had made live. The record tells, or where the change left that alone, the first path
// that has something to tell by.
func (s *Snapshot) Turned(tree *fsys.Tree) (bool, error) {
	tells := func(class Class) int {
		return slices.IndexFunc(s.Entries, func(e Entry) bool {
			return e.Class == class && e.Slot != NoSlot && !e.Old.sameContent(e.New) && e.New.moves()
		})
	}
	at := tells(Record)
	if at < 0 {
		at = tells(Product)
	}
	if at < 0 {
		return false, nil
	}
	e := s.Entries[at]
	slots, err := tree.OpenDir(s.SlotsOf(e))
	if fsys.IsBlocked(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer slots.Close()
	got, err := (&Change{}).look(slots, slotName(e.Slot), e)
	return got.isNew && !got.absent(), err
}

// Turn makes the entries say what a snapshot keeps that restore.sh has taken back.
func (s *Snapshot) Turn() {
	s.turned = true
	for i, e := range s.Entries {
		if e.Class == Product || e.Class == Record {
			s.Entries[i] = e.Reversed()
		}
	}
}

// atMost is what the snapshot, whose list is raw, takes on disk at most: much quicker to tell than
// [Snapshot.DiskSize], and of most lists not much more.
func (s *Snapshot) atMost(tree *fsys.Tree, raw []byte) (int64, error) {
	const files, script = 8, 64 << 10 // of its own, and what restore.sh has beside its list
	size := s.Bytes + script + 6*int64(len(raw)) + block*int64(files+countLines(raw, func(line []byte) bool { return len(line) > 2 && line[2] != '-' }))
	err := eachEntry(s.Dir+"/entries", raw, takesRoom, func(e Entry) (err error) {
		var n int64
		switch {
		case e.held() == "config", e.held() == "data":
			n = e.Old.Size
		case e.Old.Kind == Whole && e.Slot != NoSlot:
			n, err = sizeBelow(tree, manifest.Path(path.Join(s.dirOf(e), "slots", slotName(e.Slot))))
		}
		size += n
		return err
	})
	return size, err
}

// block is what a file takes on disk a multiple of.
const block = 4096

// DiskSize is the room that the snapshot takes, each file in whole blocks of 4 KiB.
func (s *Snapshot) DiskSize(tree *fsys.Tree) (int64, error) {
	var total int64
	for _, dir := range twins(s.Dir, s.Roots) {
		n, err := sizeBelow(tree, manifest.Path(dir))
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// sizeBelow adds up the blocks of each file at or below p.
func sizeBelow(tree *fsys.Tree, p manifest.Path) (int64, error) {
	info, err := tree.Lstat(string(p))
	if fsys.IsBlocked(err) || err == nil && !info.Exists {
		return 0, nil // also behind a link that cannot be followed now
	}
	if err != nil {
		return 0, err
	}
	if !info.IsDir() {
		if !info.IsFile() {
			return 0, nil
		}
		return (info.Size + block - 1) / block * block, nil
	}
	names, err := tree.Names(string(p))
	if err != nil {
		return 0, err
	}
	var total int64
	for _, name := range names {
		n, err := sizeBelow(tree, p.Join(name))
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}
