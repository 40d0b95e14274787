package updater

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/conflict"
)

// workspace is the open workspace as it is on the disk: the record, what became of each
// path in it, and the resolutions that this amounts to.
type workspace struct {
	rec      *conflict.Record
	files    []waitingFile // as many as the record has
	resolved map[conflict.ID]*resolution
}

// waitingFile is a path of the workspace.
type waitingFile struct {
	*conflict.File
	sound   bool   // what lies there is what the record says
	marked  []byte // as it was laid out, with markers
	current []byte // what the operator has made of it
	reading conflict.Reading
	fault   string // why what lies there is no resolution
	how     string // how the path is resolved as a whole; "" if it is not
}

// openWorkspace reads the workspace. One whose update is live already, since its run was
// interrupted in its last step, is closed; a run that only looks takes it for closed.
// Errors: [ErrWorkspace] for a record that cannot be believed.
func (u *Updater) openWorkspace(in *record, looking bool) error {
	u.ws = nil
	rec, err := conflict.ReadRecord(u.tree)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWorkspace, err)
	}
	if rec == nil {
		if !looking {
			return conflict.Clear(u.tree)
		}
		return nil
	}
	ws := u.examine(rec)
	if rec.Product != in.Product || rec.From.Manifest != in.Manifest {
		if looking {
			return nil
		}
		for _, r := range ws.resolved {
			if err := u.keepResolution(r); err != nil {
				return err
			}
		}
		return conflict.Close(u.tree)
	}
	u.ws = ws
	return nil
}

// examine looks at what became of each path of the workspace.
func (u *Updater) examine(rec *conflict.Record) *workspace {
	ws := &workspace{rec: rec, files: make([]waitingFile, len(rec.Files)), resolved: map[conflict.ID]*resolution{}}
	if list, err := conflict.New(u.tree); err == nil {
		for _, r := range list {
			ws.resolved[r.ID] = &resolution{Resolution: r}
		}
	}
	for i := range rec.Files {
		f := &ws.files[i]
		f.File = &rec.Files[i]
		f.sound = u.soundSides(f.File)
		if !f.sound {
			continue
		}
		u.examineFile(ws, f)
	}
	return ws
}

// soundSides reports whether the sides in the workspace are those that the record names.
func (u *Updater) soundSides(f *conflict.File) bool {
	for _, side := range []struct {
		name string
		want manifest.Digest
	}{{"base", f.Base}, {"ours", f.Ours}, {"theirs", f.Theirs}} {
		if side.want == (manifest.Digest{}) {
			continue
		}
		data, err := u.tree.ReadState(conflict.Side(f.Path, side.name), maxMerge)
		if err != nil || manifest.DigestOf(data) != side.want {
			return false
		}
	}
	return true
}

func (u *Updater) examineFile(ws *workspace, f *waitingFile) {
	r := func(id conflict.ID, key string) *resolution {
		return &resolution{Resolution: conflict.Resolution{ID: id, Product: ws.rec.Product, Path: f.Path, Format: f.Format, Key: key,
			By: actor(), At: u.opt.Now().UTC().Truncate(time.Second), Why: f.Why}}
	}
	delete(ws.resolved, f.ID)
	for _, s := range f.Spots {
		delete(ws.resolved, s.ID)
	}
	whole := r(f.ID, "")
	whole.Whole = true
	if found := u.findFinal(f, whole); found {
		if f.fault == "" {
			ws.resolved[f.ID] = whole
		}
		return
	}
	if f.Take != conflict.Text {
		whole.Take, f.how = f.Take, string(f.Take)
		ws.resolved[f.ID] = whole
		return
	}
	if len(f.Spots) == 0 {
		return
	}
	var err error
	if f.marked, err = conflict.Marked(u.tree, f.ID, 4*maxMerge); err == nil && manifest.DigestOf(f.marked) != f.Marked {
		err = errors.New("was changed or damaged")
	}
	if err == nil {
		f.current, err = u.readEdited(conflict.Side(f.Path, "merged"), 4*maxMerge)
	}
	if err != nil {
		f.sound, f.fault = false, conflict.Side(f.Path, "merged")+": "+cause(err).Error()
		return
	}
	f.reading = f.Read(f.marked, f.current)
	if f.reading.Outside && !f.reading.Open() {
		whole.Text, f.how = f.current, "edited"
		ws.resolved[f.ID] = whole
		return
	}
	for i, s := range f.reading.Spots {
		if s.Known && !s.Open {
			one := r(f.Spots[i].ID, f.Spots[i].Key)
			one.Text, one.In, one.filled = s.Text, f.ID, f.Spots[i].Replayed
			if f.Spots[i].Why != "" {
				one.Why = f.Spots[i].Why
			}
			ws.resolved[one.ID] = one
		}
	}
}

// findFinal takes PATH.final, in the workspace or beside the live file, as what becomes
// of the path. One that lay beside the live file before the conflict did is left alone.
func (u *Updater) findFinal(f *waitingFile, r *resolution) (found bool) {
	name := conflict.Final(f.Path)
	data, err := u.readEdited(name, maxMerge)
	if errors.Is(err, fs.ErrNotExist) {
		name = string(f.Path) + conflict.FinalSuffix
		data, r.before, err = u.readLive(name)
		if fsys.IsBlocked(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fsys.ErrNotRegular) {
			return false
		}
		if r.digest = manifest.DigestOf(data); err == nil && r.digest == f.Passed {
			return false
		}
		r.final = manifest.Path(name)
	}
	f.how = manifest.Path(name).String()
	if err != nil {
		f.fault = f.how + ": " + cause(err).Error()
		return true
	}
	if line := conflict.AnyMarker(data); line > 0 && f.Kind == conflict.Contents {
		f.fault = fmt.Sprintf("%s: line %d: a conflict marker is left", f.how, line)
	}
	r.Text = data
	return true
}

// readEdited reads a file that an editor may have made anew in the workspace: where the
// state of the updater must not be writable for others, this may be, since nobody else
// gets into the directory that it lies in.
func (u *Updater) readEdited(p string, limit int64) ([]byte, error) {
	info, err := u.tree.Lstat(p)
	if err == nil {
		err = orAbsent(info)
	}
	if err != nil {
		return nil, err
	}
	f, err := u.tree.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err = fsys.FileInfo(f); err != nil {
		return nil, err
	}
	info.Mode &^= 0o022
	if err := u.tree.CheckState(p, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("is larger than %d bytes", limit)
	}
	return data, err
}

// readLive reads a file of at most maxMerge bytes that lies in the installation.
func (u *Updater) readLive(p string) ([]byte, fsys.Info, error) {
	info, err := u.tree.Lstat(p)
	if err != nil || !info.Exists {
		return nil, info, errors.Join(err, orAbsent(info))
	}
	f, err := u.tree.Open(p)
	if err != nil {
		return nil, info, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxMerge+1))
	if err == nil && len(data) > maxMerge {
		err = fmt.Errorf("is larger than %d bytes", maxMerge)
	}
	return data, info, err
}

func orAbsent(info fsys.Info) error {
	if info.Exists {
		return nil
	}
	return fs.ErrNotExist
}

// writeWorkspace lays out every conflict of the plan, those that are resolved too. What
// was decided so far is kept first, each for itself. A path whose three sides are what
// they were stays as the operator has left it. Nothing live is touched.
func (u *Updater) writeWorkspace(p *Plan) error {
	old := u.ws
	if old == nil {
		if err := conflict.Close(u.tree); err != nil {
			return err
		}
		old = &workspace{rec: &conflict.Record{}}
	}
	for _, r := range old.resolved {
		if !r.Fits() {
			continue
		}
		if err := conflict.PutNew(u.tree, &r.Resolution); err != nil {
			return err
		}
	}
	rec := &conflict.Record{Product: p.Product, From: levelOf(p.From), To: levelOf(p.To), By: actor(), Engine: u.opt.Engine,
		Created: u.opt.Now().UTC().Truncate(time.Second),
		Asked:   conflict.Asked{Source: u.opt.Source, Channel: u.opt.Channel, Level: u.opt.Level, HasLevel: u.opt.HasLevel, Prepare: u.opt.Prepare}}
	list := append(slices.Clone(p.Conflicts), p.settled...)
	slices.SortStableFunc(list, func(a, b ConflictOf) int { return strings.Compare(string(a.Path), string(b.Path)) })
	list = slices.CompactFunc(list, func(a, b ConflictOf) bool { return a.Path == b.Path })
	dirs := map[string]bool{}
	for i := range list {
		for d := conflict.Side(list[i].file.Path, ""); d != conflict.Workspace && !dirs[d]; d = path.Dir(d) {
			dirs[d] = true
		}
	}
	for i := range list {
		f, err := u.layFile(old, &list[i], dirs)
		if err != nil {
			return err
		}
		rec.Files = append(rec.Files, f)
	}
	if err := rec.Write(u.tree); err != nil {
		return err
	}
	for i := range old.rec.Files {
		if f := &old.rec.Files[i]; rec.Find(manifest.Path(f.Path)) == nil {
			if err := u.dropFile(f.Path); err != nil {
				return err
			}
		}
	}
	u.ws = u.examine(rec)
	for i := range p.Conflicts {
		c := &p.Conflicts[i]
		for n := range u.ws.files {
			if f := &u.ws.files[n]; f.Path == conflict.Name(c.Path) {
				c.Where, c.Places = u.whereOf(f), nil
				c.Fault = cmp.Or(f.fault, c.Fault)
			}
		}
		for _, w := range u.waiting() {
			if w.Path == c.Path {
				c.Places = append(c.Places, w)
				c.Fault = cmp.Or(c.Fault, w.Fault)
			}
		}
	}
	return nil
}

func levelOf(r Release) conflict.Level {
	return conflict.Level{Level: r.Level, Channel: r.Channel, Version: r.Version, Released: r.Released, Manifest: r.Manifest}
}

// layFile lays out one path. dirs are the directories that the workspace needs, whose
// names no side can have.
func (u *Updater) layFile(old *workspace, c *ConflictOf, dirs map[string]bool) (conflict.File, error) {
	f := c.file
	f.Kind, f.Reason = c.Kind, c.Reason
	f.Marked = manifest.DigestOf(c.marked)
	if len(f.Spots) == 0 {
		f.Marked = manifest.Digest{}
	}
	sides := []struct {
		name string
		has  bool
		data []byte
		at   *manifest.Digest
	}{{"base", c.has[0], c.base, &f.Base}, {"ours", c.has[1], c.ours, &f.Ours}, {"theirs", c.has[2], c.theirs, &f.Theirs}}
	for _, s := range sides {
		if s.has && !dirs[conflict.Side(f.Path, s.name)] {
			*s.at = manifest.DigestOf(s.data)
		}
	}
	merged := c.merged
	for i := range old.files {
		was := &old.files[i]
		if was.Path != f.Path || !was.sound {
			continue
		}
		if was.ID == f.ID && was.Marked == f.Marked && len(was.Spots) == len(f.Spots) {
			f.Take, f.Why, f.Passed = was.Take, was.Why, was.Passed
			for n := range f.Spots {
				f.Spots[n].Why = was.Spots[n].Why
			}
			if len(f.Spots) == 0 || was.reading.Outside || c.Fault != "" || halfDone(&was.reading) {
				f.Base, f.Ours, f.Theirs = was.Base, was.Ours, was.Theirs
				return f, nil
			}
			continue
		}
		if was.reading.Outside || halfDone(&was.reading) {
			if err := u.tree.WriteState(conflict.Side(f.Path, "merged.before"), was.current, 0o600); err != nil {
				return f, err
			}
		}
		if err := u.setAside(f.Path); err != nil {
			return f, err
		}
	}
	if f.ID != idOf(old.rec.Find(c.Path)) {
		if data, _, err := u.readLive(string(f.Path) + conflict.FinalSuffix); err == nil {
			f.Passed = manifest.DigestOf(data)
		}
	}
	if err := u.tree.MkdirAll(conflict.Side(f.Path, ""), 0o700); err != nil {
		return f, err
	}
	for _, s := range sides {
		name := conflict.Side(f.Path, s.name)
		if dirs[name] {
			continue
		}
		if err := u.putSide(name, s.data, *s.at != manifest.Digest{}); err != nil {
			return f, err
		}
	}
	if len(f.Spots) > 0 {
		if err := conflict.PutMarked(u.tree, f.ID, c.marked); err != nil {
			return f, err
		}
	} else {
		merged = nil
	}
	if f.Take == conflict.Text && len(f.Spots) == 0 && c.final != nil {
		if err := u.tree.WriteState(conflict.Final(f.Path), c.final, 0o600); err != nil {
			return f, err
		}
	}
	return f, u.putSide(conflict.Side(f.Path, "merged"), merged, len(f.Spots) > 0)
}

func idOf(f *conflict.File) conflict.ID {
	if f == nil {
		return ""
	}
	return f.ID
}

// halfDone reports whether a place was edited and markers are left in it.
func halfDone(r *conflict.Reading) bool {
	return slices.ContainsFunc(r.Spots, func(s conflict.SpotReading) bool { return s.Touched && s.Open })
}

func (u *Updater) putSide(name string, data []byte, has bool) error {
	if has {
		return u.tree.WriteState(name, data, 0o600)
	}
	if err := u.tree.RemoveState(name); err != nil && !fsys.IsAbsent(err) {
		return err
	}
	return nil
}

// setAside renames a PATH.final that was about other sides than those of today.
func (u *Updater) setAside(p conflict.Name) error {
	final := conflict.Final(p)
	info, err := u.tree.Lstat(final)
	if err != nil || !info.IsFile() {
		return err
	}
	return u.tree.In(final, func(d *fsys.Dir, name string) error { return d.Rename(name, d, name+".before") })
}

// dropFile removes what the workspace has of a path, and the directories that are empty
// then.
func (u *Updater) dropFile(p conflict.Name) error {
	dir := conflict.Side(p, "")
	names, err := u.tree.Names(dir)
	if err != nil && !fsys.IsAbsent(err) {
		return err
	}
	for _, name := range names {
		info, err := u.tree.Lstat(path.Join(dir, name))
		if err == nil && !info.IsDir() {
			err = u.tree.RemoveState(path.Join(dir, name))
		}
		if err != nil {
			return err
		}
	}
	for ; dir != conflict.Workspace && dir != "."; dir = path.Dir(dir) {
		err := u.tree.In(dir, func(d *fsys.Dir, name string) error { return d.Rmdir(name) })
		if err != nil && !fsys.IsAbsent(err) {
			if fsys.IsNotEmpty(err) {
				return nil
			}
			return err
		}
	}
	return nil
}

// keepResolution remembers a resolution that was applied. One that is too large is not.
func (u *Updater) keepResolution(r *resolution) error {
	if r.replayed || !r.Fits() {
		return nil
	}
	return conflict.Put(u.tree, &r.Resolution)
}

// finishWorkspace remembers what the plan that is live now was resolved by, and closes
// the workspace. Where that cannot be written the workspace stays, for the next run to
// remember it from there.
func (u *Updater) finishWorkspace(p *Plan) error {
	var errs []error
	for i := range p.Resolved {
		errs = append(errs, u.keepResolution(p.Resolved[i].kept))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return conflict.Close(u.tree)
}
