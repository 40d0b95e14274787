//go:build unix

package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// product is an installation with scripts; each value is the text after `#!/bin/sh`.
func product(t testing.TB, scripts map[string]string) *Service {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o755))
	for name, text := range scripts {
		must(t, os.WriteFile(filepath.Join(dir, "bin", name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	}
	out, err := os.OpenFile(filepath.Join(dir, "out"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	must(t, err)
	t.Cleanup(func() { _ = out.Close() })
	return &Service{Dir: dir, Output: out, Commands: Commands{Timeout: 20 * time.Second}}
}

// daemon is a start script whose process outlives it, and the stop script to it.
var daemon = map[string]string{
	"start": `sleep 300 & echo $! >pid; echo started`,
	"stop":  `kill $(cat pid)`,
	"state": `kill -0 $(cat pid 2>/dev/null) 2>/dev/null || exit 3`,
}

func TestStartAndStop(t *testing.T) {
	for _, how := range []string{"status", "pid file"} {
		t.Run(how, func(t *testing.T) {
			s := product(t, daemon)
			s.Start, s.Stop = []string{"bin/start"}, []string{"bin/stop"}
			if how == "status" {
				s.Status = []string{"bin/state"}
			} else {
				s.PIDFile = "pid"
			}
			state := func(want State) {
				t.Helper()
				if got, err := s.State(t.Context()); got != want || err != nil {
					t.Fatalf("got %s, %v, want %s", got, err, want)
				}
			}
			state(Down)
			must(t, s.StartNow(t.Context()))
			state(Up)
			must(t, s.StopNow(t.Context()))
			state(Down)
		})
	}
}

// TestCommandsThatFail: each way in which a command does not do its work is told with
// its last words.
func TestCommandsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		script, reason, output string
		argv                   []string
	}{
		"exit code":        {script: "echo no port; exit 7", reason: "exit code 7", output: "no port"},
		"a signal":         {script: "kill -9 $$", reason: "signal: killed"},
		"hangs":            {script: "echo waiting; sleep 300", reason: "has not ended within 300ms", output: "waiting"},
		"not there":        {argv: []string{"bin/none"}, reason: "cannot be run: no such file or directory"},
		"not in the path":  {argv: []string{"no-such-program-anywhere"}, reason: "cannot be run: executable file not found in $PATH"},
		"has no effect":    {script: "exit 0", reason: "has ended, and after 300ms the product is still running"},
		"a child survives": {script: "sleep 300 & sleep 300", reason: "has not ended within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := product(t, map[string]string{"stop": c.script, "state": "exit 0"})
			s.Stop, s.Status, s.Timeout = c.argv, []string{"bin/state"}, 300*time.Millisecond
			if c.argv == nil {
				s.Stop = []string{"bin/stop"}
			}
			start := time.Now()
			err := s.StopNow(t.Context())
			var failed *CommandError
			if !errors.As(err, &failed) || failed.Reason != c.reason || !strings.Contains(failed.Output, c.output) {
				t.Fatalf("got %#v, want %q and %q", err, c.reason, c.output)
			}
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestStateIsUnknown: an answer that means neither is never taken for one.
func TestStateIsUnknown(t *testing.T) {
	s := product(t, map[string]string{"state": "exit 64"})
	s.Status = []string{"bin/state"}
	if got, err := s.State(t.Context()); got != Unknown || err == nil {
		t.Errorf("exit code 64: got %s, %v", got, err)
	}
	s.Status, s.PIDFile = nil, "pid"
	for _, text := range []string{"no number", "-5", "1", "0"} {
		must(t, os.WriteFile(filepath.Join(s.Dir, "pid"), []byte(text), 0o600))
		if got, err := s.State(t.Context()); got != Unknown || err == nil {
			t.Errorf("pid %q: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "999999999\n"} {
		must(t, os.WriteFile(filepath.Join(s.Dir, "pid"), []byte(text), 0o600))
		if got, err := s.State(t.Context()); got != Down || err != nil {
			t.Errorf("pid %q: got %s, %v", text, got, err)
		}
	}
}

// TestEnvironment: a command runs in the installation, without our secrets.
func TestEnvironment(t *testing.T) {
	t.Setenv("INPLACE_TOKEN", "secret")
	t.Setenv("OTHER", "kept")
	s := product(t, map[string]string{"start": `pwd; echo "[$INPLACE_TOKEN$OTHER]"; cat; ps -o sid= -p $$ | grep -qw $$ && echo apart`})
	s.Start = []string{"bin/start"}
	must(t, s.StartNow(t.Context()))
	data, err := os.ReadFile(filepath.Join(s.Dir, "out"))
	must(t, err)
	real, err := filepath.EvalSymlinks(s.Dir)
	must(t, err)
	if want := real + "\n[kept]\napart\n"; string(data) != want {
		t.Errorf("got %q, want %q", data, want)
	}
}

func TestCancelled(t *testing.T) {
	s := product(t, map[string]string{"stop": "sleep 300"})
	s.Stop = []string{"bin/stop"}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.StopNow(ctx); err == nil {
		t.Error("a cancelled command was taken for one that worked")
	}
}
