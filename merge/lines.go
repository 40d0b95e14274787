package merge

import "bytes"

// lineEnd is how a line ends.
type lineEnd byte

const (
	endNone lineEnd = iota // the last line of a text that has no newline there
	endLF
	endCRLF
)

func (e lineEnd) String() string { return [...]string{"", "\n", "\r\n"}[e] }

// line is one line of a text. A lone CR is part of the body.
type line struct {
	body []byte // without the line end; aliases the input
	end  lineEnd
}

// text is a file cut into lines. Byte order mark, bodies and ends put together
// again are the file.
type text struct {
	bom   bool // a UTF-8 byte order mark stands before the first line
	lines []line
}

var bom = []byte("\uFEFF")

// splitText cuts b after each LF. A CR before it belongs to the line end.
func splitText(b []byte) text {
	rest, marked := bytes.CutPrefix(b, bom)
	return text{bom: marked, lines: splitLines(rest)}
}

func splitLines(b []byte) []line {
	lines := make([]line, 0, bytes.Count(b, []byte{'\n'})+1)
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		switch {
		case i < 0:
			return append(lines, line{b, endNone})
		case i > 0 && b[i-1] == '\r':
			lines = append(lines, line{b[:i-1], endCRLF})
		default:
			lines = append(lines, line{b[:i], endLF})
		}
		b = b[i+1:]
	}
	return lines
}

// bytes returns the lines of a range as they stand in the file.
func (t text) bytes(s span) []byte {
	var b []byte
	for _, l := range t.lines[s.start:s.end] {
		b = append(append(b, l.body...), l.end.String()...)
	}
	return b
}

// key is what two lines have in common that differ in trailing blanks or line
// end only.
func (l line) key() []byte { return bytes.TrimRight(l.body, " \t\r") }

// endNear returns the line end in use around line i: its own, or that of the
// nearest line before it, or of the first line. It is endNone only in a text
// without any line end.
func (t text) endNear(i int) lineEnd {
	if i >= len(t.lines) {
		i = len(t.lines) - 1
	}
	if i < 0 {
		return endNone
	}
	if e := t.lines[i].end; e != endNone { // only the last line can lack one
		return e
	}
	if i > 0 {
		return t.lines[i-1].end
	}
	return endNone
}

// finalNewline tells whether the last line is ended; known is false for a text
// without lines.
func (t text) finalNewline() (ended, known bool) {
	if len(t.lines) == 0 {
		return false, false
	}
	return t.lines[len(t.lines)-1].end != endNone, true
}

// endStyle names the line ends of a text: "LF", "CRLF", "mixed", or "" for none.
func (t text) endStyle() string {
	var lf, crlf bool
	for _, l := range t.lines {
		lf = lf || l.end == endLF
		crlf = crlf || l.end == endCRLF
	}
	switch {
	case lf && crlf:
		return "mixed"
	case crlf:
		return "CRLF"
	case lf:
		return "LF"
	}
	return ""
}

// vocabulary numbers line keys, so that the rest compares numbers.
type vocabulary struct{ ids map[string]int }

func newVocabulary() *vocabulary { return &vocabulary{ids: map[string]int{}} }

func (v *vocabulary) id(key []byte) int {
	id, ok := v.ids[string(key)]
	if !ok {
		id = len(v.ids)
		v.ids[string(key)] = id
	}
	return id
}

// number returns the numbers of the keys of t's lines.
func (v *vocabulary) number(t text) []int {
	ids := make([]int, len(t.lines))
	for i, l := range t.lines {
		ids[i] = v.id(l.key())
	}
	return ids
}
