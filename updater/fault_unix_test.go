//go:build unix

package updater

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"inplace/backup/fsys"
)

func inode(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

// lchtimes sets the time of a link itself.
func lchtimes(path string, at time.Time) error {
	t, err := fsys.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Root().Chtimes(filepath.Base(path), at.UnixNano())
}
