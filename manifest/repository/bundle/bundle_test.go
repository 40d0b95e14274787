package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inplace/manifest"
	"inplace/manifest/repository"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// published is a repository with one level of two files.
func published(t testing.TB) string {
	t.Helper()
	work := t.TempDir()
	tree, dir, keys := filepath.Join(work, "tree"), filepath.Join(work, "repo"), filepath.Join(work, "keys")
	must(t, os.MkdirAll(tree, 0o755))
	must(t, os.WriteFile(filepath.Join(tree, "a.txt"), []byte("a\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(tree, "b.txt"), []byte("b\n"), 0o644))
	_, err := repository.Init(repository.InitOptions{Dir: dir, KeysDir: keys, Passphrase: []byte{}, Now: noon,
		Product: []byte("schema: inplace/product/1\nname: acme\nversion: \"1\"\nconfig: [\"conf/**\"]\n")})
	must(t, err)
	_, err = repository.Add(t.Context(), repository.AddOptions{Dir: dir, KeysDir: keys, Tree: tree, Level: 1, Channel: "full", Passphrase: []byte{}, Released: noon, Now: noon})
	must(t, err)
	return dir
}

// everything is what a client reads of a repository, by path, each file checked.
func everything(t testing.TB, source string, transport repository.Transport) (map[string][]byte, []string, error) {
	t.Helper()
	c, err := repository.Open(source, repository.ClientOptions{Transport: transport})
	must(t, err)
	trust, err := c.FirstTrust(t.Context(), nil)
	if err == nil {
		err = c.Refresh(t.Context(), trust, noon)
	}
	if err != nil {
		return nil, nil, err
	}
	pieces, err := c.Metadata(t.Context())
	if err != nil {
		return nil, nil, err
	}
	list, err := c.Releases("full")
	if err != nil {
		return nil, nil, err
	}
	for _, r := range list {
		m, raw, err := c.Manifest(t.Context(), r)
		if err != nil {
			return nil, nil, err
		}
		v, err := c.Inventory(t.Context(), m)
		if err != nil {
			return nil, nil, err
		}
		pieces = append(pieces, repository.ManifestPiece(r, raw), repository.InventoryPiece(m))
		for _, e := range v.All() {
			if e.Kind == manifest.File {
				pieces = append(pieces, repository.ContentPiece(e.Digest, e.Size))
			}
		}
	}
	out, order := map[string][]byte{}, []string(nil)
	for _, p := range pieces {
		if p.Data == nil {
			var buf bytes.Buffer
			if err := c.Take(t.Context(), p, &buf); err != nil {
				return nil, nil, err
			}
			p.Data = buf.Bytes()
		}
		out[p.Path] = p.Data
		order = append(order, p.Path)
	}
	return out, order, nil
}

// entryOf is an entry as a test writes it.
type entryOf struct {
	name string
	data []byte
}

func entries(t testing.TB) []entryOf {
	t.Helper()
	all, order, err := everything(t, published(t), nil)
	must(t, err)
	out := make([]entryOf, len(order))
	for i, name := range order {
		out[i] = entryOf{name, all[name]}
	}
	return out
}

func pack(t testing.TB, list []entryOf) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := NewWriter(&buf)
	for _, e := range list {
		must(t, w.AddBytes(e.name, e.data))
	}
	must(t, w.Close(Index{Product: "acme", Promise: repository.Promise{Channel: "full", Levels: []int64{}, To: 1, Whole: true}}))
	return buf.Bytes()
}

func open(data []byte) (*Bundle, error) {
	b := &Bundle{r: bytes.NewReader(data), f: io.NopCloser(nil), name: "x.bundle"}
	return b, b.read(int64(len(data)))
}

// TestRoundTrip: what was written is read, by this reader and by archive/zip, whose reader
// knows nothing of ours; and the same files give the same bytes.
func TestRoundTrip(t *testing.T) {
	list := entries(t)
	data := pack(t, list)
	if !bytes.Equal(data, pack(t, list)) {
		t.Error("the same files gave other bytes")
	}
	b, err := open(data)
	must(t, err)
	got, _, err := everything(t, "x.bundle", b)
	must(t, err)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	if len(z.File) != len(list)+1 {
		t.Fatalf("archive/zip: want %d files, got %d", len(list)+1, len(z.File))
	}
	for i, e := range list {
		if !bytes.Equal(got[e.name], e.data) {
			t.Errorf("%s: want %d bytes, got %d others", e.name, len(e.data), len(got[e.name]))
		}
		r, err := z.File[i].Open()
		must(t, err)
		other, err := io.ReadAll(r)
		if err != nil || z.File[i].Name != e.name || !bytes.Equal(other, e.data) || z.File[i].Mode() != 0o644 {
			t.Errorf("archive/zip: %s: %v, mode %v", z.File[i].Name, err, z.File[i].Mode())
		}
	}
}

// TestRefused: a file that no Writer writes is refused, and it is said why.
func TestRefused(t *testing.T) {
	list := entries(t)
	sound := pack(t, list)
	without := func(i int) []entryOf { return append(append([]entryOf{}, list[:i]...), list[i+1:]...) }
	zipped := func(method uint16, names ...string) []byte {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		for _, name := range names {
			f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
			must(t, err)
			if !strings.HasSuffix(name, "/") {
				_, err = f.Write(bytes.Repeat([]byte("x"), 100))
				must(t, err)
			}
		}
		must(t, w.Close())
		return buf.Bytes()
	}
	// raw puts files together as a Writer does, without its checks, and with the index of sound.
	raw := func(list []entryOf) []byte {
		var out, dir []byte
		index, err := open(sound)
		must(t, err)
		at := index.files[len(index.files)-1].end()
		x := file{name: indexName, at: at}
		list = append(append([]entryOf{}, list...), entryOf{indexName, sound[x.data() : bytes.Index(sound[x.data():], []byte("\n}\n"))+int(x.data())+3]})
		for _, e := range list {
			var sum Sum
			_, _ = sum.Write(e.data)
			f := file{name: e.name, at: int64(len(out)), size: sum.Size, crc: sum.CRC}
			out = append(appendLocal(out, &f), e.data...)
			dir = appendCentral(dir, &f)
		}
		at = int64(len(out))
		return appendEnd(append(out, dir...), len(list), int64(len(dir)), at)
	}
	if !bytes.Equal(raw(list), sound) {
		t.Fatal("raw does not write what a Writer does")
	}
	blob := len(list) - 1
	changed := append([]entryOf{}, list...)
	changed[blob].data = append([]byte{}, changed[blob].data...)
	changed[blob].data[0] ^= 1
	swapped := append([]entryOf{}, list...)
	swapped[0], swapped[blob] = swapped[blob], swapped[0]
	comment := append([]byte{}, sound...)
	comment[len(comment)-2] = 3
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "is no bundle"},
		{"a text", []byte("schema: inplace/notes/1\n some text that is long enough"), "is no bundle"},
		{"cut in its middle", sound[:len(sound)/2], "cut"},
		{"cut by a byte", sound[:len(sound)-1], "cut"},
		{"a byte follows", append(append([]byte{}, sound...), 0), "follows"},
		{"a comment follows", append(comment, "abc"...), "follows"},
		{"joined behind another file", append([]byte("#!/bin/sh\nexit\n"), sound...), "something was joined"},
		{"two bundles joined", append(append([]byte{}, sound...), sound...), "something was joined"},
		{"compressed", zipped(zip.Deflate, "metadata/timestamp.json"), "is compressed"},
		{"a zip file of another kind", zipped(zip.Store, "META-INF/MANIFEST.MF"), "is no file of a repository"},
		{"a directory", zipped(zip.Store, "metadata/"), "is a directory"},
		{"out of the tree", zipped(zip.Store, "blobs/../../etc/passwd"), "is no file of a repository"},
		{"written by another program", zipped(zip.Store, "metadata/timestamp.json"), "not as fetch writes it"},
		{"an entry left out", raw(without(blob)), "is a part of a bundle"},
		{"an entry added", raw(append(append([]entryOf{}, list...), entryOf{"blobs/00/" + strings.Repeat("0", 64) + ".zst", nil})), "something was added"},
		{"an entry of another bundle", raw(changed), "another bundle are mixed"},
		{"an entry twice", raw(append(append([]entryOf{}, list...), list[blob])), "is there twice"},
		{"another order", raw(swapped), "put together anew"},
		{"without an index", func() []byte {
			var buf bytes.Buffer
			w := NewWriter(&buf)
			must(t, w.Add("metadata/timestamp.json", Sum{}, func(io.Writer) error { return nil }))
			dir := appendCentral(nil, &w.files[0])
			return appendEnd(append(buf.Bytes(), dir...), 1, int64(len(dir)), w.at)
		}(), "bundle.json: is missing"},
		{"nothing", appendEnd(nil, 0, 0, 0), "bundle.json: is missing"},
	}
	for _, tt := range tests {
		_, err := open(tt.data)
		var damaged *DamagedError
		var untrusted *repository.UntrustedError
		if !errors.As(err, &damaged) || !errors.As(err, &untrusted) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: want an error with %q, got %v", tt.name, tt.want, err)
		}
	}
}

// TestPlaces: an offset in the directory that is not where the file lies is refused.
func TestPlaces(t *testing.T) {
	sound := pack(t, entries(t))
	b, err := open(sound)
	must(t, err)
	dirAt := bytes.Index(sound, le.AppendUint32(nil, centralSig))
	second := dirAt + len(appendCentral(nil, &b.files[0]))
	for _, tt := range []struct {
		by   int
		want string
	}{{-1, "overlaps"}, {1, "leaves a gap"}} {
		data := append([]byte{}, sound...)
		le.PutUint32(data[second+42:], uint32(int(le.Uint32(data[second+42:]))+tt.by))
		if _, err := open(data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("offset moved by %d: want an error with %q, got %v", tt.by, tt.want, err)
		}
	}
}

// TestEveryByte: whichever byte is turned over, and wherever the file is cut, a client reads
// the vendor's bytes or an error, and never others.
func TestEveryByte(t *testing.T) {
	list := entries(t)
	sound := pack(t, list)
	refused, all := 0, 0
	try := func(what string, data []byte) {
		all++
		b, err := open(data)
		var got map[string][]byte
		if err == nil {
			got, _, err = everything(t, "x.bundle", b)
		}
		if err != nil {
			refused++
			return
		}
		for _, e := range list {
			if !bytes.Equal(got[e.name], e.data) {
				t.Errorf("%s: %s: other bytes than the vendor's, without an error", what, e.name)
			}
		}
	}
	step := 5
	if testing.Short() {
		step = 29
	}
	for i := 0; i < len(sound); i += step {
		data := append([]byte{}, sound...)
		data[i] ^= 1 << (i / step % 8)
		try(fmt.Sprintf("byte %d", i), data)
	}
	for i := 0; i < len(sound); i += 7 * step {
		try(fmt.Sprintf("cut at %d", i), sound[:i])
	}
	if refused != all { // nothing in a bundle of everything may go unnoticed
		t.Errorf("want all of %d refused, got %d", all, refused)
	}
}

// TestWide: more files, and longer ones, than the fields of a zip file can say without zip64.
func TestWide(t *testing.T) {
	for _, f := range []file{
		{name: "blobs/x", size: 5},
		{name: "blobs/x", size: fits32 - 1, at: fits32 - 1},
		{name: "blobs/x", size: fits32},
		{name: "blobs/x", size: 5, at: fits32},
		{name: "blobs/x", size: 9 << 32, at: 7 << 32},
	} {
		// A directory of one entry at f.at, in a file that is empty before it.
		dir := appendCentral(nil, &f)
		end := appendEnd(dir, 1, int64(len(dir)), f.end())
		z, err := zip.NewReader(&sparse{at: f.end(), tail: end}, f.end()+int64(len(end)))
		must(t, err)
		if got := int64(z.File[0].UncompressedSize64); got != f.size || z.File[0].CompressedSize64 != uint64(f.size) {
			t.Errorf("%d bytes at %d: archive/zip reads %d", f.size, f.at, got)
		}
		if f.at == 0 {
			files, err := readDirectory(&sparse{at: f.end(), tail: end}, f.end()+int64(len(end)))
			if err == nil || !strings.Contains(err.Error(), "no file of a repository") {
				t.Errorf("%d bytes: want the name refused, got %v, %v", f.size, files, err)
			}
		}
		if h := int64(len(appendLocal(nil, &f))); h != f.headerBytes() {
			t.Errorf("%d bytes: local header: want %d bytes, got %d", f.size, f.headerBytes(), h)
		}
	}
	n, length, at, err := readEnd(&sparse{at: 1 << 20, tail: appendEnd(nil, 70000, 1<<20, 0)}, 1<<20+end64Bytes+endBytes)
	if err != nil || n != 70000 || length != 1<<20 || at != 0 {
		t.Errorf("70000 files: got %d, %d bytes at %d, %v", n, length, at, err)
	}
}

// sparse is a file of zeros up to at, and then tail.
type sparse struct {
	at   int64
	tail []byte
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		o := off + int64(i) - s.at
		switch {
		case o >= int64(len(s.tail)):
			return i, io.EOF
		case o >= 0:
			p[i] = s.tail[o]
		default:
			p[i] = 0
		}
	}
	return len(p), nil
}

// FuzzRead: what is read at all is, byte for byte, what would be written of what was read.
func FuzzRead(f *testing.F) {
	sound := pack(f, entries(f))
	f.Add(sound)
	f.Add(sound[:len(sound)-1])
	f.Add(appendEnd(nil, 0, 0, 0))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		data := append([]byte{}, sound...)
		data[rng.IntN(len(data))] ^= 0xFF
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := open(data)
		if err != nil {
			var damaged *DamagedError
			if !errors.As(err, &damaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		var out, dir []byte
		files := b.files[:len(b.files)+1] // and the index
		for i := range files {
			g := &files[i]
			if g.checkHeader(b.r) != nil {
				return
			}
			out = append(appendLocal(out, g), data[g.data():g.end()]...)
			dir = appendCentral(dir, g)
		}
		at := int64(len(out))
		if out = appendEnd(append(out, dir...), len(files), int64(len(dir)), at); !bytes.Equal(out, data) {
			t.Fatal("was read, and is not what would be written")
		}
		if _, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil {
			t.Fatalf("was read, and archive/zip says %v", err)
		}
	})
}

// BenchmarkOpen is what a run pays before it reads the first file of 10,000.
func BenchmarkOpen(b *testing.B) {
	var list []entryOf
	for i := range 10000 {
		hex := manifest.DigestOf(fmt.Append(nil, i)).Hex()
		list = append(list, entryOf{"blobs/" + hex[:2] + "/" + hex + ".zst", nil})
	}
	data := pack(b, list)
	for b.Loop() {
		_, err := open(data)
		must(b, err)
	}
}
