package updater

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// A survey compares a tree with its inventory. Two workers take directories from a
// common stack, newest first. A directory is opened relative to the handle of the one
// above, which stays open until its last sub-directory has been begun: the handles
// open at one time are about twice the depth of the tree. Its names and the entries
// that the inventory has for it, both sorted, are merged; files whose bytes have to be
// read go back on the stack in small lots, so that one large directory keeps both
// workers busy.
const (
	surveyors   = 2
	surveyBytes = 256 << 10 // the buffer of a worker
	lotFiles    = 64        // files of one lot, and how many bytes are enough for one
	lotBytes    = 8 << 20
)

// span is a range of entries, by their numbers.
type span struct{ from, to int }

// survey is one comparison. Entries are numbered as in the inventory; what adopt has
// placed in bin/ follows them.
type survey struct {
	ctx     context.Context
	u       *Updater
	in      *installed
	rules   *manifest.Matcher
	absent  []*manifest.Glob
	cache   *statCache // nil: read everything
	full    bool       // read everything
	keeps   bool       // what is read goes into the stat cache
	placed  []manifest.Entry
	below   map[manifest.Path][]span // the entries right below a directory, rising
	owner   int                      // of the installation
	workers [surveyors]surveyor

	mu      sync.Mutex
	more    *sync.Cond
	stack   []errand
	pending int // errands on the stack and under way
	err     error
	step    int64 // of progress, in paths or bytes
	told    int64
	total   int64
	done    atomic.Int64
}

// errand is a directory to look at, or a lot of files to read.
type errand struct {
	dir    *heldDir // the directory above, or the one that the files lie in
	name   string
	path   manifest.Path
	listed bool // by the inventory; else all below is extra
	lot    []toRead
}

// heldDir is a directory held open by those who still need it.
type heldDir struct {
	*fsys.Dir
	owner int // whose the paths in it are to be
	users atomic.Int32
}

// hold takes over the handle d of the directory p for one user. Its paths are to belong
// to whoever the installation belongs to, or the directory behind a followed link.
func (s *survey) hold(d *fsys.Dir, p manifest.Path) (*heldDir, error) {
	h := &heldDir{Dir: d, owner: s.owner}
	h.users.Add(1)
	if top := s.u.tree.FollowedAbove(string(p)); top != "" {
		info, err := s.u.tree.Lstat(top)
		if err != nil {
			d.Close()
			return nil, err
		}
		h.owner = info.UID
	}
	return h, nil
}

func (h *heldDir) release() {
	if h != nil && h.users.Add(-1) == 0 {
		h.Close()
	}
}

// newSurvey prepares a comparison with in, whose inventory it reads if that is still to
// be done, on one core while the stat cache is read on the other.
func newSurvey(ctx context.Context, u *Updater, in *installed, full bool) (s *survey, err error) {
	s = &survey{ctx: ctx, u: u, in: in, full: full}
	s.more = sync.NewCond(&s.mu)
	var own error
	var reading sync.WaitGroup
	if in.inventory == nil {
		reading.Go(func() { own = in.readInventory(u.tree) })
	}
	if !full {
		s.cache = openStatCache(u.tree, in.Inventory)
		s.cache.load()
	}
	reading.Wait()
	if own != nil {
		s.close()
		return nil, own
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.rules, err = in.manifest.Rules.Compile(); err != nil {
		return nil, err
	}
	if s.absent, err = absentGlobs(u.settings); err != nil {
		return nil, err
	}
	root, err := u.tree.Lstat("")
	if err != nil {
		return nil, err
	}
	s.owner = root.UID
	s.index()
	for i := range s.workers {
		s.workers[i] = surveyor{s: s, hash: sha256.New()}
	}
	s.total = int64(in.inventory.Len())
	if full {
		s.total = 0
		for _, e := range in.inventory.All() {
			s.total += e.Size
		}
	}
	s.step = s.total/100 + 1
	return s, nil
}

func (s *survey) close() { s.cache.close() }

// index finds the entries right below each directory. Entries of one directory come
// mostly one after the other, so there are few spans.
func (s *survey) index() {
	inv := s.in.inventory
	s.below = make(map[manifest.Path][]span, inv.Len()/8)
	var dir manifest.Path
	from := 0
	for i := range inv.Len() {
		p := inv.PathAt(i)
		if i > 0 && isChild(p, dir) {
			continue
		}
		if i > 0 {
			s.below[dir] = append(s.below[dir], span{from, i})
		}
		dir, from = p.Parent(), i
	}
	if inv.Len() > 0 {
		s.below[dir] = append(s.below[dir], span{from, inv.Len()})
	}
	for _, f := range s.in.Placed {
		if inv.Index(f.Path) >= 0 {
			continue
		}
		n := inv.Len() + len(s.placed)
		s.placed = append(s.placed, *s.in.placedEntry(f.Path))
		dir := f.Path.Parent()
		s.below[dir] = s.insert(s.below[dir], n)
	}
}

func isChild(p, dir manifest.Path) bool {
	rest := string(p)
	if dir != "" {
		if len(p) <= len(dir) || p[len(dir)] != '/' || p[:len(dir)] != dir {
			return false
		}
		rest = string(p[len(dir)+1:])
	}
	return strings.IndexByte(rest, '/') < 0
}

// insert puts entry n into spans at its place by path.
func (s *survey) insert(spans []span, n int) []span {
	var all []span
	for _, sp := range spans {
		for i := sp.from; i < sp.to; i++ {
			all = append(all, span{i, i + 1})
		}
	}
	all = append(all, span{n, n + 1})
	slices.SortFunc(all, func(a, b span) int {
		x, y := s.entry(a.from), s.entry(b.from)
		return strings.Compare(string(x.Path), string(y.Path))
	})
	return all
}

func (s *survey) entry(i int) manifest.Entry {
	if n := s.in.inventory.Len(); i >= n {
		return s.placed[i-n]
	}
	return s.in.inventory.At(i)
}

// find is the number of the entry of p, or -1.
func (s *survey) find(p manifest.Path) int {
	for i := range s.placed {
		if s.placed[i].Path == p {
			return s.in.inventory.Len() + i
		}
	}
	return s.in.inventory.Index(p)
}

// run compares paths and all below them; none: everything.
func (s *survey) run(paths []manifest.Path) error {
	if len(paths) == 0 {
		paths = []manifest.Path{""}
	}
	for _, p := range paths {
		if err := s.start(p); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	for i := range s.workers {
		wg.Go(s.workers[i].work)
	}
	wg.Wait()
	return s.err
}

// start compares p itself and puts what is below on the stack. What stands in the
// way to a p that the release lists is told in place of p.
func (s *survey) start(p manifest.Path) error {
	w := &s.workers[0]
	if p == "" {
		root, err := s.u.tree.OpenDir("")
		if err != nil {
			return err
		}
		h, err := s.hold(root, "")
		if err == nil {
			s.push(errand{dir: h, listed: true})
		}
		return err
	}
	for i := 0; i < len(p); i++ { // the directories above, from the top
		if p[i] != '/' {
			continue
		}
		dir := p[:i]
		info, err := s.u.tree.Lstat(string(dir))
		if err != nil {
			return err
		}
		if info.IsDir() {
			continue
		}
		if n := s.find(dir); n >= 0 && s.find(p) >= 0 {
			return s.look(w, dir, n)
		}
		return fmt.Errorf("%s: %w", p, ErrNoPath)
	}
	return s.look(w, p, s.find(p))
}

// look compares the one path p, which is entry n, or none if n is negative.
func (s *survey) look(w *surveyor, p manifest.Path, n int) error {
	d, err := s.u.tree.OpenDir(string(p.Parent()))
	if err != nil {
		return err
	}
	h, err := s.hold(d, p.Parent())
	if err != nil {
		return err
	}
	defer h.release()
	info, err := d.Lstat(p.Base())
	if err != nil {
		return err
	}
	switch {
	case n < 0 && !info.Exists:
		return fmt.Errorf("%s: %w", p, ErrNoPath)
	case n < 0:
		w.unlisted(h, p.Base(), p)
	case !info.Exists:
		e := s.entry(n)
		w.missing(&e)
	default:
		var lot []toRead
		e := s.entry(n)
		w.compare(h, n, &e, p.Base(), false, &lot)
		w.hand(h, &lot, true)
	}
	return nil
}

func (s *survey) push(e ...errand) {
	s.mu.Lock()
	s.stack = append(s.stack, e...)
	s.pending += len(e)
	s.mu.Unlock()
	if len(e) > 1 {
		s.more.Broadcast()
	} else {
		s.more.Signal()
	}
}

// next is the newest errand; ok is false when all is done, or the run was ended.
func (s *survey) next() (e errand, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.stack) == 0 && s.pending > 0 && s.err == nil {
		s.more.Wait()
	}
	if s.err == nil {
		s.err = cancelled(s.ctx)
	}
	if s.err != nil || len(s.stack) == 0 {
		for _, left := range s.stack {
			left.dir.release()
		}
		s.stack = nil
		s.more.Broadcast()
		return e, false
	}
	e = s.stack[len(s.stack)-1]
	s.stack = s.stack[:len(s.stack)-1]
	return e, true
}

func (s *survey) finished() {
	s.mu.Lock()
	s.pending--
	last := s.pending == 0
	s.mu.Unlock()
	if last {
		s.more.Broadcast()
	}
}

// progress counts n more paths, or bytes where everything is read.
func (s *survey) progress(n int64) {
	done := s.done.Add(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if done-s.told >= s.step {
		s.told = done
		s.u.event(PhaseVerify, "progress", "", min(done, s.total), s.total)
	}
}

// keep writes what was read into the stat cache.
func (s *survey) keep() {
	learnt := map[manifest.Path]known{}
	for i := range s.workers {
		for _, f := range s.workers[i].learnt {
			learnt[f.path] = f.known
		}
	}
	if len(learnt) > 0 {
		writeStatCache(s.u.tree, s.in.inventory, learnt, s.cache, s.in.inventory)
	}
}
