package fsys

import (
	"io"
	"os"
)

// Beneath is a directory held open whose files are read by paths. Links in it are
// followed; those that lead out of it are refused. Its methods may be called from several
// goroutines.
type Beneath struct {
	root *os.Root
	dir  *os.File // the same
}

// OpenBeneath opens the directory path.
func OpenBeneath(path string) (*Beneath, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	dir, err := root.Open(".")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &Beneath{root, dir}, nil
}

// Close lets go of the directory; what was opened in it stays open.
func (b *Beneath) Close() error {
	_ = b.dir.Close()
	return b.root.Close()
}

// Content is a regular file open for reading, to be closed.
type Content interface {
	io.ReadCloser
	Size() int64 // in bytes, when it was opened
}

// Open opens the regular file at the slash-separated path name. Anything else there is
// [ErrNotRegular]; opening never blocks.
func (b *Beneath) Open(name string) (Content, error) {
	if c := b.openAtOnce(name); c != nil {
		return c, nil
	}
	return b.openStepwise(name)
}

// openStepwise is Open where the system cannot walk a path without leaving a directory.
func (b *Beneath) openStepwise(name string) (Content, error) {
	info, err := b.root.Stat(name) // first, since opening a fifo would wait for its writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &PathError{name, ErrNotRegular}
	}
	f, err := b.root.Open(name)
	if err != nil {
		return nil, err
	}
	return sized{f, info.Size()}, nil
}

type sized struct {
	*os.File
	size int64
}

func (s sized) Size() int64 { return s.size }
