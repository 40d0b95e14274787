package window

import "bytes"

// An entry is a key of a text with what stands before it since the entry before:
// comments and blank lines. The entries of a text cover it without a gap.
type entry struct {
	end    int   // where it ends; it begins where the one before ends
	id     int32 // its name, or unnamed
	parent int32 // the name of what it stands in
}

const (
	unnamed int32 = -1 // of comments that no key follows
	top     int32 = 0  // what stands in nothing
)

// Where a name stands in a text, if not at one index.
const (
	nowhere = -1
	several = -2
)

// A text is cut into entries.
type text struct {
	data    []byte
	entries []entry
	at      []int32 // by name: 1 + the index of its entry, 0 for none, several
}

// words are the bytes of the entries from i to before n.
func (t *text) words(i, n int) []byte {
	start, end := 0, 0
	if i > 0 {
		start = t.entries[i-1].end
	}
	if n > 0 {
		end = t.entries[n-1].end
	}
	return t.data[start:max(start, end)]
}

// find is the index of the entry of a name, nowhere or several.
func (t *text) find(id int32) int {
	switch {
	case id < 0 || int(id) >= len(t.at) || t.at[id] == 0:
		return nowhere
	case t.at[id] == several:
		return several
	}
	return int(t.at[id]) - 1
}

// edge is a name below a name.
type edge struct {
	parent int32
	word   string
}

// names numbers the key paths of all texts, from 1 on.
type names struct {
	ids  map[edge]int32
	up   []int32 // by name: what it is below
	role []byte  // by name
}

// Roles of names.
const (
	isValue byte = 1 << iota
	isTable
	isRepeated // several of it stand in one place in a text, and only their order tells them apart
)

func newNames() *names {
	return &names{ids: make(map[edge]int32, 256), up: make([]int32, 1, 256), role: make([]byte, 1, 256)}
}

func (n *names) count() int { return len(n.role) }

func (n *names) id(parent int32, word []byte) int32 {
	if id, ok := n.ids[edge{parent, string(word)}]; ok {
		return id
	}
	id := int32(len(n.role))
	n.ids[edge{parent, string(word)}] = id
	n.up = append(n.up, parent)
	n.role = append(n.role, 0)
	return id
}

// torn tells whether something is a value in one place and has keys below it in another.
func (n *names) torn() bool {
	for _, r := range n.role {
		if r&(isValue|isTable) == isValue|isTable {
			return true
		}
	}
	return false
}

// A format is how texts are cut.
type format struct {
	cut     func(*scanner) bool // false: a form that it does not know for sure
	repeats bool                // names may stand several times: such an entry is never common
	ordered bool                // the order of entries has a meaning
	touchy  func([]byte) bool   // a window that holds such words is not changed
}

func formatOf(name string) *format {
	switch name {
	case "properties":
		return &format{cut: cutProperties}
	case "ini":
		return &format{cut: cutINI}
	case "env":
		return &format{cut: cutEnv}
	case "directive":
		return &format{cut: cutDirectives}
	case "yaml":
		return &format{cut: cutYAML}
	case "json":
		return &format{cut: cutJSON}
	case "toml":
		return &format{cut: cutTOML}
	case "xml":
		return &format{cut: cutXML, ordered: true, touchy: declares}
	case "nginx":
		return &format{cut: cutNginx, ordered: true, touchy: namesServer}
	case "lines":
		return &format{cut: cutLines, repeats: true}
	}
	return nil
}

// read cuts a text; nil if it cannot.
func (f *format) read(data []byte, names *names) *text {
	s := scanner{data: data, names: names}
	s.entries = make([]entry, 0, len(data)/40+8)
	if !f.cut(&s) {
		return nil
	}
	if s.from() < len(data) {
		s.add(len(data), top, unnamed)
	}
	t := &text{data: data, entries: s.entries, at: make([]int32, names.count())}
	for i, e := range s.entries {
		switch {
		case e.id == unnamed:
		case t.at[e.id] == 0:
			t.at[e.id] = int32(i) + 1
		case f.repeats:
			t.at[e.id] = several
		default:
			return nil
		}
	}
	return t
}

// scanner cuts one text.
type scanner struct {
	data    []byte
	names   *names
	entries []entry
	times   []int32 // by name: how often it came, where names may come again
}

// from is where the next entry begins.
func (s *scanner) from() int {
	if len(s.entries) == 0 {
		return 0
	}
	return s.entries[len(s.entries)-1].end
}

// add ends an entry.
func (s *scanner) add(end int, parent, id int32) {
	s.entries = append(s.entries, entry{end, id, parent})
}

// grow makes the last entry end later; false if there is none, or something that is not
// part of it lies between.
func (s *scanner) grow(start, end int) bool {
	if n := len(s.entries); n > 0 && s.entries[n-1].end == start {
		s.entries[n-1].end = end
		return true
	}
	return false
}

// line returns where the line that begins at at ends, and its content without line end.
func (s *scanner) line(at int) (end int, content []byte) {
	if i := bytes.IndexByte(s.data[at:], '\n'); i >= 0 {
		content = s.data[at : at+i]
		if i > 0 && content[i-1] == '\r' {
			content = content[:i-1]
		}
		return at + i + 1, content
	}
	return len(s.data), s.data[at:]
}

// blank tells whether c is a blank within a line.
func blank(c byte) bool { return c == ' ' || c == '\t' }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	return b
}

func trim(b []byte) []byte {
	b = trimLeft(b)
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// bare tells whether b is a word of letters, digits and the bytes of more.
func bare(b []byte, more string) bool {
	for _, c := range b {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			continue
		}
		known := false
		for i := range len(more) {
			known = known || more[i] == c
		}
		if !known {
			return false
		}
	}
	return len(b) > 0
}

// quoted returns where the quoted text that b begins with ends: behind its closing
// quote, or -1. A backslash escapes within ", not within '.
func quoted(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == b[0]:
			return i + 1
		case b[i] == '\\' && b[0] == '"':
			i++
		}
	}
	return -1
}

// balanced returns where the bracket that b begins with is closed, or -1. Quoted text
// does not count; a comment sign that is no part of a word ends the search.
func balanced(b []byte, comment byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			n := quoted(b[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case comment:
			return -1
		}
	}
	return -1
}
