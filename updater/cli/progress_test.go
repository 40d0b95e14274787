package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"inplace/updater"
)

// A progress line is never wider than the terminal, and always has phase and percentage.
func TestProgressLine(t *testing.T) {
	const half, all = 512 << 20, 1 << 30
	tests := []struct {
		width int
		unit  string
		rate  float64
		want  string
	}{
		{39, unitBytes, 1 << 20, "fetching and checking   50%  8:32 left"},
		{39, unitBytes, 0, "fetching and checking   50%"},
		{79, unitBytes, 1 << 20, "fetching and checking   50%  512.0 MiB of 1.0 GiB  1.0 MiB/s  8:32 left"},
		{120, unitBytes, 1 << 20, "fetching and checking  [############------------]   50%  512.0 MiB of 1.0 GiB  1.0 MiB/s  8:32 left"},
		{79, "", 0, "fetching and checking  [############------------]   50%"},
		{20, unitBytes, 1 << 20, ""},
		{3, "", 0, ""},
	}
	for _, tt := range tests {
		left := time.Duration(0)
		if tt.rate > 0 {
			left = time.Duration(half/tt.rate) * time.Second
		}
		got := progressLine(tt.width, "fetching and checking", tt.unit, half, all, tt.rate, left)
		if n := utf8.RuneCountInString(got); n > tt.width {
			t.Errorf("width %d: got %d columns: %q", tt.width, n, got)
		}
		if tt.width >= 39 && got != tt.want {
			t.Errorf("width %d, unit %q:\n got %q\nwant %q", tt.width, tt.unit, got, tt.want)
		}
	}
	for width := range 220 {
		for _, done := range []int64{-1, 0, 1, all, all + 1} {
			got := progressLine(width, "fetching and checking", unitBytes, done, all, 123456.7, 7*time.Hour)
			if n := utf8.RuneCountInString(got); n > width {
				t.Errorf("width %d, done %d: got %d columns: %q", width, done, n, got)
			}
			if width >= 40 && (!strings.HasPrefix(got, "fetching and checking") || !strings.Contains(got, "%")) {
				t.Errorf("width %d: want phase and percentage, got %q", width, got)
			}
		}
	}
}

// The pace is said only once there is one, and from the begin of the phase.
func TestPace(t *testing.T) {
	var p pace
	at := time.Unix(100, 0)
	for _, s := range []struct {
		after time.Duration
		done  int64
		rate  float64
		left  time.Duration
	}{{0, 100, 0, 0}, {500 * time.Millisecond, 200, 0, 0}, {2 * time.Second, 300, 100, 7 * time.Second}, {4 * time.Second, 1000, 225, 0}} {
		rate, left := p.at(at.Add(s.after), s.done, 1000)
		if rate != s.rate || left != s.left {
			t.Errorf("after %v with %d: want %v/s and %v left, got %v/s and %v", s.after, s.done, s.rate, s.left, rate, left)
		}
	}
}

// Progress is sent at most some ten times a second, and whatever the rate once when the phase
// is through; everything else is sent.
func TestEventRate(t *testing.T) {
	var out bytes.Buffer
	p := &reporter{events: &out}
	for i := range 1001 {
		at := time.Unix(0, 0).Add(time.Duration(i) * time.Millisecond)
		p.send(event{Event: updater.Event{Time: at, Phase: updater.PhaseStage, Kind: "progress", Done: int64(i), Total: 1000}, Unit: unitBytes})
	}
	p.send(event{Event: updater.Event{Phase: updater.PhaseStage, Kind: "end"}, Unit: unitBytes})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if n := len(lines); n < 10 || n > 13 {
		t.Errorf("want some 10 lines in a second, got %d:\n%s", n, out.String())
	}
	if last := lines[len(lines)-2]; !strings.Contains(last, `"done":1000,"total":1000,"unit":"bytes"`) {
		t.Errorf("want the end of the progress sent, got %s", last)
	}
	if last := lines[len(lines)-1]; strings.Contains(last, "unit") || !strings.Contains(last, `"kind":"end"`) {
		t.Errorf("want the end of the phase, without a unit, got %s", last)
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0:00", time.Millisecond: "0:01", 59 * time.Second: "0:59", 61 * time.Second: "1:01", 3723 * time.Second: "1:02:03"} {
		if got := clock(d); got != want {
			t.Errorf("clock(%v): got %s, want %s", d, got, want)
		}
	}
}
