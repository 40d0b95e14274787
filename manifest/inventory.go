package manifest

import (
	"fmt"
	"slices"
	"strings"

	"inplace/manifest/strictyaml"
)

// Error and Errors are the faults of a manifest, an inventory or a product
// description, with their places.
type (
	Error  = strictyaml.Error
	Errors = strictyaml.Errors
)

// Limits of an inventory. Within them parsing needs memory in proportion to the
// text: about 80 bytes per entry beside it.
const (
	MaxInventoryBytes = 256 << 20
	MaxEntries        = 1 << 20
	MaxTotalSize      = 1 << 53 // of all files together, in bytes
)

// Kind is what lies at a path. The zero Kind is Absent: nothing lies there.
type Kind byte

const (
	Absent Kind = iota
	File
	Dir
	Link
	Other // a socket, a device, a pipe; never in an inventory
)

// MarshalText gives the word for k, for documents.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// String returns the word used in messages.
func (k Kind) String() string {
	switch k {
	case Absent:
		return "absent"
	case File:
		return "file"
	case Dir:
		return "directory"
	case Link:
		return "link"
	case Other:
		return "special file"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// ModeMask holds the permission bits a release may set.
const ModeMask = 0o755

// Entry is one path of a tree. Mode holds permission bits of files and
// directories, Size and Digest belong to files, Target (raw, never followed) to
// links; where a field does not apply it is zero.
type Entry struct {
	Path   Path
	Kind   Kind
	Mode   uint32
	Size   int64
	Digest Digest
	Target string
}

// Same reports whether e and o are alike in kind, mode and content.
func (e *Entry) Same(o *Entry) bool { return e.Mode == o.Mode && e.SameContent(o) }

// SameContent reports whether e and o are alike in kind and content: the digest
// of files, the target of links. The mode may differ.
func (e *Entry) SameContent(o *Entry) bool {
	return e.Kind == o.Kind && e.Digest == o.Digest && e.Target == o.Target
}

// Inventory lists every path of a release. Entries rise bytewise by path. Raw is
// the text it was parsed from or renders to, and Digest the digest of Raw; none
// of the three may be changed.
type Inventory struct {
	Entries []Entry
	Raw     []byte
	Digest  Digest
}

// BuildInventory sorts entries, checks them as ParseInventory does, and renders
// them. Fields that do not apply to an entry's kind are set to zero, the mode of
// a link too. Faults are listed all at once, path first. entries is not changed.
func BuildInventory(entries []Entry) (*Inventory, error) {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	var faults Errors
	c := newChecker(len(sorted))
	for i := range sorted {
		e := &sorted[i]
		normalize(e)
		msg := pathFault(string(e.Path))
		if msg == "" {
			msg = entryFault(e)
		}
		if msg == "" {
			msg = c.add(sorted[:i+1])
		}
		if msg != "" {
			faults = append(faults, &Error{Msg: printableCut(string(e.Path)) + ": " + msg})
		}
	}
	if len(sorted) > MaxEntries {
		faults = append(faults, &Error{Msg: fmt.Sprintf("want at most %d entries, got %d", MaxEntries, len(sorted))})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	raw := renderInventory(sorted)
	if len(raw) > MaxInventoryBytes {
		return nil, fmt.Errorf("want an inventory of at most %d bytes, got %d", MaxInventoryBytes, len(raw))
	}
	return &Inventory{Entries: sorted, Raw: raw, Digest: DigestOf(raw)}, nil
}

// normalize clears the fields that do not apply to e's kind.
func normalize(e *Entry) {
	switch e.Kind {
	case File:
		e.Target = ""
	case Dir:
		e.Size, e.Digest, e.Target = 0, Digest{}, ""
	case Link:
		e.Mode, e.Size, e.Digest = 0, 0, Digest{}
	}
}

// Find returns the entry of p, nil if there is none.
func (v *Inventory) Find(p Path) *Entry {
	i, found := slices.BinarySearchFunc(v.Entries, p, func(e Entry, p Path) int {
		return strings.Compare(string(e.Path), string(p))
	})
	if !found {
		return nil
	}
	return &v.Entries[i]
}

// Below returns the entries strictly below dir, in order, sharing memory with v.
// In bytewise order they are contiguous: "a" and "a/b" may have "a-b" between
// them, but nothing lies between two paths that start with "a/".
func (v *Inventory) Below(dir Path) []Entry {
	if dir == "" {
		return v.Entries
	}
	from, _ := slices.BinarySearchFunc(v.Entries, dir+"/", func(e Entry, p Path) int {
		return strings.Compare(string(e.Path), string(p))
	})
	rest := v.Entries[from:]
	n, _ := slices.BinarySearchFunc(rest, dir, func(e Entry, dir Path) int {
		if e.Path.Within(dir) {
			return -1
		}
		return 1
	})
	return rest[:n:n]
}

// Walk merges two inventories in one pass, in rising path order. fn gets nil for
// a side that does not list the path; pairs that are the Same are passed over
// unless all is set. The first error of fn ends the walk and is returned. A nil
// inventory is an empty one.
func Walk(base, theirs *Inventory, all bool, fn func(p Path, base, theirs *Entry) error) error {
	var b, t []Entry
	if base != nil {
		b = base.Entries
	}
	if theirs != nil {
		t = theirs.Entries
	}
	for len(b) > 0 || len(t) > 0 {
		var left, right *Entry
		order := 0
		switch {
		case len(t) == 0:
			order = -1
		case len(b) == 0:
			order = 1
		default:
			order = strings.Compare(string(b[0].Path), string(t[0].Path))
		}
		var p Path
		if order <= 0 {
			left, b = &b[0], b[1:]
			p = left.Path
		}
		if order >= 0 {
			right, t = &t[0], t[1:]
			p = right.Path
		}
		if !all && order == 0 && left.Same(right) {
			continue
		}
		if err := fn(p, left, right); err != nil {
			return err
		}
	}
	return nil
}
