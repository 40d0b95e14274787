package conflict

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inplace/backup/fsys"
	"inplace/backup/sealed"
)

// Where resolutions lie.
const (
	Dir       = "updates/resolutions"
	newDir    = Dir + "/new"
	markedDir = Dir + "/marked"
)

// MaxText is the largest text of a resolution that is remembered, in bytes.
const MaxText = 512 << 10

const maxWord = 4096 // bytes of any other field

// Take is which side a path that is decided as a whole takes.
type Take string

// The sides. Text says that the resolution has the bytes.
const (
	Text   Take = ""
	Ours   Take = "ours"
	Theirs Take = "theirs"
)

// A Resolution is what was decided about a place.
type Resolution struct {
	ID      ID        `json:"id"`
	Product string    `json:"product"`
	Path    Name      `json:"path"`
	Format  string    `json:"format,omitempty"`
	Key     string    `json:"key,omitempty"` // key path, for people
	Whole   bool      `json:"whole"`         // of the path, not of a place in it
	In      ID        `json:"in,omitempty"`  // of a place: the path, with the three texts that whoever decided had before him
	Take    Take      `json:"take,omitempty"`
	Text    []byte    `json:"text,omitempty"` // whole lines, or the whole file
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Why     string    `json:"why,omitempty"`
}

// check reports why r cannot be what this program wrote.
func (r *Resolution) check() error {
	fault := func(format string, args ...any) error { return errorf("resolution "+r.ID.Short(), format, args...) }
	if !r.ID.Valid() {
		return fmt.Errorf("resolution: id: want 64 hexadecimal digits, got %.80q", r.ID)
	}
	if err := r.Path.check(); err != nil {
		return fault("path: %v", err)
	}
	if r.In != "" && !r.In.Valid() {
		return fault("in: want 64 hexadecimal digits, got %.80q", r.In)
	}
	for name, s := range map[string]string{"product": r.Product, "format": r.Format, "key": r.Key, "by": r.By, "why": r.Why} {
		if len(s) > maxWord || !utf8.ValidString(s) {
			return fault("%s: want at most %d bytes of UTF-8", name, maxWord)
		}
	}
	switch {
	case r.Product == "":
		return fault("product: is missing")
	case r.At.IsZero():
		return fault("at: is missing")
	case r.Take != Text && r.Take != Ours && r.Take != Theirs:
		return fault("take: want ours or theirs, got %.80q", r.Take)
	case r.Take != Text && (!r.Whole || len(r.Text) > 0):
		return fault("take: goes with a whole path and without a text")
	case len(r.Text) > MaxText:
		return fault("text: want at most %d bytes, got %d", MaxText, len(r.Text))
	}
	return nil
}

// Fits reports whether r can be remembered: whether it is as small as it has to be.
func (r *Resolution) Fits() bool { return r.check() == nil }

// Same reports whether two resolutions decide alike.
func (r *Resolution) Same(o *Resolution) bool {
	return r.ID == o.ID && r.Take == o.Take && slices.Equal(r.Text, o.Text)
}

func at(dir string, id ID) string { return path.Join(dir, string(id)) }

// Get returns the remembered resolution of a place, nil if there is none. An error says
// that the one that is kept cannot be believed.
func Get(t *fsys.Tree, id ID) (*Resolution, error) { return get(t, Dir, id) }

func get(t *fsys.Tree, dir string, id ID) (*Resolution, error) {
	name := at(dir, id)
	data, err := t.ReadState(name, sealed.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Resolution
	if err := sealed.Unmarshal(name, Schema, data, &r); err != nil {
		return nil, err
	}
	if r.ID != id {
		return nil, &sealed.Error{Name: name, Reason: "is of another place: " + r.ID.Short()}
	}
	if err := r.check(); err != nil {
		return nil, &sealed.Error{Name: name, Reason: err.Error()}
	}
	return &r, nil
}

// Put remembers r. One that says the same stays as it was.
func Put(t *fsys.Tree, r *Resolution) error { return put(t, Dir, r) }

func put(t *fsys.Tree, dir string, r *Resolution) error {
	if err := r.check(); err != nil {
		return err
	}
	if old, err := get(t, dir, r.ID); err == nil && old != nil && old.Same(r) {
		return nil
	}
	if err := t.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return t.WriteState(at(dir, r.ID), sealed.Marshal(Schema, *r), 0o600)
}

// Forget removes the resolution of a place.
func Forget(t *fsys.Tree, id ID) error { return t.RemoveState(at(Dir, id)) }

// List reads what is remembered, by path, key and ID. What cannot be believed is left
// out; the faults name it.
func List(t *fsys.Tree) (list []Resolution, faults []error, err error) { return listDir(t, Dir) }

func listDir(t *fsys.Tree, dir string) (list []Resolution, faults []error, err error) {
	info, err := t.Lstat(dir)
	if err == nil {
		err = t.CheckState(dir, info)
	}
	if err != nil || !info.IsDir() {
		return nil, nil, err
	}
	names, err := t.Names(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if !ID(name).Valid() {
			continue
		}
		r, err := get(t, dir, ID(name))
		switch {
		case err != nil:
			faults = append(faults, err)
		case r != nil:
			list = append(list, *r)
		}
	}
	slices.SortStableFunc(list, func(a, b Resolution) int {
		if a.Path != b.Path {
			return strings.Compare(string(a.Path), string(b.Path))
		}
		return strings.Compare(a.Key, b.Key)
	})
	return list, faults, nil
}
