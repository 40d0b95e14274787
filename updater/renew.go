package updater

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
)

// # Renewal
//
// A run that meets a manifest which asks for a newer updater does not read it. It fetches that
// updater, checked by digest as it is written, and hands over to it with the command line as
// it was typed, once. Until then the run has changed nothing but what it mended. The newer one
// begins from the beginning, and takes the lock anew.
//
// Under the lock the binary lies in updates/trust/updater, which each run that may write
// clears first: the newer one does so itself. Who only looks has it in a directory of its own
// in the user's cache, which the newer one removes at its end; what a kill leaves there goes
// with a later renewal.
//
// Where adopt has put this program into bin/ and the release ships none, the run of the newer
// one replaces it in its transaction, so that a revert brings the old one back with the rest.
const updaterDir = "updates/trust/updater"

// TempUpdater starts the names of directories in the cache.
const TempUpdater = "renewed-"

// Renewing says how a run renews its program.
type Renewing struct {
	// Hand runs the newer updater in the place of this one and does not return, where the
	// system can do that; else it returns how that ended, or why it could not be started.
	// nil: nothing is handed over.
	Hand func(*Renewal) error
	Dir  string // the user's cache; "" or not to be written: the system's temporary directory

	// Of a program that was started so:
	By      string    // the version of who has started it; "": it was not
	Program string    // its file
	Mended  *Recovery // what it has mended
}

// Renewal is a newer updater that is ready to be run.
type Renewal struct {
	Program string // its file
	Version string
	Why     *repository.OldUpdaterError
	Temp    bool      // Program lies outside the installation, in a directory of its own
	Mended  *Recovery // by this run, for the newer one to report
	Unlock  func()    // to be called where this process goes on while the newer one works
}

// RenewError says why no newer updater can do what this one cannot. The installation was
// not changed.
type RenewError struct {
	Old *repository.OldUpdaterError
	Msg string
	Err error // nil: Msg says all
}

func (e *RenewError) Error() string {
	text := e.Old.Error()
	if e.Msg != "" {
		text += ": " + e.Msg
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *RenewError) Unwrap() error { return e.Err }

// renewer hands over to a newer updater.
type renewer struct {
	Renewing
	client *repository.Client
	tree   *fsys.Tree // to write the binary below; nil: it is not to be written to
	mended *Recovery
	unlock func()
}

// manifestOf is [repository.Client.Manifest] for a run that renews itself.
func (r *renewer) manifestOf(ctx context.Context, of repository.Release) (*manifest.Manifest, []byte, error) {
	m, raw, err := r.client.Manifest(ctx, of)
	return m, raw, r.renewed(ctx, err)
}

// renewed is err, or how it went to have a newer updater go on, where err asks for one.
func (r *renewer) renewed(ctx context.Context, err error) error {
	var old *repository.OldUpdaterError
	if errors.As(err, &old) {
		return r.renew(ctx, old)
	}
	return err
}

// manifestsOf calls fn with each release of list in its order and its manifest, or why that
// cannot be had. From a server several are fetched at once.
func (r *renewer) manifestsOf(ctx context.Context, list []repository.Release, fn func(repository.Release, *manifest.Manifest, []byte, error) error) error {
	type read struct {
		m   *manifest.Manifest
		raw []byte
		err error
	}
	found := make([]read, len(list))
	err := inParallelBy(ctx, abreast(r.client.Source(), 1), indices(list), func(i int) error {
		f := &found[i]
		f.m, f.raw, f.err = r.client.Manifest(ctx, list[i])
		return cancelled(ctx)
	})
	if err != nil {
		return err
	}
	for i, f := range found {
		if err := fn(list[i], f.m, f.raw, r.renewed(ctx, f.err)); err != nil {
			return err
		}
	}
	return nil
}

func (r *renewer) renew(ctx context.Context, old *repository.OldUpdaterError) error {
	if r.By != "" {
		return &RenewError{Old: old, Msg: "updater " + r.By + " has handed over to it, and a run does that once"}
	}
	if r.Hand == nil {
		return &RenewError{Old: old}
	}
	b, err := r.client.Updater(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return &RenewError{Old: old, Err: err}
	}
	if repository.OlderVersion(b.Version, old.Min) {
		return &RenewError{Old: old, Msg: fmt.Sprintf("published for %s is only %s", b.Platform, b.Version)}
	}
	n := &Renewal{Version: b.Version, Why: old, Mended: r.mended, Unlock: r.unlock, Temp: r.tree == nil}
	clear := func() {}
	if r.tree != nil {
		n.Program, err = writeUpdater(ctx, r.client, b, r.tree)
		clear = func() { _ = r.tree.RemoveAll(updaterDir) }
	} else if n.Program, err = tempUpdater(ctx, r.client, b, r.Dir); err == nil {
		clear = func() { _ = os.RemoveAll(filepath.Dir(n.Program)) }
	}
	if err == nil {
		err = cancelled(ctx)
	}
	if err == nil {
		err = r.Hand(n)
	}
	clear()
	return err
}

// updaterName is the name of the binary.
func updaterName() string {
	if runtime.GOOS == "windows" {
		return "inplace.exe"
	}
	return "inplace"
}

// writeUpdater writes b into the installation, without a trace if it fails.
func writeUpdater(ctx context.Context, c *repository.Client, b repository.Updater, t *fsys.Tree) (string, error) {
	if err := t.RemoveAll(updaterDir); err != nil {
		return "", err
	}
	if err := t.MkdirAll(updaterDir, 0o700); err != nil {
		return "", err
	}
	path := updaterDir + "/" + updaterName()
	d, err := t.OpenDir(updaterDir)
	if err == nil {
		var f *os.File
		if f, err = d.Create(updaterName()); err == nil {
			err = fillUpdater(ctx, c, b, f)
		}
		d.Close()
	}
	if err != nil {
		_ = t.RemoveAll(updaterDir) // the next run repeats what fails here
	}
	return filepath.Join(t.Path(), filepath.FromSlash(path)), err
}

// tempUpdater writes b into a new directory of dir, or of the system's for such, without a
// trace if it fails.
func tempUpdater(ctx context.Context, c *repository.Client, b repository.Updater, dir string) (string, error) {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		dir = os.TempDir()
	}
	at, err := os.MkdirTemp(dir, TempUpdater)
	if err != nil && dir != os.TempDir() {
		at, err = os.MkdirTemp(os.TempDir(), TempUpdater)
	}
	if err != nil {
		return "", err
	}
	path := filepath.Join(at, updaterName())
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = fillUpdater(ctx, c, b, f)
	}
	if err != nil {
		_ = os.RemoveAll(at)
	}
	return path, err
}

// fillUpdater writes b into f, makes it a program, and closes it.
func fillUpdater(ctx context.Context, c *repository.Client, b repository.Updater, f *os.File) error {
	err := c.WriteUpdater(ctx, b, f)
	if err == nil {
		err = f.Chmod(0o700)
	}
	return errors.Join(err, f.Close())
}

// renewer is the one of this run.
func (u *Updater) renewer() *renewer {
	r := &renewer{Renewing: u.opt.Renew, client: u.client, mended: u.mended}
	if u.lock != nil {
		r.tree, r.unlock = u.tree, u.lock.Release
	}
	return r
}

// dropUpdater removes the binary that this run was handed over to, or that an interrupted one
// has left. Where a running program cannot be removed, who started it does that.
func (u *Updater) dropUpdater() error {
	info, err := u.tree.Lstat(updaterDir)
	if err != nil || !info.Exists {
		return err
	}
	if err := u.tree.RemoveAll(updaterDir); err != nil && u.opt.Renew.By == "" {
		return err
	}
	return nil
}

// renewPlaced adds the item that replaces the program in bin/ which this run was handed over
// from: one that adopt has put there, that nobody changed, and that the release does not ship.
func (m *maker) renewPlaced() error {
	renew := m.u.opt.Renew
	path := manifest.Path("bin/" + updaterName())
	base := m.in.placedEntry(path)
	if renew.By == "" || base == nil || m.to.inventory.Find(path) != nil ||
		renew.Program != filepath.Join(m.u.tree.Path(), "bin", updaterName()) {
		return nil
	}
	b, err := m.u.client.Updater(runtime.GOOS, runtime.GOARCH)
	var missing *repository.NotFoundError
	if errors.As(err, &missing) || err == nil && (b.Digest == base.Digest || repository.OlderVersion(b.Version, m.u.opt.Engine)) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := m.u.tree.Open(string(path))
	if err != nil {
		return nil // gone, or something else by now: the operator's
	}
	got, err := backup.DigestFile(f)
	_ = f.Close()
	if err != nil || got != base.Digest {
		return err
	}
	it := &item{path: path, at: path, base: base, class: manifest.Plain, renews: b.Version,
		theirs: &manifest.Entry{Path: path, Kind: manifest.File, Mode: base.Mode, Size: b.Size, Digest: b.Digest}}
	i, _ := slices.BinarySearchFunc(m.items, it, func(a, b *item) int { return strings.Compare(string(a.path), string(b.path)) })
	m.items = slices.Insert(m.items, i, it)
	m.byPath[path] = it
	m.plan.updater = &b
	return nil
}

// placedNext are what stays placed in the installation once plan is done.
func (p *Plan) placedNext(before []placed) (next []placed) {
	for _, f := range before {
		if p.target.inventory.Find(f.Path) != nil {
			continue
		}
		if b := p.updater; b != nil && f.Path == manifest.Path("bin/"+updaterName()) {
			f.Size, f.Digest = b.Size, b.Digest
		}
		next = append(next, f)
	}
	return next
}

// needsRenewal reports whether err says that only a newer updater can do this.
func needsRenewal(err error) bool {
	var e *RenewError
	var handed interface{ HandedOver() }
	return errors.As(err, &e) || errors.As(err, &handed)
}

// keepUpdater has the updater that a run was handed over to kept with what is prepared: the
// later run begins with the old one, and may have no repository.
func (u *Updater) keepUpdater(ctx context.Context) error {
	if u.opt.Renew.By == "" || u.unasked != nil {
		return nil
	}
	b, err := u.client.Updater(runtime.GOOS, runtime.GOARCH)
	if err == nil && u.fetched[b.Path()] == nil {
		err = u.client.WriteUpdater(ctx, b, io.Discard)
	}
	return err
}
