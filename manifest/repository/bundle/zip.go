package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"inplace/manifest/repository"
)

// The zip format, as far as a bundle has it: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3.7
// (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (its end) and 4.5.3 (zip64).
const (
	localSig     = 0x04034b50
	centralSig   = 0x02014b50
	endSig       = 0x06054b50
	end64Sig     = 0x06064b50
	locatorSig   = 0x07064b50
	localBytes   = 30
	centralBytes = 46
	endBytes     = 22
	end64Bytes   = 56 + 20 // with its locator

	fits16 = math.MaxUint16
	fits32 = math.MaxUint32
	day    = 1<<5 | 1 // 1980-01-01

	maxFiles = 1 << 20
)

// file is an entry. Where it lies follows from those before it.
type file struct {
	name string
	at   int64 // of its local header
	size int64
	crc  uint32
}

func (f *file) big() bool { return f.size >= fits32 }

// headerBytes is the length of the local header.
func (f *file) headerBytes() int64 {
	n := int64(localBytes + len(f.name))
	if f.big() {
		n += 20
	}
	return n
}

// data is where the content begins, end where it ends.
func (f *file) data() int64 { return f.at + f.headerBytes() }
func (f *file) end() int64  { return f.data() + f.size }

var le = binary.LittleEndian

// sizes appends CRC and lengths, and returns what of the lengths goes into a zip64 field.
func (f *file) sizes(b []byte) (out, extra []byte) {
	b = le.AppendUint32(b, f.crc)
	if !f.big() {
		return le.AppendUint32(le.AppendUint32(b, uint32(f.size)), uint32(f.size)), nil
	}
	extra = le.AppendUint64(le.AppendUint64(nil, uint64(f.size)), uint64(f.size))
	return le.AppendUint32(le.AppendUint32(b, fits32), fits32), extra
}

func version(extra []byte) uint16 {
	if len(extra) > 0 {
		return 45
	}
	return 10
}

func appendExtra(b, extra []byte) []byte {
	if len(extra) == 0 {
		return b
	}
	return append(le.AppendUint16(le.AppendUint16(b, 1), uint16(len(extra))), extra...)
}

// extraBytes is the length of a zip64 field with its head.
func extraBytes(extra []byte) uint16 {
	if len(extra) == 0 {
		return 0
	}
	return uint16(4 + len(extra))
}

func appendLocal(b []byte, f *file) []byte {
	_, extra := f.sizes(nil)
	b = le.AppendUint32(b, localSig)
	for _, v := range []uint16{version(extra), 0, 0, 0, day} { // flags, method, time
		b = le.AppendUint16(b, v)
	}
	b, _ = f.sizes(b)
	b = le.AppendUint16(le.AppendUint16(b, uint16(len(f.name))), extraBytes(extra))
	return appendExtra(append(b, f.name...), extra)
}

func appendCentral(b []byte, f *file) []byte {
	_, extra := f.sizes(nil)
	at := uint32(fits32)
	if f.at < fits32 {
		at = uint32(f.at)
	} else {
		extra = le.AppendUint64(extra, uint64(f.at))
	}
	b = le.AppendUint32(b, centralSig)
	v := version(extra)
	for _, v := range []uint16{3<<8 | v, v, 0, 0, 0, day} { // made on Unix, so that the mode counts
		b = le.AppendUint16(b, v)
	}
	b, _ = f.sizes(b)
	for _, v := range []uint16{uint16(len(f.name)), extraBytes(extra), 0, 0, 0} { // comment, disk, internal attributes
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(le.AppendUint32(b, 0o100644<<16), at)
	return appendExtra(append(b, f.name...), extra)
}

// appendEnd is what follows a directory of n entries that is size bytes long and begins at.
func appendEnd(b []byte, n int, size, at int64) []byte {
	if n >= fits16 || size >= fits32 || at >= fits32 {
		b = le.AppendUint64(le.AppendUint32(b, end64Sig), 56-12)
		b = le.AppendUint16(le.AppendUint16(b, 3<<8|45), 45)
		b = le.AppendUint32(le.AppendUint32(b, 0), 0)
		for _, v := range []uint64{uint64(n), uint64(n), uint64(size), uint64(at)} {
			b = le.AppendUint64(b, v)
		}
		b = le.AppendUint32(le.AppendUint32(b, locatorSig), 0)
		b = le.AppendUint32(le.AppendUint64(b, uint64(at+size)), 1)
	}
	b = le.AppendUint32(le.AppendUint32(b, endSig), 0)
	b = le.AppendUint16(le.AppendUint16(b, uint16(min(n, fits16))), uint16(min(n, fits16)))
	b = le.AppendUint32(le.AppendUint32(b, uint32(min(size, fits32))), uint32(min(at, fits32)))
	return le.AppendUint16(b, 0)
}

// checkHeader compares the local header with the directory.
func (f *file) checkHeader(r io.ReaderAt) error {
	want := appendLocal(make([]byte, 0, 256), f)
	got := make([]byte, len(want))
	if _, err := r.ReadAt(got, f.at); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	if !bytes.Equal(got, want) {
		return &repository.UntrustedError{Path: f.name, Why: repository.BadForm, Msg: "its header in the bundle and the directory of the bundle differ"}
	}
	return nil
}

// readDirectory reads the directory of a zip file of size bytes and checks that the whole
// file is one that a Writer writes, as far as that can be told without the local headers.
func readDirectory(r io.ReaderAt, size int64) ([]file, error) {
	n, length, at, err := readEnd(r, size)
	if err != nil {
		return nil, err
	}
	dir := make([]byte, length)
	if _, err := r.ReadAt(dir, at); err != nil {
		return nil, err
	}
	names := string(dir) // one string for all names
	files := make([]file, n)
	var buf []byte
	var next int64
	for i, off := 0, 0; i < n; i++ {
		f := &files[i]
		entry := dir[off:]
		if len(entry) < centralBytes || le.Uint32(entry) != centralSig {
			return nil, fmt.Errorf("its directory is damaged at file %d of %d", i+1, n)
		}
		nameLen := int(le.Uint16(entry[28:]))
		whole := centralBytes + nameLen + int(le.Uint16(entry[30:])) + int(le.Uint16(entry[32:]))
		if len(entry) < whole {
			return nil, fmt.Errorf("its directory is damaged at file %d of %d", i+1, n)
		}
		f.name = names[off+centralBytes : off+centralBytes+nameLen]
		f.at, f.crc, f.size = next, le.Uint32(entry[16:]), int64(le.Uint32(entry[24:]))
		if f.size == fits32 && whole >= centralBytes+nameLen+12 {
			f.size = int64(le.Uint64(entry[centralBytes+nameLen+4:]))
		}
		if err := entryFault(f, entry, at); err != nil {
			return nil, err
		}
		buf = appendCentral(buf[:0], f)
		if !bytes.Equal(buf, entry[:whole]) {
			return nil, fmt.Errorf("%s: its entry in the directory is not as fetch writes it", f.name)
		}
		next = f.end()
		off += whole
		if i == n-1 && off != len(dir) {
			return nil, errors.New("its directory is longer than its files need")
		}
	}
	if next != at {
		return nil, fmt.Errorf("want %d bytes before the directory, got %d: there is something that belongs to no file", next, at)
	}
	return files, nil
}

// readEnd reads how many files there are, and how long the directory is and where.
func readEnd(r io.ReaderAt, size int64) (n int, length, at int64, err error) {
	var tail [endBytes + end64Bytes]byte
	got := min(size, int64(len(tail)))
	if _, err := r.ReadAt(tail[:got], size-got); err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, 0, err
	}
	have := tail[:got]
	if got < endBytes || le.Uint32(have[got-endBytes:]) != endSig {
		return 0, 0, 0, noEnd(r)
	}
	end := have[got-endBytes:]
	n, length, at = int(le.Uint16(end[10:])), int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	if (n == fits16 || length == fits32 || at == fits32) && got == int64(len(tail)) {
		wide := have[:end64Bytes]
		count, l, a := le.Uint64(wide[32:]), le.Uint64(wide[40:]), le.Uint64(wide[48:])
		if count > maxFiles || l > math.MaxInt64/4 || a > math.MaxInt64/4 {
			return 0, 0, 0, errors.New("its end is damaged")
		}
		n, length, at = int(count), int64(l), int64(a)
	}
	want := appendEnd(nil, n, length, at)
	switch {
	case n > maxFiles:
		return 0, 0, 0, fmt.Errorf("want at most %d files, got %d", maxFiles, n)
	case length > int64(n)*(centralBytes+256):
		return 0, 0, 0, errors.New("its directory is longer than its files need")
	case len(want) > len(have) || !bytes.Equal(want, have[len(have)-len(want):]):
		return 0, 0, 0, errors.New("its end is not as fetch writes it")
	case at+length+int64(len(want)) < size:
		return 0, 0, 0, fmt.Errorf("want %d bytes, got %d: something was joined to it, or it is another thing too", at+length+int64(len(want)), size)
	case at+length+int64(len(want)) > size:
		return 0, 0, 0, fmt.Errorf("cut: want %d bytes, got %d", at+length+int64(len(want)), size)
	}
	return n, length, at, nil
}

// noEnd says what a file is that does not end as a zip file does.
func noEnd(r io.ReaderAt) error {
	var head [4]byte
	if _, err := r.ReadAt(head[:], 0); err == nil && le.Uint32(head[:]) == localSig {
		return errors.New("cut, or something follows: its end is not the end of a bundle")
	}
	return errors.New("is no bundle: want a file that fetch has written")
}

// entryFault says in words what is wrong with an entry that no Writer writes.
func entryFault(f *file, entry []byte, dirAt int64) error {
	offset := int64(le.Uint32(entry[42:]))
	switch {
	case strings.HasSuffix(f.name, "/"):
		return fmt.Errorf("%q: is a directory", f.name)
	case f.name != indexName && !repository.IsPath(f.name):
		return fmt.Errorf("%q: is no file of a repository", f.name)
	case le.Uint16(entry[10:]) != 0:
		return fmt.Errorf("%s: is compressed", f.name)
	case le.Uint16(entry[8:])&1 != 0:
		return fmt.Errorf("%s: is encrypted", f.name)
	case f.size < 0 || f.end() > dirAt || f.end() < f.at:
		return fmt.Errorf("%s: is longer than the bundle", f.name)
	case le.Uint32(entry[20:]) != le.Uint32(entry[24:]):
		return fmt.Errorf("%s: has two lengths", f.name)
	case offset != fits32 && offset < f.at:
		return fmt.Errorf("%s: overlaps the file before it", f.name)
	case offset != fits32 && offset > f.at:
		return fmt.Errorf("%s: leaves a gap to the file before it", f.name)
	}
	return nil
}
