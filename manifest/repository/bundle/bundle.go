// Package bundle is a part of a repository in one file, to be carried where no network
// reaches. A bundle is read in place; nothing of it is unpacked first.
//
// # Format
//
// A bundle is a zip file in one canonical form. Its entries are files of the repository
// under their very paths, stored and not compressed, in this order:
//
//	metadata/N.root.json ...     every root, the oldest first; then the other roles
//	metadata/timestamp.json
//	targets/CHANNEL/...          manifests, and other targets
//	inventories/DIGEST.zst
//	blobs/xx/DIGEST.zst          in the order in which an update reads them
//	bundle.json                  what the bundle is good for, see [Index]
//
// The first local header is at 0, every entry begins where the one before ends, the
// directory where the last ends, and nothing follows its end. There is no time (all are of
// 1980-01-01), no comment, no flag, no data descriptor, no directory; a zip64 field is
// there exactly where a number does not fit otherwise. So the names, lengths and CRCs
// decide every other byte of headers and directory, and a reader compares these bytes with
// what it would write itself: the same contents give the same file, and no two zip readers
// can read different things from it.
//
// # What a reader may believe
//
// Nothing: a bundle is a transport like any other, and what it holds is checked by
// signature and digest. The checks here are for saying early, and in words, that a file was
// cut, joined or put together from parts. bundle.json has the digest of the list of all
// other entries; it is not signed.
//
// # Interruption
//
// Reading writes nothing. A [Writer] writes to a file that its caller gives a name only when
// it is whole.
package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"os"
	"strconv"
	"strings"

	"inplace/manifest"
	"inplace/manifest/repository"
)

const (
	indexName     = "bundle.json"
	indexSchema   = "inplace/bundle/1"
	maxIndexBytes = 1 << 20
)

// Index says what a bundle is good for.
type Index struct {
	Schema  string `json:"schema"` // inplace/bundle/1
	Product string `json:"product"`
	repository.Promise

	Files     int             `json:"files"`     // entries, without this one
	Bytes     int64           `json:"bytes"`     // of these, without headers
	Directory manifest.Digest `json:"directory"` // of the lines "LENGTH CRC PATH\n" of these, CRC in 8 hexadecimal digits
}

// Serves says in words what the bundle is good for.
func (x *Index) Serves() string {
	levels := make([]string, len(x.Levels))
	for i, n := range x.Levels {
		levels[i] = fmt.Sprint(n)
	}
	text := strings.Join(levels, ", ")
	if n := len(levels); n > 8 {
		text = levels[0] + ", " + levels[1] + ", ... " + levels[n-1]
	}
	switch len(levels) {
	case 0:
		return fmt.Sprintf("level %d of channel %s", x.To, x.Channel)
	case 1:
		text = "level " + text
	default:
		text = "levels " + text
	}
	return fmt.Sprintf("updates from %s to level %d of channel %s", text, x.To, x.Channel)
}

// Bundle is an open bundle, as a transport: see [repository.Transport]. Its methods may be
// called by several goroutines.
type Bundle struct {
	Index
	r     io.ReaderAt
	f     io.Closer
	name  string
	files []file
	at    map[string]int
}

// Open opens the bundle in the file path and reads its directory. A file that is no
// bundle, or not a whole one, is a *[DamagedError] of name.
func Open(name, path string) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: want a file, got something else", name)
	}
	b := &Bundle{r: f, f: f, name: name}
	if err == nil {
		err = b.read(info.Size())
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return b, nil
}

// IsFile reports whether path is a file, and so may be a bundle.
func IsFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// read reads the directory and the index of a bundle of size bytes.
func (b *Bundle) read(size int64) error {
	files, err := readDirectory(b.r, size)
	if err != nil {
		return b.bad(err)
	}
	b.files, b.at = files, make(map[string]int, len(files))
	for i := range files {
		name := files[i].name
		if _, twice := b.at[name]; twice {
			return b.bad(fmt.Errorf("%s: is there twice", name))
		}
		if i > 0 && rank(name) < rank(files[i-1].name) {
			return b.bad(fmt.Errorf("%s: comes after %s: two bundles were joined, or one was put together anew", name, files[i-1].name))
		}
		b.at[name] = i
	}
	last := len(files) - 1
	if last < 0 || files[last].name != indexName {
		return b.bad(fmt.Errorf("%s: is missing, so this is no bundle, or a part of one", indexName))
	}
	if err := b.readIndex(&files[last]); err != nil {
		return b.bad(fmt.Errorf("%s: %w", indexName, err))
	}
	delete(b.at, indexName)
	b.files = files[:last]
	got := Index{}
	got.list(b.files)
	switch {
	case got.Files < b.Files:
		return b.bad(fmt.Errorf("is a part of a bundle: want %d files, got %d", b.Files, got.Files))
	case got.Files > b.Files:
		return b.bad(fmt.Errorf("something was added: want %d files, got %d", b.Files, got.Files))
	case got.Directory != b.Directory || got.Bytes != b.Bytes:
		return b.bad(fmt.Errorf("files of another bundle are mixed into it: its directory is not the one that %s names", indexName))
	}
	return nil
}

// list fills in what is said of all files.
func (x *Index) list(files []file) {
	x.Files, x.Bytes = len(files), 0
	h := sha256.New()
	var line []byte
	for i := range files {
		f := &files[i]
		x.Bytes += f.size
		line = append(strconv.AppendInt(line[:0], f.size, 10), ' ')
		line = append(hex.AppendEncode(line, binary.BigEndian.AppendUint32(nil, f.crc)), ' ')
		line = append(append(line, f.name...), '\n')
		h.Write(line)
	}
	x.Directory = manifest.Digest(h.Sum(nil))
}

func (b *Bundle) readIndex(f *file) error {
	if f.size > maxIndexBytes {
		return fmt.Errorf("want at most %d bytes, got %d", maxIndexBytes, f.size)
	}
	if err := f.checkHeader(b.r); err != nil {
		return err
	}
	data := make([]byte, f.size)
	if _, err := b.r.ReadAt(data, f.data()); err != nil {
		return err
	}
	if crc32.ChecksumIEEE(data) != f.crc {
		return errors.New("other bytes than its CRC says")
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	if head.Schema != indexSchema {
		return fmt.Errorf("schema: want %s, got %q", indexSchema, head.Schema)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&b.Index); err != nil {
		return err
	}
	if repository.CheckChannel(b.Channel) != nil || b.To < 0 || b.Files < 0 {
		return errors.New("malformed")
	}
	return nil
}

func (b *Bundle) bad(err error) error { return &DamagedError{b.name, err} }

// DamagedError reports a file that is no bundle, or not as one was written. It unwraps to a
// *[repository.UntrustedError] too.
type DamagedError struct {
	Bundle string
	Err    error // what is wrong
}

func (e *DamagedError) Error() string { return e.Bundle + ": " + e.Err.Error() }

// Unwrap returns what is wrong, and what it is to whoever knows no bundles.
func (e *DamagedError) Unwrap() []error {
	return []error{e.Err, &repository.UntrustedError{Path: e.Bundle, Why: repository.BadForm, Msg: "not a whole bundle", Err: e.Err}}
}

// Close closes the file. What is being read becomes unreadable.
func (b *Bundle) Close() error { return b.f.Close() }

// Length is how long the file path is; ok is false where it is not in the bundle.
func (b *Bundle) Length(path string) (n int64, ok bool) {
	i, ok := b.at[path]
	if ok {
		n = b.files[i].size
	}
	return n, ok
}

// Names are the paths of all files but the index.
func (b *Bundle) Names() iter.Seq[string] { return maps.Keys(b.at) }

// Promises is what the index says.
func (b *Bundle) Promises() repository.Promise { return b.Promise }

// NotWhole reports that what of the file path says that the bundle is not as one was written.
func (b *Bundle) NotWhole(path, what string) error {
	return b.bad(&repository.UntrustedError{Path: path, Why: repository.Mixed, Msg: what})
}

// Get opens the file path. That metadata are missing which others must have with them is a
// *[DamagedError], anything else that is not there a *[MissingError].
func (b *Bundle) Get(ctx context.Context, path string, _ int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	i, ok := b.at[path]
	if !ok {
		if strings.HasPrefix(path, "metadata/") && !strings.HasSuffix(path, ".root.json") {
			return nil, b.NotWhole(path, "is missing, and the rest of the bundle needs it: it was left out, or files of two bundles were mixed")
		}
		return nil, &MissingError{Bundle: b.name, Path: path, Serves: b.Serves()}
	}
	f := &b.files[i]
	if err := f.checkHeader(b.r); err != nil {
		return nil, err
	}
	return &entry{SectionReader: io.NewSectionReader(b.r, f.data(), f.size), b: b, f: f}, nil
}

// MissingError reports a file that a bundle does not have, and need not have. It unwraps to
// a *[repository.NotFoundError].
type MissingError struct {
	Bundle string
	Path   string
	Serves string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s: is not in %s, which is for %s", e.Path, e.Bundle, e.Serves)
}

// Unwrap returns what it is to whoever knows no bundles.
func (e *MissingError) Unwrap() error { return &repository.NotFoundError{Path: e.Path} }

// entry is a file of the bundle being read from its first byte to its last, with which its
// CRC has to be right.
type entry struct {
	*io.SectionReader
	b   *Bundle
	f   *file
	got Sum
}

// Read reads on.
func (e *entry) Read(p []byte) (int, error) {
	n, err := e.SectionReader.Read(p)
	_, _ = e.got.Write(p[:n])
	switch {
	case e.got.Size == e.f.size && e.got.CRC != e.f.crc:
		return n, e.damaged("other bytes than the directory of the bundle says")
	case errors.Is(err, io.EOF) && e.got.Size < e.f.size:
		return n, e.damaged("the bundle was cut while it was read")
	}
	return n, err
}

func (e *entry) damaged(what string) error {
	return e.b.bad(&repository.UntrustedError{Path: e.f.name, Why: repository.BadDigest, Msg: "is damaged: " + what})
}

// Close ends reading; the file stays open.
func (e *entry) Close() error { return nil }

// rank orders the kinds of files.
func rank(name string) int {
	for i, dir := range []string{"metadata/", "targets/", "inventories/", "blobs/"} {
		if strings.HasPrefix(name, dir) {
			return i
		}
	}
	return 4
}
