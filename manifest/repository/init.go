package repository

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// InitOptions say what repository to make.
type InitOptions struct {
	Dir     string // the repository; must be missing or empty
	KeysDir string // the private keys; never inside Dir
	Product []byte // product.yaml
	// Passphrase encrypts the keys. Empty but not nil makes plain keys; nil is
	// refused with [ErrNoPassphrase].
	Passphrase []byte
	Now        time.Time
	Expiry     Expiry

	fault func(op, path string) error
}

// InitResult says what Init has made.
type InitResult struct {
	// Fingerprint is the SHA-256 of metadata/1.root.json, which the vendor announces
	// so that others can check whom they trust.
	Fingerprint string
	// Keys are the key files, for the vendor to keep safe.
	Keys      []string
	PlainKeys bool
}

// Init makes a repository without releases, and the keys of its four roles. What an
// interrupted Init has left is completed: keys are kept, metadata is signed anew,
// for nobody can have seen it before its timestamp. Anything else at Dir is
// [ErrExists].
func Init(opt InitOptions) (*InitResult, error) {
	if opt.Passphrase == nil {
		return nil, fmt.Errorf("%s: %w", opt.KeysDir, ErrNoPassphrase)
	}
	if _, err := manifest.ParseProduct(fileProduct, opt.Product); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return nil, pathFirst(opt.Dir, err)
	}
	if err := vacant(opt.Dir); err != nil { // before the lock file is made in it
		return nil, err
	}
	s, err := openStore(opt.Dir, opt.fault)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := vacant(opt.Dir); err != nil {
		return nil, err
	}
	keys, err := openKeys(opt.KeysDir, opt.Passphrase, true, opt.fault)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	if within(keys.tree.Path(), s.tree.Path()) {
		return nil, fmt.Errorf("%s: private keys must not lie in the repository, which is published", opt.KeysDir)
	}
	root, err := writeFirst(s, keys, opt)
	if err != nil {
		return nil, err
	}
	s.done = true
	out := &InitResult{Fingerprint: manifest.DigestOf(root).Hex(), PlainKeys: len(opt.Passphrase) == 0}
	for _, role := range []string{roleRoot, roleTargets, roleSnapshot, roleTimestamp} {
		out.Keys = append(out.Keys, filepath.Join(keys.tree.Path(), role+".key"))
	}
	return out, nil
}

// writeFirst writes everything, the timestamp last, and returns root.json.
func writeFirst(s *store, keys *keyring, opt InitOptions) ([]byte, error) {
	now, expiry := opt.Now, opt.Expiry.orDefault()
	p := newPublisher(&published{
		root:      metadata.Root(now.Add(expiry.Root).UTC().Truncate(time.Second)),
		targets:   metadata.Targets(now.Add(expiry.Targets).UTC().Truncate(time.Second)),
		snapshot:  metadata.Snapshot(now),
		timestamp: metadata.Timestamp(now),
	}, keys, now, expiry)
	p.snapshot.Signed.Version, p.timestamp.Signed.Version = 0, 0 // commit counts up
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		key, err := keys.loadOrCreate(role)
		if err != nil {
			return nil, err
		}
		if err := p.root.Signed.AddKey(key.public, role); err != nil {
			return nil, err
		}
		p.loaded[role] = []*signer{key}
	}
	for _, dir := range []string{dirMetadata, dirTargets, dirInventories, dirBlobs} {
		if err := s.tree.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if err := s.put(fileProduct, opt.Product); err != nil {
		return nil, err
	}
	files := map[string]*metadata.MetaFiles{}
	if err := putSigned(s, roleRoot, p.root, p.loaded[roleRoot], map[string]*metadata.MetaFiles{}); err != nil {
		return nil, err
	}
	if err := putSigned(s, roleTargets, p.targets, p.loaded[roleTargets], files); err != nil {
		return nil, err
	}
	if err := p.commit(s, files); err != nil {
		return nil, err
	}
	return s.read(metadataPath(roleRoot, 1), maxRootBytes)
}

// vacant reports ErrExists unless dir is empty or holds what an interrupted Init
// leaves: no timestamp, and nothing published.
func vacant(dir string) error {
	t, err := fsys.Open(dir)
	if err != nil {
		return pathFirst(dir, err)
	}
	defer t.Close()
	info, err := t.Lstat(fileTimestamp)
	if err != nil {
		return pathFirst(dir, err)
	}
	if info.Exists {
		return fmt.Errorf("%s: a repository %w", dir, ErrExists)
	}
	names, err := t.Names("")
	if err != nil {
		return pathFirst(dir, err)
	}
	ours := []string{dirMetadata, dirTargets, dirInventories, dirBlobs, dirTemp, fileLock, fileProduct}
	for _, name := range names {
		if !slices.Contains(ours, name) {
			return fmt.Errorf("%s: %w, and is not an empty directory: it holds %s", dir, ErrExists, manifest.Path(name))
		}
	}
	for _, sub := range []string{dirTargets, dirInventories, dirBlobs} {
		if info, err := t.Lstat(sub); err != nil || !info.Exists {
			continue
		}
		names, err := t.Names(sub)
		if err != nil {
			return pathFirst(dir, err)
		}
		if len(names) > 0 {
			return fmt.Errorf("%s: %w, with releases but without %s", dir, ErrExists, fileTimestamp)
		}
	}
	return nil
}

// within reports whether path is dir or lies below it; both are absolute and free of
// links.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
