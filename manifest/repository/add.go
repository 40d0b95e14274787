package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// AddOptions say what to release.
type AddOptions struct {
	Dir     string // the repository
	KeysDir string
	Tree    string // the complete product as it is to be installed
	Level   int64  // unique over all channels, 0 to manifest.MaxLevel
	Channel string // made on first use

	Notes []byte // notes.yaml; nil: none
	// Product is product.yaml for a tree without updates/product.yaml; nil: the one
	// that the repository was made with.
	Product []byte
	Version string // empty: what product.yaml says, else the level
	// Released pins the date in the manifest (--released or SOURCE_DATE_EPOCH). Zero:
	// Now, or for a level that exists the date it has, so that adding the same tree
	// again finds it there already.
	Released time.Time

	UpdaterMin string // see [Release]
	Access     string

	Passphrase []byte // of the keys; for a new channel's key see [InitOptions]
	Now        time.Time
	Expiry     Expiry
	// Progress is told bytes read so far and to read; total grows once, when it is
	// known what has to be stored. It is not called by two goroutines at a time.
	Progress func(done, total int64)

	Export func([]byte) error // as in [EditOptions]
	fault  func(op, path string) error
}

// AddResult says what Add has released.
type AddResult struct {
	Level    int64
	Channel  string
	Product  manifest.ProductID
	Released time.Time
	Digest   manifest.Digest // of the manifest
	Entries  int             // of the inventory
	Bytes    int64           // of all files

	NewBlobs    int
	BytesStored int64 // that NewBlobs take in the repository

	// RecognisedConfig is what was taken as configuration by name and content,
	// because product.yaml has no rules.
	RecognisedConfig []manifest.Path
	// AlreadyThere: the level was there with the very same manifest, and nothing but
	// missing contents was written.
	AlreadyThere bool
	NewChannel   bool
	Warnings     []string
}

// Add releases a tree. What cannot be installed everywhere is a *[RefusedError]; a
// level that exists with another manifest is [ErrExists]; what the security channel does
// not take a *[NotSecurityError]; a second run at the same
// time fsys.ErrLocked. After an error, also a power cut, clients read what they read
// before, and Add can be run again.
func Add(ctx context.Context, opt AddOptions) (*AddResult, error) {
	if err := CheckChannel(opt.Channel); err != nil {
		return nil, err
	}
	if opt.Level < 0 || opt.Level > manifest.MaxLevel {
		return nil, fmt.Errorf("update level %d: want 0 to %d", opt.Level, int64(manifest.MaxLevel))
	}
	if opt.UpdaterMin != "" {
		if err := CheckVersion(opt.UpdaterMin); err != nil {
			return nil, err
		}
	}
	tree, err := fsys.Open(opt.Tree)
	if err != nil {
		return nil, pathFirst(opt.Tree, err)
	}
	defer tree.Close()
	s, err := openStore(opt.Dir, opt.fault)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if within(s.tree.Path(), tree.Path()) {
		return nil, fmt.Errorf("%s: the repository lies in the tree that is to be released", opt.Dir)
	}
	state, err := loadPublished(s)
	if err != nil {
		return nil, err
	}
	keys, err := openKeys(opt.KeysDir, opt.Passphrase, false, opt.fault)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	pub := newPublisher(state, keys, opt.Now, opt.Expiry)
	pub.export, pub.elsewhere = opt.Export, opt.Export != nil
	a := &adding{ctx: ctx, opt: opt, s: s, tree: tree, state: state, pub: pub}
	out, err := a.run()
	s.done = err == nil
	return out, err
}

// adding is one run of [Add].
type adding struct {
	ctx   context.Context
	opt   AddOptions
	s     *store
	tree  *fsys.Tree
	state *published
	pub   *publisher
	out   AddResult
}

func (a *adding) run() (*AddResult, error) {
	channel, file := a.state.release(a.opt.Level, a.opt.Channel)
	if file != nil && channel != a.opt.Channel {
		return nil, fmt.Errorf("update level %d: %w in channel %s", a.opt.Level, ErrExists, channel)
	}
	if file == nil { // a level that exists needs no keys: it is never signed again
		if err := a.pub.prepare(a.opt.Channel); err != nil {
			return nil, err
		}
	}
	old, oldData, err := a.existing(file)
	if err != nil {
		return nil, err
	}
	if old != nil && a.opt.UpdaterMin != "" {
		extra, err := customOf(file)
		if err != nil {
			return nil, err
		}
		if extra.UpdaterMin != a.opt.UpdaterMin {
			return nil, fmt.Errorf("update level %d: %w with another updater-min: %q", a.opt.Level, ErrExists, extra.UpdaterMin)
		}
	}
	d := &draft{opt: a.opt, released: a.opt.Released}
	if d.released.IsZero() {
		d.released = a.opt.Now
		if old != nil {
			d.released = old.Released
		}
	}
	m := &meter{report: a.opt.Progress}
	if err := d.read(a.ctx, a.s, a.tree, m); err != nil {
		return nil, err
	}
	data := d.manifest.Marshal()
	digest := manifest.DigestOf(data)
	if old != nil && string(data) != string(oldData) {
		return nil, fmt.Errorf("update level %d: %w with another %s", a.opt.Level, ErrExists, difference(old, d.manifest))
	}
	a.out = AddResult{
		Level: a.opt.Level, Channel: a.opt.Channel, Product: d.manifest.Product, Released: d.manifest.Released,
		Digest: digest, Entries: d.inventory.Len(), RecognisedConfig: d.recognised,
		AlreadyThere: old != nil, NewChannel: a.state.roles[a.opt.Channel] == nil,
	}
	for _, e := range d.inventory.All() {
		a.out.Bytes += e.Size
	}
	if old == nil {
		if err := fitsChannel(a.opt.Channel, d.manifest); err != nil {
			return nil, err
		}
	}
	if err := a.warn(d); err != nil {
		return nil, err
	}
	if err := a.write(d, data, digest, m); err != nil {
		return nil, err
	}
	return &a.out, nil
}

// existing reads the manifest that the level has now, if it has one.
func (a *adding) existing(file *metadata.TargetFiles) (*manifest.Manifest, []byte, error) {
	if file == nil {
		return nil, nil, nil
	}
	return readManifest(a.s, a.opt.Channel, a.opt.Level, file)
}

// readManifest reads the manifest of a level as channel has it.
func readManifest(s *store, channel string, level int64, file *metadata.TargetFiles) (*manifest.Manifest, []byte, error) {
	want := manifest.Digest{}
	copy(want[:], file.Hashes["sha256"])
	path := manifestPath(channel, level, want)
	data, err := s.read(path, manifest.MaxManifestBytes)
	if err != nil {
		return nil, nil, err
	}
	if err := checkBytes(path, data, file.Length, want); err != nil {
		return nil, nil, err
	}
	m, err := manifest.Parse(path, data)
	return m, data, err
}

// difference names the part in which two manifests of one level differ.
func difference(old, m *manifest.Manifest) string {
	switch {
	case old.Inventory != m.Inventory:
		return "tree"
	case !old.Released.Equal(m.Released):
		return "release date: " + old.Released.Format(time.RFC3339)
	case old.Product != m.Product:
		return "product or version"
	}
	return "description: its rules or notes differ"
}

// warn notes what is allowed but may be a mistake.
func (a *adding) warn(d *draft) error {
	levels := a.state.levels()
	if a.out.AlreadyThere {
		return nil
	}
	if lacking, err := a.state.lackingUpdater(a.opt.UpdaterMin); err != nil {
		return err
	} else if lacking != "" {
		a.out.Warnings = append(a.out.Warnings, lacking)
	}
	if len(levels) == 0 {
		return nil
	}
	if last := levels[len(levels)-1]; last > a.opt.Level {
		a.out.Warnings = append(a.out.Warnings, fmt.Sprintf("update level %d is below level %d, which is released already", a.opt.Level, last))
	}
	if len(d.manifest.Renames) == 0 {
		return nil
	}
	before := int64(-1)
	for _, level := range levels {
		if level < a.opt.Level {
			before = level
		}
	}
	if before < 0 {
		return nil
	}
	v, err := a.inventoryOf(before)
	if err != nil {
		return err
	}
	for _, r := range d.manifest.Renames {
		if v.Find(r.From) == nil {
			a.out.Warnings = append(a.out.Warnings, fmt.Sprintf("renames: %s is not in update level %d, the one before", r.From, before))
		}
	}
	return nil
}

// inventoryOf reads the inventory of a published level.
func (a *adding) inventoryOf(level int64) (*manifest.Inventory, error) {
	channel, file := a.state.release(level, a.opt.Channel)
	c, err := Open(a.s.tree.Path(), ClientOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	r := Release{Level: level, Channel: channel, Size: file.Length}
	copy(r.Digest[:], file.Hashes["sha256"])
	m, _, err := c.Manifest(a.ctx, r)
	if err != nil {
		return nil, err
	}
	return c.Inventory(a.ctx, m)
}

// write stores contents, inventory and manifest, and publishes the manifest.
func (a *adding) write(d *draft, data []byte, digest manifest.Digest, m *meter) error {
	done, err := storeBlobs(a.ctx, a.s, a.tree, d.inventory, m)
	if err != nil {
		return err
	}
	a.out.NewBlobs, a.out.BytesStored = done.blobs, done.bytes
	packed, err := packBytes(d.inventory.Raw)
	if err != nil {
		return err
	}
	if err := a.s.putNew(inventoryPath(d.inventory.Digest), packed); err != nil {
		return err
	}
	if a.out.AlreadyThere {
		return nil
	}
	if err := a.s.putNew(manifestPath(a.opt.Channel, a.opt.Level, digest), data); err != nil {
		return err
	}
	if err := a.ctx.Err(); err != nil { // the last moment to stop without a trace
		return err
	}
	file := metadata.TargetFile()
	file.Length = int64(len(data))
	file.Hashes["sha256"] = digest[:]
	if err := setCustom(file, custom{UpdaterMin: a.opt.UpdaterMin, Access: a.opt.Access}); err != nil {
		return err
	}
	return a.pub.addTarget(a.s, a.opt.Channel, targetName(a.opt.Channel, a.opt.Level), file)
}
