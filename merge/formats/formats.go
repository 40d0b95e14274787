// Package formats tells which format a text file is in, for merging and for the
// proof of a merge. A wrong answer does no harm: both fall back to lines where a
// text does not parse in the format.
package formats

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// The formats that Detect tells apart.
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

// bySuffix is the format that a name's suffix promises; "?" looks at the content.
var bySuffix = map[string]string{
	"properties": Properties,
	"ini":        INI, "cnf": INI, "desktop": INI, "service": INI,
	"xml": XML, "xsd": XML, "xsl": XML, "xslt": XML, "wsdl": XML, "tld": XML, "pom": XML, "jelly": XML,
	"yaml": YAML, "yml": YAML,
	"json": JSON, "jsonc": JSONC,
	"toml": TOML,
	"env":  Env,
	"sh":   Shell, "bash": Shell, "ksh": Shell,
	"nginx": Nginx, "vhost": Nginx,
	"conf": "?", "cfg": "?", "config": "?", "settings": "?", "prefs": "?", "": "?",
}

// neutral suffixes stand behind the one that tells the format: settings.json.template.
var neutral = map[string]bool{
	"example": true, "sample": true, "template": true, "tmpl": true, "dist": true, "default": true,
	"orig": true, "bak": true, "in": true, "docker": true, "local": true, "dev": true, "development": true,
	"test": true, "staging": true, "prod": true, "production": true,
}

// Detect returns the format of the file at the slash-separated path, whose first
// bytes are head: some kilobytes, or all of it.
func Detect(path string, head []byte) string {
	if bytes.IndexByte(head, 0) >= 0 {
		return Binary
	}
	format, known := bySuffix[suffix(path)]
	switch {
	case !known:
		return Lines
	case format == "?":
		if format = byContent(head); format == Lines && suffix(path) != "" {
			format = directives(head)
		}
		return format
	case format == JSON && hasComment(head):
		return JSONC
	}
	return format
}

// suffix returns the part of the name that tells its format, in lower case: the last
// one behind a dot or a hyphen that is not neutral. A name without a suffix has
// none, but for .env and env, which are one, and for names that end in _config.
func suffix(path string) string {
	name := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' })
	for i := len(parts) - 1; i >= 0; i-- {
		switch {
		case i == 0 && parts[0] == "env":
			return "env"
		case i == 0 && strings.HasSuffix(parts[0], "_config"): // sshd_config
			return "config"
		case i == 0 && !strings.HasPrefix(name, "."):
			return ""
		case !neutral[parts[i]]:
			return parts[i]
		}
	}
	return ""
}

var (
	iniSection = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\[[^\]"{}]+\]\s*([#;].*)?$`) })
	directive  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.\-]*([ \t]+\S.*)?$`) })
	shebang    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^#![^\n]*\b(ba|da|k|z)?sh\b`) })
	assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.\-/]+\s*=`) })
)

// directives tells directives a line, and the syntax of nginx, from other text.
func directives(head []byte) string {
	lines := strings.Split(string(head), "\n")
	if len(lines) > 1 {
		lines = lines[:len(lines)-1] // the last one may be cut
	}
	found, braces := 0, 0
	for _, l := range lines {
		l, _, _ = strings.Cut(strings.TrimSpace(l), " #")
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#':
		case strings.HasSuffix(l, ";") || strings.HasSuffix(l, "{") || l == "}":
			braces++
			found++
		case directive().MatchString(l):
			found++
		default:
			return Lines
		}
	}
	switch {
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
	text := string(bytes.TrimPrefix(head, []byte("\uFEFF")))
	first := strings.TrimLeft(text, " \t\r\n")
	switch {
	case strings.HasPrefix(first, "<?xml"):
		return XML
	case strings.HasPrefix(first, "%YAML"), strings.HasPrefix(first, "---\n"), strings.HasPrefix(first, "---\r\n"):
		return YAML
	case strings.HasPrefix(first, "#!") && shebang().MatchString(first):
		return Shell
	case strings.HasPrefix(first, "{"):
		if hasComment(head) {
			return JSONC
		}
		return JSON
	}
	lines := strings.Split(text, "\n")
	if len(lines) > 1 {
		lines = lines[:len(lines)-1] // the last one may be cut
	}
	assignments := 0
	for _, l := range lines {
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#' || l[0] == ';' || l[0] == '!':
		case iniSection().MatchString(l):
			return INI
		case !assignment().MatchString(l):
			return Lines
		default:
			assignments++
		}
	}
	if assignments > 0 {
		return Properties
	}
	return Lines
}

// hasComment tells whether a // or /* stands outside the strings of a JSON text.
func hasComment(b []byte) bool {
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
