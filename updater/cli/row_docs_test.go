package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRowsAreTrue holds docs/reliability.md to the code: it has every row of the fault
// tables, and each test, script and fuzz target that it names is there.
func TestRowsAreTrue(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		source.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 60 {
		t.Errorf("want at least 60 names of tests, got %d", len(names))
	}
	for _, m := range names {
		if !strings.Contains(source.String(), "func "+m[1]+"(") {
			t.Errorf("docs/reliability.md names %s, which is nowhere", m[1])
		}
	}
	for _, m := range regexp.MustCompile("scripts? `([a-z_0-9]+)`").FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(root, "testdata", "script", m[1]+".txtar")); err != nil {
			t.Errorf("docs/reliability.md: %v", err)
		}
	}
	var rows []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([CAME]\d+(?:, [CAME]\d+)*) \|`).FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, strings.Split(m[1], ", ")...)
	}
	for letter, last := range map[string]int{"C": 18, "A": 19, "M": 12, "E": 8} {
		for n := 1; n <= last; n++ {
			if row := letter + strconv.Itoa(n); !slices.Contains(rows, row) {
				t.Errorf("docs/reliability.md has no row %s", row)
			}
		}
	}
}
