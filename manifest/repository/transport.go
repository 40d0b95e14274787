package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Transport fetches files of a repository by their path in it. It is not trusted.
type Transport interface {
	// Get opens the file path, of which the caller will take at most limit bytes; a
	// transport may refuse a longer one at once. A missing one is a
	// *[NotFoundError]. It may be called by several goroutines.
	Get(ctx context.Context, path string, limit int64) (io.ReadCloser, error)
	Close() error
}

// openTransport makes the transport for a source: a directory, or file:// and its
// absolute path.
func openTransport(source string) (Transport, error) {
	dir := source
	if scheme, _, ok := strings.Cut(source, "://"); ok {
		u, err := url.Parse(source)
		if err != nil {
			return nil, fmt.Errorf("%s: not a URL", source)
		}
		if scheme != "file" {
			return nil, fmt.Errorf("%s: want a directory or file://, got %s://", source, scheme)
		}
		if u.Host != "" && u.Host != "localhost" || !strings.HasPrefix(u.Path, "/") {
			return nil, fmt.Errorf("%s: want file:/// and an absolute path of this machine", source)
		}
		dir = filepath.FromSlash(u.Path)
		if filepath.VolumeName(dir[1:]) != "" { // file:///C:/repository, where there are drives
			dir = dir[1:]
		}
	}
	if dir == "" {
		return nil, errors.New("source: want a directory or file://, got nothing")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, pathFirst(source, err)
	}
	return &dirTransport{root: root}, nil
}

// dirTransport reads a repository from a directory. Links inside it are followed,
// links that leave it are refused by os.Root.
type dirTransport struct {
	root *os.Root

	mu   sync.Mutex
	held map[string]*os.Root // directories that files were read from, by their path
}

// maxHeld is how many directories are held open: as many as blobs/ has.
const maxHeld = 256

func (t *dirTransport) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.held {
		_ = r.Close()
	}
	t.held = nil
	return t.root.Close()
}

func (t *dirTransport) Get(ctx context.Context, path string, limit int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := t.open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{path}
	}
	if err != nil {
		return nil, pathFirst(path, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("want a file, got something else")
	}
	if err != nil {
		_ = f.Close()
		return nil, pathFirst(path, err)
	}
	return f, nil
}

// open opens a file from its held directory. A link that leaves that directory, though not
// the repository, is opened on the long way.
func (t *dirTransport) open(path string) (*os.File, error) {
	// A fifo is not waited for.
	const flags = os.O_RDONLY | syscall.O_NONBLOCK
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		if d := t.hold(path[:i]); d != nil {
			if f, err := d.OpenFile(path[i+1:], flags, 0); err == nil {
				return f, nil
			}
		}
	}
	return t.root.OpenFile(filepath.FromSlash(path), flags, 0)
}

// hold is the directory dir of the repository, held open; nil where it cannot be.
func (t *dirTransport) hold(dir string) *os.Root {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.held[dir]
	if d == nil && len(t.held) < maxHeld {
		var err error
		if d, err = t.root.OpenRoot(filepath.FromSlash(dir)); err != nil {
			return nil
		}
		if t.held == nil {
			t.held = map[string]*os.Root{}
		}
		t.held[dir] = d
	}
	return d
}
