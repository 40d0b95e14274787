package window

import "bytes"

// cutProperties cuts Java properties: a logical line is an entry. Keys with escapes are
// spelt in more than one way, so that it gives up there.
func cutProperties(s *scanner) bool {
	for at := 0; at < len(s.data); {
		end, line := s.line(at)
		line = trimFeed(line)
		at = end
		if len(line) == 0 || line[0] == '#' || line[0] == '!' {
			continue
		}
		n := 0
		for n < len(line) && !blank(line[n]) && line[n] != '=' && line[n] != ':' && line[n] != '\f' {
			if line[n] == '\\' {
				return false
			}
			n++
		}
		if n == 0 {
			return false
		}
		for last := line; goesOn(last) && end < len(s.data); at = end {
			end, last = s.line(end)
		}
		s.add(end, top, s.names.id(top, line[:n]))
	}
	return true
}

// trimFeed is trimLeft for form feeds as well.
func trimFeed(b []byte) []byte {
	for len(b) > 0 && (blank(b[0]) || b[0] == '\f') {
		b = b[1:]
	}
	return b
}

// goesOn tells whether a line ends with a backslash that is not escaped.
func goesOn(line []byte) bool {
	n := 0
	for n < len(line) && line[len(line)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// cutINI cuts sections and their keys; deeper lines go on with a value.
func cutINI(s *scanner) bool {
	section := top
	for at := 0; at < len(s.data); {
		start := at
		end, line := s.line(at)
		at = end
		rest := trimLeft(line)
		switch {
		case len(rest) == 0 || rest[0] == '#' || rest[0] == ';':
			continue
		case len(rest) < len(line):
			if section == top || !s.grow(start, end) {
				return false
			}
			continue
		case line[0] == '[':
			i := bytes.IndexByte(line, ']')
			if i < 0 || len(trim(line[i+1:])) > 0 || bytes.IndexByte(line[1:i], '[') >= 0 {
				return false
			}
			section = s.names.id(top, line[:i+1])
			s.add(end, top, section)
			continue
		}
		n := bytes.IndexByte(line, '=')
		if n < 0 {
			n = len(line)
		}
		key := trim(line[:n])
		if !bare(key, "_-. /") || goesOn(line) {
			return false
		}
		s.add(end, section, s.names.id(section, key))
	}
	return true
}

// cutEnv cuts assignments as shells and containers read them, one a line.
func cutEnv(s *scanner) bool {
	for at := 0; at < len(s.data); {
		end, line := s.line(at)
		at = end
		line = trimLeft(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if after, ok := bytes.CutPrefix(line, []byte("export ")); ok {
			line = trimLeft(after)
		}
		n := bytes.IndexByte(line, '=')
		if n < 1 || !bare(line[:n], "_") || !oneLine(line[n+1:]) {
			return false
		}
		s.add(end, top, s.names.id(top, line[:n]))
	}
	return true
}

// oneLine tells whether a shell's word or words end with the line.
func oneLine(value []byte) bool {
	if goesOn(value) {
		return false
	}
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"', '\'':
			n := quoted(value[i:])
			if n < 0 {
				return false
			}
			i += n - 1
		case '\\':
			i++
		case '`', '(', ')', '<', '>', ';', '&', '|':
			return false
		}
	}
	return true
}

// cutDirectives cuts lines of a name and its arguments. Blocks, and names that begin
// one without a brace, it leaves to others.
func cutDirectives(s *scanner) bool {
	for at := 0; at < len(s.data); {
		end, line := s.line(at)
		at = end
		line = trimLeft(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		n := 0
		for n < len(line) && !blank(line[n]) && line[n] != '=' {
			n++
		}
		name := bytes.ToLower(line[:n])
		if !bare(name, "_-.") || goesOn(line) || bytes.ContainsAny(line, "{}<>") || bytes.Equal(name, []byte("match")) || bytes.Equal(name, []byte("host")) {
			return false
		}
		s.add(end, top, s.names.id(top, name))
	}
	return true
}

// cutLines makes each line an entry whose name is the line.
func cutLines(s *scanner) bool {
	for at := 0; at < len(s.data); {
		end, line := s.line(at)
		at = end
		s.add(end, top, s.names.id(top, line))
	}
	return true
}
