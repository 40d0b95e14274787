package updater

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"inplace/manifest"
)

// The cache of the level before fits again after a revert, and vouches for what the
// revert has not touched; the newer one fits after going forward again.
func TestStatCacheAfterRevert(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"lib/a": "\x00a", "lib/b": "\x00b"}, tree{"lib/a": "\x00a2", "lib/b": "\x00b"})
	be.adopt(t)
	knows := func(when string) {
		t.Helper()
		u := be.open(t)
		in, err := readInstalled(u.tree)
		must(t, err)
		cache := openStatCache(u.tree, in.inventory.Digest)
		if cache == nil {
			t.Fatalf("%s: no cache fits level %d", when, in.Level)
		}
		defer cache.close()
		r := cache.record(in.inventory.Index("lib/b")) // all zero, where the look was of the very tick of the clock
		want := manifest.DigestOf([]byte("\x00b"))
		if len(r) != statRecordSize || [statRecordSize]byte(r) != [statRecordSize]byte{} && manifest.Digest(r[48:80]) != want {
			t.Errorf("%s: lib/b: got the record % x, want one of %s", when, r, want)
		}
	}
	knows("after adopt")
	for range 2 {
		_, err := be.open(t).Update(context.Background())
		must(t, err)
		knows("after the update")
		_, err = be.open(t).Revert(context.Background())
		must(t, err)
		knows("after the revert")
	}
}

// A revert that goes by the stat cache records the bytes that it puts away as they are, also
// of a file that was edited with its size and time kept, so that they come back.
func TestRevertSeesQuietEdit(t *testing.T) {
	ctx := context.Background()
	be := newBench(t, sampleProduct, tree{"lib/a": "\x00a1", "lib/b": "\x00b1"}, tree{"lib/a": "\x00a2", "lib/b": "\x00b2"})
	be.adopt(t)
	_, err := be.open(t).Update(ctx)
	must(t, err)
	at := filepath.Join(be.home, "lib/a")
	info, err := os.Stat(at)
	must(t, err)
	must(t, os.WriteFile(at, []byte("\x00me"), 0o644))
	must(t, os.Chtimes(at, info.ModTime(), info.ModTime()))
	edited := look(t, be.home, true)
	out, err := be.open(t).Revert(ctx)
	must(t, err)
	for _, s := range out.Plan.Steps {
		want := manifest.DigestOf([]byte(map[manifest.Path]string{"lib/a": "\x00me", "lib/b": "\x00b2"}[s.Path]))
		if s.Ours.Digest != want {
			t.Errorf("%s: planned from %s, want %s", s.Path, s.Ours.Digest, want)
		}
	}
	if len(out.Plan.Steps) != 2 {
		t.Errorf("got %d steps, want 2", len(out.Plan.Steps))
	}
	_, err = be.open(t).VerifyBackups(ctx)
	must(t, err)
	_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
	must(t, err)
	same(t, "forward again", strip(edited), strip(look(t, be.home, true)))
}
