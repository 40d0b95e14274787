package merge

import (
	"bytes"
	"strings"
	"unicode"
)

// A Conflict is a place that both sides changed differently. The line ranges are
// half-open, count from 0, and are those of the three inputs; the texts are the
// inputs' own bytes in these ranges.
type Conflict struct {
	Key                    string // key path; "" where lines conflict
	Reason                 string // for people
	Base, Ours, Theirs     []byte
	BaseStart, BaseEnd     int
	OursStart, OursEnd     int
	TheirsStart, TheirsEnd int
}

// minMarker is the usual length of a conflict marker.
const minMarker = 7

// contestReason says what the two sides did to a contested chunk.
func contestReason(c chunk) string {
	switch {
	case c.base.empty():
		return "both sides added different lines at the same place"
	case c.ours.empty():
		return "ours removed lines that theirs changed"
	case c.theirs.empty():
		return "theirs removed lines that ours changed"
	}
	return "both sides changed the same or adjacent lines differently"
}

// conflictOf makes the Conflict of a contested chunk.
func conflictOf(c chunk, base, ours, theirs text) Conflict {
	return Conflict{
		Reason:    contestReason(c),
		Base:      base.bytes(c.base),
		Ours:      ours.bytes(c.ours),
		Theirs:    theirs.bytes(c.theirs),
		BaseStart: c.base.start, BaseEnd: c.base.end,
		OursStart: c.ours.start, OursEnd: c.ours.end,
		TheirsStart: c.theirs.start, TheirsEnd: c.theirs.end,
	}
}

// WholeFile is the result when no part of a file can be merged, for the reason given
// in words. Its markers are longer than any in the texts, and carry the line end that
// ours begins with; Merged is nil where an input is binary.
func WholeFile(base, ours, theirs []byte, reason string, opt Options) Result {
	c := Conflict{
		Reason: reason, Base: base, Ours: ours, Theirs: theirs,
		BaseEnd: countLines(base), OursEnd: countLines(ours), TheirsEnd: countLines(theirs),
	}
	r := Result{Conflicts: []Conflict{c}, Format: formatLines, Method: MethodLines}
	if isBinary(base) || isBinary(ours) || isBinary(theirs) {
		return r
	}
	m := newMarkers(opt)
	for _, b := range [][]byte{base, ours, theirs} {
		m.size = max(m.size, longestMarker(b)+1)
	}
	w := &writer{end: endLF}
	if i := bytes.IndexByte(ours, '\n'); i > 0 && ours[i-1] == '\r' {
		w.end = endCRLF
	}
	r.Blocks = []Block{m.write(w, w.side, c)}
	r.Merged = w.buf
	return r
}

func countLines(b []byte) int {
	n := bytes.Count(b, []byte{'\n'})
	if len(b) > 0 && b[len(b)-1] != '\n' {
		n++
	}
	return n
}

// isBinary: text has no NUL. UTF-16 has, and counts as binary.
func isBinary(b []byte) bool { return bytes.IndexByte(b, 0) >= 0 }

// longestMarker returns the length of the longest run of <, | or > at the start of
// a line that has at least 7 of them followed by a blank or the end of the line; 0
// for none. A run of = is not one: headings are underlined with it.
func longestMarker(b []byte) int {
	longest := 0
	for len(b) > 0 {
		if c := b[0]; c == '<' || c == '|' || c == '>' {
			n := 1
			for n < len(b) && b[n] == c {
				n++
			}
			if n >= minMarker && (n == len(b) || bytes.IndexByte([]byte(" \t\r\n"), b[n]) >= 0) {
				longest = max(longest, n)
			}
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		b = b[i+1:]
	}
	return longest
}

// markers renders conflicts in the style of diff3: ours, base, theirs.
type markers struct {
	size   int
	labels Labels
}

func newMarkers(opt Options) markers {
	m := markers{opt.MarkerSize, opt.Labels}
	if m.size < 1 {
		m.size = minMarker
	}
	for _, l := range []struct {
		label *string
		empty string
	}{{&m.labels.Ours, "ours"}, {&m.labels.Base, "base"}, {&m.labels.Theirs, "theirs"}} {
		if *l.label == "" {
			*l.label = l.empty
		}
		*l.label = oneLine(*l.label)
	}
	return m
}

// oneLine replaces control characters: a label must not end its line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}

// AppendBlock appends to out the marker lines of a place and its three texts, in the
// style of Merge, and returns the place as well. out is empty or ends a line; lineEnd is
// that of the markers and of texts that lack one, "\n" or "\r\n".
func AppendBlock(out, base, ours, theirs []byte, lineEnd string, opt Options) ([]byte, Block) {
	w := &writer{buf: out, end: endLF}
	if lineEnd == endCRLF.String() {
		w.end = endCRLF
	}
	b := newMarkers(opt).write(w, w.side, Conflict{Base: base, Ours: ours, Theirs: theirs})
	b.Conflicts = nil
	return w.buf, b
}

// side writes a text of a conflict as it is, its last line ended.
func (w *writer) side(text []byte) {
	w.buf = append(w.buf, text...)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		w.buf = append(w.buf, w.end.String()...)
	}
}

// write renders c on w; side writes one of its three texts.
func (m markers) write(w *writer, side func([]byte), c Conflict) Block {
	b := Block{Start: len(w.buf), Conflicts: []Conflict{c}}
	mark := func(char, label string) {
		s := strings.Repeat(char, m.size)
		if label != "" {
			s += " " + label
		}
		w.line([]byte(s), w.end)
	}
	text := func(of []byte) []byte {
		from := len(w.buf)
		side(of)
		return bytes.Clone(w.buf[from:])
	}
	mark("<", m.labels.Ours)
	b.Ours = text(c.Ours)
	mark("|", m.labels.Base)
	b.Base = text(c.Base)
	mark("=", "")
	b.Theirs = text(c.Theirs)
	mark(">", m.labels.Theirs)
	b.End = len(w.buf)
	return b
}
