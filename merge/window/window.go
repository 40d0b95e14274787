// Package window merges texts whose changes lie apart, without building a tree of them.
//
// A text is cut into entries: a key with its value and the comments and blank lines
// before it (scan.go, and a file for each format). An entry that all three texts have in
// the same words and order is common; what lies between two common entries is a window.
// Where a window was changed by one side only, that side's bytes are the merge of it; so
// the whole is merged without looking into any value.
//
// That is right only if no key concerns two windows: then a key is changed by the side
// that changed its window, and by no other. Merge therefore gives up, ok false, where
//
//   - a window was changed by both sides, unless all three have the same keys there in
//     the same order and no single key was changed by both in different ways;
//   - a key stands twice in a text, or in different windows of two texts;
//   - both sides changed something in what only its place tells from its like (two
//     elements of one name): a place is no identity;
//   - both sides added, removed or moved something below one parent and the format
//     keeps an order (XML, nginx);
//   - the texts have different line ends, a byte order mark, conflict markers or zero
//     bytes, or any line whose form the scanner of the format does not know for sure.
//
// What it merges is looked through once more (check.go): each key has the value that the
// three-way rule gives it and stands once. Giving up costs one reading of the texts; the
// mergers of merge/formats take over, which come to the same result or to a conflict.
//
// The scanners are stricter than the formats and never guess. They do not tell whether a
// value is well formed: what nobody changed, or one side wrote, is taken as it is.
//
// The package imports next to nothing, so that it can be used before the rest of the
// program is set up (package updater/quick). It is pure, and time and memory are in
// proportion to the texts.
package window

import "bytes"

// maxBytes is the size of a text from which on Merge gives up.
const maxBytes = 64 << 20

// Merge merges base, ours and theirs in the format, one of those that package formats
// names; ok is false where it cannot be sure, or the format is none that it knows.
// merged may share memory with an input.
func Merge(format string, base, ours, theirs []byte) (merged []byte, ok bool) {
	f := formatOf(format)
	if f == nil || !alike(base, ours, theirs) {
		return nil, false
	}
	names := newNames()
	var texts [3]*text
	for i, data := range [3][]byte{base, ours, theirs} {
		if texts[i] = f.read(data, names); texts[i] == nil {
			return nil, false
		}
	}
	if names.torn() {
		return nil, false
	}
	m := merger{format: f, names: names, b: texts[0], o: texts[1], t: texts[2], owner: make([]int32, names.count())}
	m.out = make([]byte, 0, max(len(ours), len(theirs))+64)
	if !m.run() {
		return nil, false
	}
	result := f.read(m.out, names)
	if result == nil || !f.repeats && !follows(m.b, m.o, m.t, result, names.count()) {
		return nil, false
	}
	return m.out, true
}

// alike tells whether the texts have no peculiarity that a merge has to even out.
func alike(texts ...[]byte) bool {
	crlf := -1
	for _, data := range texts {
		if len(data) > maxBytes || bytes.HasPrefix(data, []byte("\uFEFF")) || bytes.IndexByte(data, 0) >= 0 || marked(data) {
			return false
		}
		style := 0
		if returns := bytes.Count(data, []byte("\r")); returns > 0 {
			if ends := bytes.Count(data, []byte("\r\n")); ends != returns || ends != bytes.Count(data, []byte("\n")) {
				return false
			}
			style = 1
		}
		if crlf < 0 {
			crlf = style
		}
		if style != crlf {
			return false
		}
	}
	return true
}

// marked tells whether a line begins as a conflict marker.
func marked(data []byte) bool {
	for _, marker := range []string{"<<<<<<<", "|||||||", ">>>>>>>"} {
		for at := 0; ; {
			i := bytes.Index(data[at:], []byte(marker))
			if i < 0 {
				break
			}
			if at += i; at == 0 || data[at-1] == '\n' {
				return true
			}
			at += len(marker)
		}
	}
	return false
}

// side says who changed something; the bits add up.
type side byte

const (
	byOurs side = 1 << iota
	byTheirs
)

// merger goes through three texts side by side.
type merger struct {
	format  *format
	names   *names
	b, o, t *text
	out     []byte
	owner   []int32 // by name: the window it concerns, counted from 1; 0: none yet
	windows int32
	moved   map[int32]side // by parent: who added, removed or moved something below it
	touched map[int32]side // by name that is repeated: who changed anything in one of them
}

// run goes from one common entry to the next; false: give up.
func (m *merger) run() bool {
	i, j, k := 0, 0, 0
	for n, e := range m.b.entries {
		x, y := m.o.find(e.id), m.t.find(e.id)
		if x < j || y < k || m.b.find(e.id) != n {
			continue
		}
		words := m.b.words(n, n+1)
		if !bytes.Equal(words, m.o.words(x, x+1)) || !bytes.Equal(words, m.t.words(y, y+1)) {
			continue
		}
		if !m.window(i, n, j, x, k, y) {
			return false
		}
		m.out = append(m.out, words...)
		i, j, k = n+1, x+1, y+1
	}
	return m.window(i, len(m.b.entries), j, len(m.o.entries), k, len(m.t.entries))
}

// window merges base's entries i to n, ours' j to x and theirs' k to y.
func (m *merger) window(i, n, j, x, k, y int) bool {
	if i == n && j == x && k == y {
		return true
	}
	m.windows++
	for _, part := range [3][]entry{m.b.entries[i:n], m.o.entries[j:x], m.t.entries[k:y]} {
		for _, e := range part {
			if e.id == unnamed || m.format.repeats && m.repeated(e.id) {
				continue
			}
			if o := m.owner[e.id]; o != 0 && o != m.windows {
				return false
			}
			m.owner[e.id] = m.windows
		}
	}
	b, o, t := m.b.words(i, n), m.o.words(j, x), m.t.words(k, y)
	oursMoved := !sameNames(m.b.entries[i:n], m.o.entries[j:x])
	theirsMoved := !sameNames(m.b.entries[i:n], m.t.entries[k:y])
	alike := bytes.Equal(o, t)
	oursChanged, theirsChanged := !alike && !bytes.Equal(o, b), !alike && !bytes.Equal(t, b)
	if oursChanged && !m.change(byOurs, oursMoved, m.b.entries[i:n], m.o.entries[j:x]) ||
		theirsChanged && !m.change(byTheirs, theirsMoved, m.b.entries[i:n], m.t.entries[k:y]) {
		return false
	}
	if touchy := m.format.touchy; touchy != nil && (touchy(b) || touchy(o) || touchy(t)) {
		return false
	}
	switch {
	case !theirsChanged:
		m.out = append(m.out, o...)
		return true
	case !oursChanged:
		m.out = append(m.out, t...)
		return true
	case oursMoved || theirsMoved || m.format.repeats:
		return false
	}
	for d := range n - i { // key by key
		b, o, t := m.b.words(i+d, i+d+1), m.o.words(j+d, j+d+1), m.t.words(k+d, k+d+1)
		switch {
		case bytes.Equal(o, t), bytes.Equal(t, b):
			m.out = append(m.out, o...)
		case bytes.Equal(o, b):
			m.out = append(m.out, t...)
		default:
			return false
		}
	}
	return true
}

// repeated tells whether a name stands more than once in a text.
func (m *merger) repeated(id int32) bool {
	return m.b.find(id) == several || m.o.find(id) == several || m.t.find(id) == several
}

// change notes what a side has changed in a window, of which parts are the entries before
// and after; false where the other side's changes elsewhere do not bear it.
func (m *merger) change(by side, moved bool, parts ...[]entry) bool {
	note := func(of *map[int32]side, id int32) bool {
		if *of == nil {
			*of = map[int32]side{}
		}
		(*of)[id] |= by
		return (*of)[id] != byOurs|byTheirs
	}
	for _, part := range parts {
		for _, e := range part {
			if moved && m.format.ordered && !note(&m.moved, e.parent) {
				return false
			}
			for id := e.id; id > top; id = m.names.up[id] {
				if m.names.role[id]&isRepeated != 0 && !note(&m.touched, id) {
					return false
				}
			}
		}
	}
	return true
}

// sameNames tells whether two runs of entries have the same names in the same order.
func sameNames(a, b []entry) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].id != b[i].id || a[i].id == unnamed {
			return false
		}
	}
	return true
}
