package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// How a path differs from what the vendor shipped: the values of [Edit.What], the
// gravest first. What else is wrong with a path is in its Detail.
const (
	WhatUnreadable = "unreadable" // it could not be compared
	WhatMissing    = "missing"
	WhatKind       = "kind" // a directory where a file was shipped, and the like
	WhatEdited     = "edited"
	WhatMode       = "mode"
	WhatOwner      = "owner" // not that of the installation
	WhatExtra      = "extra" // nothing was shipped there
)

// VerifyOptions say what to compare, and how.
type VerifyOptions struct {
	Paths        []string // with all below; relative to the installation, or absolute below it, or from the working directory where they begin with ..; none: everything
	Full         bool     // read every file, whatever the stat cache knows
	IgnoreConfig bool     // leave out configuration that differs
}

// Verification is how the installation compares with its release.
type Verification struct {
	Product   string  `json:"product"`
	Installed Release `json:"installed"`
	Full      bool    `json:"full"`

	Compared   int `json:"compared"` // paths of the release
	Same       int `json:"same"`     // of these, as shipped
	Edited     int `json:"edited"`
	Missing    int `json:"missing"` // a directory with all below counts once
	Extra      int `json:"extra"`   // likewise
	Mode       int `json:"mode"`
	Kind       int `json:"kind"`
	Owner      int `json:"owner"`
	Unreadable int `json:"unreadable"`
	Config     int `json:"config"`  // of these differences, in configuration
	Ignored    int `json:"ignored"` // differences of configuration that were to be left out
	Absent     int `json:"absent"`  // paths that the settings keep away
	Untouched  int `json:"untouched"`

	ReadFiles int   `json:"read_files"` // whose bytes were read
	ReadBytes int64 `json:"read_bytes"`

	Edits []Edit `json:"edits"` // sorted by path
}

// Differs reports whether anything is not as shipped.
func (v *Verification) Differs() bool { return len(v.Edits) > 0 }

// ErrNoPath: a path that was named is neither in the installation nor in its release.
var ErrNoPath = errors.New("is neither in the installation nor in its release")

// ErrOutside: a path that was named does not lie in the installation.
var ErrOutside = errors.New("does not lie in the installation")

// Verify compares the installation with the release that is installed: every path
// that the release lists, and whatever else lies there. It writes nothing. Data,
// ignored paths, the updater's own state and what the product derives from shipped
// files do not count. Errors: [ErrNoPath], [ErrOutside], *[fsys.LockedError] beside a
// run, *[OpenError] on an open journal, those of the record of what is installed.
func (u *Updater) Verify(ctx context.Context, opt VerifyOptions) (*Verification, error) {
	if err := u.lookOnly(); err != nil {
		return nil, err
	}
	in, err := readDeclared(u.tree)
	if err != nil {
		return nil, err
	}
	return u.verify(ctx, in, opt)
}

func (u *Updater) verify(ctx context.Context, in *installed, opt VerifyOptions) (*Verification, error) {
	return u.verifyAnd(ctx, in, opt, false)
}

// verifyAnd is verify, and if asked keeps in the stat cache what it had to read.
func (u *Updater) verifyAnd(ctx context.Context, in *installed, opt VerifyOptions, keep bool) (*Verification, error) {
	paths, err := u.inside(opt.Paths)
	if err != nil {
		return nil, err
	}
	s, err := newSurvey(ctx, u, in, opt.Full)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.keeps = keep
	if err := u.during(PhaseVerify, func() error { return s.run(paths) }); err != nil {
		return nil, err
	}
	v := &Verification{Product: in.Product, Installed: in.release(), Full: opt.Full}
	s.report(v)
	v.count(opt.IgnoreConfig)
	if keep {
		s.keep()
	}
	return v, nil
}

// count counts the edits, without those of configuration if they are to be left out.
func (v *Verification) count(ignoreConfig bool) {
	stay := v.Edits[:0]
	for _, e := range v.Edits {
		if ignoreConfig && e.Config {
			v.Ignored++
			continue
		}
		stay = append(stay, e)
		if e.Config {
			v.Config++
		}
		*map[string]*int{WhatEdited: &v.Edited, WhatMissing: &v.Missing, WhatExtra: &v.Extra, WhatMode: &v.Mode, WhatKind: &v.Kind,
			WhatOwner: &v.Owner, WhatUnreadable: &v.Unreadable}[e.What]++
	}
	v.Edits = stay
}

// inside turns paths as they were typed into paths of the installation, sorted, and
// without those below others. "" is the installation itself.
func (u *Updater) inside(typed []string) ([]manifest.Path, error) {
	var out []manifest.Path
	for _, t := range typed {
		p, err := u.insideOne(t)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.Sort(out)
	var top []manifest.Path
	for _, p := range out {
		if !slices.ContainsFunc(top, p.Within) {
			top = append(top, p)
		}
	}
	return top, nil
}

func (u *Updater) insideOne(typed string) (manifest.Path, error) {
	if up := path.Clean(filepath.ToSlash(typed)); up == ".." || strings.HasPrefix(up, "../") { // from where this runs
		typed = absolute(typed)
	}
	rel := typed
	if filepath.IsAbs(typed) {
		rel = ""
		for _, home := range []string{u.tree.Path(), absolute(u.opt.Home)} {
			if r, err := filepath.Rel(home, typed); err == nil && filepath.IsLocal(r) {
				rel = r
			}
		}
		if rel == "" {
			rel = u.belowHome(typed)
		}
		if rel == "" {
			return "", fmt.Errorf("%s: %w", manifest.Path(typed), ErrOutside)
		}
	}
	rel = path.Clean(filepath.ToSlash(rel))
	if rel == "." {
		return "", nil
	}
	p, err := manifest.ParsePath(rel)
	if err != nil {
		return "", fmt.Errorf("%s: %w", manifest.Path(typed), ErrOutside)
	}
	return p, nil
}

// belowHome is what follows in an absolute path on the first of the directories in it that
// is the installation, reached through links; "": none is. Links below are names.
func (u *Updater) belowHome(typed string) string {
	home, err := os.Stat(u.tree.Path())
	if err != nil {
		return ""
	}
	for i := len(filepath.VolumeName(typed)) + 1; i <= len(typed); i++ {
		if i < len(typed) && !os.IsPathSeparator(typed[i]) {
			continue
		}
		if dir, err := os.Stat(typed[:i]); err != nil || !os.SameFile(home, dir) {
			continue
		}
		if rest := filepath.Clean("." + typed[i:]); filepath.IsLocal(rest) {
			return rest
		}
	}
	return ""
}

// absolute is path made absolute, or as it is.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// gravest is the deviation of a path of which more than one thing is wrong; nil: none.
func gravest(p manifest.Path, found []Edit) *Edit {
	if len(found) == 0 {
		return nil
	}
	rank := []string{WhatUnreadable, WhatMissing, WhatKind, WhatEdited, WhatMode, WhatOwner, WhatExtra}
	slices.SortStableFunc(found, func(a, b Edit) int {
		return cmp.Compare(slices.Index(rank, a.What), slices.Index(rank, b.What))
	})
	e := found[0]
	e.Path = p
	var details []string
	for _, f := range found {
		if f.Detail != "" {
			details = append(details, f.Detail)
		}
	}
	e.Detail = strings.Join(details, "; ")
	return &e
}

// attributes says what of a path that is there, and of the right kind, is not as
// shipped besides its content: mode and owner.
func attributes(e *manifest.Entry, info fsys.Info, owner int) []Edit {
	var out []Edit
	if fsys.HasModes && hasMode(e) {
		special := info.IsFile() && info.Mode&specialBits != 0
		if special || info.Perm()&manifest.ModeMask != e.Mode {
			out = append(out, Edit{What: WhatMode, Detail: fmt.Sprintf("mode %s, shipped as %04o", octal(info), e.Mode)})
		}
	}
	if info.UID >= 0 && info.UID != owner {
		out = append(out, Edit{What: WhatOwner, Detail: fmt.Sprintf("belongs to user %d, the installation to user %d", info.UID, owner)})
	}
	return out
}
