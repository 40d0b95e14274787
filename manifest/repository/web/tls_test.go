package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inplace/manifest/repository/serve"
)

// pair writes a certificate that signs itself, and its key.
func pair(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	must(t, os.WriteFile(cert, text, 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return cert, key, pool
}

func caOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644))
	return file
}

// TestTLS: the server's certificate has to be known, the client's and the credentials go to
// the host of the source and stay behind when it leads elsewhere.
func TestTLS(t *testing.T) {
	dir := published(t)
	h, err := serve.New(dir, nil, time.Now)
	must(t, err)
	defer func() { _ = h.Close() }()
	var leaked atomic.Bool
	elsewhere := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || len(r.TLS.PeerCertificates) > 0 {
			leaked.Store(true)
		}
		h.ServeHTTP(w, r)
	}))
	elsewhere.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	elsewhere.StartTLS()
	defer elsewhere.Close()
	cert, key, pool := pair(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.StartTLS()
	defer s.Close()

	good := fixed(nil)
	good.CA, good.Cert, good.Key = caOf(t, s), cert, key
	good.Credentials = func(context.Context) (string, error) { return "Bearer s3cret", nil }
	if n, err := readAll(t, s.URL, good); err != nil || n != 6 {
		t.Errorf("want all 6 files, got %d and %v", n, err)
	}
	if leaked.Load() {
		t.Error("credentials or certificate went to another host")
	}
	unknown := good
	unknown.CA = ""
	var certificate *tls.CertificateVerificationError
	if _, err := readAll(t, s.URL, unknown); !errors.As(err, &certificate) {
		t.Errorf("unknown certificate: got %v", err)
	}
	anonymous := good
	anonymous.Cert, anonymous.Key = "", ""
	if _, err := readAll(t, s.URL, anonymous); err == nil {
		t.Error("without a certificate: want an error, got none")
	}
	nobody := good
	nobody.Credentials = nil
	var status *StatusError
	if _, err := readAll(t, s.URL, nobody); !errors.As(err, &status) || status.Status != http.StatusUnauthorized {
		t.Errorf("without credentials: got %v", err)
	}
}

// TestProxy: a proxy is asked with its own login, and never sees that of a source whose
// answers are not encrypted.
func TestProxy(t *testing.T) {
	h, err := serve.New(published(t), nil, time.Now)
	must(t, err)
	defer func() { _ = h.Close() }()
	login := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:s3cret"))
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != login {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.URL.Host != "updates.example.test" || r.Header.Get("Authorization") != "" {
			t.Errorf("the proxy was asked for %s with %q", r.URL.Host, r.Header.Get("Authorization"))
		}
		h.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	must(t, err)
	for _, user := range []*url.Userinfo{url.UserPassword("me", "s3cret"), nil} {
		by := *at
		by.User = user
		opt := fixed(nil)
		opt.AllowHTTP = true
		opt.Proxy = func(*http.Request) (*url.URL, error) { return &by, nil }
		opt.Credentials = func(context.Context) (string, error) { return "Bearer token", nil }
		n, err := readAll(t, "http://updates.example.test", opt)
		var status *StatusError
		switch {
		case user != nil && (err != nil || n != 6):
			t.Errorf("want all 6 files, got %d and %v", n, err)
		case user == nil && (!errors.As(err, &status) || status.Status != http.StatusProxyAuthRequired):
			t.Errorf("without a login: got %v", err)
		}
	}
	opt := fixed(nil)
	opt.Proxy = func(*http.Request) (*url.URL, error) { return at, nil }
	_, err = readAll(t, "https://updates.example.test", opt)
	var refused *ProxyError
	if !errors.As(err, &refused) || refused.Err.Status != http.StatusProxyAuthRequired || strings.Contains(err.Error(), "tried") {
		t.Errorf("a tunnel without a login: got %v", err)
	}
}

// TestCacheOfOthers: a cache that cannot be written, or another run holds, costs nothing but
// a download.
func TestCacheOfOthers(t *testing.T) {
	dir := published(t)
	_, source := newFaulty(t, dir, nil)
	at := filepath.Join(t.TempDir(), "cache")
	c, err := OpenCache(at)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(at, cacheDir), nil, 0o600)) // in the way
	if n, err := readAll(t, source, fixed(c)); err != nil || n != 6 {
		t.Errorf("want all 6 files, got %d and %v", n, err)
	}
	must(t, os.Remove(filepath.Join(at, cacheDir)))
	must(t, os.Chmod(at, 0o770))
	shared, err := OpenCache(at)
	must(t, err)
	if n, err := readAll(t, source, fixed(shared)); err != nil || n != 6 {
		t.Errorf("want all 6 files, got %d and %v", n, err)
	}
	files := 0
	must(t, filepath.WalkDir(filepath.Join(at, cacheDir), func(p string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		want := fs.FileMode(0o770)
		if !d.IsDir() {
			files++
			want = 0o660
		}
		if got := info.Mode().Perm(); runtime.GOOS != "windows" && got != want {
			t.Errorf("%s: want the rights of the directory, %v, got %v", p, want, got)
		}
		return nil
	}))
	if files < 6 {
		t.Errorf("want at least 6 files kept, got %d", files)
	}
	busy := c.shelf("blobs/x").begin(1 << 20)
	if !busy.make() || !busy.hold(os.O_RDWR|os.O_CREATE) {
		t.Fatal("want the part held")
	}
	other := c.shelf("blobs/x").begin(1 << 20)
	if other.hold(os.O_RDWR) {
		t.Error("want one run at a part, got two")
	}
	busy.drop()
	other.drop()
	old := time.Now().Add(-2 * unusedFor)
	must(t, os.WriteFile(filepath.Join(at, cacheDir, "unused"), nil, 0o600))
	must(t, os.Chtimes(filepath.Join(at, cacheDir, "unused"), old, old))
	must(t, os.Chtimes(filepath.Join(at, "pruned"), old, old))
	c.prune(time.Now())
	if _, err := os.Stat(filepath.Join(at, cacheDir, "unused")); err == nil {
		t.Error("want what is unused gone")
	}
}
