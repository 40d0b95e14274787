package updater

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/backup/sealed"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater/settings"
)

// A prepared update is a stage that waits (package backup has its form), and the record of
// what was asked for and planned. The plan itself is not kept: the run that takes the stage
// makes it anew from what is there by then, and stages only what the slots do not hold.
const (
	preparedPath   = backup.StageDir + "/" + backup.PreparedFile
	preparedSchema = "inplace/prepared/1"
)

// preparedRecord is updates/stage/prepared.
type preparedRecord struct {
	Created  time.Time       `json:"created"`
	By       string          `json:"by"`
	Engine   string          `json:"engine"`
	From     backup.Level    `json:"from"`
	To       backup.Level    `json:"to"`
	Asked    request         `json:"asked"`
	Settings manifest.Digest `json:"settings"` // of the file as it was
	Roots    []backup.Root   `json:"roots"`
	Entries  manifest.Digest `json:"entries"`
}

// request is what a run was told of where to go. A run that is told nothing and finds a
// prepared update takes over what that was told.
type request struct {
	Level      *int64 `json:"level,omitempty"`
	Channel    string `json:"channel,omitempty"`
	Source     string `json:"source,omitempty"`
	OnConflict string `json:"on_conflict,omitempty"`
}

func (o *Options) request() request {
	r := request{Channel: o.Channel, Source: o.Source, OnConflict: o.OnConflict}
	if o.HasLevel {
		level := o.Level
		r.Level = &level
	}
	return r
}

func (r request) same(o request) bool {
	if (r.Level == nil) != (o.Level == nil) || r.Level != nil && *r.Level != *o.Level {
		return false
	}
	return r.Channel == o.Channel && r.Source == o.Source && r.OnConflict == o.OnConflict
}

// prepared is a prepared update as it lies on the disk.
type prepared struct {
	preparedRecord
	tree     *fsys.Tree
	entries  []backup.Entry // of paths of the product that have a slot
	byPath   map[manifest.Path]*backup.Entry
	byDigest map[manifest.Digest]*backup.Entry
}

// readPrepared reads what waits; nil if nothing does, or nothing that can be believed.
func readPrepared(tree *fsys.Tree) (*prepared, error) {
	data, err := tree.ReadState(preparedPath, sealed.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	p := &prepared{tree: tree, byPath: map[manifest.Path]*backup.Entry{}, byDigest: map[manifest.Digest]*backup.Entry{}}
	if err == nil {
		err = sealed.Unmarshal(preparedPath, preparedSchema, data, &p.preparedRecord)
	}
	if err == nil {
		p.entries, err = backup.LoadStaged(tree, p.Entries)
	}
	if err != nil {
		return nil, err
	}
	for i := range p.entries {
		e := &p.entries[i]
		p.byPath[e.Path] = e
		if e.New.Kind == backup.File {
			p.byDigest[e.New.Digest] = e
		}
	}
	return p, nil
}

// keepPrepared reports whether the stage waits prepared, and clears up beside it. What
// cannot be read is no prepared update: it is told, and goes as litter does.
func (u *Updater) keepPrepared() (bool, error) {
	p, err := readPrepared(u.tree)
	if err != nil {
		u.event(PhaseRecover, "note", "a prepared update cannot be used and is dropped: "+err.Error(), 0, 0)
	}
	if p == nil {
		return false, nil
	}
	return true, backup.DropGone(u.tree)
}

// entry is the slot that already holds what s leads to; nil if there is none.
func (p *prepared) entry(s *Step) *backup.Entry {
	if p == nil || !s.Action.Changes() {
		return nil
	}
	e := p.byPath[s.Path]
	if e == nil || e.New.Mode != s.Result.Mode || e.New.Digest != s.Result.Digest || e.New.Target != s.Result.Target || e.New.Kind != stateOf(s.Result, fsys.Info{}).Kind {
		return nil
	}
	return e
}

// content is staged content with digest d, compared with it; nil if there is none.
func (p *prepared) content(d manifest.Digest) []byte {
	if p == nil || p.byDigest[d] == nil {
		return nil
	}
	var b bytes.Buffer
	if backup.StagedContent(p.tree, p.Roots, *p.byDigest[d], &b) != nil {
		return nil
	}
	return b.Bytes()
}

// takes reports whether a run of plan can take over the slots of p. Where directories are
// followed elsewhere by now, nothing can.
func (u *Updater) takes(plan *Plan) bool {
	return u.prep != nil && slices.Equal(u.prep.Roots, u.rootsOf(plan)) && plan.Action != ActionFix
}

// fromPrepared looks for what was prepared, before a plan is made, and takes over what was
// asked for then, unless this run is told something itself.
func (u *Updater) fromPrepared() {
	u.prep, _ = readPrepared(u.tree) // what cannot be read is told where it is dropped
	if u.prep == nil || u.opt.Prepare || u.opt.Plan != nil || !u.opt.request().same(request{}) {
		return
	}
	asked := u.prep.Asked
	u.opt.Channel, u.opt.Source, u.opt.OnConflict = asked.Channel, asked.Source, asked.OnConflict
	if asked.Level != nil {
		u.opt.Level, u.opt.HasLevel = *asked.Level, true
	}
}

// offline stands in for a source that cannot be asked: what was kept when the update was
// prepared, and the metadata that this installation has seen. These must not be past their
// date, as anywhere.
func (u *Updater) offline(ctx context.Context, trust *repository.TrustState, cause error) (*repository.Client, error) {
	read := func(name string) ([]byte, bool) {
		data, err := u.tree.ReadState(sourceFile(name), manifest.MaxInventoryBytes)
		return data, err == nil
	}
	c, err := repository.Open(u.source(), repository.ClientOptions{
		AllowStale: u.opt.AllowStale != "", Engine: u.opt.Engine, Transport: repository.Offline(trust, read, cause)})
	if err == nil {
		err = c.Refresh(ctx, trust, u.opt.Now())
	}
	if err != nil {
		return nil, err
	}
	if !u.opt.HasLevel { // what else the metadata know of is not here
		u.opt.Level, u.opt.HasLevel, u.opt.Channel = u.prep.To.Level, true, u.prep.To.Channel
	}
	u.unasked = cause
	return c, nil
}

// unreachable reports whether err says that a source could not be asked, and not that
// what it says is wrong.
func unreachable(ctx context.Context, err error) bool {
	var untrusted *repository.UntrustedError
	var expired *repository.ExpiredError
	return err != nil && ctx.Err() == nil && !errors.As(err, &untrusted) && !errors.As(err, &expired)
}

// sourceFile is where a file of the repository is kept for [Updater.offline].
func sourceFile(name string) string {
	return path.Join(backup.SourceDir, strings.ReplaceAll(name, "/", "_"))
}

// PreparedInfo is what is told of a prepared update.
type PreparedInfo struct {
	Release
	Created    time.Time `json:"created"`
	By         string    `json:"by"`
	Paths      int       `json:"paths"`                // staged
	Bytes      int64     `json:"bytes"`                // of these
	ValidUntil time.Time `json:"valid_until,omitzero"` // after that its run needs the source, or --allow-stale
	Drift      []string  `json:"drift"`                // what has changed since; empty: it can be taken as it is
}

// info tells of p, with what has changed since as far as a look tells.
func (u *Updater) info(p *prepared, in *record) (*PreparedInfo, error) {
	out := &PreparedInfo{Release: releaseOf(p.To), Created: p.Created, By: p.By, Drift: []string{}}
	if trust, err := readTrust(u.tree); err == nil {
		out.ValidUntil = trust.Expires(p.To.Channel)
	}
	for i := range p.entries {
		e := &p.entries[i]
		out.Paths++
		out.Bytes += e.New.Size
		info, err := u.tree.Lstat(string(e.Path))
		if err != nil && !fsys.IsBlocked(err) {
			return nil, err
		}
		now := backup.StateOf(info)
		if now.Kind != e.Old.Kind || now.Kind == backup.File && (now.Size != e.Old.Size || now.MTime != e.Old.MTime || now.Mode != e.Old.Mode) {
			out.Drift = append(out.Drift, e.Path.String()+": was changed since")
		}
	}
	if d, err := u.settingsDigest(); err != nil || d != p.Settings {
		out.Drift = append(out.Drift, settingsPath+": was changed since")
	}
	if in.Manifest != p.From.Manifest {
		out.Drift = append(out.Drift, "it was prepared on "+releaseOf(p.From).Name()+", installed is "+in.release().Name())
	}
	return out, nil
}

// settingsDigest is the digest of the settings' file; the zero one if there is none.
func (u *Updater) settingsDigest() (manifest.Digest, error) {
	data, err := u.tree.ReadState(settingsPath, settings.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest.Digest{}, nil
	}
	return manifest.DigestOf(data), err
}

// abortPrepared drops the prepared update and returns what it was; nil if there is none.
func (u *Updater) abortPrepared() (*PreparedInfo, error) {
	p, err := readPrepared(u.tree)
	if p == nil {
		return nil, err
	}
	in, err := readRecord(u.tree)
	if err != nil {
		return nil, err
	}
	out, err := u.info(p, in)
	if err != nil {
		return nil, err
	}
	return out, backup.DropStage(u.tree, u.allRoots()...)
}

// Reuse says what of a plan waits prepared.
type Reuse struct {
	Level   int64           `json:"level"` // that was prepared
	Created time.Time       `json:"created"`
	Kept    int             `json:"kept"` // contents that are staged already
	Anew    []manifest.Path `json:"anew"` // paths that have to be staged, since something has changed
}

// prepareFor fills in what a plan says beyond its steps: dates, window, and what of it waits
// prepared.
func (u *Updater) prepareFor(p *Plan) {
	changes := 0
	for i := range p.Steps {
		if p.Steps[i].Action.Changes() {
			changes++
		}
	}
	if history, err := u.newest(); err == nil {
		p.Window = forecast(history, changes)
	}
	if u.unasked != nil {
		p.Warnings = append(p.Warnings, "the source cannot be asked, and the plan goes by what was prepared and seen before: "+u.unasked.Error())
	}
	if !u.takes(p) {
		return
	}
	p.Prepared = &Reuse{Level: u.prep.To.Level, Created: u.prep.Created, Anew: []manifest.Path{}}
	for i := range p.Steps {
		s := &p.Steps[i]
		kind := s.Result.Kind
		switch {
		case u.prep.entry(s) != nil:
			p.Prepared.Kept++
		case s.Action.Changes() && (s.Action != Mode || s.copied) && (kind == manifest.File || kind == manifest.Link):
			p.Prepared.Anew = append(p.Prepared.Anew, s.Path)
		}
	}
}

// staleUsed reports whether this run goes by something that is past its date, which it was
// allowed with a reason.
func (u *Updater) staleUsed() bool {
	return u.client != nil && len(u.client.Expired()) > 0 || u.opt.Plan != nil && u.opt.Plan.expired(u.opt.Now())
}
