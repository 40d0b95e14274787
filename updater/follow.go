package updater

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/settings"
)

// Followed is a directory of the product that the operator moved behind a link and named
// in the settings.
type Followed struct {
	Path   manifest.Path `json:"path"`
	Target string        `json:"target"`
}

// follow opens the directories that the settings name. One that cannot be followed is no
// error yet: what an installation is, and that nothing is interrupted, can be told without.
func (u *Updater) follow() error {
	var err error
	u.astray, err = followAll(u.tree, u.settings.Follow)
	return err
}

// followAll follows each of paths in tree, and returns why some cannot be.
func followAll(tree *fsys.Tree, paths []manifest.Path) (astray []*fsys.FollowError, err error) {
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		var refused *fsys.FollowError
		err := tree.Follow(string(p))
		switch {
		case errors.As(err, &refused):
			astray = append(astray, refused)
		case err != nil && !fsys.IsBlocked(err):
			return nil, err
		}
	}
	return astray, nil
}

// follow opens the directories that adopt was asked to follow, and those that settings
// written beforehand name.
func (a *adopter) follow() error {
	if data, err := a.tree.ReadState(settingsPath, settings.MaxBytes); err == nil {
		s, err := settings.Parse(settingsPath, data)
		if err != nil {
			return err
		}
		a.named = s.Follow
	}
	var err error
	a.astray, err = followAll(a.tree, append(slices.Clone(a.named), a.opt.Follow...))
	return err
}

// reach makes sure that the followed directories in which an interrupted run has slots are
// there, whatever the settings say by now. If one is not, its error says so plainly.
func (u *Updater) reach(s *backup.Snapshot) error {
	for _, r := range s.Roots {
		var refused *fsys.FollowError
		err := u.tree.Follow(string(r.Path))
		if errors.As(err, &refused) || err != nil && !fsys.IsBlocked(err) {
			return err
		}
	}
	return s.Reach(u.tree)
}

// allRoots are the followed directories.
func (u *Updater) allRoots() []backup.Root {
	var paths []manifest.Path
	for _, p := range u.tree.Followed() {
		paths = append(paths, manifest.Path(p))
	}
	return backup.RootsOf(u.tree, paths)
}

// rootsOf are the followed directories that a plan changes something in; of a revert those
// of the snapshot whose slots it takes.
func (u *Updater) rootsOf(p *Plan) []backup.Root {
	if p.way != nil && p.way.takes {
		return p.way.holds.Roots
	}
	var paths []manifest.Path
	for _, e := range p.entries { // of a revert that copies
		paths = append(paths, e.Path)
	}
	for i := range p.Steps {
		if p.Steps[i].Action.Changes() {
			paths = append(paths, p.Steps[i].Path)
		}
	}
	return backup.RootsOf(u.tree, paths)
}

// followed tells in the plan what is followed, and what of it stands in the way.
func (u *Updater) followed(p *Plan) {
	for _, r := range u.allRoots() {
		p.Follow = append(p.Follow, Followed{r.Path, r.Target})
	}
	for _, e := range u.astray {
		hint := "make the link lead to a directory of the owner of the installation, or put the directory back in place of the link"
		if e.Err != nil {
			hint = "put the directory back where the link leads (mount its file system), or the link right"
		}
		p.Findings = append(p.Findings, Finding{Path: e.Path, Reason: e.What(), Hint: hint})
	}
	for _, r := range u.rootsOf(p) {
		var shared *backup.SharedError
		err := backup.CheckStore(u.tree, r)
		switch {
		case errors.As(err, &shared):
			p.Findings = append(p.Findings, Finding{Path: r.Path.String(), Reason: "leads to " + r.Target + ", which belongs to the installation " + shared.Home + " already",
				Hint: "give this installation a directory of its own to follow"})
		case err != nil:
			p.Findings = append(p.Findings, Finding{Path: r.Path.String(), Reason: err.Error(), Hint: "look at what it is, and move it away"})
		}
	}
}

// unnamed is the finding for links of the operator's in place of directories, which the
// settings do not name: what to add, to the letter.
func (m *maker) unnamed(links []manifest.Path) {
	links = slices.DeleteFunc(links, func(p manifest.Path) bool {
		return m.u.astrayAt(p) != nil
	})
	if len(links) == 0 {
		return
	}
	hint := followHint(append(slices.Clone(m.u.settings.Follow), links...))
	for _, p := range links {
		reason := "is a symbolic link where the release has a directory, and the settings do not name it under follow"
		if target, err := m.u.tree.Readlink(string(p)); err == nil {
			reason = fmt.Sprintf("is a symbolic link to %s where the release has a directory, and the settings do not name it under follow", manifest.Path(target))
		}
		m.plan.Findings = append(m.plan.Findings, Finding{Path: p.String(), Reason: reason, Hint: hint})
	}
}

// followHint is the line of the settings that has all of paths.
func followHint(paths []manifest.Path) string {
	slices.Sort(paths)
	line, err := settings.FollowLine(slices.Compact(paths))
	if err != nil {
		return "put the directory back in place of the link"
	}
	return "add to " + settingsPath + ": " + line
}

// checkFollowed finds what of the two releases cannot be done behind a link that is
// followed: a link of the vendor's there, and names of the updater's own.
func (m *maker) checkFollowed() {
	for _, f := range m.u.tree.Followed() {
		p := manifest.Path(f)
		if e := m.in.inventory.Find(p); e != nil && e.Kind != manifest.Dir {
			m.plan.Findings = append(m.plan.Findings, Finding{Path: f, Reason: "is named under follow, but is a " + e.Kind.String() + " of the release itself",
				Hint: "take it out of follow in " + settingsPath})
		}
		if e := m.to.inventory.Find(p.Join(fsys.StoreName)); e != nil {
			m.plan.Findings = append(m.plan.Findings, Finding{Path: e.Path.String(), Reason: "is the updater's own name in a directory that is followed, and the release has one of its own",
				Hint: "put the directory back in place of the link"})
		}
	}
}

// awayFrom is what keeps the snapshot s out of reach: a followed directory that has slots of it and
// is not there.
func (u *Updater) awayFrom(s *backup.Snapshot) *backup.DamagedError {
	var away *backup.AwayError
	err := s.Reach(u.tree)
	if !errors.As(err, &away) {
		return nil // a fault of the disk is met again, by name, when the slots are read
	}
	p := away.Root.Path
	what, hint := away.What(), "make "+p.String()+" lead to that directory again (mount its file system), with what lies in it"
	if e := u.astrayAt(p); e != nil {
		what = e.What()
	}
	if info, err := u.tree.Lstat(string(p)); err == nil && info.IsLink() && !slices.Contains(u.settings.Follow, p) {
		hint = followHint(append(slices.Clone(u.settings.Follow), p))
	}
	return &backup.DamagedError{ID: s.ID, Paths: []string{p.String() + ": " + what}, Away: hint}
}

// whereFull is err, which is of a path in the installation, with the place that has no room left where
// that is behind a link.
func (u *Updater) whereFull(err error) error {
	var ours *fsys.PathError
	var theirs *fs.PathError
	at := ""
	if errors.As(err, &ours) {
		at = ours.Path
	} else if errors.As(err, &theirs) {
		at = theirs.Path
	}
	f := u.tree.FollowedAbove(at)
	if f == "" || !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return &FullError{u.tree.RealPath(f), err}
}

// astrayAt is why p, which the settings name under follow, is not followed; nil: nothing is known.
func (u *Updater) astrayAt(p manifest.Path) *fsys.FollowError {
	if i := slices.IndexFunc(u.astray, func(e *fsys.FollowError) bool { return e.Path == string(p) }); i >= 0 {
		return u.astray[i]
	}
	return nil
}

// isStore reports whether rel lies in the updater's own directory of a followed one.
func (u *Updater) isStore(rel string) bool {
	f := u.tree.FollowedAbove(rel)
	return f != "" && strings.HasPrefix(rel, f+"/"+fsys.StoreName+"/")
}
