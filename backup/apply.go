package backup

import (
	"errors"
	"fmt"
	"strconv"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// Found is something that recovery met at a path and that was neither the old nor
// the new state. It was moved aside, not lost.
type Found struct {
	Path manifest.Path `json:"path"`
	Kept string        `json:"kept,omitempty"` // where it is now, relative to the installation; "" when it stayed
}

// DriftError names a path that changed between the last look and the exchange.
type DriftError struct{ Path manifest.Path }

func (e *DriftError) Error() string {
	return e.Path.String() + ": was changed while the update ran"
}

// Change makes a list of entries live, or undoes it. The zero value of the optional
// fields is the plain, trusting way; recovery sets Careful.
type Change struct {
	Tree  *fsys.Tree
	Dir   string // the snapshot's directory, relative to the installation
	Roots []Root // the snapshot's
	Undo  bool   // back to the old side
	Found []Found

	// Careful decides each step by what live path and slot really hold, by digest,
	// so that a change that was interrupted anywhere can be completed or undone.
	Careful bool
	// Progress, if set, is called after each entry.
	Progress func(done, total int)

	place  // of the entry at hand
	places []place
	done   int
	total  int
}

// place is where the slots of some entries lie: those of the installation, or of a root.
type place struct {
	dir   string
	slots *fsys.Dir
	aside *fsys.Dir
	apart map[string]bool // slots whose old bytes lie aside when a plain run begins
}

// open opens the places of the snapshot, that of the installation first.
func (c *Change) open() (err error) {
	for _, dir := range twins(c.Dir, c.Roots) {
		p := place{dir: dir}
		if p.slots, err = c.Tree.OpenDir(dir + "/slots"); err != nil {
			return err
		}
		c.places = append(c.places, p)
		at := &c.places[len(c.places)-1]
		if at.aside, err = c.Tree.OpenDir(dir + "/aside"); err != nil {
			return err
		}
		names, err := at.aside.Names()
		if err != nil {
			return err
		}
		at.apart = make(map[string]bool, len(names))
		for _, n := range names {
			at.apart[n] = true
		}
	}
	c.place = c.places[0]
	return nil
}

func (c *Change) close() {
	for _, p := range c.places {
		p.slots.Close()
		if p.aside != nil {
			p.aside.Close()
		}
	}
	c.places = nil
}

// enter makes the place of e's slot the one at hand.
func (c *Change) enter(e Entry) {
	c.place = c.places[0]
	if r := RootOf(c.Roots, e.Path); r != nil && e.Class == Product {
		for i := range c.Roots {
			if &c.Roots[i] == r {
				c.place = c.places[i+1]
			}
		}
	}
}

// Run applies entries, which are those of the snapshot in Dir, forward or (Undo)
// backward, and makes them durable. It is idempotent. The order is the one in which
// a power cut can lose nothing: what frees a name, what makes a directory, what
// fills it, what empties it, each made durable before the next begins.
//
// Errors: *[DriftError] if a path was not what Before says (all else of the entries up
// to there is applied: undo), else those of the file system with the path first.
func (c *Change) Run(entries []Entry) error {
	defer c.close()
	if err := c.open(); err != nil {
		return err
	}
	c.done, c.total = 0, len(entries)
	c.Careful = c.Careful || c.Undo
	work := changing(entries)
	if c.Undo {
		work = reversed(work)
	}
	dirty := false
	for _, group := range groups(work) {
		if dirty && group.verb != changeMode {
			if err := c.sync(entries); err != nil {
				return err
			}
		}
		for _, i := range group.entries {
			e := work[i]
			err := c.step(group.verb, e)
			if fsys.IsBlocked(err) && (e.New.Kind == Absent || group.verb == removeDir || group.verb == clearName) {
				err = nil // a directory above is not there (any more, or yet): neither is the path
			}
			if err != nil {
				return err
			}
			c.done++
			if c.Progress != nil {
				c.Progress(c.done, c.total)
			}
		}
		dirty = true
	}
	if err := c.setTimes(work); err != nil {
		return err
	}
	return c.sync(entries)
}

func (c *Change) step(v verb, e Entry) error {
	c.enter(e)
	switch v {
	case clearName:
		return c.moveOut(e)
	case makeDir:
		return c.makeDir(e)
	case removeDir:
		return c.removeDir(e)
	case changeMode:
		return c.setMode(e)
	}
	return c.swap(e)
}

func slotName(n int) string { return strconv.Itoa(n) }

// swap brings a file, link or whole from the slot to the live path and what was
// live to the slot; either may be absent.
func (c *Change) swap(e Entry) error {
	return c.Tree.In(string(e.Path), func(d *fsys.Dir, name string) error {
		if c.Careful {
			if todo, err := c.examine(e, d, name); err != nil || !todo {
				return err
			}
		}
		return c.exchange(e, d, name)
	})
}

// exchange is the step itself. In the plain run the live path is as planned; in a
// careful one examine has seen that the slot holds what has to become live.
func (c *Change) exchange(e Entry, d *fsys.Dir, name string) error {
	slot := slotName(e.Slot)
	live, err := d.Lstat(name)
	if err != nil {
		return err
	}
	if !c.Careful && e.Old.Kind != Dir && e.Before.Exists != live.Exists && (e.Before.Exists || e.Old.Kind == Absent) {
		return &DriftError{e.Path}
	}
	if err := c.remode(e, slot); err != nil {
		return err
	}
	switch {
	case e.New.Kind == Absent:
		if live.Exists {
			err = d.Rename(name, c.slots, slot)
		}
	case !live.Exists:
		err = c.slots.Rename(slot, d, name)
	case e.New.Kind == Whole:
		return &DriftError{e.Path} // it has been made anew since the look
	default:
		apart := c.apart[slot]
		if c.Careful {
			old, e2 := c.aside.Lstat(slot)
			if e2 != nil {
				return e2
			}
			apart = old.Exists
		}
		if apart { // the old bytes were copied: the live file has other names or a writer
			if err = c.slots.Rename(slot, d, name); err == nil {
				err = c.aside.Rename(slot, c.slots, slot)
			}
			break
		}
		err = c.slots.Exchange(slot, d, name)
		if errors.Is(err, errors.ErrUnsupported) {
			err = c.exchangeSlowly(d, name, slot)
		}
	}
	if err != nil {
		return err
	}
	return c.drifted(e, slot)
}

// remode gives a file of a snapshot, which has a time, the mode that is recorded before it goes
// live: a slot is told by its bytes, and a chmod there is no part of the change. What is undone
// goes back as it was.
func (c *Change) remode(e Entry, slot string) error {
	if c.Undo || e.New.Kind != File || e.New.MTime == 0 || !fsys.HasModes {
		return nil
	}
	info, err := c.slots.Lstat(slot)
	if err != nil || !info.IsFile() || info.Perm() == e.New.Mode {
		return err
	}
	return c.slots.Chmod(slot, e.New.Mode)
}

// exchangeSlowly does with three names what the file system cannot do in one step.
// Each state in between is told apart by [Change.examine].
func (c *Change) exchangeSlowly(d *fsys.Dir, name, slot string) error {
	if err := d.Link(name, c.aside, slot); err != nil {
		if err := d.Rename(name, c.aside, slot); err != nil {
			return err
		}
	}
	if err := c.slots.Rename(slot, d, name); err != nil {
		return err
	}
	return c.aside.Rename(slot, c.slots, slot)
}

// drifted compares what came into the slot with what was planned to: someone may
// have saved the file at the last moment. Nothing of it is lost, it lies in the slot.
func (c *Change) drifted(e Entry, slot string) error {
	if c.Careful || !e.Before.Exists || e.Before.Nlink > 1 {
		return nil
	}
	got, err := c.slots.Lstat(slot)
	if err != nil {
		return err
	}
	b := e.Before
	if got.Exists && b.IsFile() && (got.Ino != b.Ino || got.Size != b.Size || got.MTime != b.MTime) {
		return &DriftError{e.Path}
	}
	return nil
}

// moveOut takes a file or link out of the way of a directory, or a whole out of the
// tree. Of a whole, an occupied slot tells that it is out already.
func (c *Change) moveOut(e Entry) error {
	return c.Tree.In(string(e.Path), func(d *fsys.Dir, name string) error {
		live, err := d.Lstat(name)
		if err != nil || !live.Exists || live.IsDir() && e.Old.Kind != Whole {
			return err
		}
		slot, err := c.slots.Lstat(slotName(e.Slot))
		if err != nil || slot.Exists && e.Old.Kind == Whole {
			return err
		}
		if slot.Exists {
			return c.setAside(e, d, name)
		}
		if err := d.Rename(name, c.slots, slotName(e.Slot)); err != nil {
			return err
		}
		return c.drifted(e, slotName(e.Slot))
	})
}

func (c *Change) makeDir(e Entry) error {
	return c.Tree.In(string(e.Path), func(d *fsys.Dir, name string) error {
		live, err := d.Lstat(name)
		if err != nil {
			return err
		}
		if live.Exists && !live.IsDir() {
			if err := c.setAside(e, d, name); err != nil {
				return err
			}
			live.Exists = false
		}
		if !live.Exists {
			if err := d.Mkdir(name, e.New.Mode); err != nil {
				return err
			}
			if live, err = d.Lstat(name); err != nil {
				return err
			}
		}
		if live.UID != e.New.UID || live.GID != e.New.GID {
			if err := d.Chown(name, e.New.UID, e.New.GID); err != nil {
				return err
			}
		}
		if live.Perm() != e.New.Mode {
			return d.Chmod(name, e.New.Mode)
		}
		return nil
	})
}

// removeDir removes a directory. Where others have put files into it, it stays and
// is listed, unless a file has to take its name: then it is moved aside whole.
func (c *Change) removeDir(e Entry) error {
	return c.Tree.In(string(e.Path), func(d *fsys.Dir, name string) error {
		live, err := d.Lstat(name)
		if err != nil || !live.IsDir() {
			return err
		}
		err = d.Rmdir(name)
		if err == nil || !fsys.IsNotEmpty(err) {
			return err
		}
		if e.New.Kind != Absent {
			return c.setAside(e, d, name)
		}
		c.Found = append(c.Found, Found{Path: e.Path})
		return nil
	})
}

func (c *Change) setMode(e Entry) error {
	return c.Tree.In(string(e.Path), func(d *fsys.Dir, name string) error {
		live, err := d.Lstat(name)
		if err != nil || StateOf(live).Kind != e.New.Kind || live.Perm() == e.New.Mode {
			return err
		}
		return d.Chmod(name, e.New.Mode)
	})
}

// setTimes gives directories the time they had, which filling them has changed.
// The deepest first is not needed: setting a time changes no other.
func (c *Change) setTimes(work []Entry) error {
	for _, e := range work {
		if e.New.Kind != Dir || e.New.MTime == 0 || (e.Class != Touched && e.Old.Kind == Dir) {
			continue
		}
		path := string(e.Path)
		if e.Path == RootPath {
			path = ""
		}
		info, err := c.Tree.Lstat(path)
		if fsys.IsBlocked(err) {
			continue
		}
		if err != nil {
			return err
		}
		if !info.IsDir() || info.MTime == e.New.MTime {
			continue
		}
		if path == "" {
			err = c.Tree.Root().Chtimes(".", e.New.MTime)
		} else {
			err = c.Tree.In(path, func(d *fsys.Dir, name string) error { return d.Chtimes(name, e.New.MTime) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setAside moves what stands at a path into the snapshot's found/. It works from
// the held handle of the slots, since the tree's own chain of handles is in use.
func (c *Change) setAside(e Entry, d *fsys.Dir, name string) error {
	snapshot, err := c.slots.Parent()
	if err != nil {
		return err
	}
	defer snapshot.Close()
	if info, err := snapshot.Lstat("found"); err != nil {
		return err
	} else if !info.Exists {
		if err := snapshot.Mkdir("found", 0o700); err != nil {
			return err
		}
		if err := snapshot.Sync(); err != nil {
			return err
		}
	}
	found, err := snapshot.OpenDir("found")
	if err != nil {
		return err
	}
	defer found.Close()
	for n := 0; ; n++ {
		to := strconv.Itoa(n)
		info, err := found.Lstat(to)
		if err != nil {
			return err
		}
		if info.Exists {
			continue
		}
		if err := d.Rename(name, found, to); err != nil {
			return err
		}
		c.Found = append(c.Found, Found{e.Path, c.dir + "/found/" + to})
		if fsys.SyncsWhole {
			return nil
		}
		return found.Sync()
	}
}

// sync makes all that was done durable: one call for each place where the system has it,
// else each directory that the entries name.
func (c *Change) sync(entries []Entry) error {
	for _, p := range c.places {
		ok, err := p.slots.SyncFS()
		if err == nil && !ok {
			err = p.slots.Sync()
		}
		if err != nil {
			return err
		}
	}
	if fsys.SyncsWhole {
		return nil
	}
	seen := map[manifest.Path]bool{}
	for _, e := range entries {
		dir := e.Path.Parent()
		if seen[dir] || e.Class == Config || e.Class == Data {
			continue
		}
		seen[dir] = true
		d, err := c.Tree.OpenDir(string(dir))
		if fsys.IsBlocked(err) {
			continue // removed by this very change
		}
		if err != nil {
			return err
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return fmt.Errorf("sync %w", err)
		}
	}
	return nil
}
