package merge

import (
	"bytes"
	"fmt"
)

// mergeLines merges by lines alone. Lines are equal when they differ in trailing
// blanks and line end only; what is written then follows these rules:
//   - the byte order mark and the line ends are those of ours;
//   - trailing blanks, which have a meaning in some formats, and whether the last
//     line is ended are merged three ways: the side that changed them, else ours.
func mergeLines(base, ours, theirs []byte, opt Options) Result {
	return Refine(base, ours, theirs, opt, func(Conflict) ([]byte, bool) { return nil, false })
}

// Refine merges by lines and lets resolve settle each place that both sides changed: it
// returns the lines to write there, or false to leave the conflict. The texts must be
// such as a Structure is given.
func Refine(base, ours, theirs []byte, opt Options, resolve func(Conflict) (lines []byte, ok bool)) Result {
	b, o, t := splitText(base), splitText(ours), splitText(theirs)
	v := newVocabulary()
	idsB, idsO, idsT := v.number(b), v.number(o), v.number(t)
	hunksO, err := diff(idsB, idsO, v)
	if err != nil {
		return WholeFile(base, ours, theirs, "base and ours: "+err.Error(), opt)
	}
	hunksT, err := diff(idsB, idsT, v)
	if err != nil {
		return WholeFile(base, ours, theirs, "base and theirs: "+err.Error(), opt)
	}

	r := Result{Format: formatLines, Method: MethodLines, Notes: styleNotes(b, o, t)}
	m := newMarkers(opt)
	w := &writer{
		buf: make([]byte, 0, max(len(ours), len(theirs))),
		end: firstEnd(o.endNear(0), t.endNear(0), b.endNear(0)),
	}
	if o.bom {
		w.buf = append(w.buf, bom...)
	}
	last := unchanged
	for _, c := range diff3(idsB, idsO, idsT, hunksO, hunksT) {
		last = c.kind
		switch c.kind {
		case unchanged:
			for i := range c.base.end - c.base.start {
				ol := o.lines[c.ours.start+i]
				body := mergeBlanks(b.lines[c.base.start+i], ol, t.lines[c.theirs.start+i])
				w.line(body, o.endNear(c.ours.start+i))
			}
		case oursChanged, bothAlike:
			for i := c.ours.start; i < c.ours.end; i++ {
				w.line(o.lines[i].body, o.endNear(i))
			}
		case theirsChanged:
			// Line ends as in the lines replaced, or around the place of an insertion.
			near := c.ours.start
			if c.ours.empty() && near > 0 {
				near--
			}
			for _, l := range t.lines[c.theirs.start:c.theirs.end] {
				w.line(l.body, firstEnd(o.endNear(near), l.end))
				if near+1 < c.ours.end {
					near++
				}
			}
		case contested:
			conflict := conflictOf(c, b, o, t)
			if settled, ok := resolve(conflict); ok {
				for _, l := range splitLines(settled) {
					w.line(l.body, firstEnd(o.endNear(c.ours.start), l.end))
				}
				last = unchanged
				break
			}
			r.Conflicts = append(r.Conflicts, conflict)
			w.end = firstEnd(o.endNear(c.ours.start), w.end)
			r.Blocks = append(r.Blocks, m.write(w, func(side []byte) {
				for _, l := range splitLines(side) {
					w.line(l.body, w.end)
				}
			}, conflict))
		}
	}
	if last != contested && !wantFinalNewline(b, o, t) {
		w.dropLastEnd()
	}
	r.Merged = w.buf
	return r
}

// unfit says why texts cannot be merged by lines; "" if they can.
func unfit(base, ours, theirs []byte) string {
	for _, side := range []struct {
		name string
		b    []byte
	}{{"base", base}, {"ours", ours}, {"theirs", theirs}} {
		switch {
		case len(side.b) > MaxBytes:
			return fmt.Sprintf("%s is too large to merge: want at most %d bytes, got %d", side.name, MaxBytes, len(side.b))
		case isBinary(side.b):
			return side.name + " is binary"
		case countLines(side.b) > MaxLines:
			return fmt.Sprintf("%s is too long to merge: want at most %d lines, got %d", side.name, MaxLines, countLines(side.b))
		case longestMarker(side.b) > 0:
			return side.name + " already contains conflict markers"
		}
	}
	return ""
}

// mergeBlanks chooses between lines that are equal but for trailing blanks.
func mergeBlanks(base, ours, theirs line) []byte {
	if bytes.Equal(ours.body, base.body) {
		return theirs.body
	}
	return ours.body
}

// wantFinalNewline merges three ways whether the last line is ended.
func wantFinalNewline(base, ours, theirs text) bool {
	b, okB := base.finalNewline()
	o, okO := ours.finalNewline()
	t, okT := theirs.finalNewline()
	if okT && (!okO || okB && o == b) {
		return t
	}
	return o
}

// firstEnd returns the first end that is one, or LF.
func firstEnd(ends ...lineEnd) lineEnd {
	for _, e := range ends {
		if e != endNone {
			return e
		}
	}
	return endLF
}

// styleNotes reports what theirs changed for the whole file and ours keeps.
func styleNotes(base, ours, theirs text) []Note {
	var notes []Note
	b, o, t := base.endStyle(), ours.endStyle(), theirs.endStyle()
	if t != b && t != o && b != "" && o != "" && t != "" {
		notes = append(notes, Note{Text: fmt.Sprintf("line ends: kept %s of ours; theirs went from %s to %s", o, b, t)})
	}
	if theirs.bom != base.bom && theirs.bom != ours.bom {
		what := "added"
		if base.bom {
			what = "removed"
		}
		notes = append(notes, Note{Text: "byte order mark: kept as in ours; theirs " + what + " it"})
	}
	return notes
}

// writer puts lines together. Every line is written with an end; whether the last
// one keeps it is decided when all are there.
type writer struct {
	buf  []byte
	end  lineEnd // of conflict markers, of lines between them, and of lines that have none
	last lineEnd // of the line written last
}

func (w *writer) line(body []byte, end lineEnd) {
	w.last = firstEnd(end, w.end)
	w.buf = append(append(w.buf, body...), w.last.String()...)
}

func (w *writer) dropLastEnd() {
	w.buf = w.buf[:len(w.buf)-len(w.last.String())]
	w.last = endNone
}
