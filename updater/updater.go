// Package updater updates an installed product where it stands.
//
// # The life of an update
//
// Everything is a three-way merge of trees: base is the release that is installed, as
// the vendor shipped it (its inventory is kept in the installation); ours is the
// installation as it is, with the operator's edits; theirs is the release to go to.
//
//	lock, recover     one run at a time; an interrupted one is finished or undone first
//	metadata          signed, fresh, never older than what was seen before
//	plan              a pure value: for each path that differs between base and theirs
//	                  what is done to it and why; every merge is made here, in memory
//	conflicts?        the workspace is written, nothing else; the run ends
//	preflight         space, permissions, owners, devices: all findings at once
//	stage             every new byte written aside, checked by digest as it is written
//	stop              the product, if the settings say how and it runs; journal first
//	check             nobody runs the product, nothing changed since the plan
//	commit            journal; then each path exchanged with its staged slot; one sync
//	start, watch      what was stopped; not well in time: stop, undo, start the old level
//	finish            history, stat cache, old snapshots
//
// A run that prepares (prepare.go) ends before the check; a later one plans anew, and takes
// over from the stage what is still right.
//
// Up to the commit an interruption leaves the installation untouched; what lies in
// the stage is thrown away by the next run, unless it waits prepared, and what was stopped is
// started. From there on, the next run of any
// command that may write finishes or undoes what was begun (see recover.go). What was
// live before lies in the snapshot from the very step that replaced it.
//
// The record of what is installed is part of the same exchange, so that it can never
// disagree with the files, and a revert brings it back with them.
//
// # What a run may cost
//
// Reading the two inventories is the only work that grows with the installation;
// everything else grows with the number of paths that differ between them.
package updater

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"sync"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater/conflict"
	"inplace/updater/settings"
)

// The places below the installation that belong to the updater.
const (
	updatesDir   = "updates"
	installedDir = "updates/installed"
	settingsPath = "updates/settings.yaml"
	trustPath    = "updates/trust/state"
	lockPath     = "updates/lock"
)

// Options say which installation, and how this one run differs from its settings.
type Options struct {
	Home    string // the installation directory
	Source  string // instead of the settings' source, for one run
	Channel string // instead of the settings' channel, for one run

	Level    int64 // go to this level and no other; only if HasLevel
	HasLevel bool

	OnConflict   string // stop, ours or theirs; "" is stop
	AllowRunning bool   // go on although the product runs
	FullBackup   string // make a complete copy of the installation there first; must not exist
	NoHealth     bool   // do not watch the product after its start
	OneWay       bool   // pass a door that cannot be passed back: a release that cannot be left again
	AllowStale   string // the reason to accept expired metadata; "": do not

	Prepare bool      // stage all while the product runs, for a later run to take, and end
	Plan    *PlanFile // change exactly what this says, or nothing

	// Of a revert.
	RevertTo    string // go to what the snapshot of that name holds; an unambiguous beginning will do
	KeepEdits   bool   // merge edits made since into what is put back
	Exact       bool   // put the configuration back as well as the snapshot holds it
	WithData    bool   // put the product's data back as well, from the copy in the snapshot
	FromRelease bool   // where kept content is damaged, take the path as the release shipped it

	// Confirm, if set, is asked once before anything is staged, with the very plan
	// that will be applied; false ends the run with [ErrDeclined].
	Confirm func(*Plan) (bool, error)

	Access  Access           // how sources over the network are reached
	Renew   Renewing         // how this program is renewed
	Engine  string           // version of this program, for records and for what it may read
	Command string           // the command line as a shell takes it, for hints; "": the launcher
	Now     func() time.Time // nil: time.Now
	Report  Reporter         // nil: nobody listens

	guard bool                        // for a start script: the product is neither stopped nor started
	fault func(op, path string) error // for tests: see fsys.Tree.Fault
}

// Updater is one installation, opened.
type Updater struct {
	opt      Options
	tree     *fsys.Tree
	settings *settings.Settings
	client   *repository.Client

	lock   *fsys.Lock // held; nil: this run only looks
	mended *Recovery  // by this run

	astray    []*fsys.FollowError // what is named under follow and cannot be followed
	ws        *workspace          // the open one; nil: none
	blindTold bool                // that some processes cannot be seen is said once
	running   *product            // once it is asked for
	rules     *manifest.Matcher   // of the release that was installed when processes were looked for first
	pending   []pendingSummary    // of what this run closed
	reporting sync.Mutex          // files are staged by several goroutines, and Report is called by one at a time

	subscription *Subscribed // that this run goes by; nil: none was needed yet

	prep      *prepared         // the update that waits prepared, once a plan is made; nil: none
	unasked   error             // why the source could not be asked, where the plan was made without it
	fetched   map[string][]byte // manifests and inventories, to be kept with what is prepared
	fetchedMu sync.Mutex
}

// Open opens the installation. Errors: ErrNotAdopted where there is none; the
// settings' faults; *[fsys.UnsafeError] for state that somebody else could have made.
func Open(opt Options) (*Updater, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	tree, err := fsys.Open(opt.Home)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opt.Home, cause(err))
	}
	tree.Fault, tree.Inherit = opt.fault, true
	expectMemory(0, 0) // until more is known
	u := &Updater{opt: opt, tree: tree}
	if err := u.load(); err != nil {
		tree.Close()
		return nil, err
	}
	return u, nil
}

func (u *Updater) load() error {
	for _, dir := range []string{updatesDir, installedDir, "updates/trust", "updates/backups", "updates/stage", conflict.Workspace, conflict.Dir} {
		info, err := u.tree.Lstat(dir)
		if err == nil {
			err = u.tree.CheckState(dir, info)
		}
		if err == nil && info.Exists && !info.IsDir() {
			err = &fsys.UnsafeError{Path: dir, Reason: "want a directory of the updater"}
		}
		if err != nil {
			return err
		}
		if dir == installedDir && !info.Exists {
			return fmt.Errorf("%s: %w", u.tree.Path(), ErrNotAdopted)
		}
	}
	data, err := u.tree.ReadState(settingsPath, settings.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		s := settings.Default()
		u.settings = &s
		return nil
	}
	if err != nil {
		return err
	}
	if u.settings, err = settings.Parse(settingsPath, data); err != nil {
		return err
	}
	if u.opt.Access.Login != nil {
		u.opt.Access.Login.Subscription = u.settings.Subscription
	}
	return u.follow()
}

// Close lets go of the installation.
func (u *Updater) Close() {
	u.running.close()
	if u.client != nil {
		_ = u.client.Close()
	}
	u.tree.Close()
}

// Home is the resolved path of the installation.
func (u *Updater) Home() string { return u.tree.Path() }

// Launcher is the launcher's path in the installation.
func (u *Updater) Launcher() string { return "bin/" + u.settings.Launcher + ".sh" }

func (u *Updater) source() string {
	if u.opt.Source != "" {
		return u.opt.Source
	}
	return u.settings.Source
}

func (u *Updater) channel() string {
	if u.opt.Channel != "" {
		return u.opt.Channel
	}
	return u.settings.Channel
}

func (u *Updater) event(phase Phase, kind, text string, done, total int64) {
	if u.opt.Report != nil {
		u.reporting.Lock()
		defer u.reporting.Unlock()
		u.opt.Report(Event{Time: u.opt.Now(), Phase: phase, Kind: kind, Text: text, Done: done, Total: total})
	}
}

// during reports the begin and the end of a phase around fn.
func (u *Updater) during(phase Phase, fn func() error) error {
	u.event(phase, "begin", "", 0, 0)
	err := fn()
	u.event(phase, "end", "", 0, 0)
	if phase == PhaseStage || phase == PhaseCommit { // others write to trees of their own
		err = u.whereFull(err)
	}
	return err
}

// cancelled is why a run ended before its commit point.
func cancelled(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// cause strips the path that a caller names anyway.
func cause(err error) error {
	var a *fs.PathError
	if errors.As(err, &a) {
		return a.Err
	}
	var b *fsys.PathError
	if errors.As(err, &b) {
		return b.Err
	}
	return err
}

// actor is who runs this, as user@host.
func actor() string {
	name := strconv.Itoa(os.Geteuid())
	u, err := user.LookupId(name)
	if name == "-1" { // Windows has no such numbers
		u, err = user.Current()
	}
	if err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}
