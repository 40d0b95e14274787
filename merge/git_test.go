package merge

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gitMerge merges with git merge-file, the outside check of the line merge.
func gitMerge(t testing.TB, dir, base, ours, theirs string) (merged string, clean bool) {
	t.Helper()
	cmd := exec.Command("git", "merge-file", "-p", "--diff3", "-L", "ours", "-L", "base", "-L", "theirs", "ours", "base", "theirs")
	cmd.Dir = dir
	for name, content := range map[string]string{"base": base, "ours": ours, "theirs": theirs} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 127) {
		t.Fatalf("git merge-file: %v", err)
	}
	return string(out), err == nil
}

func needGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: no outside check of the line merge")
	}
}

// randomTriple edits a text twice. Lines come from a small set, so that
// many are equal, as blank lines and closing brackets are in configuration.
func randomTriple(r *rand.Rand, end string) (base, ours, theirs string) {
	vocabulary := 3 + r.Intn(40)
	word := func() string { return "line " + string(rune('A'+r.Intn(vocabulary))) }
	lines := make([]string, r.Intn(30))
	for i := range lines {
		lines[i] = word()
	}
	edit := func() string {
		l := append([]string(nil), lines...)
		for range r.Intn(4) {
			at := r.Intn(len(l) + 1)
			switch n := min(r.Intn(3), len(l)-at); r.Intn(3) {
			case 0:
				l = append(l[:at:at], l[at+n:]...)
			case 1:
				l = append(l[:at:at], append([]string{word()}, l[at:]...)...)
			default:
				for i := range n {
					l[at+i] = word()
				}
			}
		}
		return joinLines(l, end)
	}
	return joinLines(lines, end), edit(), edit()
}

func joinLines(lines []string, end string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, end) + end
}

// A few random cases may come out differently, because equal lines can be
// matched in more than one way; a clean but different text is the rarest of them.
func TestAgainstGitOnRandomTexts(t *testing.T) {
	needGit(t)
	const maxVerdict, maxDiffer = 5, 1
	cases := 1000
	if testing.Short() {
		cases = 100
	}
	for _, end := range []string{"\n", "\r\n"} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			dir, r := t.TempDir(), rand.New(rand.NewSource(1))
			var clean, conflict, onlyGit, onlyHere, differ, sameMarkers int
			for range cases {
				base, ours, theirs := randomTriple(r, end)
				want, wantClean := gitMerge(t, dir, base, ours, theirs)
				got := Merge([]byte(base), []byte(ours), []byte(theirs), Options{})
				same := string(got.Merged) == want
				switch {
				case got.Clean() && wantClean && same:
					clean++
				case got.Clean() && wantClean:
					differ++
					t.Logf("clean but different\nbase:\n%s\nours:\n%s\ntheirs:\n%s\ngot:\n%s\ngit:\n%s", base, ours, theirs, got.Merged, want)
				case got.Clean():
					onlyGit++
				case wantClean:
					onlyHere++
				default:
					conflict++
					if same {
						sameMarkers++
					}
				}
			}
			t.Logf("seed 1, %d cases: %d clean and the same; %d conflicts in both, %d of them with the same bytes; %d conflicts in git only, %d here only; %d clean but different",
				cases, clean, conflict, sameMarkers, onlyGit, onlyHere, differ)
			if onlyGit+onlyHere > maxVerdict || differ > maxDiffer {
				t.Errorf("want at most %d other verdicts and %d other texts, got %d and %d", maxVerdict, maxDiffer, onlyGit+onlyHere, differ)
			}
			if clean < cases/2 || sameMarkers < cases/20 {
				t.Errorf("want clean and conflicting cases, got %d and %d", clean, sameMarkers)
			}
		})
	}
}
