package merge

import (
	"os"
	"path/filepath"
	"testing"
)

// corpusDir holds real triples; it is kept beside the repository, not in it.
const corpusDir = "../../shared/corpus/merge"

type corpusCase struct{ name, file, base, ours, theirs string }

// corpus reads the real triples, or skips the test and says so.
func corpus(t testing.TB) []corpusCase {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(corpusDir, "case-*", "base.*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skipf("%s is absent: the real triples are not checked", corpusDir)
	}
	var cases []corpusCase
	for _, p := range paths {
		dir, ext := filepath.Dir(p), filepath.Ext(p)
		read := func(side string) string {
			b, err := os.ReadFile(filepath.Join(dir, side+ext))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		cases = append(cases, corpusCase{filepath.Base(dir), "base" + ext, read("base"), read("ours"), read("theirs")})
	}
	return cases
}

func TestAgainstGitOnRealTriples(t *testing.T) {
	needGit(t)
	dir := t.TempDir()
	var clean, gitClean, same int
	cases := corpus(t)
	for _, c := range cases {
		want, wantClean := gitMerge(t, dir, c.base, c.ours, c.theirs)
		got := Merge([]byte(c.base), []byte(c.ours), []byte(c.theirs), Options{})
		if wantClean {
			gitClean++
		}
		if got.Clean() {
			clean++
		}
		switch {
		case got.Clean() && wantClean && string(got.Merged) == want:
			same++
		case got.Clean() && wantClean:
			t.Logf("%s: clean but different from git", c.name)
		case wantClean:
			t.Logf("%s: git is clean, got %d conflicts", c.name, len(got.Conflicts))
		case got.Clean():
			t.Logf("%s: clean, git conflicts", c.name)
		}
	}
	t.Logf("%d cases: %d clean, git %d clean, %d of them byte for byte the same", len(cases), clean, gitClean, same)
	if clean < gitClean {
		t.Errorf("fewer clean merges than git: got %d, want at least %d", clean, gitClean)
	}
}
