//go:build unix

package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"inplace/manifest/repository"
)

// TestC11Clock runs with clocks that are wrong and over files with impossible times:
// what is done is decided by digests, and signed metadata are never believed for longer
// because the clock went back.
func TestC11Clock(t *testing.T) {
	ctx := context.Background()
	old := tree{"bin/start.sh": "0755 one\n", "lib/a.jar": "\x00one", "lib/b.jar": "\x00one", "conf/x.conf": "a=1\n\n\n\nb=1\n"}
	fresh := tree{"bin/start.sh": "0755 two\n", "lib/a.jar": "\x00two", "lib/b.jar": "\x00two", "conf/x.conf": "a=1\n\n\n\nb=2\n"}
	at := func(now time.Time) func(*Options) {
		return func(o *Options) { o.Now = func() time.Time { return now } }
	}
	for _, c := range []struct {
		name string
		now  time.Time
		want error // *ExpiredError, or nil: works
	}{
		{"the clock is at 1970", time.Unix(0, 0), nil},
		{"the clock is a year back", time.Date(2025, 11, 20, 10, 0, 0, 0, time.UTC), nil},
		{"the clock is a month ahead", time.Date(2026, 12, 20, 10, 0, 0, 0, time.UTC), nil},
		{"the clock is at 2106", time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC), &repository.ExpiredError{}},
	} {
		be := newBench(t, sampleProduct, old, fresh)
		be.adopt(t)
		before := look(t, be.home, true)
		_, err := be.open(t, at(c.now)).Update(ctx)
		var expired *repository.ExpiredError
		if errors.As(err, &expired) != (c.want != nil) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %T", c.name, err, c.want)
			continue
		}
		if c.want != nil {
			same(t, c.name, before, look(t, be.home, true))
			continue
		}
		if _, err = be.open(t, at(c.now.Add(-time.Hour))).Revert(ctx); err != nil { // and back still earlier
			t.Errorf("%s: revert: %v", c.name, err)
		}
		same(t, c.name, before, look(t, be.home, true))
	}
}

// TestC11Times gives files times of 1970 and 2106, and to edited ones the size and the
// time of the shipped ones: an edit is seen all the same.
func TestC11Times(t *testing.T) {
	ctx := context.Background()
	old := tree{"lib/a.jar": "\x00one", "lib/b.jar": "\x00one", "lib/c.jar": "\x00one"}
	fresh := tree{"lib/a.jar": "\x00two", "lib/b.jar": "\x00two", "lib/c.jar": "\x00two"}
	be := newBench(t, sampleProduct, old, fresh)
	at := func(name string) string { return filepath.Join(be.home, "lib", name) }
	be.adopt(t)
	be.now = time.Now() // the cache is younger than the files: they answer from it
	for name, when := range map[string]time.Time{"a.jar": time.Unix(0, 0), "b.jar": time.Date(2106, 2, 7, 6, 28, 15, 0, time.UTC)} {
		must(t, os.Chtimes(at(name), when, when))
	}
	plan, err := be.open(t).DryRun(ctx)
	must(t, err)
	if len(plan.Conflicts) != 0 || len(plan.Steps) < 3 {
		t.Fatalf("with odd times: %d steps, conflicts %v", len(plan.Steps), plan.Conflicts)
	}
	info, err := os.Stat(at("c.jar"))
	must(t, err)
	must(t, os.WriteFile(at("c.jar"), []byte("\x00ONE"), 0o644)) // patched: same size,
	must(t, os.Chtimes(at("c.jar"), info.ModTime(), info.ModTime()))
	plan, err = be.open(t).DryRun(ctx)
	must(t, err)
	if len(plan.Conflicts) != 1 || plan.Conflicts[0].Path != "lib/c.jar" {
		t.Errorf("a patched file with the old time: want it as the conflict, got %v", plan.Conflicts)
	}
}
