package backup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The two sides of every kind change, at the top and below directories that come,
// go and stay; names are such that a shell or a list could misread.
var (
	oldTree = here(tree{
		"replaced.jar": "0644 one", "mode.sh": "0644 same", "modes/": "0755", "modes/keep": "0600 keep", "removed.txt": "0640 gone",
		"file-to-dir": "0644 f", "dir-to-file/a": "0644 a", "dir-to-file/b/c": "0755 c", "file-to-link": "0644 f", "link-to-file": "-> replaced.jar",
		"link": "-> replaced.jar", "dir-to-link/x": "0644 x", "link-to-dir": "-> modes", "old/deep/er/file": "0644 deep", "old/empty/": "0755",
		"-rf": "0644 dash", "a b/new\nline": "0644 n", "quo'te": "0644 q", "$(x) `y` \"z\" %41 *?~\\": "0644 s", "\xff\t": "0644 raw", "tail\n": "0644 nl",
		"link:odd": "-> a b/new\nline", "link-nl": "-> x\n", "linked": "0644 has another name", "linked-mode": "0644 two names", "untouched": "0644 stays",
		"nested/kind/f": "0644 f",
	})
	newTree = here(tree{
		"replaced.jar": "0755 two", "mode.sh": "0755 same", "modes/": "0700", "modes/keep": "0600 keep", "added.txt": "0644 hello",
		"file-to-dir/a": "0644 a", "file-to-dir/b/c": "0644 c", "dir-to-file": "0755 file", "file-to-link": "-> replaced.jar", "link-to-file": "0644 f",
		"link": "-> added.txt", "dir-to-link": "-> modes", "link-to-dir/y": "0644 y", "new/deep/file": "0644 deep", "new/empty/": "0700",
		"-rf": "0644 dash2", "a b/new\nline": "0644 n2", "quo'te": "0644 q2", "$(x) `y` \"z\" %41 *?~\\": "0644 s2", "\xff\t": "0644 raw2", "tail\n": "0644 nl2",
		"link:odd": "-> quo'te", "link-nl": "-> x", "linked": "0644 new bytes", "linked-mode": "0755 two names", "untouched": "0644 stays",
		"nested": "0644 was a directory of directories",
	})
	copiedPaths = []string{"linked", "linked-mode"}
)

func TestForwardAndBack(t *testing.T) {
	for way, lacks := range ways {
		for _, careful := range []bool{false, true} {
			name := way
			if careful {
				name += "/careful"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				home, entries := prepare(t, oldTree, newTree, copiedPaths...)
				same(t, "staging alone", look(t, home, false), oldTree.full())
				for range 2 {
					c, err := run(t, home, entries, lacks, 0, Change{Careful: careful})
					must(t, err)
					same(t, "forward", look(t, home, false), newTree.full())
					if len(c.Found) > 0 {
						t.Fatalf("found %v", c.Found)
					}
					s, err := Load(open(t, home), testID)
					must(t, err)
					must(t, s.Verify(open(t, home)))
					careful = true // again: only a careful run may meet its own work
				}
				for range 2 {
					c, err := run(t, home, entries, lacks, 0, Change{Undo: true})
					must(t, err)
					same(t, "undone", look(t, home, false), oldTree.full())
					if len(c.Found) > 0 {
						t.Fatalf("found %v", c.Found)
					}
				}
				same(t, "other names", look(t, filepath.Join(filepath.Dir(home), "other"), true), tree{"linked": "0644 has another name", "linked-mode": "0644 two names"})
			})
		}
	}
}

// TestDirectoryTimes shows that a directory keeps its time through a change of what is
// in it, and gets it back when it had gone.
func TestDirectoryTimes(t *testing.T) {
	home, entries := prepare(t, tree{"gone/a": "0644 a", "stays/a": "0644 a"}, tree{"stays/a": "0644 b"})
	const when = 1_234_567_890_123_456_700
	disk := open(t, home)
	for i, e := range entries {
		if e.Path == "gone" {
			entries[i].Old.MTime = when
		}
	}
	stays, err := disk.Lstat("stays")
	must(t, err)
	touched := StateOf(stays)
	touched.MTime = when + 100
	root, err := disk.Lstat("")
	must(t, err)
	top := StateOf(root)
	top.MTime = when + 200
	entries = append(entries, Entry{Class: Touched, Slot: NoSlot, Path: "stays", Old: touched, New: touched},
		Entry{Class: Touched, Slot: NoSlot, Path: RootPath, Old: top, New: top})
	check := func(want map[string]int64) {
		t.Helper()
		for p, ns := range want {
			info, err := disk.Lstat(p)
			must(t, err)
			if info.MTime != ns {
				t.Fatalf("%q: got time %d, want %d", p, info.MTime, ns)
			}
		}
	}
	_, err = run(t, home, entries, nil, 0, Change{})
	must(t, err)
	check(map[string]int64{"stays": when + 100, "": when + 200})
	_, err = run(t, home, entries, nil, 0, Change{Undo: true})
	must(t, err)
	check(map[string]int64{"gone": when, "stays": when + 100, "": when + 200})
}

// TestDrift lets somebody act between the look and the exchange: the run stops and
// names the path, and going back loses nothing of theirs.
func TestDrift(t *testing.T) {
	for _, c := range []struct {
		name, path, now string
		old             tree
	}{
		{"saved", "f", "0644 mine", tree{"f": "0644 old"}},
		{"saved by rename", "f", "0600 mine", tree{"f": "0644 old"}},
		{"removed", "f", "", tree{"f": "0644 old"}},
		{"made where nothing was", "f", "0644 mine", tree{"g": "0644 g"}},
		{"saved before its removal", "g", "0644 mine", tree{"f": "0644 old", "g": "0644 g"}},
		{"saved before a directory takes the name", "d", "0644 mine", tree{"f": "0644 old", "d": "0644 file"}},
	} {
		for way, lacks := range ways {
			t.Run(c.name+"/"+way, func(t *testing.T) {
				home, entries := prepare(t, c.old, tree{"f": "0644 new", "d/x": "0644 x"})
				at := filepath.Join(home, c.path)
				want := c.old.full()
				delete(want, c.path)
				if strings.Contains(c.name, "saved by rename") || c.now == "" {
					must(t, os.Remove(at))
				}
				if c.now != "" {
					tree{c.path: c.now}.write(t, home)
					want[c.path] = c.now
				}
				_, err := run(t, home, entries, lacks, 0, Change{})
				var drift *DriftError
				if !errors.As(err, &drift) || string(drift.Path) != c.path {
					t.Fatalf("got error %v, want one that %s was changed", err, c.path)
				}
				for range 2 {
					_, err = run(t, home, entries, lacks, 0, Change{Undo: true})
					must(t, err)
					same(t, "undone", look(t, home, false), want)
				}
			})
		}
	}
}

// TestOthersFiles shows what becomes of files that nobody planned, in directories
// that have to go: they stay, or are moved aside where a file needs the name.
func TestOthersFiles(t *testing.T) {
	home, entries := prepare(t, tree{"gone/a": "0644 a", "taken/a": "0644 a"}, tree{"taken": "0644 file"})
	tree{"gone/mine": "0644 mine", "taken/mine": "0644 mine"}.write(t, home)
	c, err := run(t, home, entries, nil, 0, Change{})
	must(t, err)
	same(t, "forward", look(t, home, false), tree{"gone/mine": "0644 mine", "taken": "0644 file"}.full())
	want := []Found{{"gone", ""}, {"taken", SnapshotsDir + "/" + testID + "/found/0"}}
	if len(c.Found) != 2 || c.Found[0] != want[1] && c.Found[1] != want[1] || c.Found[0] != want[0] && c.Found[1] != want[0] {
		t.Fatalf("found %v, want %v", c.Found, want)
	}
	same(t, "moved aside", look(t, filepath.Join(home, want[1].Kept), true), tree{"mine": "0644 mine"})
	_, err = run(t, home, entries, nil, 0, Change{Undo: true})
	must(t, err)
	same(t, "undone", look(t, home, false), tree{"gone/a": "0644 a", "gone/mine": "0644 mine", "taken/a": "0644 a"}.full())
}

// TestWhole moves a derived directory out whole and back, also where the product has
// made it anew meanwhile.
func TestWhole(t *testing.T) {
	for _, anew := range []bool{false, true} {
		home, entries := prepare(t, tree{"app.war": "0644 1", "work/app/x": "0644 made"}, tree{"app.war": "0644 2", "work/app/x": "0644 made"})
		disk := open(t, home)
		before, err := disk.Lstat("work/app")
		must(t, err)
		entries = append(entries, Entry{Class: Product, Slot: len(entries), Path: "work/app", Old: State{Kind: Whole}, New: State{Kind: Absent}, Before: before})
		for range 2 {
			_, err = run(t, home, entries, nil, 0, Change{Careful: true})
			must(t, err)
			same(t, "forward", look(t, home, false), tree{"app.war": "0644 2", "work/": "0755"})
		}
		if anew {
			tree{"work/app/y": "0644 made by 2"}.write(t, home)
		}
		for range 2 {
			c, err := run(t, home, entries, nil, 0, Change{Undo: true})
			must(t, err)
			same(t, "undone", look(t, home, false), tree{"app.war": "0644 1", "work/app/x": "0644 made"}.full())
			for _, f := range c.Found {
				same(t, "moved aside", look(t, filepath.Join(home, f.Kept), true), tree{"y": "0644 made by 2"})
			}
		}
	}
}
