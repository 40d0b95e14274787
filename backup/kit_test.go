package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inplace/backup/fsys"
	"inplace/backup/fsys/fsystest"
	"inplace/manifest"
)

// tree describes an installation: "a/b": "0644 bytes", "link": "-> target",
// "dir/": "0755". Directories above need no line of their own.
type tree map[string]string

const testID = "20260102T030405Z-to-2"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// here is tr without what this system cannot hold: names of other systems, and links
// where making one is a privilege.
func here(tr tree) tree {
	for p, v := range tr {
		if !fsys.HasModes && (manifest.Path(strings.TrimSuffix(p, "/")).Portable() != nil || strings.HasPrefix(v, "-> ")) {
			delete(tr, p)
		}
	}
	return tr
}

func (tr tree) write(t testing.TB, home string) {
	t.Helper()
	for _, p := range slices.Sorted(maps.Keys(tr)) {
		at := filepath.Join(home, p)
		s := parse(tr[p], strings.HasSuffix(p, "/"))
		dir := at
		if s.Kind != Dir {
			dir = filepath.Dir(at)
		}
		must(t, os.MkdirAll(dir, 0o755))
		switch s.Kind {
		case Dir:
			must(t, os.Chmod(at, fs.FileMode(s.Mode)))
		case Link:
			fsystest.Symlink(t, s.Target, at)
		case File:
			must(t, os.WriteFile(at, []byte(body(tr[p])), 0o600))
			must(t, os.Chmod(at, fs.FileMode(s.Mode)))
		}
	}
}

// full adds a line for each directory above.
func (tr tree) full() tree {
	out := tree{}
	for p, v := range tr {
		for dir := manifest.Path(strings.TrimSuffix(p, "/")).Parent(); dir != ""; dir = dir.Parent() {
			if _, ok := tr[string(dir)+"/"]; !ok {
				out[string(dir)+"/"] = "0755"
			}
		}
		out[p] = v
	}
	return out
}

func body(v string) string { _, b, _ := strings.Cut(v, " "); return b }

func parse(v string, dir bool) State {
	if target, ok := strings.CutPrefix(v, "-> "); ok {
		return State{Kind: Link, Target: target}
	}
	text, content, _ := strings.Cut(v, " ")
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil {
		panic(err)
	}
	if dir {
		return State{Kind: Dir, Mode: uint32(mode)}
	}
	return State{Kind: File, Mode: uint32(mode), Size: int64(len(content)), Digest: manifest.DigestOf([]byte(content))}
}

// look describes what is on the disk, without updates/ unless all is set.
func look(t testing.TB, home string, all bool) tree {
	t.Helper()
	out := tree{}
	must(t, filepath.WalkDir(home, func(at string, d fs.DirEntry, err error) error {
		if err != nil || at == home {
			return err
		}
		p, _ := filepath.Rel(home, at)
		p = filepath.ToSlash(p)
		if p == "updates" && !all {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			out[p+"/"] = fmt.Sprintf("%04o", info.Mode().Perm())
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(at)
			out[p] = "-> " + target
			return err
		default:
			data, err := os.ReadFile(at)
			out[p] = fmt.Sprintf("%04o %s", info.Mode().Perm(), data)
			return err
		}
		return nil
	}))
	return out
}

func diff(got, want tree) string {
	if !fsys.HasModes {
		got, want = modeless(got), modeless(want)
	}
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[p]; !ok {
			fmt.Fprintf(&b, "  %q: missing, want %q\n", p, want[p])
		} else if v != want[p] {
			fmt.Fprintf(&b, "  %q: got %q, want %q\n", p, v, want[p])
		}
	}
	for _, p := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[p]; !ok {
			fmt.Fprintf(&b, "  %q: got %q, want nothing\n", p, got[p])
		}
	}
	return b.String()
}

func modeless(tr tree) tree {
	out := tree{}
	for p, v := range tr {
		out[p] = "mode" + v[4:]
	}
	return out
}

func same(t testing.TB, what string, got, want tree) {
	t.Helper()
	if d := diff(got, want); d != "" {
		t.Fatalf("%s:\n%s", what, d)
	}
}

func open(t testing.TB, home string) *fsys.Tree {
	t.Helper()
	tr, err := fsys.Open(home)
	must(t, err)
	t.Cleanup(tr.Close)
	return tr
}

// prepare lays down from, stages the way to to as an update does, and promotes it
// under testID. The paths in copied get another name each, in the directory other beside
// home, so that their old bytes are copied aside.
func prepare(t testing.TB, from, to tree, copied ...string) (home string, entries []Entry) {
	t.Helper()
	base := fsystest.TempDir(t)
	home = filepath.Join(base, "the home")
	must(t, os.Mkdir(home, 0o755))
	from.write(t, home)
	must(t, os.Mkdir(filepath.Join(base, "other"), 0o755))
	for _, p := range copied {
		must(t, os.Link(filepath.Join(home, p), filepath.Join(base, "other", p)))
	}
	disk := open(t, home)
	stage, err := NewStage(disk)
	must(t, err)
	old, fresh := from.full(), to.full()
	paths := map[string]bool{}
	for _, side := range []tree{old, fresh} {
		for p := range side {
			paths[strings.TrimSuffix(p, "/")] = true
		}
	}
	slot := 0
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		e := Entry{Class: Product, Slot: NoSlot, Path: manifest.Path(p), Old: State{Kind: Absent}, New: State{Kind: Absent}}
		var link *fsys.LinkError
		if e.Before, err = disk.Lstat(p); !errors.As(err, &link) { // below a link there is nothing of ours
			must(t, err)
		}
		if e.Before.Exists {
			e.Old = side(old, p)
			e.Old.UID, e.Old.GID, e.Old.MTime = e.Before.UID, e.Before.GID, e.Before.MTime
		}
		if s := side(fresh, p); s.Kind != Absent {
			e.New = s
			e.New.UID, e.New.GID = os.Getuid(), os.Getgid()
		}
		if e.Old.sameContent(e.New) && e.Old.Mode == e.New.Mode {
			continue
		}
		aside := slices.Contains(copied, p)
		inPlace := e.Old.sameContent(e.New) && !aside
		if (e.Old.moves() || e.New.moves()) && !inPlace {
			e.Slot = slot
			slot++
			meta := Meta{Mode: e.New.Mode, UID: -1}
			switch e.New.Kind {
			case File:
				_, err = stage.Put(e, meta, func(f *os.File) error { _, err := f.WriteString(body(fresh[p])); return err })
			case Link:
				err = stage.PutLink(e)
			}
			must(t, err)
			if aside && e.Old.Kind == File {
				src, err := disk.Open(p)
				must(t, err)
				must(t, stage.PutOld(e, Meta{Mode: e.Old.Mode, UID: -1, MTime: e.Old.MTime}, src))
				must(t, src.Close())
			}
		}
		entries = append(entries, e)
	}
	must(t, stage.Seal(testHead(), entries, []byte("undo\n")))
	stage.Close()
	must(t, Promote(disk, testID))
	return home, entries
}

func side(tr tree, p string) State {
	if v, ok := tr[p+"/"]; ok {
		return parse(v, true)
	}
	if v, ok := tr[p]; ok {
		return parse(v, false)
	}
	return State{Kind: Absent}
}

func testHead() Head {
	return Head{
		ID: testID, Action: "update", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), By: "u@h", Product: "demo",
		From: Level{Level: 1, Channel: "stable", Version: "1.0"}, To: Level{Level: 2, Channel: "stable", Version: "1.1"}, Bytes: 10,
	}
}

var errKilled = errors.New("killed")

// ways are the ways in which a file system may exchange two names: in one step, by a
// second link, or by three renames. Each is the operations that it does not know.
var ways = map[string][]string{"exchange": nil, "link": {"exchange"}, "rename": {"exchange", "link"}}

// faults makes disk lack what the way lacks, and fail from the n-th operation on,
// which is what a kill looks like from the disk; n = 0 never fails. The result counts.
func faults(disk *fsys.Tree, lacks []string, n int) *int {
	count := new(int)
	disk.Fault = func(op, _ string) error {
		if slices.Contains(lacks, op) {
			return errors.ErrUnsupported
		}
		*count++
		if n > 0 && *count >= n {
			return errKilled
		}
		return nil
	}
	return count
}

// run applies entries as one run of the updater does, dying at the n-th operation.
func run(t testing.TB, home string, entries []Entry, lacks []string, n int, c Change) (*Change, error) {
	t.Helper()
	disk, err := fsys.Open(home)
	must(t, err)
	defer disk.Close()
	faults(disk, lacks, n)
	c.Tree = disk
	if c.Dir == "" {
		c.Dir = SnapshotsDir + "/" + testID
	}
	return &c, c.Run(entries)
}
