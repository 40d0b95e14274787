//go:build unix

package service

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestProbes: each kind, well and ill.
func TestProbes(t *testing.T) {
	page := atomic.Pointer[http.HandlerFunc]{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*page.Load())(w, r) }))
	defer srv.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := free.Addr().String()
	must(t, free.Close())
	s := product(t, map[string]string{"well": "exit 0", "ill": "exit 9"})
	must(t, os.WriteFile(filepath.Join(s.Dir, "log"), []byte("started 1\n"), 0o600))
	http200 := Probe{HTTP: srv.URL + "/health?token=x", Status: 200, Body: regexp.MustCompile("UP")}
	for name, c := range map[string]struct {
		p    Probe
		page http.HandlerFunc
		want string // "": well
	}{
		"page":         {http200, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "is UP") }, ""},
		"other status": {http200, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "want status 200, got 503"},
		"redirect":     {http200, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, "want status 200, got 302"},
		"other body":   {http200, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "starting") }, `the page has nothing that matches "UP"`},
		"cached": {http200, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Age", "77")
			fmt.Fprint(w, "UP")
		}, "the answer came from a cache"},
		"cut": {http200, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "UP")
		}, "the connection was closed before the answer was whole"},
		"hangs":      {http200, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within 500ms"},
		"nobody":     {Probe{HTTP: "http://" + nobody, Status: 200}, nil, "connection refused"},
		"port":       {Probe{TCP: srv.Listener.Addr().String()}, nil, ""},
		"no port":    {Probe{TCP: nobody}, nil, "connection refused"},
		"log":        {Probe{Log: "log", Match: regexp.MustCompile("^started 1$")}, nil, ""},
		"other log":  {Probe{Log: "log", Match: regexp.MustCompile("^started 2$")}, nil, `no line since the start matches "^started 2$"`},
		"no log":     {Probe{Log: "none", Match: regexp.MustCompile("x")}, nil, "no such file or directory"},
		"fifo":       {Probe{Log: ".", Match: regexp.MustCompile("x")}, nil, "is no regular file"},
		"command":    {Probe{Command: []string{"bin/well"}}, nil, ""},
		"no command": {Probe{Command: []string{"bin/ill"}}, nil, "exit code 9"},
	} {
		t.Run(name, func(t *testing.T) {
			page.Store(&c.page)
			c.p.Timeout = 500 * time.Millisecond
			got := ""
			if err := s.check(t.Context(), &c.p, Mark{}); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(c.p.String(), "token=x") {
				t.Errorf("%s shows what may be a secret", &c.p)
			}
		})
	}
}

// TestLogSinceTheStart: only what was written since counts, also after a rotation.
func TestLogSinceTheStart(t *testing.T) {
	s := product(t, nil)
	log := filepath.Join(s.Dir, "log")
	h := &Health{Probes: []Probe{{Log: "log", Match: regexp.MustCompile("^ready$"), Timeout: time.Second}}}
	must(t, os.WriteFile(log, []byte("ready\n"), 0o600))
	before := s.Look(t.Context(), h)
	well := func() bool { return s.round(t.Context(), h, before)[0] == nil }
	if well() {
		t.Error("a line from before the start counts")
	}
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(strings.Repeat("x", 200<<10) + "\nready\n")
	must(t, err)
	must(t, f.Close())
	if !well() {
		t.Error("a line behind a long one was not seen")
	}
	must(t, os.Rename(log, log+".1"))
	must(t, os.WriteFile(log, []byte("ready\n"), 0o600))
	if !well() {
		t.Error("a new file was not read from its start")
	}
	must(t, os.Truncate(log, 0))
	if well() {
		t.Error("an empty log counts")
	}
}

// watched is a service with one command probe, that is well while the file is there.
func watched(t *testing.T) (s *Service, h *Health, ok string) {
	s = product(t, map[string]string{"probe": "[ -e ok ]", "state": "[ ! -e down ] || exit 3"})
	h = &Health{Watch: 1200 * time.Millisecond, Every: 50 * time.Millisecond, Probes: []Probe{{Command: []string{"bin/probe"}, Timeout: 5 * time.Second, Retries: 2}}}
	return s, h, filepath.Join(s.Dir, "ok")
}

func after(d time.Duration, fn func() error) { time.AfterFunc(d, func() { _ = fn() }) }

func TestStay(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(s *Service, ok string)
		before  Baseline
		want    string // part of the error; "": well
		early   bool   // before the watch is over
	}{
		"well from the start": {arrange: func(_ *Service, ok string) { touch(t, ok) }},
		"well later": {arrange: func(_ *Service, ok string) {
			after(400*time.Millisecond, func() error { return os.WriteFile(ok, nil, 0o600) })
		}},
		"never well": {arrange: func(*Service, string) {}, want: "was not well"},
		"dies later": {arrange: func(_ *Service, ok string) {
			touch(t, ok)
			after(300*time.Millisecond, func() error { return os.Remove(ok) })
		}, want: "was well and failed", early: true},
		"red before": {arrange: func(*Service, string) {}, before: Baseline{{Probe: "command bin/probe", Skip: "red"}}},
		"is said to be down": {arrange: func(s *Service, ok string) {
			touch(t, ok)
			touch(t, filepath.Join(s.Dir, "down"))
			s.Status = []string{"bin/state"}
		}, want: "the product was not well", early: true},
		"goes down": {arrange: func(s *Service, ok string) {
			touch(t, ok)
			s.Status = []string{"bin/state"}
			after(300*time.Millisecond, func() error { return os.WriteFile(filepath.Join(s.Dir, "down"), nil, 0o600) })
		}, want: "the product was well and failed", early: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, h, ok := watched(t)
			if c.early { // long enough that a slow machine ends it early, too
				h.Watch = time.Minute
			}
			c.arrange(s, ok)
			rounds := 0
			err := s.Stay(t.Context(), h, c.before, func(_, of int) { rounds += of })
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			case rounds < 2 && !strings.Contains(c.want, "the product"):
				t.Errorf("%d rounds", rounds)
			}
		})
	}
}

func touch(t testing.TB, path string) {
	t.Helper()
	must(t, os.WriteFile(path, nil, 0o600))
}

// TestBaseline: what is red before is named, and a log has no before.
func TestBaseline(t *testing.T) {
	s, h, _ := watched(t)
	h.Probes = append(h.Probes, Probe{Log: "none", Match: regexp.MustCompile("x"), Timeout: time.Second})
	b := s.Look(t.Context(), h)
	if got := b.Skipped(); len(got) != 1 || got[0] != "command bin/probe was not well before either: exit code 1" {
		t.Errorf("got %q", got)
	}
}
