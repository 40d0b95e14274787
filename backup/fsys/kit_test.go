package fsys

import (
	"inplace/backup/fsys/fsystest"
	"os"
	"path/filepath"
	"testing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newTree opens an empty installation; its path may be used beside it.
func newTree(t testing.TB) (*Tree, string) {
	t.Helper()
	home := filepath.Join(fsystest.TempDir(t), "home")
	must(t, os.Mkdir(home, 0o755))
	tree, err := Open(home)
	must(t, err)
	t.Cleanup(tree.Close)
	return tree, home
}

func put(t testing.TB, path, body string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(body), 0o644))
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}
