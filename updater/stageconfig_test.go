package updater

import (
	"context"
	"slices"
	"strings"
	"testing"

	"inplace/manifest"
)

// TestConfigEntries lists configuration from several goroutines, by patterns that overlap and
// directories that lie in another order than their paths: each path comes once, sorted.
func TestConfigEntries(t *testing.T) {
	product := strings.Replace(sampleProduct, `["conf/**"]`, `["conf/**", "conf/a/*.conf", "*.ini"]`, 1)
	shipped := tree{"bin/x.sh": "0755 x\n", "conf/a-b/1.conf": "1\n", "conf/a/2.conf": "2\n", "conf/a/b/3.conf": "3\n", "conf/a.conf": "4\n", "top.ini": "5\n"}
	be := newBench(t, product, shipped)
	be.adopt(t)
	tree{"conf/a/own.conf": "mine\n", "conf/a.conf": "edited\n"}.write(t, be.home)
	u := be.open(t)
	in, err := readInstalled(u.tree)
	must(t, err)
	kept := pristine{tree: u.tree}
	must(t, kept.load())
	want := []manifest.Path{"conf", "conf/a", "conf/a-b", "conf/a-b/1.conf", "conf/a.conf", "conf/a/2.conf", "conf/a/b", "conf/a/b/3.conf", "conf/a/own.conf", "top.ini"}
	for range 20 { // which goroutine finds what differs from run to run
		entries, err := u.configEntries(context.Background(), in, &kept, nil)
		must(t, err)
		var got []manifest.Path
		for _, e := range entries {
			got = append(got, e.Path)
			edited := e.Path == "conf/a.conf" || e.Path == "conf/a/own.conf"
			if edited && !e.Old.Digest.IsZero() {
				t.Fatalf("%s passes for what was shipped", e.Path)
			}
			if !edited && !e.Old.Digest.IsZero() && e.Old.Digest != in.inventory.Find(e.Path).Digest {
				t.Fatalf("%s: another digest than it was shipped with", e.Path)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("want %q, got %q", want, got)
		}
	}
}
