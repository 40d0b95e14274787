package mask

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// hunkHead is the first line of a hunk, with the number of its first line on either side.
var hunkHead = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)
})

// Diff masks the unified difference that leads from the text old to the text new. What is
// secret is looked for in the whole texts, since a hunk may begin in the middle of a key or
// of a block. A line that neither text has is masked as a whole. A difference without
// secrets is returned as it is.
func Diff(diff, old, new []byte, known ...string) []byte {
	if len(diff) == 0 {
		return diff
	}
	a, b := find(string(old), false, known), find(string(new), false, known)
	var out bytes.Buffer
	atA, atB := 0, 0     // the next line of either side
	leftA, leftB := 0, 0 // how many the hunk still has
	for line := range bytes.Lines(diff) {
		text, end := string(line), ""
		if n := len(text); text[n-1] == '\n' {
			text, end = text[:n-1], "\n"
		}
		switch {
		case leftA <= 0 && leftB <= 0:
			if m := hunkHead().FindStringSubmatch(text); m != nil {
				atA, leftA = hunkSide(m[1], m[2])
				atB, leftB = hunkSide(m[3], m[4])
			}
		case strings.HasPrefix(text, "-"):
			text = "-" + a.line(text[1:], atA, nil)
			atA, leftA = atA+1, leftA-1
		case strings.HasPrefix(text, "+"):
			text = "+" + b.line(text[1:], atB, nil)
			atB, leftB = atB+1, leftB-1
		case strings.HasPrefix(text, " "):
			text = " " + a.line(text[1:], atA, b.spansIn(atB))
			atA, leftA, atB, leftB = atA+1, leftA-1, atB+1, leftB-1
		}
		out.WriteString(text + end)
	}
	if bytes.Equal(out.Bytes(), diff) {
		return diff
	}
	return out.Bytes()
}

// Whole is a text of which parts are shown. What is secret is looked for in all of it.
type Whole struct {
	found *found
	known []string
}

// Of reads a whole text.
func Of(text []byte, known ...string) *Whole { return &Whole{find(string(text), false, known), known} }

// Part masks the part of w whose first line is number from, counted from 0. One that does
// not stand there is masked by itself.
func (w *Whole) Part(part []byte, from int) string {
	whole := w.found
	if from < 0 || from >= len(whole.lines) || !strings.HasPrefix(whole.text[whole.lines[from].from:], string(part)) {
		return Text(string(part), w.known...)
	}
	at := whole.lines[from].from
	one := found{text: string(part), lines: cut(string(part))}
	var spans []span
	for _, s := range whole.spans {
		if s.to > at && s.from < at+len(part) {
			spans = append(spans, span{max(s.from-at, 0), min(s.to-at, len(part))})
		}
	}
	one.unite(spans)
	return one.masked()
}

// Keyed is masked, which the rules have made of text, the value of key; where they have found
// nothing in it, although the key is a secret's, it is all hidden.
func Keyed(key, text, masked string) string {
	if masked != text || !secretName(key) {
		return masked
	}
	all := found{text: text, lines: cut(text)}
	all.unite([]span{{0, len(text)}})
	return all.masked()
}

// hunkSide reads a side of a hunk's head: the index of its first line, and how many it has.
func hunkSide(first, count string) (at, n int) {
	at, _ = strconv.Atoi(first)
	n = 1
	if count != "" {
		n, _ = strconv.Atoi(count)
	}
	return at - 1, n
}

// line masks body, the line at index i; also are the spans, counted from its start, that
// the other side has hidden of it.
func (f *found) line(body string, i int, also []span) string {
	if i < 0 || i >= len(f.lines) || f.text[f.lines[i].from:f.lines[i].to] != strings.TrimSuffix(body, "\r") {
		if strings.TrimSpace(body) == "" {
			return body
		}
		return Mask
	}
	one := found{text: body, lines: []span{{0, len(body)}}}
	one.unite(append(f.spansIn(i), also...))
	return one.masked()
}

// spansIn returns the spans in line i, counted from its start.
func (f *found) spansIn(i int) []span {
	if i < 0 || i >= len(f.lines) {
		return nil
	}
	line := f.lines[i]
	n, _ := slices.BinarySearchFunc(f.spans, line.from, func(s span, at int) int { return s.from - at })
	var out []span
	for ; n < len(f.spans) && f.spans[n].from < line.to; n++ {
		out = append(out, span{f.spans[n].from - line.from, f.spans[n].to - line.from})
	}
	return out
}
