// Package journal is the transaction's record: updates/journal, there exactly while
// the installation may be neither old nor new, or is new and not yet trusted.
//
// It is a sealed document (see package sealed) that is replaced by rename and synced
// before what it announces is done. updates/OPEN, empty and readable for everybody,
// stands beside it as long as the product must not be started: from before it is stopped, or
// before the first exchange, until every path is new, or old again. A start guard that may not read
// the journal goes by it. A journal that cannot be read is never taken for no journal.
//
// A transaction that has nothing to do with a running product is of the first schema. One that
// stops and starts it is of the second, which a program that could not start it again refuses by name.
package journal

import (
	"encoding/json"
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

const (
	schema        = "inplace/journal/1"
	serviceSchema = "inplace/journal/2"
)

// State is how far a transaction is.
type State string

// The states, in their order.
const (
	// Stopping: the product is being stopped, or stands still; nothing has been exchanged.
	Stopping State = "stopping"
	// Committing: names are being exchanged; all that is needed to go on or back lies in
	// the stage or in the snapshot of this ID.
	Committing State = "committing"
	// Watching: every path is new; the product is being started, or is watched.
	Watching State = "watching"
)

// Record is the journal's content.
type Record struct {
	State   State     `json:"state"`
	ID      string    `json:"id"`              // of the snapshot
	Undo    bool      `json:"undo"`            // going back; never forward again
	Action  string    `json:"action"`          // update, downgrade, revert
	Takes   string    `json:"takes,omitempty"` // the snapshot whose slots a revert takes over
	Started time.Time `json:"started"`
	Engine  string    `json:"engine"`
	Service *Service  `json:"service,omitempty"` // nil: the product was not running, or is nobody's business
}

// Service says that the transaction stops the product, and so has to start it again, and
// what is to be done if it is not well then.
type Service struct {
	Judge  bool            `json:"judge"`            // health was asked for: not well means back
	Stay   bool            `json:"stay"`             // not well means nothing but that this is said: a revert, or a one-way door
	Before json.RawMessage `json:"before,omitempty"` // how the probes stood before, in the words of package service
}

// Marshal renders r as it is written.
func (r Record) Marshal() []byte {
	if r.Service != nil {
		return sealed.Marshal(serviceSchema, r)
	}
	return sealed.Marshal(schema, r)
}

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
	err = sealed.Unmarshal(Path, serviceSchema, data, &r)
	if err != nil && !errors.Is(err, sealed.ErrNewer) {
		if e := sealed.Unmarshal(Path, schema, data, &r); !errors.Is(e, sealed.ErrNewer) {
			err = e
		}
	}
	if err != nil {
		return nil, err
	}
	if known := r.State == Committing || r.Service != nil && (r.State == Stopping || r.State == Watching); !known {
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

// Allow takes the marker away while the journal stands: the product may be started. It is kept
// in the directory dir, so that putting it back needs no room on the disk.
func Allow(t *fsys.Tree, dir *fsys.Dir) error {
	return t.In(Open, func(d *fsys.Dir, name string) error {
		if err := d.Rename(name, dir, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return d.Sync()
	})
}

// Forbid puts the marker back that [Allow] has taken away.
func Forbid(t *fsys.Tree, dir *fsys.Dir) error {
	return t.In(Open, func(d *fsys.Dir, name string) error {
		if info, err := d.Lstat(name); err != nil || info.Exists {
			return err
		}
		err := dir.Rename(name, d, name)
		if errors.Is(err, fs.ErrNotExist) {
			err = d.WriteFile(name, nil, 0o644, false)
		}
		if err != nil {
			return err
		}
		return d.Sync()
	})
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
