package cli_test

import (
	"bufio"
	"bytes"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"

	"inplace/updater/cli"
)

// TestC3Signals interrupts an update at each of its events: before the commit nothing has
// changed, after it the run finishes, and the message says which. A second signal does
// not hurt, and no journal is left open.
func TestC3Signals(t *testing.T) {
	p := adopted(t)
	old, fresh, pristine := p.bothSides(t)
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
	ends := map[int]int{}
	for at := 0; ; at++ {
		restore(t, pristine, p.home)
		o, sent := p.interrupted(t, at, signals[at%len(signals)])
		if !sent {
			break
		}
		ends[o.code]++
		got := product(t, p.home)
		switch o.code {
		case 0:
			alike(t, "finished", fresh, got)
		case cli.ExitFailed:
			alike(t, "interrupted", old, got)
			if !strings.Contains(o.stderr, "nothing was changed") && !strings.Contains(o.stderr, "as it was before") {
				t.Errorf("event %d: want a word about what was changed, got %v", at, o)
			}
		default:
			t.Errorf("event %d: %v", at, o)
		}
		if _, err := os.Lstat(p.home + "/updates/OPEN"); err == nil {
			t.Errorf("event %d: the journal was left open by %v", at, o)
		}
	}
	if ends[0] == 0 || ends[cli.ExitFailed] == 0 {
		t.Errorf("want interruptions on both sides of the commit, got exit codes %v", ends)
	}
}

// interrupted runs an update and sends sig, twice, once its nth event is read.
func (p *plant) interrupted(t *testing.T, n int, sig syscall.Signal) (o ending, sent bool) {
	t.Helper()
	cmd := p.update("--events", "-")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	events, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	lines := bufio.NewScanner(events)
	for i := 0; lines.Scan(); i++ {
		if i == n && strings.HasPrefix(lines.Text(), "{") {
			sent = true
			_ = cmd.Process.Signal(sig)
			_ = cmd.Process.Signal(sig)
		}
	}
	return ended(t, cmd.Wait(), "", errs.String()), sent
}

// TestC3ClosedPipes lets the readers of stdout and stderr go away: the update works.
func TestC3ClosedPipes(t *testing.T) {
	p := adopted(t)
	_, fresh, _ := p.bothSides(t)
	read, write, err := os.Pipe()
	ok(t, err)
	ok(t, read.Close())
	cmd := p.update("-v", "--events", "-")
	cmd.Stdout, cmd.Stderr = write, write
	o := finish(t, cmd)
	ok(t, write.Close())
	o.wants(t, "with closed pipes", 0)
	if got := product(t, p.home); !maps.Equal(got, fresh) {
		alike(t, "with closed pipes", fresh, got)
	}
}
