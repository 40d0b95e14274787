// Package fsystest helps tests to run on each system: on Windows as on Unix, and on
// Wine, which stands for Windows where there is none.
package fsystest

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// TempDir is t.TempDir, and one that can be cleared on Wine too: the calls by which
// os.RemoveAll removes below a directory handle are not there.
func TempDir(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "windows" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "inplace-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := removeAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// removeAll is os.RemoveAll by plain paths, which Wine has. Links are not followed.
func removeAll(dir string) error {
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		found = append(found, path)
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range slices.Backward(found) {
		os.Chmod(path, 0o700) // a file that is read-only cannot be removed on Windows
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// Symlink makes a symbolic link. Where links cannot be made, or not be seen again
// (Windows without the privilege, Wine), it skips the test and says so.
func Symlink(t testing.TB, target, path string) {
	t.Helper()
	err := os.Symlink(target, path)
	if err == nil {
		_, err = os.Readlink(path)
	}
	switch {
	case err != nil && runtime.GOOS == "windows":
		t.Skipf("no symbolic links here: %v", err)
	case err != nil:
		t.Fatal(err)
	}
}
