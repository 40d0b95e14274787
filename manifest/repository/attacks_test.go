package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// One test for each attack of the TUF specification 1.0.31, section 1.5.2, and for two of
// Uptane's, each mounted by a hostile transport. docs/trust.md names them.

// mirror is a transport that answers some paths in its own way.
type mirror struct {
	Transport
	answer func(path string) (io.ReadCloser, error) // nil, nil: as the repository has it
	mu     sync.Mutex
	served []string // the paths it has lied about
	asked  []string
}

func (m *mirror) Get(ctx context.Context, path string, limit int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, path)
	if r, err := m.answer(path); r != nil || err != nil {
		m.served = append(m.served, path)
		return r, err
	}
	return m.Transport.Get(ctx, path, limit)
}

// hostile is a mirror of dir.
func hostile(t *testing.T, dir string, answer func(path string) (io.ReadCloser, error)) *mirror {
	t.Helper()
	under, err := openTransport(dir)
	must(t, err)
	return &mirror{Transport: under, answer: answer}
}

// swapped answers paths with other bytes.
func swapped(files map[string][]byte) func(string) (io.ReadCloser, error) {
	return func(path string) (io.ReadCloser, error) {
		if data, ok := files[path]; ok {
			return io.NopCloser(bytes.NewReader(data)), nil
		}
		return nil, nil
	}
}

// install brings a client to the newest state through m and reads a level of full.
func install(t *testing.T, m Transport, trust *TrustState, level int64, now time.Time) (*Client, error) {
	t.Helper()
	c, err := Open("mirror", ClientOptions{Transport: m})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Refresh(context.Background(), trust, now); err != nil {
		return c, err
	}
	_, err = readRelease(c, "full", level)
	return c, err
}

// attacked fails unless the honest repository works, m has lied, and the client noticed.
func attacked(t *testing.T, name string, v *vendor, m *mirror, trust *TrustState, level int64, why Why) {
	t.Helper()
	honest, err := openTransport(v.dir)
	must(t, err)
	if _, err := install(t, honest, trust, level, v.now); err != nil {
		t.Fatalf("%s: the honest repository: %v", name, err)
	}
	before := trust.Marshal()
	c, err := install(t, m, trust, level, v.now)
	if len(m.served) == 0 {
		t.Errorf("%s: the attack was not mounted; asked for %q", name, m.asked)
	}
	wantUntrusted(t, name, err, why)
	if !bytes.Equal(trust.Marshal(), before) {
		t.Errorf("%s: the trust state was changed in place", name)
	}
	if _, err := install(t, honest, c.State(), level, v.now); err != nil {
		t.Errorf("%s: the honest repository afterwards: %v", name, err)
	}
}

// twoLevels is a vendor with levels 0 and 1 of full, the state of the repository with level
// 0 alone, and what a client has come to trust then.
func twoLevels(t *testing.T) (v *vendor, old string, trust *TrustState) {
	t.Helper()
	v = newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n", "g": "same\n"}))
	old = t.TempDir()
	copyTree(t, v.dir, old)
	trust = mustReader(t, v.dir, nil, noon).State()
	v.add(1, v.tree(map[string]string{"f": "1\n", "g": "same\n"}))
	return v, old, trust
}

func (v *vendor) file(dir, path string) []byte {
	v.t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	must(v.t, err)
	return data
}

func zstdOf(t *testing.T, text string) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	must(t, err)
	return enc.EncodeAll([]byte(text), nil)
}

func blobOf(text string) string { return blobPath(manifest.DigestOf([]byte(text))) }

func TestAttackArbitraryInstallation(t *testing.T) {
	v, _, trust := twoLevels(t)
	evil := newVendor(t) // with keys of its own
	evil.add(1, evil.tree(map[string]string{"f": "evil\n"}))
	own := hostile(t, evil.dir, func(string) (io.ReadCloser, error) { return nil, nil })
	own.answer = func(path string) (io.ReadCloser, error) { return own.Transport.Get(context.Background(), path, 1<<20) }
	attacked(t, "a repository of the attacker's", v, own, trust, 1, BadSignature)
	for path, data := range map[string][]byte{
		rel(v, "targets/full/*.1.yaml"): evil.file(evil.dir, rel(evil, "targets/full/*.1.yaml")),
		blobOf("1\n"):                   zstdOf(t, "!\n"),
	} {
		attacked(t, path, v, hostile(t, v.dir, swapped(map[string][]byte{path: data})), trust, 1, BadDigest)
	}
	for path, why := range map[string]Why{"metadata/2.full.json": BadDigest, "metadata/3.snapshot.json": BadDigest, fileTimestamp: BadSignature} {
		data := bytes.Replace(v.file(v.dir, path), []byte(`"version": `), []byte(`"version": 1`), 1)
		attacked(t, path, v, hostile(t, v.dir, swapped(map[string][]byte{path: data})), trust, 1, why)
	}
}

func TestAttackRollback(t *testing.T) {
	v, old, _ := twoLevels(t)
	trust := mustReader(t, v.dir, nil, noon).State()
	attacked(t, "an older timestamp", v, hostile(t, v.dir, swapped(map[string][]byte{fileTimestamp: v.file(old, fileTimestamp)})), trust, 1, RolledBack)
}

func TestAttackIndefiniteFreeze(t *testing.T) {
	v, old, trust := twoLevels(t)
	frozen := hostile(t, v.dir, swapped(map[string][]byte{fileTimestamp: v.file(old, fileTimestamp)}))
	if _, err := install(t, frozen, trust, 0, noon.Add(59*day)); err != nil {
		t.Fatalf("before the end of the timestamp: %v", err)
	}
	v.now = noon.Add(59 * day)
	_, err := Resign(ResignOptions{EditOptions: v.edit()})
	must(t, err)
	v.now = noon.Add(61 * day)
	honest := mustReader(t, v.dir, trust, v.now)
	if len(honest.All()) != 2 {
		t.Fatalf("the honest repository: %v", honest.All())
	}
	_, err = install(t, frozen, trust, 0, v.now)
	var expired *ExpiredError
	if !errors.As(err, &expired) || expired.Role != roleTimestamp || !expired.Since.Equal(noon.Add(60*day)) || len(frozen.served) != 2 {
		t.Errorf("after it: %v, served %q", err, frozen.served)
	}
	// Nor does a clock that was set back help, once anything newer was seen.
	if _, err := install(t, frozen, honest.State(), 0, noon); err == nil {
		t.Error("with the clock set back")
	}
}

// Who holds the online keys can drive versions and time up, so that nothing of the vendor's
// is new enough any more. New online keys make clients forget both.
func TestAttackFastForward(t *testing.T) {
	v, _, trust := twoLevels(t)
	safe := t.TempDir()
	copyTree(t, v.dir, safe)
	thief := *v
	thief.dir, thief.keys, thief.now = t.TempDir(), t.TempDir(), noon.AddDate(70, 0, 0)
	copyTree(t, v.dir, thief.dir)
	for _, name := range []string{"snapshot.key", "timestamp.key"} {
		must(t, os.WriteFile(filepath.Join(thief.keys, name), v.file(v.keys, name), 0o600))
	}
	s, err := openStore(thief.dir, nil)
	must(t, err)
	p := thief.publisher(s)
	p.snapshot.Signed.Version, p.timestamp.Signed.Version = 1<<40, 1<<41
	p.snapshot.Signed.Meta["full.json"].Version = 1 << 40 // there is no such file: nobody can sign it
	must(t, p.commit(s, nil))
	s.close()

	c, err := reader(t, thief.dir, trust, noon)
	if err == nil || len(c.All()) != 0 {
		t.Fatalf("a thief of the online keys has published: %v", c.All())
	}
	hit := c.State()
	if m, err := metadata.Timestamp().FromBytes(hit.Timestamp); err != nil || m.Signed.Version <= 1<<40 || hit.Newest.Year() < 2090 || len(hit.Snapshot) == 0 {
		t.Fatalf("the attack was not mounted: %v, newest %s", err, hit.Newest)
	}
	if _, err := reader(t, v.dir, hit, noon); err == nil {
		t.Fatal("the honest repository is believed: nothing to recover from")
	}
	for _, roles := range [][]string{{roleSnapshot, roleTimestamp}, {roleTimestamp}} { // by the letter of 5.3.11, either will do
		again := *v
		again.dir, again.keys = t.TempDir(), t.TempDir()
		copyTree(t, safe, again.dir)
		copyTree(t, v.keys, again.keys)
		must(t, os.Chmod(again.keys, 0o700))
		names, err := os.ReadDir(again.keys)
		must(t, err)
		for _, e := range names {
			must(t, os.Chmod(filepath.Join(again.keys, e.Name()), 0o600))
		}
		_, err = again.change(KeysOptions{Roles: roles, Rotate: true})
		must(t, err)
		c := mustReader(t, again.dir, hit, noon)
		if _, err := readRelease(c, "full", 1); err != nil || !c.State().Newest.Equal(noon) {
			t.Errorf("%v rotated: %v, newest %s", roles, err, c.State().Newest)
		}
		// What the thief has signed counts no more, and the protection is back.
		replay := hostile(t, again.dir, swapped(map[string][]byte{fileTimestamp: v.file(thief.dir, fileTimestamp)}))
		_, err = install(t, replay, c.State(), 1, noon)
		wantUntrusted(t, "the thief's timestamp", err, BadSignature)
		if len(replay.served) == 0 {
			t.Error("it was not served")
		}
	}
}

// A key that is added costs no protection against rollback.
func TestAttackRollbackAfterKeyAdded(t *testing.T) {
	v, old, _ := twoLevels(t)
	trust := mustReader(t, v.dir, nil, noon).State()
	_, err := v.change(KeysOptions{Roles: []string{roleTimestamp}, Add: true})
	must(t, err)
	attacked(t, "an older timestamp", v, hostile(t, v.dir, swapped(map[string][]byte{fileTimestamp: v.file(old, fileTimestamp)})), trust, 1, RolledBack)
}

func TestAttackMixAndMatch(t *testing.T) {
	v, old, trust := twoLevels(t)
	for to, from := range map[string]string{"metadata/3.snapshot.json": "metadata/2.snapshot.json", "metadata/2.full.json": "metadata/1.full.json"} {
		attacked(t, to, v, hostile(t, v.dir, swapped(map[string][]byte{to: v.file(old, from)})), trust, 1, BadDigest)
	}
	attacked(t, "a channel as targets", v, hostile(t, v.dir, swapped(map[string][]byte{"metadata/2.targets.json": v.file(v.dir, "metadata/2.full.json")})),
		&TrustState{Roots: trust.Roots}, 1, BadDigest)
}

// endless is a body without an end.
type endless struct{ given *int64 }

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	*e.given += int64(len(p))
	return len(p), nil
}

func TestAttackEndlessData(t *testing.T) {
	v, _, trust := twoLevels(t)
	trust = &TrustState{Roots: trust.Roots}
	for path, limit := range map[string]int64{
		"metadata/2.root.json": maxRootBytes, fileTimestamp: maxTimestampBytes, "metadata/3.snapshot.json": maxSnapshotBytes,
		"metadata/2.targets.json": maxRoleBytes, "metadata/2.full.json": maxRoleBytes,
		rel(v, "targets/full/*.1.yaml"): 64 << 10, blobOf("1\n"): 4 << 20, blobOf("same\n"): 4 << 20,
	} {
		var given int64
		m := hostile(t, v.dir, func(p string) (io.ReadCloser, error) {
			if p == path {
				return io.NopCloser(endless{&given}), nil
			}
			return nil, nil
		})
		why := BadForm
		if strings.HasPrefix(path, dirBlobs) {
			why = BadDigest
		}
		attacked(t, path, v, m, trust, 1, why)
		if given > limit+1 {
			t.Errorf("%s: %d bytes were taken, at most %d are allowed", path, given, limit)
		}
	}
}

// Whatever else lies in a repository, only what is signed is asked for; and more cannot be
// written into an inventory.
func TestAttackExtraneousDependencies(t *testing.T) {
	v, _, trust := twoLevels(t)
	m, err := manifest.Parse("m", v.file(v.dir, rel(v, "targets/full/*.1.yaml")))
	must(t, err)
	path := inventoryPath(m.Inventory.Digest)
	dec, err := zstd.NewReader(nil)
	must(t, err)
	plain, err := dec.DecodeAll(v.file(v.dir, path), nil)
	must(t, err)
	more := strings.Replace(string(plain), "end 2", fmt.Sprintf("f 644 5 %s z\nend 3", manifest.DigestOf([]byte("evil\n")).Hex()), 1)
	if more == string(plain) {
		t.Fatalf("no end in %q", plain)
	}
	lies := map[string][]byte{path: zstdOf(t, more), blobOf("evil\n"): zstdOf(t, "evil\n")}
	attacked(t, "an inventory with one file more", v, hostile(t, v.dir, swapped(lies)), trust, 1, BadDigest)

	must(t, os.MkdirAll(filepath.Join(v.dir, "targets/other"), 0o755))
	for _, name := range []string{"targets/full/9.yaml", "targets/other/1.yaml", "metadata/9.full.json", "metadata/1.other.json", "install.sh"} {
		must(t, os.WriteFile(filepath.Join(v.dir, name), []byte("evil"), 0o644))
	}
	quiet := hostile(t, v.dir, func(string) (io.ReadCloser, error) { return nil, nil })
	if _, err := install(t, quiet, trust, 1, noon); err != nil {
		t.Error(err)
	}
	if want := 4 + 1 + 1 + 2; len(quiet.asked) != want { // metadata (targets is known), manifest, inventory, contents
		t.Errorf("want %d files asked for, got %d: %q", want, len(quiet.asked), quiet.asked)
	}
	for _, path := range quiet.asked {
		if data, err := os.ReadFile(filepath.Join(v.dir, filepath.FromSlash(path))); err == nil && string(data) == "evil" {
			t.Errorf("asked for %s", path)
		}
	}
}

// A trusted file in the place of another trusted file.
func TestAttackWrongInstallation(t *testing.T) {
	v, _, trust := twoLevels(t)
	opt := v.options(7, v.tree(map[string]string{"f": "other\n"}))
	opt.Channel = "other"
	_, err := Add(context.Background(), opt)
	must(t, err)
	inventory := func(pattern string) string {
		m, err := manifest.Parse("m", v.file(v.dir, rel(v, pattern)))
		must(t, err)
		return inventoryPath(m.Inventory.Digest)
	}
	for to, from := range map[string]string{
		rel(v, "targets/full/*.1.yaml"):    rel(v, "targets/other/*.7.yaml"),
		inventory("targets/full/*.1.yaml"): inventory("targets/full/*.0.yaml"),
		blobOf("1\n"):                      blobOf("0\n"),
	} {
		attacked(t, to, v, hostile(t, v.dir, swapped(map[string][]byte{to: v.file(v.dir, from)})), trust, 1, BadDigest)
	}
}

// With thresholds of two, who has stolen one key of each offline role, and all online keys,
// publishes nothing; and a revoked key is worth nothing.
func TestAttackKeyCompromise(t *testing.T) {
	v, _, trust := twoLevels(t)
	for _, role := range []string{roleRoot, roleTargets, "full"} {
		_, err := v.change(KeysOptions{Roles: []string{role}, Add: true, Threshold: 2})
		must(t, err)
	}
	trust = mustReader(t, v.dir, trust, noon).State()
	forge := func(role string) *mirror {
		t.Helper()
		dir := t.TempDir()
		copyTree(t, v.dir, dir)
		s, err := openStore(dir, nil)
		must(t, err)
		defer s.close()
		p := v.publisher(s)
		keys, err := p.signers(role)
		must(t, err)
		stolen := keys[:1]
		must(t, p.touch(role))
		if role == roleRoot {
			p.root.Signed.Roles[roleTargets].Threshold = 1
			must(t, addSignatures(role, p.root, stolen))
			must(t, putMeta(s, role, p.root, map[string]*metadata.MetaFiles{}))
		} else {
			files := map[string]*metadata.MetaFiles{}
			must(t, addSignatures(role, p.targetsRole(role), stolen))
			must(t, putMeta(s, role, p.targetsRole(role), files))
			must(t, p.commit(s, files))
		}
		m := hostile(t, dir, nil)
		m.answer = func(path string) (io.ReadCloser, error) {
			if strings.Contains(path, "."+role+".") { // what is forged
				r, err := m.Transport.Get(context.Background(), path, 1<<20)
				if isNotFound(err) {
					return nil, nil
				}
				return r, err
			}
			return nil, nil
		}
		return m
	}
	for _, role := range []string{roleRoot, roleTargets, "full"} {
		m := forge(role)
		_, err := install(t, m, trust, 1, noon)
		wantUntrusted(t, "one stolen key of "+role, err, BadSignature)
		if len(m.served) == 0 {
			t.Errorf("%s: the attack was not mounted", role)
		}
	}
	if _, err := install(t, hostile(t, v.dir, func(string) (io.ReadCloser, error) { return nil, nil }), trust, 1, noon); err != nil {
		t.Errorf("the honest repository: %v", err)
	}
}

func isNotFound(err error) bool {
	var missing *NotFoundError
	return errors.As(err, &missing)
}

func isUntrusted(why Why) func(error) bool {
	return func(err error) bool {
		var untrusted *UntrustedError
		return errors.As(err, &untrusted) && untrusted.Why == why
	}
}

// A mirror that answers nothing, or nonsense, costs time: nothing is forgotten, nothing is
// believed, and any other source goes on where it stopped.
func TestAttackMaliciousMirror(t *testing.T) {
	v, _, trust := twoLevels(t)
	for name, answer := range map[string]func(string) (io.ReadCloser, error){
		"nothing is there":  func(path string) (io.ReadCloser, error) { return nil, &NotFoundError{path} },
		"nothing is said":   func(path string) (io.ReadCloser, error) { return nil, errors.New("connection reset") },
		"empty answers":     func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil },
		"a page of its own": func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("<html>")), nil },
		"contents are kept back": func(path string) (io.ReadCloser, error) {
			if strings.HasPrefix(path, dirBlobs) {
				return nil, &NotFoundError{path}
			}
			return nil, nil
		},
	} {
		m := hostile(t, v.dir, answer)
		c, err := install(t, m, trust, 1, noon)
		if err == nil || len(m.served) == 0 {
			t.Errorf("%s: %v, served %q", name, err, m.served)
		}
		if _, err := install(t, hostile(t, v.dir, func(string) (io.ReadCloser, error) { return nil, nil }), c.State(), 1, noon); err != nil {
			t.Errorf("%s: another source afterwards: %v", name, err)
		}
	}
}

// Uptane: part of a bundle. Whatever is missing of it is named, and nothing is installed
// short of it.
func TestUptanePartialBundle(t *testing.T) {
	v, _, trust := twoLevels(t)
	paths := []string{fileTimestamp, "metadata/3.snapshot.json", "metadata/2.full.json", rel(v, "targets/full/*.1.yaml"), blobOf("1\n"), blobOf("same\n")}
	for _, path := range paths {
		bundle := t.TempDir()
		copyTree(t, v.dir, bundle)
		under, err := openTransport(bundle)
		must(t, err)
		if _, err := install(t, under, trust, 1, noon); err != nil {
			t.Fatalf("the whole bundle: %v", err)
		}
		must(t, os.Remove(filepath.Join(bundle, filepath.FromSlash(path))))
		_, err = install(t, under, trust, 1, noon)
		if !isNotFound(err) || !strings.Contains(err.Error(), path) {
			t.Errorf("without %s: %v", path, err)
		}
	}
}

// Uptane: bundles that were made from parts of several. Each part was signed once; together
// they are nothing that the vendor ever published. Those are directories; TestBundleAttacks of
// package updater has the same in one file, which says what has to be in it.
func TestUptaneMixedBundles(t *testing.T) {
	v, old, trust := twoLevels(t)
	mid := t.TempDir()
	copyTree(t, v.dir, mid)
	v.add(2, v.tree(map[string]string{"f": "2\n", "g": "two\n"}))
	newest := v.file(v.dir, fileTimestamp)
	for _, mixed := range []struct {
		name string
		dir  string
		swap map[string][]byte
		is   func(error) bool
		want string // how the error begins, which names the file
	}{
		{"the newest metadata over old contents", old, map[string][]byte{
			fileTimestamp: newest, "metadata/4.snapshot.json": v.file(v.dir, "metadata/4.snapshot.json"), "metadata/3.full.json": v.file(v.dir, "metadata/3.full.json")},
			isNotFound, rel(v, "targets/full/*.2.yaml") + ": not in the repository"},
		{"the newest timestamp over an older snapshot", mid, map[string][]byte{
			fileTimestamp: newest, "metadata/4.snapshot.json": v.file(mid, "metadata/3.snapshot.json")},
			isUntrusted(BadDigest), "metadata/4.snapshot.json: not the bytes that were signed"},
		{"an older channel under the newest snapshot", v.dir, map[string][]byte{"metadata/3.full.json": v.file(mid, "metadata/2.full.json")},
			isUntrusted(BadDigest), "metadata/3.full.json: not the bytes that were signed"},
	} {
		m := hostile(t, mixed.dir, swapped(mixed.swap))
		c, err := install(t, m, trust, 2, noon)
		if err == nil || !mixed.is(err) || !strings.HasPrefix(err.Error(), mixed.want) || len(m.served) != len(mixed.swap) {
			t.Errorf("%s: want %s, got %v, served %q", mixed.name, mixed.want, err, m.served)
		}
		if _, err := install(t, hostile(t, v.dir, func(string) (io.ReadCloser, error) { return nil, nil }), c.State(), 2, noon); err != nil {
			t.Errorf("%s: the honest bundle afterwards: %v", mixed.name, err)
		}
	}
	// A bundle of before the newest metadata seen is older, whatever is in it.
	trust = mustReader(t, v.dir, trust, noon).State()
	_, err := reader(t, mid, trust, noon)
	wantUntrusted(t, "an older bundle", err, RolledBack)
	if levels := trust.Levels()["full"]; !slices.Equal(levels, []int64{0, 1, 2}) {
		t.Errorf("levels %v", levels)
	}
}
