package updater

import (
	"errors"
	"fmt"
	"hash"
	"io/fs"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// surveyor is what one worker has and finds.
type surveyor struct {
	s         *survey
	names     fsys.Listing
	buf       []byte
	hash      hash.Hash
	edits     []Edit
	extras    []extraPath
	compared  int
	same      int
	absent    int
	untouched int
	files     int
	bytes     int64
	learnt    []learntFile
}

// extraPath is a path that the inventory does not list.
type extraPath struct {
	path manifest.Path
	dir  bool
	own  bool // data, ignored or the updater's: keeps a directory from being extra, and no more
}

// toRead is a file whose bytes decide; found is what else is wrong with it. Where all is
// read, info is the zero one: opening the file tells the same.
type toRead struct {
	entry manifest.Entry
	info  fsys.Info
	found []Edit
}

// learntFile is what was learnt of a file by reading it. The info is from before.
type learntFile struct {
	path manifest.Path
	known
}

func (w *surveyor) work() {
	for {
		e, ok := w.s.next()
		if !ok {
			return
		}
		if e.lot != nil {
			w.read(e.dir, e.lot)
		} else {
			w.directory(e)
		}
		e.dir.release()
		w.s.finished()
	}
}

// directory looks at all that lies in one.
func (w *surveyor) directory(e errand) {
	h := e.dir
	if e.name != "" {
		d, err := e.dir.OpenDir(e.name)
		if err == nil {
			h, err = w.s.hold(d, e.path)
		}
		if err != nil {
			w.unreadable(e.path, err)
			return
		}
		defer h.release()
	}
	if err := w.names.Read(h.Dir); err != nil {
		w.unreadable(e.path, err)
		return
	}
	if !e.listed {
		for _, name := range w.names.Names {
			w.unlisted(h, name, e.path.Join(name))
		}
		return
	}
	var lot []toRead
	names, regular, before := w.names.Names, w.names.Regular, w.compared
	skip := 0
	if e.path != "" {
		skip = len(e.path) + 1
	}
	for _, sp := range w.s.below[e.path] {
		for i := sp.from; i < sp.to; i++ {
			entry := w.s.entry(i)
			want := string(entry.Path[skip:])
			for len(names) > 0 && names[0] < want {
				w.unlisted(h, names[0], e.path.Join(names[0]))
				names, regular = names[1:], regular[1:]
			}
			if len(names) > 0 && names[0] == want {
				w.compare(h, i, &entry, want, regular[0], &lot)
				names, regular = names[1:], regular[1:]
				continue
			}
			w.missing(&entry)
		}
	}
	for _, name := range names {
		w.unlisted(h, name, e.path.Join(name))
	}
	w.hand(h, &lot, true)
	if w.s.cache != nil {
		w.s.progress(int64(w.compared - before))
	}
}

// hand puts the files that have to be read on the stack once they are enough for a
// lot, or if rest is set, any.
func (w *surveyor) hand(h *heldDir, lot *[]toRead, rest bool) {
	if len(*lot) == 0 {
		return
	}
	var bytes int64
	for _, f := range *lot {
		bytes += f.entry.Size
	}
	if !rest && len(*lot) < lotFiles && bytes < lotBytes {
		return
	}
	h.users.Add(1)
	w.s.push(errand{dir: h, lot: *lot})
	*lot = nil
}

// compare compares e, which is entry i, with what is there under its name; regular says
// that it is known to be a regular file.
func (w *surveyor) compare(h *heldDir, i int, e *manifest.Entry, name string, regular bool, lot *[]toRead) {
	s := w.s
	class := s.rules.Class(e.Path)
	if class == manifest.Data || class == manifest.Ignore {
		w.untouched++
		if e.Kind != manifest.Dir {
			return
		}
		if s.rules.Untouched(e.Path) {
			w.untouched += s.in.countBelow(e.Path)
			return
		}
	}
	if s.full && regular && e.Kind == manifest.File && class != manifest.Data && class != manifest.Ignore {
		w.compared++
		*lot = append(*lot, toRead{entry: *e})
		w.hand(h, lot, false)
		return
	}
	info, err := h.Lstat(name)
	if err != nil {
		w.unreadable(e.Path, err)
		return
	}
	now := live{info: info}
	switch {
	case !info.Exists: // went away since its directory was listed
		w.missing(e)
		return
	case now.kind() == manifest.Dir && e.Kind == manifest.Dir:
		h.users.Add(1)
		s.push(errand{dir: h, name: name, path: e.Path, listed: true})
	}
	if class == manifest.Data || class == manifest.Ignore {
		return
	}
	w.compared++
	owner := h.owner
	if s.u.tree.FollowedAbove(string(e.Path)) == string(e.Path) {
		owner = info.UID // a directory elsewhere has the owner that it has
	}
	found := attributes(e, info, owner)
	switch {
	case now.kind() != e.Kind:
		found = append(found[:0], Edit{What: WhatKind, Detail: "is a " + now.kind().String() + ", shipped as a " + e.Kind.String(), Count: s.in.countBelow(e.Path)})
		if away := s.u.astrayAt(e.Path); away != nil {
			found[0].Detail = "is to be followed, but " + away.What()
		}
	case e.Kind == manifest.Link:
		if now.target, err = h.Readlink(name); err != nil {
			w.unreadable(e.Path, err)
			return
		}
		if now.target != e.Target {
			found = append(found, Edit{What: WhatEdited, Detail: "leads to " + manifest.Path(now.target).String() + ", shipped leading to " + manifest.Path(e.Target).String()})
		}
	case e.Kind == manifest.File && info.Size != e.Size:
		found = append(found, Edit{What: WhatEdited})
	case e.Kind == manifest.File:
		d, ok := s.cache.digest(i, info)
		if i >= s.in.inventory.Len() && s.cache.vouches(info, e.Digest) {
			d, ok = e.Digest, true
		}
		if !ok {
			*lot = append(*lot, toRead{*e, info, found})
			w.hand(h, lot, false)
			return
		}
		if d != e.Digest {
			found = append(found, Edit{What: WhatEdited})
		}
	}
	w.tell(e.Path, class, found)
}

// tell keeps what was found of a path of the release.
func (w *surveyor) tell(p manifest.Path, class manifest.Class, found []Edit) {
	e := gravest(p, found)
	if e == nil {
		w.same++
		return
	}
	e.Config = class == manifest.Config
	w.edits = append(w.edits, *e)
}

// read takes the digests of a lot of files.
func (w *surveyor) read(h *heldDir, lot []toRead) {
	if w.buf == nil {
		w.buf = fsys.Memory(surveyBytes)
	}
	for _, f := range lot {
		if cancelled(w.s.ctx) != nil {
			return
		}
		w.hash.Reset()
		info, err := h.Feed(f.entry.Path.Base(), w.buf, w.hash)
		if errors.Is(err, fs.ErrNotExist) {
			w.compared--
			w.missing(&f.entry)
			continue
		}
		if err != nil {
			w.unreadable(f.entry.Path, err)
			if f.info, err = h.Lstat(f.entry.Path.Base()); err == nil && f.info.Exists {
				last := &w.edits[len(w.edits)-1]
				for _, e := range attributes(&f.entry, f.info, h.owner) { // which may be why
					last.Detail += ", " + e.Detail
				}
			}
			continue
		}
		if !f.info.Exists {
			f.info, f.found = info, attributes(&f.entry, info, h.owner)
		}
		w.files++
		w.bytes += f.info.Size
		var d manifest.Digest
		w.hash.Sum(d[:0])
		if w.s.keeps {
			w.learnt = append(w.learnt, learntFile{f.entry.Path, known{f.info, d}})
		}
		if w.s.cache == nil {
			w.s.progress(f.info.Size)
		}
		if d != f.entry.Digest {
			f.found = append(f.found, Edit{What: WhatEdited})
		}
		w.tell(f.entry.Path, w.s.rules.Class(f.entry.Path), f.found)
	}
}

func (w *surveyor) unreadable(p manifest.Path, err error) {
	w.edits = append(w.edits, Edit{Path: p, What: WhatUnreadable, Detail: cause(err).Error(), Config: w.s.rules.Class(p) == manifest.Config})
}

// missing keeps that e, with all below it, is not there, unless that is as it is to be.
func (w *surveyor) missing(e *manifest.Entry) {
	gone, away := 0, 0
	count := func(p manifest.Path) {
		switch class := w.s.rules.Class(p); {
		case manifest.IsState(p):
		case class == manifest.Data, class == manifest.Ignore:
			w.untouched++
		case manifest.MatchAny(w.s.absent, p):
			away++
		default:
			gone++
		}
	}
	count(e.Path)
	self := gone
	if e.Kind == manifest.Dir {
		for i, end := w.s.in.inventory.Below(e.Path); i < end; i++ {
			count(w.s.in.inventory.PathAt(i))
		}
	}
	w.absent += away
	w.compared += gone
	if gone == 0 || gone == self && away > 0 { // a directory that only held what is kept away
		return
	}
	edit := Edit{Path: e.Path, What: WhatMissing, Config: w.s.rules.Class(e.Path) == manifest.Config}
	if e.Kind == manifest.Dir {
		edit.Count, edit.Detail = gone-self, "the whole directory"
	}
	w.edits = append(w.edits, edit)
}

// unlisted keeps what lies at p, which the inventory does not list.
func (w *surveyor) unlisted(h *heldDir, name string, p manifest.Path) {
	s := w.s
	class := s.rules.Class(p)
	x := extraPath{path: p, own: manifest.IsState(p) || class == manifest.Data || class == manifest.Ignore}
	if !x.own || !manifest.IsState(p) && !s.rules.Untouched(p) {
		info, err := h.Lstat(name)
		if err != nil {
			w.unreadable(p, err)
			return
		}
		if !info.Exists {
			return
		}
		if x.dir = info.IsDir(); x.dir {
			_, listed := s.below[p] // by adopt: bin, where the release has none
			h.users.Add(1)
			s.push(errand{dir: h, name: name, path: p, listed: listed})
			if listed {
				return
			}
		}
	}
	w.extras = append(w.extras, x)
}

// specialBits are the mode bits of files that no release ships.
const specialBits = fs.ModeSetuid | fs.ModeSetgid

// octal is the mode as chmod takes it.
func octal(info fsys.Info) string {
	n := info.Perm()
	for i, bit := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if info.Mode&bit != 0 {
			n |= 0o1000 << i
		}
	}
	return fmt.Sprintf("%04o", n)
}
