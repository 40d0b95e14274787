package updater

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"inplace/manifest"
	"inplace/updater/conflict"
)

// Waiting is a place, or a whole path, of the workspace.
type Waiting struct {
	Number   int           `json:"number"` // in the workspace, from 1
	ID       string        `json:"id"`
	Path     manifest.Path `json:"path"`
	Kind     conflict.Kind `json:"kind"`
	Key      string        `json:"key,omitempty"`
	Reason   string        `json:"reason"`
	Resolved bool          `json:"resolved"`
	How      string        `json:"how,omitempty"`   // it is resolved: ours, theirs, edited, or the file that is taken
	Fault    string        `json:"fault,omitempty"` // why what lies there is no resolution
	Line     int           `json:"line,omitempty"`  // in merged, from 1
	Where    ConflictPaths `json:"where,omitzero"`

	base, ours, theirs []byte
}

// Texts are the three texts of a place; nil where the path is decided as a whole.
func (w *Waiting) Texts() (base, ours, theirs []byte) { return w.base, w.ours, w.theirs }

// Workspace is what waits, and which run it is for. Without an open workspace it has no
// conflicts.
type Workspace struct {
	Product   string    `json:"product"`
	From      Release   `json:"from,omitzero"`
	To        Release   `json:"to,omitzero"`
	By        string    `json:"by,omitempty"`
	Open      int       `json:"open"`
	Resolved  int       `json:"resolved"`
	Prepares  bool      `json:"prepares,omitempty"` // to go on is to prepare: nothing live changes
	Conflicts []Waiting `json:"conflicts"`          // by path, and in the order of the file
	Recovery  *Recovery `json:"recovery,omitempty"`
}

// How a place is resolved.
const (
	howOurs   = "ours"
	howTheirs = "theirs"
	howEdited = "edited"
	howBoth   = "both"
)

// Both is the value of ResolveOptions.Take that keeps both texts, the vendor's first.
const Both = howBoth

// waiting lists what the open workspace holds.
func (u *Updater) waiting() []Waiting {
	out := []Waiting{}
	if u.ws == nil {
		return out
	}
	for i := range u.ws.files {
		f := &u.ws.files[i]
		w := Waiting{ID: string(f.ID), Path: manifest.Path(f.Path), Kind: f.Kind, Reason: f.Reason, Where: u.whereOf(f), Fault: f.fault}
		_, whole := u.ws.resolved[f.ID]
		if len(f.Spots) == 0 {
			w.Resolved, w.How = whole, f.how
			if !whole {
				w.How = ""
			}
			out = append(out, w)
			continue
		}
		for n, s := range f.Spots {
			w := w
			w.ID, w.Key, w.Reason = string(s.ID), s.Key, s.Reason
			w.base, w.ours, w.theirs = blockTexts(f.marked, s, f.Marker)
			switch {
			case whole:
				w.Resolved, w.How = true, f.how
			case n < len(f.reading.Spots) && f.sound:
				spot := f.reading.Spots[n]
				w.Resolved = !spot.Open
				if w.Line = spot.Line; w.Resolved {
					w.How = w.howOf(spot)
				} else if spot.Touched {
					w.Fault = w.markerLeft(f)
				}
			}
			out = append(out, w)
		}
	}
	for i := range out {
		out[i].Number = i + 1
	}
	return out
}

// markerLeft says where the first marker of w is that is left in merged.
func (w *Waiting) markerLeft(f *waitingFile) string {
	line := f.reading.Line
	for i, s := range f.reading.Spots {
		if s.Known && s.Open && string(f.Spots[i].ID) == w.ID {
			line = s.Line - 1 + conflict.MarkerLine(s.Text, f.Marker)
		}
	}
	return fmt.Sprintf("line %d of %s: a conflict marker is left", line, w.Where.Merged)
}

func (w *Waiting) howOf(s conflict.SpotReading) string {
	switch {
	case !s.Known:
		return howEdited
	case bytes.Equal(s.Text, w.ours):
		return howOurs
	case bytes.Equal(s.Text, w.theirs):
		return howTheirs
	case bytes.Equal(s.Text, bothTexts(w.ours, w.theirs)):
		return howBoth
	}
	return howEdited
}

func bothTexts(ours, theirs []byte) []byte { return append(bytes.Clone(theirs), ours...) }

// blockTexts are the texts between the markers of a place.
func blockTexts(marked []byte, s conflict.Spot, size int) (base, ours, theirs []byte) {
	sides := map[byte]*[]byte{'<': &ours, '|': &base, '=': &theirs}
	var side *[]byte
	n := 0
	for line := range bytes.Lines(marked) {
		if n++; n <= s.From || n > s.To {
			continue
		}
		if c := line[0]; conflict.MarkerLen(line) == size || c == '=' && side == &base && isSeparator(line, size) {
			side = sides[c]
			continue
		}
		if side != nil {
			*side = append(*side, line...)
		}
	}
	return base, ours, theirs
}

func isSeparator(line []byte, size int) bool {
	return string(bytes.TrimRight(line, "\r\n")) == strings.Repeat("=", size)
}

// whereOf is where the sides of a path lie in the workspace.
func (u *Updater) whereOf(f *waitingFile) (w ConflictPaths) {
	for _, side := range []struct {
		name string
		at   *string
	}{{"base", &w.Base}, {"ours", &w.Ours}, {"theirs", &w.Theirs}, {"merged", &w.Merged}} {
		name := conflict.Side(f.Path, side.name)
		if info, err := u.tree.Lstat(name); err == nil && info.IsFile() {
			*side.at = name
		}
	}
	return w
}

func (u *Updater) workspaceView(in *record, rec *Recovery) *Workspace {
	v := &Workspace{Product: in.Product, Conflicts: u.waiting(), Recovery: rec}
	if u.ws != nil {
		v.From, v.To, v.By = releaseOfLevel(u.ws.rec.From), releaseOfLevel(u.ws.rec.To), u.ws.rec.By
		v.Prepares = u.ws.rec.Asked.Prepare
	}
	v.Open, v.Resolved = countWaiting(v.Conflicts)
	return v
}

func releaseOfLevel(l conflict.Level) Release {
	return Release{Level: l.Level, Channel: l.Channel, Version: l.Version, Released: l.Released, Manifest: l.Manifest}
}

func countWaiting(list []Waiting) (open, resolved int) {
	for _, w := range list {
		if w.Resolved {
			resolved++
		} else {
			open++
		}
	}
	return open, resolved
}

// elsewhere refuses a run that leads elsewhere than the open workspace.
func (u *Updater) elsewhere(leads bool) error {
	if u.ws == nil || !leads {
		return nil
	}
	e := &WorkspaceError{}
	e.Open, e.Resolved = countWaiting(u.waiting())
	return e
}

// underLock runs fn with the lock held, whatever was interrupted mended, and the
// workspace read.
func (u *Updater) underLock(ctx context.Context, fn func(*record) error) (*record, *Recovery, error) {
	release, rec, err := u.begin(ctx)
	if err != nil {
		return nil, rec, err
	}
	defer release()
	in, err := readRecord(u.tree)
	if err != nil {
		return nil, rec, err
	}
	if err := u.openWorkspace(in, false); err != nil {
		return in, rec, err
	}
	return in, rec, fn(in)
}

// Workspace tells what waits for a decision.
func (u *Updater) Workspace(ctx context.Context) (v *Workspace, err error) {
	in, rec, err := u.underLock(ctx, func(*record) error { return nil })
	if err != nil {
		return nil, err
	}
	return u.workspaceView(in, rec), nil
}

// Named is the path of the product that was typed. Errors: [ErrOutside].
func (u *Updater) Named(typed string) (manifest.Path, error) { return u.insideOne(typed) }
