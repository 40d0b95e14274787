package updater

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// stager writes everything that a plan will make live into the stage.
type stager struct {
	u       *Updater
	plan    *Plan
	in      *installed
	stage   *backup.Stage
	entries []backup.Entry
	hasData bool // the snapshot has a copy of the data
	pack    *packWriter
	packMu  sync.Mutex
	base    pristine
	bytes   int64 // that the slots will hold once the change is live
	total   int64
	done    atomic.Int64
	warn    []string
	warnMu  sync.Mutex
	prep    *prepared // whose slots are taken over; nil: none
	next    int       // the next slot that is free
	anew    int       // contents that were staged by this run
}

// job is one file to stage.
type job struct {
	step  *Step
	entry *backup.Entry
}

// stagePlan stages plan for the snapshot id and returns its entries. Interrupted, it
// leaves a stage without a journal, which the next run throws away, or goes on keeping
// where it waits prepared.
func (u *Updater) stagePlan(ctx context.Context, in *installed, plan *Plan, id string) (s *stager, err error) {
	return u.stageWith(ctx, in, plan, func(s *stager) error {
		if err := s.record(id); err != nil {
			return err
		}
		if err := s.touched(); err != nil {
			return err
		}
		if err := s.config(ctx); err != nil {
			return err
		}
		if u.stops() { // once it stands still
			return nil
		}
		return s.data()
	})
}

// stageWith stages the contents of plan, and what rest adds.
func (u *Updater) stageWith(ctx context.Context, in *installed, plan *Plan, rest func(*stager) error) (s *stager, err error) {
	s = &stager{u: u, plan: plan, in: in}
	s.base.tree = u.tree
	if s.stage, err = s.open(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			if s.pack != nil {
				s.pack.abandon()
			}
			err = errors.Join(err, s.stage.Discard())
		}
	}()
	if s.pack, err = newPack(u.tree, plan.To.Level, plan.To.Manifest); err != nil {
		return s, err
	}
	jobs, err := s.list()
	if err != nil {
		return s, err
	}
	if jobs, err = s.takeOver(ctx, jobs); err != nil {
		return s, err
	}
	if err := inParallelBy(ctx, abreast(u.source(), workers), jobs, func(j job) error { return s.put(ctx, j) }); err != nil {
		return s, err
	}
	if err := s.keepShipped(ctx); err != nil {
		return s, err
	}
	if err := rest(s); err != nil {
		return s, err
	}
	pack := s.pack
	s.pack = nil
	return s, pack.close(!fsys.SyncsWhole)
}

// list makes an entry for each path that changes, and a job for each that needs
// bytes in its slot.
func (s *stager) list() ([]job, error) {
	owners := newDirs(s.u.tree, s.in.inventory)
	s.entries = make([]backup.Entry, 0, len(s.plan.Steps)+8)
	var steps []*Step
	for i := range s.plan.Steps {
		step := &s.plan.Steps[i]
		if !step.Action.Changes() {
			continue
		}
		e := backup.Entry{Class: backup.Product, Slot: backup.NoSlot, Path: step.Path, Before: step.before}
		e.Old = stateOf(step.Ours, step.before)
		if step.From != "" || !step.before.Exists {
			e.Old = backup.State{Kind: backup.Absent}
		}
		e.New = stateOf(step.Result, fsys.Info{})
		if step.Action == Clear {
			e.Old = backup.State{Kind: backup.Whole}
		}
		if e.Old.Kind == backup.Absent || step.Action != Mode && e.Old.Kind != e.New.Kind {
			above, err := owners.owner(step.Path.Parent())
			if err != nil {
				return nil, err
			}
			e.New.UID, e.New.GID = above.UID, above.GID
			if euid := os.Geteuid(); euid > 0 && !mine(above.GID) {
				e.New.GID = os.Getegid() // a new file loses nothing by another group
			}
		} else {
			e.New.UID, e.New.GID = step.before.UID, step.before.GID
		}
		inPlace := step.Action == Mode && !step.copied
		if (e.Old.Kind != backup.Dir && e.Old.Kind != backup.Absent || e.New.Kind == backup.File || e.New.Kind == backup.Link) && !inPlace {
			e.Slot = s.next
			s.next++
		}
		if e.Old.Kind == backup.File && e.Slot != backup.NoSlot {
			s.bytes += e.Old.Size
		}
		s.entries = append(s.entries, e)
		steps = append(steps, step)
	}
	var jobs []job
	for i := range s.entries {
		e := &s.entries[i]
		if e.Slot != backup.NoSlot && (e.New.Kind == backup.File || e.New.Kind == backup.Link) {
			jobs = append(jobs, job{steps[i], e})
		}
	}
	return jobs, nil
}

// owner is the nearest directory above that is there.
func (d *dirs) owner(dir manifest.Path) (fsys.Info, error) {
	for {
		at, err := d.at(dir)
		if err != nil || at.state == dirThere {
			return at.info, err
		}
		dir = dir.Parent()
	}
}

func stateOf(s Side, info fsys.Info) backup.State {
	out := backup.State{Mode: s.Mode, UID: s.UID, GID: s.GID, MTime: info.MTime, Size: s.Size, Digest: s.Digest, Target: s.Target}
	switch s.Kind {
	case manifest.File:
		out.Kind = backup.File
	case manifest.Dir:
		out.Kind = backup.Dir
	case manifest.Link:
		out.Kind = backup.Link
	default:
		return backup.State{Kind: backup.Absent}
	}
	return out
}

// put stages the new side of one path, and a copy of the old one where its inode
// cannot become the backup.
func (s *stager) put(ctx context.Context, j job) error {
	e := j.entry
	if e.New.Kind == backup.Link {
		return s.stage.PutLink(*e)
	}
	meta := backup.Meta{Mode: e.New.Mode, UID: e.New.UID, GID: e.New.GID}
	old, attrs, err := s.oldFile(j.step)
	if err != nil {
		return err
	}
	if old != nil {
		defer func() { _ = old.Close() }()
	}
	meta.Attrs = attrs
	refused, err := s.stage.Put(*e, meta, func(f *os.File) error {
		switch {
		case j.step.merged:
			if _, err := f.Write(j.step.content); err != nil {
				return err
			}
			return s.stage.PutLeft(e.New.Digest, j.step.content) // the base of a revert that keeps later edits
		case j.step.Action == Mode:
			return fsys.CopyData(f, old)
		}
		return s.fetch(ctx, e.New, f)
	})
	if err != nil {
		return fmt.Errorf("stage %s: %w", e.Path, err)
	}
	for _, name := range refused {
		s.warning(fmt.Sprintf("%s: %s cannot be kept without more rights", e.Path, name))
	}
	if j.step.copied && old != nil {
		if err := s.putOld(j, old, meta.Attrs); err != nil {
			return err
		}
	}
	s.u.event(PhaseStage, "progress", "", s.done.Add(e.New.Size), s.total)
	return nil
}

// putOld stages the copy of the old bytes, which a run that prepares leaves to the later one.
func (s *stager) putOld(j job, old *os.File, attrs []fsys.Xattr) error {
	e := j.entry
	if s.u.opt.Prepare {
		return nil
	}
	if _, err := old.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.stage.PutOld(*e, backup.Meta{Mode: e.Old.Mode, UID: e.Old.UID, GID: e.Old.GID, Attrs: attrs, MTime: e.Old.MTime}, old); err != nil {
		return fmt.Errorf("copy %s: %w", e.Path, err)
	}
	return nil
}

func (s *stager) warning(text string) {
	s.warnMu.Lock()
	defer s.warnMu.Unlock()
	s.warn = append(s.warn, text)
}

// oldFile tells the attributes of the file that a step replaces, or that it was renamed
// from, and opens it where its bytes are needed.
func (s *stager) oldFile(step *Step) (old *os.File, attrs []fsys.Xattr, err error) {
	p := step.Path
	if step.From != "" {
		p = step.From
	}
	if step.Ours.Kind != manifest.File {
		return nil, nil, nil
	}
	err = s.u.tree.In(string(p), func(d *fsys.Dir, name string) error {
		if step.Action != Mode && !step.copied {
			attrs, err = d.Xattrs(name)
			return err
		}
		if old, err = d.Open(name); err != nil {
			return err
		}
		attrs, err = fsys.Xattrs(old)
		return err
	})
	if err != nil && old != nil {
		_ = old.Close()
		old = nil
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fsys.ErrNotRegular) {
		err = &backup.DriftError{Path: p}
	}
	return old, attrs, err
}

// fetch writes the vendor's content into f, checked by digest as it is written, and
// keeps a text of it for later merges.
func (s *stager) fetch(ctx context.Context, want backup.State, f *os.File) error {
	if s.plan.Action == ActionFix {
		return s.fetchKept(ctx, want, f)
	}
	if ok, err := s.fetchStaged(want, f); ok || err != nil {
		return err
	}
	if b := s.plan.updater; b != nil && b.Digest == want.Digest {
		return s.u.client.WriteUpdater(ctx, *b, f)
	}
	if want.Size > maxPristine {
		r, err := s.u.client.Blob(ctx, want.Digest, want.Size)
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }()
		if err := fsys.Reserve(f, want.Size); err != nil {
			return err
		}
		_, err = io.Copy(fsys.Flowing(f), r)
		return err
	}
	buf := contents.Get().(*[]byte)
	defer contents.Put(buf)
	if int64(cap(*buf)) < want.Size { // twice what is needed, or each larger file would need another
		*buf = make([]byte, 0, min(2*want.Size, maxPristine))
	}
	data, err := s.u.client.Append(ctx, *buf, want.Digest, want.Size)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return s.keep(want.Digest, data)
}

// fetchKept is fetch for a level that is installed: its texts are kept here.
func (s *stager) fetchKept(ctx context.Context, want backup.State, f *os.File) error {
	data, err := s.kept(want.Digest)
	if err == nil {
		_, err = f.Write(data)
		return err
	}
	if s.u.client == nil {
		return err
	}
	r, err := s.u.client.Blob(ctx, want.Digest, want.Size)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	_, err = io.Copy(f, r)
	return err
}

// kept returns shipped contents from the packs.
func (s *stager) kept(d manifest.Digest) ([]byte, error) {
	s.packMu.Lock()
	defer s.packMu.Unlock()
	return s.base.get(d)
}

// contents lends buffers for files of up to maxPristine bytes.
var contents = sync.Pool{New: func() any { return new([]byte) }}

func (s *stager) keep(d manifest.Digest, data []byte) error {
	if !manifest.IsText(data) {
		return nil
	}
	s.packMu.Lock()
	defer s.packMu.Unlock()
	if s.base.has(d) {
		return nil
	}
	return s.pack.add(d, data)
}

// keepShipped keeps what the vendor ships for paths whose new content is not the
// vendor's: merged ones, and those where yours stays.
func (s *stager) keepShipped(ctx context.Context) error {
	if s.prep != nil && s.prep.To.Manifest == s.plan.To.Manifest {
		return nil // done when it was prepared
	}
	var list []*Step
	seen := map[manifest.Digest]bool{}
	for i := range s.plan.Steps {
		step := &s.plan.Steps[i]
		t := step.Theirs
		if seen[t.Digest] || t.Kind != manifest.File || t.Size > maxPristine || (step.Result.Digest == t.Digest && step.Action.Changes()) ||
			step.Action == Deleted || s.base.has(t.Digest) {
			continue
		}
		seen[t.Digest] = true
		list = append(list, step)
	}
	return inParallelBy(ctx, abreast(s.u.source(), 1), list, func(step *Step) error {
		data, err := s.u.client.Append(ctx, nil, step.Theirs.Digest, step.Theirs.Size)
		if err == nil {
			err = s.keep(step.Theirs.Digest, data)
		}
		if err != nil {
			return fmt.Errorf("keep %s as shipped: %w", step.Path, err)
		}
		return nil
	})
}

// record stages what is installed, as it will be, beside the product's paths.
func (s *stager) record(id string) error {
	t := s.plan.target
	next := record{
		Product: s.in.Product, Version: t.manifest.Product.Version, Level: t.Level, Channel: t.Channel,
		Released: t.manifest.Released, Snapshot: id, Engine: s.u.opt.Engine,
	}
	next.Placed = s.plan.placedNext(s.in.Placed)
	files := recordFiles(&next, t.raw, t.inventory)
	for _, path := range []manifest.Path{recordPath, inventoryPath, manifestPath} {
		e, err := s.recordEntry(path, files[path], s.next)
		if err != nil {
			return err
		}
		s.entries = append(s.entries, e)
		s.next++
	}
	return nil
}

func (s *stager) recordEntry(path manifest.Path, data []byte, slot int) (backup.Entry, error) {
	info, err := s.u.tree.Lstat(string(path))
	if err != nil {
		return backup.Entry{}, err
	}
	f, err := s.u.tree.OpenState(string(path))
	if err != nil {
		return backup.Entry{}, err
	}
	defer func() { _ = f.Close() }()
	e := backup.Entry{Class: backup.Record, Slot: slot, Path: path, Old: backup.StateOf(info), Before: info}
	e.New = backup.State{Kind: backup.File, Mode: 0o600, UID: info.UID, GID: info.GID, Size: int64(len(data))}
	var now manifest.Digest
	digest := beside(func() error { now = manifest.DigestOf(data); return nil }) // of an inventory, which may be long
	s.bytes += e.Old.Size
	e.Old.Digest, err = backup.DigestFile(f)
	if err == nil {
		_, err = s.stage.Put(e, backup.Meta{Mode: 0o600, UID: info.UID, GID: info.GID}, func(f *os.File) error {
			_, err := f.Write(data)
			return err
		})
	}
	_ = digest() // it cannot fail
	e.New.Digest = now
	return e, err
}

// touched records the times of the directories whose names change, for the way back.
func (s *stager) touched() error {
	more, err := touchedDirs(s.u.tree, s.entries)
	s.entries = append(s.entries, more...)
	return err
}

func touchedDirs(t *fsys.Tree, entries []backup.Entry) ([]backup.Entry, error) {
	seen := map[manifest.Path]bool{}
	var out []backup.Entry
	for _, e := range entries {
		dir := e.Path.Parent()
		if e.Class != backup.Product || seen[dir] || e.ModeOnly() {
			continue
		}
		seen[dir] = true
		info, err := t.Lstat(string(dir))
		if fsys.IsBlocked(err) || err == nil && !info.IsDir() {
			continue // made by this change
		}
		if err != nil {
			return nil, err
		}
		m := backup.Entry{Class: backup.Touched, Slot: backup.NoSlot, Path: dir, Old: backup.StateOf(info), New: backup.StateOf(info)}
		m.New.MTime = 0
		if dir == "" {
			m.Path = backup.RootPath
		}
		out = append(out, m)
	}
	return out, nil
}
