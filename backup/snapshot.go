package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"inplace/backup/fsys"
	"inplace/backup/sealed"
	"inplace/manifest"
)

const headSchema = "inplace/snapshot/1"

// Level names a release: what an installation was or became.
type Level struct {
	Level    int64           `json:"level"`
	Channel  string          `json:"channel"`
	Version  string          `json:"version"`
	Manifest manifest.Digest `json:"manifest"`
}

func (l Level) String() string { return fmt.Sprintf("%d", l.Level) }

// Head is snapshot.yaml: what the snapshot undoes.
type Head struct {
	ID       string    `json:"id"`
	Action   string    `json:"action"` // update, downgrade, revert
	Created  time.Time `json:"created"`
	By       string    `json:"by"` // user@host
	Product  string    `json:"product"`
	From     Level     `json:"from"`
	To       Level     `json:"to"`
	Previous string    `json:"previous"`         // the snapshot that From was reached by; "" if none
	Undoes   string    `json:"undoes,omitempty"` // the snapshot that a revert took back
	Engine   string    `json:"engine"`
	Bytes    int64     `json:"bytes"` // of content that the slots hold after the change

	Entries manifest.Digest `json:"entries"` // digest of the file of that name
}

func (h Head) marshal(entries []byte) []byte {
	h.Entries = manifest.DigestOf(entries)
	return sealed.Marshal(headSchema, h)
}

// Snapshot is one that was read from the disk, its list checked against its head.
type Snapshot struct {
	Head
	Dir     string // relative to the installation
	Entries []Entry
}

// NewID is a name for a snapshot made now on the way to level: it sorts by time.
func NewID(tree *fsys.Tree, now time.Time, level int64) (string, error) {
	base := fmt.Sprintf("%s-to-%d", now.UTC().Format("20060102T150405Z"), level)
	for n := 1; ; n++ {
		id := base
		if n > 1 {
			id = fmt.Sprintf("%s.%d", base, n)
		}
		info, err := tree.Lstat(path.Join(SnapshotsDir, id))
		if err != nil || !info.Exists {
			return id, err
		}
	}
}

// Promote gives the sealed stage its place among the snapshots.
func Promote(tree *fsys.Tree, id string) error {
	tree.Forget()
	updates, err := tree.OpenDir("updates")
	if err != nil {
		return err
	}
	defer updates.Close()
	to, err := updates.OpenDir("backups")
	if err != nil {
		return err
	}
	defer to.Close()
	return updates.Rename("stage", to, id)
}

// ValidID reports whether id can be the name of a snapshot.
func ValidID(id string) bool {
	return id != "" && len(id) < 100 && !strings.ContainsAny(id, "/\\\x00\n") && id[0] != '.'
}

// Load reads the snapshot id. One that is not there is fs.ErrNotExist, one whose
// files do not belong together a *[DamagedError].
func Load(tree *fsys.Tree, id string) (*Snapshot, error) {
	if !ValidID(id) {
		return nil, fmt.Errorf("snapshot %q: %w", id, fs.ErrNotExist)
	}
	return LoadDir(tree, path.Join(SnapshotsDir, id), id)
}

// LoadDir reads the snapshot id that lies in dir.
func LoadDir(tree *fsys.Tree, dir, id string) (*Snapshot, error) {
	s := &Snapshot{Dir: dir}
	damaged := func(name string, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == "snapshot.yaml" {
			return fmt.Errorf("snapshot %s: %w", id, fs.ErrNotExist)
		}
		return &DamagedError{id, []string{name + ": " + err.Error()}}
	}
	head, err := tree.ReadState(path.Join(dir, "snapshot.yaml"), sealed.MaxBytes)
	if err != nil {
		return nil, damaged("snapshot.yaml", err)
	}
	if err := sealed.Unmarshal(path.Join(dir, "snapshot.yaml"), headSchema, head, &s.Head); err != nil {
		if errors.Is(err, sealed.ErrNewer) {
			return nil, err
		}
		return nil, damaged("snapshot.yaml", err)
	}
	if s.ID != id {
		return nil, damaged("snapshot.yaml", fmt.Errorf("is of snapshot %q", s.ID))
	}
	raw, err := tree.ReadState(path.Join(dir, "entries"), MaxEntriesBytes)
	if err != nil {
		return nil, damaged("entries", err)
	}
	if got := manifest.DigestOf(raw); got != s.Head.Entries {
		return nil, damaged("entries", fmt.Errorf("digest mismatch: want %s, got %s", s.Head.Entries, got))
	}
	if s.Entries, err = ParseEntries(path.Join(dir, "entries"), raw); err != nil {
		return nil, damaged("entries", err)
	}
	return s, nil
}

// List names the snapshots that are there, oldest first.
func List(tree *fsys.Tree) ([]string, error) {
	names, err := tree.Names(SnapshotsDir)
	if fsys.IsAbsent(err) {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(n string) bool { return !ValidID(n) || strings.HasPrefix(n, fsys.TempPrefix) }), err
}

// Verify checks that each slot holds the old bytes as they were recorded, and
// returns a *[DamagedError] that names each one that does not.
func (s *Snapshot) Verify(tree *fsys.Tree) error {
	slots, err := tree.OpenDir(s.Dir + "/slots")
	if err != nil {
		return &DamagedError{s.ID, []string{"slots: " + err.Error()}}
	}
	defer slots.Close()
	c := &Change{Tree: tree, Dir: s.Dir, slots: slots}
	var bad []string
	for _, e := range s.Entries {
		if e.Slot == NoSlot || !e.Old.moves() || (e.Class != Product && e.Class != Record) {
			continue
		}
		got, err := c.look(slots, slotName(e.Slot), e)
		switch {
		case err != nil:
			bad = append(bad, fmt.Sprintf("%s: slot %d: %v", e.Path, e.Slot, err))
		case got.absent():
			bad = append(bad, fmt.Sprintf("%s: slot %d is missing", e.Path, e.Slot))
		case !got.isOld:
			bad = append(bad, fmt.Sprintf("%s: slot %d does not hold the bytes that were there before", e.Path, e.Slot))
		}
	}
	if len(bad) > 0 {
		return &DamagedError{s.ID, bad}
	}
	return nil
}

// Live reports whether every path of the snapshot has the new side of its entry: whether
// the change was completed, and nothing was edited since.
func (s *Snapshot) Live(tree *fsys.Tree) (bool, error) {
	c := &Change{Tree: tree, Dir: s.Dir}
	for _, e := range s.Entries {
		if e.Class != Product && e.Class != Record || e.New.Kind == Whole || e.Old.Kind == Whole {
			continue
		}
		var got sight
		err := tree.In(string(e.Path), func(d *fsys.Dir, name string) (err error) {
			got, err = c.look(d, name, e)
			return err
		})
		if fsys.IsBlocked(err) {
			err = nil // no directory above: nothing there
		}
		if err != nil {
			return false, err
		}
		if !got.isNew && !(e.New.Kind == Absent && got.absent()) {
			return false, nil
		}
	}
	return true, nil
}
