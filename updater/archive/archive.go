// Package archive writes a tree into one new file or directory, for `pack`.
//
// # Forms
//
//	NAME.tar.zst    tar (PAX where a name needs it) in one zstd frame
//	NAME.zip        zip, deflated, written in one pass; zip64 where it is needed
//	anything else   a directory
//
// Paths are relative to the tree: nothing is put above them.
//
// # The same tree, the same bytes
//
// Entries are written in the order given, with the one time given, modes as given, and
// no owner: user and group 0 without names. What compresses has fixed settings and runs on
// one goroutine. So the bytes of a file follow from the entries, the time and the version
// of this program, not from the machine, the user or the clock.
//
// # Whole or not there
//
// Everything is written beside its place under a name that begins with
// [fsys.TempPrefix], made durable, and given its name in the last step. What has that
// name is whole. A failure or a cancelled context removes what was written; a kill or
// a power cut leaves the other name, which may be removed by hand. Nothing that has the
// name already is ever replaced.
package archive

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// Form is how a tree is written.
type Form string

// The forms.
const (
	TarZstd   Form = "tar.zst"
	Zip       Form = "zip"
	Directory Form = "directory"
)

// ErrExists: something has the name already.
var ErrExists = errors.New("is there already")

// FormOf tells the form by the name that the archive is to have. A name that looks like
// an archive of another kind is an error, since a directory is hardly what is meant.
func FormOf(name string) (Form, error) {
	lower := strings.ToLower(name)
	switch {
	case name == "" || name == "-":
		return "", fmt.Errorf("want the name of a file or a directory, got %q", name)
	case os.IsPathSeparator(name[len(name)-1]):
		return Directory, nil
	case strings.HasSuffix(lower, ".tar.zst"):
		return TarZstd, nil
	case strings.HasSuffix(lower, ".zip"):
		return Zip, nil
	}
	for _, other := range []string{".tar", ".tgz", ".gz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".tzst", ".7z", ".rar", ".war", ".jar"} {
		if strings.HasSuffix(lower, other) {
			return "", fmt.Errorf("no archive of the kind %s can be written", other)
		}
	}
	return Directory, nil
}

// Entry is one path of the tree. Parents come before what is in them, and every
// directory is listed.
type Entry struct {
	Path   string // slash-separated, relative
	Kind   manifest.Kind
	Mode   uint32 // permission bits of a file or directory
	Size   int64  // of a file
	Target string // of a link
	// Open opens the content of a file. A reader that gives other than Size bytes is an
	// error of the archive.
	Open func(context.Context) (io.ReadCloser, error)
}

// Options change how a tree is written.
type Options struct {
	Time     time.Time         // of every entry; whole seconds count
	Private  bool              // nobody but the owner may open the result
	Progress func(bytes int64) // of contents, from the goroutine of Write; may be nil

	fault func(op, path string) error // for tests: see fsys.Tree.Fault
}

// Result is what was written.
type Result struct {
	Bytes  int64           // length of the file; 0 for a directory
	Digest manifest.Digest // of the file; zero for a directory
}

// Write writes entries to the new file or directory to. Errors: [ErrExists], those of
// opening and reading entries, of the context, and of the file system.
func Write(ctx context.Context, to string, form Form, entries []Entry, opt Options) (Result, error) {
	opt.Time = opt.Time.UTC().Truncate(time.Second)
	to = filepath.Clean(to)
	if err := Vacant(to); err != nil {
		return Result{}, err
	}
	w := &writer{ctx: ctx, opt: opt, entries: entries, buf: make([]byte, 256<<10)}
	if form == Directory {
		return Result{}, w.directory(filepath.Join(filepath.Dir(to), tempName()), to)
	}
	return w.file(to, form)
}

// Vacant is nil if nothing has the name to, and the directory it goes into is there.
func Vacant(to string) error {
	_, err := os.Lstat(to)
	if err == nil {
		return fmt.Errorf("%s: %w", to, ErrExists)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(filepath.Clean(to))
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such directory", dir)
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s: is no directory", dir)
	}
	return err
}

func tempName() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return fsys.TempPrefix + hex.EncodeToString(b[:])
}

// writer writes one tree.
type writer struct {
	ctx     context.Context
	opt     Options
	entries []Entry
	buf     []byte
}

// sink is an archive that is being written.
type sink interface {
	// add begins an entry; what is written to the writer is the content of a file.
	add(e *Entry) (io.Writer, error)
	close() error
}

// file writes an archive that is one file.
func (w *writer) file(to string, form Form) (Result, error) {
	mode := fs.FileMode(0o666)
	if w.opt.Private {
		mode = 0o600
	}
	return Aside(w.ctx, to, mode, func(out io.Writer) (err error) {
		var s sink
		switch form {
		case TarZstd:
			s, err = newTar(out, w.opt)
		case Zip:
			s = newZip(out, w.opt)
		}
		if err != nil {
			return err
		}
		for i := range w.entries {
			if err := w.one(s, &w.entries[i]); err != nil {
				return err
			}
		}
		return s.close()
	})
}

// one adds one entry with its content.
func (w *writer) one(s sink, e *Entry) error {
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	out, err := s.add(e)
	if err == nil && e.Kind == manifest.File {
		err = w.content(out, e)
	}
	if err != nil {
		return &entryError{e.Path, unplaced(err)}
	}
	return nil
}

// entryError names the entry that could not be written.
type entryError struct {
	path string
	err  error
}

func (e *entryError) Error() string {
	return "pack " + manifest.Path(e.path).String() + ": " + e.err.Error()
}
func (e *entryError) Unwrap() error { return e.err }

// content copies the content of e, which has to have the length that e says.
func (w *writer) content(to io.Writer, e *Entry) error {
	r, err := e.Open(w.ctx)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	left := e.Size
	for {
		if err := w.ctx.Err(); err != nil {
			return context.Cause(w.ctx)
		}
		n, err := r.Read(w.buf)
		if left -= int64(n); left < 0 {
			return fmt.Errorf("has more than %d bytes", e.Size)
		}
		if _, err := to.Write(w.buf[:n]); err != nil {
			return err
		}
		if w.opt.Progress != nil && n > 0 {
			w.opt.Progress(int64(n))
		}
		switch {
		case errors.Is(err, io.EOF) && left > 0:
			return fmt.Errorf("has %d bytes, want %d", e.Size-left, e.Size)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// name gives the file temp its name, without ever taking the place of another, and
// makes that durable.
func name(temp, to string) error {
	err := os.Link(temp, to)
	switch {
	case err == nil:
		if err := os.Remove(temp); err != nil {
			return err
		}
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	default: // a file system without hard links
		if err := Vacant(to); err != nil {
			return err
		}
		if err := os.Rename(temp, to); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(dir string) error {
	t, err := fsys.Open(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Root().Sync()
}

// placed puts the name that was asked for in front of err, in place of the other one.
func placed(err error, to string) error {
	var (
		entry *entryError
		path  *fs.PathError
		link  *os.LinkError
	)
	switch {
	case errors.As(err, &entry):
		return err
	case errors.As(err, &path) && strings.HasPrefix(filepath.Base(path.Path), fsys.TempPrefix):
		err = path.Err
	case errors.As(err, &link) && strings.HasPrefix(filepath.Base(link.Old), fsys.TempPrefix):
		err = link.Err
	}
	return fmt.Errorf("%s: %w", to, err)
}
