package quick

import (
	"os"
	"path/filepath"
	"slices"
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
	ask := func() bool { return nothingOpen(func() (string, error) { return exe, nil }) }
	if ask() {
		t.Error("a directory that is not adopted was passed")
	}
	touch(record)
	if !ask() {
		t.Error("an installation without a journal was not passed")
	}
	for _, name := range []string{"OPEN", "journal"} {
		path := filepath.Join(home, "updates", name)
		touch(path)
		if ask() {
			t.Errorf("passed with %s", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	exe = filepath.Join(home, "sbin", "inplace")
	if ask() {
		t.Error("a program outside bin/ was taken for an installation's")
	}
}

func TestCommand(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{nil, nil},
		{[]string{"inplace"}, nil},
		{[]string{"inplace", "guard"}, []string{"guard"}},
		{[]string{"inplace", "--launched-as", "./update.sh", "guard"}, []string{"guard"}},
		{[]string{"inplace", "--launched-as", "./update.sh"}, nil},
		{[]string{"inplace", "--launched-as"}, []string{"--launched-as"}},
		{[]string{"inplace", "guard", "--json"}, []string{"guard", "--json"}},
		{[]string{"inplace", "--home", "x", "guard"}, []string{"--home", "x", "guard"}},
	} {
		if got := command(c.args); !slices.Equal(got, c.want) {
			t.Errorf("%q: want %q, got %q", c.args, c.want, got)
		}
	}
}
