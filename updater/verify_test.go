package updater

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inplace/backup/fsys"
)

// told is what a verification says, a line for each edit.
func told(v *Verification) []string {
	out := []string{}
	for _, e := range v.Edits {
		line := e.What + " " + e.Path.String()
		if e.Count > 0 {
			line += fmt.Sprintf(" +%d", e.Count)
		}
		if e.Config {
			line += " config"
		}
		out = append(out, line)
	}
	return out
}

func expectTold(t *testing.T, what string, v *Verification, want ...string) {
	t.Helper()
	if got := told(v); !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// Both ways of verifying find the same, whatever differs, and neither writes.
func TestVerifyFindsEverything(t *testing.T) {
	shipped := tree{
		"bin/start.sh": "0755 x\n", "conf/a.conf": "a\n", "conf/a-b": "1\n", "conf/a/deep": "2\n", "lib/x.jar": "\x00x", "lib/y.jar": "\x00y",
		"link": "-> lib/x.jar", "docs/a/b": "b\n", "docs/c": "c\n", "data/seed": "seed", "kind": "file\n", "kind2/x": "x\n",
		"webapps/app.war": "\x00war", "odd é": "odd\n", "empty/": "",
	}
	be := newBench(t, sampleProduct, shipped)
	be.adopt(t)
	v, err := be.open(t).Verify(context.Background(), VerifyOptions{})
	must(t, err)
	expectTold(t, "as shipped", v)
	if v.Compared == 0 || v.Same != v.Compared || v.Untouched != 2 {
		t.Errorf("as shipped: compared %d, same %d, untouched %d; want all, all and 2", v.Compared, v.Same, v.Untouched)
	}
	must(t, os.RemoveAll(filepath.Join(be.home, "docs")))
	must(t, os.RemoveAll(filepath.Join(be.home, "kind2")))
	must(t, os.Remove(filepath.Join(be.home, "lib/y.jar")))
	tree{
		"conf/a.conf": "b\n", "conf/mine": "m\n", "conf/a/deep": "9\n", "bin/start.sh": "0644 x\n", "link": "-> lib/z.jar", "kind": "-> conf",
		"kind2": "a file\n", "data/seed": "rows", "data/more": "rows", "logs/l": "l\n", "webapps/app/made": "m", "webapps/own.war": "w",
		"webapps/own/made": "m", "odd é": "odd2\n", "own \xff\n": "o", "own/a/b": "b", "own/c": "c", "own/empty/": "", "empty2/": "", "bin/own": "o",
	}.write(t, be.home)
	want := []string{
		"extra bin/own", "mode bin/start.sh", "edited conf/a.conf config", "edited conf/a/deep config", "extra conf/mine config",
		"missing docs +3", "extra empty2", "kind kind", "kind kind2 +1", "missing lib/y.jar", "edited link", "edited odd é",
		"extra own +2", `extra own \xff\x0a`, "extra webapps/own.war",
	}
	before := look(t, be.home, true)
	for _, full := range []bool{false, true} {
		v, err := be.open(t).Verify(context.Background(), VerifyOptions{Full: full})
		must(t, err)
		expectTold(t, fmt.Sprintf("full %v", full), v, want...)
		if v.Edited+v.Missing+v.Extra+v.Mode+v.Kind != len(want) || v.Config != 3 {
			t.Errorf("full %v: counts %+v", full, v)
		}
	}
	same(t, "after verifying", before, look(t, be.home, true))
	for _, tt := range []struct {
		paths []string
		want  []string
	}{
		{[]string{"conf", "conf/a"}, []string{"edited conf/a.conf config", "edited conf/a/deep config", "extra conf/mine config"}},
		{[]string{filepath.Join(be.home, "conf", "a")}, []string{"edited conf/a/deep config"}},
		{[]string{"docs/a/b"}, []string{"missing docs +3"}},
		{[]string{"own/a"}, []string{"extra own/a +1"}},
		{[]string{"odd é", "own \xff\n", "kind"}, []string{"kind kind", "edited odd é", `extra own \xff\x0a`}},
		{[]string{"data", "logs/l"}, []string{}},
	} {
		v, err := be.open(t).Verify(context.Background(), VerifyOptions{Paths: tt.paths})
		must(t, err)
		expectTold(t, fmt.Sprintf("%q", tt.paths), v, tt.want...)
	}
	for path, want := range map[string]error{"nothing/here": ErrNoPath, "../x": ErrOutside, "/etc": ErrOutside} {
		if _, err := be.open(t).Verify(context.Background(), VerifyOptions{Paths: []string{path}}); !errors.Is(err, want) {
			t.Errorf("%s: error: want %v, got %v", path, want, err)
		}
	}
	if !fsys.HasModes {
		return
	}
	_, err = be.open(t).Fix(context.Background(), VerifyOptions{Paths: []string{"bin", "lib", "docs", "conf/a.conf", "link", "odd é"}})
	must(t, err)
	v, err = be.open(t).Verify(context.Background(), VerifyOptions{})
	must(t, err)
	expectTold(t, "after the fix", v, "extra bin/own", "edited conf/a/deep config", "extra conf/mine config", "extra empty2", "kind kind", "kind kind2 +1",
		"extra own +2", `extra own \xff\x0a`, "extra webapps/own.war")
	_, err = be.open(t).Fix(context.Background(), VerifyOptions{Paths: []string{"."}})
	must(t, err)
	_, err = be.open(t).Revert(context.Background())
	must(t, err)
	_, err = be.open(t).Revert(context.Background())
	must(t, err)
	same(t, "after two reverts", before, look(t, be.home, true))
}

// A directory with many files is read by both workers, and a run that is given up ends.
func TestVerifyManyFiles(t *testing.T) {
	shipped := tree{"conf/x": "x\n"}
	for i := range 400 {
		shipped[fmt.Sprintf("lib/%03d", i)] = fmt.Sprintf("\x00%d", i)
		shipped[fmt.Sprintf("d%d/e%d/f", i%20, i)] = "f\n"
	}
	be := newBench(t, sampleProduct, shipped)
	be.adopt(t)
	tree{"lib/399": "\x00x99", "d7/e7/f": "F\n"}.write(t, be.home)
	v, err := be.open(t).Verify(context.Background(), VerifyOptions{Full: true})
	must(t, err)
	expectTold(t, "two of many", v, "edited d7/e7/f", "edited lib/399")
	if v.ReadFiles < 800 {
		t.Errorf("read %d files, want all", v.ReadFiles)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := be.open(t).Verify(ctx, VerifyOptions{Full: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: error: want %v, got %v", context.Canceled, err)
	}
}

// The stat cache answers for the updater's own files too, also after an update.
func TestVerifyReadsNothingTwice(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"lib/a": "\x00a", "lib/b": "\x00b"}, tree{"lib/a": "\x00a2", "lib/b": "\x00b"})
	be.adopt(t)
	_, err := be.open(t).Update(context.Background())
	must(t, err)
	v, err := be.open(t).Verify(context.Background(), VerifyOptions{})
	must(t, err)
	expectTold(t, "after the update", v)
	if v.ReadFiles > 4 { // what was written within one tick of the clock may be read again
		t.Errorf("read %d files, want at most those of this very moment", v.ReadFiles)
	}
	u := be.open(t)
	cache := openStatCache(u.tree, func() *installed { in, err := readInstalled(u.tree); must(t, err); return in }().inventory.Digest)
	defer cache.close()
	cache.load()
	if len(cache.own) != 3*statRecordSize {
		t.Errorf("the cache has %d bytes of the updater's own files, want 3 records", len(cache.own))
	}
}

func TestVerifyOwnersAndRights(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"lib/a": "\x00a", "lib/b": "\x00b", "shut/x": "x\n"})
	be.adopt(t)
	if !fsys.HasModes {
		t.Skip("modes are those of Unix")
	}
	must(t, os.Chmod(filepath.Join(be.home, "lib/a"), 0o755|os.ModeSetuid))
	must(t, os.Chmod(filepath.Join(be.home, "lib"), 0o775))
	want := []string{"mode lib/a"}
	if os.Geteuid() == 0 {
		must(t, os.Chown(filepath.Join(be.home, "lib/b"), 12345, -1))
		want = append(want, "owner lib/b")
	} else {
		must(t, os.Chmod(filepath.Join(be.home, "shut"), 0))
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(be.home, "shut"), 0o755) })
		want = append(want, "unreadable shut", "mode shut")
	}
	v, err := be.open(t).Verify(context.Background(), VerifyOptions{})
	must(t, err)
	got := told(v)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(v.Edits[0].Detail, "4755") {
		t.Errorf("detail %q, want the mode 4755 in it", v.Edits[0].Detail)
	}
}
