package fsys

import "io"

// Feed writes the bytes of the regular file name to w in pieces of buf, and returns
// what the open file says of itself, from before the first byte was read. Errors are
// those of [Dir.Open], of reading, and of w.
func (d *Dir) Feed(name string, buf []byte, w io.Writer) (Info, error) {
	f, err := d.Open(name)
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := FileInfo(f)
	if err != nil {
		return info, err
	}
	for {
		n, err := f.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return info, err
			}
		}
		if err == io.EOF {
			return info, nil
		}
		if err != nil {
			return info, d.pathError(name, cause(err))
		}
	}
}
