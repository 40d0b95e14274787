package updater

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"inplace/backup/fsys"
)

// diffLines lists what d says of each path.
func diffLines(d *Diff) []string {
	out := []string{}
	for i := range d.Files {
		f := &d.Files[i]
		line := f.What + " " + string(f.Path)
		if f.From != "" {
			line += " from " + string(f.From)
		}
		if f.LeftOut != "" {
			line += ": " + f.LeftOut
		}
		out = append(out, line)
	}
	return out
}

// checkTaken has git apply and patch apply what d has to a tree.
func checkTaken(t *testing.T, d *Diff, tr, want tree) {
	t.Helper()
	var all []byte
	for i := range d.Files {
		all = append(all, d.Files[i].Patch...)
	}
	if len(all) == 0 {
		return
	}
	after := t.TempDir()
	want.write(t, after)
	for _, tool := range [][]string{{"git", "apply", "--whitespace=nowarn"}, {"patch", "-p1", "-s", "--no-backup-if-mismatch"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			continue
		}
		dir := t.TempDir()
		tr.write(t, dir)
		cmd := exec.Command(tool[0], tool[1:]...)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(all)
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "LC_ALL=C")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s%s", tool[0], err, out, all)
			continue
		}
		for p := range want {
			same(t, tool[0], look(t, filepath.Join(after, p), false), look(t, filepath.Join(dir, p), false))
		}
	}
}

// What a patch cannot have is left out and told, between levels and of the operator's
// edits, and the rest is taken.
func TestDiffLeavesOut(t *testing.T) {
	if !fsys.HasModes {
		t.Skip("needs modes")
	}
	const dirs, turned = ": a directory, of which a patch has nothing", ": a directory becomes a file, or a file a directory"
	all := tree{"bin/start.sh": "0755 go\n", "keep/x": "x\n"}
	with := func(tr tree) tree {
		out := tree{}
		for _, from := range []tree{all, tr} {
			for p, c := range from {
				out[p] = c
			}
		}
		return out
	}
	for name, tt := range map[string]struct {
		old, new tree
		chmod    map[string]os.FileMode // in the new one
		levels   []string
		edits    []string // nil: as levels
		applied  tree     // what the patch leads to
	}{
		"a directory becomes a file": {old: tree{"d/f": "f\n", "e": "e\n"}, new: tree{"d": "d\n", "e": "E\n"},
			levels: []string{"added d" + turned, "deleted d/f" + turned, "edited e"}, applied: tree{"e": "E\n"}},
		"a directory becomes a link": {old: tree{"d/f": "f\n"}, new: tree{"d": "-> e"},
			levels: []string{"added d" + turned, "deleted d/f" + turned},
			edits:  []string{"edited d: a link stands where a directory was shipped"}},
		"an empty directory becomes a file": {old: tree{"d/": ""}, new: tree{"d": "d\n"},
			levels: []string{"added d" + turned}},
		"a file becomes a directory": {old: tree{"d": "d\n", "e": "e\n"}, new: tree{"d/f/g": "f\n", "e": "E\n"},
			levels: []string{"deleted d" + turned, "added d/f/g" + turned, "edited e"}, applied: tree{"e": "E\n"},
			edits: []string{"edited d: a directory stands where a file was shipped", "edited e"}},
		"a file becomes an empty directory": {old: tree{"d": "d\n"}, new: tree{"d/": ""},
			levels: []string{"deleted d" + turned},
			edits:  []string{"edited d: a directory stands where a file was shipped"}},
		"a file moves below its own name": {old: tree{"p": "moves\n"}, new: tree{"p/q/pp": "moves\n"},
			levels: []string{"renamed p/q/pp from p" + turned},
			edits:  []string{"edited p: a directory stands where a file was shipped"}},
		"a file takes the name of its directory": {old: tree{"p/q/pp": "moves\n", "p/r": "r\n"}, new: tree{"p": "moves\n"},
			levels: []string{"renamed p from p/q/pp" + turned, "deleted p/r" + turned},
			edits:  []string{"added p" + turned, "deleted p/q/pp" + turned, "deleted p/r" + turned}},
		"a neighbour in name": {old: tree{"d/f": "f\n"}, new: tree{"d-": "d\n"}, applied: tree{"d-": "d\n"},
			levels: []string{"added d-", "deleted d/f"}},
		"directories only": {old: tree{"a/gone/": "", "a/x": "x\n", "b/x": "x\n"}, new: tree{"a/x": "x\n", "b/x": "x\n", "new/": ""},
			chmod:  map[string]os.FileMode{"b": 0o700},
			levels: []string{"deleted a/gone" + dirs, "mode b" + dirs, "added new" + dirs}},
		"an empty directory within": {old: tree{"a/b/c/": "", "a/b/x": "x\n"}, new: tree{},
			levels: []string{"deleted a/b/c" + dirs, "deleted a/b/x"}},
		"empty directories beside a file": {old: tree{}, new: tree{"a/b/c/": "", "a/d/": "", "a/x": "x\n", "e/f/": ""}, applied: tree{"a/x": "x\n"},
			levels: []string{"added a/b/c" + dirs, "added a/d" + dirs, "added a/x", "added e/f" + dirs}},
		"the mode of a binary file": {old: tree{"a": "\x00a", "b": "\x00b"}, new: tree{"a": "0755 \x00a", "b": "0755 \x00B"},
			levels: []string{"mode a", "edited b: binary"}, applied: tree{"a": "0755 \x00a"}},
	} {
		t.Run(name, func(t *testing.T) {
			old, now := with(tt.old), with(tt.new)
			be := newBench(t, sampleProduct, old)
			next := filepath.Join(be.dir, "tree-1")
			now.write(t, next)
			for p, mode := range tt.chmod {
				must(t, os.Chmod(filepath.Join(next, p), mode))
			}
			be.add(t, 1, tree{}, "")
			be.adoptWith(t, func(opt *AdoptOptions) { opt.HasBase = true })
			u := be.open(t)
			d, err := u.DiffLevels(context.Background(), nil, 1, DiffOptions{})
			must(t, err)
			if got := diffLines(d); !reflect.DeepEqual(got, tt.levels) {
				t.Errorf("levels:\n got %q\nwant %q", got, tt.levels)
			}
			checkTaken(t, d, old, tt.applied)

			for p := range tt.old {
				must(t, os.RemoveAll(filepath.Join(be.home, strings.SplitN(p, "/", 2)[0])))
			}
			now.write(t, be.home)
			for p, mode := range tt.chmod {
				must(t, os.Chmod(filepath.Join(be.home, p), mode))
			}
			if d, err = u.Diff(context.Background(), DiffOptions{}); err != nil {
				t.Fatal(err)
			}
			want := tt.edits
			if want == nil {
				want = tt.levels
			}
			if got := diffLines(d); !reflect.DeepEqual(got, want) {
				t.Errorf("edits:\n got %q\nwant %q", got, want)
			}
			checkTaken(t, d, old, tt.applied)
		})
	}
}

// What adopt has put there is never in a patch, and is told as it is.
func TestDiffOfTheUpdatersOwn(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"bin/start.sh": "0755 go\n"})
	be.adopt(t)
	must(t, os.Remove(filepath.Join(be.home, "bin/update.cmd")))
	must(t, os.WriteFile(filepath.Join(be.home, "bin/update.sh"), []byte("mine\n"), 0o755))
	d, err := be.open(t).Diff(context.Background(), DiffOptions{})
	must(t, err)
	want := []string{"deleted bin/update.cmd: the updater's own", "edited bin/update.sh: the updater's own"}
	if got := diffLines(d); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Of a directory that is missing only what was asked for is told, and set-user-ID is
// not taken for a mode that a patch can have.
func TestDiffOfOnePath(t *testing.T) {
	if !fsys.HasModes {
		t.Skip("needs modes")
	}
	be := newBench(t, sampleProduct, tree{"bin/start.sh": "0755 go\n", "d/e/f": "f\n", "d/e/g": "g\n", "d/h/": ""})
	be.adopt(t)
	must(t, os.RemoveAll(filepath.Join(be.home, "d")))
	must(t, os.Chmod(filepath.Join(be.home, "bin/start.sh"), 0o755|os.ModeSetuid))
	for path, want := range map[string][]string{
		"d/e/f": {"deleted d/e/f"},
		"d/h":   {"deleted d/h: a directory, of which a patch has nothing"},
		"d":     {"deleted d/e/f", "deleted d/e/g", "deleted d/h: a directory, of which a patch has nothing"},
		"bin":   {"mode bin/start.sh: set-user-ID or set-group-ID, of which a patch has nothing"},
	} {
		d, err := be.open(t).Diff(context.Background(), DiffOptions{Paths: []string{path}})
		must(t, err)
		if got := diffLines(d); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
