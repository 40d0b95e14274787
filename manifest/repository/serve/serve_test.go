package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inplace/manifest/repository"
)

const manifestName = "ab00000000000000000000000000000000000000000000000000000000000000.1.yaml"

const blob = "blobs/ab/ab00000000000000000000000000000000000000000000000000000000000000.zst"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// now is when everything here happens.
var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// published makes a repository, with files beside it that nobody is to have.
func published(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	repo := filepath.Join(dir, "repo")
	_, err := repository.Init(repository.InitOptions{Dir: repo, KeysDir: filepath.Join(dir, "keys"), Passphrase: []byte{}, Now: now,
		Product: []byte("schema: inplace/product/1\nname: acme\nversion: \"1\"\n")})
	must(t, err)
	for name, text := range map[string]string{blob: "0123456789", "targets/full/" + manifestName: "m", "targets/security/" + manifestName: "m",
		".lock": "", ".tmp/1": "half", "metadata/.hidden.json": "x"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(repo, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(repo, name), []byte(text), 0o644))
	}
	return repo
}

func TestAnswers(t *testing.T) {
	var log []Access
	h, err := New(published(t), func(a Access) { log = append(log, a) }, time.Now)
	must(t, err)
	defer func() { _ = h.Close() }()
	ask := func(method, path string, header ...string) *http.Response {
		r := httptest.NewRequest(method, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	tag := ask("GET", "/"+blob).Header.Get("ETag")
	stamp := ask("GET", "/"+timestamp).Header.Get("ETag")
	if !strings.HasPrefix(tag, `"ab00`) || !strings.HasPrefix(stamp, `"`) {
		t.Fatalf("want strong ETags, got %s and %s", tag, stamp)
	}
	tests := []struct {
		name, method, path string
		header             []string
		status             int
		body               string
	}{
		{"whole", "GET", "/" + blob, nil, 200, "0123456789"},
		{"head", "HEAD", "/" + blob, nil, 200, ""},
		{"range", "GET", "/" + blob, []string{"Range", "bytes=4-", "If-Range", tag}, 206, "456789"},
		{"range of something else", "GET", "/" + blob, []string{"Range", "bytes=4-", "If-Range", `"x"`}, 200, "0123456789"},
		{"range past the end", "GET", "/" + blob, []string{"Range", "bytes=10-"}, 416, ""},
		{"known already", "GET", "/" + timestamp, []string{"If-None-Match", stamp}, 304, ""},
		{"missing", "GET", "/metadata/2.root.json", nil, 404, ""},
		{"not for clients", "GET", "/product.yaml", nil, 404, ""},
		{"hidden", "GET", "/metadata/.hidden.json", nil, 404, ""},
		{"being written", "GET", "/.tmp/1", nil, 404, ""},
		{"directory", "GET", "/metadata/", nil, 404, ""},
		{"directory without its slash", "GET", "/blobs/ab", nil, 404, ""},
		{"outside", "GET", "/metadata/../product.yaml", nil, 404, ""},
		{"another method", "POST", "/" + timestamp, nil, 405, ""},
		{"health", "GET", HealthPath, nil, 200, "ok\n"},
	}
	for _, tt := range tests {
		resp := ask(tt.method, tt.path, tt.header...)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		if resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
			t.Errorf("%s: want %d %q, got %d %q", tt.name, tt.status, tt.body, resp.StatusCode, body)
		}
		if a := log[len(log)-1]; a.Status != tt.status || a.Path != tt.path || a.Bytes != int64(len(body)) {
			t.Errorf("%s: want it in the log with %d bytes, got %+v", tt.name, len(body), a)
		}
	}
	if got := ask("GET", "/"+timestamp).Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("timestamp: want no-cache, got %q", got)
	}
	if got := ask("GET", "/metadata/2.root.json").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("missing: want no-store, got %q", got)
	}
	must(t, os.Remove(filepath.Join(h.root.Name(), timestamp)))
	if got := ask("GET", HealthPath).StatusCode; got != 503 {
		t.Errorf("health without a timestamp: want 503, got %d", got)
	}
}

func TestNewRefusesWhatIsNoRepository(t *testing.T) {
	if h, err := New(t.TempDir(), nil, time.Now); err == nil {
		_ = h.Close()
		t.Error("want an error, got none")
	}
}

// TestRunEndsAfterAnswers: an answer that is under way when the server is told to stop is
// still given whole.
func TestRunEndsAfterAnswers(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	h, err := New(published(t), func(a Access) {
		if a.Path == HealthPath { // within the answer, as far as the server knows
			stop()
		}
	}, time.Now)
	must(t, err)
	defer func() { _ = h.Close() }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- Run(ctx, l, h, "", "", time.Minute) }()
	resp, err := http.Get("http://" + l.Addr().String() + HealthPath)
	must(t, err)
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(body) != "ok\n" {
		t.Errorf("want the whole answer, got %q and %v", body, err)
	}
	if err := <-done; err != nil {
		t.Errorf("want a quiet end, got %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("want nobody to listen any more")
	}
}
