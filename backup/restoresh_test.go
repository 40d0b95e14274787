//go:build unix

package backup

import (
	"bytes"
	"inplace/backup/fsys/fsystest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shells are those found here among the ones that are some system's sh.
func shells(t *testing.T) [][]string {
	t.Helper()
	var out [][]string
	for _, sh := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"ksh"}, {"mksh"}, {"zsh", "--emulate", "sh"}} {
		if path, err := exec.LookPath(sh[0]); err == nil {
			out = append(out, append([]string{path}, sh[1:]...))
		}
	}
	if len(out) == 0 {
		t.Fatal("no shell found")
	}
	return out
}

// quiet is a directory with a sync that does nothing: the real one waits for every
// disk of the machine.
func quiet(t *testing.T) string {
	t.Helper()
	dir := fsystest.TempDir(t)
	must(t, os.WriteFile(filepath.Join(dir, "sync"), []byte("#!/bin/sh\n"), 0o755))
	return dir
}

// restore runs restore.sh, from somewhere else, and returns what it said.
func restore(t *testing.T, sh []string, home string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	script := filepath.Join(home, SnapshotsDir, testID, "restore.sh")
	cmd := exec.Command(sh[0], append(append(sh[1:len(sh):len(sh)], script), args...)...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "CDPATH=/tmp:/", "IFS=/", "HOME=/nowhere", "PATH="+quiet(t)+":"+os.Getenv("PATH"))
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

// TestRestoreScript runs restore.sh in each state that a killed run can leave: -n changes
// nothing, the script brings back the old tree, and running it again changes no more.
func TestRestoreScript(t *testing.T) {
	if testing.Short() {
		t.Skip("starts shells only")
	}
	all := shells(t)
	for way, lacks := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			interrupted(t, lacks, func(t *testing.T, n int, home string, _ []Entry) {
				sh := all[n%len(all)]
				tree{"updates/journal": "0600 open", "updates/OPEN": "0600 open"}.write(t, home)
				if n%4 == 0 {
					before := look(t, home, true)
					if _, stderr, err := restore(t, sh, home, "-n"); err != nil || stderr != "" {
						t.Fatalf("%v -n: %v\n%s", sh, err, stderr)
					}
					same(t, "after -n", look(t, home, true), before)
				}
				stdout, stderr, err := restore(t, sh, home)
				if err != nil || stderr != "" {
					t.Fatalf("%v: %v\n%s%s", sh, err, stdout, stderr)
				}
				same(t, strings.Join(sh, " "), look(t, home, false), oldSteps.full())
				for _, name := range []string{"journal", "OPEN"} {
					if _, err := os.Lstat(filepath.Join(home, "updates", name)); !os.IsNotExist(err) {
						t.Fatalf("updates/%s is still there", name)
					}
				}
				if n%4 == 0 {
					_, stderr, err := restore(t, sh, home)
					if err != nil || stderr != "" {
						t.Fatalf("%v again: %v\n%s", sh, err, stderr)
					}
					same(t, "again", look(t, home, false), oldSteps.full())
				}
			})
		})
	}
}

// TestRestoreScriptInEveryShell takes back a finished change, said and then done.
func TestRestoreScriptInEveryShell(t *testing.T) {
	if testing.Short() {
		t.Skip("starts shells only")
	}
	for _, sh := range shells(t) {
		t.Run(strings.Join(sh, " "), func(t *testing.T) {
			home, entries := prepare(t, oldTree, newTree, copiedPaths...)
			_, err := run(t, home, entries, nil, 0, Change{})
			must(t, err)
			before := look(t, home, true)
			stdout, stderr, err := restore(t, sh, home, "-n")
			if err != nil || stderr != "" || !strings.Contains(stdout, "would put back ./replaced.jar\n") {
				t.Fatalf("-n: %v\n%s%s", err, stdout, stderr)
			}
			same(t, "after -n", look(t, home, true), before)
			for range 2 {
				if _, stderr, err = restore(t, sh, home); err != nil || stderr != "" {
					t.Fatalf("%v\n%s", err, stderr)
				}
				same(t, "restored", look(t, home, false), oldTree.full())
			}
		})
	}
}

// TestRestoreScriptRefuses damages slots: the paths are named, they stay as they are,
// the rest is put back, and the journal stays open.
func TestRestoreScriptRefuses(t *testing.T) {
	from := tree{"edited": "0644 old", "gone": "0644 old", "link": "-> old", "fine": "0644 old", "turned": "0644 old"}
	to := tree{"edited": "0644 new", "gone": "0644 new", "link": "-> new", "fine": "0644 new", "turned": "0644 new"}
	for _, sh := range shells(t) {
		t.Run(strings.Join(sh, " "), func(t *testing.T) {
			home, entries := prepare(t, from, to)
			_, err := run(t, home, entries, nil, 0, Change{})
			must(t, err)
			tree{"updates/journal": "0600 open"}.write(t, home)
			for _, e := range entries {
				at := filepath.Join(home, SnapshotsDir, testID, "slots", slotName(e.Slot))
				switch e.Path {
				case "edited":
					must(t, os.WriteFile(at, []byte("evil"), 0o644))
				case "gone":
					must(t, os.Remove(at))
				case "link", "turned":
					must(t, os.Remove(at))
					fsystest.Symlink(t, "/etc/passwd", at)
				}
			}
			_, stderr, err := restore(t, sh, home)
			if err == nil {
				t.Fatal("damage was not refused")
			}
			for _, p := range []string{"edited", "gone", "link", "turned"} {
				if !strings.Contains(stderr, "not put back: ./"+p+": slot") {
					t.Errorf("%s is not named in:\n%s", p, stderr)
				}
			}
			want := tree{"fine": "0644 old"}
			for _, p := range []string{"edited", "gone", "link", "turned"} {
				want[p] = to[p]
			}
			same(t, "refused", look(t, home, false), want)
			if _, err := os.Lstat(filepath.Join(home, "updates/journal")); err != nil {
				t.Fatal("the journal was closed all the same")
			}
		})
	}
}

// TestRestoreScriptWays: a directory that is gone since is made again; a link or a file in its
// place is refused before anything is done, and nothing is touched behind the link.
func TestRestoreScriptWays(t *testing.T) {
	from := tree{"a/b/x": "0644 old", "c": "0644 old"}
	to := tree{"a/b/x": "0644 new", "c": "0644 new"}
	for _, sh := range shells(t) {
		t.Run(strings.Join(sh, " "), func(t *testing.T) {
			home, entries := prepare(t, from, to)
			_, err := run(t, home, entries, nil, 0, Change{})
			must(t, err)
			outside := fsystest.TempDir(t)
			tree{"b/x": "0644 precious"}.write(t, outside)
			must(t, os.RemoveAll(filepath.Join(home, "a")))
			refused := func(what string) {
				t.Helper()
				for _, args := range [][]string{{"-n"}, nil} {
					if _, stderr, err := restore(t, sh, home, args...); err == nil || !strings.Contains(stderr, "nothing was put back") {
						t.Errorf("%s: got %v, %s", what, err, stderr)
					}
				}
				if data, err := os.ReadFile(filepath.Join(home, "c")); string(data) != "new" {
					t.Errorf("%s: c was put back: %q, %v", what, data, err)
				}
				must(t, os.Remove(filepath.Join(home, "a")))
			}
			fsystest.Symlink(t, outside, filepath.Join(home, "a"))
			refused("a link")
			same(t, "behind the link", look(t, outside, true), tree{"b/x": "0644 precious"}.full())
			tree{"a": "0644 file"}.write(t, home)
			refused("a file")
			if _, stderr, err := restore(t, sh, home); err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			same(t, "made again", look(t, home, false), from.full())
		})
	}
}

// TestRestoreScriptWhole: what was made anew does not come back with a second run.
func TestRestoreScriptWhole(t *testing.T) {
	for _, sh := range shells(t) {
		home := fsystest.TempDir(t)
		tree{"work/app/x": "0644 old"}.write(t, home)
		disk := open(t, home)
		stage, err := NewStage(disk)
		must(t, err)
		entries := []Entry{{Class: Product, Slot: 0, Path: "work/app", Old: State{Kind: Whole}, New: State{Kind: Absent}}}
		must(t, stage.Seal(testHead(), entries, nil))
		stage.Close()
		must(t, Promote(disk, testID))
		for _, anew := range []bool{false, true} {
			_, err = run(t, home, entries, nil, 0, Change{Careful: true})
			must(t, err)
			if anew {
				tree{"work/app/y": "0644 new"}.write(t, home)
			}
			for range 2 {
				if _, stderr, err := restore(t, sh, home); err != nil || stderr != "" {
					t.Fatalf("%v: %v\n%s", sh, err, stderr)
				}
				same(t, strings.Join(sh, " "), look(t, home, false), tree{"work/app/x": "0644 old"}.full())
			}
		}
	}
}

// TestRestoreScriptPlace: the script works only where it was written to, and from
// the stage.
func TestRestoreScriptPlace(t *testing.T) {
	script := restoreScript(testHead(), nil)
	for place, ok := range map[string]bool{"updates/backups/ID": true, "updates/stage": true, "elsewhere": false, "updates/backups": false} {
		dir := filepath.Join(fsystest.TempDir(t), "a home\nwith a line", place)
		must(t, os.MkdirAll(dir, 0o755))
		at := filepath.Join(dir, "restore.sh")
		must(t, os.WriteFile(at, script, 0o600))
		for _, sh := range shells(t) {
			out, err := exec.Command(sh[0], append(sh[1:len(sh):len(sh)], at)...).CombinedOutput()
			if (err == nil) != ok {
				t.Errorf("%v in %s: got %v, want it to work: %v\n%s", sh, place, err, ok, out)
			}
		}
	}
}
