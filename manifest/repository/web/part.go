package web

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"

	"inplace/backup/fsys"
	"inplace/manifest/repository"
)

// inMemory is how much of a file waits in memory until all of it has come; what is longer
// is written as it comes, and can be gone on with.
const inMemory = 256 << 10

// part is a file that is not whole yet. A nil part keeps nothing; that every method bears.
type part struct {
	*shelf
	limit int64  // of the whole file
	buf   []byte // what has come, while there is no file
	f     *os.File
	n     int64
	crc   uint32
	etag  string
}

func (s *shelf) begin(limit int64) *part { return &part{shelf: s, limit: limit} }

// left is what an earlier run has left of the file, or nil where that is nothing one can go on
// with, or another run is at it.
func (s *shelf) left(limit int64) *part {
	if s.dir == nil {
		return nil
	}
	p := s.begin(limit)
	tag, err := s.dir.ReadFile(p.name + ".etag")
	if err != nil || strong(string(tag)) == "" || !p.hold(os.O_RDWR) {
		return nil
	}
	h := &summer{}
	n, err := io.Copy(h, p.f)
	if err != nil || n == 0 || n > limit {
		p.remove()
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

// hold opens the part file and holds it against other runs.
func (p *part) hold(flag int) bool {
	f, err := p.dir.OpenFile(p.name+".part", flag, p.c.mode&0o666)
	if err != nil {
		return false
	}
	mine, err := f.Stat()
	if mode := p.c.mode & 0o666; err == nil && mine.Mode().Perm() != mode {
		_ = f.Chmod(mode) // its maker can, and others need not
	}
	if err == nil {
		err = fsys.Hold(f)
	}
	if err == nil { // whoever held it may have given it another name meanwhile
		var there fs.FileInfo
		if there, err = p.dir.Lstat(p.name + ".part"); err == nil && !os.SameFile(mine, there) {
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
	if p.etag == "" || p.c.write(p.dir, p.name+".etag", []byte(p.etag)) != nil {
		_ = p.dir.Remove(p.name + ".etag")
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
	if p.make() && p.hold(os.O_RDWR|os.O_CREATE) {
		p.mark()
		if p.f.Truncate(0) == nil {
			return true
		}
	}
	p.drop()
	return false
}

// check says whether all that has come, in a file, has the digest of its name.
func (p *part) check() bool {
	if p == nil || p.f == nil {
		return false
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return err == nil && repository.CheckNamed(p.path, p.f, p.limit) == nil
}

// settle gives what is whole and right its name.
func (p *part) settle() {
	switch {
	case p == nil:
		return
	case p.f != nil:
		_ = p.f.Close()
		_ = p.dir.Rename(p.name+".part", p.name)
		_ = p.dir.Remove(p.name + ".etag")
	case p.n > 0 && p.make():
		p.put()
	}
	p.close()
}

// put writes what is in memory. It has a name of its own until it is whole, so that other
// runs need not be kept off.
func (p *part) put() {
	temp := fmt.Sprintf("%s.%08x", p.name, rand.Uint32())
	f, err := p.dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, p.c.mode&0o666)
	if err != nil {
		return
	}
	_ = f.Chmod(p.c.mode & 0o666) // past the umask
	_, err = f.Write(p.buf)
	err = errors.Join(err, f.Close())
	if err != nil || p.dir.Rename(temp, p.name) != nil {
		_ = p.dir.Remove(temp)
	}
}

// keep leaves what has come to a later run; without a name for the bytes it goes.
func (p *part) keep() {
	switch {
	case p == nil:
	case p.f == nil:
		p.close()
	case p.etag == "":
		p.drop()
	default:
		_ = p.f.Close()
		p.close()
	}
}

// drop removes what has come, and ends with it.
func (p *part) drop() {
	if p != nil {
		p.remove()
		p.close()
	}
}

// remove removes what has come.
func (p *part) remove() {
	if p.f == nil {
		return
	}
	_ = p.f.Close()
	p.f = nil
	_ = p.dir.Remove(p.name + ".part")
	_ = p.dir.Remove(p.name + ".etag")
}
