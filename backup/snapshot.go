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

// headSchema is the form of snapshot.yaml; with roots it is the next one, with a one-way door the
// one after, each of which a program refuses that knows nothing of them.
const (
	headSchema       = "inplace/snapshot/1"
	rootsHeadSchema  = "inplace/snapshot/2"
	oneWayHeadSchema = "inplace/snapshot/3"
)

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
	Roots    []Root    `json:"roots,omitempty"`
	Data     bool      `json:"data,omitempty"`    // the product's data was copied
	OneWay   string    `json:"one_way,omitempty"` // why the change leads through a door that cannot be passed back

	Entries manifest.Digest `json:"entries"` // digest of the file of that name
}

func (h Head) marshal(entries manifest.Digest) []byte {
	h.Entries = entries
	switch {
	case h.OneWay != "":
		return sealed.Marshal(oneWayHeadSchema, h)
	case len(h.Roots) > 0:
		return sealed.Marshal(rootsHeadSchema, h)
	}
	return sealed.Marshal(headSchema, h)
}

// Snapshot is one that was read from the disk, its list checked against its head.
type Snapshot struct {
	Head
	Dir     string // relative to the installation
	Entries []Entry
	turned  bool // see Turn
}

// idTime is how names of snapshots start.
const idTime = "20060102T150405Z"

// NewID is a name for a snapshot made now on the way to level. It sorts after all that
// are there: where the clock stands still, or was put back, it takes the second after
// the newest of them.
func NewID(tree *fsys.Tree, now time.Time, level int64) (string, error) {
	ids, err := List(tree)
	if err != nil {
		return "", err
	}
	at := now.UTC().Truncate(time.Second)
	for _, id := range ids {
		if t, err := madeAt(id); err == nil && !t.Before(at) {
			at = t.Add(time.Second)
		}
	}
	return fmt.Sprintf("%s-to-%d", at.Format(idTime), level), nil
}

// madeAt is the time in the name of a snapshot.
func madeAt(id string) (time.Time, error) {
	stamp, _, _ := strings.Cut(id, "-")
	return time.Parse(idTime, stamp)
}

// Promote gives the sealed stage its place among the snapshots, in the installation and in
// the roots of its head. Repeated, it does what is left of it. The installation's own part
// goes first and is durable before the others: without it nothing has been exchanged.
func Promote(tree *fsys.Tree, id string, roots ...Root) error {
	tree.Forget()
	for _, stage := range twins(StageDir, roots) {
		if err := promote(tree, path.Dir(stage), id, len(roots) > 0); err != nil {
			return err
		}
	}
	return nil
}

func promote(tree *fsys.Tree, store, id string, durable bool) error {
	from, err := tree.OpenDir(store)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := from.OpenDir("backups")
	if err != nil {
		return err
	}
	defer to.Close()
	if info, err := to.Lstat(id); err != nil || info.Exists {
		return err
	}
	if err := from.Rename("stage", to, id); err != nil || !durable {
		return err
	}
	if err := to.Sync(); err != nil {
		return err
	}
	return from.Sync()
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
	raw, err := s.read(tree, id, nil)
	if err != nil {
		return nil, err
	}
	if s.Entries, err = ParseEntries(path.Join(dir, "entries"), raw); err != nil {
		return nil, &DamagedError{ID: id, Unread: true, Paths: []string{"entries: " + err.Error()}}
	}
	return s, nil
}

// LoadRecords is [Load] with the entries of the class [Record] alone, which say what the
// snapshot lies between: those of a configuration of many files take time and memory.
func LoadRecords(tree *fsys.Tree, id string) (*Snapshot, error) {
	return loadSome(tree, id, isRecord)
}

// LoadChange is [Load] without the entries of the class [Config] that have no copy: they
// are no part of the change, and mostly most of the list.
func LoadChange(tree *fsys.Tree, id string) (*Snapshot, error) {
	return loadSome(tree, id, func(line []byte) bool { return !isConfig(line) || takesRoom(line) })
}

// loadSome is [Load] with the entries alone whose lines want accepts.
func loadSome(tree *fsys.Tree, id string, want func(line []byte) bool) (*Snapshot, error) {
	if !ValidID(id) {
		return nil, fmt.Errorf("snapshot %q: %w", id, fs.ErrNotExist)
	}
	s := &Snapshot{Dir: path.Join(SnapshotsDir, id)}
	raw, err := s.read(tree, id, nil)
	if err != nil {
		return nil, err
	}
	s.Entries = make([]Entry, 0, min(countLines(raw, want), 1<<16))
	err = eachEntry(path.Join(s.Dir, "entries"), raw, want, func(e Entry) error {
		s.Entries = append(s.Entries, e)
		return nil
	})
	if err != nil {
		return nil, &DamagedError{ID: id, Unread: true, Paths: []string{"entries: " + err.Error()}}
	}
	return s, nil
}

// read reads the head of the snapshot id, and the text of its entries, into the memory of buf
// where that is large enough.
func (s *Snapshot) read(tree *fsys.Tree, id string, buf []byte) ([]byte, error) {
	dir := s.Dir
	damaged := func(name string, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == "snapshot.yaml" {
			return fmt.Errorf("snapshot %s: %w", id, fs.ErrNotExist)
		}
		return &DamagedError{ID: id, Unread: true, Paths: []string{name + ": " + err.Error()}}
	}
	head, err := readHead(tree, dir)
	if errors.Is(err, sealed.ErrNewer) {
		return nil, err
	}
	if err != nil {
		return nil, damaged("snapshot.yaml", err)
	}
	s.Head = *head
	if s.ID != id {
		return nil, damaged("snapshot.yaml", fmt.Errorf("is of snapshot %q", s.ID))
	}
	raw, err := tree.ReadStateInto(buf, path.Join(dir, "entries"), MaxEntriesBytes)
	if err != nil {
		return nil, damaged("entries", err)
	}
	if got := manifest.DigestOf(raw); got != s.Head.Entries {
		return nil, damaged("entries", fmt.Errorf("digest mismatch: want %s, got %s", s.Head.Entries, got))
	}
	return raw, nil
}

// readHead reads the snapshot.yaml of the snapshot or stage in dir.
func readHead(tree *fsys.Tree, dir string) (*Head, error) {
	name := path.Join(dir, "snapshot.yaml")
	data, err := tree.ReadState(name, sealed.MaxBytes)
	if err != nil {
		return nil, err
	}
	var h Head
	for _, schema := range []string{oneWayHeadSchema, rootsHeadSchema, headSchema} {
		e := sealed.Unmarshal(name, schema, data, &h)
		if err == nil || !errors.Is(e, sealed.ErrNewer) {
			err = e
		}
		if e == nil || errors.Is(err, sealed.ErrNewer) {
			break
		}
	}
	return &h, err
}

// List names the snapshots that are there, oldest first.
func List(tree *fsys.Tree) ([]string, error) {
	names, err := tree.Names(SnapshotsDir)
	if fsys.IsAbsent(err) {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(n string) bool { return !ValidID(n) || strings.HasPrefix(n, fsys.TempPrefix) }), err
}

// Live reports whether every path of the snapshot has the new side of its entry: whether
// the change was completed, and nothing was edited since.
func (s *Snapshot) Live(tree *fsys.Tree) (bool, error) {
	c := &Change{Tree: tree}
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
