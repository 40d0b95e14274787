package repository

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// store is a repository held open for writing, locked against a second run. What is
// written appears under its name whole and durable, or not at all.
//
// While a run works there is a directory .tmp/, which stays, emptied, when the run
// fails after its first write. Finding it, the next run syncs every directory first: a name that it sees,
// and so does not write again, may not be on the disk yet.
type store struct {
	tree *fsys.Tree
	lock *fsys.Lock
	tmp  *fsys.Dir
	next atomic.Int64 // number of the next temporary file
	done bool         // nothing has failed
}

// openStore locks the directory dir and clears what an interrupted run has left. A
// lock held elsewhere is fsys.ErrLocked. fault, for tests, is asked before each
// change of the disk.
func openStore(dir string, fault func(op, path string) error) (_ *store, err error) {
	tree, err := fsys.Open(dir)
	if err != nil {
		return nil, pathFirst(dir, err)
	}
	tree.Fault = fault
	s := &store{tree: tree}
	defer func() {
		if err != nil {
			s.close()
			err = pathFirst(dir, err)
		}
	}()
	if s.lock, err = tree.Lock(fileLock); err != nil {
		return nil, err
	}
	left, err := tree.Lstat(dirTemp)
	if err != nil {
		return nil, err
	}
	if left.Exists {
		if err = s.syncAll(); err != nil {
			return nil, err
		}
		if err = tree.RemoveAll(dirTemp); err != nil {
			return nil, err
		}
	}
	if err = tree.MkdirAll(dirTemp, 0o700); err != nil {
		return nil, err
	}
	s.tmp, err = tree.OpenDir(dirTemp)
	return s, err
}

// syncAll makes every name in the repository durable.
func (s *store) syncAll() error {
	dirs := []string{""}
	for i := 0; i < len(dirs); i++ {
		if err := s.syncDir(dirs[i]); err != nil {
			return err
		}
		names, err := s.tree.Names(dirs[i])
		if err != nil {
			return err
		}
		for _, name := range names {
			path := string(manifest.Path(dirs[i]).Join(name))
			if strings.Count(path, "/") > 1 || strings.Contains(name, ".") {
				continue // directories have no dot in their names, files have
			}
			info, err := s.tree.Lstat(path)
			if err != nil {
				return err
			}
			if info.IsDir() {
				dirs = append(dirs, path)
			}
		}
	}
	return nil
}

// product is the name of the product that the repository is of.
func (s *store) product() (string, error) {
	data, err := s.read(fileProduct, manifest.MaxManifestBytes)
	if err != nil {
		return "", err
	}
	product, err := manifest.ParseProduct(fileProduct, data)
	if err != nil {
		return "", err
	}
	return product.Name, nil
}

// close empties the temporary directory, takes it away after a good run, and lets go
// of the lock. Both can be left to the next run.
func (s *store) close() {
	if s.tmp != nil {
		if s.done || s.next.Load() == 0 {
			_ = s.tree.RemoveAll(dirTemp)
		} else if names, err := s.tmp.Names(); err == nil {
			for _, name := range names {
				_ = s.tmp.RemoveAll(name)
			}
		}
		s.tmp.Close()
	}
	s.lock.Release()
	s.tree.Close()
}

// tempFile makes a new file in .tmp/ with the mode of published files.
func (s *store) tempFile() (f *os.File, name string, err error) {
	name = strconv.FormatInt(s.next.Add(1), 10)
	f, err = s.tmp.Create(name)
	if err != nil {
		return nil, "", err
	}
	if err := f.Chmod(0o644); err != nil {
		_ = f.Close()
		return nil, "", pathFirst(dirTemp+"/"+name, err)
	}
	return f, name, nil
}

// settle makes the temporary file f durable and gives it its name. The directory of
// path must exist; syncing it is the caller's.
func (s *store) settle(f *os.File, temp, path string) error {
	err := errors.Join(f.Sync(), f.Close())
	if err != nil {
		return pathFirst(path, err)
	}
	dir, err := s.tree.OpenDir(string(manifest.Path(path).Parent()))
	if err != nil {
		return err
	}
	defer dir.Close()
	return s.tmp.Rename(temp, dir, manifest.Path(path).Base())
}

// put writes data durably under path.
func (s *store) put(path string, data []byte) error {
	dir := string(manifest.Path(path).Parent())
	if err := s.tree.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, temp, err := s.tempFile()
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return pathFirst(path, err)
	}
	if err := s.settle(f, temp, path); err != nil {
		return err
	}
	return s.syncDir(dir)
}

// putNew is put for files named by their digest: what is there already is kept.
func (s *store) putNew(path string, data []byte) error {
	if old, err := s.read(path, int64(len(data))); err == nil && string(old) == string(data) {
		return nil
	}
	return s.put(path, data)
}

func (s *store) syncDir(dir string) error {
	d, err := s.tree.OpenDir(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// has reports whether path is there as a file that is not empty.
func (s *store) has(path string) (bool, error) {
	info, err := s.tree.Lstat(path)
	if err != nil {
		return false, err
	}
	if info.Exists && !info.IsFile() {
		return false, fmt.Errorf("%s: want a file, got something else", path)
	}
	return info.IsFile() && info.Size > 0, nil
}

// read returns the file path of at most limit bytes; a missing one is
// fs.ErrNotExist.
func (s *store) read(path string, limit int64) ([]byte, error) {
	f, err := s.tree.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := readAll(f, limit)
	return data, pathFirst(path, err)
}

// isMissing reports whether err says that nothing is there.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
