package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func conflictBench(t *testing.T) *bench {
	be := newBench(t, sampleProduct,
		tree{"conf/a.conf": "port=1\nx\ny\nz\nhost=a\n", "lib/a.jar": "\x00a", "lib/gone.jar": "\x00g"},
		tree{"conf/a.conf": "port=2\nx\ny\nz\nhost=b\n", "lib/a.jar": "\x00b"})
	tree{"conf/a.conf": "port=3\nx\ny\nz\nhost=a\n"}.write(t, be.home)
	be.adopt(t)
	return be
}

// A conflict changes nothing, and its sides lie in the workspace.
func TestConflictTouchesNothing(t *testing.T) {
	be := conflictBench(t)
	before := look(t, be.home, true)
	out, err := be.open(t).Update(context.Background())
	var conflict *ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 {
		t.Fatalf("got %v, want one conflict", err)
	}
	same(t, "after the conflict", before, look(t, be.home, true))
	where := out.Plan.Conflicts[0].Where
	for path, want := range map[string]string{where.Base: "port=1\n", where.Ours: "port=3\n", where.Theirs: "port=2\n", where.Merged: "<<<<<<<"} {
		data, err := os.ReadFile(filepath.Join(be.home, path))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, %q, want %q in it", path, err, data, want)
		}
	}
}

// Deciding for one side decides the places that contradict; what merges still merges.
func TestOnConflict(t *testing.T) {
	for side, want := range map[string]string{"ours": "port=3\nx\ny\nz\nhost=b\n", "theirs": "port=2\nx\ny\nz\nhost=b\n"} {
		be := conflictBench(t)
		_, err := be.open(t, func(o *Options) { o.OnConflict = side }).Update(context.Background())
		must(t, err)
		got, err := os.ReadFile(filepath.Join(be.home, "conf/a.conf"))
		must(t, err)
		if string(got) != want {
			t.Errorf("%s: got %q, want %q", side, got, want)
		}
	}
}

// A deleted file whose conflict is decided for the operator stays deleted for good.
func TestDeletedDecidedForOurs(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"conf/a.conf": "1\n", "lib/a.jar": "\x00a"}, tree{"conf/a.conf": "2\n", "lib/a.jar": "\x00b"})
	must(t, os.Remove(filepath.Join(be.home, "conf/a.conf")))
	tree{"conf/b.conf": "mine\n"}.write(t, be.home)
	be.adopt(t)
	_, err := be.open(t, func(o *Options) { o.OnConflict = "ours" }).Update(context.Background())
	must(t, err)
	if _, err := os.Stat(filepath.Join(be.home, "conf/a.conf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the deleted file is back: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(be.home, settingsPath))
	must(t, err)
	if !strings.Contains(string(data), "conf/a.conf") {
		t.Errorf("no standing absent line in\n%s", data)
	}
	be.add(t, 2, tree{"conf/a.conf": "3\n", "lib/a.jar": "\x00c"}, "")
	if _, err := be.open(t).Update(context.Background()); err != nil {
		t.Errorf("it is asked again: %v", err)
	}
}
