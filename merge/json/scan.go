package json

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"inplace/merge/tree"
)

var number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`) })

// scalar reads a string, number or literal and returns what it means: for a string its
// text behind a quote.
func (p *parser) scalar() (string, error) {
	if p.next() == '"' {
		s, err := p.text()
		return `"` + s, err
	}
	end := p.at
	for end < len(p.data) && strings.IndexByte("+-.", p.data[end]) >= 0 || end < len(p.data) && alphanumeric(p.data[end]) {
		end++
	}
	switch word := string(p.data[p.at:end]); {
	case word == "true", word == "false", word == "null", number().MatchString(word):
		p.at = end
		return word, nil
	}
	return "", p.want("a value")
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// text reads a string and returns it unescaped. Half a surrogate pair becomes the three
// bytes that UTF-8 would have for it, so that equal texts stay equal and others do not.
func (p *parser) text() (string, error) {
	var out []byte
	for p.at++; ; p.at++ {
		c := p.next()
		switch {
		case p.at == len(p.data) || c < ' ':
			return "", p.want("the end of a string")
		case c == '"':
			p.at++
			return string(out), nil
		case c != '\\':
			out = append(out, c)
			continue
		}
		p.at++
		c = p.next()
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[i])
			continue
		}
		r, ok := p.escaped(p.at)
		if !ok {
			return "", p.want("an escape")
		}
		p.at += 4
		if utf16.IsSurrogate(r) {
			if low, ok := p.escaped(p.at + 2); ok && p.data[p.at+1] == '\\' {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					out = utf8.AppendRune(out, pair)
					p.at += 6
					continue
				}
			}
			out = append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
			continue
		}
		out = utf8.AppendRune(out, r)
	}
}

// escaped reads the uXXXX at a place.
func (p *parser) escaped(at int) (rune, bool) {
	if at+5 > len(p.data) || p.data[at] != 'u' {
		return 0, false
	}
	u, err := strconv.ParseUint(string(p.data[at+1:at+5]), 16, 16)
	return rune(u), err == nil
}

// comments goes on behind blanks and comments and returns these, each with the blanks
// before it.
func (p *parser) comments() ([]tree.Atom, error) {
	var atoms []tree.Atom
	for {
		from := p.at
		p.skip(spaces)
		start := p.at
		if ok, err := p.comment(); err != nil {
			return nil, err
		} else if !ok {
			return atoms, nil
		}
		atoms = append(atoms, tree.Atom{
			Range: tree.Range{Start: from, End: p.at},
			Text:  tree.Fold(string(p.data[start:p.at])),
		})
	}
}

// comment goes on behind a comment, if there is one. The line end of a line comment is
// no part of it.
func (p *parser) comment() (bool, error) {
	rest := p.data[p.at:]
	switch {
	case !p.commented:
		return false, nil
	case bytes.HasPrefix(rest, []byte("/*")):
		end := bytes.Index(rest[2:], []byte("*/"))
		if end < 0 {
			return false, errors.New("a comment without an end")
		}
		p.at += 2 + end + 2
		return true, nil
	case bytes.HasPrefix(rest, []byte("//")):
		line := rest
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			line = rest[:end]
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if bytes.IndexByte(line, '\r') >= 0 {
			return false, errors.New("a line that ends with CR alone")
		}
		p.at += len(line)
		return true, nil
	}
	return false, nil
}

// behind reads what follows a value: its comma, and the comments that stand behind it on
// its line and nothing else but a closing bracket behind them.
func (p *parser) behind() (sep, trail tree.Range, err error) {
	end := p.at
	p.skip(spaces)
	if p.next() == ',' {
		sep = tree.Range{Start: p.at, End: p.at + 1}
		end = p.at + 1
	}
	p.at = end
	for {
		p.skip(blanks)
		if ok, err := p.comment(); err != nil {
			return sep, trail, err
		} else if !ok {
			break
		}
		trail = tree.Range{Start: end, End: p.at}
	}
	if c := p.next(); trail.Empty() || c != '\r' && c != '\n' && c != '}' && c != ']' {
		p.at = end
		return sep, tree.Range{}, nil
	}
	p.at = trail.End
	return sep, trail, nil
}
