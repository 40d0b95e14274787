package tree

import (
	"slices"
	"strings"

	"inplace/merge"
)

// lead merges the comments above an entry that ours keeps.
func (m *merger) lead(path string, e entry) string {
	var b, t []Atom
	o := e.o
	if e.slot != nil {
		e = *e.slot
	}
	if e.b != nil {
		b = e.b.Lead
	}
	if e.t != nil {
		t = e.t.Lead
	} else {
		t = b // ours alone has it, or it is in conflict: its comments are ours
	}
	return m.atoms(path, b, o.Lead, t, m.taken[o])
}

// atoms merges comments between nodes: what one side changed is taken; where both
// changed one place, ours stays and it is noted. A comment that theirs only moved is
// left where it is. Atoms of ours in skip are left out.
func (m *merger) atoms(path string, b, o, t []Atom, skip map[int]bool) string {
	if skip == nil && sameAtoms(b, t) {
		if len(o) == 0 {
			return ""
		}
		return m.o.text(Range{o[0].Start, o[len(o)-1].End})
	}
	chunks, err := merge.Diff3(texts(b), texts(o), texts(t))
	if err != nil {
		chunks = []merge.Chunk{{OursEnd: len(o)}}
	}
	var s strings.Builder
	ours := func(from, to int) {
		for i := from; i < to; i++ {
			if !skip[i] {
				s.WriteString(m.o.text(o[i].Range))
			}
		}
	}
	for _, c := range chunks {
		switch {
		case c.Conflict:
			m.note(path, "comment changed by both: kept as in ours")
			ours(c.OursStart, c.OursEnd)
		case !c.Theirs || c.Ours:
			ours(c.OursStart, c.OursEnd)
		default:
			fresh := m.fresh(t[c.TheirsStart:c.TheirsEnd], false)
			old := false // a comment of base stays
			for i := c.OursStart; i < c.OursEnd; i++ {
				if text := o[i].Text; text != "" && !m.drop(text) {
					old = true
					ours(i, i+1)
				}
			}
			if fresh == "" && !old && blank(b[c.BaseStart:c.BaseEnd]) && blank(t[c.TheirsStart:c.TheirsEnd]) {
				ours(c.OursStart, c.OursEnd) // only blank lines changed
			}
			s.WriteString(fresh)
		}
	}
	return s.String()
}

func sameAtoms(a, b []Atom) bool {
	return slices.EqualFunc(a, b, func(x, y Atom) bool { return x.Text == y.Text })
}

func texts(atoms []Atom) []string {
	out := make([]string, len(atoms))
	for i, a := range atoms {
		out[i] = a.Text
	}
	return out
}

func blank(atoms []Atom) bool {
	for _, a := range atoms {
		if a.Text != "" {
			return false
		}
	}
	return true
}

// drop tells whether theirs removed a comment of base, once for each time it did.
func (m *merger) drop(text string) bool {
	if m.dropped[text] > 0 {
		m.dropped[text]--
		return true
	}
	return false
}

// fresh returns those comments of theirs that are new, with the blank lines around them.
// Blank lines alone are nothing, unless alone says they are wanted.
func (m *merger) fresh(t []Atom, alone bool) string {
	var s strings.Builder
	any, gap := false, false
	for _, a := range t {
		switch {
		case a.Text == "":
			if !gap || any {
				s.WriteString(m.plain(m.t, a.Range))
			}
			gap = true
			continue
		case m.added[a.Text] > 0:
			m.added[a.Text]--
			any = true
			s.WriteString(m.plain(m.t, a.Range))
		}
		gap = false
	}
	if !any && !alone {
		return ""
	}
	return s.String()
}

// takesLead tells whether a kid that theirs added took over comments that stood above
// the kid behind it in base and do in ours.
func (m *merger) takesLead(x *table, id, next string) bool {
	n, r := x.entries[id], x.entries[next]
	if n == nil || r == nil || n.t == nil || n.b != nil || r.b == nil || r.o == nil || r.t == nil {
		return false
	}
	left := map[string]int{}
	for _, a := range r.b.Lead {
		left[a.Text]++
	}
	for _, a := range r.t.Lead {
		left[a.Text]--
	}
	took := false
	for _, a := range n.t.Lead {
		if a.Text == "" || left[a.Text] <= 0 || m.added[a.Text] > 0 {
			continue
		}
		for i, c := range r.o.Lead {
			if c.Text == a.Text && !m.taken[r.o][i] {
				if m.taken[r.o] == nil {
					m.taken[r.o] = map[int]bool{}
				}
				m.taken[r.o][i] = true
				m.added[a.Text]++ // it is written with the new kid
				left[a.Text]--
				took = true
				break
			}
		}
	}
	return took
}

// comment is text that may end in a comment.
func (m *merger) comment(s string) []segment {
	out := text(s)
	if m.format.LineComments && strings.TrimSpace(s) != "" {
		out = append(out, segment{shut: true})
	}
	return out
}

// trailText is the comment behind a node, blanks folded.
func (m *merger) trailText(d *doc, n *Node) string {
	return strings.Join(strings.Fields(d.text(n.Trail)), " ")
}

// head writes the frame of a container up to its kids, with the comment in it merged.
func (m *merger) head(path string, b, o, t *Node) string {
	at := o.Aside
	fold := func(d *doc, n *Node) string { return Fold(d.text(n.Aside)) }
	switch was, ours, theirs := fold(m.b, b), fold(m.o, o), fold(m.t, t); {
	case theirs == was || theirs == ours:
	case ours != was:
		m.note(path, "comment changed by both: kept as in ours")
	case at.Empty() && (len(o.Kids) == 0 || o.Kids[0].Hangs || !o.Lines):
		m.note(path, "comment changed by theirs: there is no room for it in ours")
	default:
		if at.Empty() { // at the end of the line before the kids
			end := len(strings.TrimRight(m.o.text(Range{o.Body.Start, o.Inner.Start}), " \t\r\n"))
			at = Range{o.Body.Start + end, o.Body.Start + end}
		}
		return m.o.text(Range{o.Body.Start, at.Start}) + m.plain(m.t, t.Aside) + m.o.text(Range{at.End, o.Inner.Start})
	}
	return m.o.text(Range{o.Body.Start, o.Inner.Start})
}

// trail writes what follows the separator of an entry that ours keeps, up to the next
// one, with the comment merged.
func (m *merger) trail(path string, e entry) []segment {
	o := e.o
	rest := Range{sepRange(o).End, o.Full.End}
	if e.b == nil || e.t == nil {
		return m.comment(m.o.text(rest))
	}
	b, ours, t := m.trailText(m.b, e.b), m.trailText(m.o, o), m.trailText(m.t, e.t)
	switch {
	case t == b || t == ours:
	case ours != b:
		m.note(path, "comment changed by both: kept as in ours")
	case o.Open:
		m.note(path, "comment changed by theirs: there is no room for it in ours")
	default:
		at := o.Trail
		if at.Empty() {
			at = Range{rest.Start, rest.Start}
		}
		return m.comment(m.o.text(Range{rest.Start, at.Start}) + m.plain(m.t, e.t.Trail) + m.o.text(Range{at.End, rest.End}))
	}
	return m.comment(m.o.text(rest))
}
