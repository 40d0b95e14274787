package quick

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNothingOpen(t *testing.T) {
	home := t.TempDir()
	exe := filepath.Join(home, "bin", "inplace")
	record := filepath.Join(home, "updates", "installed", "installed.yaml")
	touch := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(args ...string) bool {
		return nothingOpen(append([]string{"inplace"}, args...), func() (string, error) { return exe, nil })
	}
	if ask("guard") {
		t.Error("a directory that is not adopted was passed")
	}
	touch(record)
	if !ask("guard") || !ask("--launched-as", "./update.sh", "guard") {
		t.Error("an installation without a journal was not passed")
	}
	for _, args := range [][]string{{}, {"status"}, {"guard", "--json"}, {"--home", "x", "guard"}, {"guard", "guard"}} {
		if ask(args...) {
			t.Errorf("%q was answered", args)
		}
	}
	for _, name := range []string{"OPEN", "journal"} {
		path := filepath.Join(home, "updates", name)
		touch(path)
		if ask("guard") {
			t.Errorf("passed with %s", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	exe = filepath.Join(home, "sbin", "inplace")
	if ask("guard") {
		t.Error("a program outside bin/ was taken for an installation's")
	}
}
