package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inplace/backup/fsys"
	"inplace/backup/fsys/fsystest"
	"inplace/manifest"
)

// A row is what lies at the live path, in the slot, aside and in found/, before and
// after. The letters: o the old file, n the new one, x and y what nobody planned, d a
// directory with a file in it, - nothing; "!" after: an error that names the path.
type row struct{ name, before, after string }

var replaceForward = []row{
	{"not begun", "o n -", "n o - -"},
	{"not begun, old bytes copied", "o n o", "n o - -"},
	{"between two renames, live gone", "- n o", "n o - -"},
	{"between two renames, slot gone", "n - o", "n o - -"},
	{"done", "n o -", "n o - -"},
	{"done, a stray copy", "n o o", "n o o -"},
	{"somebody wrote there since", "x n -", "n - - x"},
	{"somebody made a directory there", "d n -", "n - - d"},
	{"somebody removed it", "- n -", "n - - -"},
	{"the slot is gone", "o - -", "!"},
	{"the slot is gone and the path is strange", "x - -", "!"},
	{"nothing anywhere", "- - -", "!"},
	{"the slot was altered", "o x -", "!"},
	{"both strange", "y x -", "!"},
	{"done, and the slot was altered", "n x -", "n x - -"},
}

var replaceUndo = []row{
	{"done", "n o -", "o n - -"},
	{"undo between two steps, live has a second name", "n o n", "o n - -"},
	{"undo between two renames, slot gone", "o - n", "o n - -"},
	{"between two renames, slot gone", "n - o", "o n - -"},
	{"between two renames, live gone", "- n o", "o n - -"},
	{"not begun", "o n -", "o n - -"},
	{"not begun, old bytes copied", "o n o", "o n o -"},
	{"not begun, and the slot is gone", "o - -", "o - - -"},
	{"saved in the last moment before the exchange", "n x -", "x n - -"},
	{"somebody wrote there since", "x o -", "o - - x"},
	{"somebody made a directory there", "d o -", "o - - d"},
	{"both strange", "y x -", "x - - y"},
	{"put back before, then edited", "x n -", "x n - -"},
	{"live gone", "- o -", "o - - -"},
	{"nothing left to put back", "n - -", "!"},
	{"nothing anywhere", "- - -", "!"},
	{"went back before, as it was saved in the last moment", "x - -", "x - - -"},
}

var addForward = []row{
	{"not begun", "- n -", "n - - -"},
	{"done", "n - -", "n - - -"},
	{"somebody made one", "x n -", "n - - x"},
	{"the slot is gone", "- - -", "!"},
}

var addUndo = []row{
	{"done", "n - -", "- n - -"},
	{"not begun", "- n -", "- n - -"},
	{"edited since", "x - -", "- - - x"},
	{"not begun, and somebody made one", "x n -", "x n - -"},
	{"removed since", "- - -", "- - - -"},
}

var removeForward = []row{
	{"not begun", "o - -", "- o - -"},
	{"done", "- o -", "- o - -"},
	{"edited since", "x - -", "- - - x"},
	{"done, and made anew", "x o -", "- o - x"},
}

var removeUndo = []row{
	{"done", "- o -", "o - - -"},
	{"not begun", "o - -", "o - - -"},
	{"made anew", "x o -", "o - - x"},
	{"saved in the last moment before", "- x -", "x - - -"},
}

// TestExamine puts each state of the table in examine.go on the disk and lets a
// careful run decide it, twice, on each kind of file system.
func TestExamine(t *testing.T) {
	absent := State{Kind: Absent}
	kinds := map[string][2]State{ // what o and n stand for
		"file":  {parse("0644 old", false), parse("0755 new", false)},
		"link":  {parse("-> old", false), parse("-> new", false)},
		"mixed": {parse("0644 old", false), parse("-> new", false)},
		"mode":  {parse("0644 same", false), parse("0755 same", false)},
	}
	ran := 0
	for way, lacks := range ways {
		for kind, sides := range kinds {
			if !fsys.HasModes && kind != "file" {
				continue // links are a privilege there, and modes are made up
			}
			for _, c := range []struct {
				name     string
				undo     bool
				old, new State
				rows     []row
			}{
				{"replace", false, sides[0], sides[1], replaceForward}, {"replace undone", true, sides[0], sides[1], replaceUndo},
				{"add", false, absent, sides[1], addForward}, {"add undone", true, absent, sides[1], addUndo},
				{"remove", false, sides[0], absent, removeForward}, {"remove undone", true, sides[0], absent, removeUndo},
			} {
				for _, r := range c.rows {
					ran++
					t.Run(strings.Join([]string{way, kind, c.name, r.name}, "/"), func(t *testing.T) {
						t.Parallel()
						e := Entry{Class: Product, Slot: 3, Path: "dir/live", Old: c.old, New: c.new}
						decide(t, e, sides, c.undo, r, lacks)
					})
				}
			}
		}
	}
	if ran < 120 {
		t.Fatalf("only %d states were tried", ran)
	}
}

func decide(t *testing.T, e Entry, sides [2]State, undo bool, r row, lacks []string) {
	home := fsystest.TempDir(t)
	dir := filepath.Join(home, SnapshotsDir, testID)
	for _, d := range []string{filepath.Join(home, "dir"), dir + "/slots", dir + "/aside"} {
		must(t, os.MkdirAll(d, 0o755))
	}
	names := []string{filepath.Join(home, "dir", "live"), dir + "/slots/3", dir + "/aside/3", dir + "/found/0"}
	for i, letter := range strings.Fields(r.before) {
		lay(t, names[i], letter, sides)
	}
	for pass := range 2 { // the second time nothing may change any more
		_, err := run(t, home, []Entry{e}, lacks, 0, Change{Careful: true, Undo: undo})
		if r.after == "!" {
			if err == nil || !strings.Contains(err.Error(), "dir/live: ") || !strings.Contains(err.Error(), "slot 3") {
				t.Fatalf("%s: got error %v, want one that names path and slot", r.before, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s, pass %d: %v", r.before, pass, err)
		}
		var got []string
		for _, name := range names {
			got = append(got, letterOf(t, name, sides))
		}
		if s := strings.Join(got, " "); s != r.after {
			t.Fatalf("%s, pass %d: got %s, want %s (live slot aside found)", r.before, pass, s, r.after)
		}
	}
}

func lay(t *testing.T, name, letter string, sides [2]State) {
	t.Helper()
	s := parse("0644 "+letter, false)
	switch letter {
	case "-":
		return
	case "d":
		must(t, os.MkdirAll(filepath.Join(name, "inner"), 0o755))
		return
	case "o":
		s = sides[0]
	case "n":
		s = sides[1]
	}
	if s.Kind == Link {
		fsystest.Symlink(t, s.Target, name)
		return
	}
	must(t, os.WriteFile(name, []byte(text(s, letter)), 0o600))
	must(t, os.Chmod(name, os.FileMode(s.Mode)))
}

// text is the content that a state of the tables above stands for.
func text(s State, other string) string {
	for _, c := range []string{"old", "new", "same"} {
		if manifest.DigestOf([]byte(c)) == s.Digest {
			return c
		}
	}
	return other
}

func letterOf(t *testing.T, name string, sides [2]State) string {
	t.Helper()
	info, err := os.Lstat(name)
	if os.IsNotExist(err) {
		return "-"
	}
	must(t, err)
	got := State{Kind: File, Mode: uint32(info.Mode().Perm())}
	switch {
	case info.IsDir():
		return "d"
	case info.Mode()&os.ModeSymlink != 0:
		got = State{Kind: Link}
		got.Target, err = os.Readlink(name)
		must(t, err)
	default:
		data, err := os.ReadFile(name)
		must(t, err)
		got.Digest = manifest.DigestOf(data)
		if len(data) == 1 {
			return string(data)
		}
	}
	for i, s := range sides {
		if got.sameContent(s) && (got.Mode == s.Mode || !fsys.HasModes) {
			return "on"[i : i+1]
		}
	}
	return "?"
}
