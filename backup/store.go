package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"inplace/backup/fsys"
	"inplace/backup/sealed"
	"inplace/manifest"
)

// Root is a directory that is followed behind a link (see [fsys.Tree.Follow]) and has
// slots of a snapshot. No name can be exchanged between two file systems, so what lies
// below a root has its stage and its slots in a store there, fsys.StoreName, laid out as
// updates/ is:
//
//	conf/.inplace/owner            sealed: the installation that it belongs to
//	conf/.inplace/stage/           slots and aside
//	conf/.inplace/backups/ID/      slots, aside and found
//
// Numbers of slots are those of the snapshot's entries, each used in one place only. The
// store is beside the files wherever the directory is: also where the link has gone
// since and the directory itself is back in its place.
type Root struct {
	Path   manifest.Path `json:"path"`
	Target string        `json:"target"` // where the link led when the snapshot was made
}

const (
	ownerSchema = "inplace/store/1"
	homeDir     = "updates" // of the installation what the store is of a root
)

// owner is the file of that name in a store.
type owner struct {
	Home string `json:"home"`
}

func (r Root) store() string { return path.Join(string(r.Path), fsys.StoreName) }

// twin is where a root has what the installation has in dir, which is [StageDir] or a
// directory of [SnapshotsDir].
func (r Root) twin(dir string) string { return r.store() + strings.TrimPrefix(dir, homeDir) }

// twins is dir and its twin in each root.
func twins(dir string, roots []Root) []string {
	out := []string{dir}
	for _, r := range roots {
		out = append(out, r.twin(dir))
	}
	return out
}

// RootsOf lists the followed directories that paths lie in, sorted.
func RootsOf(tree *fsys.Tree, paths []manifest.Path) []Root {
	used := map[string]bool{}
	for _, p := range paths {
		used[tree.FollowedAbove(string(p))] = true
	}
	var out []Root
	for _, p := range tree.Followed() {
		if used[p] {
			out = append(out, Root{manifest.Path(p), tree.RealPath(p)})
		}
	}
	return out
}

// RootOf is the root that p lies in, the deepest if there are several; nil for a path of the
// installation itself.
func RootOf(roots []Root, p manifest.Path) *Root {
	var best *Root
	for i := range roots {
		if r := &roots[i]; p.Within(r.Path) && (best == nil || len(r.Path) > len(best.Path)) {
			best = r
		}
	}
	return best
}

// dirOf is where the snapshot keeps what it has of e.
func (s *Snapshot) dirOf(e Entry) string {
	if r := RootOf(s.Roots, e.Path); r != nil && e.Class == Product {
		return r.twin(s.Dir)
	}
	return s.Dir
}

// SlotsOf is the directory of the slot of e.
func (s *Snapshot) SlotsOf(e Entry) string { return path.Join(s.dirOf(e), "slots") }

// CopiesDir is the directory of the copies of configuration.
func (s *Snapshot) CopiesDir() string { return path.Join(s.Dir, "config") }

// DataDir is the directory of the copies of data.
func (s *Snapshot) DataDir() string { return path.Join(s.Dir, "data") }

// SharedError says that a followed directory belongs to another installation, which
// follows it too.
type SharedError struct {
	Root Root
	Home string // of the other
}

func (e *SharedError) Error() string {
	return fmt.Sprintf("%s: leads to %s, which belongs to the installation %s already", e.Root.Path, manifest.Path(e.Root.Target), manifest.Path(e.Home))
}

// CheckStore reports why r cannot be used as this installation's: a *[SharedError], an
// *[fsys.UnsafeError] for a store that somebody else could have made. No store is fine.
func CheckStore(tree *fsys.Tree, r Root) error {
	for _, dir := range append([]string{r.store()}, r.twin(StageDir), r.twin(SnapshotsDir)) {
		info, err := tree.Lstat(dir)
		if err == nil {
			err = tree.CheckState(dir, info)
		}
		if err == nil && info.Exists && !info.IsDir() {
			err = &fsys.UnsafeError{Path: dir, Reason: "want a directory of the updater"}
		}
		if err != nil {
			return err
		}
	}
	_, err := owned(tree, r)
	return err
}

// owned reads whom the store of r belongs to. named is false where that has to be written
// yet: there is no store, or the installation it names is gone or follows it no more.
func owned(tree *fsys.Tree, r Root) (named bool, err error) {
	name := path.Join(r.store(), "owner")
	data, err := tree.ReadState(name, sealed.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var o owner
	if err := sealed.Unmarshal(name, ownerSchema, data, &o); err != nil {
		return false, err
	}
	if o.Home == tree.Path() {
		return true, nil
	}
	here, err1 := os.Stat(tree.RealPath(string(r.Path)))
	there, err2 := os.Stat(filepath.Join(o.Home, filepath.FromSlash(string(r.Path))))
	if err1 == nil && err2 == nil && os.SameFile(here, there) {
		if _, err := os.Lstat(filepath.Join(o.Home, filepath.FromSlash(homeDir))); err == nil {
			return false, &SharedError{r, o.Home}
		}
	}
	return false, nil
}

// makeStore makes the store of r, if it is not there, and says whose it is. The time of the
// directory that it lies in stays: nothing of the product has changed.
func makeStore(tree *fsys.Tree, r Root) error {
	if err := CheckStore(tree, r); err != nil {
		return err
	}
	err := quietly(tree, r, func(root *fsys.Dir) error {
		err := root.Mkdir(fsys.StoreName, 0o700)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		store, err := root.OpenDir(fsys.StoreName)
		if err != nil {
			return err
		}
		defer store.Close()
		if err := store.Disinherit(); err != nil { // the files of the stage are to be as those staged in updates/
			return err
		}
		if err := root.Chmod(fsys.StoreName, 0o700); err != nil {
			return err
		}
		return root.Sync()
	})
	if err != nil {
		return err
	}
	if named, err := owned(tree, r); err != nil || named {
		return err
	}
	return tree.WriteState(path.Join(r.store(), "owner"), sealed.Marshal(ownerSchema, owner{tree.Path()}), 0o600)
}

// dropStore removes the store of r where nothing is kept in it any more.
func dropStore(tree *fsys.Tree, r Root) error {
	names, err := tree.Names(r.twin(SnapshotsDir))
	if len(names) > 0 || err != nil && !fsys.IsBlocked(err) {
		return err
	}
	if info, err := tree.Lstat(r.store()); fsys.IsBlocked(err) || err == nil && !info.Exists {
		return nil
	}
	return quietly(tree, r, func(root *fsys.Dir) error { return root.RemoveAll(fsys.StoreName) })
}

// quietly calls fn with the directory of r and gives it back the time that it had.
func quietly(tree *fsys.Tree, r Root, fn func(root *fsys.Dir) error) error {
	root, err := tree.OpenDir(string(r.Path))
	if err != nil {
		return err
	}
	defer root.Close()
	before, err := root.Stat()
	if err == nil {
		err = fn(root)
	}
	if err != nil {
		return err
	}
	if now, err := root.Stat(); err != nil || now.MTime == before.MTime {
		return err
	}
	return root.Chtimes(".", before.MTime)
}

// reachable reports whether the directories of all roots are there, as far as their stores
// tell: not behind a link that is not followed, or not mounted.
func reachable(tree *fsys.Tree, roots []Root) (bool, error) {
	for _, r := range roots {
		info, err := tree.Lstat(r.store())
		if fsys.IsBlocked(err) || err == nil && !info.IsDir() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// AwayError says that a followed directory is not where a snapshot has slots in it.
type AwayError struct {
	Root Root
	Now  string // what is there instead, in words
}

func (e *AwayError) Error() string { return e.Root.Path.String() + ": " + e.What() }

// What is the error without the path.
func (e *AwayError) What() string {
	return fmt.Sprintf("led to %s when the update was made, where old files are kept; %s", manifest.Path(e.Root.Target), e.Now)
}

// Reach checks that each root of the snapshot s has the part of it that belongs there, in
// the stage or among the snapshots. An *[AwayError] says which has not.
func (s *Snapshot) Reach(tree *fsys.Tree) error {
	for _, r := range s.Roots {
		away := func(now string) error { return &AwayError{r, now} }
		top, err := tree.Lstat(string(r.Path))
		switch {
		case fsys.IsBlocked(err) || err == nil && !top.Exists:
			return away("now nothing is there")
		case err != nil:
			return err
		case top.IsLink():
			return away("now it is a link that is not followed")
		case !top.IsDir():
			return away("now it is something else")
		}
		found := false
		for _, dir := range []string{r.twin(StageDir), r.twin(path.Join(SnapshotsDir, s.ID))} {
			info, err := tree.Lstat(dir)
			if err == nil {
				err = tree.CheckState(dir, info)
			}
			if err != nil {
				return err
			}
			found = found || info.IsDir()
		}
		if !found {
			return away(tree.RealPath(string(r.Path)) + " has nothing of it")
		}
	}
	return nil
}
