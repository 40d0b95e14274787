package manifest

import "time"

// The schemas this package reads and writes.
const (
	Schema        = "inplace/manifest/1"
	ProductSchema = "inplace/product/1"
	NotesSchema   = "inplace/notes/1"
)

// MaxManifestBytes bounds a manifest, a product description and notes.
const MaxManifestBytes = 1 << 20

// MaxLevel is the highest update level: the largest whole number that every
// reader of JSON keeps exactly.
const MaxLevel = 1 << 53

// Manifest describes a release. The package comment has the format.
type Manifest struct {
	Product      ProductID     `yaml:"product,flow" strict:"required"`
	Level        int64         `yaml:"level" strict:"required"`
	Released     time.Time     `yaml:"released" strict:"required"` // whole seconds, UTC
	From         From          `yaml:"from,flow,omitempty"`
	Platforms    []string      `yaml:"platforms,flow,omitempty"` // os/arch; empty: any
	Requires     []string      `yaml:"requires,flow,omitempty"`  // features a reader must know
	Inventory    InventoryRef  `yaml:"inventory,flow" strict:"required"`
	Rules        Rules         `yaml:"rules,omitempty"`
	Renames      []Rename      `yaml:"renames,omitempty"`
	Migrations   []Migration   `yaml:"migrations,omitempty"`
	Derived      []Derived     `yaml:"derived,omitempty"`
	Irreversible *Irreversible `yaml:"irreversible,flow,omitempty"`
	Fixes        []Fix         `yaml:"fixes,omitempty"`
	Instructions string        `yaml:"instructions,omitempty"` // what an operator has to do by hand
}

// ProductID names a product and its version as people know it. Only the level
// orders releases; the version is never compared.
type ProductID struct {
	Name    string `yaml:"name" strict:"required"`
	Version string `yaml:"version" strict:"required"`
}

// From says which installations may come here in one step: those at level Min or
// above.
type From struct {
	Min int64 `yaml:"min" strict:"required"`
}

// InventoryRef names the inventory of a release.
type InventoryRef struct {
	Digest  Digest `yaml:"digest" strict:"required"`
	Size    int64  `yaml:"size" strict:"required"`    // of the text, in bytes
	Entries int64  `yaml:"entries" strict:"required"` // lines between the first and the last
}

// Rename says that what was shipped at From is shipped at To from now on.
type Rename struct {
	From Path `yaml:"from" json:"from" strict:"required"`
	To   Path `yaml:"to" json:"to" strict:"required"`
}

// Migration says that a configuration key has moved, or gone when To is nil. Map
// turns old values into new ones.
type Migration struct {
	From    KeyRef            `yaml:"from" json:"from" strict:"required"`
	To      *KeyRef           `yaml:"to,omitempty" json:"to,omitempty"`
	Map     map[string]string `yaml:"map,omitempty" json:"map,omitempty"`
	Message string            `yaml:"message,omitempty" json:"message,omitempty"`
}

// KeyRef is a key in a configuration file.
type KeyRef struct {
	Path Path   `yaml:"path" json:"path" strict:"required"`
	Key  string `yaml:"key" json:"key" strict:"required"`
}

// Derived names what the product makes out of a shipped file: when a path that
// When matches changes, what Clear matches is moved into the snapshot. {1}, {2}
// and so on in Clear stand for what the wildcards of When took.
type Derived struct {
	When  string `yaml:"when" json:"when" strict:"required"`
	Clear string `yaml:"clear" json:"clear" strict:"required"`
}

// Irreversible marks a release that cannot be left again: After "start" means
// once the product has been started.
type Irreversible struct {
	After  string `yaml:"after" json:"after" strict:"required"`
	Reason string `yaml:"reason" json:"reason" strict:"required"`
}

// Fix is one thing a release mends. Kind is bug, security or improvement;
// Severity critical, high, medium, low or "".
type Fix struct {
	ID       string `yaml:"id" json:"id" strict:"required"`
	Kind     string `yaml:"kind" json:"kind" strict:"required"`
	Severity string `yaml:"severity,omitempty" json:"severity,omitempty"`
	Summary  string `yaml:"summary" json:"summary" strict:"required"`
}

// Product is the vendor's declaration, updates/product.yaml of a tree. What
// counts for an update is what `release add` takes from it into the manifest.
type Product struct {
	Name    string            `yaml:"name" strict:"required"`
	Version string            `yaml:"version" strict:"required"`
	Config  []string          `yaml:"config,omitempty"`
	Data    []string          `yaml:"data,omitempty"`
	Ignore  []string          `yaml:"ignore,omitempty"`
	Derived []Derived         `yaml:"derived,omitempty"`
	Formats map[string]string `yaml:"formats,omitempty"`
	Links   []Path            `yaml:"links,omitempty"`
}

// Rules returns the part of p that a manifest keeps under rules.
func (p *Product) Rules() Rules {
	return Rules{Config: p.Config, Data: p.Data, Ignore: p.Ignore, Formats: p.Formats, Links: p.Links}
}

// Notes are what a vendor says about one release beside its tree.
type Notes struct {
	From         From          `yaml:"from,omitempty"`
	Renames      []Rename      `yaml:"renames,omitempty"`
	Migrations   []Migration   `yaml:"migrations,omitempty"`
	Irreversible *Irreversible `yaml:"irreversible,omitempty"`
	Fixes        []Fix         `yaml:"fixes,omitempty"`
	Instructions string        `yaml:"instructions,omitempty"`
}
