package toml

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// scalar reads a value that is no array or table, and returns what it means, equal
// exactly where type and value are: strings behind a quote, floats behind an f, all
// others as they are spelled in the simplest way.
func (l *lexer) scalar() (string, error) {
	var s string
	var err error
	switch {
	case l.begins(`"""`), l.begins(`'''`):
		s, err = l.multiline()
	case l.begins(`"`):
		s, err = l.basic()
	case l.begins(`'`):
		s, err = l.literal()
	default:
		return l.word()
	}
	return `"` + s, err
}

// escape reads \x, \uXXXX or \UXXXXXXXX.
func (l *lexer) escape() (string, error) {
	l.at++
	c := l.next()
	size := 0
	switch c {
	case 'u':
		size = 4
	case 'U':
		size = 8
	default:
		i := strings.IndexByte(`btnfr"\`, c)
		if i < 0 {
			return "", l.want("an escape")
		}
		l.at++
		return "\b\t\n\f\r\"\\"[i : i+1], nil
	}
	l.at++
	if l.at+size > len(l.data) {
		return "", l.fault(errUnclosed)
	}
	u, err := strconv.ParseUint(string(l.data[l.at:l.at+size]), 16, 32)
	if err != nil || u > utf8.MaxRune || !utf8.ValidRune(rune(u)) {
		return "", l.want("a Unicode character")
	}
	l.at += size
	return string(rune(u)), nil
}

// multiline reads a string between three double quotes or three single ones. Line ends
// before the closing ones belong to it.
func (l *lexer) multiline() (string, error) {
	quote := l.next()
	closing := strings.Repeat(string(quote), 3)
	l.at += 3
	if l.begins("\r\n") {
		l.at++
	}
	if l.begins("\n") {
		l.at++
	}
	var out []byte
	for l.at < len(l.data) {
		c := l.data[l.at]
		switch {
		case l.begins(closing):
			l.at += 3
			for i := 0; i < 2 && l.next() == quote; i++ {
				out = append(out, quote)
				l.at++
			}
			return string(out), nil
		case l.begins("\r\n"):
			l.at++
			continue
		case c == '\\' && quote == '"':
			if l.continues() {
				continue
			}
			r, err := l.escape()
			if err != nil {
				return "", err
			}
			out = append(out, r...)
			continue
		case control(c) && c != '\n':
			return "", l.want("a character of a string")
		}
		out = append(out, c)
		l.at++
	}
	return "", l.fault(errUnclosed)
}

// continues goes on behind a backslash at the end of a line and all blanks that follow.
func (l *lexer) continues() bool {
	rest := bytes.TrimLeft(l.data[l.at+1:], blanks)
	if !bytes.HasPrefix(rest, []byte("\n")) && !bytes.HasPrefix(rest, []byte("\r\n")) {
		return false
	}
	l.at++
	l.skipLines()
	return true
}

const digits = `[0-9](?:_?[0-9])*`

var (
	integer = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[+-]?(?:0|[1-9](?:_?[0-9])*)|0x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*)$`)
	})
	float = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[+-]?(?:0|[1-9](?:_?[0-9])*)(?:\.` + digits + `)?(?:[eE][+-]?` + digits + `)?$`)
	})
	special   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[+-]?(?:inf|nan)$`) })
	date      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`) })
	localTime = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?$`) })
	dateTime  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?$`)
	})
)

// word reads a boolean, number, date or time.
func (l *lexer) word() (string, error) {
	end := l.wordEnd(l.at)
	if end < len(l.data) && l.data[end] == ' ' && date().Match(l.data[l.at:end]) {
		if e := l.wordEnd(end + 1); e > end+1 && '0' <= l.data[end+1] && l.data[end+1] <= '9' {
			end = e
		}
	}
	meaning, ok := meaning(string(l.data[l.at:end]))
	if !ok {
		return "", l.want("a value")
	}
	l.at = end
	return meaning, nil
}

func (l *lexer) wordEnd(at int) int {
	for at < len(l.data) && strings.IndexByte(bare+"+.:", l.data[at]) >= 0 {
		at++
	}
	return at
}

func meaning(w string) (string, bool) {
	plain := strings.ReplaceAll(w, "_", "")
	switch {
	case w == "true", w == "false":
		return w, true
	case integer().MatchString(w):
		i, err := strconv.ParseInt(plain, integerBase(plain), 64)
		return strconv.FormatInt(i, 10), err == nil
	case float().MatchString(w), special().MatchString(w):
		f, err := strconv.ParseFloat(plain, 64)
		if math.IsNaN(f) {
			return "fnan", true
		}
		return "f" + strconv.FormatFloat(f, 'g', -1, 64), err == nil
	case date().MatchString(w):
		return w, valid("2006-01-02", w)
	case localTime().MatchString(w):
		return w, valid("15:04:05", w)
	case dateTime().MatchString(w):
		w = strings.ToUpper(w[:10] + "T" + w[11:])
		return w, valid("2006-01-02T15:04:05Z07:00", w) || valid("2006-01-02T15:04:05", w)
	}
	return "", false
}

// integerBase is 0, which reads prefixes, but for decimal numbers.
func integerBase(w string) int {
	if len(w) > 1 && w[0] == '0' {
		return 0
	}
	return 10
}

func valid(layout, w string) bool {
	_, err := time.Parse(layout, w)
	return err == nil
}
