package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/manifest/repository/serve"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// published is a repository with one level: a file that no compression helps, so long that
// it is kept in parts, and some short ones.
func published(t testing.TB) (dir string) {
	t.Helper()
	work := t.TempDir()
	tree := filepath.Join(work, "tree")
	must(t, os.MkdirAll(filepath.Join(tree, "lib"), 0o755))
	big := make([]byte, 700<<10)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(big)
	must(t, os.WriteFile(filepath.Join(tree, "lib", "big.jar"), big, 0o644))
	for i := range 5 {
		must(t, os.WriteFile(filepath.Join(tree, "lib", fmt.Sprintf("%d.txt", i)), fmt.Appendf(nil, "text %d\n", i), 0o644))
	}
	dir = filepath.Join(work, "repo")
	keys := filepath.Join(work, "keys")
	_, err := repository.Init(repository.InitOptions{Dir: dir, KeysDir: keys, Passphrase: []byte{}, Now: noon,
		Product: []byte("schema: inplace/product/1\nname: acme\nversion: \"1\"\nconfig: [\"conf/**\"]\n")})
	must(t, err)
	_, err = repository.Add(t.Context(), repository.AddOptions{Dir: dir, KeysDir: keys, Tree: tree, Level: 1, Channel: "full", Passphrase: []byte{}, Now: noon})
	must(t, err)
	return dir
}

// fixed are options of tests: no waiting, no chance, no proxy.
func fixed(cache *Cache) Options {
	return Options{
		Cache: cache,
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Rand:  func() float64 { return 0 },
		Early: inMemory, // so that what is kept as it comes is received early, too
	}
}

// readAll reads everything of level 1 and holds each content against its digest again.
func readAll(t testing.TB, source string, opt Options) (files int, err error) {
	t.Helper()
	w, err := Open(source, opt)
	must(t, err)
	c, err := repository.Open(source, repository.ClientOptions{Transport: w})
	must(t, err)
	defer func() { _ = w.own; w.own.CloseIdleConnections() }()
	trust, err := c.FirstTrust(t.Context(), nil)
	if err != nil {
		return 0, err
	}
	if err := c.Refresh(t.Context(), trust, noon); err != nil {
		return 0, err
	}
	list, err := c.Releases("full")
	if err != nil {
		return 0, err
	}
	m, _, err := c.Manifest(t.Context(), list[0])
	if err != nil {
		return 0, err
	}
	v, err := c.Inventory(t.Context(), m)
	if err != nil {
		return 0, err
	}
	for _, e := range v.All() {
		if e.Kind != manifest.File {
			continue
		}
		r, err := c.Blob(t.Context(), e.Digest, e.Size)
		if err != nil {
			return files, err
		}
		data, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			return files, err
		}
		if manifest.DigestOf(data) != e.Digest {
			t.Errorf("%s: other bytes than the vendor's, without an error", e.Path)
		}
		files++
	}
	return files, nil
}

// faulty is a server that spoils answers. spoil is asked for each request with the number of
// requests for this path before; false: the file is served as it is.
type faulty struct {
	h     http.Handler
	mu    sync.Mutex
	seen  map[string]int
	sent  map[string]int64 // bytes of the body, by path
	spoil func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool
	dir   string
}

func newFaulty(t testing.TB, dir string, spoil func(http.ResponseWriter, *http.Request, int, []byte) bool) (*faulty, string) {
	t.Helper()
	h, err := serve.New(dir, nil, time.Now)
	must(t, err)
	f := &faulty{h: h, seen: map[string]int{}, sent: map[string]int64{}, spoil: spoil, dir: dir}
	s := httptest.NewServer(f)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close(); _ = h.Close() })
	return f, s.URL
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	n := f.seen[r.URL.Path]
	f.seen[r.URL.Path]++
	spoil := f.spoil
	f.mu.Unlock()
	file, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(r.URL.Path)))
	c := &sentWriter{ResponseWriter: w, f: f, path: r.URL.Path}
	if err == nil && spoil != nil && spoil(c, r, n, file) {
		return
	}
	f.h.ServeHTTP(c, r)
}

func (f *faulty) count(path string) (requests int, sent int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[path], f.sent[path]
}

type sentWriter struct {
	http.ResponseWriter
	f    *faulty
	path string
}

func (w *sentWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.f.mu.Lock()
	w.f.sent[w.path] += int64(n)
	w.f.mu.Unlock()
	return n, err
}

func (w *sentWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// cutAt sends the first n bytes of what h would send, and breaks the connection.
func cutAt(w http.ResponseWriter, h http.Handler, r *http.Request, n int) {
	h.ServeHTTP(&cutter{w, n}, r)
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func isBig(file []byte) bool { return len(file) > inMemory }

// TestFaultyLink goes through a link with every fault that RELIABILITY knows, with a cache and
// without: what comes through is the vendor's, or an error says why nothing does.
func TestFaultyLink(t *testing.T) {
	dir := published(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s: credentials went to another host", r.URL.Path)
		}
		http.ServeFile(w, r, filepath.Join(dir, filepath.FromSlash(r.URL.Path)))
	}))
	defer elsewhere.Close()
	untrusted := func(err error) bool { var e *repository.UntrustedError; return errors.As(err, &e) }
	status := func(err error) bool { var e *StatusError; return errors.As(err, &e) }
	var h http.Handler
	tests := []struct {
		name  string
		spoil func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool
		fails func(error) bool // nil: all comes through
	}{
		{"sound", nil, nil},
		{"every answer cut in its middle, once", func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool {
			if n == 0 {
				cutAt(w, h, r, len(file)/2)
			}
			return n == 0
		}, nil},
		{"cut every 50,000 bytes", func(w http.ResponseWriter, r *http.Request, _ int, file []byte) bool {
			cutAt(w, h, r, 50000)
			return true
		}, nil},
		{"cut before the first byte, always", func(w http.ResponseWriter, r *http.Request, _ int, file []byte) bool {
			cutAt(w, h, r, 0)
			return true
		}, func(err error) bool { return strings.Contains(err.Error(), "tried 6 times") }},
		{"reset", func(w http.ResponseWriter, _ *http.Request, n int, _ []byte) bool {
			if n == 0 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, nil},
		{"503 with Retry-After", func(w http.ResponseWriter, _ *http.Request, n int, _ []byte) bool {
			if n < 3 {
				w.Header().Set("Retry-After", "7")
				http.Error(w, "busy", http.StatusServiceUnavailable)
			}
			return n < 3
		}, nil},
		{"503 for ever", func(w http.ResponseWriter, _ *http.Request, _ int, _ []byte) bool {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return true
		}, status},
		{"503 until next week", func(w http.ResponseWriter, _ *http.Request, n int, _ []byte) bool {
			w.Header().Set("Retry-After", "604800")
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return true
		}, func(err error) bool { return status(err) && !strings.Contains(err.Error(), "tried") }},
		{"401", func(w http.ResponseWriter, _ *http.Request, n int, _ []byte) bool {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return true
		}, func(err error) bool { return status(err) && !strings.Contains(err.Error(), "tried") }},
		{"shorter than it says", func(w http.ResponseWriter, _ *http.Request, n int, file []byte) bool {
			if n == 0 {
				w.Header().Set("Content-Length", fmt.Sprint(len(file)+100))
				_, _ = w.Write(file)
			}
			return n == 0
		}, nil},
		{"said to be shorter than it is", func(w http.ResponseWriter, _ *http.Request, _ int, file []byte) bool {
			if !isBig(file) {
				return false
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(file)-100))
			_, _ = w.Write(file[:len(file)-100])
			return true
		}, untrusted},
		{"endless", func(w http.ResponseWriter, r *http.Request, _ int, file []byte) bool {
			_, _ = w.Write(file)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					break
				}
			}
			return true
		}, untrusted},
		{"a byte turned over", func(w http.ResponseWriter, _ *http.Request, _ int, file []byte) bool {
			file[len(file)/2] ^= 1
			_, _ = w.Write(file)
			return true
		}, untrusted},
		{"another file", func(w http.ResponseWriter, _ *http.Request, _ int, file []byte) bool {
			_, _ = w.Write([]byte("<html>please log in</html>"))
			return true
		}, untrusted},
		{"wrong range after a cut", func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool {
			switch {
			case n == 0:
				cutAt(w, h, r, len(file)/2)
			case r.Header.Get("Range") != "":
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(file)-1, len(file)))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(file)
			default:
				return false
			}
			return true
		}, nil},
		{"right range, other bytes", func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool {
			var from int
			switch _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); {
			case n == 0:
				cutAt(w, h, r, len(file)/2)
			case err == nil:
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(file)-1, len(file)))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(bytes.Repeat([]byte{'x'}, len(file)-from))
			default:
				return false
			}
			return true
		}, untrusted},
		{"no ranges, no ETag", func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool {
			if n == 0 {
				cutAt(&noTag{w}, h, r, len(file)/2)
				return true
			}
			_, _ = w.Write(file)
			return true
		}, nil},
		{"another file after a cut", func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool {
			if n == 0 {
				cutAt(w, h, r, len(file)/2)
				return true
			}
			file[0] ^= 1
			w.Header().Set("ETag", `"other"`)
			_, _ = w.Write(file)
			return true
		}, func(err error) bool { return errors.Is(err, errOther) || untrusted(err) }},
		{"redirect to another host", func(w http.ResponseWriter, r *http.Request, _ int, _ []byte) bool {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
			return true
		}, nil},
		{"redirect in a circle", func(w http.ResponseWriter, r *http.Request, _ int, _ []byte) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}, func(err error) bool { return strings.Contains(err.Error(), "at most 5 redirects") }},
		{"redirect to another machine without encryption", func(w http.ResponseWriter, r *http.Request, _ int, _ []byte) bool {
			http.Redirect(w, r, "http://mirror.example.test"+r.URL.Path, http.StatusFound)
			return true
		}, func(err error) bool { return strings.Contains(err.Error(), "not encrypted") }},
	}
	for _, tt := range tests {
		for _, cached := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", tt.name, cached), func(t *testing.T) {
				f, source := newFaulty(t, dir, tt.spoil)
				h = f.h
				var cache *Cache
				if cached {
					var err error
					cache, err = OpenCache(filepath.Join(t.TempDir(), "cache"))
					must(t, err)
				}
				opt := fixed(cache)
				opt.Credentials = func(context.Context) (string, error) { return "Bearer s3cret", nil }
				n, err := readAll(t, source, opt)
				switch {
				case tt.fails == nil && (err != nil || n != 6):
					t.Errorf("want all 6 files, got %d and %v", n, err)
				case tt.fails != nil && (err == nil || !tt.fails(err)):
					t.Errorf("got %d files and the wrong error: %v", n, err)
				case err != nil && strings.Contains(err.Error(), "s3cret"):
					t.Errorf("a secret in %v", err)
				case err != nil && !named.MatchString(err.Error()):
					t.Errorf("want path and address in the error, got %v", err)
				}
				if !cached {
					return
				}
				onlyRight(t, cache)
				// Whatever the link has left in the cache, over a sound one all comes through.
				f.mu.Lock()
				f.spoil = nil
				f.mu.Unlock()
				if n, err := readAll(t, source, opt); err != nil || n != 6 {
					t.Errorf("afterwards: want all 6 files, got %d and %v", n, err)
				}
			})
		}
	}
}

// named are errors that say which file it is about and where it was to come from.
var named = regexp.MustCompile(`^(metadata|targets|inventories|blobs)/[^ ]+: http://127\.0\.0\.1:\d+[: ]`)

// onlyRight fails where the cache has a file whose bytes are not those of its name.
func onlyRight(t *testing.T, c *Cache) {
	t.Helper()
	_ = fs.WalkDir(c.root.FS(), cacheDir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(p, ".part") || strings.HasSuffix(p, ".etag") {
			return nil
		}
		data, err := fs.ReadFile(c.root.FS(), p)
		must(t, err)
		if err := repository.CheckNamed(strings.TrimPrefix(p, cacheDir+"/"), bytes.NewReader(data), 1<<30); err != nil {
			t.Errorf("in the cache: %v", err)
		}
		return nil
	})
}

type noTag struct{ http.ResponseWriter }

func (w *noTag) WriteHeader(status int) {
	w.Header().Del("ETag")
	w.ResponseWriter.WriteHeader(status)
}

func (w *noTag) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestNextRunGoesOn: what a run that was ended has fetched is not fetched again, and a third
// run, of another installation, fetches no content at all.
func TestNextRunGoesOn(t *testing.T) {
	dir := published(t)
	var big string
	must(t, filepath.WalkDir(filepath.Join(dir, "blobs"), func(p string, d fs.DirEntry, err error) error {
		if info, e := d.Info(); err == nil && e == nil && info.Size() > inMemory {
			big, _ = filepath.Rel(dir, p)
		}
		return err
	}))
	big = filepath.ToSlash(big)
	var h http.Handler
	f, source := newFaulty(t, dir, func(w http.ResponseWriter, r *http.Request, n int, file []byte) bool {
		switch {
		case !isBig(file):
			return false
		case n == 0:
			cutAt(w, h, r, 600<<10)
		case n < mostTries:
			cutAt(w, h, r, 0)
		default:
			return false
		}
		return true
	})
	h = f.h
	at := filepath.Join(t.TempDir(), "cache")
	open := func() *Cache {
		c, err := OpenCache(at)
		must(t, err)
		return c
	}
	opt := fixed(open())
	// The first try got on, so that six more failed.
	if _, err := readAll(t, source, opt); err == nil {
		t.Fatal("want the first run to fail")
	}
	if _, err := os.Stat(filepath.Join(at, cacheDir, filepath.FromSlash(big)+".part")); err != nil {
		t.Fatalf("want a part file: %v", err)
	}
	opt.Cache = open()
	if n, err := readAll(t, source, opt); err != nil || n != 6 {
		t.Fatalf("want all 6 files, got %d and %v", n, err)
	}
	info, err := os.Stat(filepath.Join(dir, big))
	must(t, err)
	asked, sent := f.count("/" + big)
	if most := info.Size() + 1000; sent > most {
		t.Errorf("want at most %d bytes of the large file sent over both runs, got %d", most, sent)
	}
	opt.Cache = open()
	if n, err := readAll(t, source, opt); err != nil || n != 6 {
		t.Fatalf("want all 6 files, got %d and %v", n, err)
	}
	if again, _ := f.count("/" + big); again != asked {
		t.Errorf("want nothing fetched for the second installation, got %d requests", again-asked)
	}
	// Damage in the cache is met, and mended.
	kept := filepath.Join(at, cacheDir, filepath.FromSlash(big))
	data, err := os.ReadFile(kept)
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(kept, data, 0o644))
	opt.Cache = open()
	if n, err := readAll(t, source, opt); err != nil || n != 6 {
		t.Fatalf("damaged cache: want all 6 files, got %d and %v", n, err)
	}
	if again, _ := f.count("/" + big); again != asked+1 {
		t.Errorf("want the damaged file fetched once, got %d requests", again-asked)
	}
}

// TestSilence: a server that stops in the middle of an answer is given up.
func TestSilence(t *testing.T) {
	dir := published(t)
	done := make(chan struct{})
	_, source := newFaulty(t, dir, func(w http.ResponseWriter, r *http.Request, _ int, file []byte) bool {
		_, _ = w.Write(file[:10])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-done:
		}
		return true
	})
	t.Cleanup(func() { close(done) })
	opt := fixed(nil)
	opt.Idle = 20 * time.Millisecond
	if _, err := readAll(t, source, opt); !errors.Is(err, errSilent) {
		t.Errorf("want %v, got %v", errSilent, err)
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	_, source := newFaulty(t, published(t), func(w http.ResponseWriter, _ *http.Request, n int, _ []byte) bool {
		if n == 0 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n == 0
	})
	opt := fixed(nil)
	var slept []time.Duration
	opt.Sleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
	if _, err := readAll(t, source, opt); err != nil {
		t.Fatal(err)
	}
	if len(slept) == 0 || slept[0] != 7*time.Second {
		t.Errorf("want 7s of waiting first, got %v", slept)
	}
}

func TestSources(t *testing.T) {
	tests := []struct{ source, want string }{
		{"https://h/p", ""}, {"http://127.0.0.1:1/p", ""}, {"http://[::1]/p", ""}, {"http://localhost/p/", ""},
		{"http://h/p", "want https://"}, {"https://u:s3cret@h/p", "without user"}, {"https://h/p?sig=s3cret", "without ?"},
		{"https:///p", "a host"}, {"https://h:s3cret%zz/p", "does not parse"},
	}
	for _, tt := range tests {
		_, err := Open(tt.source, Options{})
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("Open(%s): want %q, got %v", tt.source, tt.want, err)
		}
	}
	if _, err := Open("http://h/p", Options{AllowHTTP: true}); err != nil {
		t.Errorf("allowed: %v", err)
	}
}
