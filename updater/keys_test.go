package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// settle writes lines to the end of the settings.
func (b *bench) settle(t *testing.T, lines string) {
	t.Helper()
	path := filepath.Join(b.home, settingsPath)
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(data, lines...), 0o600))
}

func (b *bench) file(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(b.home, path))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	must(t, err)
	return string(data)
}

// A pinned value stays, also where it is the vendor's default of the day.
func TestPin(t *testing.T) {
	be := newBench(t, sampleProduct,
		tree{"conf/a.properties": "port=1\nhost=a\n", "lib/a.jar": "\x00a"},
		tree{"conf/a.properties": "port=2\nhost=b\n", "lib/a.jar": "\x00b"},
		tree{"conf/a.properties": "host=b\n", "lib/a.jar": "\x00c"})
	be.adopt(t)
	be.settle(t, "\npins: [\"conf/a.properties: port\"]\n")
	_, err := be.open(t, func(o *Options) { o.Level, o.HasLevel = 1, true }).Update(context.Background())
	must(t, err)
	if got, want := be.file(t, "conf/a.properties"), "port=1\nhost=b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err = be.open(t).Update(context.Background())
	var conflict *ConflictError
	if !errors.As(err, &conflict) || !strings.Contains(err.Error(), "port: you pinned it") {
		t.Errorf("a pinned key that goes: got %v, want a conflict", err)
	}
}

// A policy may be about one key of a file.
func TestPolicyOfAKey(t *testing.T) {
	be := newBench(t, sampleProduct,
		tree{"conf/a.properties": "port=1\nx=0\ny=0\nhost=a\n", "lib/a.jar": "\x00a"},
		tree{"conf/a.properties": "port=2\nx=0\ny=0\nhost=b\n", "lib/a.jar": "\x00b"})
	tree{"conf/a.properties": "port=3\nx=0\ny=0\nhost=c\n"}.write(t, be.home)
	be.adopt(t)
	be.settle(t, "\npolicy: [{path: \"conf/*\", key: port, on-conflict: ours}]\n")
	out, err := be.open(t).Update(context.Background())
	var conflict *ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts[0].Hunks) != 1 || conflict.Conflicts[0].Hunks[0].Key != "host" {
		t.Fatalf("got %v, want one conflict about host", err)
	}
	if marked := be.file(t, out.Plan.Conflicts[0].Where.Merged); !strings.Contains(marked, "port=3\n") || strings.Count(marked, "<<<<<<<") != 1 {
		t.Errorf("the marked text does not have port decided: %q", marked)
	}
	be.settle(t, "# and host\n")
	path := filepath.Join(be.home, settingsPath)
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, []byte(strings.Replace(string(data), "key: port, on-conflict: ours}]", "key: port, on-conflict: ours}, {path: conf/a.properties, key: host, on-conflict: theirs}]", 1)), 0o600))
	_, err = be.open(t).Update(context.Background())
	must(t, err)
	if got, want := be.file(t, "conf/a.properties"), "port=3\nx=0\ny=0\nhost=b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The operator's value follows a key that the vendor renames, moves to another file, or
// maps; a key that goes takes its value along, with the vendor's message.
func TestMigrations(t *testing.T) {
	be := newBench(t, sampleProduct, tree{
		"conf/a.properties": "old.port=1\nmode=fast\ngone=x\nstays=1\n", "conf/b.yaml": "server:\n  name: \"n\"\n", "conf/whole.properties": "limit=5\n", "lib/a.jar": "\x00a"})
	be.add(t, 1, tree{
		"conf/a.properties": "new.port=2\nprofile=quick\nstays=1\n", "conf/b.yaml": "server:\n  name: \"n\"\n  limit: \"7\"\n", "lib/a.jar": "\x00b"},
		`schema: inplace/notes/1
migrations:
  - {from: {path: conf/a.properties, key: old.port}, to: {path: conf/a.properties, key: new.port}}
  - {from: {path: conf/a.properties, key: mode}, to: {path: conf/a.properties, key: profile}, map: {slow: careful}}
  - {from: {path: conf/a.properties, key: gone}, message: "nobody needs it"}
  - {from: {path: conf/whole.properties, key: limit}, to: {path: conf/b.yaml, key: server/limit}}
`)
	tree{"conf/a.properties": "old.port=9\nmode=slow\ngone=y\nstays=2\n", "conf/whole.properties": "limit=50\n"}.write(t, be.home)
	be.adopt(t)
	before := look(t, be.home, true)
	out, err := be.open(t).Update(context.Background())
	if err != nil {
		t.Fatalf("%v: %+v", err, out.Plan.Conflicts)
	}
	for path, want := range map[string]string{
		"conf/a.properties": "new.port=9\nprofile=careful\nstays=2\n", "conf/b.yaml": "server:\n  name: \"n\"\n  limit: \"50\"\n", "conf/whole.properties": "",
	} {
		if got := be.file(t, path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	var told []string
	for _, s := range out.Plan.Steps {
		for _, n := range s.Notes {
			told = append(told, n.Key+": "+n.Text)
		}
	}
	for _, want := range []string{"old.port: is now new.port", "gone: is gone in this release, your value with it: nobody needs it", "server/limit: your value of limit"} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("%q is not told in %q", want, told)
		}
	}
	_, err = be.open(t).Revert(context.Background())
	must(t, err)
	same(t, "after the revert", before, look(t, be.home, true))
}

// An edit that no migration covers keeps the file a conflict.
func TestMigrationCoversNotAll(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"conf/a.properties": "limit=5\nother=1\n", "conf/b.properties": "x=1\n", "lib/a.jar": "\x00a"})
	be.add(t, 1, tree{"conf/b.properties": "x=1\nlimit=6\n", "lib/a.jar": "\x00b"},
		"schema: inplace/notes/1\nmigrations: [{from: {path: conf/a.properties, key: limit}, to: {path: conf/b.properties, key: limit}}]\n")
	tree{"conf/a.properties": "limit=50\nother=2\n"}.write(t, be.home)
	be.adopt(t)
	_, err := be.open(t).Update(context.Background())
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.Conflicts[0].Path != "conf/a.properties" {
		t.Errorf("got %v, want a conflict about conf/a.properties", err)
	}
}
