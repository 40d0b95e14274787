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

// Open opens the regular file at the slash-separated path name. Anything else there is
// [ErrNotRegular]; opening never blocks. What comes is an [*os.File], or has a method Size.
func (b *Beneath) Open(name string) (io.ReadCloser, error) {
	if f := b.openAtOnce(name); f != nil {
		return f, nil
	}
	return b.openStepwise(name)
}

// openStepwise is Open where the system cannot walk a path without leaving a directory.
func (b *Beneath) openStepwise(name string) (io.ReadCloser, error) {
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
	return f, nil
}
