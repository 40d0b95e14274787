package mask

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// shape is something that is secret by its look, or by the words right before it. What is
// secret is the first group that took part.
type shape struct {
	pattern string
	only    func(secret string) bool // nil: any
}

var shapeList = []shape{
	// scheme://anything@host: of who logs in nothing is shown, since a token may be the user. A password may have a slash in it.
	{pattern: `\b[a-zA-Z][\w+.\-]*://(?:([^\s/:"'<>]*:[^\s/"'<>]*[^\s/"'<>\d][^\s"'<>]*)@|([^\s/"'<>]+)@)`},
	// //user:password@host
	{pattern: `//([^\s/:@"'<>]*:[^\s/"'<>]+)@`},
	// jdbc:oracle:thin:scott/tiger@host
	{pattern: `(?i)\bjdbc:oracle:\w+:([^\s@"'<>]+)@`},
	{pattern: `(?i)\bhooks\.slack\.com/services/([\w/]+)`},
	// bearer x, where no header's name stands before it
	{pattern: `(?i)\bbearer\s+([\w.~+/=\-]{6,})`},
	{pattern: `(?i)\b(?:basic|digest|negotiate|ntlm)\s+([\w.~+/=\-]{6,})`, only: noWord},
	{pattern: `(?i)\bidentified\s+by\s+("[^"]*"|'[^']*'|[^\s;]+)`},
	// tokens that their makers have given a look of their own
	{pattern: `\b((?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|xapp-|hvs\.|dop_v1_|[sr]k_(?:live|test)_)[\w.\-]{4,}|(?:npm_|pypi-|sk-|ya29\.)[\w.\-]{16,})`},
	{pattern: `\b((?:AKIA|ASIA)[0-9A-Z]{12,}|AIza[\w\-]{20,}|SG\.[\w\-]{10,}\.[\w\-]{10,}|AGE-SECRET-KEY-1\w+)`},
	{pattern: `\b(eyJ[\w\-]{5,}\.[\w\-]+(?:\.[\w\-]*)*)`},
	// $2y$10$x: digests of passwords
	{pattern: `(\$(?:2[abxy]?|1|5|6|7|y|apr1|argon2\w*|scrypt)\$[^\s:"',;<>]{8,})`},
}

// tokenSigns are of the tokens what [signs] wants.
var tokenSigns = []string{"gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "npm_", "pypi-", "hvs.", "dop_v1_", "sk_", "rk_", "sk-", "ya29.",
	"akia", "asia", "aiza", "sg.", "eyj", "hooks.slack.com"}

var shapeRegexps = sync.OnceValue(func() []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, s := range shapeList {
		out = append(out, regexp.MustCompile(s.pattern))
	}
	return out
})

// shapes hides what is secret in a line by its look.
func (f *finder) shapes(l span) {
	line := f.text[l.from:l.to]
	for i, re := range shapeRegexps() {
		for _, m := range re.FindAllStringSubmatchIndex(line, -1) {
			for g := 2; g < len(m); g += 2 {
				if m[g] >= 0 && (shapeList[i].only == nil || shapeList[i].only(line[m[g]:m[g+1]])) {
					f.hide(l.from+m[g], l.from+m[g+1])
				}
			}
		}
	}
}

// noWord reports whether s is none that a sentence has: "basic authentication".
func noWord(s string) bool {
	return len(s) >= 20 || strings.ContainsFunc(s[1:], func(r rune) bool { return unicode.IsUpper(r) || unicode.IsDigit(r) || r == '=' || r == '+' })
}

// minBase64 is how long a line must be to be taken for one of a block of base64.
const minBase64 = 60

// base64 reports whether a line is nothing but base64, and long: in the middle of a key
// nothing else tells what it is.
func (f *finder) base64(l span) bool {
	l = trim(f.text, l)
	return l.to-l.from >= minBase64 && isBase64(f.text[l.from:l.to])
}

// isBase64 reports whether s has the letters of base64 only.
func isBase64(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/') {
			return false
		}
	}
	return true
}

var (
	keyBegin = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*KEY(?: BLOCK)?-----`) })
	keyEnd   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-----END [A-Z0-9 ]*KEY(?: BLOCK)?-----`) })
)

// maxKeyBytes is how far the end of a key in PEM may be from its beginning.
const maxKeyBytes = 64 << 10

// privateKeys hides what stands between the first and the last line of a key in PEM, also
// where all is one line. Of a key without its first or last line what looks like a part of
// one is hidden.
func (f *finder) privateKeys() {
	ends := keyEnd().FindAllStringIndex(f.text, -1)
	n, line := 0, 0
	for _, b := range keyBegin().FindAllStringIndex(f.text, -1) {
		for ; n < len(ends) && ends[n][0] < b[1]; n++ {
			line = f.keyBefore(ends[n][0], line)
		}
		line = f.lineAt(b[0], line)
		if n < len(ends) && ends[n][0]-b[1] <= maxKeyBytes {
			f.hide(b[1], ends[n][0])
			n++
			continue
		}
		f.hide(b[1], f.lines[line].to)
		for i := line + 1; i < len(f.lines) && f.keyLine(i); i++ {
			f.hide(f.lines[i].from, f.lines[i].to)
		}
	}
	for ; n < len(ends); n++ {
		line = f.keyBefore(ends[n][0], line)
	}
}

// keyBefore hides what a key without its first line has before its end at byte at.
func (f *finder) keyBefore(at, line int) int {
	line = f.lineAt(at, line)
	f.hide(f.lines[line].from, at)
	for i := line - 1; i >= 0 && f.keyLine(i); i-- {
		f.hide(f.lines[i].from, f.lines[i].to)
	}
	return line
}

// keyLine reports whether line n may be of a key in PEM: base64, or a field in front of it.
func (f *finder) keyLine(n int) bool {
	l := trim(f.text, f.lines[n])
	s := strings.Trim(f.text[l.from:l.to], "\"' \t,+\\")
	s = strings.TrimSuffix(strings.TrimSuffix(s, `\n`), `\r`)
	return isBase64(s) && s != "" || strings.HasPrefix(s, "Proc-Type:") || strings.HasPrefix(s, "DEK-Info:")
}
