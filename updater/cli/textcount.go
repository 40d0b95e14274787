package cli

import (
	"fmt"
	"time"

	"inplace/updater"
)

// count is n with its noun: "1 path", "2 paths".
func count(n int, noun string) string { return count64(int64(n), noun) }

func count64(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// size is a number of bytes in the unit that keeps it short.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	f, u := float64(n)/1024, 0
	for f >= 1023.95 && u < len(units)-1 {
		f, u = f/1024, u+1
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}

// when is a time in UTC, to the minute.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// window is what files were exchanged within, or how long the product stood still: rounded
// up, and what history keeps of it, in milliseconds, reads the same.
func window(d time.Duration) string {
	ms := updater.WholeMS(d)
	if ms < 1000 {
		return fmt.Sprintf("%d ms", ms)
	}
	return fmt.Sprintf("%.1f s", float64((ms+99)/100)/10)
}
