package xml

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

var encodingOf = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]*)["']`)
})

// newLexer finds the encoding and refuses bytes that no document in it has.
func newLexer(data []byte) (*lexer, error) {
	l := &lexer{data: data, charset: "utf-8", ascii: true}
	if m := encodingOf().FindSubmatch(data); m != nil {
		l.charset = strings.ToLower(string(m[1]))
	}
	for i, c := range data {
		switch {
		case c >= 0x80:
			l.ascii = false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			return nil, l.fault(i, "a control character")
		}
	}
	switch l.charset {
	case "utf-8", "utf8":
		l.charset = "utf-8"
		if !utf8.Valid(data) {
			return nil, errors.New("want UTF-8, got other bytes")
		}
		if bytes.Contains(data, []byte("\uFFFE")) || bytes.Contains(data, []byte("\uFFFF")) {
			return nil, errors.New("a code point that is no character")
		}
	case "us-ascii", "ascii":
		l.charset = "us-ascii"
		if !l.ascii {
			return nil, errors.New("want ASCII, got other bytes")
		}
	case "iso-8859-1", "iso_8859-1", "latin1":
		l.charset = "iso-8859-1"
	default:
		return nil, fmt.Errorf("want UTF-8, US-ASCII or ISO-8859-1, got encoding %s", l.charset)
	}
	return l, nil
}

// decodeBytes returns a range as UTF-8.
func (l *lexer) decodeBytes(start, end int) string {
	if l.ascii || l.charset != "iso-8859-1" {
		return string(l.data[start:end])
	}
	var s strings.Builder
	for _, c := range l.data[start:end] {
		s.WriteRune(rune(c))
	}
	return s.String()
}

var reference = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`&(#[0-9]+|#x[0-9A-Fa-f]+|[A-Za-z_:][A-Za-z0-9._:-]*);`)
})

var predefined = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// checkReferences refuses an & that begins no reference, one to a character that XML does
// not have, and entities that nothing can have declared.
func (l *lexer) checkReferences(at int, raw []byte) error {
	n := bytes.Count(raw, []byte{'&'})
	if n == 0 {
		return nil
	}
	found := reference().FindAllSubmatch(raw, -1)
	if len(found) != n {
		return l.fault(at, "an & that begins no reference")
	}
	for _, m := range found {
		name := string(m[1])
		if name[0] == '#' {
			if _, ok := character(name); !ok {
				return l.fault(at, "a reference to what is no character")
			}
		} else if predefined[name] == "" && !l.hasDoctype {
			return l.fault(at, "entity "+name+" is not declared")
		}
	}
	return nil
}

// resolve replaces the references of a text that was checked. An entity of the document's
// own stays apart from any text that looks like a reference to it.
func (l *lexer) resolve(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return reference().ReplaceAllStringFunc(s, func(ref string) string {
		name := ref[1 : len(ref)-1]
		if r, ok := character(name); ok {
			return string(r)
		}
		if c := predefined[name]; c != "" {
			return c
		}
		return "\x00" + ref
	})
}

// character returns what a name like #10 or #xA stands for.
func character(name string) (rune, bool) {
	digits, isNumber := strings.CutPrefix(name, "#")
	if !isNumber {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || n >= 0xD800 && n < 0xE000 || n == 0xFFFE || n == 0xFFFF || n < ' ' && n != '\t' && n != '\n' && n != '\r' {
		return 0, false
	}
	return rune(n), true
}

// lineEnds makes each line end \n, as XML readers do.
func lineEnds(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// foldLines removes the blanks around line breaks, and empty lines between others; what
// is left of the breaks is between.
func foldLines(s, between string) string {
	s = lineEnds(s)
	if !strings.Contains(s, "\n") {
		return s
	}
	lines := strings.Split(s, "\n")
	kept := lines[:0]
	for i, line := range lines {
		if i > 0 {
			line = strings.TrimLeft(line, " \t")
		}
		if i < len(lines)-1 {
			line = strings.TrimRight(line, " \t")
		}
		if line != "" || i == 0 || i == len(lines)-1 {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, between)
}
