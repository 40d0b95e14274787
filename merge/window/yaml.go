package window

import "bytes"

// level is a mapping that is open.
type level struct {
	indent int   // of its key
	inner  int   // of the keys below it, -1: none yet
	id     int32 // its name
}

// form is how a value is written, and so what may follow on deeper lines.
type form byte

const (
	mapping form = iota // keys
	list                // items, no deeper than the key too
	block               // a block scalar: anything, blank lines belong to it
	plain               // more words
	closed              // nothing
)

// cutYAML cuts block mappings. A key whose value is not one (a scalar over lines, a list)
// is one entry with all of it. It gives up at anchors, aliases, tags, several documents, quoted
// keys and templates.
func cutYAML(s *scanner) bool {
	open := []level{{-1, -1, top}}
	value := mapping // of the last key
	last := -1       // its indentation
	for at := 0; at < len(s.data); {
		start := at
		end, line := s.line(at)
		at = end
		rest := line
		for len(rest) > 0 && rest[0] == ' ' {
			rest = rest[1:]
		}
		indent := len(line) - len(rest)
		dash := len(rest) > 0 && rest[0] == '-' && (len(rest) == 1 || rest[1] == ' ')
		deeper := indent > last && len(s.entries) > 0
		switch {
		case len(rest) == 0:
			if value == block {
				s.grow(start, end)
			}
			continue // else of what follows, also within a value
		case value == block && deeper, value == list && (deeper || dash && indent == last):
			if !s.reach(start, end) {
				return false
			}
			continue
		case rest[0] == '#':
			if value == block {
				value = closed // what follows is no part of it
			}
			continue
		case value == plain && deeper:
			if dash || bytes.Contains(rest, []byte(": ")) || rest[len(rest)-1] == ':' || bytes.Contains(rest, []byte(" #")) || !s.reach(start, end) {
				return false
			}
			continue
		case value == closed && deeper:
			return false
		case dash:
			if value != mapping || len(s.entries) == 0 || indent < last || !s.reach(start, end) {
				return false
			}
			value = list
			continue
		case bytes.Equal(line, []byte("---")) && len(s.entries) == 0:
			continue
		}
		key, words, ok := splitYAML(rest)
		if !ok {
			return false
		}
		for open[len(open)-1].indent >= indent {
			open = open[:len(open)-1]
		}
		in := &open[len(open)-1]
		if in.inner < 0 {
			in.inner = indent
		}
		if in.inner != indent {
			return false
		}
		id := s.names.id(in.id, key)
		s.add(end, in.id, id)
		last = indent
		switch {
		case len(words) == 0:
			value = mapping
			open = append(open, level{indent, -1, id})
		case words[0] == '|' || words[0] == '>':
			value = block
		case words[0] == '[' || words[0] == '{' || words[0] == '"' || words[0] == '\'':
			value = closed
		default:
			value = plain
		}
	}
	return true
}

// reach makes the last entry end later, over the blank lines before start.
func (s *scanner) reach(start, end int) bool {
	if len(s.entries) == 0 || len(bytes.TrimSpace(s.data[s.from():start])) > 0 {
		return false
	}
	s.entries[len(s.entries)-1].end = end
	return true
}

// splitYAML splits a line into key and value, the comment left out.
func splitYAML(line []byte) (key, value []byte, ok bool) {
	n := bytes.IndexByte(line, ':')
	if n < 0 || !bare(line[:n], "_-./") || bytes.Contains(line, []byte("{{")) {
		return nil, nil, false
	}
	key, value = line[:n], line[n+1:]
	if len(value) > 0 && value[0] != ' ' {
		return nil, nil, false
	}
	value = trim(value)
	end := -1 // where the value ends
	switch {
	case len(value) == 0 || value[0] == '#':
		return key, nil, true
	case value[0] == '"' || value[0] == '\'':
		end = quoted(value)
	case value[0] == '[' || value[0] == '{':
		end = balanced(value, '#')
	case bytes.IndexByte([]byte("&*!%@`?,]}"), value[0]) >= 0:
	case bytes.Contains(value, []byte(": ")), value[len(value)-1] == ':':
	default:
		return key, value, true
	}
	if end < 0 {
		return nil, nil, false
	}
	if rest := value[end:]; len(trim(rest)) > 0 && (!blank(rest[0]) || trim(rest)[0] != '#') {
		return nil, nil, false
	}
	return key, value, true
}
