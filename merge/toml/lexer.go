package toml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"inplace/merge/tree"
)

const (
	blanks = " \t"
	bare   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
)

// lexer reads the smallest parts of a text, which is valid UTF-8.
type lexer struct {
	data []byte
	at   int
}

// next returns the byte at hand, 0 at the end.
func (l *lexer) next() byte {
	if l.at < len(l.data) {
		return l.data[l.at]
	}
	return 0
}

func (l *lexer) begins(s string) bool { return bytes.HasPrefix(l.data[l.at:], []byte(s)) }

func (l *lexer) fault(err error) error {
	return fmt.Errorf("line %d: %w", bytes.Count(l.data[:l.at], []byte{'\n'})+1, err)
}

func (l *lexer) want(what string) error {
	if l.at == len(l.data) {
		return l.fault(fmt.Errorf("want %s, got the end of the text", what))
	}
	return l.fault(fmt.Errorf("want %s, got %q", what, l.data[l.at]))
}

// skip goes on behind all bytes of a set.
func (l *lexer) skip(set string) {
	for l.at < len(l.data) && strings.IndexByte(set, l.data[l.at]) >= 0 {
		l.at++
	}
}

// skipLines goes on behind blanks and line ends.
func (l *lexer) skipLines() {
	for l.skip(blanks); l.begins("\n") || l.begins("\r\n"); l.skip(blanks) {
		l.at += bytes.IndexByte(l.data[l.at:], '\n') + 1
	}
}

// lineEnd goes on behind the rest of a line, and returns the comment in it with the
// blanks before it.
func (l *lexer) lineEnd() (comment tree.Range, err error) {
	start := l.at
	l.skip(blanks)
	if l.next() == '#' {
		if err := l.comment(); err != nil {
			return comment, err
		}
		comment = tree.Range{Start: start, End: l.at}
	}
	switch {
	case l.at == len(l.data):
	case l.begins("\n"):
		l.at++
	case l.begins("\r\n"):
		l.at += 2
	default:
		return comment, l.want("the end of the line")
	}
	return comment, nil
}

// comment goes on behind a comment; the line end is no part of it.
func (l *lexer) comment() error {
	for l.at < len(l.data) && !l.begins("\n") && !l.begins("\r\n") {
		if control(l.data[l.at]) {
			return l.want("a comment")
		}
		l.at++
	}
	return nil
}

// control tells whether a byte may stand in no comment and no string.
func control(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

// comments goes on behind blanks, line ends and comments and returns these, each with
// what is before it.
func (l *lexer) comments() ([]tree.Atom, error) {
	var atoms []tree.Atom
	for {
		from := l.at
		l.skipLines()
		if l.next() != '#' {
			return atoms, nil
		}
		start := l.at
		if err := l.comment(); err != nil {
			return nil, err
		}
		atoms = append(atoms, tree.Atom{
			Range: tree.Range{Start: from, End: l.at},
			Text:  tree.Fold(string(l.data[start:l.at])),
		})
	}
}

// key reads a key with the blanks around it, and returns its segments.
func (l *lexer) key() ([]string, error) {
	var path []string
	for {
		l.skip(blanks)
		var segment string
		var err error
		switch l.next() {
		case '"':
			segment, err = l.basic()
		case '\'':
			segment, err = l.literal()
		default:
			start := l.at
			l.skip(bare)
			if segment = string(l.data[start:l.at]); segment == "" {
				err = l.want("a key")
			}
		}
		if err != nil {
			return nil, err
		}
		path = append(path, segment)
		l.skip(blanks)
		if l.next() != '.' {
			return path, nil
		}
		l.at++
	}
}

var errUnclosed = errors.New("a string without an end")

// literal reads 'text'.
func (l *lexer) literal() (string, error) {
	start := l.at + 1
	for l.at = start; l.at < len(l.data); l.at++ {
		switch c := l.data[l.at]; {
		case c == '\'':
			l.at++
			return string(l.data[start : l.at-1]), nil
		case control(c):
			return "", l.want("a character of a string")
		}
	}
	return "", l.fault(errUnclosed)
}

// basic reads "text".
func (l *lexer) basic() (string, error) {
	var out []byte
	for l.at++; l.at < len(l.data); {
		switch c := l.data[l.at]; {
		case c == '"':
			l.at++
			return string(out), nil
		case c == '\\':
			r, err := l.escape()
			if err != nil {
				return "", err
			}
			out = append(out, r...)
		case control(c):
			return "", l.want("a character of a string")
		default:
			out = append(out, c)
			l.at++
		}
	}
	return "", l.fault(errUnclosed)
}
