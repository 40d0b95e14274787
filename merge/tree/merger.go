package tree

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"inplace/merge"
)

// maxNotes is how many automatic decisions a result tells of.
const maxNotes = 1000

// merger merges one triple. It writes what ours becomes as segments.
type merger struct {
	format    Format
	b, o, t   *doc
	opt       merge.Options
	notes     []merge.Note
	conflicts []merge.Conflict
	segments  []segment
	// How often theirs has a comment more, and less, than base: a comment that only
	// went from one place to another is neither added nor removed.
	added, dropped map[string]int
	taken          map[*Node]map[int]bool // lead atoms of ours that were written before another node
}

func newMerger(f Format, b, o, t *doc, opt merge.Options) *merger {
	m := &merger{format: f, b: b, o: o, t: t, opt: opt,
		added: map[string]int{}, dropped: map[string]int{}, taken: map[*Node]map[int]bool{}}
	for text, n := range t.atoms {
		m.added[text] = n - max(b.atoms[text], o.atoms[text])
	}
	for text, n := range b.atoms {
		m.dropped[text] = n - t.atoms[text]
	}
	return m
}

func (m *merger) note(path, text string) {
	if len(m.notes) < maxNotes {
		m.notes = append(m.notes, merge.Note{Key: path, Text: text})
	}
}

func (m *merger) run() {
	p := m.kept("", entry{b: m.b.root, o: m.o.root, t: m.t.root}, setting{m.o.root, m.t.root})
	m.segments = p.segments(nil, p.gap, p.sep)
	if m.b.eol != m.t.eol && m.o.eol != m.t.eol {
		m.note("", "line ends: kept those of ours; theirs has others")
	}
	if m.b.bom != m.t.bom && m.o.bom != m.t.bom {
		m.note("", "byte order mark: kept as in ours; theirs changed it")
	}
}

// entry is one key in the three texts; nil where it is absent.
type entry struct {
	b, o, t *Node
	// slot is the commented-out setting that ours made a live one: the comments above
	// it are those above the setting now.
	slot *entry
}

// setting is where an entry stands: the containers in ours and theirs.
type setting struct{ o, t *Node }

// join spells the path of n below path.
func join(path string, n *Node) string {
	if n.Quiet {
		return path
	}
	if path == "" {
		return n.label()
	}
	return path + "/" + n.label()
}

// value tells whether a node is taken or left as a whole.
func value(n *Node) bool { return n.Kind == Leaf || n.Atomic }

func (e entry) any() *Node {
	switch {
	case e.o != nil:
		return e.o
	case e.t != nil:
		return e.t
	}
	return e.b
}

// decide returns what an entry becomes; ok is false if nothing of it is written.
func (m *merger) decide(path string, e entry, in setting) (p piece, ok bool) {
	path = join(path, e.any())
	if e.any().Slot {
		return m.slot(path, e, in)
	}
	switch {
	case e.o == nil && e.t == nil:
		return piece{}, false
	case e.o == nil && e.b == nil:
		m.note(path, "added by theirs")
		return m.inserted(e.t, in), true
	case e.o == nil:
		if same(e.b, e.t) {
			return piece{}, false
		}
		return m.clash(path, "ours removed it, theirs changed it", e, in), true
	case e.t == nil && e.b == nil:
		return m.kept(path, e, in), true
	case e.t == nil:
		if !same(e.b, e.o) {
			return m.clash(path, "theirs removed it, ours changed it", e, in), true
		}
		if m.commented(e.b, e.o) {
			return m.clash(path, "theirs removed it, ours wrote a comment in it", e, in), true
		}
		m.note(path, "removed by theirs")
		return m.removed(e, in)
	}
	return m.kept(path, e, in), true
}

// slot decides a commented-out setting: never a conflict.
func (m *merger) slot(path string, e entry, in setting) (p piece, ok bool) {
	switch {
	case e.o == nil && e.b == nil:
		return m.inserted(e.t, in), true
	case e.o == nil:
		return piece{}, false
	case e.t == nil && e.b != nil && same(e.b, e.o) && !m.commented(e.b, e.o):
		return m.removed(e, in)
	case e.t != nil && e.b != nil && !same(e.b, e.t) && !same(e.o, e.t) && !same(e.b, e.o):
		m.note(path, "commented out, changed by both: kept as in ours")
	}
	return m.kept(path, e, in), true
}

// kept writes an entry that ours has and keeps, with what theirs changed in it.
func (m *merger) kept(path string, e entry, in setting) piece {
	if e.slot == nil && e.b != nil && e.t != nil && len(m.taken[e.o]) == 0 && e.o.Kind == Leaf &&
		bytes.Equal(m.b.data[e.b.Full.Start:e.b.Full.End], m.t.data[e.t.Full.Start:e.t.Full.End]) {
		if in.o.Lines && e.o.Sep.Empty() && !e.o.Hangs {
			return piece{of: e.o, body: text(m.o.text(e.o.Full))}
		}
		e.t = nil // theirs has nothing to say about it
	}
	p := piece{
		of:    e.o,
		head:  m.comment(m.lead(path, e)),
		gap:   m.gap(e.o),
		blank: m.o.text(Range{e.o.Body.End, sepRange(e.o).Start}),
		sep:   m.o.text(e.o.Sep),
		tail:  m.trail(path, e),
	}
	b, o, t := e.b, e.o, e.t
	switch {
	case t == nil || o.Slot && (b == nil || !same(b, o)):
		p.body = text(m.o.text(o.Body))
	case o.Vague && !value(o) && !same(o, t) && (b == nil || !same(b, o) && !same(b, t)):
		return m.clash(path, "both sides changed an item that nothing sure identifies", e, in)
	case alike(o, t) && (b == nil || ofKind(b, o)):
		p.body = m.container(path, e, in)
		if !endsLine(m.o.text(o.Body)) && len(p.body) > 0 && endsLine(p.body[len(p.body)-1].text) {
			p.tail = withoutLineEnd(p.tail)
		}
	case same(o, t):
		if b != nil && !same(b, o) {
			m.note(path, "changed alike by both")
		}
		p.body = text(m.o.text(o.Body))
	case same(b, t):
		p.body = text(m.o.text(o.Body))
	case b == nil:
		return m.clash(path, "both sides added it with different values", e, in)
	case !same(b, o):
		return m.clash(path, "both sides changed it differently", e, in)
	case t.Open && commentIn(p.tail), m.commented(b, o) || (o.Kind != t.Kind || o.Bare != t.Bare) && m.trailText(m.o, o) != m.trailText(m.b, b):
		return m.clash(path, "theirs changed it, ours wrote a comment in it", e, in)
	case o.Kind == Leaf && t.Kind == Leaf && o.Bare == t.Bare:
		m.note(path, "changed by theirs")
		p.body = text(m.o.text(Range{o.Body.Start, o.Val.Start}) +
			m.adapt(m.t, t, t.Val, m.indents(e, in)) +
			m.o.text(Range{o.Val.End, o.Body.End}))
	default:
		m.note(path, "changed by theirs")
		n := m.inserted(t, in)
		p.body, p.tail = n.body, n.tail
	}
	return p
}

// ofKind tells whether the kids of a can be matched with those of b: where there are
// none it does not matter whether their order counts.
func ofKind(a, b *Node) bool {
	return !value(a) && !value(b) && a.Type == b.Type && (a.Kind == b.Kind || len(a.Kids) == 0 || len(b.Kids) == 0)
}

// alike tells whether kids of b can be put among those of a, by kind and by form.
func alike(a, b *Node) bool {
	return ofKind(a, b) && (a.Lines == b.Lines || len(a.Kids) == 0 || len(b.Kids) == 0)
}

func endsLine(s string) bool { return strings.HasSuffix(s, "\n") }

// withoutLineEnd removes the line end that begins a piece of text.
func withoutLineEnd(s []segment) []segment {
	for i := range s {
		if rest := strings.TrimPrefix(strings.TrimPrefix(s[i].text, "\r"), "\n"); rest != s[i].text {
			s[i].text = rest
			return s
		}
	}
	return s
}

// commentIn tells whether what follows a node is more than blanks.
func commentIn(tail []segment) bool {
	return slices.ContainsFunc(tail, func(s segment) bool { return strings.TrimSpace(s.text) != "" })
}

// unblanked is a text without blanks and line ends.
func unblanked(s string) string { return strings.Join(strings.Fields(s), "") }

// commented tells whether ours has comments within a node that base has not.
func (m *merger) commented(b, o *Node) bool {
	if o.Kind == Leaf {
		return false
	}
	count := func(d *doc, n *Node) map[string]int {
		d = &doc{data: d.data, all: d.all, atoms: map[string]int{}}
		for _, k := range n.Kids {
			d.countAtoms(k)
		}
		d.countAtoms(&Node{Tail: n.Tail, Aside: n.Aside})
		return d.atoms
	}
	inBase := count(m.b, b)
	for text, n := range count(m.o, o) {
		if n > inBase[text] {
			return true
		}
	}
	return false
}

// container merges the kids of an entry within the frame that ours has, or that of
// theirs where ours has none.
func (m *merger) container(path string, e entry, in setting) []segment {
	b, o, t := e.b, e.o, e.t
	if b != nil && alikeText(m.b.data[b.Body.Start:b.Body.End], m.o.data[o.Body.Start:o.Body.End]) ||
		b != nil && t.Closed && same(b, o) && !m.commented(b, o) {
		if !same(b, t) {
			m.note(path, "changed by theirs")
		}
		if same(b, t) && alikeText(m.b.data[b.Body.Start:b.Body.End], m.t.data[t.Body.Start:t.Body.End]) {
			return text(m.o.text(o.Body))
		}
		if same(b, t) && o != m.o.root && unblanked(m.b.text(b.Body)) == unblanked(m.t.text(t.Body)) {
			return text(m.o.text(o.Body)) // indented anew in a text that ours changed elsewhere
		}
		return text(m.adapt(m.t, t, t.Body, m.indents(e, in)))
	}
	if b == nil {
		b = &Node{Kind: o.Kind}
	}
	e = entry{b: b, o: o, t: t}
	pieces, ok := m.kids(path, e)
	if !ok {
		return m.innerClash(path, "both sides changed a list whose order has a meaning", e, in)
	}
	if (o.Closed || len(o.Kids) == 0 && len(o.Tail) == 0 && !o.Lines) && len(pieces) > 0 {
		ind := m.indents(e, in)
		out := text(m.adapt(m.t, t, Range{t.Body.Start, t.Inner.Start}, ind))
		out = append(out, assemble(pieces, t, lastHasSep(t))...)
		out = append(out, m.comment(m.atoms(path, b.Tail, o.Tail, t.Tail, nil))...)
		return append(out, text(m.adapt(m.t, t, Range{afterKids(t), t.Body.End}, ind))...)
	}
	out := text(m.head(path, b, o, t))
	out = append(out, assemble(pieces, o, lastHasSep(o))...)
	out = append(out, m.comment(m.atoms(path, b.Tail, o.Tail, t.Tail, nil))...)
	return append(out, text(m.o.text(Range{afterKids(o), o.Body.End}))...)
}

// afterKids is where the last kid or tail atom of a container ends.
func afterKids(n *Node) int {
	switch {
	case len(n.Tail) > 0:
		return n.Tail[len(n.Tail)-1].End
	case len(n.Kids) > 0:
		return n.Kids[len(n.Kids)-1].Full.End
	}
	return n.Inner.Start
}

func lastHasSep(n *Node) bool {
	return len(n.Kids) > 0 && !n.Kids[len(n.Kids)-1].Sep.Empty()
}

// sepRange is where the separator of n stands or would stand.
func sepRange(n *Node) Range {
	if n.Sep.Empty() {
		return Range{n.Body.End, n.Body.End}
	}
	return n.Sep
}

// alikeText tells whether two texts differ in CR and blanks at line ends only.
func alikeText(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	for len(a) > 0 && len(b) > 0 {
		i, j := bytes.IndexByte(a, '\n')+1, bytes.IndexByte(b, '\n')+1
		if i == 0 {
			i = len(a)
		}
		if j == 0 {
			j = len(b)
		}
		if !bytes.Equal(bytes.TrimRight(a[:i], " \t\r\n"), bytes.TrimRight(b[:j], " \t\r\n")) {
			return false
		}
		a, b = a[i:], b[j:]
	}
	return len(a) == len(b)
}

// kids merges what is below a container; ok is false if its order cannot be merged.
func (m *merger) kids(path string, e entry) ([]piece, bool) {
	x := m.match(path, e)
	order, ok := x.order(m, e)
	if !ok {
		return nil, false
	}
	in := setting{e.o, e.t}
	var pieces []piece
	for _, id := range order {
		if reason := x.torn[id]; reason != "" {
			pieces = append(pieces, m.groupClash(path, reason, x.groups[id], in))
			continue
		}
		en := *x.entries[id]
		if en.b == nil && !en.any().Slot {
			if s := x.entries[SlotKey(id)]; s != nil && s.b != nil && s.o == nil {
				en.slot = s
			}
		}
		if p, ok := m.decide(path, en, in); ok {
			pieces = append(pieces, p)
		}
	}
	return pieces, true
}

// conflict records a conflict about the nodes, some of which may be nil; in is where an
// absent one would be.
func (m *merger) conflict(path, reason string, b, o, t []*Node, in setting) merge.Conflict {
	c := merge.Conflict{Key: printable(path), Reason: reason}
	for _, side := range []struct {
		d          *doc
		nodes      []*Node
		in         *Node
		text       *[]byte
		start, end *int
	}{
		{m.b, b, nil, &c.Base, &c.BaseStart, &c.BaseEnd},
		{m.o, o, in.o, &c.Ours, &c.OursStart, &c.OursEnd},
		{m.t, t, in.t, &c.Theirs, &c.TheirsStart, &c.TheirsEnd},
	} {
		d := side.d
		if len(side.nodes) == 0 {
			if side.in != nil {
				*side.start = d.line(afterKids(side.in))
			}
			*side.end = *side.start
			continue
		}
		from := d.lineStart(side.nodes[0].Body.Start)
		to := d.lineEnd(max(side.nodes[len(side.nodes)-1].Body.End, from))
		*side.text = d.data[from:to]
		*side.start, *side.end = d.line(from), d.line(to)
		if to > from && d.data[to-1] != '\n' {
			*side.end++
		}
	}
	m.conflicts = append(m.conflicts, c)
	return c
}

// printable spells a path for people.
func printable(path string) string {
	var s strings.Builder
	for _, r := range path {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			fmt.Fprintf(&s, "\\x%02x", r)
		} else {
			s.WriteRune(r)
		}
	}
	return s.String()
}
