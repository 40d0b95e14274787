//go:build unix

package backup

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"inplace/backup/fsys/fsystest"
	"inplace/manifest"
)

// TestCheckWithoutHandles: that this process can open no more files is no damage.
func TestCheckWithoutHandles(t *testing.T) {
	dir := fsystest.TempDir(t)
	must(t, os.WriteFile(filepath.Join(dir, slotName(0)), []byte("x"), 0o600))
	slots, err := open(t, dir).OpenDir("")
	must(t, err)
	defer slots.Close()
	e := Entry{Class: Product, Path: "f", Old: State{Kind: File, Mode: 0o600, Size: 1, Digest: manifest.DigestOf([]byte("x"))}}
	e.Old.UID, e.Old.GID = os.Getuid(), os.Getgid()
	check := func() (string, error) { return new(Snapshot).fault(slots, &e, true) }
	if reason, err := check(); reason != "" || err != nil {
		t.Fatalf("want nothing wrong, got %q, %v", reason, err)
	}
	fsystest.Handles(t, 0)
	if reason, err := check(); !errors.Is(err, syscall.EMFILE) || reason != "" {
		t.Errorf("want EMFILE, got %q, %v", reason, err)
	}
}
