package updater

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"inplace/backup"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater/archive"
)

// FetchOptions say what to put into a bundle.
type FetchOptions struct {
	To string // the file to make

	From    int64 // the oldest level that an update from the bundle may come from; only if HasFrom
	HasFrom bool
	Whole   bool // everything of every level, for whatever may be asked of a repository

	Level    int64 // the level to go to; only if HasLevel, else the newest of the channel
	HasLevel bool

	// Without an installation.
	Source     string
	Channel    string // "": full
	Root       string // a file with the trusted root, or sha256:FINGERPRINT
	AllowStale string
	Access     Access
	Renew      Renewing         // how this program is renewed
	Engine     string           // its version
	Now        func() time.Time // nil: time.Now
	Report     Reporter
}

// Fetched is what a bundle holds.
type Fetched struct {
	Product  string          `json:"product"`
	Channel  string          `json:"channel"`
	Output   string          `json:"output"`
	Levels   []int64         `json:"levels"` // that an update may come from
	To       Release         `json:"to"`
	Newest   int64           `json:"newest"`        // of the channel
	Whole    bool            `json:"whole"`         // every level is there in full
	LeftOut  []string        `json:"left_out"`      // other channels of the repository
	Files    int             `json:"files"`         // in the bundle
	Contents int             `json:"contents"`      // of these, contents of the product's files
	Bytes    int64           `json:"bytes"`         // length of the bundle
	Digest   manifest.Digest `json:"digest"`        // of the bundle
	Same     bool            `json:"already_there"` // it was there, byte for byte
	Expires  time.Time       `json:"expires"`       // until when it is taken, as the vendor has signed it

	RootDigest string `json:"root_fingerprint"`
	FirstUse   bool   `json:"first_use,omitempty"`   // the root was trusted because it came first
	Stale      string `json:"allow_stale,omitempty"` // the reason given for taking expired metadata
}

// Fetch writes a bundle from a repository alone; without From, of everything. Trust begins
// as in [Pack]. Errors: those of trust and metadata, [ErrUnknownLevel], [ErrWithdrawn],
// [archive.ErrExists], those of the file system.
func Fetch(ctx context.Context, opt FetchOptions) (*Fetched, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Channel == "" {
		opt.Channel = "full"
	}
	f, err := newFetching(opt)
	if err != nil {
		return nil, err
	}
	root, err := namedRoot(opt.Root)
	if err != nil {
		return nil, err
	}
	var first *first
	err = f.during(PhaseMetadata, func() (err error) {
		first, err = openFirst(ctx, opening{source: opt.Source, named: opt.Root, root: root, access: opt.Access, engine: opt.Engine, stale: opt.AllowStale != ""}, opt.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = first.client.Close() }()
	f.client, f.renewer, f.out.FirstUse = first.client, &renewer{Renewing: opt.Renew, client: first.client}, first.firstUse
	if !opt.HasFrom {
		f.opt.Whole = true
	}
	return f.run(ctx)
}

// Fetch writes a bundle from the installation's source; without From, of what an update
// needs that comes from the installed level or a newer one. Nothing in the installation is
// changed. Errors as of [Fetch].
func (u *Updater) Fetch(ctx context.Context, opt FetchOptions) (*Fetched, error) {
	opt.Channel, opt.AllowStale, opt.Now, opt.Report, opt.Access = u.channel(), u.opt.AllowStale, u.opt.Now, u.opt.Report, u.opt.Access
	f, err := newFetching(opt)
	if err != nil {
		return nil, err
	}
	if err := outside(u.tree, f.out.Output); err != nil {
		return nil, err
	}
	in, err := readRecord(u.tree)
	if err != nil {
		return nil, err
	}
	if !opt.HasFrom && !opt.Whole {
		f.opt.From, f.opt.HasFrom = in.Level, true
	}
	if err := f.during(PhaseMetadata, func() error { return u.connect(ctx) }); err != nil {
		return nil, err
	}
	f.client, f.renewer = u.client, u.renewer()
	return f.run(ctx)
}

// fetching is one bundle on its way.
type fetching struct {
	teller
	opt     FetchOptions
	client  *repository.Client
	renewer *renewer
	out     *Fetched

	manifests   []repository.Piece
	inventories map[manifest.Digest]*manifest.Inventory
	pieces      []repository.Piece // contents, in the order in which they are read
	total       int64              // plain bytes of inventories and contents
}

// newFetching checks the place of the bundle before anything is fetched.
func newFetching(opt FetchOptions) (*fetching, error) {
	to, err := filepath.Abs(opt.To)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(to)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", to, archive.ErrExists)
	case errors.Is(err, fs.ErrNotExist):
		err = archive.Vacant(to)
	}
	if err != nil {
		return nil, err
	}
	return &fetching{teller: teller{opt.Now, opt.Report}, opt: opt, inventories: map[manifest.Digest]*manifest.Inventory{},
		out: &Fetched{Output: to, Channel: opt.Channel, Whole: opt.Whole, Stale: opt.AllowStale, Levels: []int64{}, LeftOut: []string{}}}, nil
}

// run chooses what goes in, and writes it.
func (f *fetching) run(ctx context.Context) (*Fetched, error) {
	f.out.Whole = f.opt.Whole
	state := f.client.State()
	f.out.RootDigest = state.Fingerprint()
	for channel := range state.Roles { // a client wants all of them to be fresh
		if at := state.Expires(channel); f.out.Expires.IsZero() || at.Before(f.out.Expires) {
			f.out.Expires = at
		}
	}
	if _, err := entitled(ctx, f.client, f.opt.Access.Login, f.opt.Channel, "", f.now()); err != nil {
		return nil, err
	}
	err := f.during(PhasePlan, func() error { return f.choose(ctx) })
	if err != nil {
		return nil, err
	}
	err = f.during(PhaseFetch, func() error { return f.write(ctx) })
	if errors.Is(err, archive.ErrExists) {
		err = f.compare(err)
	}
	if err != nil {
		return nil, err
	}
	return f.out, nil
}

// compare takes what has the name already, if it is the same.
func (f *fetching) compare(exists error) error {
	there, err := os.Open(f.out.Output)
	if err != nil {
		return err
	}
	defer func() { _ = there.Close() }()
	d, err := backup.DigestFile(there)
	if err != nil {
		return err
	}
	if d != f.out.Digest {
		return exists
	}
	f.out.Same = true
	return nil
}
