package mask

import (
	"regexp"
	"strings"
	"sync"
)

// jsonWord is a value of JSON that is no text, and what follows it.
var jsonWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(-?[0-9][0-9.eE+\-]*|true|false|null)\s*(?:[,}\]]|$)`)
})

// value hides the value that begins at byte at, as far as it goes, also over lines. It
// returns from where on other keys may stand in the line of the key.
func (f *finder) value(at int, k key) int {
	l := f.lines[k.line]
	start := at
	for at < l.to && (f.text[at] == '&' || f.text[at] == '!') { // anchors and tags of YAML
		n := strings.IndexAny(f.text[at:l.to], " \t")
		if n < 0 {
			at = l.to
			break
		}
		at = f.skip(at+n, l.to)
	}
	rest := f.text[at:l.to]
	switch {
	case rest == "" || rest == `\`:
		f.hide(start, at)
		f.below(k, true)
		return l.to
	case strings.HasPrefix(rest, `"""`) || strings.HasPrefix(rest, `'''`):
		return f.until(at, at+3, rest[:3], k)
	case strings.HasPrefix(rest, "<<"):
		if m := heredoc().FindStringSubmatch(rest); m != nil {
			f.hide(at, l.to)
			for n := k.line + 1; n < len(f.lines) && strings.TrimSpace(f.text[f.lines[n].from:f.lines[n].to]) != m[1]; n++ {
				f.hide(f.lines[n].from, f.lines[n].to)
			}
			return l.to
		}
	case blockHead().MatchString(rest):
		f.block(k, k.line+1, false)
		return l.to
	case strings.IndexByte("\"'`\\", rest[0]) >= 0:
		if to, ok := f.quoted(at, l.to); ok {
			f.hide(at, to)
			return to
		}
		if to, ok := f.quotedOver(at, k.line); ok {
			f.hide(at, to)
			return l.to
		}
	case rest[0] == '[' || rest[0] == '{':
		if to, ok := f.bracketed(at, k); ok {
			return to
		}
	case k.to < at && strings.IndexByte(`"'`, f.text[k.to]) >= 0:
		if m := jsonWord().FindStringSubmatch(rest); m != nil {
			f.hide(at, at+len(m[1]))
			return at + len(m[1])
		}
	}
	f.hide(start, l.to)
	f.continued(k)
	return l.to
}

var (
	// password = <<EOF
	heredoc = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^<<[-~]?["']?(\w+)["']?\s*$`) })
	// password: |
	blockHead = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[|>][-+0-9]*\s*(?:#.*)?$`) })
	// another key, where a value in quotes cannot go on
	keyAhead = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*["']?[\w.\-/]+["']?\s*[:=]\s*[^\s=]|^\s*\[`)
	})
)

// quoted returns where the quoted value at at ends, in the same line. A quote may itself be
// escaped, as in JSON that stands in JSON. What is joined to it belongs to it.
func (f *finder) quoted(at, end int) (to int, ok bool) {
	i := at
	for i < end && f.text[i] == '\\' {
		i++
	}
	if i >= end || strings.IndexByte("\"'`", f.text[i]) < 0 {
		return 0, false
	}
	mark := f.text[at : i+1]
	quote := f.text[i]
	for i++; ; {
		n := strings.IndexByte(f.text[i:end], quote)
		if n < 0 {
			return 0, false
		}
		to = i + n + 1
		slashes := 0
		for j := i + n - 1; j >= at+len(mark) && f.text[j] == '\\'; j-- {
			slashes++
		}
		if slashes == len(mark)-1 || len(mark) == 1 && slashes%2 == 0 {
			break
		}
		i = to
	}
	switch {
	case to >= end:
		return to, true
	case strings.IndexByte("\"'`", f.text[to]) >= 0: // 'it''s', "a"'b'
		if more, ok := f.quoted(to, end); ok {
			return more, true
		}
	}
	if next := f.skip(to, end); next < end && f.text[next] == '+' { // "a" + "b"
		if more, ok := f.quoted(f.skip(next+1, end), end); ok {
			return more, true
		}
	}
	for to < end && (isName(f.text[to]) && f.text[to] != '/' || f.text[to] == '$') { // "a"b
		to++
	}
	return to, true
}

// maxQuoted and maxBracketed are how many lines a value may go on.
const (
	maxQuoted    = 100
	maxBracketed = 1000
)

// quotedOver returns where a quoted value ends that goes over lines, before another key.
func (f *finder) quotedOver(at, line int) (to int, ok bool) {
	quote := f.text[at]
	if quote == '\\' {
		return 0, false
	}
	for n := line + 1; n < len(f.lines) && n <= line+maxQuoted; n++ {
		l := f.lines[n]
		text := f.text[l.from:l.to]
		if i := strings.IndexByte(text, quote); i >= 0 && !keyAhead().MatchString(text[:i+1]) {
			return l.from + i + 1, true
		}
		if keyAhead().MatchString(text) {
			return 0, false
		}
	}
	return 0, false
}

// until hides up to the next mark behind from; without one, to the end of the text.
func (f *finder) until(at, from int, mark string, k key) int {
	to := len(f.text)
	if n := strings.Index(f.text[from:], mark); n >= 0 {
		to = from + n + len(mark)
	}
	f.hide(at, to)
	return min(to, f.lines[k.line].to)
}

// bracketed hides what a list or map has in it that begins at at. It is none where its end
// is missing, or something is joined to it, as in {noop}x: ok is false.
func (f *finder) bracketed(at int, k key) (to int, ok bool) {
	l := f.lines[k.line]
	end := f.text
	if last := k.line + maxBracketed; last < len(f.lines) {
		end = f.text[:f.lines[last].to]
	}
	depth, quote := 0, byte(0)
	closing := -1
	for i := at; i < len(end) && closing < 0; i++ {
		switch c := end[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote || c == '\n' {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			if depth--; depth == 0 {
				closing = i
			}
		}
	}
	opens := f.skip(at+1, l.to) == l.to
	switch {
	case closing < 0 && !opens:
		return 0, false
	case closing < 0:
		closing = len(end)
	case closing < l.to && closing+1 < l.to && strings.IndexByte(" \t,;)]}#\"'\\", f.text[closing+1]) < 0:
		return 0, false
	}
	if closing <= l.to {
		f.hide(at+1, closing)
		return min(closing+1, l.to), true
	}
	f.hide(at+1, l.to)
	n := k.line + 1
	for ; n < len(f.lines) && f.lines[n].from < closing; n++ {
		f.values(span{f.lines[n].from, min(f.lines[n].to, closing)}, true)
	}
	f.inside = n - 1
	return l.to, true
}

// keyed is a line with a key in front, or only the dash of a list.
var keyed = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(?:- +)*(?:"[^"]*"\s*[:=]|'[^']*'\s*[:=]|[\w.\-/]+\s*[:=](?:\s|$)|[\w.\-]+\s*=)?\s*`)
})

// values hides a line of a value, but for the dashes of a list, and its key where keys is set.
func (f *finder) values(l span, keys bool) {
	line := f.text[l.from:l.to]
	if strings.Trim(line, " \t\r[]{}(),;") == "" {
		return
	}
	if !keys {
		f.hide(l.from, l.to)
		return
	}
	head := keyed().FindString(line)
	if rest := line[len(head):]; strings.HasSuffix(head, "=") && (rest == "" || rest[0] == '=') { // of base64
		head = line[:dashes(line)]
	}
	l.from += len(head)
	if strings.Trim(f.text[l.from:l.to], " \t\r[]{}(),;|>-+") != "" {
		f.hide(l.from, l.to)
	}
}

// dashes returns where a line begins behind blanks and the dashes of a list.
func dashes(line string) int {
	f := finder{text: line, lines: []span{{0, len(line)}}}
	return f.column(0)
}

// below hides what stands below a key without a value in its line: lines that are indented
// deeper, the items of a list, or a value in quotes or brackets.
func (f *finder) below(k key, keys bool) {
	n := f.next(k.line)
	if n < 0 {
		return
	}
	l := f.lines[n]
	at := f.skip(l.from, l.to)
	if strings.IndexByte("\"'", f.text[at]) >= 0 {
		to, ok := f.quoted(at, l.to)
		if after := f.skip(to, l.to); ok && !(after < l.to && (f.text[after] == ':' || f.text[after] == '=')) {
			f.hide(at, to)
			return
		}
	}
	if rest := strings.TrimSpace(f.text[at:l.to]); rest == "[" || rest == "{" {
		if _, ok := f.bracketed(at, key{k.span, n, false, k.col}); ok {
			return
		}
	}
	if k.first || at-l.from > k.col {
		f.block(k, k.line+1, keys)
	}
}

// block hides the lines from n on that belong to a key: those indented deeper, and the
// items of a list at its column.
func (f *finder) block(k key, n int, keys bool) {
	for ; n < len(f.lines); n++ {
		l := f.lines[n]
		width, empty := f.indent(n)
		switch at := l.from + width; {
		case empty:
		case width > k.col, keys && width == k.col && f.text[at] == '-' && (at+1 == l.to || blank(f.text[at+1])):
			f.values(l, keys)
		default:
			return
		}
	}
}

// continued hides the lines that a plain value goes on in: those after a backslash, and
// those indented deeper.
func (f *finder) continued(k key) {
	n := k.line
	for n+1 < len(f.lines) && strings.HasSuffix(f.text[f.lines[n].from:f.lines[n].to], `\`) {
		n++
		f.hide(f.lines[n].from, f.lines[n].to)
	}
	if k.first {
		f.block(k, n+1, false)
	}
}

// section hides the values of a section with a secret's name, which begins at line n.
func (f *finder) section(n int) {
	for n++; n < len(f.lines); n++ {
		l := f.lines[n]
		if i := f.skip(l.from, l.to); i < l.to && f.text[i] == '[' && keyAhead().MatchString(f.text[l.from:l.to]) {
			return
		}
		f.values(l, true)
	}
}
