// Package conflict is the memory of places that the operator and the vendor both
// changed: what identifies such a place, what was decided about it, and the record of
// the workspace in which it waits for a decision.
//
// # Identity
//
// A place is known by its [ID]: the SHA-256 over schema, product, path, format, where it
// is, and the three texts, each preceded by its length in eight bytes, big-endian. Where
// it is: `key`, then the key path; for a place without a key `lines`, then the three
// lines of base before it and the three behind it; for a path that is decided as a whole
// `path`, its three texts being a word for each side (see [Whole]). The same three texts
// in the same place have the same ID on every node.
//
// # On the disk
//
//	updates/resolutions/ID           a resolution that was applied: sealed, 0600
//	updates/resolutions/new/ID       one of the open workspace, not applied yet
//	updates/resolutions/marked/ID    the text of a file as it was laid out to be decided, markers in it
//	updates/resolutions/workspace    the record of the workspace: sealed, 0600
//	updates/conflicts/PATH/          base, ours, theirs and merged, for people
//
// A workspace is open exactly while its record is there. Everything it needs is written
// before the record, and the record is the first thing to go; what an interruption has
// left without a record is cleared by the next run. A record whose files are not
// those it names (by digest) counts for nothing as far as that path goes. Resolutions are
// replaced one by one, each in one step.
package conflict

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"inplace/manifest"
)

// Schema is that of an ID and of a resolution.
const Schema = "inplace/resolution/1"

// ID identifies a place: 64 lower-case hexadecimal digits.
type ID string

// Short is what people type instead of the whole ID.
func (id ID) Short() string { return string(id[:min(len(id), shortID)]) }

const shortID = 8

// Valid reports whether id is one.
func (id ID) Valid() bool {
	_, err := hex.DecodeString(string(id))
	return err == nil && len(id) == 2*sha256.Size && strings.ToLower(string(id)) == string(id)
}

// Matches reports whether typed is id or a beginning of it that is long enough.
func (id ID) Matches(typed string) bool {
	return len(typed) >= shortID && strings.HasPrefix(string(id), strings.ToLower(typed))
}

// Kind says what contradicts.
type Kind string

// The kinds.
const (
	Contents Kind = "contents" // places in a text
	Deleted  Kind = "deleted"  // one side deleted what the other changed
	Added    Kind = "added"    // both sides added something there
	Binary   Kind = "binary"   // contents that are no text, or too large
	Changed  Kind = "kind"     // one side made it another kind of path
	Mode     Kind = "mode"     // both sides changed its mode
)

// A Place is what an ID stands for.
type Place struct {
	Product            string
	Path               manifest.Path
	Format             string
	Key                string // "" where lines conflict
	Before, After      []byte // of a place without a key: lines of base around it
	Base, Ours, Theirs []byte
}

// ID is the identity of a place within a text.
func (p Place) ID() ID {
	where := []byte("key\x00" + p.Key)
	if p.Key == "" {
		where = join([]byte("lines\x00"), p.Before, []byte{0}, p.After)
	}
	return sum([]byte(Schema), []byte(p.Product), []byte(p.Path), []byte(p.Format), where, p.Base, p.Ours, p.Theirs)
}

// Whole is the identity of a path that is decided as a whole. The sides are words such
// as `file sha256:...`, `link TARGET`, `directory`, `absent`.
func Whole(product string, path manifest.Path, base, ours, theirs string) ID {
	return sum([]byte(Schema), []byte(product), []byte(path), nil, []byte("path"), []byte(base), []byte(ours), []byte(theirs))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func sum(fields ...[]byte) ID {
	h := sha256.New()
	var n [8]byte
	for _, f := range fields {
		binary.BigEndian.PutUint64(n[:], uint64(len(f)))
		h.Write(n[:])
		h.Write(f)
	}
	return ID(hex.EncodeToString(h.Sum(nil)))
}

// contextLines is how many lines around a place without a key are part of its identity.
const contextLines = 3

// Around returns the lines before line start of text and those from line end on that are
// part of the identity of the place between them. Lines are counted from 0, and taken
// without their line ends and trailing blanks.
func Around(text []byte, start, end int) (before, after []byte) {
	lines := bytes.Split(text, []byte("\n"))
	part := func(from, to int) []byte {
		var b bytes.Buffer
		for i := max(from, 0); i < min(to, len(lines)); i++ {
			b.Write(bytes.TrimRight(lines[i], " \t\r"))
			b.WriteByte('\n')
		}
		return b.Bytes()
	}
	return part(start-contextLines, min(start, len(lines))), part(end, end+contextLines)
}

// minMarker is the least length of a marker.
const minMarker = 7

// MarkerLine is the number of the first line of text, counted from 1, that is a conflict
// marker; 0 if none is. size is the length of the markers that were written.
func MarkerLine(text []byte, size int) int {
	if size < minMarker {
		return 0
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if markerSize(line) == size {
			return n
		}
	}
	return 0
}

// AnyMarker is MarkerLine for markers of any length.
func AnyMarker(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if markerSize(line) > 0 {
			return n
		}
	}
	return 0
}

// MarkerLen is the length of the markers of a block, by its first line.
func MarkerLen(block []byte) int { return markerSize(block) }

// markerSize is how many of <, | or > begin a line that is a conflict marker, else 0.
func markerSize(line []byte) int {
	if len(line) == 0 || line[0] != '<' && line[0] != '|' && line[0] != '>' {
		return 0
	}
	n := 1
	for n < len(line) && line[n] == line[0] {
		n++
	}
	rest := line[n:]
	if n < minMarker || len(rest) > 0 && bytes.IndexByte([]byte(" \t\r\n"), rest[0]) < 0 {
		return 0
	}
	return n
}

// errorf is an error about the file name.
func errorf(name, format string, args ...any) error {
	return fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
}
