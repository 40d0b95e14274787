package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// pace measures a phase: how fast it is, and how long it will take.
type pace struct {
	since time.Time
	first int64
}

// settling is how long a phase runs before anything is said of its pace.
const settling = time.Second

// at is the pace with done of total: units a second and the time left, both 0 where
// nothing can be said yet.
func (p *pace) at(now time.Time, done, total int64) (rate float64, left time.Duration) {
	if p.since.IsZero() || done < p.first {
		p.since, p.first = now, done
	}
	took := now.Sub(p.since)
	if took < settling || done <= p.first {
		return 0, 0
	}
	rate = float64(done-p.first) / took.Seconds()
	return rate, time.Duration(float64(max(total-done, 0)) / rate * float64(time.Second))
}

// barWidth is the length of a progress bar.
const barWidth = 24

// bar shows how much of total is done.
func bar(done, total int64) string {
	full := int(float64(done) / float64(total) * barWidth)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", barWidth-full) + "]"
}

// progressLine is a line of at most width columns: the phase and how much of it is done
// always, the rest as far as there is room, the more useful first.
func progressLine(width int, name, unit string, done, total int64, rate float64, left time.Duration) string {
	done = min(max(done, 0), total)
	percent := fmt.Sprintf("%3d%%", int(float64(done)/float64(total)*100))
	parts := []struct {
		text  string
		place int // in the line
	}{{percent, 2}}
	add := func(place int, text string) {
		parts = append(parts, struct {
			text  string
			place int
		}{text, place})
	}
	if rate > 0 {
		add(5, clock(left)+" left")
	}
	switch unit {
	case unitBytes:
		add(3, size(done)+" of "+size(total))
	case unitPaths:
		add(3, fmt.Sprintf("%d of %d", done, total))
	}
	if rate > 0 && unit == unitBytes {
		add(4, size(int64(rate))+"/s")
	}
	add(1, bar(done, total))
	var slots [6]string
	room := width - utf8.RuneCountInString(name)
	for _, p := range parts {
		if n := utf8.RuneCountInString(p.text) + 2; n <= room || p.place == 2 {
			slots[p.place], room = p.text, room-n
		}
	}
	line := name
	if room < 0 {
		line = fit(utf8.RuneCountInString(name)+room, name)
	}
	for _, s := range slots {
		if s != "" {
			line += "  " + s
		}
	}
	return fit(width, line)
}

// fit cuts text, of one line and for people, to width columns.
func fit(width int, text string) string {
	runes := []rune(clean(text))
	switch {
	case len(runes) <= width:
		return string(runes)
	case width <= 3:
		return string(runes[:max(width, 0)])
	}
	return string(runes[:width-3]) + "..."
}

// clock is a time to wait, as 0:09 or 1:02:03.
func clock(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
