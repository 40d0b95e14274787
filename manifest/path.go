package manifest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a path, in bytes. They are those of Linux file systems, the
// narrowest of the common ones.
const (
	MaxSegment = 255
	MaxPath    = 4096
)

// Path names a file of the product relative to the installation: slash-separated
// and clean, so it has no empty, "." or ".." segment, no NUL, and no slash at
// either end. A segment has at most MaxSegment bytes, the path at most MaxPath.
// Every other byte may occur: operators' trees hold names that are not UTF-8.
// The empty Path is the installation itself.
//
// A Path prints escaped (see String); string(p) gives the raw bytes.
type Path string

// ParsePath checks s and returns it as a Path. The error starts with the
// printable form of s, cut where it is long.
func ParsePath(s string) (Path, error) {
	if msg := pathFault(s); msg != "" {
		return "", fmt.Errorf("%s: %s", printableCut(s), msg)
	}
	return Path(s), nil
}

// pathFault says what keeps s from being a Path, or "".
func pathFault(s string) string {
	switch {
	case s == "":
		return "want a path, got an empty text"
	case len(s) > MaxPath:
		return fmt.Sprintf("want a path of at most %d bytes, got %d", MaxPath, len(s))
	case s[0] == '/':
		return "want a path relative to the installation, got an absolute one"
	case s[len(s)-1] == '/':
		return "want a path without a slash at its end"
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "want a path without NUL bytes"
	}
	for rest, more := s, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		switch {
		case len(name) > MaxSegment:
			return fmt.Sprintf("want names of at most %d bytes, got one of %d", MaxSegment, len(name))
		case name == "":
			return "want one slash between names, got two"
		case name == ".", name == "..":
			return `want a clean path, got a "." or ".." in it`
		}
	}
	return ""
}

// plainPath reports whether s is a path without fault that an inventory has as it is,
// which nearly all are. It says in one pass what unescapeName and pathFault say in
// several; of the rest it says nothing.
func plainPath(s string) bool {
	if len(s) == 0 || len(s) > MaxPath {
		return false
	}
	start, dots := 0, 0 // of the name that i is in; whether all of it is dots
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '/':
			if n := i - start; n == dots && n <= 2 || n > MaxSegment {
				return false
			}
			start, dots = i+1, 0
		case escaped(c):
			return false
		case c == '.':
			dots++
		}
	}
	n := len(s) - start
	return (n != dots || n > 2) && n <= MaxSegment
}

// Parent returns the directory p lies in, "" when p lies at the top.
func (p Path) Parent() Path {
	if i := strings.LastIndexByte(string(p), '/'); i >= 0 {
		return p[:i]
	}
	return ""
}

// Base returns the last segment of p.
func (p Path) Base() string {
	return string(p[strings.LastIndexByte(string(p), '/')+1:])
}

// Join returns the path of name inside p. It does not check name.
func (p Path) Join(name string) Path {
	if p == "" {
		return Path(name)
	}
	return p + "/" + Path(name)
}

// Within reports whether p is dir or lies below it. Everything is within "".
func (p Path) Within(dir Path) bool {
	return dir == "" || p == dir ||
		len(p) > len(dir) && p[len(dir)] == '/' && p[:len(dir)] == dir
}

// String returns p for people: control bytes and invalid UTF-8 as \xHH,
// invisible and direction-changing characters as \uHHHH, a backslash doubled.
// The result is safe on a terminal and names exactly one path; it is not the
// path itself, which is string(p).
func (p Path) String() string { return printable(string(p)) }

// printable escapes what a terminal would act on or not show.
func printable(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r < 0x20, r == 0x7f, r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case invisible(r):
			if r > 0xffff {
				fmt.Fprintf(&b, `\U%08x`, r)
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// printableCut is printable for texts of unknown length.
func printableCut(s string) string {
	const most = 200
	if len(s) > most {
		return printable(s[:most]) + "..."
	}
	return printable(s)
}
