package repository

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// rotate replaces the key of role by a new root.
func (v *vendor) rotate(role string) {
	v.t.Helper()
	s, err := openStore(v.dir, nil)
	must(v.t, err)
	defer s.close()
	pub := v.publisher(s)
	rootKey, err := pub.signers(roleRoot)
	must(v.t, err)
	before, err := pub.signers(role)
	must(v.t, err)
	must(v.t, os.Rename(filepath.Join(v.keys, role+".key"), filepath.Join(v.keys, fmt.Sprintf("%s.revoked%d", role, pub.root.Signed.Version))))
	after, err := pub.keys.loadOrCreate(role)
	must(v.t, err)
	must(v.t, pub.root.Signed.RevokeKey(before[0].id, role))
	must(v.t, pub.root.Signed.AddKey(after.public, role))
	pub.root.Signed.Version++
	must(v.t, putSigned(s, roleRoot, pub.root, rootKey, map[string]*metadata.MetaFiles{}))
	pub.loaded = map[string][]*signer{}
	must(v.t, pub.commit(s, nil))
}

// A key that a new root has revoked stays revoked, also for a replayed repository of
// before, and although the trust state starts at the first root each time.
func TestRevokedKeyStaysRevoked(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	old := t.TempDir()
	copyTree(t, v.dir, old)
	oldKeys := t.TempDir()
	for _, role := range []string{roleTimestamp, roleSnapshot} { // all that a server needs
		data, err := os.ReadFile(filepath.Join(v.keys, role+".key"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(oldKeys, role+".key"), data, 0o600))
	}

	for _, role := range []string{roleTimestamp, roleSnapshot, roleTimestamp} {
		v.rotate(role)
	}
	trust := mustReader(t, v.dir, nil, noon).State()
	if len(trust.Roots) != 4 {
		t.Fatalf("want 4 roots kept, got %d", len(trust.Roots))
	}
	_, err := reader(t, old, trust, noon)
	wantUntrusted(t, "the old repository", err, BadSignature)

	// The thief of the old keys signs the highest of all versions, and the last of
	// all days.
	thief := &vendor{t: t, dir: old, keys: oldKeys, now: noon.Add(59 * day)}
	s, err := openStore(old, nil)
	must(t, err)
	pub := thief.publisher(s)
	for range 50 {
		must(t, pub.commit(s, nil))
	}
	s.close()
	_, err = reader(t, old, trust, noon)
	wantUntrusted(t, "an old key", err, BadSignature)

	// An installation that saw the thief's is freed by the new root: what the old
	// keys have driven up counts no more.
	fooled := mustReader(t, old, nil, noon).State()
	if !fooled.Newest.Equal(thief.now) {
		t.Fatalf("the thief's time was not taken: %s", fooled.Newest)
	}
	c := mustReader(t, v.dir, fooled, noon)
	if len(c.State().Roots) != 4 || len(c.All()) != 1 || !c.State().Newest.Equal(noon) {
		t.Errorf("roots %d, newest %s, releases %v", len(c.State().Roots), c.State().Newest, c.All())
	}
}

// A stored role that no trusted root ever vouched for is damage, not a reason to
// start afresh.
func TestDamagedTrustState(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	good := mustReader(t, v.dir, nil, noon).State()
	other := newVendor(t)
	other.add(0, other.tree(map[string]string{"f": "0\n"}))
	foreign := mustReader(t, other.dir, nil, noon).State()
	for name, change := range map[string]func(*TrustState){
		"no root":           func(s *TrustState) { s.Roots = nil },
		"foreign timestamp": func(s *TrustState) { s.Timestamp = foreign.Timestamp },
		"foreign snapshot":  func(s *TrustState) { s.Snapshot = foreign.Snapshot },
		"torn timestamp":    func(s *TrustState) { s.Timestamp = s.Timestamp[:50] },
	} {
		s := good.clone()
		change(s)
		_, err := reader(t, v.dir, s, noon)
		wantUntrusted(t, name, err, BadState)
	}
	s := good.clone()
	s.Roots = append(s.Roots, foreign.Roots[0])
	_, err := reader(t, v.dir, s, noon)
	wantUntrusted(t, "foreign root", err, BadSignature)
	if len(good.Roots) != 1 {
		t.Error("a trust state that was read has been changed")
	}
}

// A given root decides, not what the repository shows as its first.
func TestGivenRoot(t *testing.T) {
	v, other := newVendor(t), newVendor(t)
	root, err := os.ReadFile(filepath.Join(v.dir, metadataPath(roleRoot, 1)))
	must(t, err)
	for dir, want := range map[string]bool{v.dir: true, other.dir: false} {
		c, err := Open(dir, ClientOptions{})
		must(t, err)
		defer c.Close()
		trust, err := c.FirstTrust(context.Background(), root)
		must(t, err)
		if trust.Fingerprint() != manifest.DigestOf(root).Hex() {
			t.Errorf("fingerprint %s", trust.Fingerprint())
		}
		if err := c.Refresh(context.Background(), trust, noon); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
	c, err := Open(v.dir, ClientOptions{})
	must(t, err)
	defer c.Close()
	_, err = c.FirstTrust(context.Background(), root[:len(root)/2])
	wantUntrusted(t, "half a root", err, BadForm)
}
