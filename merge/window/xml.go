package window

import "bytes"

// element is an element that is open.
type element struct {
	id   int32
	name []byte
}

// cutXML cuts elements: a tag that opens, one that closes, and an element without elements in it
// are an entry each. It gives up at text beside elements, at internal subsets, and at
// markup that it does not know.
func cutXML(s *scanner) bool {
	open := []element{{id: top}}
	rooted := false
	for at := 0; ; {
		at = s.skipSpace(at)
		if at == len(s.data) {
			return rooted && len(open) == 1
		}
		rest := s.data[at:]
		n := 0
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			n = past(rest, "-->")
		case bytes.HasPrefix(rest, []byte("<?")):
			n = past(rest, "?>")
		case bytes.HasPrefix(rest, []byte("<!DOCTYPE")) && !rooted:
			if n = past(rest, ">"); n > 0 && bytes.IndexByte(rest[:n], '[') >= 0 {
				return false
			}
		}
		in := &open[len(open)-1]
		switch {
		case n < 0, n == 0 && rest[0] != '<', n == 0 && len(rest) < 2, rooted && len(open) == 1 && n == 0:
			return false
		case n > 0: // of what follows
			at += n
			continue
		case rest[1] == '/':
			n = past(rest, ">")
			if n < 0 || !bytes.Equal(bytes.TrimSpace(rest[2:n-1]), in.name) || len(open) == 1 {
				return false
			}
			at = s.lineEnd(at + n)
			s.add(at, in.id, s.names.id(in.id, []byte("/")))
			open = open[:len(open)-1]
			continue
		}
		tag, ok := readTag(rest)
		if !ok {
			return false
		}
		rooted = true
		id := s.nth(in.id, tag.word())
		parent := in.id
		at += tag.size
		if !tag.empty {
			inner := s.skipSpace(at)
			if inner == len(s.data) {
				return false
			}
			if next := s.data[inner:]; next[0] != '<' || bytes.HasPrefix(next, []byte("</")) || bytes.HasPrefix(next, []byte("<![CDATA[")) {
				if at = s.pastText(inner, tag.name); at < 0 {
					return false
				}
			} else {
				open = append(open, element{id, tag.name})
			}
		}
		at = s.lineEnd(at)
		s.add(at, parent, id)
	}
}

// nth names what came once more below its parent.
func (s *scanner) nth(parent int32, word []byte) int32 {
	id := s.names.id(parent, word)
	if int(id) >= len(s.times) {
		s.times = append(s.times, make([]int32, max(256, int(id)))...)
	}
	s.times[id]++
	if n := int(s.times[id]); n > 1 {
		s.names.role[id] |= isRepeated
		return s.names.id(id, append([]byte("#"), decimal(n)...))
	}
	return id
}

func (s *scanner) skipSpace(at int) int {
	for at < len(s.data) && (blank(s.data[at]) || s.data[at] == '\n' || s.data[at] == '\r') {
		at++
	}
	return at
}

// lineEnd is behind the line end after at, if only blanks or a comment lie between.
func (s *scanner) lineEnd(at int) int {
	end, rest := s.line(at)
	rest = trim(rest)
	if len(rest) == 0 || bytes.HasPrefix(rest, []byte("<!--")) && past(rest, "-->") == len(rest) {
		return end
	}
	return at
}

// pastText returns where an element ends whose text begins at at, or -1 if there is
// anything but text in it.
func (s *scanner) pastText(at int, name []byte) int {
	for {
		i := bytes.IndexByte(s.data[at:], '<')
		if i < 0 {
			return -1
		}
		at += i
		rest := s.data[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			i = past(rest, "]]>")
		case bytes.HasPrefix(rest, []byte("</")):
			i = past(rest, ">")
			if i < 0 || !bytes.Equal(bytes.TrimSpace(rest[2:i-1]), name) {
				return -1
			}
			return at + i
		default:
			return -1
		}
		if i < 0 {
			return -1
		}
		at += i
	}
}

// past is where b goes on behind the first mark, or -1.
func past(b []byte, mark string) int {
	i := bytes.Index(b, []byte(mark))
	if i < 0 {
		return -1
	}
	return i + len(mark)
}

// tag is a tag that opens an element.
type tag struct {
	name     []byte
	identity []byte // the attribute that tells it from its siblings
	size     int
	empty    bool
}

// word is what tells an element from its siblings.
func (t *tag) word() []byte {
	if t.identity == nil {
		return t.name
	}
	return append(append(append([]byte(nil), t.name...), ' '), t.identity...)
}

func readTag(b []byte) (t tag, ok bool) {
	i := 1
	for i < len(b) && named(b[i]) {
		i++
	}
	t.name = b[1:i]
	if len(t.name) == 0 {
		return t, false
	}
	for {
		from := i
		for i < len(b) && (blank(b[i]) || b[i] == '\n' || b[i] == '\r') {
			i++
		}
		switch {
		case i == len(b):
			return t, false
		case b[i] == '>':
			t.size = i + 1
			return t, true
		case b[i] == '/':
			t.size, t.empty = i+2, true
			return t, i+1 < len(b) && b[i+1] == '>'
		case i == from:
			return t, false
		}
		start := i
		for i < len(b) && named(b[i]) {
			i++
		}
		name := b[start:i]
		if i+1 >= len(b) || b[i] != '=' || b[i+1] != '"' && b[i+1] != '\'' || len(name) == 0 {
			return t, false
		}
		n := bytes.IndexByte(b[i+2:], b[i+1])
		if n < 0 || bytes.IndexByte(b[i+2:i+2+n], '<') >= 0 {
			return t, false
		}
		value := b[i+2 : i+2+n]
		i += n + 3
		if t.identity == nil && (string(name) == "name" || string(name) == "id" || string(name) == "key") {
			t.identity = value
		}
	}
}

func named(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == ':' || c == '.' || c >= 0x80
}

// declares tells whether words say how other words are to be read.
func declares(words []byte) bool {
	return bytes.Contains(words, []byte("xmlns")) || bytes.Contains(words, []byte("<?xml")) || bytes.Contains(words, []byte("<!DOCTYPE"))
}
