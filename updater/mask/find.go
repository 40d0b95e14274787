package mask

import (
	"strings"
	"unicode/utf8"
)

// finder looks for what is secret in one text.
type finder struct {
	text  string
	lines []span // without their ends
	prose bool   // sentences: no line begins with a key that only blanks part from its value
	out   []span // may overlap, and go over lines

	inside int // lines before this one are in a list or map whose values are hidden already
}

// find applies all rules to a text.
func find(text string, prose bool, known []string) *found {
	f := &finder{text: text, prose: prose, lines: cut(text)}
	for _, k := range known {
		f.literal(k)
	}
	low := lower(text)
	suspect := false
	for i, l := range f.lines {
		if f.base64(l) {
			f.hide(l.from, l.to)
		}
		if harmless(low[l.from:l.to]) {
			continue
		}
		suspect = true
		f.shapes(l)
		f.commands(l)
		f.names(i)
	}
	if suspect {
		f.privateKeys()
		f.tags()
	}
	out := &found{text: text, lines: f.lines}
	out.unite(f.out)
	return out
}

func (f *finder) hide(from, to int) {
	if from < to {
		f.out = append(f.out, span{from, to})
	}
}

// literal hides each occurrence of a known secret.
func (f *finder) literal(known string) {
	if len(known) < minKnown {
		return
	}
	for at := 0; ; {
		i := strings.Index(f.text[at:], known)
		if i < 0 {
			return
		}
		f.hide(at+i, at+i+len(known))
		at += i + len(known)
	}
}

// cut finds the lines of a text, without \n and \r\n.
func cut(text string) []span {
	lines := make([]span, 0, strings.Count(text, "\n")+1)
	for from := 0; ; {
		n := strings.IndexByte(text[from:], '\n')
		if n < 0 {
			return append(lines, span{from, len(text)})
		}
		to := from + n
		if to > from && text[to-1] == '\r' {
			lines = append(lines, span{from, to - 1})
		} else {
			lines = append(lines, span{from, to})
		}
		from = to + 1
	}
}

// lower is text with the capitals of ASCII made small, byte for byte.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// signs are what every line with something to mask has one of, but for the known values and
// the lines of a base64 block: a part of each name that is a secret's, or of what the other
// rules begin with.
var signs = append([]string{"pass", "pw", "psw", "auth", "secret", "token", "cred", "key", "salt", "sess", "signature", "psk", "jwt", "cookie", "bearer", "basic", "digest",
	"negotiate", "ntlm", "identified", "//", "jdbc:oracle", "-----begin ", "-----end ", "$"}, append(tokenSigns, commandSigns...)...)

// harmless reports whether a line in small letters has nothing that is masked: a text has
// thousands of those. In others than ASCII letters fold in unexpected ways, and the rules
// decide.
func harmless(low string) bool {
	for i := range len(low) {
		if low[i] >= utf8.RuneSelf {
			return false
		}
	}
	return !containsAny(low, signs)
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// skip returns where the blanks from i on end, at most end.
func (f *finder) skip(i, end int) int {
	for i < end && blank(f.text[i]) {
		i++
	}
	return i
}

// indent is how many blanks line n begins with; a line of blanks only has none that counts.
func (f *finder) indent(n int) (width int, empty bool) {
	l := f.lines[n]
	i := f.skip(l.from, l.to)
	return i - l.from, i == l.to
}

// column is where the text of line n begins behind the dashes of a YAML list.
func (f *finder) column(n int) int {
	l := f.lines[n]
	i := f.skip(l.from, l.to)
	for i+1 < l.to && f.text[i] == '-' && blank(f.text[i+1]) {
		i = f.skip(i+1, l.to)
	}
	return i - l.from
}

// next returns the first line behind n that is not empty, or -1.
func (f *finder) next(n int) int {
	for n++; n < len(f.lines); n++ {
		if _, empty := f.indent(n); !empty {
			return n
		}
	}
	return -1
}

// lineAt returns the line that byte at lies in, from line n on.
func (f *finder) lineAt(at, n int) int {
	for n+1 < len(f.lines) && f.lines[n+1].from <= at {
		n++
	}
	return n
}
