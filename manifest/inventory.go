package manifest

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"

	"inplace/manifest/strictyaml"
)

// Error and Errors are the faults of a manifest, an inventory or a product
// description, with their places.
type (
	Error  = strictyaml.Error
	Errors = strictyaml.Errors
)

// Limits of an inventory. Within them an inventory needs its text and 4 bytes per
// entry; parsing needs up to 32 more per entry while it lasts.
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

// Inventory lists every path of a release, rising bytewise by path. Raw is the text
// it was parsed from or renders to, and Digest the digest of Raw; neither may be
// changed. The entries are read from the text when they are asked for: as values of
// their own they would take as much memory again as the text, for each inventory.
type Inventory struct {
	Raw    []byte
	Digest Digest

	text  string   // Raw without its first and last line; shares the memory of Raw
	lines []uint32 // where each line of text begins, and the length of text
}

// newInventory is the inventory whose entries are the count lines of body, which is a
// part of raw.
func newInventory(raw []byte, body string, count int) *Inventory {
	v := &Inventory{Raw: raw, text: body, lines: make([]uint32, count+1)}
	at := 0
	for i := range count {
		v.lines[i] = uint32(at) // within MaxInventoryBytes
		at += strings.IndexByte(body[at:], '\n') + 1
	}
	v.lines[count] = uint32(at)
	return v
}

// line is the text of entry i without its line end.
func (v *Inventory) line(i int) string { return v.text[v.lines[i] : v.lines[i+1]-1] }

// SameLine reports whether entry i is spelled as entry k of o is, which is as much as
// whether they are equal.
func (v *Inventory) SameLine(i int, o *Inventory, k int) bool { return v.line(i) == o.line(k) }

// Len is the number of entries.
func (v *Inventory) Len() int { return len(v.lines) - 1 }

// At returns entry i, from 0. Its texts share the memory of Raw.
func (v *Inventory) At(i int) Entry {
	var e Entry
	name, _, msg := parseFields(&e, v.line(i))
	if msg != "" {
		panic("manifest: a checked inventory does not parse: " + msg)
	}
	e.Path = checkedPath(name)
	return e
}

// PathAt returns the path of entry i, from 0, cheaper than At does.
func (v *Inventory) PathAt(i int) Path {
	line := v.line(i)
	return checkedPath(line[strings.LastIndexByte(line, ' ')+1:])
}

// checkedPath is the path that a checked line has as name.
func checkedPath(name string) Path {
	if strings.IndexByte(name, '%') >= 0 {
		name, _ = unescapeName(name)
	}
	return Path(name)
}

// All yields the entries in order, each with its number.
func (v *Inventory) All() iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		for i := range v.Len() {
			if !yield(i, v.At(i)) {
				return
			}
		}
	}
}

// BuildInventory sorts entries, checks them as ParseInventory does, and renders
// them. Fields that do not apply to an entry's kind are set to zero, the mode of
// a link too. Faults are listed all at once, path first. entries is not changed.
func BuildInventory(entries []Entry) (*Inventory, error) {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	var faults Errors
	c := newChecker(len(sorted), func(i int) Path { return sorted[i].Path })
	for i := range sorted {
		e := &sorted[i]
		normalize(e)
		msg := pathFault(string(e.Path))
		if msg == "" {
			msg = entryFault(e)
		}
		if msg == "" {
			msg = c.add(i, e)
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
	_, body, _ := strings.Cut(textOf(raw), "\n")
	v := newInventory(raw, body[:strings.LastIndexByte(body[:len(body)-1], '\n')+1], len(sorted))
	v.Digest = DigestOf(raw)
	return v, nil
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

// Index returns the number of p's entry, -1 if there is none.
func (v *Inventory) Index(p Path) int {
	i := v.search(p)
	if i < v.Len() && v.PathAt(i) == p {
		return i
	}
	return -1
}

// IndexNear is Index for a path that is likely among the entries which follow entry near.
func (v *Inventory) IndexNear(p Path, near int) int {
	for i := max(near, 0); i < min(near+4, v.Len()); i++ {
		if v.PathAt(i) == p {
			return i
		}
	}
	return v.Index(p)
}

// search is the number of the first entry whose path is not less than p.
func (v *Inventory) search(p Path) int {
	return sort.Search(v.Len(), func(i int) bool { return v.PathAt(i) >= p })
}

// Find returns the entry of p, nil if there is none.
func (v *Inventory) Find(p Path) *Entry {
	i := v.Index(p)
	if i < 0 {
		return nil
	}
	e := v.At(i)
	return &e
}

// Below returns the numbers of the entries strictly below dir: those from first up
// to, not including, end. In bytewise order they are contiguous: "a" and "a/b" may
// have "a-b" between them, but nothing lies between two paths that start with "a/".
func (v *Inventory) Below(dir Path) (first, end int) {
	if dir == "" {
		return 0, v.Len()
	}
	return v.search(dir + "/"), v.search(dir + "0") // "0" follows "/"
}

// Walk merges two inventories in one pass, in rising path order. fn gets nil for
// a side that does not list the path; pairs that are the Same are passed over
// unless all is set. The first error of fn ends the walk and is returned. A nil
// inventory is an empty one.
func Walk(base, theirs *Inventory, all bool, fn func(p Path, base, theirs *Entry) error) error {
	b, t := side{v: base}, side{v: theirs}
	for b.more() || t.more() {
		// An entry has one spelling, so equal lines are equal entries.
		if b.more() && t.more() && !all && b.line() == t.line() {
			b.take()
			t.take()
			continue
		}
		left, right := b.peek(), t.peek()
		order := 0
		switch {
		case right == nil:
			order = -1
		case left == nil:
			order = 1
		default:
			order = strings.Compare(string(left.Path), string(right.Path))
		}
		var p Path
		if order <= 0 {
			b.take()
			p = left.Path
		} else {
			left = nil
		}
		if order >= 0 {
			t.take()
			p = right.Path
		} else {
			right = nil
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

// side is one of the inventories of a walk.
type side struct {
	v    *Inventory // nil: empty
	next int
	at   *Entry // entry next, once it was looked at
}

func (s *side) more() bool   { return s.v != nil && s.next < s.v.Len() }
func (s *side) line() string { return s.v.line(s.next) }

// peek is the next entry, nil at the end.
func (s *side) peek() *Entry {
	if s.at == nil && s.more() {
		e := s.v.At(s.next)
		s.at = &e
	}
	return s.at
}

func (s *side) take() { s.next, s.at = s.next+1, nil }
