package updater

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/manifest/repository/bundle"
	"inplace/manifest/repository/web"
	"inplace/updater/journal"
	"inplace/updater/settings"
)

// AdoptOptions say which directory to adopt, and from where.
type AdoptOptions struct {
	Home     string
	Source   string // where updates come from; remembered in the settings
	Channel  string // remembered in the settings; "": full
	Base     int64  // the installed level, if it cannot be told; only if HasBase
	HasBase  bool
	Launcher string          // name of the launchers in bin/, without suffix; "": update
	Follow   []manifest.Path // directories moved behind links; remembered in the settings
	Root     string          // a file with the trusted root, or sha256:FINGERPRINT; "": see Adopt

	Executable string            // this program, copied to bin/inplace
	Scripts    map[string][]byte // launcher texts by suffix: "sh", "cmd"
	Access     Access            // how a source over the network is reached
	Renew      Renewing          // how it is renewed
	Engine     string
	Now        func() time.Time
	Report     Reporter

	fault func(op, path string) error // for tests: see fsys.Tree.Fault
}

// Adopt makes an installation known: it finds the level that is installed, lists what
// the operator has edited, and lays down bin/inplace, the launchers and updates/.
//
// The level is L if no file that is there outside configuration differs from L, and
// for every other level at least one does; deleted files do not count. Otherwise
// nothing is changed and the error is a *[BaseError] with all candidates. A directory
// that is adopted already is left as it is (Adopted.Already), also where an earlier
// adopt was interrupted and this one completes it; what it is told otherwise than it is
// comes as an *[AdoptedError].
//
// Trust begins with Root, or with updates/trust/root.json that the vendor's release
// has put into the tree, or, from a directory only, with the root found there.
func Adopt(ctx context.Context, opt AdoptOptions) (*Adopted, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	told := opt
	opt.Channel = cmp.Or(opt.Channel, "full")
	opt.Launcher = cmp.Or(strings.TrimSuffix(opt.Launcher, ".sh"), "update")
	tree, err := fsys.Open(opt.Home)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opt.Home, cause(err))
	}
	defer tree.Close()
	tree.Fault = opt.fault
	a := &adopter{teller: teller{opt.Now, opt.Report}, opt: opt, tree: tree, out: &Adopted{Home: tree.Path(), Candidates: []Candidate{}, Edits: []Edit{}, Placed: []manifest.Path{}, Warnings: []string{}}}
	a.out.Launcher = "bin/" + opt.Launcher + ".sh"
	if r, err := readRecord(tree); err == nil {
		a.out.Already, a.out.Product, a.out.Release = true, r.Product, r.release()
		if s, err := tree.ReadState(settingsPath, settings.MaxBytes); err == nil {
			if s, err := settings.Parse(settingsPath, s); err == nil {
				a.out.Launcher = "bin/" + s.Launcher + ".sh"
				return a.out, a.told(told, s)
			}
		}
		return a.out, nil
	} else if !errors.Is(err, ErrNotAdopted) {
		return nil, err
	}
	if err := a.adopt(ctx); err != nil {
		return a.out, err
	}
	return a.out, nil
}

type adopter struct {
	teller
	opt    AdoptOptions
	tree   *fsys.Tree
	out    *Adopted
	client *repository.Client
	levels []level
	ahead  *ahead // of the contents that are kept
	files  shippedFiles
	named  []manifest.Path     // what is followed, by the settings that are there already
	astray []*fsys.FollowError // what of it cannot be
}

// shippedFiles is what is there of the paths that any level ships: sorted, since a map
// of them would be the largest thing that adopt holds.
type shippedFiles struct {
	paths []manifest.Path
	found []live
}

// at is what is there at p, nothing if no level ships p.
func (f *shippedFiles) at(p manifest.Path) live {
	if i, ok := slices.BinarySearch(f.paths, p); ok {
		return f.found[i]
	}
	return live{}
}

// level is a candidate with everything known of it.
type level struct {
	repository.Release
	manifest  *manifest.Manifest
	raw       []byte
	inventory *manifest.Inventory
	rules     *manifest.Matcher
	candidate Candidate
}

func (a *adopter) adopt(ctx context.Context) error {
	if err := a.follow(); err != nil {
		return err
	}
	if err := a.findings(); err != nil {
		return err
	}
	if err := a.connect(ctx); err != nil {
		return err
	}
	defer func() { _ = a.client.Close() }()
	if err := a.read(ctx); err != nil {
		return err
	}
	base, err := a.choose()
	if err != nil {
		return err
	}
	a.out.Product, a.out.Release = base.manifest.Product.Name, base.candidate.Release
	a.edits(base)
	if err := wholeLevel(a.client, base.Level, base.inventory); err != nil {
		return err
	}
	absent, err := a.absent()
	if err != nil {
		return err
	}
	if err := a.write(ctx, base); err != nil {
		a.clearUp(absent)
		return err
	}
	return nil
}

// findings are what keeps this directory from being adopted, before anything is read.
func (a *adopter) findings() error {
	var list []Finding
	root, err := a.tree.Lstat("")
	if err != nil {
		return err
	}
	if euid := os.Geteuid(); euid >= 0 && root.UID != euid {
		list = append(list, Finding{Path: ".", Reason: fmt.Sprintf("the installation belongs to user %d, this is user %d", root.UID, euid),
			Hint: fmt.Sprintf("run it as that user: sudo -u '#%d' ...", root.UID)})
	}
	for _, dir := range []string{updatesDir, "bin"} {
		info, err := a.tree.Lstat(dir)
		if err != nil {
			return err
		}
		if info.Exists && !info.IsDir() {
			list = append(list, Finding{Path: dir, Reason: "is in the way: a directory of this name is needed", Hint: "move it away, or adopt the directory above it"})
		}
	}
	for _, suffix := range []string{"sh", "cmd"} {
		f := a.blockedLauncher("bin/"+a.opt.Launcher+"."+suffix, a.opt.Scripts[suffix])
		if f != nil {
			list = append(list, *f)
		}
	}
	for _, e := range a.astray {
		list = append(list, Finding{Path: e.Path, Reason: e.What(), Hint: "put right where the link leads, or leave it out of follow"})
	}
	for _, p := range a.opt.Follow {
		if info, err := a.tree.Lstat(string(p)); err == nil && a.tree.FollowedAbove(string(p)) != string(p) && !info.IsLink() {
			list = append(list, Finding{Path: p.String(), Reason: "is no symbolic link, so there is nothing to follow", Hint: "leave it out of --follow"})
		}
	}
	if j, err := a.tree.Lstat(journal.Path); err != nil || j.Exists {
		list = append(list, Finding{Path: journal.Path, Reason: "an update was interrupted here, but the record of what is installed is gone", Hint: "put updates/installed back from a backup of this installation"})
	}
	if len(list) > 0 {
		return &PreflightError{list}
	}
	return nil
}

// blockedLauncher says that the product has a file of its own under a launcher's name.
func (a *adopter) blockedLauncher(path string, text []byte) *Finding {
	info, err := a.tree.Lstat(path)
	if err == nil && !info.Exists {
		return nil
	}
	if err == nil && info.IsFile() {
		if f, e := a.tree.Open(path); e == nil {
			have, _ := io.ReadAll(io.LimitReader(f, 1<<16))
			_ = f.Close()
			if bytes.Equal(have, text) || bytes.Contains(have, []byte(launcherMark)) {
				return nil
			}
		}
	}
	return &Finding{Path: path, Reason: "is the product's own; it is never overwritten", Hint: "choose another name for the launcher: --launcher NAME"}
}

// launcherMark is in every launcher of the updater's own.
const launcherMark = "Starts the updater of this installation"

// connect opens the source and establishes the first trust.
func (a *adopter) connect(ctx context.Context) error {
	root, err := a.root()
	if err != nil {
		return err
	}
	s, err := a.transport()
	if err != nil {
		return err
	}
	f, err := openFirst(ctx, opening{source: a.opt.Source, named: a.opt.Root, root: root, home: a.tree.Path(), transport: s, access: a.opt.Access, engine: a.opt.Engine}, a.opt.Now())
	if err != nil {
		return err
	}
	a.client, a.opt.Source = f.client, f.source
	a.out.RootDigest, a.out.FirstUse = f.fingerprint, f.firstUse
	return nil
}

// first is a repository that was opened without knowing it.
type first struct {
	client      *repository.Client
	source      string // absolute, where it is a directory
	fingerprint string // of the root trusted
	firstUse    bool   // nobody vouched for the root: it came first
}

// opening is a repository to be opened without knowing it.
type opening struct {
	source    string
	named     string // ROOT as it was typed, a file or sha256:HEX
	root      []byte // the root that was named or shipped
	home      string // the installation, "" without one
	transport settings.Transport
	access    Access
	engine    string // version of this program
	stale     bool
}

// transport is what settings that are there already say of the way to a source.
func (a *adopter) transport() (settings.Transport, error) {
	data, err := a.tree.ReadState(settingsPath, settings.MaxBytes)
	if fsys.IsAbsent(err) {
		return settings.Transport{}, nil
	}
	if err != nil {
		return settings.Transport{}, err
	}
	s, err := settings.Parse(settingsPath, data)
	if err != nil {
		return settings.Transport{}, err
	}
	return s.Transport, nil
}

// openFirst opens a source and establishes trust: in the root given; if that is nil, in the
// root that the repository shows, whose fingerprint has to be named where named is
// sha256:HEX. Over the network one of the two has to be there: *[FirstRootError].
func openFirst(ctx context.Context, o opening, now time.Time) (*first, error) {
	source, named, root := o.source, o.named, o.root
	if web.IsSource(source) && root == nil && named == "" {
		return nil, &FirstRootError{source}
	}
	if !strings.Contains(source, "://") {
		abs, err := filepath.Abs(source)
		if err != nil {
			return nil, err
		}
		source = abs
	}
	c, err := openSource(source, o.home, o.transport, o.access, repository.ClientOptions{AllowStale: o.stale, Engine: o.engine})
	if err != nil {
		return nil, err
	}
	trust, err := c.FirstTrust(ctx, root)
	if err == nil {
		if want, ok := strings.CutPrefix(named, "sha256:"); ok && trust.Fingerprint() != want {
			err = &repository.UntrustedError{Path: "metadata/root.json", Why: repository.BadDigest,
				Msg: fmt.Sprintf("the root of %s has the fingerprint sha256:%s, want %s", source, trust.Fingerprint(), named)}
		} else {
			err = c.Refresh(ctx, trust, now)
		}
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return &first{c, source, trust.Fingerprint(), root == nil && named == ""}, nil
}

// root is the trusted root that was named or shipped, or nil.
func (a *adopter) root() ([]byte, error) {
	const most = 1 << 20
	if a.opt.Root != "" {
		return namedRoot(a.opt.Root)
	}
	data, err := a.tree.ReadState("updates/trust/root.json", most)
	if fsys.IsAbsent(err) {
		return nil, nil
	}
	return data, err
}

// refused reports whether err is a server's answer to who has no access.
func refused(err error) bool {
	var status *web.StatusError
	return errors.As(err, &status) && status.Refused()
}

// unread says once that a channel, which is not the one to follow, was left out.
func (a *adopter) unread(channel string, err error) {
	text := fmt.Sprintf("channel %s: was not looked at: %v", channel, err)
	if !slices.ContainsFunc(a.out.Warnings, func(w string) bool { return strings.HasPrefix(w, "channel "+channel+":") }) {
		a.out.Warnings = append(a.out.Warnings, text)
	}
}

// namedRoot is the root.json that an operator named; nil for a fingerprint.
func namedRoot(name string) ([]byte, error) {
	if name == "" || strings.HasPrefix(name, "sha256:") {
		return nil, nil
	}
	return os.ReadFile(name)
}

// read looks at every file that any level ships, each once, and compares.
func (a *adopter) read(ctx context.Context) error {
	all := a.client.All()
	slices.SortFunc(all, func(x, y repository.Release) int { return cmp.Compare(x.Level, y.Level) })
	if len(all) == 0 {
		return &PreflightError{[]Finding{{Reason: "the repository has no releases yet", Hint: "the vendor publishes the installed level first: release add REPO TREE --level N"}}}
	}
	var list []manifest.Path
	inventories := 0
	renewer := &renewer{Renewing: a.opt.Renew, client: a.client}
	err := renewer.manifestsOf(ctx, all, func(r repository.Release, m *manifest.Manifest, raw []byte, err error) error {
		if r.Channel != a.opt.Channel && refused(err) {
			a.unread(r.Channel, err)
			return nil
		}
		if err != nil {
			return err
		}
		inv, err := inventoryOf(ctx, a.client, m, saysWhole(a.client))
		var missing *bundle.MissingError
		if errors.As(err, &missing) { // it has not every level in full
			return nil
		}
		if err != nil {
			return err
		}
		rules, err := m.Rules.Compile()
		if err != nil {
			return err
		}
		a.levels = append(a.levels, level{Release: r, manifest: m, raw: raw, inventory: inv, rules: rules})
		for _, e := range inv.All() {
			if e.Kind != manifest.Dir {
				list = append(list, e.Path)
			}
		}
		slices.Sort(list)
		list = slices.Compact(list)
		inventories += len(inv.Raw)
		expectMemory(inventories, len(list)/8) // each has some 200 bytes here
		return nil
	})
	if err != nil {
		return err
	}
	if len(a.levels) == 0 {
		return &LacksError{Source: a.client.Source(), Serves: a.client.Serves(), Adopt: true}
	}
	found := make([]live, len(list))
	a.event(PhasePlan, "begin", 0, int64(len(list)))
	err = inParallel(ctx, indices(list), func(i int) (err error) {
		found[i], err = a.look(list[i])
		return err
	})
	a.event(PhasePlan, "end", 0, int64(len(list)))
	if err != nil {
		return err
	}
	a.files = shippedFiles{list, found}
	for i := range a.levels {
		a.compare(&a.levels[i])
		a.foreign(&a.levels[i])
	}
	return nil
}

func (a *adopter) look(p manifest.Path) (live, error) {
	info, err := a.tree.Lstat(string(p))
	var link *fsys.LinkError
	if errors.As(err, &link) {
		return live{}, nil // behind a link of the operator's: the edits say so
	}
	l := live{info: info}
	if err != nil {
		return l, err
	}
	if info.IsLink() {
		l.target, err = a.tree.Readlink(string(p))
		return l, err
	}
	if !info.IsFile() {
		return l, nil
	}
	l.digest, err = digestAt(a.tree, p)
	if errors.Is(err, fs.ErrNotExist) {
		return live{}, nil
	}
	return l, err
}
