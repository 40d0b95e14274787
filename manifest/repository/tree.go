package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// scan lists a tree that is to be released, without following a link and without
// reading contents, and collects everything that could not be installed everywhere.
type scan struct {
	ctx     context.Context
	tree    *fsys.Tree
	links   []manifest.Path // may be absolute or lead outside
	entries []manifest.Entry
	faults  []Fault
}

// scanTree returns the entries of tree, files without digest, sorted by path, and
// every path at fault. The error is what kept the tree from being read.
func scanTree(ctx context.Context, tree *fsys.Tree, links []manifest.Path) ([]manifest.Entry, []Fault, error) {
	s := &scan{ctx: ctx, tree: tree, links: links}
	if err := s.dir(""); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(s.entries, func(a, b manifest.Entry) int { return cmp.Compare(a.Path, b.Path) })
	s.collisions()
	s.shapes()
	if len(s.entries) == 0 && len(s.faults) == 0 {
		return nil, nil, fmt.Errorf("%s: want a product, got an empty directory", tree.Path())
	}
	return s.entries, s.faults, nil
}

// refusal is the error for faults, nil if there are none.
func refusal(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Path, b.Path) })
	return &RefusedError{faults}
}

func (s *scan) fault(p manifest.Path, format string, args ...any) {
	s.faults = append(s.faults, Fault{p, fmt.Sprintf(format, args...)})
}

func (s *scan) dir(dir manifest.Path) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	names, err := s.tree.Names(string(dir))
	if errors.Is(err, fs.ErrPermission) {
		s.fault(dir, "may not be read")
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.entry(dir.Join(name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) entry(p manifest.Path) error {
	if _, err := manifest.ParsePath(string(p)); err != nil {
		s.fault(p, "%s", reason(p, err))
		return nil // nothing below it could be named either
	}
	if err := manifest.Path(p.Base()).Portable(); err != nil {
		s.fault(p, "%s", reason(manifest.Path(p.Base()), err))
	}
	if manifest.ReservedInRelease(p) {
		s.fault(p, "the name is reserved for the updater's own state")
		return nil
	}
	info, err := s.tree.Lstat(string(p))
	if err != nil {
		return err
	}
	if !info.Exists {
		return fmt.Errorf("%s: vanished while the tree was read", p)
	}
	e := manifest.Entry{Path: p, Mode: info.Perm() & manifest.ModeMask}
	switch {
	case info.IsLink():
		e.Kind, e.Mode = manifest.Link, 0
		if e.Target, err = s.tree.Readlink(string(p)); err != nil {
			return err
		}
		s.link(p, e.Target)
	case info.IsDir():
		e.Kind = manifest.Dir
		s.special(p, info.Mode)
	case info.IsFile():
		e.Kind, e.Size = manifest.File, info.Size
		s.special(p, info.Mode)
	default:
		s.fault(p, "a socket, device or fifo cannot be released")
		return nil
	}
	s.entries = append(s.entries, e)
	if e.Kind == manifest.Dir {
		return s.dir(p)
	}
	return nil
}

// special refuses mode bits that give rights no update should hand out.
func (s *scan) special(p manifest.Path, mode fs.FileMode) {
	var bits []string
	for _, b := range []struct {
		bit  fs.FileMode
		name string
	}{{fs.ModeSetuid, "setuid"}, {fs.ModeSetgid, "setgid"}, {fs.ModeSticky, "sticky"}} {
		if mode&b.bit != 0 {
			bits = append(bits, b.name)
		}
	}
	if bits != nil {
		s.fault(p, "want no setuid, setgid or sticky bit, got %s", strings.Join(bits, " and "))
	}
}

// link refuses a link that may lead out of the installation, unless it is listed.
// Only its text is judged, as [manifest.Check] does: what links on its way do is not
// known where it is installed, so ".." may stand at its start only.
func (s *scan) link(p manifest.Path, target string) {
	if slices.Contains(s.links, p) {
		return
	}
	switch {
	case target == "":
		s.fault(p, "an empty link")
	case strings.HasPrefix(target, "/"):
		s.fault(p, "an absolute link to %s, not listed under links", manifest.Path(target))
	case strings.ContainsAny(target, `\:`):
		s.fault(p, "a link to %s, which leads outside on Windows, not listed under links", manifest.Path(target))
	case escapes(p, target):
		s.fault(p, "a link to %s, which may lead outside, not listed under links", manifest.Path(target))
	}
}

// escapes reports whether a relative target of the link p climbs above the tree, or
// up again after it went down.
func escapes(p manifest.Path, target string) bool {
	depth, down := strings.Count(string(p), "/"), false
	for name := range strings.SplitSeq(target, "/") {
		switch name {
		case "", ".":
		case "..":
			if depth--; down || depth < 0 {
				return true
			}
		default:
			down = true
		}
	}
	return false
}

// shapes refuses the updater's own names in another shape than it relies on.
func (s *scan) shapes() {
	want := map[manifest.Path]manifest.Kind{
		"bin": manifest.Dir, "updates": manifest.Dir, "updates/trust": manifest.Dir, "updates/trust/root.json": manifest.File,
	}
	for i := range s.entries {
		e := &s.entries[i]
		if kind, ok := want[e.Path]; ok && e.Kind != kind {
			s.fault(e.Path, "want a %s, got a %s", kind, e.Kind)
		}
	}
}

// collisions refuses names of one directory that some disks cannot tell apart; each
// is reported against the first.
func (s *scan) collisions() {
	first := make(map[string]manifest.Path, len(s.entries))
	for i := range s.entries {
		p := s.entries[i].Path
		fold := p.Fold()
		other, ok := first[fold]
		if !ok {
			first[fold] = p
			continue
		}
		if other.Parent() == p.Parent() { // else their directories have been reported
			s.fault(p, "differs from %s only in letter case or in the form of its characters", other)
		}
	}
}

// reason is the text of err without the path in front of it.
func reason(p manifest.Path, err error) string {
	return strings.TrimPrefix(err.Error(), p.String()+": ")
}
