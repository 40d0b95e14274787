package merge

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unified returns the unified diff from a to b, for people and for patch(1) and
// git apply: byte for byte, with line ends as they are, and with
// "\ No newline at end of file" where it belongs. context is the number of
// unchanged lines around a change. Equal texts give nil. Binary texts give a line
// that says so, and no diff. Labels with quotes or with what a terminal does not show are
// quoted as in C; "/dev/null" stands for an absent file. Texts past the limits of this
// package, or too different to compare, are shown as replaced whole.
func Unified(a, b []byte, labelA, labelB string, context int) []byte {
	if bytes.Equal(a, b) {
		return nil
	}
	if isBinary(a) || isBinary(b) {
		return fmt.Appendf(nil, "Binary files %s and %s differ\n", quoteLabel(labelA), quoteLabel(labelB))
	}
	u := unified{a: rawLines(a), b: rawLines(b)}
	hunks := u.hunks(len(a) > MaxBytes || len(b) > MaxBytes)
	u.out = fmt.Appendf(nil, "--- %s\n+++ %s\n", headerLabel(labelA), headerLabel(labelB))
	context = max(context, 0)
	for len(hunks) > 0 {
		n := 1 // hunks whose context meets are shown as one
		for n < len(hunks) && hunks[n].a.start-hunks[n-1].a.end <= 2*context {
			n++
		}
		u.write(hunks[:n], context)
		hunks = hunks[n:]
	}
	return u.out
}

// unified renders a diff of raw lines, each with its LF but perhaps the last.
type unified struct {
	a, b [][]byte
	out  []byte
}

// rawLines cuts b after each LF.
func rawLines(b []byte) [][]byte {
	if len(b) == 0 {
		return nil
	}
	l := bytes.SplitAfter(b, []byte{'\n'})
	if len(l[len(l)-1]) == 0 {
		l = l[:len(l)-1]
	}
	return l
}

// hunks compares the raw lines; whole asks for no comparison.
func (u *unified) hunks(whole bool) []hunk {
	all := []hunk{{span{0, len(u.a)}, span{0, len(u.b)}}}
	if whole || len(u.a) > MaxLines || len(u.b) > MaxLines {
		return all
	}
	v := newVocabulary()
	number := func(lines [][]byte) []int {
		ids := make([]int, len(lines))
		for i, l := range lines {
			key, ended := bytes.CutSuffix(l, []byte{'\n'})
			if !ended { // differs from the same line with a newline; texts have no NUL
				key = append(bytes.Clone(key), 0)
			}
			ids[i] = v.id(key)
		}
		return ids
	}
	hunks, err := diff(number(u.a), number(u.b), v)
	if err != nil {
		return all
	}
	return hunks
}

// write renders hunks as one, with context around it.
func (u *unified) write(hunks []hunk, context int) {
	first, last := hunks[0], hunks[len(hunks)-1]
	before := min(context, first.a.start)
	after := min(context, len(u.a)-last.a.end)
	u.out = fmt.Appendf(u.out, "@@ -%s +%s @@\n",
		hunkRange(span{first.a.start - before, last.a.end + after}),
		hunkRange(span{first.b.start - before, last.b.end + after}))
	at := first.a.start - before
	for _, h := range hunks {
		u.lines(' ', u.a[at:h.a.start])
		u.lines('-', u.a[h.a.start:h.a.end])
		u.lines('+', u.b[h.b.start:h.b.end])
		at = h.a.end
	}
	u.lines(' ', u.a[at:at+after])
}

func (u *unified) lines(sign byte, lines [][]byte) {
	for _, l := range lines {
		u.out = append(append(u.out, sign), l...)
		if l[len(l)-1] != '\n' {
			u.out = append(u.out, "\n\\ No newline at end of file\n"...)
		}
	}
}

// hunkRange prints a range as diff does: the first line counts from 1, an empty
// range names the line before it, a length of one is left out.
func hunkRange(s span) string {
	switch n := s.end - s.start; n {
	case 0:
		return fmt.Sprintf("%d,0", s.start)
	case 1:
		return strconv.Itoa(s.start + 1)
	default:
		return fmt.Sprintf("%d,%d", s.start+1, n)
	}
}

// headerLabel is a label as the --- and +++ lines want it: a tab ends a name that
// holds a blank. patch takes no blank for the name's that stands before that tab.
func headerLabel(label string) string {
	if strings.TrimSpace(label) != label {
		return quoted(label)
	}
	q := quoteLabel(label)
	if q == label && strings.Contains(label, " ") {
		return label + "\t"
	}
	return q
}

// quoteLabel quotes a name that would break the line, or that a terminal would act on or not
// show: controls, what turns the direction of text, and what is no UTF-8.
func quoteLabel(label string) string {
	odd := func(r rune) bool {
		return r == '"' || r == '\\' || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
	}
	if utf8.ValidString(label) && !strings.ContainsFunc(label, odd) {
		return label
	}
	return quoted(label)
}

// quoted is a name in quotes, with octal escapes as git writes and patch reads them.
func quoted(label string) string {
	var s strings.Builder
	s.WriteByte('"')
	for i := range len(label) {
		switch c := label[i]; {
		case c == '"' || c == '\\':
			s.WriteByte('\\')
			s.WriteByte(c)
		case c < ' ' || c >= 0x7F:
			fmt.Fprintf(&s, "\\%03o", c)
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('"')
	return s.String()
}
