package updater

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"inplace/manifest/repository"
)

// linked is an installation whose source is a server. answer, if it is set, is asked about
// each request first; true: it has answered.
type linked struct {
	*bench
	url string

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func (l *linked) set(answer func(http.ResponseWriter, *http.Request) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
}

// linkedBench has a release with many small files, one long one, and files of configuration
// that both sides change.
func linkedBench(t *testing.T) *linked {
	t.Helper()
	old, next := tree{"lib/long.jar": "0"}, tree{}
	long := make([]byte, 600<<10)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(long)
	next["lib/long.jar"] = string(long)
	for i := range 40 {
		next[fmt.Sprintf("lib/%02d.txt", i)] = fmt.Sprintf("text %d\n", i)
	}
	for i := range 20 {
		name := fmt.Sprintf("conf/%02d.properties", i)
		old[name] = fmt.Sprintf("n=%d\na=1\n\n\nb=2\n", i)
		next[name] = fmt.Sprintf("n=%d\na=1\n\n\nb=3\n", i)
	}
	l := &linked{bench: newBench(t, sampleProduct, old, next)}
	files := http.FileServer(http.Dir(l.repo))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		answer := l.answer
		l.mu.Unlock()
		if answer == nil || !answer(w, r) {
			files.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	l.url = s.URL
	l.adoptWith(t, func(o *AdoptOptions) {
		o.Source, o.Root = s.URL, filepath.Join(l.repo, "metadata", "1.root.json")
	})
	for i := range 20 {
		name := filepath.Join(l.home, "conf", fmt.Sprintf("%02d.properties", i))
		must(t, os.WriteFile(name, fmt.Appendf(nil, "n=%d\na=9\n\n\nb=2\n", i), 0o644))
	}
	return l
}

func isContent(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/blobs/") }

// TestFetchesAbreast: a server that gives the first content of each part of a run, and of a pack,
// only when eight are asked for at the same time is waited for by none.
func TestFetchesAbreast(t *testing.T) {
	const together = 8
	l := linkedBench(t)
	// gate lets no request of a phase through before there are as many; phases are known by how
	// many requests they have. Where one waits for the other, the run hangs. Later ones it does not
	// hold: what has come and was not read is bounded, and the content that the reader waits for
	// may be the last one asked for.
	gate := func(phases ...int) func(http.ResponseWriter, *http.Request) bool {
		var mu sync.Mutex
		seen, open := 0, make(chan struct{})
		return func(_ http.ResponseWriter, r *http.Request) bool {
			if !isContent(r) {
				return false
			}
			mu.Lock()
			seen++
			mine := open
			if seen == together {
				close(open)
			}
			if seen == phases[0] {
				seen, phases, open = 0, phases[1:], make(chan struct{})
			}
			mu.Unlock()
			select {
			case <-mine:
			case <-r.Context().Done():
			}
			return false
		}
	}
	l.set(gate(20)) // what the plan merges
	u := l.open(t)
	plan, err := u.DryRun(t.Context())
	must(t, err)
	merged := 0
	for _, s := range plan.Steps {
		if s.merged {
			merged++
		}
	}
	if merged != 20 {
		t.Errorf("want 20 files merged, got %d", merged)
	}
	u.Close()
	l.set(gate(20, 41, 20)) // and what is staged, and kept as it was shipped
	_, err = l.open(t).Update(t.Context())
	must(t, err)
	l.set(gate(61))
	_, err = Pack(t.Context(), PackOptions{Source: l.url, Root: filepath.Join(l.repo, "metadata", "1.root.json"), To: filepath.Join(l.dir, "pack")})
	must(t, err)
	got, err := os.ReadFile(filepath.Join(l.dir, "pack", "lib", "07.txt"))
	if err != nil || string(got) != "text 7\n" {
		t.Errorf("pack: got %q and %v", got, err)
	}
}

// TestFaultyLink: a run that cannot have one content, or gets another, changes nothing; the
// next one goes on with what came.
func TestFaultyLink(t *testing.T) {
	l := linkedBench(t)
	cache := func(o *Options) { o.Access.CacheDir = filepath.Join(l.dir, "cache") }
	before := look(t, l.home, true)
	blobs := map[string]int64{}
	must(t, filepath.WalkDir(filepath.Join(l.repo, "blobs"), func(p string, d os.DirEntry, err error) error {
		must(t, err)
		if info, err := d.Info(); err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(l.repo, p)
			blobs["/"+filepath.ToSlash(rel)] = info.Size()
		}
		return nil
	}))
	var long string
	for p, size := range blobs {
		if size > 500<<10 {
			long = p
		}
	}
	tests := []struct {
		name  string
		spoil func(w http.ResponseWriter, r *http.Request, file []byte)
		fails func(error) bool
	}{
		{"other bytes", func(w http.ResponseWriter, _ *http.Request, file []byte) {
			file[len(file)/2] ^= 1
			_, _ = w.Write(file)
		}, func(err error) bool { var e *repository.UntrustedError; return errors.As(err, &e) }},
		{"a page to log in", func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			_, _ = w.Write([]byte("<html>log in</html>"))
		}, func(err error) bool { var e *repository.UntrustedError; return errors.As(err, &e) }},
		{"not there", func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(http.StatusNotFound) },
			func(err error) bool { var e *repository.NotFoundError; return errors.As(err, &e) }},
		{"not allowed", func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(http.StatusForbidden) },
			func(err error) bool { return strings.Contains(err.Error(), "403") }},
	}
	for _, tt := range tests {
		fired := false
		l.set(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != long {
				return false
			}
			l.mu.Lock()
			fired = true
			l.mu.Unlock()
			file, err := os.ReadFile(filepath.Join(l.repo, filepath.FromSlash(long)))
			if err != nil {
				panic(err)
			}
			tt.spoil(w, r, file)
			return true
		})
		u := l.open(t, cache)
		_, err := u.Update(t.Context())
		u.Close()
		if err == nil || !tt.fails(err) || !strings.Contains(err.Error(), long[1:]) || !strings.Contains(err.Error(), l.url) {
			t.Errorf("%s: want an error with file and host, got %v", tt.name, err)
		}
		if !fired {
			t.Errorf("%s: was not met", tt.name)
		}
		same(t, tt.name, before, look(t, l.home, true))
		if left, err := os.ReadDir(filepath.Join(l.home, "updates", "stage")); len(left) > 0 {
			t.Errorf("%s: want nothing left in the stage, got %v and %v", tt.name, left, err)
		}
	}
	// What came in those runs is not fetched again.
	asked := map[string]int{}
	l.set(func(_ http.ResponseWriter, r *http.Request) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		asked[r.URL.Path]++
		return false
	})
	_, err := l.open(t, cache).Update(t.Context())
	must(t, err)
	again := 0
	for p := range asked {
		if strings.HasPrefix(p, "/blobs/") {
			again++
		}
	}
	if asked[long] != 1 || again > 45 {
		t.Errorf("want the long file fetched, and little else, got %d requests of it and %d contents", asked[long], again)
	}
	got, err := os.ReadFile(filepath.Join(l.home, "lib", "long.jar"))
	if err != nil || int64(len(got)) != 600<<10 {
		t.Errorf("want the long file there, got %d bytes and %v", len(got), err)
	}
	if text := l.file(t, "conf/03.properties"); text != "n=3\na=9\n\n\nb=3\n" {
		t.Errorf("want both sides' changes, got %q", text)
	}
}
