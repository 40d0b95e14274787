package backup

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// examine decides, for a change that may have been interrupted anywhere, whether
// the pair (live path, slot) still has to be exchanged. What is on the disk, and what
// is done, going from old to new (undoing: the other way round):
//
//	live     slot     aside    means                            done here
//	old      new      -        not begun                        exchange
//	old      new      old      not begun, old bytes copied      exchange
//	absent   new      old      between two renames              aside goes back; again
//	new      -        old      between two renames              aside becomes the slot; again
//	new      old      -        done                             nothing
//	other    new      -        someone wrote here since         live to found/, slot to live
//	other    other    -        undoing: slot holds what was     live to found/, slot to live
//	                           live, whatever it is
//	other    -        -        undoing: went back before, as    listed, stays
//	                           in the row above
//	any      -        -        nothing left to put in place     error, the journal stays
//
// When undoing, the slot may hold what an operator saved in the last moment before
// the exchange; it is what was live, so it goes back whatever it is. Undoing again, it
// is met at the live path, and nothing is missing.
func (c *Change) examine(e Entry, d *fsys.Dir, name string) (todo bool, err error) {
	if e.New.Kind == Whole {
		return c.examineWhole(e, d, name)
	}
	slot := slotName(e.Slot)
	live, err := c.look(d, name, e)
	if err != nil {
		return false, err
	}
	kept, err := c.look(c.slots, slot, e)
	if err != nil {
		return false, err
	}
	old, err := c.aside.Lstat(slot)
	if err != nil {
		return false, err
	}
	if old.Exists && (kept.absent() || live.absent()) { // between two renames
		if kept.absent() {
			err = c.aside.Rename(slot, c.slots, slot)
		} else {
			err = c.aside.Rename(slot, d, name)
		}
		if err != nil {
			return false, err
		}
		return c.examine(e, d, name)
	}
	switch {
	case live.isNew:
		return false, nil
	case live.isOld && (kept.isNew || e.New.Kind == Absent):
		return true, nil
	case c.Undo && kept.isOld && !kept.absent():
		// The slot holds the side that is to be left: the path was put back before,
		// and what is live is what was there when the change began.
		return false, nil
	case c.Undo && kept.absent() && !live.absent() && !live.isOld && e.New.Kind != Absent:
		c.Found = append(c.Found, Found{Path: e.Path})
		return false, nil
	case kept.absent() && e.New.Kind != Absent:
		return false, fmt.Errorf("%s: is neither old nor new, and slot %d of %s is gone", e.Path, e.Slot, c.dir)
	case !c.Undo && !kept.isNew && e.New.Kind != Absent:
		return false, fmt.Errorf("%s: slot %d of %s does not hold what was staged", e.Path, e.Slot, c.dir)
	case live.isOld: // undoing: what was live goes back, whatever it is
		return true, nil
	}
	if !live.absent() {
		if err := c.setAside(e, d, name); err != nil {
			return false, err
		}
	}
	return e.New.Kind != Absent, nil
}

// examineWhole is examine for something that has no digest. The slot alone decides:
// once it is empty, the whole is live.
func (c *Change) examineWhole(e Entry, d *fsys.Dir, name string) (todo bool, err error) {
	kept, err := c.slots.Lstat(slotName(e.Slot))
	if err != nil || !kept.Exists {
		return false, err
	}
	live, err := d.Lstat(name)
	if err == nil && live.Exists {
		err = c.setAside(e, d, name)
	}
	return true, err
}

// sight is what lies at a name, told by the two sides of an entry.
type sight struct {
	info         fsys.Info
	isOld, isNew bool
}

func (s sight) absent() bool { return !s.info.Exists }

func (c *Change) look(d *fsys.Dir, name string, e Entry) (sight, error) {
	info, err := d.Lstat(name)
	if err != nil {
		return sight{}, err
	}
	got := StateOf(info)
	switch {
	case got.Kind == File && (e.Old.Kind == File || e.New.Kind == File):
		got.Digest, err = digestIn(d, name)
	case got.Kind == Link:
		got.Target, err = d.Readlink(name)
	}
	if err != nil {
		return sight{}, err
	}
	return sight{info, matches(got, e.Old, e.New), matches(got, e.New, e.Old)}, nil
}

// matches reports whether got is want and not its counterpart other: by kind and
// content, and by mode where the contents are alike.
func matches(got, want, other State) bool {
	if want.Kind == Whole {
		return got.Kind != Absent
	}
	if got.Kind != want.Kind {
		return false
	}
	if got.Kind == Absent || got.Kind == Dir {
		return true
	}
	return got.sameContent(want) && (!want.sameContent(other) || got.Mode == want.Mode || !fsys.HasModes)
}

func digestIn(d *fsys.Dir, name string) (manifest.Digest, error) {
	return digested(func(g *digester) error {
		_, err := d.Feed(name, g.buf, g.hash)
		return err
	})
}

// digester takes the digest of one file after the other. A plan reads thousands, and a
// buffer and a hash for each would be the most of what it allocates.
type digester struct {
	hash hash.Hash
	buf  []byte
}

var digesters = sync.Pool{New: func() any { return &digester{sha256.New(), make([]byte, 128<<10)} }}

// digested is the digest of what feed gives to the hash.
func digested(feed func(*digester) error) (d manifest.Digest, err error) {
	g := digesters.Get().(*digester)
	defer digesters.Put(g)
	g.hash.Reset()
	if err := feed(g); err != nil {
		return d, err
	}
	g.hash.Sum(d[:0])
	return d, nil
}

// DigestFile reads f to its end.
func DigestFile(f *os.File) (manifest.Digest, error) {
	return digested(func(g *digester) error {
		// Wrapped, so that the copy takes our buffer and not one of its own.
		_, err := io.CopyBuffer(g.hash, struct{ io.Reader }{f}, g.buf)
		return err
	})
}
