package fsys

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// The fields of a directory record of getdents64: inode and offset (8 bytes each),
// length of the record (2), type (1), name, NUL.
const (
	direntLen  = 16
	direntType = 18
	direntName = 19
)

// read fills l.names from the handle itself, in whatever order the system has.
func (l *Listing) read(d *Dir) error {
	fd := d.fd()
	if l.buf == nil {
		l.buf = make([]byte, 64<<10)
	}
	if d.listed {
		if err := retry(func() error { _, err := unix.Seek(fd, 0, 0); return err }); err != nil {
			return err
		}
	}
	d.listed = true
	for {
		var n int
		err := retry(func() (err error) { n, err = unix.ReadDirent(fd, l.buf); return err })
		if err != nil {
			return err
		}
		if n <= 0 {
			return nil
		}
		for rest := l.buf[:n]; len(rest) > direntName; {
			size := int(binary.NativeEndian.Uint16(rest[direntLen:]))
			if size < direntName || size > len(rest) {
				return unix.EIO
			}
			mark := markPlain
			if rest[direntType] == unix.DT_REG {
				mark = markRegular
			}
			name := rest[direntName:size]
			if end := bytes.IndexByte(name, 0); end >= 0 {
				name = name[:end]
			}
			rest = rest[size:]
			if s := string(name); s != "." && s != ".." {
				l.text = append(append(l.text, name...), mark...)
				l.ends = append(l.ends, len(l.text))
			}
		}
	}
}
