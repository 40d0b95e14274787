package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDemo plays the demo, which checks itself; it must leave nothing behind.
func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs bytes.Buffer
	env := System("1.0.0-test")
	env.Stdin, env.Stdout, env.Stderr, env.Now = strings.NewReader(""), &out, &errs, time.Now
	if code := runIn(t0ctx(), []string{"demo"}, env); code != ExitOK {
		t.Fatalf("demo: exit code: want 0, got %d\n%s\n%s", code, out.String(), errs.String())
	}
	for _, want := range []string{"release init", "release add", "adopt", "--dry-run", "RequestLimiter", "is at level 1", "--revert", "exactly as they were"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("demo: want %q in its output, got\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "correct-horse-battery") {
		t.Errorf("demo: a password is shown:\n%s", out.String())
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("demo: want nothing left in the temporary directory, got %v, %v", left, err)
	}
}

// TestDifferent shows that the demo's comparison can fail.
func TestDifferent(t *testing.T) {
	got := different([]string{"a 1", "b 1", "c 1"}, []string{"a 1", "b 2", "d 1"})
	want := []string{"-b 1", "-c 1", "+b 2", "+d 1"}
	if strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("different: got %q, want %q", got, want)
	}
}
