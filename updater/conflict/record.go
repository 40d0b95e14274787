package conflict

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"inplace/backup/fsys"
	"inplace/backup/sealed"
	"inplace/manifest"
)

// Where the workspace lies.
const (
	Workspace  = "updates/conflicts"
	recordPath = Dir + "/workspace"
	recordForm = "inplace/workspace/1"
)

// Name is a path of the product as documents hold it: bytes that are not UTF-8, and %,
// are written %XX.
type Name manifest.Path

// MarshalText writes n.
func (n Name) MarshalText() ([]byte, error) {
	var out []byte
	for i := 0; i < len(n); {
		r, size := utf8.DecodeRuneInString(string(n[i:]))
		if r == utf8.RuneError && size == 1 || r == '%' {
			out = fmt.Appendf(out, "%%%02X", n[i])
		} else {
			out = append(out, n[i:i+size]...)
		}
		i += size
	}
	return out, nil
}

// UnmarshalText reads what MarshalText writes.
func (n *Name) UnmarshalText(text []byte) error {
	s, err := url.PathUnescape(string(text))
	*n = Name(s)
	return err
}

// check reports why n cannot be a path of the product.
func (n Name) check() error {
	p, err := manifest.ParsePath(string(n))
	if err == nil && manifest.IsState(p) {
		err = fmt.Errorf("%s: belongs to the updater", p)
	}
	return err
}

// A Record says which run the workspace is for, and what waits in it.
type Record struct {
	Product string    `json:"product"`
	From    Level     `json:"from"`
	To      Level     `json:"to"`
	Asked   Asked     `json:"asked"`
	Created time.Time `json:"created"`
	By      string    `json:"by"`
	Engine  string    `json:"engine"`
	Files   []File    `json:"files"` // by path
}

// Level is a release.
type Level struct {
	Level    int64           `json:"level"`
	Channel  string          `json:"channel"`
	Version  string          `json:"version"`
	Released time.Time       `json:"released"`
	Manifest manifest.Digest `json:"manifest"`
}

// Asked is what the run was told beyond the settings, for the run that goes on.
type Asked struct {
	Source   string `json:"source,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Level    int64  `json:"level,omitempty"`
	HasLevel bool   `json:"has_level,omitempty"`
	Prepare  bool   `json:"prepare,omitempty"` // it was to change nothing live
}

// A File is a path that waits. Base, Ours and Theirs are the digests of what the
// workspace holds of the three sides, zero where a side is no file or too large.
type File struct {
	Path   Name            `json:"path"`
	ID     ID              `json:"id"` // of the whole path
	Kind   Kind            `json:"kind"`
	Reason string          `json:"reason"`
	Format string          `json:"format,omitempty"`
	Parses bool            `json:"parses,omitempty"` // ours is of the format, so what it becomes has to be
	Base   manifest.Digest `json:"base,omitzero"`
	Ours   manifest.Digest `json:"ours,omitzero"`
	Theirs manifest.Digest `json:"theirs,omitzero"`
	Marked manifest.Digest `json:"marked,omitzero"` // of the text with markers
	Marker int             `json:"marker,omitempty"`
	Barred string          `json:"barred,omitempty"` // why theirs cannot be taken
	Passed manifest.Digest `json:"passed,omitzero"`  // of a file PATH.final that lay there before the conflict did
	Take   Take            `json:"take,omitempty"`
	Why    string          `json:"why,omitempty"`
	Spots  []Spot          `json:"spots"` // in a text, in order; none: the path is decided as a whole
}

// A Spot is a place in a text: lines From up to To of the text with markers, counted
// from 0.
type Spot struct {
	ID     ID     `json:"id"`
	Key    string `json:"key,omitempty"`
	Reason string `json:"reason"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	Why    string `json:"why,omitempty"`
	// Replayed: it was filled in as remembered, and nobody has decided it here.
	Replayed bool `json:"replayed,omitempty"`
}

// Side is where a side of p lies in the workspace: base, ours, theirs or merged.
func Side(p Name, side string) string { return path.Join(Workspace, string(p), side) }

// Final is the file in the workspace that is taken as the resolution of p as it is.
func Final(p Name) string { return Side(p, manifest.Path(p).Base()+FinalSuffix) }

// FinalSuffix ends the name of a file that holds the resolution of the path before it.
const FinalSuffix = ".final"

// ReadRecord returns the record of the open workspace, nil if none is open.
func ReadRecord(t *fsys.Tree) (*Record, error) {
	data, err := t.ReadState(recordPath, sealed.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Record
	if err := sealed.Unmarshal(recordPath, recordForm, data, &r); err != nil {
		return nil, err
	}
	for i := range r.Files {
		f := &r.Files[i]
		err := f.Path.check()
		for _, s := range f.Spots {
			if err == nil && (!s.ID.Valid() || s.From < 0 || s.To <= s.From) {
				err = errors.New("holds a place that cannot be")
			}
		}
		if err == nil && !f.ID.Valid() {
			err = errors.New("holds a path that cannot be")
		}
		if err != nil {
			return nil, &sealed.Error{Name: recordPath, Reason: err.Error()}
		}
	}
	return &r, nil
}

// Write replaces the record, which opens the workspace.
func (r *Record) Write(t *fsys.Tree) error {
	data := sealed.Marshal(recordForm, *r)
	if len(data) > sealed.MaxBytes {
		return fmt.Errorf("%s: %d paths are more than a workspace holds", Workspace, len(r.Files))
	}
	if err := t.MkdirAll(Dir, 0o700); err != nil {
		return err
	}
	return t.WriteState(recordPath, data, 0o600)
}

// Find is the file of a path.
func (r *Record) Find(p manifest.Path) *File {
	for i := range r.Files {
		if r.Files[i].Path == Name(p) {
			return &r.Files[i]
		}
	}
	return nil
}

// Close ends the workspace: the record goes first, then all that belongs to it.
func Close(t *fsys.Tree) error {
	if err := t.RemoveState(recordPath); err != nil && !fsys.IsAbsent(err) {
		return err
	}
	return Clear(t)
}

// Clear removes what an interruption has left of a workspace that is not open.
func Clear(t *fsys.Tree) error {
	for _, dir := range []string{Workspace, newDir, markedDir} {
		info, err := t.Lstat(dir)
		if err == nil && info.Exists {
			err = t.RemoveAll(dir)
		}
		if err != nil && !fsys.IsAbsent(err) {
			return err
		}
	}
	return nil
}

// PutMarked keeps the text of a file with all its markers, before the record names it.
func PutMarked(t *fsys.Tree, id ID, text []byte) error {
	if err := t.MkdirAll(markedDir, 0o700); err != nil {
		return err
	}
	return t.WriteState(at(markedDir, id), text, 0o600)
}

// Marked returns that text.
func Marked(t *fsys.Tree, id ID, limit int64) ([]byte, error) {
	return t.ReadState(at(markedDir, id), limit)
}

// PutNew keeps a resolution of the open workspace.
func PutNew(t *fsys.Tree, r *Resolution) error { return put(t, newDir, r) }

// New lists those resolutions. What cannot be believed is left out.
func New(t *fsys.Tree) ([]Resolution, error) {
	list, _, err := listDir(t, newDir)
	return list, err
}

// PlainName reports whether name is one that the workspace itself gives to files.
func PlainName(p Name, name string) bool {
	switch name {
	case "base", "ours", "theirs", "merged", "merged.before":
		return true
	}
	return strings.HasSuffix(name, FinalSuffix) && name == path.Base(Final(p))
}
