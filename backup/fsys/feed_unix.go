//go:build unix

package fsys

import (
	"io"

	"golang.org/x/sys/unix"
)

// Feed writes the bytes of the regular file name to w in pieces of buf, and returns
// what the open file says of itself, from before the first byte was read. Errors are
// those of [Dir.Open], of reading, and of w.
//
// It makes no more system calls than it has to: of many small files, these are most of
// the work.
func (d *Dir) Feed(name string, buf []byte, w io.Writer) (Info, error) {
	fd, st, err := d.statRegular(name)
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = unix.Close(fd) }()
	info := infoOf(&st)
	for total := int64(0); ; {
		var n int
		err := retry(func() (err error) { n, err = unix.Read(fd, buf); return err })
		if err != nil {
			return info, d.pathError(name, err)
		}
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return info, err
			}
		}
		total += int64(n)
		if n == 0 || n < len(buf) && total >= info.Size { // a short read is the last one
			return info, nil
		}
	}
}
