//go:build unix

package updater

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inplace/backup"
)

// TestC13DamagedSnapshot damages each file that a revert needs: it is found before
// anything is touched, named, and the tree stays as it was. Row E4, a hostile snapshot, is
// the same with links, directories and files that do not belong there.
func TestC13DamagedSnapshot(t *testing.T) {
	ctx := context.Background()
	onMemory(t)
	be := faultBench(t)
	_, err := be.open(t).Update(ctx)
	must(t, err)
	updated := filepath.Join(be.dir, "updated")
	copyTree(t, be.home, updated)
	before := look(t, be.home, true)
	outside := filepath.Join(be.dir, "outside")
	must(t, os.WriteFile(outside, []byte("not yours\n"), 0o644))

	snapshots, err := filepath.Glob(filepath.Join(be.home, "updates/backups/*"))
	must(t, err)
	if len(snapshots) != 1 {
		t.Fatalf("want one snapshot, got %q", snapshots)
	}
	var files []string
	must(t, filepath.WalkDir(snapshots[0], func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(snapshots[0], path)
		needed := strings.HasPrefix(rel, "slots/") || rel == "entries" || rel == "snapshot.yaml"
		if err == nil && d.Type().IsRegular() && needed && strings.Count(rel, "/") < 2 {
			files = append(files, path)
		}
		return err
	}))
	if len(files) < 8 {
		t.Fatalf("only %q", files)
	}
	hostile := map[string]func(string) error{
		"deleted": os.Remove,
		"cut":     func(p string) error { return os.Truncate(p, 0) },
		"one byte flipped": func(p string) error {
			return rewrite(p, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"a link out":       func(p string) error { return errors.Join(os.Remove(p), os.Symlink(outside, p)) },
		"a hard link":      func(p string) error { return errors.Join(os.Remove(p), os.Link(outside, p)) },
		"a directory":      func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) },
		"longer by a byte": func(p string) error { return rewrite(p, func(b []byte) []byte { return append(b, 'x') }) },
	}
	for _, file := range files {
		for name, damage := range hostile {
			copyTree(t, updated, be.home)
			rel, _ := filepath.Rel(be.home, file)
			must(t, damage(file))
			_, err := be.open(t).Revert(ctx)
			var damaged *backup.DamagedError
			switch {
			case err == nil:
				t.Errorf("%s %s: the revert used it", rel, name)
			case !errors.As(err, &damaged) && !errors.Is(err, ErrNothingToRevert):
				t.Errorf("%s %s: want it named as damage, got %v", rel, name, err)
			}
			same(t, rel+" "+name, before, look(t, be.home, true))
		}
	}
	text, err := os.ReadFile(outside)
	if err != nil || string(text) != "not yours\n" {
		t.Errorf("a file outside became %q, %v", text, err)
	}

	// What does not belong into a snapshot is no reason to refuse it.
	copyTree(t, updated, be.home)
	must(t, os.Symlink("/etc/passwd", filepath.Join(snapshots[0], "slots/999")))
	must(t, os.WriteFile(filepath.Join(snapshots[0], "more"), []byte("x"), 0o644))
	_, err = be.open(t).Revert(ctx)
	must(t, err)
}
