// Package detect tells which format a text file is in, for merging and for the
// proof of a merge. A wrong answer does no harm: both fall back to lines where a
// text does not parse in the format.
//
// It imports next to nothing, as package window does, and for the same reason.
package detect

import "bytes"

// The formats that Format tells apart.
const (
	Properties = "properties" // Java properties
	INI        = "ini"
	XML        = "xml"
	YAML       = "yaml"
	JSON       = "json"
	JSONC      = "jsonc" // JSON with comments
	TOML       = "toml"
	Env        = "env"       // KEY=VALUE as shells and containers read it
	Shell      = "sh"        // a shell script
	Directive  = "directive" // "Name arguments", one a line
	Nginx      = "nginx"     // "name arguments;" and "name arguments { ... }"
	Lines      = "lines"     // any other text
	Binary     = ""
)

// bySuffix is the format that a name's suffix promises, "" for none; "?" looks at the
// content.
func bySuffix(suffix string) string {
	switch suffix {
	case "properties":
		return Properties
	case "ini", "cnf", "desktop", "service":
		return INI
	case "xml", "xsd", "xsl", "xslt", "wsdl", "tld", "pom", "jelly":
		return XML
	case "yaml", "yml":
		return YAML
	case "json":
		return JSON
	case "jsonc":
		return JSONC
	case "toml":
		return TOML
	case "env":
		return Env
	case "sh", "bash", "ksh":
		return Shell
	case "nginx", "vhost":
		return Nginx
	case "conf", "cfg", "config", "settings", "prefs", "":
		return "?"
	}
	return ""
}

// neutral suffixes stand behind the one that tells the format: settings.json.template.
func neutral(suffix string) bool {
	switch suffix {
	case "example", "sample", "template", "tmpl", "dist", "default", "orig", "bak", "in", "docker", "local",
		"dev", "development", "test", "staging", "prod", "production":
		return true
	}
	return false
}

// Format returns the format of the file at the slash-separated path, whose first
// bytes are head: some kilobytes, or all of it.
func Format(path string, head []byte) string {
	if bytes.IndexByte(head, 0) >= 0 {
		return Binary
	}
	suffix := suffix(path)
	format := bySuffix(suffix)
	switch {
	case format == "":
		return Lines
	case format == "?":
		if format = byContent(head); format == Lines && suffix != "" {
			format = directives(head)
		}
		return format
	case format == JSON && HasComment(head):
		return JSONC
	}
	return format
}

// suffix returns the part of the name that tells its format, in lower case: the last
// one behind a dot or a hyphen that is not neutral. A name without a suffix has
// none, but for .env and env, which are one, and for names that end in _config.
func suffix(path string) string {
	name := bytes.ToLower([]byte(path))
	name = name[bytes.LastIndexByte(name, '/')+1:]
	parts := bytes.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' })
	for i := len(parts) - 1; i >= 0; i-- {
		part := string(parts[i])
		switch {
		case i == 0 && part == "env":
			return part
		case i == 0 && bytes.HasSuffix(parts[0], []byte("_config")): // sshd_config
			return "config"
		case i == 0 && name[0] != '.':
			return ""
		case !neutral(part):
			return part
		}
	}
	return ""
}

// wholeLines calls fn with the lines of a head until it returns false, and tells whether
// it never did. A last line that may be cut is left out, unless it is the only one.
func wholeLines(head []byte, fn func(line []byte) bool) bool {
	for first := true; ; first = false {
		line, rest, more := bytes.Cut(head, []byte("\n"))
		if !more && !first {
			return true
		}
		if !fn(line) {
			return false
		}
		if !more {
			return true
		}
		head = rest
	}
}

// directives tells directives a line, and the syntax of nginx, from other text.
func directives(head []byte) string {
	found, braces := 0, 0
	known := wholeLines(head, func(l []byte) bool {
		l, _, _ = bytes.Cut(bytes.TrimSpace(l), []byte(" #"))
		l = bytes.TrimSpace(l)
		switch {
		case len(l) == 0 || l[0] == '#':
		case l[len(l)-1] == ';' || l[len(l)-1] == '{' || string(l) == "}":
			braces++
			found++
		case isDirective(l):
			found++
		default:
			return false
		}
		return true
	})
	switch {
	case !known:
		return Lines
	case found > 0 && braces == 0:
		return Directive
	case 10*braces >= 9*found && braces > 0: // arguments may go on over lines
		return Nginx
	}
	return Lines
}

// byContent judges a name that promises nothing by the first lines that are
// neither empty nor comments.
func byContent(head []byte) string {
	text := bytes.TrimPrefix(head, []byte("\uFEFF"))
	first := bytes.TrimLeft(text, " \t\r\n")
	begins := func(with string) bool { return bytes.HasPrefix(first, []byte(with)) }
	switch {
	case begins("<?xml"):
		return XML
	case begins("%YAML"), begins("---\n"), begins("---\r\n"):
		return YAML
	case begins("#!") && isShebang(first):
		return Shell
	case begins("{"):
		if HasComment(head) {
			return JSONC
		}
		return JSON
	}
	assignments, section := 0, false
	known := wholeLines(text, func(l []byte) bool {
		l = bytes.TrimSpace(l)
		switch {
		case len(l) == 0 || l[0] == '#' || l[0] == ';' || l[0] == '!':
			return true
		case isSection(l):
			section = true
			return false
		}
		assignments++
		return isAssignment(l)
	})
	switch {
	case section:
		return INI
	case known && assignments > 0:
		return Properties
	}
	return Lines
}

// isSection tells a line such as [name], with a comment behind it or not.
func isSection(l []byte) bool {
	n := bytes.IndexByte(l, ']')
	if l[0] != '[' || n < 2 || bytes.ContainsAny(l[1:n], "\"{}") {
		return false
	}
	rest := bytes.TrimSpace(l[n+1:])
	return len(rest) == 0 || rest[0] == '#' || rest[0] == ';'
}

// isDirective tells a word, with arguments behind blanks or not.
func isDirective(l []byte) bool {
	n := wordEnd(l, "_.-")
	return n > 0 && letter(l[0]) && (n == len(l) || l[n] == ' ' || l[n] == '\t')
}

// isAssignment tells `name =`.
func isAssignment(l []byte) bool {
	n := wordEnd(l, "_.-/")
	rest := bytes.TrimSpace(l[n:])
	return n > 0 && len(rest) > 0 && rest[0] == '='
}

// isShebang tells whether a text begins with the line that names a shell.
func isShebang(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	for _, word := range bytes.FieldsFunc(line, func(r rune) bool { return r >= 0x80 || !letter(byte(r)) && (r < '0' || r > '9') && r != '_' }) {
		switch string(word) {
		case "sh", "bash", "dash", "ksh", "zsh":
			return true
		}
	}
	return false
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// wordEnd is where letters, digits and the bytes of more end.
func wordEnd(l []byte, more string) int {
	for i, c := range l {
		if !letter(c) && (c < '0' || c > '9') && bytes.IndexByte([]byte(more), c) < 0 {
			return i
		}
	}
	return len(l)
}

// HasComment tells whether a // or /* stands outside the strings of a JSON text.
func HasComment(b []byte) bool {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '/':
			return i+1 < len(b) && (b[i+1] == '/' || b[i+1] == '*')
		}
	}
	return false
}
