package repository

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/backup/fsys"
)

// The private keys of a vendor lie in a directory of their own, 0700, never inside
// a repository: ROLE.key, and ROLE.ID.key for later ones (ID: 12 digits), 0600, one Ed25519 key each.
// The plain form is PKCS#8 in PEM; with a passphrase that PEM is encrypted as an armored age file, which
// `age -d` opens as well.

const (
	pemType = "PRIVATE KEY"

	// scryptWork is log2 of the scrypt cost: 128 MiB and about half a second for
	// each key, the least that OWASP's "Password Storage Cheat Sheet" asks for.
	scryptWork    = 17
	scryptWorkMax = 20

	maxKeyFile = 64 << 10

	shortID = 12 // digits of a key's ID that people see and file names have
)

// keyring reads and makes the key files of one directory. pass nil: make none;
// empty: make plain ones.
type keyring struct {
	tree *fsys.Tree
	pass []byte
}

// openKeys opens the directory dir of keys, making it if create is set. fault is as
// for openStore.
func openKeys(dir string, pass []byte, create bool, fault func(op, path string) error) (*keyring, error) {
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, pathFirst(dir, err)
		}
	}
	tree, err := fsys.Open(dir)
	if err != nil {
		return nil, pathFirst(dir, err)
	}
	tree.Fault = fault
	return &keyring{tree: tree, pass: pass}, nil
}

func (k *keyring) close() { k.tree.Close() }

// signer is a private key ready for use, with its public half as TUF writes it.
type signer struct {
	signature.Signer
	public *metadata.Key
	id     string // of public, as TUF counts it
	file   string // the name of its file
}

// all reads the keys of role, ROLE.key first, but for files whose name says that they are
// none of ids. Without any the error is fs.ErrNotExist.
func (k *keyring) all(role string, ids []string) ([]*signer, error) {
	names, err := k.files(role)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		short := strings.TrimSuffix(strings.TrimPrefix(name, role+"."), ".key")
		return len(short) == shortID && isHex(short) && !slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, short) })
	})
	if len(names) == 0 {
		names = []string{role + ".key"} // which is the one that is missed
	}
	var out []*signer
	for _, name := range names {
		s, err := k.load(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// files are the names of the key files of role, ROLE.key first. No role has a dot in
// its name.
func (k *keyring) files(role string) ([]string, error) {
	names, err := k.tree.Names("")
	if err != nil {
		return nil, pathFirst(k.tree.Path(), err)
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		id, ok := strings.CutPrefix(n, role+".")
		return !ok || id != "key" && !strings.HasSuffix(id, ".key")
	})
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return names, nil
}

// load reads the key file name. A missing one is fs.ErrNotExist.
func (k *keyring) load(name string) (*signer, error) {
	priv, err := k.read(name)
	if err != nil {
		return nil, err
	}
	return newSigner(priv, name)
}

// private is the key of role in ROLE.key. A missing one is fs.ErrNotExist.
func (k *keyring) private(role string) (ed25519.PrivateKey, error) { return k.read(role + ".key") }

func (k *keyring) read(name string) (ed25519.PrivateKey, error) {
	data, err := k.tree.ReadState(name, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("%s/%w", k.tree.Path(), err)
	}
	priv, err := decodeKey(data, k.pass)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", k.tree.Path(), name, err)
	}
	return priv, nil
}

// loadOrCreate reads the key of role or makes it. A key that an interrupted run has
// made is used: it was written whole, or it is not there.
func (k *keyring) loadOrCreate(role string) (*signer, error) {
	priv, err := k.privateOrNew(role)
	if err != nil {
		return nil, err
	}
	return newSigner(priv, role+".key")
}

func (k *keyring) privateOrNew(role string) (ed25519.PrivateKey, error) {
	old, err := k.private(role)
	if !errors.Is(err, fs.ErrNotExist) {
		return old, err
	}
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return priv, k.write(role+".key", priv)
}

// create makes a further key of role, in ROLE.ID.key.
func (k *keyring) create(role string) (*signer, error) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	s, err := newSigner(priv, "")
	if err != nil {
		return nil, err
	}
	s.file = role + "." + s.id[:shortID] + ".key"
	return s, k.write(s.file, priv)
}

func (k *keyring) write(name string, priv ed25519.PrivateKey) error {
	data, err := encodeKey(priv, k.pass, scryptWork)
	if err != nil {
		return fmt.Errorf("%s/%s: %w", k.tree.Path(), name, err)
	}
	if err := k.tree.WriteState(name, data, 0o600); err != nil {
		return fmt.Errorf("%s/%w", k.tree.Path(), err)
	}
	return nil
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

func newSigner(priv ed25519.PrivateKey, file string) (*signer, error) {
	s, err := signature.LoadED25519Signer(priv)
	if err != nil {
		return nil, err
	}
	public, err := metadata.KeyFromPublicKey(priv.Public())
	if err != nil {
		return nil, err
	}
	id, err := public.ID()
	if err != nil {
		return nil, err
	}
	return &signer{s, public, id, file}, nil
}

// encodeKey renders priv as a key file; work is log2 of the scrypt cost.
func encodeKey(priv ed25519.PrivateKey, pass []byte, work int) ([]byte, error) {
	if pass == nil {
		return nil, ErrNoPassphrase
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, err
	}
	plain := pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
	if len(pass) == 0 {
		return plain, nil
	}
	recipient, err := age.NewScryptRecipient(string(pass))
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(work)
	var buf bytes.Buffer
	text := armor.NewWriter(&buf)
	secret, err := age.Encrypt(text, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := secret.Write(plain); err != nil {
		return nil, err
	}
	if err := errors.Join(secret.Close(), text.Close()); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// decodeKey reads a key file. A plain one needs no passphrase.
func decodeKey(data, pass []byte) (ed25519.PrivateKey, error) {
	if bytes.HasPrefix(data, []byte(armor.Header)) {
		if len(pass) == 0 {
			return nil, ErrNoPassphrase
		}
		identity, err := age.NewScryptIdentity(string(pass))
		if err != nil {
			return nil, err
		}
		identity.SetMaxWorkFactor(scryptWorkMax)
		plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(data)), identity)
		if err != nil {
			return nil, ErrWrongPassphrase
		}
		if data, err = io.ReadAll(io.LimitReader(plain, maxKeyFile)); err != nil {
			return nil, ErrWrongPassphrase
		}
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != pemType || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("want one PEM block %q or an age file, got neither", pemType)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	priv, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("want an Ed25519 key, got %T", key)
	}
	return priv, nil
}
