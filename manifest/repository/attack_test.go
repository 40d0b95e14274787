package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// wantUntrusted fails unless err is an UntrustedError of one line that says why.
func wantUntrusted(t *testing.T, name string, err error, why Why) {
	t.Helper()
	var untrusted *UntrustedError
	switch {
	case !errors.As(err, &untrusted):
		t.Errorf("%s: want an untrusted repository (%s), got %v", name, why, err)
	case untrusted.Why != why:
		t.Errorf("%s: want %s, got %s: %v", name, why, untrusted.Why, err)
	case strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), untrusted.Path+": "):
		t.Errorf("%s: want one line with the path first, got %q", name, err)
	}
}

// one finds the single file that matches a pattern in the repository.
func (v *vendor) one(pattern string) string {
	v.t.Helper()
	found, err := filepath.Glob(filepath.Join(v.dir, pattern))
	must(v.t, err)
	if len(found) != 1 {
		v.t.Fatalf("%s: want one file, got %q", pattern, found)
	}
	return found[0]
}

// One byte changed anywhere in what is signed or named by a digest is noticed, and
// nothing is changed in the trust state.
func TestTampered(t *testing.T) {
	v := newVendor(t)
	text := strings.Repeat("content\n", 500)
	v.add(0, v.tree(map[string]string{"f": text}))
	for _, pattern := range []string{
		fileTimestamp, "metadata/1.root.json", "metadata/2.snapshot.json", "metadata/2.targets.json", "metadata/1.full.json",
		"targets/full/*.0.yaml", "inventories/*.zst", "blobs/*/*.zst",
	} {
		path := v.one(pattern)
		good, err := os.ReadFile(path)
		must(t, err)
		read := func() error {
			c, err := reader(t, v.dir, nil, noon)
			if err != nil {
				return err
			}
			_, err = readRelease(c, "full", 0)
			return err
		}
		must(t, read())
		caught := 0
		for i := 0; i < len(good); i += 1 + len(good)/60 {
			bad := bytes.Clone(good)
			bad[i] ^= 1
			must(t, os.WriteFile(path, bad, 0o644))
			err := read()
			if err == nil && bytes.HasSuffix([]byte(path), []byte(".json")) && sameJSON(good, bad) {
				continue // white space between tokens is not signed
			}
			if err == nil && strings.HasSuffix(path, ".zst") {
				continue // a bit of the packing that the content does not depend on
			}
			var untrusted *UntrustedError
			if !errors.As(err, &untrusted) {
				t.Errorf("%s: byte %d changed: %v", pattern, i, err)
			}
			caught++
		}
		if caught < 20 {
			t.Errorf("%s: only %d changes noticed", pattern, caught)
		}
		for cut := range 3 {
			must(t, os.WriteFile(path, good[:len(good)*cut/3], 0o644))
			var untrusted *UntrustedError
			if err := read(); !errors.As(err, &untrusted) {
				t.Errorf("%s: cut to %d/3: %v", pattern, cut, err)
			}
		}
		must(t, os.WriteFile(path, append(bytes.Clone(good), "trailing"...), 0o644))
		var untrusted *UntrustedError
		if err := read(); !errors.As(err, &untrusted) {
			t.Errorf("%s: with trailing bytes: %v", pattern, err)
		}
		must(t, os.WriteFile(path, good, 0o644))
	}
}

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && x.String() == y.String()
}

// A frame of other bytes, of too many and of too few is refused, and no reader ever
// gets size bytes that are not the vendor's.
func TestBlobOfOtherBytes(t *testing.T) {
	slow(t)
	v := newVendor(t)
	text := strings.Repeat("content\n", 50_000)
	v.add(0, v.tree(map[string]string{"f": text}))
	c := mustReader(t, v.dir, nil, noon)
	d := manifest.DigestOf([]byte(text))
	path := filepath.Join(v.dir, blobPath(d))
	enc, err := zstd.NewWriter(nil)
	must(t, err)
	other := strings.Replace(text, "t", "T", 1)
	wide, err := zstd.NewWriter(nil, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
	must(t, err)
	var wideFrame bytes.Buffer
	wide.Reset(&wideFrame)
	_, err = wide.Write(bytes.Repeat([]byte{0}, 100<<20))
	must(t, errors.Join(err, wide.Close()))
	for name, data := range map[string][]byte{
		"other bytes":      enc.EncodeAll([]byte(other), nil),
		"one too many":     enc.EncodeAll([]byte(text+"x"), nil),
		"one too few":      enc.EncodeAll([]byte(text[1:]), nil),
		"nothing":          {},
		"an empty frame":   {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x01, 0x00, 0x00},
		"not a frame":      []byte("hello, world, this is no frame"),
		"a bomb":           enc.EncodeAll(make([]byte, 200<<20), nil),
		"a wide window":    wideFrame.Bytes(),
		"a frame too much": append(enc.EncodeAll([]byte(text), nil), enc.EncodeAll([]byte("more"), nil)...),
		"longer than any":  append(enc.EncodeAll([]byte(text), nil), make([]byte, 2<<20)...),
	} {
		must(t, os.WriteFile(path, data, 0o644))
		r, err := c.Blob(context.Background(), d, int64(len(text)))
		must(t, err)
		var got int
		buf := make([]byte, 64<<10)
		for err == nil {
			var n int
			n, err = r.Read(buf)
			got += n
		}
		wantUntrusted(t, name, err, BadDigest)
		if got >= len(text) {
			t.Errorf("%s: %d bytes came out, the last of them unchecked", name, got)
		}
		if _, again := r.Read(buf); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: after the error: %v", name, again)
		}
		must(t, r.Close())
	}
	must(t, os.Remove(path))
	var missing *NotFoundError
	if _, err := c.Blob(context.Background(), d, 1); !errors.As(err, &missing) {
		t.Errorf("no such content: %v", err)
	}
}

// Older metadata than seen is refused, from the same mirror or another.
func TestRollback(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	old := t.TempDir()
	copyTree(t, v.dir, old)
	v.add(1, v.tree(map[string]string{"f": "1\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()

	c, err := reader(t, old, trust, noon)
	wantUntrusted(t, "an older timestamp", err, RolledBack)
	if !bytes.Equal(c.State().Marshal(), trust.Marshal()) {
		t.Error("the trust state went back")
	}
	if len(c.All()) != 0 {
		t.Errorf("releases of an untrusted repository: %v", c.All())
	}
	mustReader(t, v.dir, trust, noon)

	// Somebody who holds the timestamp key brings an old snapshot up again.
	s, err := openStore(v.dir, nil)
	must(t, err)
	defer s.close()
	pub := v.publisher(s)
	data, err := os.ReadFile(filepath.Join(v.dir, metadataPath(roleSnapshot, 2)))
	must(t, err)
	v.signTimestamp(s, pub, 2, data)
	_, err = reader(t, v.dir, trust, noon)
	wantUntrusted(t, "an older snapshot", err, RolledBack)

	// And who holds the snapshot key as well, an old channel.
	meta := pub.snapshot.Signed.Meta["full.json"]
	data, err = os.ReadFile(filepath.Join(v.dir, "metadata/1.full.json"))
	must(t, err)
	*meta = metadata.MetaFiles{Version: 1, Length: int64(len(data))}
	must(t, pub.commit(s, nil))
	_, err = reader(t, v.dir, trust, noon)
	wantUntrusted(t, "an older channel", err, RolledBack)
	noSnapshot := trust.clone()
	noSnapshot.Snapshot = nil
	_, err = reader(t, v.dir, noSnapshot, noon)
	wantUntrusted(t, "an older channel, the stored role alone", err, RolledBack)
}

// publisher is ready to sign for v with the keys that count.
func (v *vendor) publisher(s *store) *publisher {
	v.t.Helper()
	state, err := loadPublished(s)
	must(v.t, err)
	keys, err := openKeys(v.keys, []byte{}, false, nil)
	must(v.t, err)
	v.t.Cleanup(keys.close)
	return newPublisher(state, keys, v.now, Expiry{})
}

// signTimestamp signs a timestamp that names data as version n of the snapshot.
func (v *vendor) signTimestamp(s *store, pub *publisher, n int64, data []byte) {
	v.t.Helper()
	d := manifest.DigestOf(data)
	pub.timestamp.Signed.Version++
	pub.timestamp.Signed.Meta[roleSnapshot+".json"] = &metadata.MetaFiles{
		Version: n, Length: int64(len(data)), Hashes: metadata.Hashes{"sha256": d[:]},
	}
	key, err := pub.signers(roleTimestamp)
	must(v.t, err)
	must(v.t, putSigned(s, roleTimestamp, pub.timestamp, key, nil))
}

// Parts of different states, each rightly signed, do not go together.
func TestMixAndMatch(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	old := t.TempDir()
	copyTree(t, v.dir, old)
	v.add(1, v.tree(map[string]string{"f": "1\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()

	mix := func(name string, from, to string, why Why) {
		t.Helper()
		dir := t.TempDir()
		copyTree(t, v.dir, dir)
		data, err := os.ReadFile(filepath.Join(v.dir, from))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, to), data, 0o644))
		c, err := reader(t, dir, nil, noon)
		if err == nil {
			_, err = readRelease(c, "full", 1)
		}
		wantUntrusted(t, name, err, why)
	}
	mix("an old snapshot as the new one", "metadata/2.snapshot.json", "metadata/3.snapshot.json", BadDigest)
	mix("an old channel as the new one", "metadata/1.full.json", "metadata/2.full.json", BadDigest)
	mix("a channel as the targets role", "metadata/2.full.json", "metadata/2.targets.json", BadDigest)
	mix("the manifest of level 0 as level 1", rel(v, "targets/full/*.0.yaml"), rel(v, "targets/full/*.1.yaml"), BadDigest)

	// The same version with other bytes: two faces of one vendor, or a stolen key.
	s, err := openStore(old, nil)
	must(t, err)
	defer s.close()
	twin := *v
	twin.dir, twin.now = old, noon.Add(time.Minute)
	must(t, twin.publisher(s).commit(s, nil))
	_, err = reader(t, old, trust, noon)
	wantUntrusted(t, "the same version, other bytes", err, Mixed)

	other := newVendor(t)
	_, err = reader(t, other.dir, trust, noon)
	wantUntrusted(t, "another vendor's repository", err, BadSignature)
}

func rel(v *vendor, pattern string) string {
	path, err := filepath.Rel(v.dir, v.one(pattern))
	must(v.t, err)
	return path
}

// One update level with two meanings is refused, whichever channel is asked.
func TestLevelWithTwoMeanings(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	opt := v.options(1, v.tree(map[string]string{"f": "1\n"}))
	opt.Channel = "security"
	_, err := Add(context.Background(), opt)
	must(t, err)
	s, err := openStore(v.dir, nil)
	must(t, err)
	defer s.close()
	add := func(name string, file *metadata.TargetFiles) {
		pub := v.publisher(s)
		must(t, pub.prepare("full"))
		must(t, pub.addTarget(s, "full", name, file))
	}
	state := v.publisher(s).published
	_, same := state.release(1, "")
	add("full/1.yaml", same) // promoted: the same release in two channels
	if all := mustReader(t, v.dir, nil, noon).All(); len(all) != 3 {
		t.Errorf("a promoted release: %v", all)
	}
	_, other := state.release(0, "")
	add("full/1.yaml", other)
	_, err = reader(t, v.dir, nil, noon)
	wantUntrusted(t, "two meanings", err, Mixed)
}

// What a channel's key signs outside its own names does not count.
func TestChannelStaysInItsNames(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	s, err := openStore(v.dir, nil)
	must(t, err)
	defer s.close()
	_, file := v.publisher(s).release(0, "")
	for _, name := range []string{"security/9.yaml", "full/09.yaml", "full/-1.yaml", "full/9.yml", "full/a/9.yaml", "full/99999999999999999999.yaml", "9.yaml"} {
		pub := v.publisher(s)
		must(t, pub.prepare("full"))
		must(t, pub.addTarget(s, "full", name, file))
	}
	c := mustReader(t, v.dir, nil, noon)
	if all := c.All(); len(all) != 1 || all[0].Level != 0 {
		t.Errorf("releases %+v", all)
	}
}

func TestExpired(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	first := mustReader(t, v.dir, nil, noon)
	if !first.State().Newest.Equal(noon) {
		t.Errorf("newest signed time %s", first.State().Newest)
	}
	for role, days := range map[string]int{roleTimestamp: 61, roleRoot: 3653} {
		_, err := reader(t, v.dir, first.State(), noon.Add(time.Duration(days)*day))
		var expired *ExpiredError
		if !errors.As(err, &expired) || expired.Role != role || expired.Since.Before(noon.Add(59*day)) {
			t.Errorf("after %d days: %v", days, err)
		}
	}
	// A clock set back does not help: the newest signed time counts.
	trust := first.State().clone()
	trust.Newest = noon.Add(61 * day)
	var expired *ExpiredError
	if _, err := reader(t, v.dir, trust, noon.Add(-1000*day)); !errors.As(err, &expired) {
		t.Errorf("with the clock set back: %v", err)
	}
	for role, change := range map[string]func(*Expiry){
		roleSnapshot: func(e *Expiry) { e.Snapshot = day }, "full": func(e *Expiry) { e.Targets = day },
	} {
		v := newVendor(t)
		opt := v.options(0, v.tree(map[string]string{"f": "0\n"}))
		change(&opt.Expiry)
		_, err := Add(context.Background(), opt)
		must(t, err)
		_, err = reader(t, v.dir, nil, noon.Add(2*day))
		if !errors.As(err, &expired) || (expired.Role != role && expired.Role != roleTargets) || !expired.Since.Equal(noon.Add(day)) {
			t.Errorf("%s: %v", role, err)
		}
	}
	stale, err := Open(v.dir, ClientOptions{AllowStale: true})
	must(t, err)
	defer stale.Close()
	must(t, stale.Refresh(context.Background(), first.State(), noon.Add(61*day)))
	if e := stale.Expired(); len(e) != 1 || e[0].Role != roleTimestamp {
		t.Errorf("expired: %v", e)
	}
	if got, err := readRelease(stale, "full", 0); err != nil || len(got) != 1 {
		t.Errorf("stale but allowed: %v %v", got, err)
	}
}

// Metadata that go-tuf falls over, before it checks a signature, is refused.
func TestHostileMetadata(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()
	v.add(1, v.tree(map[string]string{"f": "1\n"}))
	const head = `{"signatures":[],"signed":{"spec_version":"1.0.31","expires":"2040-01-01T00:00:00Z","version":9,`
	for path, bodies := range map[string][]string{
		fileTimestamp: {`"_type":"timestamp","meta":{"snapshot.json":null}}}`, `"_type":"timestamp","meta":{}}}`, `"_type":"timestamp"}}`, `"_type":7}}`},
		"metadata/2.root.json": {
			`"_type":"root","keys":null,"roles":{"root":null}}}`,
			`"_type":"root","keys":{"a":null},"roles":{"root":{"keyids":["a"],"threshold":1}}}}`,
			`"_type":"root","keys":{"a":{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"00"}}},"roles":{"root":{"keyids":["a"],"threshold":1}}}}`,
			`"_type":"root","keys":{},"roles":{"root":{"keyids":[],"threshold":0}}}}`,
		},
		"metadata/3.snapshot.json": {`"_type":"snapshot","meta":{"targets.json":null}}}`, strings.Repeat("[", 20000)},
		"metadata/2.full.json":     {`"_type":"targets","targets":{"full/1.yaml":null}}}`},
	} {
		real := filepath.Join(v.dir, path)
		good, err := os.ReadFile(real)
		had := err == nil
		for _, body := range append(bodies, "null", "[]", "", "{}", `{"signed":null}`, "\x00") {
			text := body
			if strings.HasPrefix(body, `"`) {
				text = head + body
			}
			must(t, os.WriteFile(real, []byte(text), 0o644))
			for name, trust := range map[string]*TrustState{"first": nil, "later": trust} {
				_, err := reader(t, v.dir, trust, noon)
				var untrusted *UntrustedError
				if !errors.As(err, &untrusted) {
					t.Errorf("%s %.60s (%s): %v", path, text, name, err)
				}
			}
		}
		must(t, os.Remove(real))
		if had {
			must(t, os.WriteFile(real, good, 0o644))
		}
	}
	must(t, os.WriteFile(filepath.Join(v.dir, fileTimestamp), bytes.Repeat([]byte(" "), maxTimestampBytes+1), 0o644))
	if _, err := reader(t, v.dir, nil, noon); err == nil || !strings.Contains(err.Error(), "want at most") {
		t.Errorf("an endless timestamp: %v", err)
	}
}
