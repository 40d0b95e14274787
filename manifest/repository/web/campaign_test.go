package web

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inplace/manifest/repository/serve"
)

// fault is one way in which an answer goes wrong.
type fault struct {
	name string
	// do answers r in the place of h, whose answer would have file for its body.
	do func(w http.ResponseWriter, r *http.Request, h http.Handler, file []byte)
	// ranges says that only a request for a part is answered so; one for all is cut in
	// its middle before.
	ranges bool
	// heals says that a run that meets it once comes through.
	heals bool
}

func send(status int, header ...string) func(http.ResponseWriter, *http.Request, http.Handler, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ []byte) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html><form>Please log in</form></html>"))
	}
}

// raw writes text on the connection and resets it.
func raw(text string) func(http.ResponseWriter, *http.Request, http.Handler, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ []byte) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = conn.Write([]byte(text))
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

func as(change func(file []byte) []byte) func(http.ResponseWriter, *http.Request, http.Handler, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler, file []byte) {
		_, _ = w.Write(change(bytes.Clone(file)))
	}
}

// piece answers a request for the rest of file by what is in it from first to last, and says so.
func piece(first, last func(from, size int) int, change func([]byte)) func(http.ResponseWriter, *http.Request, http.Handler, []byte) {
	return func(w http.ResponseWriter, r *http.Request, h http.Handler, file []byte) {
		var from int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		file = bytes.Clone(file)
		change(file)
		a, b := first(from, len(file)), last(from, len(file))
		w.Header().Set("ETag", r.Header.Get("If-Range"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", a, b, len(file)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(file[a : b+1])
	}
}

func flip(at func(size int) int) func([]byte) []byte {
	return func(file []byte) []byte {
		if len(file) > 0 {
			file[at(len(file))] ^= 1
		}
		return file
	}
}

// faults are all ways of this campaign. elsewhere is another host, which serves the
// repository as it is, and portal one that wants everybody to log in.
func faults(elsewhere, portal string) []fault {
	from := func(from, _ int) int { return from }
	end := func(_, size int) int { return size - 1 }
	still := func([]byte) {}
	to := func(host string) func(http.ResponseWriter, *http.Request, http.Handler, []byte) {
		return func(w http.ResponseWriter, r *http.Request, _ http.Handler, _ []byte) {
			http.Redirect(w, r, host+r.URL.Path, http.StatusFound)
		}
	}
	list := []fault{
		{name: "late", heals: true, do: func(w http.ResponseWriter, r *http.Request, h http.Handler, _ []byte) {
			time.Sleep(3 * time.Millisecond)
			h.ServeHTTP(w, r)
		}},
		{name: "reset before the answer", do: raw(""), heals: true},
		{name: "reset within the header", do: raw("HTTP/1.1 200 OK\r\nContent-Le"), heals: true},
		{name: "no HTTP", do: raw("SSH-2.0-OpenSSH_9.7\r\n"), heals: true},
		{name: "reset within the body", heals: true, do: func(w http.ResponseWriter, r *http.Request, h http.Handler, file []byte) {
			raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(file), file[:len(file)/2]))(w, r, h, file)
		}},
		{name: "said to be longer", heals: true, do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, file []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(file)+1))
			_, _ = w.Write(file)
		}},
		{name: "said to be shorter", do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, file []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(max(len(file)-1, 0)))
			_, _ = w.Write(file[:max(len(file)-1, 0)])
		}},
		{name: "longer by a byte", do: as(func(file []byte) []byte { return append(file, 0) })},
		{name: "endless", do: func(w http.ResponseWriter, r *http.Request, _ http.Handler, file []byte) {
			for _, err := w.Write(file); err == nil && r.Context().Err() == nil; {
				_, err = w.Write(make([]byte, 32<<10))
			}
		}},
		{name: "empty", do: as(func([]byte) []byte { return nil })},
		{name: "first byte wrong", do: as(flip(func(int) int { return 0 }))},
		{name: "middle byte wrong", do: as(flip(func(size int) int { return size / 2 }))},
		{name: "last byte wrong", do: as(flip(func(size int) int { return size - 1 }))},
		{name: "zeros of the right length", do: as(func(file []byte) []byte { clear(file); return file })},
		{name: "gzip", do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, file []byte) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(file)
			_ = z.Close()
		}},
		{name: "gzip that is not told", do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, file []byte) {
			z := gzip.NewWriter(w)
			_, _ = z.Write(file)
			_ = z.Close()
		}},
		{name: "a page to log in", do: send(200, "Content-Type", "text/html")},
		{name: "a page to log in, with a strong ETag", do: send(200, "ETag", `"page"`)},
		{name: "204", do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ []byte) { w.WriteHeader(204) }},
		{name: "304", do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ []byte) { w.WriteHeader(304) }},
		{name: "404", do: send(404)}, {name: "403", do: send(403)}, {name: "401", do: send(401)}, {name: "410", do: send(410)},
		{name: "500", do: send(500), heals: true}, {name: "502", do: send(502), heals: true},
		{name: "503", do: send(503, "Retry-After", "2"), heals: true}, {name: "429", do: send(429, "Retry-After", "2"), heals: true},
		{name: "redirect to another host", do: to(elsewhere), heals: true},
		{name: "redirect to a page to log in", do: to(portal)},
		{name: "redirect in a circle", do: to("")},
		{name: "a part that nobody asked for", heals: true, do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, file []byte) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 1-%d/%d", len(file)-1, len(file)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(file[1:])
		}},
		{name: "416 to all", do: send(416), heals: true},
		{name: "another part", ranges: true, heals: true, do: piece(func(from, _ int) int { return from - 1 }, end, still)},
		{name: "a part that begins with the file", ranges: true, heals: true, do: piece(func(int, int) int { return 0 }, end, still)},
		{name: "a part that ends early", ranges: true, heals: true, do: piece(from, func(from, size int) int { return max(from, size-2) }, still)},
		{name: "the right part with a wrong byte", ranges: true, do: piece(from, end, func(file []byte) { file[len(file)-1] ^= 1 })},
		{name: "the right part of a file that has grown", ranges: true, do: func(w http.ResponseWriter, r *http.Request, h http.Handler, file []byte) {
			piece(from, end, still)(w, r, h, append(bytes.Clone(file), "more"...))
		}},
		{name: "a part with another ETag", ranges: true, heals: true, do: func(w http.ResponseWriter, r *http.Request, h http.Handler, file []byte) {
			r.Header.Set("If-Range", `"other"`)
			piece(from, end, still)(w, r, h, file)
		}},
		{name: "all of it for a part", ranges: true, heals: true, do: as(func(file []byte) []byte { return file })},
		{name: "all of something else for a part", ranges: true, do: as(flip(func(int) int { return 0 }))},
		{name: "416 to a part", ranges: true, heals: true, do: send(416)},
		{name: "416 to a part, as if all were there", ranges: true, do: func(w http.ResponseWriter, r *http.Request, h http.Handler, file []byte) {
			var from int
			_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
			send(416, "Content-Range", fmt.Sprintf("bytes */%d", from))(w, r, h, file)
		}},
	}
	return list
}

// cuts are faults that break a body after its first bytes, in many places.
func cuts(size int) (list []fault) {
	for _, n := range []int{0, 1, 2, size / 3, size / 2, inMemory - 1, inMemory, inMemory + 1, size - 2, size - 1} {
		if n >= 0 && n < size {
			list = append(list, fault{name: fmt.Sprintf("cut after %d bytes", n), heals: true,
				do: func(w http.ResponseWriter, r *http.Request, h http.Handler, _ []byte) { cutAt(w, h, r, n) }})
		}
	}
	return list
}

// link is a server whose answers for one path have a fault, once or always.
type link struct {
	h   http.Handler
	dir string

	mu    sync.Mutex
	path  string
	fault *fault
	once  bool
	fired int
}

func (l *link) set(path string, f *fault, once bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.path, l.fault, l.once, l.fired = path, f, once, 0
}

func (l *link) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fired
}

func (l *link) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, err := os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(r.URL.Path)))
	l.mu.Lock()
	f := l.fault
	due := f != nil && r.URL.Path == "/"+l.path && (l.fired == 0 || !l.once)
	cut := due && f.ranges && r.Header.Get("Range") == ""
	if due && !cut {
		l.fired++
	}
	l.mu.Unlock()
	switch {
	case err != nil || !due:
		l.h.ServeHTTP(w, r)
	case cut:
		cutAt(w, l.h, r, len(file)/2)
	default:
		f.do(w, r, l.h, file)
	}
}

// TestCampaign reads a repository through a link that has one fault in one file, for every
// fault and every kind of file, met once and for ever, by a first run and by one that goes
// on with what a cut left in the cache. A run ends with the vendor's bytes or with an error
// that names file and host; the cache never has other bytes than the vendor's under a final
// name; and whatever was left there, the next run over a sound link comes through.
func TestCampaign(t *testing.T) {
	dir := published(t)
	h, err := serve.New(dir, nil, time.Now)
	must(t, err)
	defer func() { _ = h.Close() }()
	l := &link{h: h, dir: dir}
	open := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL
	}
	source := open(l)
	list := faults(open(h), open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { send(200)(w, r, nil, nil) })))
	files, big := filesOf(t, dir)
	cut := fault{ranges: true, do: func(w http.ResponseWriter, r *http.Request, h http.Handler, _ []byte) { cutAt(w, h, r, 0) }}
	base := filepath.Join(t.TempDir(), "cache")
	begun := func(at string) *Cache { // a cache in which the large file has begun
		must(t, os.CopyFS(at, os.DirFS(base)))
		c, err := OpenCache(at)
		must(t, err)
		return c
	}
	c, err := OpenCache(base)
	must(t, err)
	l.set(big, &cut, false)
	_, err = readAll(t, source, fixed(c))
	if _, e := os.Stat(filepath.Join(base, cacheDir, filepath.FromSlash(big)+".part")); err == nil || e != nil {
		t.Fatalf("want a run that is cut and leaves a part, got %v and %v", err, e)
	}
	_ = c.Close()

	runs := 0
	try := func(path string, f fault, once, later bool) {
		what := fmt.Sprintf("%s, %s, once %v, later %v", path, f.name, once, later)
		at := filepath.Join(t.TempDir(), "cache")
		var c *Cache
		if later {
			c = begun(at)
		} else {
			c, err = OpenCache(at)
			must(t, err)
		}
		defer func() { _ = c.Close() }()
		l.set(path, &f, once)
		n, err := readAll(t, source, fixed(c))
		switch {
		case l.count() == 0:
			t.Errorf("%s: the fault was not met", what)
		case err == nil && n != 6:
			t.Errorf("%s: want 6 files, got %d", what, n)
		case err != nil && once && f.heals:
			t.Errorf("%s: want all to come through, got %v", what, err)
		case err != nil && (!named.MatchString(err.Error()) || !strings.HasPrefix(err.Error(), path)):
			t.Errorf("%s: want file and host named, got %v", what, err)
		}
		onlyRight(t, c)
		l.set("", nil, false)
		if n, err := readAll(t, source, fixed(c)); err != nil || n != 6 {
			t.Errorf("%s: afterwards: got %d files and %v", what, n, err)
		}
		onlyRight(t, c)
		runs++
	}
	// In turn, so that a part has every fault and every file.
	turn, every := 0, 9
	if testing.Short() {
		every = 25
	}
	all := func(path string, f fault) {
		for _, once := range []bool{true, false} {
			for _, later := range []bool{false, true} {
				if turn++; (path == big || !later) && (*wholeCampaign || turn%every == 0) {
					try(path, f, once, later)
				}
			}
		}
	}
	for _, f := range list {
		for _, path := range files {
			if !f.ranges || path == big {
				all(path, f)
			}
		}
	}
	for _, path := range files {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(path)))
		must(t, err)
		for _, f := range cuts(int(info.Size())) {
			all(path, f)
		}
	}
	if want := 4 * len(list) / every; runs < want {
		t.Errorf("want at least %d runs, got %d", want, runs)
	}
	t.Logf("%d runs", runs)
}

var wholeCampaign = flag.Bool("campaign", false, "have every fault in every file, instead of a part")

// filesOf are a file of each kind of a repository, and the large content.
func filesOf(t *testing.T, dir string) (files []string, big string) {
	t.Helper()
	small := false
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		switch {
		case d.IsDir() || strings.HasPrefix(p, "metadata/0.") || !strings.Contains(p, "/") || strings.HasPrefix(p, "."):
			return nil
		case strings.HasPrefix(p, "blobs/") && info.Size() > inMemory:
			big = p
		case strings.HasPrefix(p, "blobs/") && small:
			return nil
		case strings.HasPrefix(p, "blobs/"):
			small = true
		}
		files = append(files, p)
		return nil
	}))
	// Of the metadata, only the newest versions are asked for.
	newest := map[string]string{}
	for _, p := range files {
		if dir, name, _ := strings.Cut(p, "/"); dir == "metadata" && name != "timestamp.json" && name != "1.root.json" {
			_, role, _ := strings.Cut(name, ".")
			newest[role] = max(newest[role], p)
		}
	}
	files = slices.DeleteFunc(files, func(p string) bool {
		dir, name, _ := strings.Cut(p, "/")
		_, role, _ := strings.Cut(name, ".")
		return dir == "metadata" && newest[role] != "" && newest[role] != p
	})
	if len(files) < 8 || big == "" {
		t.Fatalf("want a file of each kind, got %v", files)
	}
	return files, big
}
