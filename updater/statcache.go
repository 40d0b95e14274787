package updater

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"strings"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// The stat cache spares a plan the reading of files that nobody has touched. It is
// updates/installed/statcache: a header of 64 bytes (magic, digest of the inventory
// it belongs to, the cache's own time, number of records, CRC-32), then for each entry
// of the inventory, in its order, a record of 88 bytes (size, mtime, ctime, inode,
// device, mode, digest, CRC-32; all zero: not known), then records of files of the
// updater's own that no inventory lists, in any order. Only the records of paths in
// question are read.
//
// A record answers only if every number is as it was and both times lie before the
// cache was begun: a file changed in the same tick of the clock could otherwise pass
// for unchanged (git calls such entries racily clean). The cache is a hint that can be
// deleted at any time; a torn or foreign one answers nothing. The cache of the inventory
// before is kept beside it as statcache.old: after a revert it fits again.
const (
	statPath       = "updates/installed/statcache"
	statOldSuffix  = ".old"
	statMagic      = "inplace-stat 1\n\x00"
	statHeaderSize = 64
	statRecordSize = 88
	maxStatOwn     = 16 // records of the updater's own files
)

type statCache struct {
	f     *os.File
	taken int64
	count int
	all   []byte // the records, once load has read them
	own   []byte // those of the updater's own files
	piece []byte // records that were read together, without load, from first on
	first int
}

// openStatCache opens the cache of the inventory with the digest inv; nil where there is
// none that fits.
func openStatCache(t *fsys.Tree, inv manifest.Digest) *statCache {
	for _, path := range []string{statPath, statPath + statOldSuffix} {
		if c := openStatFile(t, path, inv); c != nil {
			return c
		}
	}
	return nil
}

func openStatFile(t *fsys.Tree, path string, inv manifest.Digest) *statCache {
	f, err := t.OpenState(path)
	if err != nil {
		return nil
	}
	var h [statHeaderSize]byte
	if _, err := f.ReadAt(h[:], 0); err != nil || string(h[:16]) != statMagic ||
		!bytes.Equal(h[16:48], inv[:]) ||
		binary.LittleEndian.Uint32(h[56:]) > manifest.MaxEntries ||
		binary.LittleEndian.Uint32(h[60:]) != crc32.ChecksumIEEE(h[:60]) {
		_ = f.Close()
		return nil
	}
	return &statCache{f: f, taken: int64(binary.LittleEndian.Uint64(h[48:])), count: int(binary.LittleEndian.Uint32(h[56:]))}
}

func (c *statCache) close() {
	if c != nil {
		_ = c.f.Close()
	}
}

// another is c for one more goroutine, to be used as long as c is open.
func (c *statCache) another() *statCache {
	if c == nil {
		return nil
	}
	other := *c
	other.piece = nil
	return &other
}

// load reads all records at once, for who asks about most of them; [statCache.digest]
// and [statCache.vouches] may then be called from several goroutines. A torn cache answers
// nothing from then on.
func (c *statCache) load() {
	if c == nil {
		return
	}
	all := fsys.Memory(int64(c.count+maxStatOwn) * statRecordSize)
	n, err := c.f.ReadAt(all, statHeaderSize)
	if size := c.count * statRecordSize; n >= size && (err == nil || err == io.EOF) {
		c.all, c.own = all[:size], all[size:n-(n-size)%statRecordSize]
		return
	}
	c.count = 0
}

// readOwn reads the records of the updater's own files, which follow the others.
func (c *statCache) readOwn() []byte {
	buf := make([]byte, maxStatOwn*statRecordSize)
	n, err := c.f.ReadAt(buf, statHeaderSize+int64(c.count)*statRecordSize)
	if err != nil && err != io.EOF {
		return nil
	}
	return buf[:n-n%statRecordSize]
}

// vouches reports whether the file of the updater's own of which lstat tells info has
// the digest d for certain.
func (c *statCache) vouches(info fsys.Info, d manifest.Digest) bool {
	if c == nil || info.CTime == 0 || info.MTime >= c.taken || info.CTime >= c.taken {
		return false
	}
	want := statRecord(info, d)
	for r := c.own; len(r) > 0; r = r[statRecordSize:] {
		if bytes.Equal(r[:statRecordSize], want[:]) {
			return true
		}
	}
	return false
}

// digest is that of the file which is entry index of the inventory and of which
// lstat tells info, if the cache can vouch for it.
func (c *statCache) digest(index int, info fsys.Info) (manifest.Digest, bool) {
	if c == nil || index < 0 || index >= c.count || info.CTime == 0 {
		return manifest.Digest{}, false
	}
	if info.MTime >= c.taken || info.CTime >= c.taken {
		return manifest.Digest{}, false
	}
	r := c.record(index)
	if r == nil || !tells(r, info) {
		return manifest.Digest{}, false
	}
	d := manifest.Digest(r[48:80])
	return d, !d.IsZero()
}

// record is record index; nil if it cannot be read. Unless all were loaded, those that
// follow are read with it: who asks goes by path, and often from one to the next.
func (c *statCache) record(index int) []byte {
	if c.all != nil {
		return c.all[index*statRecordSize:][:statRecordSize]
	}
	at := (index - c.first) * statRecordSize
	if at < 0 || at+statRecordSize > len(c.piece) {
		buf := c.piece[:cap(c.piece)]
		if len(buf) == 0 {
			buf = make([]byte, 32*statRecordSize)
		}
		n, _ := c.f.ReadAt(buf, statHeaderSize+int64(index)*statRecordSize)
		c.first, c.piece, at = index, buf[:n], 0
		if n < statRecordSize {
			return nil
		}
	}
	return c.piece[at:][:statRecordSize]
}

// tells reports whether r is sound and of the file of which lstat tells info.
func tells(r []byte, info fsys.Info) bool {
	le := binary.LittleEndian
	return int64(le.Uint64(r[0:])) == info.Size && int64(le.Uint64(r[8:])) == info.MTime && int64(le.Uint64(r[16:])) == info.CTime &&
		le.Uint64(r[24:]) == info.Ino && le.Uint64(r[32:]) == info.Dev && le.Uint32(r[40:]) == uint32(info.Mode) &&
		le.Uint32(r[80:]) == crc32.ChecksumIEEE(r[:80])
}

func statRecord(info fsys.Info, d manifest.Digest) (r [statRecordSize]byte) {
	le := binary.LittleEndian
	le.PutUint64(r[0:], uint64(info.Size))
	le.PutUint64(r[8:], uint64(info.MTime))
	le.PutUint64(r[16:], uint64(info.CTime))
	le.PutUint64(r[24:], info.Ino)
	le.PutUint64(r[32:], info.Dev)
	le.PutUint32(r[40:], uint32(info.Mode))
	copy(r[48:], d[:])
	le.PutUint32(r[80:], crc32.ChecksumIEEE(r[:80]))
	return r
}

// known is what a run has learnt of a file: what lstat tells and its digest.
type known struct {
	info   fsys.Info
	digest manifest.Digest
}

// writeStatCache writes the cache for inv: what this run has learnt, and for other
// entries whatever the cache of the inventory before knew under the same path. It
// is not synced, and failing to write it is no failure.
func writeStatCache(t *fsys.Tree, inv *manifest.Inventory, learnt map[manifest.Path]known, before *statCache, beforeInv *manifest.Inventory) {
	fillStats(t, inv, func(p manifest.Path) (known, bool) {
		k, ok := learnt[p]
		return k, ok
	}, learnt, before, beforeInv)
}

// fillStats is writeStatCache where what was learnt of the release's files is told by of,
// and of the updater's own files by own.
func fillStats(t *fsys.Tree, inv *manifest.Inventory, of func(manifest.Path) (known, bool), own map[manifest.Path]known, before *statCache, beforeInv *manifest.Inventory) {
	current := openStatFile(t, statPath, inv.Digest)
	keep := current == nil
	current.close()
	_ = t.In(statPath, func(d *fsys.Dir, name string) error {
		tmp := fsys.TempPrefix + name
		_ = d.Remove(tmp)
		f, err := d.Create(tmp)
		if err != nil {
			return err
		}
		err = fillStatCache(f, inv, of, own, before, beforeInv)
		if e := f.Close(); err == nil {
			err = e
		}
		if err == nil && keep {
			_ = d.Rename(name, d, name+statOldSuffix) // there may be none
		}
		if err == nil {
			err = d.Rename(tmp, d, name)
		}
		if err != nil {
			_ = d.Remove(tmp)
		}
		return err
	})
}

func fillStatCache(f *os.File, inv *manifest.Inventory, of func(manifest.Path) (known, bool), own map[manifest.Path]known, before *statCache, beforeInv *manifest.Inventory) error {
	info, err := fsys.FileInfo(f)
	if err != nil {
		return err
	}
	var h [statHeaderSize]byte
	le := binary.LittleEndian
	copy(h[:], statMagic)
	copy(h[16:], inv.Digest[:])
	le.PutUint64(h[48:], uint64(info.MTime))
	le.PutUint32(h[56:], uint32(inv.Len()))
	le.PutUint32(h[60:], crc32.ChecksumIEEE(h[:60]))
	// Written and read in pieces: as a whole it would be the largest thing in memory.
	w := bufio.NewWriterSize(f, 64<<10)
	_, _ = w.Write(h[:])
	var old oldRecords
	if before != nil {
		old = oldRecords{inv: beforeInv, taken: before.taken,
			r: bufio.NewReaderSize(io.NewSectionReader(before.f, statHeaderSize, int64(before.count)*statRecordSize), 64<<10)}
	}
	var record [statRecordSize]byte // one for all: it escapes
	for i := range inv.Len() {
		path := inv.PathAt(i)
		record = old.find(inv, i, path)
		if k, ok := of(path); ok {
			record = statRecord(k.info, k.digest)
		}
		_, _ = w.Write(record[:])
	}
	_, _ = w.Write(ownRecords(inv, own, before))
	return w.Flush()
}

// ownRecords are the records of the updater's own files: what was learnt of them, and
// what the cache before knew.
func ownRecords(inv *manifest.Inventory, learnt map[manifest.Path]known, before *statCache) []byte {
	var buf []byte
	n := 0
	for p, k := range learnt {
		if strings.HasPrefix(string(p), "bin/") && inv.Index(p) < 0 && n < maxStatOwn {
			r := statRecord(k.info, k.digest)
			buf = append(buf, r[:]...)
			n++
		}
	}
	if before == nil {
		return buf
	}
	for r := before.readOwn(); len(r) > 0 && n < maxStatOwn; r = r[statRecordSize:] {
		record := believed([statRecordSize]byte(r), before.taken)
		buf = append(buf, record[:]...)
		n++
	}
	return buf
}

// oldRecords reads the records of the cache before, in the order of its inventory.
type oldRecords struct {
	inv   *manifest.Inventory
	taken int64
	r     *bufio.Reader // nil: no cache before, or its end
	next  int
}

// find is what the cache before knew of path, which is that of entry i of inv and rises from
// call to call; all zero if nothing.
func (o *oldRecords) find(inv *manifest.Inventory, i int, path manifest.Path) (r [statRecordSize]byte) {
	for o.r != nil && o.next < o.inv.Len() {
		same := inv.SameLine(i, o.inv, o.next) // of most entries, and told at once
		if !same {
			at := o.inv.PathAt(o.next)
			if at > path {
				break
			}
			same = at == path
		}
		piece, err := o.r.Peek(statRecordSize)
		if err != nil {
			o.r = nil
			break
		}
		copy(r[:], piece)
		_, _ = o.r.Discard(statRecordSize)
		o.next++
		if same {
			return believed(r, o.taken)
		}
	}
	return [statRecordSize]byte{}
}

// believed is record r of a cache taken at taken, for a younger one: nothing, if it was
// racily clean, since the new cache would believe it.
func believed(r [statRecordSize]byte, taken int64) [statRecordSize]byte {
	le := binary.LittleEndian
	if int64(le.Uint64(r[8:])) < taken && int64(le.Uint64(r[16:])) < taken {
		return r
	}
	return [statRecordSize]byte{}
}
