package updater

import (
	"context"
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
