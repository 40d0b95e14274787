package conflict

import (
	"bytes"

	"inplace/merge"
)

// A Reading is what became of a text with markers.
type Reading struct {
	Spots []SpotReading // as many as the file has
	// Outside: lines apart from the places were changed too, or it cannot be told which
	// change is about which place. The text counts as a whole.
	Outside bool
	Line    int // of the first marker that is left, counted from 1; 0: none
}

// A SpotReading is a place of the text as it is now.
type SpotReading struct {
	Open       bool   // markers are left in it
	Touched    bool   // it is not as it was laid out
	Known      bool   // it can be told where it is
	Text       []byte // what stands there; only if Known
	Start, End int    // its bytes; only if Known
	Line       int    // the first of its lines, counted from 1; only if Known
}

// Open reports whether anything in the text waits.
func (r *Reading) Open() bool {
	if r.Line > 0 {
		return true
	}
	for _, s := range r.Spots {
		if s.Open {
			return true
		}
	}
	return false
}

// Read compares marked, the text of f as it was laid out, with current.
func (f *File) Read(marked, current []byte) Reading {
	r := Reading{Spots: make([]SpotReading, len(f.Spots)), Line: MarkerLine(current, f.Marker)}
	was, now := splitLines(marked), splitLines(current)
	chunks, err := merge.Diff3(was, now, was)
	if err != nil {
		chunks = []merge.Chunk{{BaseEnd: len(was), OursEnd: len(now), Ours: true}}
	}
	offsets := make([]int, len(now)+1)
	for i, l := range now {
		offsets[i+1] = offsets[i] + len(l)
	}
	owner := make([]int, len(chunks)) // the place that a change is in, -1 for none
	for n, c := range chunks {
		owner[n] = -1
		for i, spot := range f.Spots {
			inside := c.BaseStart >= spot.From && c.BaseEnd <= spot.To
			if c.Ours && inside && owner[n] < 0 {
				owner[n] = i
				r.Spots[i].Touched = true
			}
		}
	}
	for i, spot := range f.Spots {
		s := &r.Spots[i]
		s.Known = true
		from, to := spot.From, spot.To
		for n, c := range chunks {
			grown := (c.OursEnd - c.OursStart) - (c.BaseEnd - c.BaseStart)
			switch {
			case !c.Ours:
			case owner[n] == i:
				to += grown
			case c.BaseEnd <= spot.From:
				from, to = from+grown, to+grown
			case c.BaseStart < spot.To: // over an edge of it
				s.Touched, s.Known = true, false
			}
			r.Outside = r.Outside || c.Ours && owner[n] < 0
		}
		s.Known = s.Known && 0 <= from && from <= to && to <= len(now)
		if !s.Known {
			s.Open = r.Line > 0
			continue
		}
		s.Start, s.End, s.Line = offsets[from], offsets[to], from+1
		s.Text = current[s.Start:s.End]
		s.Open = MarkerLine(s.Text, f.Marker) > 0
	}
	return r
}

func splitLines(text []byte) []string {
	var out []string
	for l := range bytes.Lines(text) {
		out = append(out, string(l))
	}
	return out
}

// Replace returns current with the place s replaced by text.
func Replace(current []byte, s SpotReading, text []byte) []byte {
	return bytes.Join([][]byte{current[:s.Start], text, current[s.End:]}, nil)
}
