package window

import "bytes"

// cutTOML cuts tables and their keys. A list or inline table over several lines is one
// entry. It gives up at quoted keys and strings over several lines.
func cutTOML(s *scanner) bool {
	table := top
	times := map[int32]int{} // of each list of tables: how many came
	for at := 0; at < len(s.data); {
		start := at
		end, line := s.line(at)
		at = end
		line = trim(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			list := len(line) > 1 && line[1] == '['
			mark := []byte("]")
			if list {
				line, mark = line[1:], []byte("]]")
			}
			n := bytes.Index(line, mark)
			if n < 0 || !commentOrNone(line[n+len(mark):]) {
				return false
			}
			var ok bool
			if table, ok = s.path(top, line[1:n], isTable); !ok {
				return false
			}
			if list {
				id := table
				times[id]++
				s.names.role[id] |= isRepeated // the others may be in another text
				table = s.names.id(id, append([]byte("[]"), decimal(times[id])...))
			}
			s.add(end, top, s.names.id(table, []byte("[")))
			continue
		}
		n := bytes.IndexByte(line, '=')
		if n < 0 {
			return false
		}
		id, ok := s.path(table, trim(line[:n]), isValue)
		if !ok {
			return false
		}
		value := trimLeft(line[n+1:])
		if len(value) == 0 || bytes.HasPrefix(value, []byte(`"""`)) || bytes.HasPrefix(value, []byte("'''")) {
			return false
		}
		length := len(value)
		switch value[0] {
		case '"', '\'':
			length = quoted(value)
		case '[', '{':
			if length = balanced(value, '#'); length < 0 {
				from := start + bytes.IndexByte(s.data[start:end], '=') + 1
				from += len(s.data[from:end]) - len(trimLeft(s.data[from:end]))
				length = balanced(s.data[from:], '#')
				if length < 0 || bytes.Contains(s.data[from:from+length], []byte(`"""`)) {
					return false
				}
				var after []byte
				if end, after = s.line(from + length); !commentOrNone(after) {
					return false
				}
				at, length = end, len(value)
			}
		default:
			if i := bytes.IndexByte(value, '#'); i >= 0 {
				length = i
			}
		}
		if length < 0 || !commentOrNone(value[length:]) {
			return false
		}
		s.add(end, table, id)
	}
	return true
}

// path names a dotted key below a table. All but its last word are tables.
func (s *scanner) path(id int32, key []byte, role byte) (int32, bool) {
	for {
		word, rest, more := bytes.Cut(key, []byte("."))
		if !bare(word, "_-") {
			return 0, false
		}
		id = s.names.id(id, word)
		if !more {
			s.names.role[id] |= role
			return id, true
		}
		s.names.role[id] |= isTable
		key = rest
	}
}

func commentOrNone(b []byte) bool {
	b = trim(b)
	return len(b) == 0 || b[0] == '#'
}

// decimal spells a number above 0.
func decimal(n int) []byte {
	var digits []byte
	for ; n > 0; n /= 10 {
		digits = append([]byte{byte('0' + n%10)}, digits...)
	}
	return digits
}
