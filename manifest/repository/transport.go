package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"inplace/backup/fsys"
)

// Transport fetches files of a repository by their path in it. It is not trusted.
type Transport interface {
	// Get opens the file path, of which the caller will take at most limit bytes; a
	// transport may refuse a longer one at once. A missing one is a
	// *[NotFoundError]. It may be called by several goroutines.
	Get(ctx context.Context, path string, limit int64) (io.ReadCloser, error)
	Close() error
}

// Judged is a file of a transport that keeps what it brings. It is told once, before it is
// closed, whether the bytes that were read are those that were signed; where the reader
// does not get that far it is told nothing.
type Judged interface{ Judge(right bool) }

func judge(src io.Reader, err error) {
	var untrusted *UntrustedError
	if j, ok := src.(Judged); ok && (err == nil || errors.As(err, &untrusted)) {
		j.Judge(err == nil)
	}
}

// openTransport makes the transport for a source: a directory, or file:// and its
// absolute path.
func openTransport(source string) (Transport, error) {
	dir, err := LocalPath(source)
	if err != nil {
		return nil, err
	}
	files, err := fsys.OpenBeneath(dir)
	if err != nil {
		return nil, pathFirst(source, err)
	}
	return &dirTransport{files}, nil
}

// LocalPath is the path of a source on this machine: what source is, or what file:// and
// an absolute path name.
func LocalPath(source string) (string, error) {
	path := source
	if scheme, _, ok := strings.Cut(source, "://"); ok {
		u, err := url.Parse(source)
		if err != nil {
			return "", fmt.Errorf("%s: not a URL", source)
		}
		if scheme != "file" {
			return "", fmt.Errorf("%s: want a directory or file://, got %s://", source, scheme)
		}
		if u.Host != "" && u.Host != "localhost" || !strings.HasPrefix(u.Path, "/") {
			return "", fmt.Errorf("%s: want file:/// and an absolute path of this machine", source)
		}
		path = filepath.FromSlash(u.Path)
		if filepath.VolumeName(path[1:]) != "" { // file:///C:/repository, where there are drives
			path = path[1:]
		}
	}
	if path == "" {
		return "", errors.New("source: want a directory or file://, got nothing")
	}
	return path, nil
}

// dirTransport reads a repository from a directory. Links inside it are followed,
// links that leave it are refused.
type dirTransport struct{ files *fsys.Beneath }

func (t *dirTransport) Close() error { return t.files.Close() }

func (t *dirTransport) Get(ctx context.Context, path string, limit int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := t.files.Open(filepath.FromSlash(path))
	if errors.Is(err, fsys.ErrNotRegular) {
		return nil, fmt.Errorf("%s: want a file, got something else", path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{path}
	}
	if err != nil {
		return nil, pathFirst(path, err)
	}
	return f, nil
}
