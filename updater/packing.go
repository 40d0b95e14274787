package updater

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/manifest/repository/web"
	"inplace/updater/archive"
	"inplace/updater/credentials"
)

// PackOptions say what to pack from a repository alone.
type PackOptions struct {
	Source  string
	Channel string // "": full
	Root    string // a file with the trusted root, or sha256:FINGERPRINT; "": the one that the repository shows

	Level    int64 // pack this level; only if HasLevel, else the newest of the channel
	HasLevel bool

	AllowStale string // the reason to accept expired metadata; "": do not
	To         string // the file or directory to make; the form follows from its name

	Access Access   // how a source over the network is reached
	Renew  Renewing // how this program is renewed
	Engine string   // its version

	Now    func() time.Time // nil: time.Now
	Report Reporter
}

// Packed is what a pack holds.
type Packed struct {
	Product  string          `json:"product"`
	Release  Release         `json:"release"`
	Form     archive.Form    `json:"form"` // tar.zst, zip, directory
	Output   string          `json:"output"`
	Paths    int             `json:"paths"`
	Files    int             `json:"files"`
	Contents int64           `json:"contents"`        // bytes of all files together
	Bytes    int64           `json:"bytes,omitempty"` // length of the file written
	Digest   manifest.Digest `json:"digest,omitzero"` // of the file written
	Home     string          `json:"home,omitempty"`  // the installation whose edits went in
	From     *Release        `json:"from,omitempty"`  // what is installed there
	Edits    []Edit          `json:"edits"`           // how the pack differs from the release
	LeftOut  []manifest.Path `json:"left_out"`        // what is only the operator's and no configuration
	Warnings []string        `json:"warnings"`

	RootDigest string `json:"root_fingerprint,omitempty"`
	FirstUse   bool   `json:"first_use,omitempty"`   // the root was trusted because it came first
	Stale      string `json:"allow_stale,omitempty"` // the reason given for taking expired metadata

	Plan *Plan `json:"-"` // with an installation's edits
}

// Pack writes a release from a repository alone into a new file or directory: the tree
// exactly as the vendor ships it. Trust begins with Root, or, from a directory only, with
// the root found there. Errors: those of trust and metadata, ErrUnknownLevel,
// ErrWithdrawn, [archive.ErrExists], those of the file system.
func Pack(ctx context.Context, opt PackOptions) (*Packed, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Channel == "" {
		opt.Channel = "full"
	}
	p, err := newPacking(opt.To, opt.Now, opt.Report)
	if err != nil {
		return nil, err
	}
	root, err := namedRoot(opt.Root)
	if err != nil {
		return nil, err
	}
	var f *first
	err = p.during(PhaseMetadata, func() (err error) {
		f, err = openFirst(ctx, opening{source: opt.Source, named: opt.Root, root: root, access: opt.Access, engine: opt.Engine, stale: opt.AllowStale != ""}, opt.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.client.Close() }()
	p.client, p.login, p.renewer = f.client, opt.Access.Login, &renewer{Renewing: opt.Renew, client: f.client}
	p.out.RootDigest, p.out.FirstUse, p.out.Stale = f.fingerprint, f.firstUse, opt.AllowStale
	t, err := p.choose(ctx, opt.Channel, opt.Level, opt.HasLevel)
	if err != nil {
		return nil, err
	}
	p.shipped(t)
	return p.write(ctx)
}

// Pack writes a release from the installation's source into the new file or directory
// to, which must not lie in the installation: the tree as the vendor ships it, or, with
// edits, as an update would leave this installation, less what is data or ignored and less
// what the operator added that is no configuration. Nothing in the installation
// is changed, and nothing is written where there are conflicts.
//
// Errors: as of [Pack]; *[ConflictError], with what is returned holding the plan;
// *[PreflightError]; *[fsys.LockedError] and *[OpenError], as of [Updater.DryRun].
func (u *Updater) Pack(ctx context.Context, to string, edits bool) (*Packed, error) {
	p, err := newPacking(to, u.opt.Now, u.opt.Report)
	if err != nil {
		return nil, err
	}
	if err := outside(u.tree, p.out.Output); err != nil {
		return nil, err
	}
	if err := u.lookOnly(); err != nil {
		return nil, err
	}
	in, err := readInstalled(u.tree)
	if err != nil {
		return nil, err
	}
	if err := p.during(PhaseMetadata, func() error { return u.connect(ctx) }); err != nil {
		return nil, err
	}
	p.client, p.login, p.renewer, p.out.Stale = u.client, u.opt.Access.Login, u.renewer(), u.opt.AllowStale
	if !edits {
		t, err := p.choose(ctx, u.channel(), u.opt.Level, u.opt.HasLevel)
		if err != nil {
			return nil, err
		}
		p.shipped(t)
		return p.write(ctx)
	}
	t, err := u.choose(ctx, in)
	if err == nil && t == nil { // already there: the release that is installed
		if t, err = p.choose(ctx, u.channel(), in.Level, true); err == nil {
			err = u.complete(ctx, t, in, nil)
		}
	}
	if err != nil {
		return nil, err
	}
	p.private = true
	err = p.during(PhasePlan, func() error { return u.packEdits(ctx, p, in, t) })
	if err != nil {
		return p.out, err
	}
	return p.write(ctx)
}

// outside refuses a path within the installation, or in a directory of it behind a link.
func outside(tree *fsys.Tree, path string) error {
	for _, dir := range append([]string{""}, tree.Followed()...) {
		if LiesIn(tree.RealPath(dir), filepath.Dir(path)) {
			return fmt.Errorf("%s: lies within the installation", path)
		}
	}
	return nil
}

// packing is one pack on its way.
type packing struct {
	teller
	client  *repository.Client
	renewer *renewer
	login   *credentials.Finder
	out     *Packed
	entries []archive.Entry            // sorted by path
	theirs  map[string]*manifest.Entry // what is fetched for a path
	ahead   *ahead
	private bool // it holds what is the operator's
}

// newPacking checks the place of the pack before anything is fetched.
func newPacking(to string, now func() time.Time, report Reporter) (*packing, error) {
	form, err := archive.FormOf(to)
	if err != nil {
		return nil, err
	}
	if to, err = filepath.Abs(to); err != nil {
		return nil, err
	}
	if err := archive.Vacant(to); err != nil {
		return nil, err
	}
	return &packing{teller: teller{now, report}, out: &Packed{Form: form, Output: to, Edits: []Edit{}, LeftOut: []manifest.Path{}, Warnings: []string{}}}, nil
}

// choose finds the level asked for, or the newest that is not withdrawn.
func (p *packing) choose(ctx context.Context, channel string, level int64, hasLevel bool) (*target, error) {
	list, err := releasesOf(p.client, channel)
	if err != nil {
		return nil, err
	}
	t := &target{}
	if t.Release, err = chooseRelease(list, channel, level, hasLevel); err != nil {
		return nil, err
	}
	if _, err := entitled(ctx, p.client, p.login, channel, "", p.now()); err != nil {
		return nil, err
	}
	if t.manifest, t.raw, err = p.renewer.manifestOf(ctx, t.Release); err != nil {
		return nil, err
	}
	if t.inventory, err = inventoryOf(ctx, p.client, t.manifest, saysWhole(p.client)); err != nil {
		return nil, err
	}
	return t, wholeLevel(p.client, t.Level, t.inventory)
}

// shipped makes the pack the release as the vendor ships it.
func (p *packing) shipped(t *target) {
	p.head(t)
	p.entries = make([]archive.Entry, 0, t.inventory.Len())
	for _, e := range t.inventory.All() {
		p.entries = append(p.entries, p.vendors(&e))
	}
}

func (p *packing) head(t *target) {
	p.out.Product, p.out.Release = t.manifest.Product.Name, t.release()
}

// vendors is an entry of the release as it is shipped.
func (p *packing) vendors(e *manifest.Entry) archive.Entry {
	own := *e
	if web.IsSource(p.client.Source()) {
		if p.theirs == nil {
			p.theirs = map[string]*manifest.Entry{}
		}
		p.theirs[string(e.Path)] = &own
	}
	return archive.Entry{Path: string(e.Path), Kind: e.Kind, Mode: e.Mode, Size: e.Size, Target: e.Target,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			if p.ahead == nil || own.Size > maxPristine {
				return p.client.Blob(ctx, own.Digest, own.Size)
			}
			data, err := p.ahead.get(ctx, p.client, &own)
			return io.NopCloser(bytes.NewReader(data)), err
		}}
}

// write writes the entries.
func (p *packing) write(ctx context.Context) (*Packed, error) {
	slices.SortFunc(p.entries, func(a, b archive.Entry) int { return strings.Compare(a.Path, b.Path) })
	for i := range p.entries {
		if e := &p.entries[i]; e.Kind == manifest.File {
			p.out.Files++
			p.out.Contents += e.Size
		}
	}
	p.out.Paths = len(p.entries)
	p.ahead = readAhead(ctx, p.client, func() (list []*manifest.Entry) {
		for i := range p.entries {
			list = append(list, p.theirs[p.entries[i].Path])
		}
		return list
	})
	defer p.ahead.close()
	err := p.during(PhasePack, func() error {
		var done int64
		p.event(PhasePack, "progress", 0, p.out.Contents)
		res, err := archive.Write(ctx, p.out.Output, p.out.Form, p.entries, archive.Options{
			Time: p.out.Release.Released, Private: p.private,
			Progress: func(n int64) {
				done += n
				p.event(PhasePack, "progress", done, p.out.Contents)
			}})
		p.out.Bytes, p.out.Digest = res.Bytes, res.Digest
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.out, nil
}

// text is the content data.
func text(data []byte) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(data))), nil
	}
}
