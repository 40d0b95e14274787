package updater

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// Pristine contents are what merges and differences start from: each text file of up
// to maxPristine bytes as the vendor shipped it. They lie in packs below
// updates/installed/base, one pack per update with what it brought, so that an update
// writes one file for them and not one each, and finding one needs no more than the
// packs' indexes:
//
//	inplace-pack 1 LF     then the contents, one after the other
//	the index             for each content, sorted: SHA-256, offset and size (8 bytes
//	                      each, little endian)
//	the end               offset of the index, number of contents, CRC-32 of the index
//	                      and these two numbers (8 + 8 + 4 bytes), "end pack" LF
//
// Contents are checked by digest whenever they are read; one that is missing or
// damaged is fetched from the repository again.
const (
	baseDir     = "updates/installed/base"
	packHeader  = "inplace-pack 1\n"
	packEnd     = "end pack\n"
	packSuffix  = ".pack"
	packRecord  = 48
	packTail    = 20 + len(packEnd)
	maxPristine = 1 << 20
	maxPackList = 1 << 21 // contents in one pack
)

var errNotKept = errors.New("its shipped contents are not kept here")

// pristine finds contents in the packs.
type pristine struct {
	tree   *fsys.Tree
	loaded bool
	packs  []packIndex
}

// packIndex is the index of one pack, as it lies on the disk: sorted, and a third of
// what a map of it would take.
type packIndex struct {
	name    string
	records []byte
}

// packed is where a content lies in a pack.
type packed struct {
	offset int64
	size   int64
}

func (p *packIndex) len() int { return len(p.records) / packRecord }

func (p *packIndex) digest(i int) manifest.Digest {
	return manifest.Digest(p.records[i*packRecord:][:len(manifest.Digest{})])
}

func (p *packIndex) find(d manifest.Digest) (packed, bool) {
	i := sort.Search(p.len(), func(i int) bool { return bytes.Compare(p.records[i*packRecord:][:len(d)], d[:]) >= 0 })
	if i == p.len() || p.digest(i) != d {
		return packed{}, false
	}
	r := p.records[i*packRecord+len(d):]
	return packed{int64(binary.LittleEndian.Uint64(r)), int64(binary.LittleEndian.Uint64(r[8:]))}, true
}

// find is where d lies.
func (p *pristine) find(d manifest.Digest) (pack string, at packed, ok bool) {
	for i := range p.packs {
		if at, ok := p.packs[i].find(d); ok {
			return p.packs[i].name, at, true
		}
	}
	return "", packed{}, false
}

// get returns the content with digest d, or an error that wraps errNotKept.
func (p *pristine) get(d manifest.Digest) ([]byte, error) {
	if err := p.load(); err != nil {
		return nil, err
	}
	pack, at, ok := p.find(d)
	if !ok {
		return nil, errNotKept
	}
	f, err := p.tree.OpenState(baseDir + "/" + pack)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data := make([]byte, at.size)
	if _, err := f.ReadAt(data, at.offset); err != nil || manifest.DigestOf(data) != d {
		return nil, fmt.Errorf("%s/%s: content %s is damaged: %w", baseDir, pack, d.Short(), errNotKept)
	}
	return data, nil
}

// load reads the indexes of all packs, once.
func (p *pristine) load() error {
	if p.loaded {
		return nil
	}
	names, err := p.tree.Names(baseDir)
	if err != nil && !fsys.IsAbsent(err) {
		return err
	}
	p.loaded = true
	for _, name := range names {
		if !strings.HasSuffix(name, packSuffix) {
			continue
		}
		f, err := p.tree.OpenState(baseDir + "/" + name)
		if err != nil {
			return err
		}
		p.scan(f, name)
		_ = f.Close()
	}
	return nil
}

// scan reads the index of one pack. A pack that is not whole has none.
func (p *pristine) scan(f *os.File, name string) {
	info, err := f.Stat()
	if err != nil || info.Size() < int64(len(packHeader)+packTail) {
		return
	}
	tail := make([]byte, packTail)
	if _, err := f.ReadAt(tail, info.Size()-int64(packTail)); err != nil || string(tail[20:]) != packEnd {
		return
	}
	le := binary.LittleEndian
	at, count := le.Uint64(tail), le.Uint64(tail[8:])
	if count > maxPackList || at+count*packRecord+uint64(packTail) != uint64(info.Size()) {
		return
	}
	index := make([]byte, count*packRecord)
	if _, err := f.ReadAt(index, int64(at)); err != nil {
		return
	}
	if crc32.Update(crc32.ChecksumIEEE(index), crc32.IEEETable, tail[:16]) != le.Uint32(tail[16:]) {
		return
	}
	// One record out of order or out of bounds, and the pack is none of ours.
	for last, r := index[:0], index; len(r) > 0; last, r = r[:32], r[packRecord:] {
		offset, size := le.Uint64(r[32:]), le.Uint64(r[40:])
		if bytes.Compare(last, r[:32]) >= 0 || size > maxPristine || offset > at || offset+size > at {
			return
		}
	}
	p.packs = append(p.packs, packIndex{name, index})
}

// has reports whether d is kept.
func (p *pristine) has(d manifest.Digest) bool {
	if p.load() != nil {
		return false
	}
	_, _, ok := p.find(d)
	return ok
}

// packWriter writes a new pack. Until it is closed nothing of it counts.
type packWriter struct {
	dir  *fsys.Dir
	f    *os.File
	w    *bufio.Writer
	name string
	at   int64
	seen map[manifest.Digest]packed
}

func newPack(t *fsys.Tree, level int64, m manifest.Digest) (*packWriter, error) {
	if err := t.MkdirAll(baseDir, 0o700); err != nil {
		return nil, err
	}
	dir, err := t.OpenDir(baseDir)
	if err != nil {
		return nil, err
	}
	p := &packWriter{dir: dir, name: fmt.Sprintf("%d-%s%s", level, m.Short(), packSuffix), seen: map[manifest.Digest]packed{}}
	_ = dir.Remove(fsys.TempPrefix + p.name)
	if p.f, err = dir.Create(fsys.TempPrefix + p.name); err != nil {
		dir.Close()
		return nil, err
	}
	p.w = bufio.NewWriterSize(p.f, 1<<16)
	_, err = p.w.WriteString(packHeader)
	p.at = int64(len(packHeader))
	return p, err
}

// add keeps data, which has digest d, once.
func (p *packWriter) add(d manifest.Digest, data []byte) error {
	if _, ok := p.seen[d]; ok {
		return nil
	}
	p.seen[d] = packed{offset: p.at, size: int64(len(data))}
	p.at += int64(len(data))
	_, err := p.w.Write(data)
	return err
}

// close finishes the pack, synced only if asked; an empty one is dropped.
func (p *packWriter) close(sync bool) error {
	defer p.dir.Close()
	digests := slices.SortedFunc(maps.Keys(p.seen), func(a, b manifest.Digest) int { return bytes.Compare(a[:], b[:]) })
	le := binary.LittleEndian
	index := make([]byte, 0, len(digests)*packRecord+packTail)
	for _, d := range digests {
		index = append(index, d[:]...)
		index = le.AppendUint64(index, uint64(p.seen[d].offset))
		index = le.AppendUint64(index, uint64(p.seen[d].size))
	}
	index = le.AppendUint64(index, uint64(p.at))
	index = le.AppendUint64(index, uint64(len(digests)))
	index = le.AppendUint32(index, crc32.ChecksumIEEE(index))
	_, _ = p.w.Write(index)
	_, _ = p.w.WriteString(packEnd)
	err := p.w.Flush()
	if err == nil && sync {
		err = p.f.Sync()
	}
	if e := p.f.Close(); err == nil {
		err = e
	}
	if err != nil || len(digests) == 0 {
		_ = p.dir.Remove(fsys.TempPrefix + p.name)
		return err
	}
	if err := p.dir.Rename(fsys.TempPrefix+p.name, p.dir, p.name); err != nil {
		return err
	}
	if sync {
		return p.dir.Sync()
	}
	return nil
}

// abandon throws an unfinished pack away.
func (p *packWriter) abandon() {
	_ = p.f.Close()
	_ = p.dir.Remove(fsys.TempPrefix + p.name)
	p.dir.Close()
}

// keepable reports whether the shipped content of e is one to keep, as far as its
// entry tells; its text has to be looked at.
func keepable(e *manifest.Entry) bool {
	return e != nil && e.Kind == manifest.File && e.Size <= maxPristine
}

// mergePacks writes everything that inv lists into one pack when the packs have
// become many, so that what no level needs any more does not pile up.
func mergePacks(t *fsys.Tree, inv *manifest.Inventory, level int64, m manifest.Digest, most int) error {
	p := &pristine{tree: t}
	names, err := t.Names(baseDir)
	if err != nil || len(names) <= most {
		return err
	}
	if err := p.load(); err != nil {
		return err
	}
	w, err := newPack(t, level, manifest.DigestOf([]byte("merged "+m.String())))
	if err != nil {
		return err
	}
	keep := map[manifest.Digest]bool{}
	for _, e := range inv.All() {
		keep[e.Digest] = true
	}
	var digests []manifest.Digest
	for i := range p.packs {
		for k := range p.packs[i].len() {
			if d := p.packs[i].digest(k); keep[d] {
				digests = append(digests, d)
			}
		}
	}
	slices.SortFunc(digests, func(a, b manifest.Digest) int { return bytes.Compare(a[:], b[:]) })
	for _, d := range digests {
		data, err := p.get(d)
		if errors.Is(err, errNotKept) {
			continue
		}
		if err == nil {
			err = w.add(d, data)
		}
		if err != nil {
			w.abandon()
			return err
		}
	}
	if err := w.close(true); err != nil {
		return err
	}
	for _, n := range names {
		if n != w.name && strings.HasSuffix(n, packSuffix) {
			if err := t.RemoveState(baseDir + "/" + n); err != nil {
				return err
			}
		}
	}
	return nil
}
