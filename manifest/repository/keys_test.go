package repository

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeyFiles(t *testing.T) {
	_, priv, err := ed25519.GenerateKey(nil)
	must(t, err)
	const cheap = 2 // log2 of the scrypt cost
	for _, c := range []struct {
		name        string
		write, read []byte
		want        error
	}{
		{"plain", []byte{}, []byte{}, nil},
		{"plain, passphrase given", []byte{}, []byte("p"), nil},
		{"plain, none given", []byte{}, nil, nil},
		{"encrypted", []byte("päss"), []byte("päss"), nil},
		{"encrypted, wrong", []byte("p"), []byte("q"), ErrWrongPassphrase},
		{"encrypted, empty", []byte("p"), []byte{}, ErrNoPassphrase},
		{"encrypted, none given", []byte("p"), nil, ErrNoPassphrase},
	} {
		data, err := encodeKey(priv, c.write, cheap)
		must(t, err)
		if len(c.write) > 0 && !strings.HasPrefix(string(data), "-----BEGIN AGE ENCRYPTED FILE-----\n") {
			t.Errorf("%s: %.40q", c.name, data)
		}
		got, err := decodeKey(data, c.read)
		if !errors.Is(err, c.want) || err == nil && !got.Equal(priv) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := encodeKey(priv, nil, cheap); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("without a decision: %v", err)
	}
	for _, bad := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n"} {
		if _, err := decodeKey([]byte(bad), []byte("p")); err == nil {
			t.Errorf("%q was taken as a key", bad)
		}
	}
}

// With a passphrase, every key on the disk is encrypted and private; nil is no
// decision and makes nothing.
func TestEncryptedRepository(t *testing.T) {
	slow(t)
	work := t.TempDir()
	opt := InitOptions{Dir: filepath.Join(work, "repo"), KeysDir: filepath.Join(work, "keys"), Product: []byte(productYAML), Now: noon}
	if _, err := Init(opt); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("no passphrase: %v", err)
	}
	if names, err := os.ReadDir(work); err != nil || len(names) != 0 {
		t.Errorf("a refused init has made %v %v", names, err)
	}
	opt.Passphrase = []byte("correct horse")
	out, err := Init(opt)
	must(t, err)
	if out.PlainKeys || len(out.Keys) != 4 || len(out.Fingerprint) != 64 {
		t.Errorf("result %+v", out)
	}
	v := &vendor{t: t, dir: opt.Dir, keys: opt.KeysDir, work: work, now: noon}
	add := v.options(0, v.tree(map[string]string{"f": "x\n"}))
	for pass, want := range map[string]error{"": ErrNoPassphrase, "wrong": ErrWrongPassphrase} {
		add.Passphrase = []byte(pass)
		if _, err := Add(context.Background(), add); !errors.Is(err, want) || !strings.Contains(err.Error(), ".key: ") {
			t.Errorf("passphrase %q: %v", pass, err)
		}
	}
	add.Passphrase = opt.Passphrase
	_, err = Add(context.Background(), add)
	must(t, err)
	names, err := os.ReadDir(opt.KeysDir)
	must(t, err)
	if len(names) != 5 {
		t.Errorf("keys %v", names)
	}
	for _, e := range names {
		data, err := os.ReadFile(filepath.Join(opt.KeysDir, e.Name()))
		must(t, err)
		info, err := e.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 || !strings.Contains(string(data), "AGE ENCRYPTED") || strings.Contains(string(data), pemType) {
			t.Errorf("%s: mode %o, %.40q", e.Name(), info.Mode(), data)
		}
	}
	if info, err := os.Stat(opt.KeysDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("keys directory: %v %v", info.Mode(), err)
	}
}

func TestChannelNames(t *testing.T) {
	for name, want := range map[string]bool{
		"full": true, "a": true, "long-term-9": true, strings.Repeat("a", 32): true, strings.Repeat("a", 33): false,
		"": false, "Full": false, "9a": false, "-a": false, "a_b": false, "a/b": false, "..": false, "ä": false,
		"root": false, "targets": false, "snapshot": false, "timestamp": false, "updater": false,
	} {
		if err := CheckChannel(name); (err == nil) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}
