package updater

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/manifest/repository/bundle"
)

// bundleBench is an adopted installation of level 0, a repository that goes to level 2, and
// edits to be merged.
func bundleBench(t *testing.T) *bench {
	t.Helper()
	level := func(n int) tree {
		return tree{"conf/server.conf": fmt.Sprintf("port=1\n\n\n\nname=%d\n", n), "lib/core.jar": fmt.Sprintf("\x00core %d", n),
			"lib/same.jar": "\x00same", fmt.Sprintf("lib/only-%d.jar", n): "\x00only", "docs/text.txt": fmt.Sprintf("text %d\n", n)}
	}
	b := newBench(t, sampleProduct, level(0), level(1), level(2))
	b.adopt(t)
	tree{"conf/server.conf": "port=2\n\n\n\nname=0\n"}.write(t, b.home)
	return b
}

// fetch writes a bundle and returns its path.
func (b *bench) fetch(t *testing.T, name string, change func(*FetchOptions)) string {
	t.Helper()
	to := filepath.Join(b.dir, name)
	opt := FetchOptions{To: to, Source: b.repo, Now: func() time.Time { return b.now }}
	if change != nil {
		change(&opt)
	}
	f, err := Fetch(context.Background(), opt)
	must(t, err)
	if f.Output != to || f.Bytes == 0 || f.Files == 0 {
		t.Fatalf("fetched %+v", f)
	}
	return to
}

func from(n int64) func(*FetchOptions) {
	return func(o *FetchOptions) { o.From, o.HasFrom = n, true }
}

// refused runs a dry run and an update from source, which have to fail alike and change
// nothing, not even what the updater keeps for itself but logs and locks.
func (b *bench) refused(t *testing.T, source string) error {
	t.Helper()
	before := strings.Join(everything(t, b.home), "\n")
	u := b.open(t, func(o *Options) { o.Source = source })
	_, dry := u.DryRun(context.Background())
	u.Close()
	if after := strings.Join(everything(t, b.home), "\n"); after != before {
		t.Errorf("%s: the dry run changed something", filepath.Base(source))
	}
	live := look(t, b.home, true)
	u = b.open(t, func(o *Options) { o.Source = source })
	_, err := u.Update(context.Background())
	u.Close()
	same(t, source, live, look(t, b.home, true))
	if err == nil {
		t.Fatalf("%s: was taken", filepath.Base(source))
	}
	if _, e := os.Lstat(filepath.Join(b.home, "updates", "stage")); e == nil {
		t.Errorf("%s: left a stage behind", filepath.Base(source))
	}
	if dry != nil && dry.Error() != err.Error() {
		t.Errorf("%s: the dry run says %v, the update %v", filepath.Base(source), dry, err)
	}
	return err
}

// pieces are the files of a bundle, and put writes them into another.
func pieces(t *testing.T, path string) (names []string, data map[string][]byte) {
	t.Helper()
	z, err := zip.OpenReader(path)
	must(t, err)
	defer func() { _ = z.Close() }()
	data = map[string][]byte{}
	for _, f := range z.File[:len(z.File)-1] { // the last is bundle.json
		r, err := z.Open(f.Name)
		must(t, err)
		data[f.Name], err = io.ReadAll(r)
		must(t, err)
		names = append(names, f.Name)
	}
	return names, data
}

func putTogether(t *testing.T, path string, says repository.Promise, names []string, data map[string][]byte) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	w := bundle.NewWriter(f)
	for _, n := range names {
		must(t, w.AddBytes(n, data[n]))
	}
	must(t, w.Close(bundle.Index{Product: "acme-server", Promise: says}))
	must(t, f.Close())
}

func isBlob(n string) bool     { return strings.HasPrefix(n, "blobs/") }
func isMetadata(n string) bool { return strings.HasPrefix(n, "metadata/") }

// merged has the files of both, the second's where both have one.
func merged(a, b map[string][]byte) map[string][]byte {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// TestBundleAttacks: a bundle that is not what a vendor's repository gave is refused, whoever
// put it together anew with a fitting bundle.json, and says which file is wrong. Uptane's
// partial and mixed bundles are among them.
func TestBundleAttacks(t *testing.T) {
	b := bundleBench(t)
	start := b.now
	old := b.fetch(t, "old.bundle", from(0))
	b.now = b.now.Add(24 * time.Hour)
	b.add(t, 3, tree{"conf/server.conf": "port=1\n\n\n\nname=3\n", "lib/core.jar": "\x00core 3"}, "")
	sound := b.fetch(t, "sound.bundle", from(0))
	raw, err := os.ReadFile(sound)
	must(t, err)
	names, data := pieces(t, sound)
	oldNames, oldData := pieces(t, old)
	both := merged(data, oldData)
	both["metadata/timestamp.json"] = data["metadata/timestamp.json"]
	pick := func(keep func(string) bool, names []string) (out []string) {
		for _, n := range names {
			if keep(n) {
				out = append(out, n)
			}
		}
		return out
	}
	not := func(f func(string) bool) func(string) bool { return func(n string) bool { return !f(n) } }
	ends := func(text string) func(string) bool { return func(n string) bool { return strings.HasSuffix(n, text) } }
	only := func(names []string) string {
		if len(names) != 1 {
			t.Fatalf("want one file, got %q", names)
		}
		return names[0]
	}
	content := func(text string) string {
		d := manifest.DigestOf([]byte(text)).Hex()
		return "blobs/" + d[:2] + "/" + d + ".zst"
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(b.dir, name)
		must(t, os.WriteFile(path, data, 0o644))
		return path
	}
	build := func(name string, to int64, names []string, data map[string][]byte) string {
		path := filepath.Join(b.dir, name)
		levels := []int64{0, 1, 2}
		putTogether(t, path, repository.Promise{Channel: "full", Levels: levels[:to], To: to}, names, data)
		return path
	}
	with := func(name string, bytes []byte) map[string][]byte {
		return merged(data, map[string][]byte{name: bytes})
	}
	without := func(name string) []string { return pick(func(n string) bool { return n != name }, names) }
	untrusted := func(why repository.Why) func(error) bool {
		return func(err error) bool {
			var e *repository.UntrustedError
			return errors.As(err, &e) && e.Why == why
		}
	}
	damaged := func(err error) bool { var e *bundle.DamagedError; return errors.As(err, &e) }
	mixed := func(err error) bool { return damaged(err) && untrusted(repository.Mixed)(err) }
	const (
		missing = ": is missing: it was left out, or files of two bundles were mixed"
		unnamed = ": is missing, and the metadata of the bundle name it: it was left out, or files of two bundles were mixed"
		needed  = ": is missing, and the rest of the bundle needs it: it was left out, or files of two bundles were mixed"
		added   = ": is not what the metadata of the bundle name: it was added, or files of two bundles were mixed"
	)
	jar, conf, newConf := content("\x00core 3"), content("port=1\n\n\n\nname=0\n"), content("port=1\n\n\n\nname=3\n")
	snapshot, oldSnapshot := only(pick(ends(".snapshot.json"), names)), only(pick(ends(".snapshot.json"), oldNames))
	newest, first := only(pick(ends(".3.yaml"), names)), only(pick(ends(".0.yaml"), names))
	inventories := pick(func(n string) bool { return strings.HasPrefix(n, "inventories/") }, names)
	inventory := only(pick(func(n string) bool { _, was := oldData[n]; return !was }, inventories))
	tests := []struct {
		name   string
		source string
		is     func(error) bool
		want   string // how the error goes on behind the name of the bundle; "": it names the file of its own
	}{
		{"truncated", write("truncated", raw[:len(raw)*2/3]), damaged, ""},
		{"joined: two bundles in one file", write("joined", append(append([]byte{}, raw...), raw...)), damaged, ""},
		{"partial: a content is left out", build("partial", 3, without(jar), data), mixed, jar + ": lib/core.jar of level 3" + missing},
		{"partial: all contents are left out", build("bare", 3, pick(not(isBlob), names), data), mixed, newConf + ": conf/server.conf of level 3" + missing},
		{"partial: what a merge starts from is left out", build("baseless", 3, without(conf), data), mixed, conf + ": conf/server.conf of level 0" + missing},
		{"partial: the inventory to go to is left out", build("listless", 3, without(inventory), data), mixed, inventory + ": the inventory of level 3" + missing},
		{"partial: a manifest passed over is left out", build("gap", 3, without(first), data), mixed, first + unnamed},
		{"partial: the snapshot is left out", build("headless", 3, without(snapshot), data), mixed, snapshot + needed},
		{"partial: a role is left out", build("roleless", 3, pick(not(ends(".full.json")), names), data), mixed, only(pick(ends(".full.json"), names)) + needed},
		{"partial: a content is empty", build("empty", 3, names, with(jar, nil)), mixed, jar + ": lib/core.jar of level 3: want 10 to 1031 bytes, got 0"},
		{"mixed: metadata of one, the rest of another", build("mixed", 3, append(pick(isMetadata, names), pick(not(isMetadata), oldNames)...), both), mixed, newest + unnamed},
		{"mixed: metadata and manifests of one, contents of another", build("contents", 3, append(pick(not(isBlob), names), pick(isBlob, oldNames)...), both), mixed, newConf + ": conf/server.conf of level 3" + missing},
		{"mixed: the rest of a newer one", build("ahead", 3, append(pick(isMetadata, oldNames), pick(not(isMetadata), names)...), merged(data, oldData)), mixed,
			"metadata/timestamp.json: leads to no level 3 for channel full, which the bundle says to have: files of two bundles were mixed"},
		{"mixed: the rest of a newer one, and said to end before", build("short", 2, append(pick(isMetadata, oldNames), pick(not(isMetadata), names)...), merged(data, oldData)), mixed, newest + added},
		{"mixed: metadata of two", build("two", 3, append([]string{oldSnapshot}, names...), both), mixed, oldSnapshot + added},
		{"mixed: the timestamp of one, the rest of another", build("stamped", 2, oldNames, both), mixed, snapshot + needed},
		{"mixed: a content under the name of another", func() string {
			all := maps.Clone(data)
			blobs := pick(isBlob, names)
			for i, n := range blobs { // each has the next one's bytes
				all[n] = data[blobs[(i+1)%len(blobs)]]
			}
			return build("swapped", 3, names, all)
		}(), untrusted(repository.BadDigest), ""},
		{"tampered: an inventory", func() string {
			bad := append([]byte{}, data[inventory]...)
			bad[len(bad)/2] ^= 4
			return build("inventory", 3, names, with(inventory, bad))
		}(), untrusted(repository.BadDigest), ""},
		{"tampered: a byte of a content", func() string {
			changed := append([]byte{}, raw...)
			blob := data[jar]
			changed[strings.Index(string(raw), string(blob))+len(blob)/2] ^= 1
			return write("tampered", changed)
		}(), untrusted(repository.BadDigest), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trust := b.file(t, trustPath)
			err := b.refused(t, tt.source)
			if tt.want != "" && b.file(t, trustPath) != trust {
				t.Error("what is trusted was changed")
			}
			if !tt.is(err) || tt.want != "" && err.Error() != tt.source+": "+tt.want {
				t.Errorf("want it refused by %s, got %v", tt.want, err)
			}
		})
	}
	t.Run("what is put together so that nothing is missing is what fetch writes", func(t *testing.T) {
		made := build("made", 2, append(pick(isMetadata, names), pick(not(isMetadata), oldNames)...), both)
		honest := b.fetch(t, "honest", func(o *FetchOptions) { o.HasFrom, o.Level, o.HasLevel = true, 2, true })
		x, err := os.ReadFile(made)
		must(t, err)
		y, err := os.ReadFile(honest)
		must(t, err)
		if !bytes.Equal(x, y) {
			t.Errorf("want the same bytes, got %d and others", len(x))
		}
		u := b.open(t, func(o *Options) { o.Source = made })
		defer u.Close()
		p, err := u.DryRun(t.Context())
		if err != nil || p.To.Level != 2 || !strings.Contains(strings.Join(p.Warnings, "\n"), "is level 3, which") {
			t.Errorf("got level %d, warnings %q, %v", p.To.Level, p.Warnings, err)
		}
	})
	t.Run("older than what was seen", func(t *testing.T) {
		u := b.open(t, func(o *Options) { o.Source = sound })
		_, err := u.Update(t.Context())
		must(t, err)
		u.Close()
		u = b.open(t)
		_, err = u.Revert(t.Context())
		must(t, err)
		u.Close()
		if err := b.refused(t, old); !untrusted(repository.RolledBack)(err) {
			t.Errorf("refused otherwise: %v", err)
		}
	})
	t.Run("expired", func(t *testing.T) {
		b.now = start.Add(400 * 24 * time.Hour)
		err := b.refused(t, sound)
		var expired *repository.ExpiredError
		if !errors.As(err, &expired) || !strings.Contains(err.Error(), "expired since 20") {
			t.Fatalf("refused otherwise: %v", err)
		}
		u := b.open(t, func(o *Options) { o.Source, o.AllowStale = sound, "the stick is all we have" })
		out, err := u.Update(t.Context())
		u.Close()
		if err != nil || out.Plan.To.Level != 3 {
			t.Errorf("with a reason: %v", err)
		}
	})
}

// TestBundleSteps: a bundle from level 0 serves the levels between as well, also where the
// newest cannot be reached in one step, and not the ones before.
func TestBundleSteps(t *testing.T) {
	b := bundleBench(t)
	b.add(t, 3, tree{"conf/server.conf": "port=1\n\n\n\nname=3\n", "lib/core.jar": "\x00core 3"}, "schema: inplace/notes/1\nfrom: {min: 1}\n")
	all, late := b.fetch(t, "all", from(0)), b.fetch(t, "late", from(2))
	var lacks *LacksError
	if err := b.refused(t, late); !errors.As(err, &lacks) || lacks.To != 2 {
		t.Errorf("from a level that it does not serve: %v", err)
	}
	must(t, os.Rename(b.repo, b.repo+".away"))
	for _, want := range []int64{2, 3} {
		u := b.open(t, func(o *Options) { o.Source = all })
		out, err := u.Update(t.Context())
		u.Close()
		must(t, err)
		if out.Plan.To.Level != want {
			t.Fatalf("want level %d, got %d", want, out.Plan.To.Level)
		}
	}
	got := look(t, b.home, false)["conf/server.conf"]
	if !strings.Contains(got, "port=2") || !strings.Contains(got, "name=3") {
		t.Errorf("merged %q", got)
	}
}

// TestBundleOfBundle: a bundle is made from another for its own channel only, since of others it
// may have the level that an installation comes from and not the ones below.
func TestBundleOfBundle(t *testing.T) {
	b := bundleBench(t)
	_, err := repository.Promote(t.Context(), repository.PromoteOptions{EditOptions: repository.EditOptions{Dir: b.repo, KeysDir: b.keys, Passphrase: []byte{}, Now: b.now}, Level: 0, To: "slow"})
	must(t, err)
	one := b.fetch(t, "one", from(1))
	two := b.fetch(t, "two", func(o *FetchOptions) { o.Source, o.From, o.HasFrom = one, 1, true })
	x, err := os.ReadFile(one)
	must(t, err)
	y, err := os.ReadFile(two)
	must(t, err)
	if !bytes.Equal(x, y) {
		t.Errorf("want the same bytes, got %d and %d", len(x), len(y))
	}
	_, err = Fetch(t.Context(), FetchOptions{To: filepath.Join(b.dir, "no"), Source: one, Channel: "slow", Now: func() time.Time { return b.now }})
	if !errors.Is(err, ErrUnknownLevel) || !strings.Contains(err.Error(), "for updates from level 1 to level 2 of channel full") {
		t.Errorf("another channel: got %v", err)
	}
}

// TestBundleFromElsewhere: a bundle of everything serves an installation whose level is of
// another channel, and so not in it.
func TestBundleFromElsewhere(t *testing.T) {
	conf := func(n int) tree {
		return tree{"conf/server.conf": fmt.Sprintf("port=1\n\n\n\nname=%d\n", n), "lib/core.jar": fmt.Sprintf("\x00core %d", n)}
	}
	b := newBench(t, sampleProduct, conf(0))
	conf(1).write(t, b.home)
	_, err := repository.Add(t.Context(), repository.AddOptions{Dir: b.repo, KeysDir: b.keys, Tree: b.home, Level: 1, Channel: "own", Released: b.now, Passphrase: []byte{}, Now: b.now})
	must(t, err)
	b.add(t, 2, conf(2), "")
	b.adopt(t)
	tree{"conf/server.conf": "port=2\n\n\n\nname=1\n"}.write(t, b.home)
	all := b.fetch(t, "all", nil)
	u := b.open(t, func(o *Options) { o.Source = all })
	defer u.Close()
	out, err := u.Update(t.Context())
	must(t, err)
	if got := b.file(t, "conf/server.conf"); out.Plan.From.Level != 1 || out.Plan.To.Level != 2 || got != "port=2\n\n\n\nname=2\n" {
		t.Errorf("from %d to %d: %q", out.Plan.From.Level, out.Plan.To.Level, got)
	}
}

// TestBundleOfAll: where a bundle says to have everything, what is missing to adopt and to pack
// is damage as well.
func TestBundleOfAll(t *testing.T) {
	level := tree{"lib/core.jar": "\x00core", "docs/text.txt": "text\n"}
	b := newBench(t, sampleProduct, level)
	names, data := pieces(t, b.fetch(t, "sound", nil))
	before := strings.Join(everything(t, b.home), "\n")
	for i, name := range names {
		if isMetadata(name) || strings.HasPrefix(name, "targets/") {
			continue
		}
		bad := filepath.Join(b.dir, fmt.Sprint("bad-", i))
		putTogether(t, bad, repository.Promise{Channel: "full", Levels: []int64{}, Whole: true}, slices.Delete(slices.Clone(names), i, i+1), data)
		now := func() time.Time { return b.now }
		_, adopt := Adopt(t.Context(), AdoptOptions{Home: b.home, Source: bad, Now: now})
		_, pack := Pack(t.Context(), PackOptions{Source: bad, To: filepath.Join(b.dir, "pack.zip"), Now: now})
		for _, err := range []error{adopt, pack} {
			var damaged *bundle.DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), name) {
				t.Errorf("without %s: got %v", name, err)
			}
		}
		if after := strings.Join(everything(t, b.home), "\n"); after != before {
			t.Errorf("without %s: adopt has changed something", name)
		}
	}
}

// TestBundleDamage: whatever byte of a bundle is turned over, or where it is cut, an update
// from it ends with an error and the tree as it was, or with the very tree it should.
func TestBundleDamage(t *testing.T) {
	b := bundleBench(t)
	sound := b.fetch(t, "sound", from(0))
	before := look(t, b.home, false)
	update := func(source string) error {
		u := b.open(t, func(o *Options) { o.Source = source })
		defer u.Close()
		_, err := u.Update(context.Background())
		return err
	}
	revert := func() {
		u := b.open(t)
		_, err := u.Revert(context.Background())
		u.Close()
		must(t, err)
	}
	must(t, update(sound))
	after := look(t, b.home, false)
	revert()
	raw, err := os.ReadFile(sound)
	must(t, err)
	n := 36
	if testing.Short() {
		n = 8
	}
	rng := rand.New(rand.NewPCG(7, 11))
	refused := 0
	for i := range n {
		data := append([]byte{}, raw...)
		at := rng.IntN(len(data))
		if i%6 == 0 {
			data = data[:at]
		} else {
			data[at] ^= 1 << rng.IntN(8)
		}
		bad := filepath.Join(b.dir, "bad")
		must(t, os.WriteFile(bad, data, 0o644))
		if err := update(bad); err != nil {
			refused++
			same(t, fmt.Sprintf("byte %d, %v", at, err), before, look(t, b.home, false))
			continue
		}
		same(t, fmt.Sprintf("byte %d", at), after, look(t, b.home, false))
		revert()
	}
	if refused <= n/6 { // the cuts alone; much else is metadata that are known already
		t.Errorf("of %d only %d were refused", n, refused)
	}
}
