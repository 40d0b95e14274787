package updater

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"inplace/manifest"
	"inplace/merge/formats"
	"inplace/merge/proof"
	"inplace/updater/conflict"
)

// ResolveOptions say what is decided.
type ResolveOptions struct {
	Path     manifest.Path
	Conflict string // number or ID of a place in it; "": all of the path that is open
	Take     string // ours, theirs or both; "": Text
	Text     []byte // of the place, or of the whole path
	Why      string // for the record
}

// NoConflictError says that the workspace has no such conflict.
type NoConflictError struct {
	Path     manifest.Path
	Conflict string
}

func (e *NoConflictError) Error() string {
	if e.Conflict != "" {
		return fmt.Sprintf("%s: no conflict %q waits there", e.Path, e.Conflict)
	}
	return fmt.Sprintf("%s: no conflict waits there", e.Path)
}

// RefusedError says why a decision cannot be taken.
type RefusedError struct {
	Path   manifest.Path
	Reason string
}

func (e *RefusedError) Error() string { return e.Path.String() + ": " + e.Reason }

// Resolve writes a decision into the workspace. Nothing live changes. Errors:
// *[NoConflictError], *[RefusedError], and those of Workspace.
func (u *Updater) Resolve(ctx context.Context, opt ResolveOptions) (*Workspace, error) {
	in, rec, err := u.underLock(ctx, func(*record) error { return u.decide(opt) })
	if err != nil {
		return nil, err
	}
	u.ws = u.examine(u.ws.rec)
	return u.workspaceView(in, rec), nil
}

func (u *Updater) decide(opt ResolveOptions) error {
	if u.ws == nil {
		return &NoConflictError{opt.Path, opt.Conflict}
	}
	for i := range u.ws.files {
		f := &u.ws.files[i]
		if f.Path != conflict.Name(opt.Path) {
			continue
		}
		if !f.sound {
			return &RefusedError{opt.Path, "the workspace is not as it was laid out; a run lays it out anew"}
		}
		chosen, err := u.chosen(f, opt)
		if err != nil {
			return err
		}
		if len(f.Spots) == 0 {
			return u.decideWhole(f, opt)
		}
		return u.decidePlaces(f, opt, chosen)
	}
	return &NoConflictError{opt.Path, opt.Conflict}
}

// chosen are the numbers of the places of f that opt is about: the one that it names,
// else those that are open.
func (u *Updater) chosen(f *waitingFile, opt ResolveOptions) (list []int, err error) {
	first := -1
	for _, w := range u.waiting() {
		if w.Path != opt.Path {
			continue
		}
		if first < 0 {
			first = w.Number
		}
		n := w.Number - first
		switch {
		case opt.Conflict == "" && !w.Resolved,
			opt.Conflict == strconv.Itoa(w.Number), opt.Conflict != "" && conflict.ID(w.ID).Matches(opt.Conflict):
			list = append(list, n)
		}
	}
	if opt.Conflict != "" && len(list) == 0 {
		return nil, &NoConflictError{opt.Path, opt.Conflict}
	}
	return list, nil
}

// decideWhole decides a path that has no places.
func (u *Updater) decideWhole(f *waitingFile, opt ResolveOptions) error {
	refuse := func(format string, args ...any) error { return &RefusedError{opt.Path, fmt.Sprintf(format, args...)} }
	final := conflict.Final(f.Path)
	switch opt.Take {
	case Both:
		return refuse("both sides cannot be kept, it is decided as a whole: %s", f.Reason)
	case howTheirs:
		if f.Barred != "" {
			return refuse("the vendor's side cannot be taken: %s", f.Barred)
		}
		f.Take = conflict.Theirs
	case howOurs:
		f.Take = conflict.Ours
	default:
		if f.Barred != "" {
			return refuse("nothing can be put there: %s", f.Barred)
		}
		if len(opt.Text) > maxMerge {
			return refuse("want a file of at most %d bytes, got %d", maxMerge, len(opt.Text))
		}
		f.Take = conflict.Text
		f.Why = opt.Why
		if err := u.tree.WriteState(final, opt.Text, 0o600); err != nil {
			return err
		}
		return u.ws.rec.Write(u.tree)
	}
	f.Why = opt.Why
	if err := u.putSide(final, nil, false); err != nil {
		return err
	}
	return u.ws.rec.Write(u.tree)
}

// decidePlaces decides places of a text in merged.
func (u *Updater) decidePlaces(f *waitingFile, opt ResolveOptions, chosen []int) error {
	current := f.current
	if opt.Take == "" && opt.Conflict == "" {
		current = opt.Text
		if line := conflict.AnyMarker(current); line > 0 {
			return &RefusedError{opt.Path, fmt.Sprintf("line %d of what is to be taken: a conflict marker is left", line)}
		}
	} else {
		for i := len(chosen) - 1; i >= 0; i-- { // from the end, so that the places before stay where they are
			n := chosen[i]
			spot := f.reading.Spots[n]
			if !spot.Known {
				return &RefusedError{opt.Path, "merged was edited around this place: go on there: " + conflict.Side(f.Path, "merged")}
			}
			text, err := u.placeText(f, opt, n, spot)
			if err != nil {
				return err
			}
			current = conflict.Replace(current, spot, text)
			f.Spots[n].Why, f.Spots[n].Replayed = opt.Why, false
		}
	}
	if err := u.fits(f, opt, current); err != nil {
		return err
	}
	if err := u.tree.WriteState(conflict.Side(f.Path, "merged"), current, 0o600); err != nil {
		return err
	}
	if opt.Conflict == "" {
		f.Why = opt.Why
	}
	return u.ws.rec.Write(u.tree)
}

// placeText is what one place is to become.
func (u *Updater) placeText(f *waitingFile, opt ResolveOptions, n int, spot conflict.SpotReading) ([]byte, error) {
	_, ours, theirs := blockTexts(f.marked, f.Spots[n], f.Marker)
	switch opt.Take {
	case howOurs:
		return ours, nil
	case howTheirs:
		return theirs, nil
	case "":
		if line := conflict.AnyMarker(opt.Text); line > 0 {
			return nil, &RefusedError{opt.Path, fmt.Sprintf("line %d of what is to be taken: a conflict marker is left", line)}
		}
		text := opt.Text
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(bytes.Clone(text), '\n')
		}
		return text, nil
	}
	if why := u.notBoth(f, n, spot, ours, theirs); why != "" {
		return nil, &RefusedError{opt.Path, "both sides cannot be kept: " + why}
	}
	return bothTexts(ours, theirs), nil
}

// notBoth says why the two texts of a place cannot stand one after the other.
func (u *Updater) notBoth(f *waitingFile, n int, spot conflict.SpotReading, ours, theirs []byte) string {
	lines := map[string]bool{}
	for line := range bytes.Lines(theirs) {
		lines[string(bytes.TrimSpace(line))] = true
	}
	for line := range bytes.Lines(ours) {
		if l := bytes.TrimSpace(line); len(l) > 0 && lines[string(l)] {
			return "they share lines, which would stand twice; edit merged instead"
		}
	}
	if key := f.Spots[n].Key; key != "" {
		with := func(text []byte) []byte {
			return f.decidedFor(conflict.Replace(f.current, spot, text), n)
		}
		_, _, one := formats.Get(f.Format, with(ours), key)
		_, _, two := formats.Get(f.Format, with(bothTexts(ours, theirs)), key)
		if one == nil && two != nil {
			return key + " would stand twice"
		}
		if one == nil {
			return key + " has one value"
		}
	}
	return ""
}

// decidedFor is a text with each place of f that is open in it decided for ours, so that
// it can be read. It is only ever looked at.
func (f *waitingFile) decidedFor(text []byte, but int) []byte {
	r := f.Read(f.marked, text)
	for i := len(r.Spots) - 1; i >= 0; i-- {
		if s := r.Spots[i]; s.Known && s.Open {
			_, ours, _ := blockTexts(f.marked, f.Spots[i], f.Marker)
			text = conflict.Replace(text, s, ours)
		}
	}
	return text
}

// fits refuses a text that is not of the format any more.
func (u *Updater) fits(f *waitingFile, opt ResolveOptions, text []byte) error {
	if !f.Parses {
		return nil
	}
	whole := f.decidedFor(text, -1)
	if conflict.AnyMarker(whole) > 0 {
		return nil // edited by hand, and not at its end
	}
	if err := proof.Parses(f.Format, whole); err != nil {
		why := "what comes out is not " + f.Format + ": " + err.Error()
		if opt.Take == Both {
			why = "both sides cannot be kept: " + why
		}
		return &RefusedError{opt.Path, why}
	}
	return nil
}
