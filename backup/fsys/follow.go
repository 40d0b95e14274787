package fsys

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// StoreName is the directory that the updater has of its own in each directory that is
// followed: its stage and its slots lie there, on the same file system.
const StoreName = ".inplace"

// maxLinks is how many links may lie between a link that is followed and its directory.
const maxLinks = 40

// errFollowed is what a change of the link itself ends in.
var errFollowed = errors.New("is followed to another directory, and the link itself is never changed")

// FollowError says why the link Path cannot be followed. Target is where it leads, as
// far as that could be told.
type FollowError struct {
	Path, Target string
	Reason       string
	Err          error // of the system; nil where it is a rule of this program's
}

func (e *FollowError) Error() string { return e.Path + ": " + e.What() }

// What is the error without the path.
func (e *FollowError) What() string { return "leads to " + e.Target + ", which " + e.Reason }

// Unwrap returns the system's error.
func (e *FollowError) Unwrap() error { return e.Err }

// followed is a directory behind a link, held open.
type followed struct {
	dir    *Dir
	target string // resolved
	chain  []id   // the directory, then those above it up to the root of the file system
}

// id tells directories apart while they are held.
type id struct{ dev, ino uint64 }

func idOf(i Info) id { return id{i.Dev, i.Ino} }

// Follow makes path, where a link of the operator's is, stand for the directory that the
// link leads to. The link is resolved once, now, and its directory held open; from then
// on every method of the tree takes path and all below for that directory, and no change
// reaches the link itself. Where no link is, nothing is done but that Names keeps quiet
// about a [StoreName] in it. Paths are followed in sorted order, before anything else
// is done with the tree.
//
// A *[FollowError] says why the link is not followed: it leads nowhere, in a circle, to
// something else than a directory, into, onto or above the installation or another
// followed directory; or somebody else than root and the owner of the installation could
// turn it elsewhere, or write where it leads.
func (t *Tree) Follow(path string) error {
	if t.named == nil {
		t.named, t.followed = map[string]bool{}, map[string]*followed{}
	}
	if t.followed[path] != nil {
		return nil
	}
	t.Forget()
	info, err := t.lstatLink(path)
	if err != nil {
		return err
	}
	t.named[path] = true
	if !info.IsLink() {
		return nil
	}
	f, err := t.resolve(path)
	if err != nil {
		return err
	}
	f.dir.path, f.dir.tree = path, t
	t.followed[path] = f
	return nil
}

// lstatLink is Lstat of the link itself.
func (t *Tree) lstatLink(path string) (info Info, err error) {
	err = t.In(path, func(d *Dir, name string) (err error) {
		info, err = d.lstat(name)
		return err
	})
	if IsAbsent(err) {
		err = nil
	}
	return info, err
}

// overlaps says how the directory behind path lies to the installation and to what else is
// followed; "" where it lies apart.
func (t *Tree) overlaps(path string, chain []id) (string, error) {
	home, err := t.root.above()
	if err != nil {
		return "", err
	}
	switch {
	case slices.Contains(home, chain[0]):
		return "is the installation itself or lies above it", nil
	case slices.Contains(chain, home[0]):
		return "lies in the installation itself", nil
	}
	for _, other := range t.Followed() {
		o := t.followed[other]
		if other != path && (slices.Contains(o.chain, chain[0]) || slices.Contains(chain, o.chain[0])) {
			return "overlaps with where " + other + " leads", nil
		}
	}
	return "", nil
}

// StillFollowed reports as a *[FollowError] if the link path does not lead to the
// directory that is held open for it any more.
func (t *Tree) StillFollowed(path string) error {
	f := t.followed[path]
	if f == nil {
		return nil
	}
	now, err := t.resolve(path)
	if err != nil {
		return err
	}
	now.dir.Close()
	if now.chain[0] != f.chain[0] {
		return &FollowError{Path: path, Target: now.target, Reason: "is not " + f.target + " any more"}
	}
	return nil
}

// Followed lists the paths that are followed behind a link, sorted.
func (t *Tree) Followed() []string {
	var out []string
	for p := range t.followed {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// FollowedAbove is the followed path that path is or lies in, the deepest if there are
// several; "" if it lies in the installation.
func (t *Tree) FollowedAbove(path string) string {
	best := ""
	for p := range t.followed {
		if (path == p || strings.HasPrefix(path, p+"/")) && len(p) > len(best) {
			best = p
		}
	}
	return best
}

// RealPath is where path lies in the file system's own terms, links that are followed
// resolved.
func (t *Tree) RealPath(path string) string {
	if p := t.FollowedAbove(path); p != "" {
		return filepath.Join(t.followed[p].target, filepath.FromSlash(strings.TrimPrefix(path, p)))
	}
	return filepath.Join(t.path, filepath.FromSlash(path))
}

// unfollow lets go of all followed directories.
func (t *Tree) unfollow() {
	for _, f := range t.followed {
		f.dir.Close()
	}
	t.followed = nil
}

// followed is the directory that name in d stands for, nil where it is only a name.
func (d *Dir) followed(name string) *Dir {
	if d.tree == nil || len(d.tree.followed) == 0 {
		return nil
	}
	if f := d.tree.followed[d.join(name)]; f != nil {
		return f.dir
	}
	return nil
}

// changesLink refuses what would change a link that is followed.
func (t *Tree) changesLink(op, path string) error {
	if t.followed[path] == nil {
		return nil
	}
	switch op {
	case "sync", "syncfs": // of the directory, on its own handle
		return nil
	}
	return errFollowed
}
