package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"

	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/manifest/repository/web"
)

// target is the release to go to, with everything a plan needs of it.
type target struct {
	repository.Release
	manifest  *manifest.Manifest
	raw       []byte
	inventory *manifest.Inventory
	between   []*manifest.Manifest // of the levels passed over, and the target's own, in order
	left      []*manifest.Manifest // of a downgrade: of the levels between, in order
	newest    int64                // of the channel
}

func (t *target) release() Release {
	return Release{Level: t.Level, Channel: t.Channel, Version: t.manifest.Product.Version,
		Released: t.manifest.Released, Manifest: t.Digest}
}

// connect opens the source and checks its metadata against what the installation
// trusts. It writes nothing.
func (u *Updater) connect(ctx context.Context) error {
	if u.client != nil {
		return nil
	}
	source := u.source()
	if source == "" {
		return noSource()
	}
	trust, err := readTrust(u.tree)
	if err != nil {
		return err
	}
	c, err := u.ask(ctx, source, trust)
	if u.prep != nil && unreachable(ctx, err) {
		c, err = u.offline(ctx, trust, err)
	}
	if err != nil {
		return err
	}
	u.client = c
	return nil
}

// ask opens the source and brings its metadata up to date.
func (u *Updater) ask(ctx context.Context, source string, trust *repository.TrustState) (*repository.Client, error) {
	opt := repository.ClientOptions{AllowStale: u.opt.AllowStale != "", Engine: u.opt.Engine}
	if u.opt.Prepare {
		u.fetched = map[string][]byte{}
		opt.Keep = func(path string, data []byte) {
			u.fetchedMu.Lock()
			defer u.fetchedMu.Unlock()
			u.fetched[path] = data
		}
	}
	c, err := u.openClient(source, opt)
	if err != nil {
		return nil, err
	}
	if err := c.Refresh(ctx, trust, u.opt.Now()); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (u *Updater) openClient(source string, opt repository.ClientOptions) (*repository.Client, error) {
	t := u.settings.Transport
	if web.IsSource(u.settings.Source) && !web.SameHost(source, u.settings.Source) {
		t.TokenFile = "" // it is for the source of the settings, and names no host
		if u.opt.Access.Login != nil {
			u.opt.Access.Login.Stays = true
		}
	}
	return openSource(source, u.tree.Path(), t, u.opt.Access, opt)
}

func noSource() error {
	return &PreflightError{[]Finding{{Path: settingsPath, Reason: "names no source of updates",
		Hint: "add a line `source: URL or directory` to " + settingsPath + ", or give --source"}}}
}

func readTrust(t *fsys.Tree) (*repository.TrustState, error) {
	data, err := t.ReadState(trustPath, repository.MaxTrustBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: is missing: nothing can be trusted without it; put it back from a backup of this installation, or adopt it anew", trustPath)
	}
	if err != nil {
		return nil, err
	}
	return repository.ParseTrustState(trustPath, data)
}

// saveTrust keeps what was learnt of the metadata, so that it can never go back.
func saveTrust(t *fsys.Tree, state *repository.TrustState) error {
	if state == nil {
		return nil
	}
	data := state.Marshal()
	if old, err := t.ReadState(trustPath, repository.MaxTrustBytes); err == nil && string(old) == string(data) {
		return nil
	}
	if err := t.MkdirAll("updates/trust", 0o700); err != nil {
		return err
	}
	return t.WriteState(trustPath, data, 0o600)
}

// choose finds the release to go to: the level that was asked for, or the newest of
// the channel that may be reached from here in one step. nil: stay where we are. A channel for
// subscribers wants a subscription before anything of another release is read.
func (u *Updater) choose(ctx context.Context, in *installed) (*target, error) {
	list, err := releasesOf(u.client, u.channel())
	if err != nil {
		return nil, err
	}
	t := &target{}
	if len(list) > 0 {
		t.newest = list[len(list)-1].Level
	}
	if u.moves(in.Level, list) {
		if err := u.entitle(ctx, in.Product); err != nil {
			return nil, err
		}
	}
	if u.opt.HasLevel {
		return u.chooseLevel(ctx, t, in, list)
	}
	if err := u.pick(ctx, t, in.Level, list); err != nil || t.manifest == nil {
		return nil, err
	}
	return t, u.complete(ctx, t, in, list)
}

// moves reports whether this run would look at another release than the one installed.
func (u *Updater) moves(installed int64, list []repository.Release) bool {
	if u.opt.HasLevel {
		return u.opt.Level != installed
	}
	return slices.ContainsFunc(list, func(r repository.Release) bool { return r.Level > installed && r.Withdrawn == "" })
}

// pick fills t with the newest release that may be reached in one step from the level
// installed, and its manifest; without one t stays as it is.
func (u *Updater) pick(ctx context.Context, t *target, installed int64, list []repository.Release) error {
	for _, r := range slices.Backward(list) {
		if r.Level <= installed {
			break
		}
		if r.Withdrawn != "" {
			continue
		}
		m, raw, err := u.renewer().manifestOf(ctx, r)
		if err != nil {
			return err
		}
		if m.From.Min > installed || fits(m) != nil {
			continue
		}
		t.Release, t.manifest, t.raw = r, m, raw
		break
	}
	return nil
}

// releasesOf lists the releases of a channel, levels rising.
func releasesOf(c *repository.Client, channel string) ([]repository.Release, error) {
	list, err := c.Releases(channel)
	var missing *repository.NotFoundError
	if errors.As(err, &missing) {
		return nil, fmt.Errorf("channel %s: %w in %s (channels: %s)", channel, ErrUnknownLevel, c.Source(), joined(c.Channels()))
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b repository.Release) int { return cmp.Compare(a.Level, b.Level) })
	return list, err
}

// findLevel is the release of list, those of channel, at level, unless it was withdrawn.
func findLevel(list []repository.Release, channel string, level int64) (repository.Release, error) {
	i := slices.IndexFunc(list, func(r repository.Release) bool { return r.Level == level })
	if i < 0 {
		levels := make([]string, len(list))
		for i, r := range list {
			levels[i] = fmt.Sprint(r.Level)
		}
		return repository.Release{}, fmt.Errorf("level %d: %w in channel %s (levels: %s)", level, ErrUnknownLevel, channel, joined(levels))
	}
	if list[i].Withdrawn != "" {
		return repository.Release{}, fmt.Errorf("level %d: %w: %s", level, ErrWithdrawn, list[i].Withdrawn)
	}
	return list[i], nil
}

func (u *Updater) chooseLevel(ctx context.Context, t *target, in *installed, list []repository.Release) (*target, error) {
	level := u.opt.Level
	if level == in.Level {
		return nil, nil
	}
	r, err := findLevel(list, u.channel(), level)
	if serves := u.client.Serves(); serves != "" && errors.Is(err, ErrUnknownLevel) {
		err = fmt.Errorf("%w; %s is for %s", err, u.client.Source(), serves)
	}
	if err != nil {
		return nil, err
	}
	m, raw, err := u.renewer().manifestOf(ctx, r)
	if err != nil {
		return nil, err
	}
	if level > in.Level && m.From.Min > in.Level {
		return nil, &PreflightError{[]Finding{{Reason: fmt.Sprintf("level %d can be reached from level %d on, level %d is installed", level, m.From.Min, in.Level),
			Hint: fmt.Sprintf("go to level %d first", m.From.Min)}}}
	}
	if err := fits(m); err != nil {
		return nil, err
	}
	t.Release, t.manifest, t.raw = r, m, raw
	return t, u.complete(ctx, t, in, list)
}

// fits reports why a release is not for this machine.
func fits(m *manifest.Manifest) error {
	here := runtime.GOOS + "/" + runtime.GOARCH
	if len(m.Platforms) > 0 && !slices.Contains(m.Platforms, here) {
		return &PreflightError{[]Finding{{Reason: fmt.Sprintf("level %d is for %s, this is %s", m.Level, joined(m.Platforms), here)}}}
	}
	return nil
}

// complete reads the target's inventory and the manifests of the levels passed over,
// whose renames, fixes and instructions count too.
func (u *Updater) complete(ctx context.Context, t *target, in *installed, list []repository.Release) error {
	if t.manifest.Product.Name != in.Product {
		return &PreflightError{[]Finding{{Reason: fmt.Sprintf("the repository is of product %s, installed is %s", t.manifest.Product.Name, in.Product)}}}
	}
	var err error
	if t.inventory, err = inventoryOf(ctx, u.client, t.manifest, u.promised(in.Level, t.Level)); err != nil {
		return err
	}
	return u.passed(ctx, t, in.Level, list)
}

// passed reads the manifests of the levels between the one installed and the target.
func (u *Updater) passed(ctx context.Context, t *target, installed int64, list []repository.Release) error {
	passed := &t.between
	if t.Level < installed {
		passed = &t.left
	}
	list = slices.DeleteFunc(slices.Clone(list), func(r repository.Release) bool {
		return r.Level <= min(installed, t.Level) || r.Level >= max(installed, t.Level) || r.Withdrawn != ""
	})
	err := u.renewer().manifestsOf(ctx, list, func(r repository.Release, m *manifest.Manifest, _ []byte, err error) error {
		if err == nil {
			*passed = append(*passed, m)
		} else if needsRenewal(err) || cancelled(ctx) != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	if t.Level > installed {
		t.between = append(t.between, t.manifest)
	}
	return nil
}

// renames maps old paths to new ones over all levels on the way, and back for a
// downgrade. A path renamed twice maps to its last name.
func (t *target) renames(in *installed) map[manifest.Path]manifest.Path {
	out := map[manifest.Path]manifest.Path{}
	if t.Level < in.Level {
		for _, r := range in.manifest.Renames {
			out[r.To] = r.From
		}
		return out
	}
	first := map[manifest.Path]manifest.Path{} // newest name -> oldest
	for _, m := range t.between {
		for _, r := range m.Renames {
			from := r.From
			if f, ok := first[r.From]; ok {
				from = f
				delete(first, r.From)
			}
			first[r.To] = from
		}
	}
	for to, from := range first {
		out[from] = to
	}
	return out
}

// fixes are those of all levels on the way, the worst first, each once.
func (t *target) fixes() []manifest.Fix {
	out := []manifest.Fix{}
	for _, m := range t.between {
		for _, f := range m.Fixes {
			if !slices.ContainsFunc(out, func(o manifest.Fix) bool { return o.ID == f.ID }) {
				out = append(out, f)
			}
		}
	}
	rank := []string{"critical", "high", "medium", "low", ""}
	kinds := []string{"security", "bug", "improvement"}
	slices.SortStableFunc(out, func(a, b manifest.Fix) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, a.Severity), slices.Index(rank, b.Severity)),
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (t *target) instructions() []Instruction {
	out := []Instruction{}
	for _, m := range t.between {
		if m.Instructions != "" {
			out = append(out, Instruction{m.Level, m.Instructions})
		}
	}
	return out
}

func joined(list []string) string {
	const most = 8
	slices.Sort(list)
	if len(list) == 0 {
		return "none"
	}
	out := ""
	for i, s := range list {
		if i == most {
			return out + fmt.Sprintf(", and %d more", len(list)-most)
		}
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}
