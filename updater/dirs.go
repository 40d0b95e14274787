package updater

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// dirState is what stands where a directory is wanted.
type dirState int

const (
	dirThere   dirState = iota
	dirMissing          // nothing there and not the vendor's before: will be made
	dirDeleted          // the vendor's, wholly gone: one deletion of the operator's
	dirBlocked          // a file or something else stands there
	dirLinked           // the operator moved it behind a link
)

// dirs looks at each directory above the paths of a plan once.
type dirs struct {
	tree *fsys.Tree
	base *manifest.Inventory
	seen map[manifest.Path]dirAt
}

type dirAt struct {
	state dirState
	top   manifest.Path // of dirDeleted, dirBlocked and dirLinked: where it begins
	info  fsys.Info
}

func newDirs(t *fsys.Tree, base *manifest.Inventory) *dirs {
	return &dirs{tree: t, base: base, seen: map[manifest.Path]dirAt{}}
}

// at tells what stands at dir, "" being the root.
func (d *dirs) at(dir manifest.Path) (dirAt, error) {
	if got, ok := d.seen[dir]; ok {
		return got, nil
	}
	got, err := d.look(dir)
	if err == nil {
		d.seen[dir] = got
	}
	return got, err
}

func (d *dirs) look(dir manifest.Path) (dirAt, error) {
	if dir == "" {
		info, err := d.tree.Lstat("")
		return dirAt{state: dirThere, info: info}, err
	}
	above, err := d.at(dir.Parent())
	if err != nil || above.state != dirThere {
		return above, err
	}
	info, err := d.tree.Lstat(string(dir))
	var link *fsys.LinkError
	switch {
	case errors.As(err, &link):
		return dirAt{state: dirLinked, top: manifest.Path(link.Path)}, nil
	case err != nil:
		return dirAt{}, err
	case info.IsDir():
		return dirAt{state: dirThere, info: info}, nil
	case info.IsLink() && !isLink(d.base.Find(dir)):
		return dirAt{state: dirLinked, top: dir}, nil
	case info.Exists:
		return dirAt{state: dirBlocked, top: dir}, nil
	}
	if e := d.base.Find(dir); e != nil && e.Kind == manifest.Dir {
		return dirAt{state: dirDeleted, top: dir}, nil
	}
	return dirAt{state: dirMissing, top: dir}, nil
}

// isLink reports whether the vendor ships a link there.
func isLink(e *manifest.Entry) bool { return e != nil && e.Kind == manifest.Link }

// settleDirs decides what becomes of the directories that the vendor drops or turns
// into something else: they go with their last vendor file, unless something else
// lies in them. steps holds the plan so far by path.
func (m *maker) settleDirs() error {
	var todo []*item
	for _, it := range m.items {
		if it.base != nil && it.base.Kind == manifest.Dir && (it.theirs == nil || it.theirs.Kind != manifest.Dir) && it.step != nil {
			todo = append(todo, it)
		}
	}
	// The deepest first: a directory that goes empties the one above.
	slices.SortFunc(todo, func(a, b *item) int { return strings.Compare(string(b.path), string(a.path)) })
	for _, it := range todo {
		if it.step.Action != Remove && it.step.Action != Replace {
			continue
		}
		if m.u.tree.FollowedAbove(string(it.path)) == string(it.path) {
			m.leaveFollowed(it)
			continue
		}
		names, err := m.u.tree.Names(string(it.path))
		if err != nil {
			return err
		}
		var stay []string
		for _, name := range names {
			if !m.leaves(it.path.Join(name)) {
				stay = append(stay, name)
			}
		}
		if len(stay) == 0 {
			continue
		}
		shown := manifest.Path(stay[0]).String()
		if len(stay) > 1 {
			shown = fmt.Sprintf("%s and %d more", shown, len(stay)-1)
		}
		if it.step.Action == Remove {
			it.step.Action, it.step.Reason = Keep, "not in this release any more, but other files lie in it: "+shown
			it.step.Result = it.step.Ours
		} else {
			m.conflict(it, fmt.Sprintf("this release makes it a %s, but files that are not the vendor's lie in it: %s", it.theirs.Kind, shown))
		}
	}
	return nil
}

// leaveFollowed is settleDirs for a directory behind a link: the link is the operator's and
// is never changed.
func (m *maker) leaveFollowed(it *item) {
	if it.step.Action == Replace {
		m.conflict(it, fmt.Sprintf("this release makes it a %s, and you moved it behind a link", it.theirs.Kind))
		return
	}
	it.step.Action, it.step.Reason = Keep, "not in this release any more, but you moved it behind a link, which stays"
	it.step.Result = it.step.Ours
}

// leaves reports whether the plan takes the path away.
func (m *maker) leaves(p manifest.Path) bool {
	if it := m.byPath[p]; it != nil && it.step != nil {
		return it.step.Action == Remove || it.step.Action == Clear
	}
	return m.cleared[p]
}
