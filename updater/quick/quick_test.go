package quick

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func TestParseMerge(t *testing.T) {
	for _, c := range []struct {
		words string
		want  mergeArgs
		ok    bool
	}{
		{"o b t", mergeArgs{sides: [3]string{"o", "b", "t"}}, true},
		{"--path p -o r o b t", mergeArgs{sides: [3]string{"o", "b", "t"}, path: "p", output: "r"}, true},
		{"o --marker-size 7 b --format ini t", mergeArgs{sides: [3]string{"o", "b", "t"}, format: "ini"}, true},
		{"o b", mergeArgs{}, false},
		{"o b t x", mergeArgs{}, false},
		{"--json o b t", mergeArgs{}, false},
		{"--path=p o b t", mergeArgs{}, false},
		{"o b t --path", mergeArgs{}, false},
		{"--path p --path p o b t", mergeArgs{}, false},
		{"--marker-size x o b t", mergeArgs{}, false},
		{"-- o b t", mergeArgs{}, false},
		{"-o -x o b t", mergeArgs{}, false},
	} {
		got, ok := parseMerge(strings.Fields(c.words))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: want %+v, %v, got %+v, %v", c.words, c.want, c.ok, got, ok)
		}
	}
}

func TestMerged(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours, base, theirs := file("ours.ini", "[m]\na=2\nb=1\n"), file("base", "[m]\na=1\nb=1\n"), file("theirs", "[m]\na=1\nb=2\n")
	both := file("both", "[m]\na=3\nb=1\n")
	out := filepath.Join(dir, "out")
	for _, words := range [][]string{
		{ours, base, both, "-o", out},
		{ours, base, filepath.Join(dir, "gone"), "-o", out},
		{ours, base, dir, "-o", out},
		{ours, base, theirs, "--format", "none", "-o", out},
	} {
		if merged(words) {
			t.Errorf("%q: want it left to the program", words)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%q: was written", words)
		}
	}
	if !merged([]string{ours, base, theirs, "-o", out}) {
		t.Fatal("a plain merge was left to the program")
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "[m]\na=2\nb=2\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
