package formats_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"inplace/merge"
	"inplace/merge/formats"
)

// Cases of other tools' own suites, each file named after its tool. A case NAME.EXT has the
// parts NAME.EXT/base, /ours, /theirs and /want, the merged text; where it has /conflicts,
// these are listed there, "KEY: REASON" a line, and want has markers. A case that the tool
// decides in another way has a part /why. ␍ is CR, [NUL] that byte, and [NONL] takes away the
// newline behind it.
func TestSuites(t *testing.T) {
	visible := strings.NewReplacer("␍", "\r", "[NUL]", "\x00", "[NONL]\n", "")
	least := map[string]int{"git": 13, "diff3": 6, "kyaml": 40, "mergiraf": 25}
	for suite, n := range least {
		data, err := os.ReadFile(filepath.Join("testdata", "suites", suite+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		cases := map[string]map[string]string{}
		for _, f := range txtar.Parse(data).Files {
			name := path.Dir(f.Name)
			if cases[name] == nil {
				cases[name] = map[string]string{}
			}
			cases[name][path.Base(f.Name)] = visible.Replace(string(f.Data))
		}
		if len(cases) < n {
			t.Errorf("%s: want at least %d cases, got %d", suite, n, len(cases))
		}
		for name, c := range cases {
			t.Run(suite+"/"+name, func(t *testing.T) { runSuiteCase(t, name, c) })
		}
	}
}

func runSuiteCase(t *testing.T, name string, c map[string]string) {
	base, ours, theirs := []byte(c["base"]), []byte(c["ours"]), []byte(c["theirs"])
	format := formats.Detect(name, theirs)
	checkWindow(t, name, format, base, ours, theirs)
	r := formats.Merge(format, base, ours, theirs, merge.Options{})
	var conflicts strings.Builder
	for _, k := range r.Conflicts {
		conflicts.WriteString(k.Key + ": " + k.Reason + "\n")
	}
	if d := cmp.Diff(c["conflicts"], conflicts.String()); d != "" {
		t.Errorf("conflicts (-want +got):\n%s", d)
	}
	if d := cmp.Diff(c["want"], string(r.Merged)); d != "" {
		t.Errorf("merged text (-want +got):\n%s", d)
	}
	if swapped := formats.Merge(format, base, theirs, ours, merge.Options{}); swapped.Clean() != r.Clean() {
		t.Errorf("clean: got %v, with the sides swapped %v", r.Clean(), swapped.Clean())
	}
	for _, side := range [][]byte{ours, theirs} {
		for _, one := range []merge.Result{
			formats.Merge(format, base, side, base, merge.Options{}),
			formats.Merge(format, base, base, side, merge.Options{}),
			formats.Merge(format, base, side, side, merge.Options{}),
		} {
			if !one.Clean() || string(one.Merged) != string(side) {
				t.Errorf("one side's change: want %q, got %q", side, one.Merged)
			}
		}
	}
}
