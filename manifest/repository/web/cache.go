package web

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"inplace/backup/fsys"
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

// inMemory is how much of a file waits in memory until all of it has come; what is longer
// is written as it comes, and can be gone on with.
const inMemory = 256 << 10

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

// open opens the file name if it is there, else it returns nil.
func (c *Cache) open(name string) *os.File {
	name = path.Join(cacheDir, name)
	info, err := c.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := c.root.Open(name)
	if err != nil {
		return nil
	}
	return f
}

// find opens the file name, of at most limit bytes, if it is there and right; else nil.
func (c *Cache) find(name string, limit int64) *os.File {
	f := c.open(name)
	if f == nil {
		return nil
	}
	info, err := f.Stat()
	if err == nil && info.Size() > limit {
		err = errors.New("too long")
	}
	if err == nil {
		err = repository.CheckNamed(name, f, limit)
	}
	name = path.Join(cacheDir, name)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		_ = c.root.Remove(name)
		return nil
	}
	if now := time.Now(); now.Sub(info.ModTime()) > 24*time.Hour {
		_ = c.root.Chtimes(name, now, now)
	}
	return f
}

// prune removes what was not used for long; at most once a day.
func (c *Cache) prune(now time.Time) {
	const mark = "pruned"
	if info, err := c.root.Lstat(mark); err == nil && now.Sub(info.ModTime()) < 24*time.Hour {
		return
	}
	if c.write(mark, nil) != nil {
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

func (c *Cache) write(name string, data []byte) error {
	err := c.root.WriteFile(name, data, c.mode&0o666)
	_ = c.root.Chmod(name, c.mode&0o666)
	return err
}

// part is a file that is not whole yet. A nil part keeps nothing; that every method bears.
type part struct {
	c     *Cache
	name  string // of the whole file, in the cache
	limit int64  // of the whole file
	buf   []byte // what has come, while there is no file
	f     *os.File
	n     int64
	crc   uint32
	etag  string
}

func (c *Cache) begin(name string, limit int64) *part {
	return &part{c: c, name: path.Join(cacheDir, name), limit: limit}
}

// left is what an earlier run has left of the file name, or nil where that is nothing one
// can go on with, or another run is at it.
func (c *Cache) left(name string, limit int64) *part {
	p := c.begin(name, limit)
	tag, err := c.root.ReadFile(p.name + ".etag")
	if err != nil || strong(string(tag)) == "" || !p.open(os.O_RDWR) {
		return nil
	}
	h := &summer{}
	n, err := io.Copy(h, p.f)
	if err != nil || n == 0 || n > limit {
		p.drop()
		return nil
	}
	p.n, p.crc, p.etag = n, h.sum, string(tag)
	return p
}

type summer struct{ sum uint32 }

func (s *summer) Write(p []byte) (int, error) {
	s.sum = update(s.sum, p)
	return len(p), nil
}

// open opens the part file and holds it against other runs.
func (p *part) open(flag int) bool {
	f, err := p.c.root.OpenFile(p.name+".part", flag, p.c.mode&0o666)
	if err != nil {
		return false
	}
	_ = f.Chmod(p.c.mode & 0o666) // its maker can, and others need not
	mine, err := f.Stat()
	if err == nil {
		err = fsys.Hold(f)
	}
	if err == nil { // whoever held it may have given it another name meanwhile
		var there fs.FileInfo
		if there, err = p.c.root.Lstat(p.name + ".part"); err == nil && !os.SameFile(mine, there) {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		_ = f.Close()
		return false
	}
	p.f = f
	return true
}

func (p *part) size() int64 {
	if p == nil {
		return 0
	}
	return p.n
}

func (p *part) sum() uint32 {
	if p == nil {
		return 0
	}
	return p.crc
}

func (p *part) tag() string {
	if p == nil {
		return ""
	}
	return p.etag
}

// named records by what the server names the bytes that come.
func (p *part) named(etag string) {
	if p != nil && etag != p.etag {
		p.etag = etag
		if p.f != nil {
			p.mark()
		}
	}
}

func (p *part) mark() {
	if p.etag == "" || p.c.write(p.name+".etag", []byte(p.etag)) != nil {
		_ = p.c.root.Remove(p.name + ".etag")
	}
}

// write adds what has come and returns p, or nil where it cannot be kept.
func (p *part) write(b []byte) *part {
	if p == nil {
		return nil
	}
	p.n += int64(len(b))
	if p.f == nil {
		p.buf = append(p.buf, b...)
		if len(p.buf) <= inMemory {
			return p
		}
		b = p.buf
		if !p.spill() {
			return nil
		}
	}
	if _, err := p.f.Write(b); err != nil {
		p.drop()
		return nil
	}
	return p
}

// spill opens the part file for what is in memory.
func (p *part) spill() bool {
	p.buf = nil
	if !p.c.mkdir(path.Dir(p.name)) || !p.open(os.O_RDWR|os.O_CREATE) {
		return false
	}
	p.mark()
	if p.f.Truncate(0) != nil {
		p.drop()
		return false
	}
	return true
}

// check says whether all that has come, in a file, has the digest of its name.
func (p *part) check() bool {
	if p == nil || p.f == nil {
		return false
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return err == nil && repository.CheckNamed(strings.TrimPrefix(p.name, cacheDir+"/"), p.f, p.limit) == nil
}

// settle gives what is whole and right its name.
func (p *part) settle() {
	if p == nil {
		return
	}
	if p.f == nil {
		if p.n == 0 || !p.c.mkdir(path.Dir(p.name)) || !p.open(os.O_RDWR|os.O_CREATE) {
			return
		}
		if p.f.Truncate(0) != nil {
			p.drop()
			return
		}
		if _, err := p.f.Write(p.buf); err != nil {
			p.drop()
			return
		}
	}
	_ = p.f.Close()
	_ = p.c.root.Rename(p.name+".part", p.name)
	_ = p.c.root.Remove(p.name + ".etag")
}

// keep leaves what has come to a later run; without a name for the bytes it goes.
func (p *part) keep() {
	if p == nil || p.f == nil {
		return
	}
	if p.etag == "" {
		p.drop()
		return
	}
	_ = p.f.Close()
}

// drop removes what has come.
func (p *part) drop() {
	if p == nil || p.f == nil {
		return
	}
	_ = p.f.Close()
	p.f = nil
	_ = p.c.root.Remove(p.name + ".part")
	_ = p.c.root.Remove(p.name + ".etag")
}
