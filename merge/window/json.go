package window

import "bytes"

// cutJSON cuts objects that are written with a member a line. A list over several lines
// is one entry with its key. It gives up at comments and escaped keys.
func cutJSON(s *scanner) bool {
	open := []int32{}
	done, first, more := false, false, false // in an object: nothing came yet; a comma came last
	for at := 0; at < len(s.data); {
		end, line := s.line(at)
		line = trim(line)
		start := at
		at = end
		if len(line) == 0 {
			continue
		}
		if done {
			return false
		}
		if len(open) == 0 {
			if len(line) != 1 || line[0] != '{' {
				return false
			}
			open = append(open, top)
			s.add(end, top, s.names.id(top, line))
			first = true
			continue
		}
		in := open[len(open)-1]
		if line[0] == '}' {
			if more && !first {
				return false
			}
			more, first = len(line) > 1, false
			open = open[:len(open)-1]
			if after := line[1:]; len(after) > 0 && (len(after) > 1 || after[0] != ',' || len(open) == 0) {
				return false
			}
			s.add(end, in, s.names.id(in, line[:1]))
			done = len(open) == 0
			continue
		}
		if !more && !first {
			return false
		}
		n := -1
		if line[0] == '"' {
			n = quoted(line)
		}
		if n < 0 || bytes.IndexByte(line[:n], '\\') >= 0 {
			return false
		}
		key := line[:n]
		value := trimLeft(line[n:])
		if len(value) == 0 || value[0] != ':' {
			return false
		}
		value = trimLeft(value[1:])
		id := s.names.id(in, key)
		switch {
		case len(value) == 1 && value[0] == '{':
			open = append(open, id)
			s.add(end, in, id)
			first = true
			continue
		case len(value) == 1 && value[0] == '[':
			from := start + bytes.LastIndexByte(s.data[start:end], '[')
			n := balanced(s.data[from:], 0)
			if n < 0 {
				return false
			}
			var last []byte
			at, last = s.line(from + n)
			if last = trim(last); len(last) > 1 || len(last) == 1 && last[0] != ',' {
				return false
			}
			end, line = at, last
		case !wholeJSON(value):
			return false
		}
		s.add(end, in, id)
		more, first = len(line) > 0 && line[len(line)-1] == ',', false
	}
	return done
}

// wholeJSON tells whether a value, with a comma behind it or not, ends with its line.
func wholeJSON(b []byte) bool {
	n := 0
	switch {
	case len(b) == 0:
		return false
	case b[0] == '"':
		n = quoted(b)
	case b[0] == '[' || b[0] == '{':
		n = balanced(b, 0)
	default:
		for n < len(b) && bare(b[n:n+1], "+-.") {
			n++
		}
		if n == 0 {
			return false
		}
	}
	if n < 0 {
		return false
	}
	rest := trim(b[n:])
	return len(rest) == 0 || len(rest) == 1 && rest[0] == ','
}
