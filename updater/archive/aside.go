package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"inplace/manifest"
)

// Aside makes the file to, of this mode less the umask, of what fn writes: under another
// name until all of it is durable. A file that has the name already stays: that is
// [ErrExists].
func Aside(ctx context.Context, to string, mode fs.FileMode, fn func(io.Writer) error) (res Result, err error) {
	temp := filepath.Join(filepath.Dir(to), tempName())
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return res, placed(err, to)
	}
	out := &measured{w: f, hash: sha256.New()}
	buffered := bufio.NewWriterSize(out, 1<<20)
	reading := false
	defer func() {
		if err != nil {
			_ = f.Close() // it may be closed already
			if !reading {
				err = placed(err, to)
			}
			err = errors.Join(err, os.Remove(temp))
		}
	}()
	if err := fn(buffered); err != nil {
		reading = out.err == nil // then it is not about the file written
		return res, err
	}
	for _, step := range []func() error{buffered.Flush, ctx.Err, f.Sync, f.Close} {
		if err := step(); err != nil {
			return res, err
		}
	}
	res = Result{out.n, manifest.Digest(out.hash.Sum(nil))}
	return res, name(temp, to)
}

// measured counts and digests what is written.
type measured struct {
	w    io.Writer
	hash hash.Hash
	n    int64
	err  error // of the last write
}

func (m *measured) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.hash.Write(p[:n])
	m.n += int64(n)
	m.err = err
	return n, err
}
