package backup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"inplace/backup/fsys"
	"inplace/backup/fsys/fsystest"
	"inplace/backup/sealed"
	"inplace/manifest"
)

func snapshotDir(home string) string { return filepath.Join(home, SnapshotsDir, testID) }

func TestSealAndLoad(t *testing.T) {
	home, entries := prepare(t, oldTree, newTree, copiedPaths...)
	disk := open(t, home)
	s, err := Load(disk, testID)
	must(t, err)
	head := testHead()
	head.Entries = s.Head.Entries
	if !reflect.DeepEqual(s.Head, head) || s.Head.Entries.IsZero() || s.Dir != SnapshotsDir+"/"+testID || len(s.Entries) != len(entries) {
		t.Fatalf("got %+v in %s with %d entries", s.Head, s.Dir, len(s.Entries))
	}
	ids, err := List(disk)
	must(t, err)
	if len(ids) != 1 || ids[0] != testID {
		t.Fatalf("got %q", ids)
	}
	id, err := NewID(disk, head.Created, 2)
	must(t, err)
	if id <= testID || id != "20260102T030406Z-to-2" {
		t.Fatalf("got the id %s beside %s", id, testID)
	}
	for _, name := range []string{"snapshot.yaml", "entries", UndoFile} {
		info, err := os.Lstat(filepath.Join(snapshotDir(home), name))
		must(t, err)
		if fsys.HasModes && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v lets others read what was in a configuration", name, info.Mode())
		}
	}
}

// TestLoadSome reads the entries of some classes alone, from a list with all.
func TestLoadSome(t *testing.T) {
	home, _ := prepare(t, oldTree, newTree, copiedPaths...)
	disk := open(t, home)
	dir, err := disk.OpenDir(SnapshotsDir + "/" + testID)
	must(t, err)
	defer dir.Close()
	must(t, dir.Remove("entries"))
	must(t, dir.Remove("snapshot.yaml"))
	all := sampleEntries()
	digest, err := sealEntries(dir, all)
	must(t, err)
	must(t, dir.WriteFile("snapshot.yaml", testHead().marshal(digest), 0o600, false))
	for _, c := range []struct {
		name string
		load func(*fsys.Tree, string) (*Snapshot, error)
		want func(Entry) bool
	}{
		{"Load", Load, func(Entry) bool { return true }},
		{"LoadChange", LoadChange, func(e Entry) bool { return e.Class != Config || e.Slot != NoSlot }},
		{"LoadRecords", LoadRecords, func(e Entry) bool { return e.Class == Record }},
	} {
		s, err := c.load(disk, testID)
		must(t, err)
		want := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return !c.want(e) })
		if !reflect.DeepEqual(s.Entries, want) || len(want) == 0 {
			t.Errorf("%s: got %+v, want %+v", c.name, s.Entries, want)
		}
	}
}

// TestLoadDamaged alters each file that Load believes, in each way (rows C12, E4).
func TestLoadDamaged(t *testing.T) {
	ways := map[string]func(t *testing.T, at string, data []byte){
		"cut":     func(t *testing.T, at string, data []byte) { must(t, os.WriteFile(at, data[:len(data)/2], 0o600)) },
		"emptied": func(t *testing.T, at string, _ []byte) { must(t, os.WriteFile(at, nil, 0o600)) },
		"edited": func(t *testing.T, at string, data []byte) {
			data[len(data)/2] ^= 1
			must(t, os.WriteFile(at, data, 0o600))
		},
		"extended": func(t *testing.T, at string, data []byte) { must(t, os.WriteFile(at, append(data, '\n'), 0o600)) },
		"gone":     func(t *testing.T, at string, _ []byte) { must(t, os.Remove(at)) },
		"a link": func(t *testing.T, at string, _ []byte) {
			must(t, os.Rename(at, at+".moved"))
			fsystest.Symlink(t, at+".moved", at)
		},
		"a second name": func(t *testing.T, at string, _ []byte) { must(t, os.Link(at, at+".second")) },
		"a directory": func(t *testing.T, at string, _ []byte) {
			must(t, os.Remove(at))
			must(t, os.Mkdir(at, 0o700))
		},
	}
	for _, name := range []string{"snapshot.yaml", "entries"} {
		for how, damage := range ways {
			t.Run(name+" "+how, func(t *testing.T) {
				home, _ := prepare(t, tree{"f": "0644 old"}, tree{"f": "0644 new"})
				at := filepath.Join(snapshotDir(home), name)
				data, err := os.ReadFile(at)
				must(t, err)
				damage(t, at, data)
				_, err = Load(open(t, home), testID)
				if name == "snapshot.yaml" && how == "gone" {
					if !errors.Is(err, fs.ErrNotExist) {
						t.Fatalf("got %v, want fs.ErrNotExist", err)
					}
					return
				}
				var damaged *DamagedError
				if !errors.As(err, &damaged) || damaged.ID != testID || !strings.HasPrefix(damaged.Paths[0], name+": ") {
					t.Fatalf("got %v, want a DamagedError that names %s", err, name)
				}
			})
		}
	}
}

func TestLoadOther(t *testing.T) {
	home, _ := prepare(t, tree{"f": "0644 old"}, tree{"f": "0644 new"})
	disk := open(t, home)
	for _, id := range []string{"", "..", ".hidden", "a/b", "../" + testID, "a\\b", "none", strings.Repeat("x", 200), "a\nb"} {
		if _, err := Load(disk, id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v, want fs.ErrNotExist", id, err)
		}
	}
	// A snapshot under the name of another one.
	must(t, os.Rename(snapshotDir(home), filepath.Join(home, SnapshotsDir, "other")))
	var damaged *DamagedError
	if _, err := Load(disk, "other"); !errors.As(err, &damaged) {
		t.Errorf("renamed: got %v, want a DamagedError", err)
	}
	// One of a later version is not damaged.
	newer := strings.Replace(string(testHead().marshal(manifest.Digest{})), "snapshot/1", "snapshot/4", 1)
	must(t, os.Mkdir(filepath.Join(home, SnapshotsDir, "newer"), 0o700))
	tree{SnapshotsDir + "/newer/snapshot.yaml": "0600 " + newer}.write(t, home)
	if _, err := Load(disk, "newer"); !errors.Is(err, sealed.ErrNewer) || errors.As(err, &damaged) && damaged.ID == "newer" {
		t.Errorf("newer: got %v, want sealed.ErrNewer", err)
	}
}

// TestVerify damages slots of a finished change; each is named, nothing else is.
func TestVerify(t *testing.T) {
	from := here(tree{"a": "0644 old", "b": "0644 old", "c": "-> old", "d": "0644 old", "e": "0644 old", "same": "0644 s", "gone": "0644 g", "mode": "0644 m"})
	to := here(tree{"a": "0644 new", "b": "0644 new", "c": "-> new", "d": "0644 new", "e": "0644 new", "same": "0644 s", "added": "0644 x", "mode": "0755 m"})
	home, entries := prepare(t, from, to)
	_, err := run(t, home, entries, nil, 0, Change{})
	must(t, err)
	disk := open(t, home)
	s, err := Load(disk, testID)
	must(t, err)
	must(t, s.Verify(disk))
	want := map[string]string{}
	for _, e := range s.Entries {
		at := filepath.Join(snapshotDir(home), "slots", slotName(e.Slot))
		switch e.Path {
		case "a": // one byte, same length and time
			must(t, os.WriteFile(at, []byte("olD"), 0o644))
			want["a"] = "does not hold"
		case "b":
			must(t, os.Remove(at))
			want["b"] = "is missing"
		case "c":
			must(t, os.Remove(at))
			fsystest.Symlink(t, "evil", at)
			want["c"] = "does not hold"
		case "d":
			must(t, os.Remove(at))
			fsystest.Symlink(t, filepath.Join(home, "e"), at)
			want["d"] = "does not hold"
		case "e":
			must(t, os.Remove(at))
			must(t, os.Mkdir(at, 0o755))
			want["e"] = "does not hold"
		}
	}
	must(t, os.WriteFile(filepath.Join(snapshotDir(home), "slots", "stray"), nil, 0o644))
	before := look(t, home, true)
	var damaged *DamagedError
	if err := s.Verify(disk); !errors.As(err, &damaged) || len(damaged.Paths) != len(want) {
		t.Fatalf("got %v, want %d damaged paths", err, len(want))
	}
	for _, line := range damaged.Paths {
		path, what, _ := strings.Cut(line, ": ")
		if want[path] == "" || !strings.Contains(what, want[path]) {
			t.Errorf("got %q, want one of %v", line, want)
		}
	}
	same(t, "verifying", look(t, home, true), before)
	must(t, os.RemoveAll(filepath.Join(snapshotDir(home), "slots")))
	if err := s.Verify(disk); !errors.As(err, &damaged) {
		t.Fatalf("without slots: got %v, want a DamagedError", err)
	}
}

// TestStageLitter: what an earlier run left in the stage is gone, without a link in
// it being followed.
func TestStageLitter(t *testing.T) {
	home, outside := fsystest.TempDir(t), fsystest.TempDir(t)
	tree{"keep": "0644 mine"}.write(t, outside)
	here(tree{"updates/stage/slots/0": "0644 litter", "updates/stage/link": "-> " + outside, "updates/stage/deep/er/": "0500"}).write(t, home)
	disk := open(t, home)
	s, err := NewStage(disk)
	must(t, err)
	want := here(tree{"slots/": "0700", "aside/": "0700", "config/": "0700", "slots/0": "-> a target"})
	if len(want) == 4 {
		must(t, s.PutLink(Entry{Slot: 0, New: State{Kind: Link, UID: os.Getuid(), GID: os.Getgid(), Target: "a target"}}))
	}
	same(t, "new stage", look(t, filepath.Join(home, StageDir), true), want)
	same(t, "outside", look(t, outside, true), tree{"keep": "0644 mine"})
	must(t, s.Discard())
	if _, err := os.Lstat(filepath.Join(home, StageDir)); !os.IsNotExist(err) {
		t.Fatalf("discarded: got %v", err)
	}
	id, err := NewID(disk, time.Unix(0, 0), 3)
	must(t, err)
	if id != "19700101T000000Z-to-3" {
		t.Fatalf("got %s", id)
	}
}
