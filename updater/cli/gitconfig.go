package cli

import "strings"

// readGitConfig adds the settings of a git configuration file to out, as
// section.key or section.subsection.key; section and key are in lower case. What it
// cannot read it leaves out; it follows no include. The syntax is that of git-config(1):
// `[section "sub"]`, `key = value`, values with quotes, backslashes, comments behind
// them, and lines that go on after a backslash.
func readGitConfig(text string, out map[string]string) {
	section := ""
	lines := strings.Split(strings.TrimPrefix(text, "\uFEFF"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if strings.HasPrefix(line, "[") {
			var ok bool
			if section, line, ok = gitSection(line); !ok {
				section = ""
				continue
			}
			line = strings.TrimSpace(line)
		}
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, has := strings.Cut(line, "=")
		for has && goesOn(value) && i+1 < len(lines) {
			i++
			value = value[:len(value)-1] + strings.TrimRight(lines[i], "\r")
		}
		if section != "" {
			out[section+"."+strings.ToLower(strings.TrimSpace(key))] = gitValue(value)
		}
	}
}

// goesOn reports whether a value ends in a backslash that is not escaped.
func goesOn(value string) bool {
	n := len(value) - len(strings.TrimRight(value, `\`))
	return n%2 == 1
}

// gitSection reads `[section]` or `[section "sub"]` and returns what follows it.
func gitSection(line string) (name, rest string, ok bool) {
	line = line[1:]
	end := strings.IndexAny(line, "] \t\"")
	if end < 0 {
		return "", "", false
	}
	name = strings.ToLower(line[:end])
	line = strings.TrimLeft(line[end:], " \t")
	if strings.HasPrefix(line, `"`) {
		var sub strings.Builder
		i := 1
		for ; i < len(line) && line[i] != '"'; i++ {
			if line[i] == '\\' && i+1 < len(line) {
				i++
			}
			sub.WriteByte(line[i])
		}
		if i >= len(line) {
			return "", "", false
		}
		name, line = name+"."+sub.String(), strings.TrimLeft(line[i+1:], " \t")
	}
	rest, ok = strings.CutPrefix(line, "]")
	return name, rest, ok
}

// gitValue takes quotes, backslashes and a comment off a value.
func gitValue(s string) string {
	var out strings.Builder
	quoted, blanks := false, ""
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			quoted = !quoted
			continue
		case (c == '#' || c == ';') && !quoted:
			return out.String()
		case (c == ' ' || c == '\t' || c == '\r') && !quoted:
			if out.Len() > 0 {
				blanks += string(c)
			}
			continue
		case c == '\\' && i+1 < len(s):
			i++
			c = s[i]
			if n := strings.IndexByte("ntb", c); n >= 0 {
				c = "\n\t\b"[n]
			}
		}
		out.WriteString(blanks)
		blanks = ""
		out.WriteByte(c)
	}
	return out.String()
}
