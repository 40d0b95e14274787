// Package backup keeps the way back: what a run is about to replace or remove, and
// the exchange that makes it so.
//
// # A snapshot is a reversible change
//
// A run stages what it will put in place, flat and numbered, in one directory of
// the installation's own file system. Making the change live exchanges each numbered
// slot with the live path in one step, so that the slot now holds the old file: the
// stage has become the backup and no byte was copied. Going back is the same
// exchange again. At any moment a pair (live path, slot) holds (old, new) or
// (new, old) and tells by itself which, by kind, digest and mode; there is no counter
// and no time to trust.
//
//	updates/backups/ID/snapshot.yaml   sealed head: who, when, from, to; digest of entries
//	updates/backups/ID/entries         each path: what it was and what it became
//	updates/backups/ID/slots/N         the side that is not live
//	updates/backups/ID/aside/N         old bytes on their way into a slot, see below
//	updates/backups/ID/config/N        copies of the configuration, touched or not
//	updates/backups/ID/data/N          copies of the product's data, where the settings ask for them
//	updates/backups/ID/config/HEX      what a merge left at a path, by its digest
//	updates/backups/ID/found/N         what recovery met that was neither old nor new
//	updates/backups/ID/restore.sh      the way back without this program
//
// Where the file system cannot exchange two names, or where the live file has other
// names (hard links) or a writer, the old bytes first come to lie aside: as a second
// link, or as a copy.
//
// What lies in a directory behind a link has its slots there, see [Root].
//
// # Entries
//
// Text, one line per path, LF only: first `inplace-entries 1`, last `end COUNT`.
// Between them, in the order in which they are applied:
//
//	CLASS SLOT OLD NEW PATH
//
// CLASS is p (a path of the product), s (the record of what is installed), m (a
// directory whose time changes), or c (a copy of configuration, OLD only; without a slot
// where it is as the vendor shipped it), or d (a copy of data, OLD only). SLOT is a number,
// or - where nothing is kept in one. OLD and NEW are `-` (nothing there),
// `f:MODE:UID:GID:MTIME:SIZE:SHA256`, `d:MODE:UID:GID:MTIME`, `l:UID:GID:MTIME:TARGET`
// or `t` (whatever lies there, moved whole). Bytes below 0x21, 0x7F and `%` of targets
// and paths are written %XX.
package backup

import (
	"cmp"
	"fmt"
	"io/fs"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// Kind is what a path is on one side of a change.
type Kind byte

// The kinds, by the letter that stands for them in the entries.
const (
	Absent Kind = '-'
	File   Kind = 'f'
	Dir    Kind = 'd'
	Link   Kind = 'l'
	Whole  Kind = 't' // whatever lies there, moved as one
)

// State is one side of an entry.
type State struct {
	Kind   Kind
	Mode   uint32 // permission bits
	UID    int
	GID    int
	MTime  int64 // Unix nanoseconds; 0: leave it
	Size   int64
	Digest manifest.Digest
	Target string // of a link
}

// StateOf is the state that info tells of, without digest or target.
func StateOf(info fsys.Info) State {
	s := State{Mode: info.Perm(), UID: info.UID, GID: info.GID, MTime: info.MTime}
	switch {
	case !info.Exists:
		return State{Kind: Absent}
	case info.IsDir():
		s.Kind = Dir
	case info.IsLink():
		s.Kind, s.Mode = Link, 0
	case info.IsFile():
		s.Kind, s.Size = File, info.Size
	default:
		return State{Kind: Whole}
	}
	return s
}

// moves reports whether the state is something that a slot can hold.
func (s State) moves() bool { return s.Kind == File || s.Kind == Link || s.Kind == Whole }

// sameContent reports whether both are of one kind with the same bytes or target.
func (s State) sameContent(o State) bool {
	return s.Kind == o.Kind && s.Digest == o.Digest && s.Target == o.Target
}

// Class says what an entry is about.
type Class byte

// The classes, by the letter that stands for them in the entries.
const (
	Product Class = 'p'
	Record  Class = 's'
	Touched Class = 'm'
	Config  Class = 'c'
	Data    Class = 'd'
)

// RootPath stands for the installation itself in entries of class [Touched].
const RootPath manifest.Path = "."

// NoSlot is the slot of an entry that keeps nothing in one.
const NoSlot = -1

// Entry is one path of a change.
type Entry struct {
	Class Class
	Slot  int
	Old   State
	New   State
	Path  manifest.Path

	// Before is what the live path was when the change was planned. It is not
	// recorded; where it is set, the exchange notices that something else was there.
	Before fsys.Info
}

// Reversed is the change that undoes e.
func (e Entry) Reversed() Entry {
	e.Old, e.New = e.New, e.Old
	e.Before = fsys.Info{}
	return e
}

// ModeOnly reports whether e changes nothing but the mode, in place.
func (e Entry) ModeOnly() bool {
	return e.Slot == NoSlot && e.Old.Kind == e.New.Kind && (e.New.Kind == File || e.New.Kind == Dir)
}

// order is the order in which entries are applied: product paths first, what is
// installed after them, then the rest, each bytewise by path.
func order(a, b Entry) int {
	rank := func(c Class) int {
		switch c {
		case Product:
			return 0
		case Record:
			return 1
		case Touched:
			return 2
		}
		return 3
	}
	return cmp.Or(cmp.Compare(rank(a.Class), rank(b.Class)), cmp.Compare(a.Path, b.Path))
}

// DamagedError names what of a snapshot is not as it was recorded.
type DamagedError struct {
	ID     string   // "" of all second copies
	In     string   // the directory of the second copies of which it is one; "" of the installation's own
	Paths  []string // "path: what is wrong", at least one
	Unread bool     // its head or its list is damaged, and so nothing can be told of what it keeps
	Turned bool     // restore.sh took it back: what it took out of the way may have been edited since, which no list has
	Script bool     // nothing but restore.sh, by which no revert goes
	Away   string   // what to do where a followed directory that has a part of it is not there; "" elsewhere
	Whole  []Second // a second copy that is whole, to be copied over it; none: nil
}

// Second is a directory of a snapshot's second copy, and the one that it is a copy of.
type Second struct{ From, To string }

func (e *DamagedError) Error() string {
	name := "snapshot " + e.ID
	switch {
	case e.ID == "":
		return fmt.Sprintf("second copies in %s: %s", e.In, e.Paths[0])
	case e.In != "":
		name = "second copy of " + name + " in " + e.In
	}
	if e.Away != "" {
		return name + " is out of reach: " + e.Paths[0]
	}
	is := " is damaged"
	if e.Turned {
		is = " holds edits that restore.sh took out of the way, or is damaged"
	}
	if len(e.Paths) == 1 {
		return fmt.Sprintf("%s%s: %s", name, is, e.Paths[0])
	}
	return fmt.Sprintf("%s%s in %d places: %s, ...", name, is, len(e.Paths), e.Paths[0])
}

// ErrNoSnapshot is fs.ErrNotExist under the name in which callers ask for it.
var ErrNoSnapshot = fs.ErrNotExist
