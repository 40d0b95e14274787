package mask

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

var (
	// scheme://anything@host: of an address in a record nothing of who logs in is kept.
	login = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\b[a-zA-Z][\w+.\-]*://)[^\s/"'<>]+@`) })
	// ?token=x&y=z: what follows is kept.
	query = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`([?&;]` + secretWord + `=)[^\s&;"'<>]*`)
	})
	// Authorization: Bearer x
	bearer = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(\bauthorization["']?\s*[:=]\s*|\b(?:bearer|basic)\s+)(?:(?:bearer|basic)\s+)?[\w.~+/=\-]{6,}`)
	})
)

// Record masks a text that is kept: a line of a log, an event, a summary. It hides what
// [Text] hides, whoever logs in by an address, authorization headers, and each of the
// values in known, which the environment holds.
func Record(text string, known ...string) string {
	for _, k := range known {
		if len(k) >= minKnown {
			text = strings.ReplaceAll(text, k, Mask)
		}
	}
	if harmless(text) {
		return text
	}
	text = login().ReplaceAllString(text, "${1}"+Mask+"@")
	text = query().ReplaceAllString(text, "${1}"+Mask)
	text = bearer().ReplaceAllString(text, "${1}"+Mask)
	m := newMasker()
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(m.line(prose+l), prose)
	}
	return strings.Join(lines, "\n")
}

// signs are what every text that Record masks has one of, but for the known values: a part of
// each secretWord, or of what the other patterns begin with.
var signs = []string{"pass", "pwd", "auth", "secret", "token", "credential", "key", "salt", "bearer", "basic", "://", "-----begin "}

// harmless reports whether a text has nothing that is masked: a summary has thousands, and the
// patterns are slow. In others than ASCII letters fold in unexpected ways, and the patterns decide.
func harmless(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	lower := strings.ToLower(text)
	return !slices.ContainsFunc(signs, func(s string) bool { return strings.Contains(lower, s) })
}

// prose in front of a line keeps its first word from counting as a key that stands before
// its value: what is recorded is sentences.
const prose = " : "

// minKnown is how long a known value must be to be looked for: a shorter one would be
// found in the middle of words.
const minKnown = 4

// Args masks the arguments of a command line, each by itself, and the value that follows
// a flag with the name of a secret.
func Args(args []string, known ...string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = Record(a, known...)
		if i > 0 && strings.HasPrefix(args[i-1], "-") && !strings.Contains(args[i-1], "=") && !harmless(args[i-1]) && hasSecret().MatchString(args[i-1]) {
			out[i] = Mask
		}
	}
	return out
}
