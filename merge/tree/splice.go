package tree

import (
	"bytes"
	"slices"
	"strings"

	"inplace/merge"
)

// segment is a piece of the merged text: plain text, a place that must begin a line, a
// comment's end that a line end must follow, or a conflict with the text of each side.
type segment struct {
	text     string
	newline  bool
	shut     bool
	conflict *clash
}

// clash is a conflict's text of each side.
type clash struct {
	base, ours, theirs string
	of                 merge.Conflict
}

func text(s string) []segment {
	if s == "" {
		return nil
	}
	return []segment{{text: s}}
}

// piece is one kid of a merged container.
type piece struct {
	of    *Node     // of ours; nil for an inserted one
	head  []segment // comments
	gap   string    // blanks before the body
	body  []segment
	blank string // before the separator
	sep   string
	tail  []segment
	loose bool // comments alone, or a conflict: no separator
}

func (p piece) segments(out []segment, gap, sep string) []segment {
	out = append(append(append(out, p.head...), text(gap)...), p.body...)
	blank := p.blank
	if sep == "" || p.sep == "" {
		blank = ""
	}
	return append(append(out, text(blank+sep)...), p.tail...)
}

// assemble puts the kids of a container together, each with its separator. final: the
// last one has one too.
func assemble(pieces []piece, frame *Node, final bool) []segment {
	last := -1
	for i, p := range pieces {
		if !p.loose {
			last = i
		}
	}
	out := make([]segment, 0, 4*len(pieces))
	for i, p := range pieces {
		hangs := i == 0 && len(frame.Kids) > 0 && frame.Kids[0].Hangs
		if frame.Lines && !hangs && (i > 0 || frame.Inner.Start > frame.Body.Start) {
			out = append(out, segment{newline: true})
		}
		gap, sep := p.gap, p.sep
		switch {
		case hangs && len(p.head) > 0:
			p.head[0].text = strings.TrimLeft(p.head[0].text, " \t")
		case hangs:
			gap = ""
		}
		switch {
		case frame.Separator == "":
		case p.loose, i == last && !(final && frame.FinalSep):
			sep = ""
		case sep == "":
			sep = frame.Separator
		}
		switch {
		case frame.Separator == "" || frame.Lines || len(p.head) > 0 || len(frame.Kids) == 0:
		case i == 0 && gap == " " && p.of != frame.Kids[0] && frame.Kids[0].gap().Empty():
			gap = ""
		case i > 0 && gap == "" && (p.of == nil || p.of == frame.Kids[0]) && (len(frame.Kids) == 1 || !frame.Kids[1].gap().Empty()):
			gap = " "
		}
		out = p.segments(out, gap, sep)
	}
	return out
}

// indents is how lines of base and theirs are indented anew for a place in ours.
type indents struct{ base, theirs, ours string }

// indentAt returns the blanks that begin the line of a byte.
func indentAt(d *doc, at int) string {
	data, start := d.data, d.lineStart(at)
	end := start
	for end < len(data) && (data[end] == ' ' || data[end] == '\t') {
		end++
	}
	return string(data[start:end])
}

// indent is the indentation of a node: that of its line, or its column where it begins
// on the line of its container's head.
func (d *doc) indent(n *Node) string {
	if n.Hangs {
		return strings.Repeat(" ", n.Body.Start-d.lineStart(n.Body.Start))
	}
	return indentAt(d, n.Body.Start)
}

// gap returns the blanks before a node of ours where it is not the first of its line.
func (m *merger) gap(o *Node) string {
	if o.Hangs {
		return m.o.indent(o)
	}
	return m.o.text(o.gap())
}

// indents finds the indentation of an entry: as ours has it, or has its neighbors, or
// its container.
func (m *merger) indents(e entry, in setting) indents {
	var ind indents
	if e.b != nil {
		ind.base = m.b.indent(e.b)
	}
	if e.t != nil {
		ind.theirs = m.t.indent(e.t)
	}
	switch {
	case e.o != nil:
		ind.ours = m.o.indent(e.o)
	case len(in.o.Kids) > 0:
		ind.ours = m.o.indent(m.typical(in.o.Kids))
	default:
		ind.ours = ind.theirs
		if outer := m.t.indent(in.t); strings.HasPrefix(ind.theirs, outer) {
			ind.ours = m.o.indent(in.o) + ind.theirs[len(outer):]
		}
	}
	return ind
}

// typical returns the kid of ours that new ones are to look like: the last one, but one
// of those before it if only these begin a line.
func (m *merger) typical(kids []*Node) *Node {
	for _, k := range slices.Backward(kids[max(0, len(kids)-3):]) {
		if strings.Contains(m.o.text(k.gap()), "\n") {
			return k
		}
	}
	return kids[len(kids)-1]
}

// adapt returns a range of base or theirs, which lies within n, with the line ends of
// ours and indented as ours is.
func (m *merger) adapt(d *doc, n *Node, r Range, ind indents) string {
	from := ind.theirs
	if d == m.b {
		from = ind.base
	}
	if from == ind.ours {
		return m.plain(d, r)
	}
	var fixed []Range
	var collect func(n *Node)
	collect = func(n *Node) {
		if n.Verbatim {
			fixed = append(fixed, n.Val)
		}
		for _, k := range n.Kids {
			collect(k)
		}
	}
	collect(n)
	var s strings.Builder
	at := r.Start
	for at < r.End {
		end := min(d.lineEnd(at+1), r.End)
		for len(fixed) > 0 && fixed[0].End < at {
			fixed = fixed[1:]
		}
		inside := len(fixed) > 0 && fixed[0].Start < at && at < fixed[0].End
		line := d.data[at:end]
		if begins := at == 0 || d.data[at-1] == '\n'; begins && !inside && len(bytes.TrimSpace(line)) > 0 {
			if rest, ok := bytes.CutPrefix(line, []byte(from)); ok {
				s.WriteString(ind.ours)
				line = rest
			}
		}
		s.Write(line)
		at = end
	}
	return m.lineEnds(s.String())
}

// plain returns a range of base or theirs with the line ends of ours.
func (m *merger) plain(d *doc, r Range) string { return m.lineEnds(d.text(r)) }

func (m *merger) lineEnds(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if m.o.eol == "\r\n" {
		s = strings.ReplaceAll(s, "\n", "\r\n")
	}
	return s
}

// inserted writes a node of theirs into ours.
func (m *merger) inserted(n *Node, in setting) piece {
	ind := m.indents(entry{t: n}, in)
	lead := m.reindent(m.fresh(n.Lead, true), ind, in)
	return piece{
		head:  m.comment(lead),
		gap:   m.newGap(n, ind, in, strings.TrimSpace(lead) != ""),
		body:  text(m.adapt(m.t, n, n.Body, ind)),
		blank: m.plain(m.t, Range{n.Body.End, sepRange(n).Start}),
		sep:   m.t.text(n.Sep),
		tail:  m.comment(m.plain(m.t, Range{sepRange(n).End, n.Full.End})),
	}
}

// reindent indents comments of theirs as ours is.
func (m *merger) reindent(s string, ind indents, in setting) string {
	if ind.theirs == ind.ours || s == "" {
		return s
	}
	var out strings.Builder
	first := !in.o.Lines // then the first line goes on one that has begun
	for l := range strings.Lines(s) {
		if rest, ok := strings.CutPrefix(l, ind.theirs); ok && !first && strings.TrimSpace(rest) != "" {
			l = ind.ours + rest
		}
		first = false
		out.WriteString(l)
	}
	return out.String()
}

// newGap returns the blanks before a node of theirs in ours: as its neighbors have it.
func (m *merger) newGap(n *Node, ind indents, in setting, commented bool) string {
	gap := m.plain(m.t, n.gap())
	if n.Hangs {
		gap = ind.theirs
	}
	if in.o.Lines || len(in.o.Kids) == 0 {
		if i := strings.LastIndexByte(gap, '\n'); strings.HasPrefix(gap[i+1:], ind.theirs) {
			gap = gap[:i+1] + ind.ours + gap[i+1+len(ind.theirs):]
		}
		return gap
	}
	near := m.o.text(m.typical(in.o.Kids).gap())
	switch i := strings.LastIndexByte(gap, '\n'); {
	case strings.Contains(near, "\n") && i >= 0:
		return gap[:i+1] + ind.ours
	case strings.Contains(near, "\n") || commented:
		return m.o.eol + ind.ours
	case len(in.o.Kids) > 1 || near != "":
		return near
	case i < 0:
		return gap
	}
	return " "
}

// removed writes what is left of an entry that theirs removed: comments of the
// operator's. One that stood behind it becomes a line, where lines are what kids are.
func (m *merger) removed(e entry, in setting) (piece, bool) {
	left := m.atoms("", e.b.Lead, e.o.Lead, nil, m.taken[e.o])
	if trail := m.trailText(m.o, e.o); trail != "" && trail != m.trailText(m.b, e.b) {
		if in.o.Lines {
			left += m.gap(e.o) + trail + m.o.eol
		} else {
			m.note(join("", e.o), "the comment behind it went with it")
		}
	}
	if strings.TrimSpace(left) == "" {
		return piece{}, false
	}
	return piece{head: m.comment(left), loose: true}, true
}

// full returns a node with what follows it, for a conflict.
func (m *merger) full(d *doc, n *Node, ind indents) string {
	switch {
	case n == nil:
		return ""
	case d == m.o:
		return d.text(Range{n.Body.Start, n.Full.End})
	}
	return m.adapt(d, n, Range{n.Body.Start, n.Full.End}, ind)
}

// clash writes an entry as a conflict.
func (m *merger) clash(path, reason string, e entry, in setting) piece {
	of := m.conflict(path, reason, nodes(e.b), nodes(e.o), nodes(e.t), in)
	ind := m.indents(e, in)
	if e.b != nil && e.o != nil && e.t != nil && e.b.Kind == Leaf && e.o.Kind == Leaf && e.t.Kind == Leaf {
		o := e.o
		body := text(m.o.text(Range{o.Body.Start, o.Val.Start}))
		body = append(body, segment{conflict: &clash{of: of, ours: m.o.text(o.Val),
			base: m.adapt(m.b, e.b, e.b.Val, ind), theirs: m.adapt(m.t, e.t, e.t.Val, ind)}})
		body = append(body, text(m.o.text(Range{o.Val.End, o.Body.End}))...)
		return piece{of: o, head: m.comment(m.lead(path, e)), gap: m.gap(o), body: body,
			blank: m.o.text(Range{o.Body.End, sepRange(o).Start}), sep: m.o.text(o.Sep), tail: m.trail(path, e)}
	}
	gap := ""
	var head []segment
	if e.o != nil {
		head = m.comment(m.lead(path, e))
		gap = m.o.text(e.o.gap())
	} else {
		gap = m.newGap(e.t, ind, in, false)
	}
	with := func(s string) string {
		if s == "" {
			return ""
		}
		return gap + s
	}
	return piece{head: head, loose: true, body: []segment{{conflict: &clash{of: of,
		base: with(m.full(m.b, e.b, ind)), ours: with(m.full(m.o, e.o, ind)), theirs: with(m.full(m.t, e.t, ind))}}}}
}

func nodes(n *Node) []*Node {
	if n == nil {
		return nil
	}
	return []*Node{n}
}

// groupClash writes several kids as one conflict: those of one key, or of one class.
func (m *merger) groupClash(path, reason string, g [3][]*Node, in setting) piece {
	all := slices.Concat(g[0], g[1], g[2])
	if !slices.ContainsFunc(all, func(n *Node) bool { return n.Key != all[0].Key }) {
		path = join(path, all[0])
	}
	c := &clash{of: m.conflict(path, reason, g[0], g[1], g[2], in)}
	for i, side := range g {
		for _, n := range side {
			d := []*doc{m.b, m.o, m.t}[i]
			*[]*string{&c.base, &c.ours, &c.theirs}[i] += m.plain(d, n.Full)
		}
	}
	return piece{body: []segment{{conflict: c}}, loose: true}
}

// innerClash writes all kids of a container as one conflict.
func (m *merger) innerClash(path, reason string, e entry, in setting) []segment {
	of := m.conflict(path, reason, nodes(e.b), nodes(e.o), nodes(e.t), in)
	ind := m.indents(e, in)
	out := text(m.o.text(Range{e.o.Body.Start, e.o.Inner.Start}))
	out = append(out, segment{conflict: &clash{of: of, ours: m.o.text(e.o.Inner),
		base: m.adapt(m.b, e.b, e.b.Inner, ind), theirs: m.adapt(m.t, e.t, e.t.Inner, ind)}})
	return append(out, text(m.o.text(Range{e.o.Inner.End, e.o.Body.End}))...)
}
