package updater

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFetchGoesOn: a fetch whose link is cut in the middle of a content is run again, and asks of
// that content for what is still to come, of those that had come for nothing.
func TestFetchGoesOn(t *testing.T) {
	l := linkedBench(t)
	long, size := longContent(t, l.repo)
	const first = 400 << 10
	asked := map[string][]string{} // ranges, by path
	cut := true
	l.set(func(w http.ResponseWriter, r *http.Request) bool {
		l.mu.Lock()
		asked[r.URL.Path] = append(asked[r.URL.Path], r.Header.Get("Range"))
		n := len(asked[r.URL.Path])
		l.mu.Unlock()
		w.Header().Set("ETag", `"`+r.URL.Path+`"`)
		if r.URL.Path != long || !cut {
			return false
		}
		if n > 1 { // it does not come back in this run
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		file, err := os.Open(filepath.Join(l.repo, filepath.FromSlash(long)))
		if err != nil {
			panic(err)
		}
		defer func() { _ = file.Close() }()
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = io.CopyN(w, file, first)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	to := filepath.Join(l.dir, "bundle")
	opt := FetchOptions{To: to, Source: l.url, Root: filepath.Join(l.repo, "metadata", "1.root.json"), HasFrom: true,
		Access: Access{CacheDir: filepath.Join(l.dir, "cache")}, Now: func() time.Time { return l.now }}
	if _, err := Fetch(t.Context(), opt); err == nil || !strings.Contains(err.Error(), long[1:]) {
		t.Fatalf("want the first run to end at %s, got %v", long, err)
	}
	if _, err := os.Lstat(to); !os.IsNotExist(err) {
		t.Errorf("want no bundle of the first run, got %v", err)
	}
	before := asked
	cut, asked = false, map[string][]string{}
	_, err := Fetch(t.Context(), opt)
	must(t, err)
	if want := []string{fmt.Sprintf("bytes=%d-", first)}; fmt.Sprint(asked[long]) != fmt.Sprint(want) {
		t.Errorf("%s: want the second run to ask for %q, got %q", long, want, asked[long])
	}
	came, again := 0, 0 // contents asked for by the first run, and by both
	for path := range before {
		if path == long || !strings.HasPrefix(path, "/blobs/") {
			continue
		}
		came++
		if asked[path] != nil {
			again++
		}
	}
	if came == 0 || again > fetchers+2 { // what was under way when the first run ended, and may have come since
		t.Errorf("want at most %d of %d contents asked for again, got %d", fetchers+2, came, again)
	}
	if b := l.fetch(t, "local", from(0)); !sameFiles(t, b, to) {
		t.Error("want the bundle that is made from the directory, got another")
	}
}

// longContent is the path of the longest content of a repository, from its root, and its length.
func longContent(t *testing.T, repo string) (path string, size int64) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(repo, "blobs", "*", "*"))
	must(t, err)
	for _, name := range list {
		info, err := os.Stat(name)
		must(t, err)
		if info.Size() > size {
			rel, err := filepath.Rel(repo, name)
			must(t, err)
			path, size = "/"+filepath.ToSlash(rel), info.Size()
		}
	}
	return path, size
}

func sameFiles(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.ReadFile(a)
	must(t, err)
	y, err := os.ReadFile(b)
	must(t, err)
	return string(x) == string(y)
}
