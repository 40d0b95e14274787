// Package journal is the transaction's record: updates/journal, there exactly while
// the installation may be neither old nor new.
//
// It is a sealed document (see package sealed) that is replaced by rename and synced
// before what it announces is done. updates/OPEN, empty and readable for everybody,
// stands beside it for a start guard that may not read the journal. A journal that
// cannot be read is never taken for no journal.
package journal

import (
	"errors"
	"io/fs"
	"time"

	"inplace/backup/fsys"
	"inplace/backup/sealed"
)

// Where the journal lies, and the marker beside it.
const (
	Path = "updates/journal"
	Open = "updates/OPEN"
)

const schema = "inplace/journal/1"

// State is how far a transaction is.
type State string

// Committing: names are being exchanged; all that is needed to go on or back lies in
// the stage or in the snapshot of this ID.
const Committing State = "committing"

// Record is the journal's content.
type Record struct {
	State   State     `json:"state"`
	ID      string    `json:"id"`              // of the snapshot
	Undo    bool      `json:"undo"`            // going back; never forward again
	Action  string    `json:"action"`          // update, downgrade, revert
	Takes   string    `json:"takes,omitempty"` // the snapshot whose slots a revert takes over
	Started time.Time `json:"started"`
	Engine  string    `json:"engine"`
}

// Marshal renders r as it is written.
func (r Record) Marshal() []byte { return sealed.Marshal(schema, r) }

// Read returns the open journal, or nil if there is none.
func Read(t *fsys.Tree) (*Record, error) {
	data, err := t.ReadState(Path, sealed.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Record
	if err := sealed.Unmarshal(Path, schema, data, &r); err != nil {
		return nil, err
	}
	if r.State != Committing {
		return nil, &sealed.Error{Name: Path, Reason: "state " + string(r.State) + " is not known"}
	}
	return &r, nil
}

// Begin writes the marker and the journal, durably, in this order.
func Begin(t *fsys.Tree, r Record) error {
	err := t.In(Open, func(d *fsys.Dir, name string) error {
		err := d.WriteFile(name, nil, 0o644, false)
		if errors.Is(err, fs.ErrExist) {
			return nil // left by a run that was interrupted between its last two steps
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.WriteState(Path, r.Marshal(), 0o600)
}

// Turn replaces the journal by the record that lies ready in the file from, which
// needs no room on the disk.
func Turn(t *fsys.Tree, dir *fsys.Dir, from string) error {
	return t.In(Path, func(d *fsys.Dir, name string) error {
		if err := dir.Rename(from, d, name); err != nil {
			return err
		}
		return d.Sync()
	})
}

// EndInto closes the journal by moving it into the directory dir under name, where
// it says what became of the transaction, and then removes the marker, durably.
func EndInto(t *fsys.Tree, dir, name string) error {
	to, err := t.OpenDir(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	err = t.In(Path, func(d *fsys.Dir, from string) error { return d.Rename(from, to, name) })
	if err == nil {
		err = to.Sync()
	}
	if err != nil {
		return err
	}
	return End(t)
}

// End removes the journal and then the marker, durably.
func End(t *fsys.Tree) error {
	return t.In(Path, func(d *fsys.Dir, name string) error {
		for _, n := range []string{name, "OPEN"} {
			if err := d.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return d.Sync()
	})
}
