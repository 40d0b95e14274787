package repository

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// treeProduct is where a tree ships its own declaration.
const treeProduct = "updates/product.yaml"

// draft is a release before it is published: what a tree, product.yaml and
// notes.yaml make together, and nothing else, so that the same input makes the same
// bytes.
type draft struct {
	opt      AddOptions
	released time.Time

	product    *manifest.Product
	notes      *manifest.Notes
	inventory  *manifest.Inventory
	manifest   *manifest.Manifest
	recognised []manifest.Path
}

// read fills in the draft from the tree.
func (d *draft) read(ctx context.Context, s *store, tree *fsys.Tree, m *meter) error {
	if err := d.readProduct(s, tree); err != nil {
		return err
	}
	d.notes = &manifest.Notes{}
	if d.opt.Notes != nil {
		var err error
		if d.notes, err = manifest.ParseNotes("notes.yaml", d.opt.Notes); err != nil {
			return err
		}
	}
	entries, faults, err := scanTree(ctx, tree, d.product.Links)
	if err != nil {
		return err
	}
	if err := refusal(append(faults, renameFaults(d.notes.Renames, entries)...)); err != nil {
		return err
	}
	rules := d.product.Rules()
	rules.Links = slices.DeleteFunc(slices.Clone(rules.Links), func(p manifest.Path) bool {
		i, ok := find(entries, p) // a manifest lists the links that its release has
		return !ok || entries[i].Kind != manifest.Link
	})
	recognise := len(rules.Config)+len(rules.Data)+len(rules.Ignore) == 0
	if err := d.hash(ctx, tree, entries, m, recognise); err != nil {
		return err
	}
	for _, p := range d.recognised {
		rules.Config = append(rules.Config, string(p))
	}
	if d.inventory, err = manifest.BuildInventory(entries); err != nil {
		return err
	}
	return d.build(rules)
}

// readProduct finds product.yaml: in the tree, else given, else in the repository.
func (d *draft) readProduct(s *store, tree *fsys.Tree) error {
	own, err := s.read(fileProduct, manifest.MaxManifestBytes)
	if err != nil && !isMissing(err) {
		return err
	}
	name, data := fileProduct, own
	if d.opt.Product != nil {
		name, data = "product.yaml", d.opt.Product
	}
	info, err := tree.Lstat(treeProduct)
	if err != nil {
		return err
	}
	if info.Exists {
		f, err := tree.Open(treeProduct)
		if err != nil {
			return err
		}
		data, err = readAll(f, manifest.MaxManifestBytes)
		_ = f.Close()
		if err != nil {
			return pathFirst(treeProduct, err)
		}
		name = treeProduct
	}
	if data == nil {
		return fmt.Errorf("%s: want a declaration of the product in the tree, given, or in the repository; got none", treeProduct)
	}
	if d.product, err = manifest.ParseProduct(name, data); err != nil {
		return err
	}
	if own == nil {
		return nil
	}
	mine, err := manifest.ParseProduct(fileProduct, own)
	if err != nil {
		return err
	}
	if mine.Name != d.product.Name {
		return fmt.Errorf("%s: want product %s, which this repository is of, got %s", name, mine.Name, d.product.Name)
	}
	return nil
}

// hash fills in the digests and, on the way, recognises configuration.
func (d *draft) hash(ctx context.Context, tree *fsys.Tree, entries []manifest.Entry, m *meter, recognise bool) error {
	if !recognise {
		return hashFiles(ctx, tree, entries, m, nil)
	}
	var mu sync.Mutex
	config := map[int]bool{}
	err := hashFiles(ctx, tree, entries, m, func(i int, head []byte) {
		p := entries[i].Path
		if !p.Within("updates") && manifest.LooksLikeConfig(p, head) {
			mu.Lock()
			config[i] = true
			mu.Unlock()
		}
	})
	for i := range entries { // in the order of the tree, whoever was first
		if config[i] {
			d.recognised = append(d.recognised, entries[i].Path)
		}
	}
	return err
}

// build makes the manifest, and checks it as a client will.
func (d *draft) build(rules manifest.Rules) error {
	version := d.opt.Version
	if version == "" {
		version = d.product.Version
	}
	if version == "" {
		version = strconv.FormatInt(d.opt.Level, 10)
	}
	v := d.inventory
	m := &manifest.Manifest{
		Product:      manifest.ProductID{Name: d.product.Name, Version: version},
		Level:        d.opt.Level,
		Released:     d.released.UTC().Truncate(time.Second),
		From:         d.notes.From,
		Inventory:    manifest.InventoryRef{Digest: v.Digest, Size: int64(len(v.Raw)), Entries: int64(v.Len())},
		Rules:        rules,
		Renames:      d.notes.Renames,
		Migrations:   d.notes.Migrations,
		Derived:      d.product.Derived,
		Irreversible: d.notes.Irreversible,
		Fixes:        d.notes.Fixes,
		Instructions: d.notes.Instructions,
	}
	name := targetName(d.opt.Channel, d.opt.Level)
	parsed, err := manifest.Parse(name, m.Marshal())
	if err != nil {
		return err
	}
	d.manifest = parsed
	return manifest.Check(parsed, v)
}

// renameFaults lists the renames that the tree contradicts.
func renameFaults(renames []manifest.Rename, entries []manifest.Entry) []Fault {
	var faults []Fault
	for _, r := range renames {
		if _, ok := find(entries, r.To); !ok {
			faults = append(faults, Fault{r.To, fmt.Sprintf("notes.yaml renames %s to it, but it is not in the tree", r.From)})
		}
		if _, ok := find(entries, r.From); ok {
			faults = append(faults, Fault{r.From, fmt.Sprintf("notes.yaml renames it to %s, but it is still in the tree", r.To)})
		}
	}
	return faults
}

// find looks p up in sorted entries.
func find(entries []manifest.Entry, p manifest.Path) (int, bool) {
	return slices.BinarySearchFunc(entries, p, func(e manifest.Entry, p manifest.Path) int { return cmp.Compare(e.Path, p) })
}
