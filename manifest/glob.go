package manifest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Glob is a compiled pattern over paths. `*` matches any characters within a
// segment, `?` one character within a segment, `**` as a whole segment matches
// zero or more segments: "conf/**" matches "conf" and everything below it.
// Everything else stands for itself, dots at the start of a name are nothing
// special, and letter case counts. A Glob may be used by many at once.
type Glob struct {
	pattern string
	parts   []globPart
}

// globPart is one segment of a pattern.
type globPart struct {
	deep    bool // the segment is `**`
	literal bool // without wildcards
	text    string
}

// CompileGlob checks pattern and compiles it. Refused, since they can match
// nothing or not what was meant: an empty pattern, a leading or trailing slash,
// empty, "." and ".." segments, `**` within a longer segment, backslashes,
// control bytes, and what is too long for a path.
func CompileGlob(pattern string) (*Glob, error) {
	if msg := globFault(pattern); msg != "" {
		return nil, fmt.Errorf("%q: %s", printableCut(pattern), msg)
	}
	g := &Glob{pattern: pattern}
	for rest, more := pattern, true; more; {
		var text string
		text, rest, more = strings.Cut(rest, "/")
		deep := text == "**"
		if deep && len(g.parts) > 0 && g.parts[len(g.parts)-1].deep {
			return nil, fmt.Errorf("%q: want one ** in a row, got two", printableCut(pattern))
		}
		g.parts = append(g.parts, globPart{deep: deep, literal: !strings.ContainsAny(text, "*?"), text: text})
	}
	return g, nil
}

// globFault says what keeps pattern from being a Glob, or "".
func globFault(pattern string) string {
	if strings.HasSuffix(pattern, "/") {
		return `want a pattern without a slash at its end; a directory and all below it is "dir/**"`
	}
	if msg := pathFault(pattern); msg != "" {
		return msg
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c < 0x20 || c == 0x7f:
			return fmt.Sprintf("want a pattern without control bytes, got 0x%02x", c)
		case c == '\\':
			return "want a pattern without backslashes; the separator is a slash"
		}
	}
	for text := range strings.SplitSeq(pattern, "/") {
		if text != "**" && strings.Contains(text, "**") {
			return fmt.Sprintf("want ** alone between slashes, got %q", text)
		}
	}
	return ""
}

// String returns the pattern.
func (g *Glob) String() string { return g.pattern }

// Match reports whether the pattern matches all of p. The empty path, the
// installation itself, is matched by nothing. Time is at most in proportion to
// the product of both lengths.
func (g *Glob) Match(p Path) bool {
	if p == "" {
		return false
	}
	return g.match(string(p), nil)
}

// Captures matches p and returns what each wildcard took, in the order of the
// pattern: an entry for each `*`, each run of `?` and each `**` (whose segments
// are joined by slashes, "" for none). A wildcard takes as little as it can,
// those on the left first.
func (g *Glob) Captures(p Path) ([]string, bool) {
	if p == "" {
		return nil, false
	}
	deeps := make([]string, 0, len(g.parts))
	if !g.match(string(p), &deeps) {
		return nil, false
	}
	var all []string
	rest := string(p)
	for _, part := range g.parts {
		if part.deep {
			taken := deeps[0]
			deeps = deeps[1:]
			rest = strings.TrimPrefix(strings.TrimPrefix(rest, taken), "/")
			all = append(all, taken)
			continue
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if !part.literal {
			matchName(part.text, name, &all)
		}
	}
	return all, true
}

// match matches the segments of the pattern against those of s, going back to
// the last `**` only: taking more for an earlier one never helps. deeps, if not
// nil, receives what each `**` took.
func (g *Glob) match(s string, deeps *[]string) bool {
	const none = -1
	i, at := 0, 0                            // next part, next byte of s; at == len(s)+1 at the end
	backPart, backFrom, backTo := none, 0, 0 // the last `**`, and what it has taken
	take := func(from, to int) {
		if deeps != nil {
			*deeps = append(*deeps, strings.TrimSuffix(s[min(from, len(s)):min(to, len(s))], "/"))
		}
	}
	for {
		switch {
		case i < len(g.parts) && g.parts[i].deep:
			if backPart != none {
				take(backFrom, backTo)
			}
			backPart, backFrom, backTo = i, at, at
			i++
			continue
		case i == len(g.parts) && at > len(s):
			if backPart != none {
				take(backFrom, backTo)
			}
			return true
		case i < len(g.parts) && at <= len(s):
			name, _, _ := strings.Cut(s[at:], "/")
			part := g.parts[i]
			if part.literal && part.text == name || !part.literal && matchName(part.text, name, nil) {
				i++
				at += len(name) + 1
				continue
			}
		}
		if backPart == none || backTo > len(s) {
			return false
		}
		name, _, _ := strings.Cut(s[backTo:], "/")
		backTo += len(name) + 1
		i, at = backPart+1, backTo
	}
}

// matchName matches one segment, going back to the last `*` only. captures, if
// not nil, receives what each `*` and each run of `?` took when it matches.
func matchName(pattern, name string, captures *[]string) bool {
	star, starAt := -1, 0 // the last `*` and where what it takes ends
	i, at := 0, 0
	for at < len(name) || i < len(pattern) {
		if i < len(pattern) {
			switch c := pattern[i]; {
			case c == '*':
				star, starAt = i, at
				i++
				continue
			case at < len(name) && c == '?':
				_, n := utf8.DecodeRuneInString(name[at:])
				i++
				at += n
				continue
			case at < len(name) && c == name[at]:
				i++
				at++
				continue
			}
		}
		if star < 0 || starAt >= len(name) {
			return false
		}
		_, n := utf8.DecodeRuneInString(name[starAt:])
		starAt += n
		i, at = star+1, starAt
	}
	if captures != nil {
		captureName(pattern, name, captures)
	}
	return true
}

// captureName splits name, which pattern matches, among the wildcards: each `*`
// takes as little as lets the rest match.
func captureName(pattern, name string, captures *[]string) {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			pattern = pattern[1:]
			n := 0
			for !matchName(pattern, name[n:], nil) {
				_, width := utf8.DecodeRuneInString(name[n:])
				n += width
			}
			*captures = append(*captures, name[:n])
			name = name[n:]
		case '?':
			n := 0
			for pattern != "" && pattern[0] == '?' {
				_, width := utf8.DecodeRuneInString(name[n:])
				pattern, n = pattern[1:], n+width
			}
			*captures = append(*captures, name[:n])
			name = name[n:]
		default:
			pattern, name = pattern[1:], name[1:]
		}
	}
}

// Prefix returns the longest directory every match lies in or is: the segments
// before the first wildcard, the parent where there is none. "" is the top.
func (g *Glob) Prefix() Path {
	var dir Path
	for i, part := range g.parts {
		if !part.literal || i == len(g.parts)-1 {
			break
		}
		dir = dir.Join(part.text)
	}
	return dir
}
