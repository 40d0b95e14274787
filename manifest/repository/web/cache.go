package web

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"inplace/manifest/repository"
)

// Cache keeps what was fetched, in a directory that runs, installations and users may
// share. Files lie there as in a repository, below v1/, beside them what was cut, as
// NAME.part with the server's ETag in NAME.etag. A file gets its name when its bytes were
// compared with it, and is compared again each time it is met; one that differs then is
// removed. A cache that cannot be written, or is
// being written by another run, costs a download and is no error. What nobody has used
// for a month goes.
type Cache struct {
	root *os.Root
	mode fs.FileMode // of directories, whatever the umask; files have the same without x
}

// unusedFor is how long a file stays that nobody uses.
const unusedFor = 30 * 24 * time.Hour

// OpenCache opens the cache in dir, making it, for its maker alone, if it is missing.
// What it makes below has the rights of dir.
func OpenCache(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	c := &Cache{root: root, mode: info.Mode()&(fs.ModePerm|fs.ModeSetgid) | 0o700}
	c.prune(time.Now())
	return c, nil
}

// Close lets go of the directory.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	return c.root.Close()
}

const cacheDir = "v1"

// open opens the file at path of the repository if it is there, else it returns nil.
func (c *Cache) open(path string) *os.File {
	s := c.shelf(path)
	defer s.close()
	return s.open()
}

// shelf is where a file of a repository lies in the cache: its directory is held open, so that
// each step with the file is one call.
type shelf struct {
	c    *Cache
	path string   // of the file, in the repository
	name string   // of the file, in dir
	dir  *os.Root // nil: is not there
}

func (c *Cache) shelf(file string) *shelf {
	s := &shelf{c: c, path: file, name: path.Base(file)}
	s.dir, _ = c.root.OpenRoot(path.Join(cacheDir, path.Dir(file)))
	return s
}

// make makes the directory if it is missing, and reports whether it is there.
func (s *shelf) make() bool {
	if s.dir == nil {
		at := path.Join(cacheDir, path.Dir(s.path))
		if s.c.mkdir(at) {
			s.dir, _ = s.c.root.OpenRoot(at)
		}
	}
	return s.dir != nil
}

func (s *shelf) close() {
	if s.dir != nil {
		_ = s.dir.Close()
		s.dir = nil
	}
}

// open opens the file if it is there, else it returns nil.
func (s *shelf) open() *os.File {
	if s.dir == nil {
		return nil
	}
	info, err := s.dir.Lstat(s.name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := s.dir.Open(s.name)
	if err != nil {
		return nil
	}
	return f
}

// find opens the file, of at most limit bytes, if it is there and right; else nil.
func (s *shelf) find(limit int64) *os.File {
	f := s.open()
	if f == nil {
		return nil
	}
	info, err := f.Stat()
	if err == nil && info.Size() > limit {
		err = errors.New("too long")
	}
	if err == nil {
		err = repository.CheckNamed(s.path, f, limit)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		_ = s.dir.Remove(s.name)
		return nil
	}
	if now := time.Now(); now.Sub(info.ModTime()) > 24*time.Hour {
		_ = s.dir.Chtimes(s.name, now, now)
	}
	return f
}

// prune removes what was not used for long; at most once a day.
func (c *Cache) prune(now time.Time) {
	const mark = "pruned"
	if info, err := c.root.Lstat(mark); err == nil && now.Sub(info.ModTime()) < 24*time.Hour {
		return
	}
	if c.write(c.root, mark, nil) != nil {
		return
	}
	_ = c.root.Chtimes(mark, now, now)
	_ = fs.WalkDir(c.root.FS(), cacheDir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil && now.Sub(info.ModTime()) > unusedFor {
			_ = c.root.Remove(p)
		}
		return nil
	})
}

// mkdir makes the directory name and those above it.
func (c *Cache) mkdir(name string) bool {
	if _, err := c.root.Lstat(name); err == nil {
		return true
	}
	if dir := path.Dir(name); dir != "." && !c.mkdir(dir) {
		return false
	}
	if c.root.Mkdir(name, c.mode.Perm()) == nil {
		_ = c.root.Chmod(name, c.mode) // past the umask: others may share the cache
	}
	return true
}

// write writes a small file below dir.
func (c *Cache) write(dir *os.Root, name string, data []byte) error {
	err := dir.WriteFile(name, data, c.mode&0o666)
	_ = dir.Chmod(name, c.mode&0o666)
	return err
}
