package fsys

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"syscall"
)

func split(path string) (dir, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// at walks the chain to the directory path; t.mu is held. Only the directories of
// the path used last are kept, so that sorted work opens each directory once and
// the number of handles is the depth of the tree.
func (t *Tree) at(path string) (*Dir, error) {
	if t.chain == nil {
		return nil, fs.ErrClosed
	}
	if t.kept != nil {
		if d, err := t.atKept(path); d != nil || err != nil {
			return d, err
		}
	}
	keep := 1
	rest := path
	for keep < len(t.chain) {
		p := t.chain[keep].path
		if path == p || strings.HasPrefix(path, p+"/") {
			keep++
			continue
		}
		break
	}
	t.shorten(keep)
	d := t.chain[keep-1]
	rest = strings.TrimPrefix(strings.TrimPrefix(path, d.path), "/")
	for rest != "" {
		name, more, _ := strings.Cut(rest, "/")
		next, err := d.OpenDir(name)
		if err != nil {
			return nil, err
		}
		t.chain = append(t.chain, next)
		d, rest = next, more
	}
	return d, nil
}

// shorten closes all of the chain but its first keep directories.
func (t *Tree) shorten(keep int) {
	for len(t.chain) > keep {
		last := len(t.chain) - 1
		t.chain[last].Close()
		t.chain = t.chain[:last]
	}
}

// maxKept is how many directories are held open at the most while [Tree.Holding], and at
// most a quarter of what the process may open: files are read beside. Linux gives a process
// of several threads its 257th descriptor, and each time it has twice as many, only after
// every processor has passed through the scheduler, which takes it 5 to 20 ms.
var maxKept = sync.OnceValue(func() int { return min(200, maxHandles()/4) })

// Holding calls fn and keeps open until it returns what directories it looks into, so that
// several passes over the same paths open each of them once. It is for looking only: what is
// moved meanwhile is still read where it was opened, and who changes something has to walk
// to it anew.
func (t *Tree) Holding(fn func() error) error {
	t.mu.Lock()
	outer := t.kept != nil
	if !outer {
		t.kept = map[string]*Dir{}
	}
	t.mu.Unlock()
	if !outer {
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.letGo()
			t.shorten(1) // where there was no room to keep more
			t.kept = nil
		}()
	}
	return fn()
}

func (t *Tree) letGo() {
	for _, d := range t.kept {
		d.Close()
	}
	clear(t.kept)
}

// atKept is at among the directories that are kept, nil where there is no room for one
// more; t.mu is held.
func (t *Tree) atKept(path string) (*Dir, error) {
	if path == "" {
		return t.root, nil
	}
	if d := t.kept[path]; d != nil {
		return d, nil
	}
	if len(t.kept) >= maxKept() {
		return nil, nil
	}
	above, name := split(path)
	d, err := t.atKept(above)
	if d == nil || err != nil {
		return nil, err
	}
	next, err := d.OpenDir(name)
	if err == nil {
		t.kept[path] = next
	}
	return next, err
}

// In calls fn with the held directory that path lies in and its last component.
// fn must not keep the directory. An error of the walk is returned as it is:
// fs.ErrNotExist, *[LinkError], or ENOTDIR where a file stands in the way. Directories
// that are kept while [Tree.Holding] give way where no descriptor is left, and fn, which
// then only looks, is called again.
func (t *Tree) In(path string, fn func(d *Dir, name string) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.in(path, fn)
	if len(t.kept) > 0 && errors.Is(err, syscall.EMFILE) {
		t.letGo()
		err = t.in(path, fn)
	}
	return err
}

func (t *Tree) in(path string, fn func(d *Dir, name string) error) error {
	dir, name := split(path)
	d, err := t.at(dir)
	if err != nil {
		return err
	}
	return fn(d, name)
}

// Forget closes the cached handles below the root, so that directories may be
// renamed or removed on systems that mind.
func (t *Tree) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.letGo()
	t.shorten(1)
}
