package tree

import (
	"bytes"
	"strings"

	"inplace/merge"
)

// spliced renders a result without conflicts.
func (m *merger) spliced() []byte {
	var out []byte
	if m.o.bom {
		out = append(out, bom...)
	}
	start := len(out)
	for _, s := range m.settled() {
		if s.newline {
			out = m.beginLine(out, start)
			continue
		}
		out = append(out, s.text...)
	}
	return m.finalNewline(out, start)
}

// settled returns the segments without those that end a comment: where no line end
// follows such a one, it becomes one.
func (m *merger) settled() []segment {
	out := make([]segment, 0, len(m.segments))
	open := false // a comment is
	for _, s := range m.segments {
		switch {
		case s.shut:
			open = len(out) > 0 && !strings.HasSuffix(out[len(out)-1].text, "\n")
			continue
		case s.text == "" || !open:
		case strings.HasPrefix(s.text, "\n"), strings.HasPrefix(s.text, "\r\n"):
			open = false
		default:
			s.text = m.o.eol + s.text
			open = false
		}
		out = append(out, s)
	}
	return out
}

// beginLine ends the line of out, if it is not ended.
func (m *merger) beginLine(out []byte, start int) []byte {
	if len(out) > start && out[len(out)-1] != '\n' {
		out = append(out, m.o.eol...)
	}
	return out
}

// finalNewline merges three ways whether the text ends with a line end.
func (m *merger) finalNewline(out []byte, start int) []byte {
	want := m.o.newline
	if m.o.newline == m.b.newline && len(m.t.data) > 0 {
		want = m.t.newline
	}
	switch {
	case len(out) == start:
	case want:
		out = m.beginLine(out, start)
	default:
		if rest, ended := bytes.CutSuffix(out, []byte("\n")); ended { // a lone CR is no line end
			out = bytes.TrimSuffix(rest, []byte("\r"))
		}
	}
	return out
}

// marked renders a result with conflicts: whole lines within diff3 markers, the same but
// for what is in conflict.
func (m *merger) marked() (out []byte, blocks []merge.Block) {
	if m.o.bom {
		out = append(out, bom...)
	}
	start := len(out)
	var sides [3][]byte       // base, ours, theirs of the block that is open
	var held []merge.Conflict // of the open block
	open := false
	marked := 0 // where the last block ends
	whole := func() bool {
		for _, s := range sides {
			if len(s) > 0 && s[len(s)-1] != '\n' {
				return false
			}
		}
		return true
	}
	shut := func() {
		var b merge.Block
		out, b = merge.AppendBlock(out, sides[0], sides[1], sides[2], m.o.eol, m.opt)
		b.Conflicts = held
		blocks = append(blocks, b)
		sides, held, open, marked = [3][]byte{}, nil, false, len(out)
	}
	for _, s := range m.settled() {
		switch {
		case s.newline && open:
			for i := range sides {
				sides[i] = m.beginLine(sides[i], 0)
			}
			shut()
		case s.newline:
			out = m.beginLine(out, start)
		case s.conflict != nil:
			if !open {
				open = true
				from := max(start, bytes.LastIndexByte(out, '\n')+1)
				for i := range sides {
					sides[i] = append([]byte(nil), out[from:]...)
				}
				out = out[:from]
			}
			held = append(held, s.conflict.of)
			sides[0], sides[1], sides[2] = append(sides[0], s.conflict.base...), append(sides[1], s.conflict.ours...), append(sides[2], s.conflict.theirs...)
			if whole() {
				shut()
			}
		case open:
			line := []byte(s.text)
			if i := bytes.IndexByte(line, '\n'); i >= 0 {
				line = line[:i+1]
			}
			for i := range sides {
				sides[i] = append(sides[i], line...)
			}
			if line[len(line)-1] == '\n' {
				shut()
			}
			out = append(out, s.text[len(line):]...)
		default:
			out = append(out, s.text...)
		}
	}
	if open {
		shut()
	}
	if len(out) == marked {
		return out, blocks
	}
	return m.finalNewline(out, start), blocks
}
