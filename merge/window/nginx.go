package window

import "bytes"

// cutNginx cuts directives and blocks that are written a line each; a line without its end
// goes on in the next one.
func cutNginx(s *scanner) bool {
	open := []int32{top}
	for at := 0; at < len(s.data); {
		end, line := s.line(at)
		at = end
		line = withoutRemark(trim(line))
		if len(line) == 0 {
			continue
		}
		in := open[len(open)-1]
		if line[0] == '}' {
			if len(line) > 1 || len(open) == 1 {
				return false
			}
			s.add(end, in, s.names.id(in, []byte("}")))
			open = open[:len(open)-1]
			continue
		}
		n := 0
		for n < len(line) && !blank(line[n]) && line[n] != ';' && line[n] != '{' {
			n++
		}
		if !bare(line[:n], "_") || bytes.HasSuffix(line[:n], []byte("_by_lua_block")) {
			return false
		}
		last := line[len(line)-1]
		for last != ';' && last != '{' {
			if last == '}' || !plainWords(line) || end == len(s.data) {
				return false
			}
			end, line = s.line(end)
			at = end
			if line = withoutRemark(trim(line)); len(line) == 0 || line[len(line)-1] == '{' {
				return false
			}
			last = line[len(line)-1]
		}
		if !plainWords(line) {
			return false
		}
		if last == ';' {
			s.add(end, in, s.nth(in, s.firstWord()))
			continue
		}
		word := line
		if string(line) == "server {" || string(line) == "server{" {
			word = append(append([]byte(nil), line...), s.serverName(end)...)
		}
		id := s.nth(in, word)
		s.add(end, in, id)
		open = append(open, id)
	}
	return len(open) == 1
}

// serverName is the line with the name of the server whose block begins at at.
func (s *scanner) serverName(at int) (name []byte) {
	for depth := 1; depth > 0 && at < len(s.data); {
		end, line := s.line(at)
		at = end
		switch line = withoutRemark(trim(line)); {
		case len(line) == 0:
		case line[0] == '}':
			depth--
		case line[len(line)-1] == '{':
			depth++
		case depth == 1 && bytes.HasPrefix(line, []byte("server_name")):
			return line
		}
	}
	return nil
}

// firstWord is the first word that is no remark since the last entry.
func (s *scanner) firstWord() []byte {
	for at := s.from(); ; {
		end, line := s.line(at)
		if line = withoutRemark(trim(line)); len(line) > 0 {
			n := 0
			for n < len(line) && !blank(line[n]) && line[n] != ';' {
				n++
			}
			return line[:n]
		}
		at = end
	}
}

// withoutRemark cuts the remark at the end of a line.
func withoutRemark(line []byte) []byte {
	if len(line) > 0 && line[0] == '#' {
		return nil
	}
	if i := bytes.Index(line, []byte(" #")); i >= 0 && bytes.IndexByte(line[:i], '"') < 0 && bytes.IndexByte(line[:i], '\'') < 0 {
		line = trim(line[:i])
	}
	return line
}

// plainWords tells whether quotes are closed within the line and nothing but its end
// separates statements.
func plainWords(line []byte) bool {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"' || c == '\'':
			n := quoted(line[i:])
			if n < 0 {
				return false
			}
			i += n - 1
		case c == '\\':
			i++
		case (c == ';' || c == '{' || c == '}') && i < len(line)-1:
			return false
		case c == '#' && i > 0 && blank(line[i-1]):
			return false
		}
	}
	return true
}

// namesServer tells whether words say which server of several a block is.
func namesServer(words []byte) bool { return bytes.Contains(words, []byte("server_name")) }
