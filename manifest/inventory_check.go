package manifest

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// entryFault checks what an entry alone can have wrong, its path apart.
func entryFault(e *Entry) string {
	switch e.Kind {
	case File, Dir:
		if bad := e.Mode &^ ModeMask; bad != 0 {
			return fmt.Sprintf("want a mode within 0755, got %04o", e.Mode)
		}
		if e.Size < 0 {
			return fmt.Sprintf("want a size of 0 or more, got %d", e.Size)
		}
		if e.Kind == File && e.Digest.IsZero() {
			return "want a digest, got none"
		}
	case Link:
		switch {
		case e.Target == "":
			return "want a link with a target, got an empty one"
		case len(e.Target) > MaxPath:
			return fmt.Sprintf("want a link target of at most %d bytes, got %d", MaxPath, len(e.Target))
		case strings.IndexByte(e.Target, 0) >= 0:
			return "want a link target without NUL bytes"
		}
	default:
		return "want a file, a directory or a link, got " + kindOf(e)
	}
	return ""
}

// checker checks entries against those before them, in one pass: rising order,
// each parent listed before as a directory, no two names in a directory that a
// case-insensitive or normalising disk takes for one, and the sum of sizes.
//
// Parents come from a stack of the directories whose path is a string prefix of
// the current path ("a" stays while "a-b" passes, since "a/b" comes later). Its
// members are prefixes of one another, so a length names at most one of them and
// a binary search by length finds a parent, however hostile the list.
//
// Two paths can be one only if their parents are, so it is enough to compare the
// folded names within a directory: an open hash table, at most half full, holds
// (hash of parent and folded name, index).
type checker struct {
	path      func(i int) Path // of an entry that was added
	last      Path
	dirs      []listedDir // each path a prefix of the next
	table     []uint64    // upper half of the hash, index+1; 0 is free
	seed      maphash.Seed
	key       []byte
	total     int64
	unordered bool // parents and twins are not looked for in an unsorted list
}

// listedDir is a directory among the entries.
type listedDir struct {
	path  Path
	index int
}

// newChecker returns a checker for at most count entries, whose paths are told by
// path.
func newChecker(count int, path func(i int) Path) *checker {
	size := 64
	for size < 2*count {
		size *= 2
	}
	return &checker{path: path, table: make([]uint64, size), seed: maphash.MakeSeed()}
}

// add checks entry i, which is e, against those added before, and returns its first
// fault.
func (c *checker) add(i int, e *Entry) string {
	last := c.last
	c.last = e.Path
	if last != "" {
		switch strings.Compare(string(last), string(e.Path)) {
		case 0:
			return "want each path once, got it twice"
		case 1:
			c.unordered = true
			return fmt.Sprintf("want paths in rising order, got it after %s", last)
		}
	}
	if c.unordered {
		return ""
	}
	for len(c.dirs) > 0 && !strings.HasPrefix(string(e.Path), string(c.dirs[len(c.dirs)-1].path)) {
		c.dirs = c.dirs[:len(c.dirs)-1]
	}
	parent, ok := c.parent(e.Path)
	if e.Kind == Dir {
		c.dirs = append(c.dirs, listedDir{e.Path, i})
	}
	if !ok {
		return fmt.Sprintf("want its parent %s listed before as a directory", e.Path.Parent())
	}
	if twin := c.insert(i, e.Path, parent); twin >= 0 {
		return fmt.Sprintf("want names that differ on every disk, got it beside %s", c.path(twin))
	}
	if e.Kind == File {
		if e.Size > MaxTotalSize-c.total {
			return fmt.Sprintf("want sizes of at most %d bytes together, got more", int64(MaxTotalSize))
		}
		c.total += e.Size
	}
	return ""
}

// parent returns the index of p's parent, -1 at the top, and false if the parent
// is not among the directories seen.
func (c *checker) parent(p Path) (int, bool) {
	cut := strings.LastIndexByte(string(p), '/')
	if cut < 0 {
		return -1, true
	}
	at, found := slices.BinarySearchFunc(c.dirs, cut, func(d listedDir, cut int) int {
		return len(d.path) - cut
	})
	if !found {
		return -1, false
	}
	return c.dirs[at].index, true
}

// insert puts entry i, whose path is given, into the table and returns the index of
// an entry of the same directory whose folded name is the same, or -1.
func (c *checker) insert(i int, path Path, parent int) int {
	const upper = 0xffffffff << 32
	hash := c.hash(path.Base(), parent)
	mask := uint64(len(c.table) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		slot := c.table[at]
		if slot == 0 {
			c.table[at] = hash&upper | uint64(i+1)
			return -1
		}
		if slot&upper != hash&upper {
			continue
		}
		other := int(uint32(slot)) - 1
		if twin := c.path(other); twin.Parent() == path.Parent() && fold(twin.Base()) == fold(path.Base()) {
			return other
		}
	}
}

// hash hashes the folded name together with the index of its parent.
func (c *checker) hash(name string, parent int) uint64 {
	c.key = append(c.key[:0], byte(parent), byte(parent>>8), byte(parent>>16), byte(parent>>24))
	for j := 0; j < len(name); j++ {
		b := name[j]
		if b >= utf8.RuneSelf {
			c.key = append(c.key[:4], foldUnicode(name)...)
			break
		}
		if b-'A' < 26 {
			b += 'a' - 'A'
		}
		c.key = append(c.key, b)
	}
	return maphash.Bytes(c.seed, c.key)
}
