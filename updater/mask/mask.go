// Package mask hides what looks like a secret in texts that people and logs are shown.
//
// Configuration holds passwords, and what a terminal shows ends in scrollback, tickets
// and mails. Values of keys that look like secrets are therefore masked in every
// difference, record, event and log. The rule is generous: a masked port number is a
// nuisance, a shown password is not. It is a rule about names: a secret that nothing
// names is not found.
package mask

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// Mask stands for a masked value. Its length says nothing about the value's.
const Mask = "********"

// secretWord finds the name of a key that holds a secret.
const secretWord = `(?i:[\w.\-/]*(?:passw(?:or)?d|passphrase|passwort|pwd|[a-z]*storepass|keypass|requirepass|masterauth|secret|token|credential|` +
	`private[-_.]?key|api[-_.]?key|access[-_.]?key|account[-_.]?key|encryption[-_.]?key|signing[-_.]?key|client[-_.]?key|auth[-_.]?key|key[-_.]?material|salt)[\w.\-]*)`

// The shapes in which a key and its value stand in one line; what is kept is group 1
// and, for addresses, group 2.
var (
	// "password": "x", password='x', password => "x"
	quotedValue = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(` + secretWord + `["']?\s*(?:[:=]>?)\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`)
	})
	// <password>x</password>, <param name="password">x</param>
	elementValue = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(<[^<>/][^<>]*` + secretWord + `[^<>]*[^/<>]>|<` + secretWord + `>)[^<]+`)
	})
	// <property name="password" value="x"/>, {name: DB_PASSWORD, value: x}
	attributeValue = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)((?:name|key|id|property)["']?\s*[:=]\s*["']?` + secretWord +
			`.*?\b(?:value|content|default)["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,}]+)`)
	})
	// password = x, password: x
	assignedValue = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(` + secretWord + `["']?\s*[:=]\s*)([^"'\s\[{|>][^\n]*|>[^\s\-][^\n]*)`)
	})
	// --password x, ["--password", "x"]
	flagValue = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`((?:^|[\s,\["'])--?` + secretWord + `["']?(?:\s*,\s*|[ \t]+)["']?)[^\s,"'\]]+`)
	})
	// - --password, above - x
	flagOnly = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*(?:-\s+)?["']?--?` + secretWord + `["']?[,\\]?$`)
	})
	// requirepass x
	spacedValue = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(^[-+ ]?\s*` + secretWord + `[ \t]+)([^=:\s<>][^\n]*)$`)
	})
	// value: x, below the name of a secret
	valueBelow = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^([-+ ]?\s*["']?(?:value|content)["']?\s*[:=]\s*)(\S.*)$`)
	})
	// scheme://user:password@host
	userinfo = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\b[a-zA-Z][\w+.\-]*://[^\s/:@"']*:)[^\s/@"']+(@)`) })

	opensBlock = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(secretWord + `["']?\s*:\s*(?:[|>][-+0-9]*)?\s*$`) })
	namesOnly  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(?:name|key|id)["']?\s*[:=]\s*["']?` + secretWord + `["']?,?\s*$`)
	})
	hasSecret = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(secretWord) })
)

// masker knows, from line to line of one text, whether a secret goes on.
type masker struct {
	pem    bool // inside a PEM block
	below  int  // lines indented deeper than this belong to a secret value; -1: none
	joined bool // this line is the value that the line before has named, or goes on with
	named  bool // a name was a secret's: the value may stand on the next line
}

func newMasker() *masker { return &masker{below: -1} }

// Diff masks the unified difference of one file.
func Diff(diff []byte) []byte {
	m := newMasker()
	var out bytes.Buffer
	head := true // file names and modes, up to the first hunk
	for line := range bytes.Lines(diff) {
		text, end := string(line), ""
		if n := len(text); n > 0 && text[n-1] == '\n' {
			text, end = text[:n-1], "\n"
		}
		hunk := strings.HasPrefix(text, "@@")
		if hunk {
			head = false
			*m = *newMasker()
		}
		if strings.HasPrefix(text, "diff --git ") { // no line of a hunk begins so
			head = true
		}
		if hunk || head && isHeader(text) {
			out.WriteString(text + end)
			continue
		}
		out.WriteString(m.line(text) + end)
	}
	return out.Bytes()
}

// isHeader reports whether a line in front of the first hunk only names a file.
func isHeader(line string) bool {
	for _, start := range []string{"--- ", "+++ ", "diff --git ", "rename ", "index ", "old mode ", "new mode ", "new file mode ", "deleted file mode "} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// Text masks a text that is no difference.
func Text(text string) string {
	m := newMasker()
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(m.line(" "+l), " ")
	}
	return strings.Join(lines, "\n")
}

// line masks a line of a difference; its first byte is the mark.
func (m *masker) line(text string) string {
	if text == "" {
		return text
	}
	sign, body := text[:1], text[1:]
	indent := len(body) - len(strings.TrimLeft(body, " \t"))
	switch {
	case strings.Contains(body, "-----BEGIN ") && strings.Contains(body, "KEY"):
		m.pem = true
		return text
	case m.pem:
		if strings.Contains(body, "-----END ") {
			m.pem = false
			return text
		}
		return sign + Mask
	case m.joined:
		m.joined = strings.HasSuffix(strings.TrimRight(body, "\r"), `\`)
		return sign + body[:indent] + Mask
	case m.below >= 0 && indent > m.below && strings.TrimSpace(body) != "":
		return sign + body[:indent] + Mask
	}
	m.below = -1
	if m.named {
		m.named = false
		if out := valueBelow().ReplaceAllString(text, "${1}"+Mask); out != text {
			return out
		}
	}
	return m.fresh(text, body, indent)
}

// fresh masks a line that starts a value of its own.
func (m *masker) fresh(text, body string, indent int) string {
	text = userinfo().ReplaceAllString(text, "${1}"+Mask+"${2}")
	if !hasSecret().MatchString(body) {
		return text
	}
	bare := strings.TrimRight(body, "\r")
	switch {
	case namesOnly().MatchString(bare):
		m.named = true
		return text
	case opensBlock().MatchString(bare):
		m.below = indent
		return text
	}
	m.joined = strings.HasSuffix(bare, `\`) || flagOnly().MatchString(bare)
	text = flagValue().ReplaceAllString(text, "${1}"+Mask)
	before := text
	for _, p := range []*regexp.Regexp{attributeValue(), quotedValue(), elementValue()} {
		text = p.ReplaceAllString(text, "${1}"+Mask)
	}
	if text != before {
		return text
	}
	if out := assignedValue().ReplaceAllString(text, "${1}"+Mask); out != text {
		return out
	}
	return spacedValue().ReplaceAllString(text, "${1}"+Mask)
}
