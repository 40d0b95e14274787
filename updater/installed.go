package updater

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/backup/sealed"
	"inplace/manifest"
)

// The record of what is installed: three files that are exchanged in the same
// transaction as the product's.
const (
	recordPath    = "updates/installed/installed.yaml"
	manifestPath  = "updates/installed/manifest.yaml"
	inventoryPath = "updates/installed/inventory"

	// InstalledManifest is the path of the manifest of what is installed.
	InstalledManifest = manifestPath

	recordSchema     = "inplace/installed/1"
	maxManifestBytes = 4 << 20
)

// record is installed.yaml.
type record struct {
	Product   string          `json:"product"`
	Version   string          `json:"version"`
	Level     int64           `json:"level"`
	Channel   string          `json:"channel"`
	Released  time.Time       `json:"released"`
	Manifest  manifest.Digest `json:"manifest"`
	Inventory manifest.Digest `json:"inventory"`
	Snapshot  string          `json:"snapshot"` // of the update that led here; "" after adopt
	Placed    []placed        `json:"placed"`   // what adopt put into bin/ and no release ships
	Engine    string          `json:"engine"`
}

// placed is a file of the updater's own in bin/. For an update it counts as shipped
// by the base, so that a release that ships it replaces it.
type placed struct {
	Path   manifest.Path   `json:"path"`
	Mode   uint32          `json:"mode"`
	Size   int64           `json:"size"`
	Digest manifest.Digest `json:"digest"`
}

func (r *record) release() Release {
	return Release{Level: r.Level, Channel: r.Channel, Version: r.Version, Released: r.Released, Manifest: r.Manifest}
}

func (r Release) level() backup.Level {
	return backup.Level{Level: r.Level, Channel: r.Channel, Version: r.Version, Manifest: r.Manifest}
}

func releaseOf(l backup.Level) Release {
	return Release{Level: l.Level, Channel: l.Channel, Version: l.Version, Manifest: l.Manifest}
}

// placedEntry is the entry that stands for p if adopt has put it there.
func (r *record) placedEntry(p manifest.Path) *manifest.Entry {
	for _, f := range r.Placed {
		if f.Path == p {
			return &manifest.Entry{Path: p, Kind: manifest.File, Mode: f.Mode, Size: f.Size, Digest: f.Digest}
		}
	}
	return nil
}

// installed is what the installation says of itself.
type installed struct {
	record
	manifest  *manifest.Manifest
	inventory *manifest.Inventory
}

// readRecord reads installed.yaml alone.
func readRecord(t *fsys.Tree) (*record, error) {
	data, err := t.ReadState(recordPath, sealed.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", t.Path(), ErrNotAdopted)
	}
	if err != nil {
		return nil, err
	}
	var r record
	switch err := sealed.Unmarshal(recordPath, recordSchema, data, &r); {
	case errors.Is(err, sealed.ErrNewer):
		return nil, err
	case err != nil:
		return nil, &RecordError{err, restoreScriptOf(t, nil)}
	}
	return &r, nil
}

// readInstalled reads the record, the manifest and the inventory, each checked by
// the digest that the record has of it.
func readInstalled(t *fsys.Tree) (*installed, error) {
	in, err := readDeclared(t)
	if err != nil {
		return nil, err
	}
	return in, in.readInventory(t)
}

// readDeclared is readInstalled without the inventory, which is the long part.
func readDeclared(t *fsys.Tree) (*installed, error) {
	r, err := readRecord(t)
	if err != nil {
		return nil, err
	}
	in := &installed{record: *r}
	raw, err := readChecked(t, manifestPath, maxManifestBytes, r.Manifest)
	if err != nil {
		return nil, err
	}
	in.manifest, err = manifest.Parse(manifestPath, raw)
	return in, err
}

// readBack is readDeclared for a revert, which goes by what snapshots keep: of a manifest that
// only a newer updater can read it does without the rules, unless it has to put together
// what the release calls configuration.
func (u *Updater) readBack(t *fsys.Tree) (*installed, error) {
	in, err := readDeclared(t)
	if err != nil && in != nil && !u.opt.KeepEdits && !u.opt.Exact && !u.opt.WithData && !u.opt.FromRelease {
		if raw, e := readChecked(t, manifestPath, maxManifestBytes, in.Manifest); e == nil && manifest.NewerSchema(raw) {
			in.manifest, err = &manifest.Manifest{Product: manifest.ProductID{Name: in.Product, Version: in.Version}, Level: in.Level, Released: in.Released}, nil
			u.event(PhasePlan, "note", manifestPath+" is of a newer updater; this one puts back what the snapshot keeps, and copies no configuration beside it", 0, 0)
		}
	}
	return in, err
}

func (in *installed) readInventory(t *fsys.Tree) error {
	raw, err := readChecked(t, inventoryPath, manifest.MaxInventoryBytes, in.Inventory)
	if err != nil {
		return err
	}
	expectMemory(2*len(raw), 0) // one more of its size may follow
	in.inventory, err = manifest.ParseAgain(inventoryPath, raw, in.Inventory)
	return err
}

func readChecked(t *fsys.Tree, path string, limit int64, want manifest.Digest) ([]byte, error) {
	data, err := t.ReadState(path, limit)
	if err != nil {
		return nil, err
	}
	if got := manifest.DigestOf(data); got != want {
		return nil, &RecordError{fmt.Errorf("%s: is damaged: want %s, got %s", path, want, got), restoreScriptOf(t, nil)}
	}
	return data, nil
}

// recordFiles are the contents of the three files of the record, by path.
func recordFiles(r *record, rawManifest []byte, inv *manifest.Inventory) map[manifest.Path][]byte {
	r.Manifest, r.Inventory = manifest.DigestOf(rawManifest), inv.Digest
	slices.SortFunc(r.Placed, func(a, b placed) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return map[manifest.Path][]byte{
		recordPath:    sealed.Marshal(recordSchema, *r),
		manifestPath:  rawManifest,
		inventoryPath: inv.Raw,
	}
}

// countBelow is how many paths the installed release has below p.
func (in *installed) countBelow(p manifest.Path) int {
	first, end := in.inventory.Below(p)
	return end - first
}
