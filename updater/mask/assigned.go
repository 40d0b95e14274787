package mask

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// key is a name of a secret in a text, and where it stands.
type key struct {
	span
	line  int
	first bool // nothing but blanks, quotes and the dashes of a list stand before it
	col   int  // of the text of its line, behind those dashes
}

// names hides what the names of secrets in line n name.
func (f *finder) names(n int) {
	if n < f.inside {
		return
	}
	l := f.lines[n]
	col, paired := f.column(n), false
	for i := l.from + col; i < l.to; {
		if !isName(f.text[i]) {
			i++
			continue
		}
		from := i
		for i < l.to && isName(f.text[i]) {
			i++
		}
		name := f.text[from:i]
		k := key{span{from, i}, n, strings.Trim(f.text[l.from+col:from], `"'`) == "", col}
		switch {
		case secretName(name):
			if f.isNamed(l.from, from) {
				f.paired(k, !paired)
				paired = true
			}
			i = max(i, f.secret(k))
		case headerName(name):
			if at, ok := f.separator(i, l.to); ok {
				i = max(i, f.value(at, key{k.span, n, false, k.col}))
			}
		}
	}
}

// secret hides what belongs to a key that is a secret's, and returns from where on other
// keys may stand in the line.
func (f *finder) secret(k key) int {
	l := f.lines[k.line]
	if at, ok := f.separator(k.to, l.to); ok {
		if k.from > l.from && strings.IndexByte("?&;", f.text[k.from-1]) >= 0 && at > k.to && f.text[at-1] == '=' {
			return f.query(at, l.to)
		}
		return f.value(at, k)
	}
	closed := f.closers(k.to, l.to)
	at := f.skip(closed, l.to)
	rest := f.text[at:l.to]
	before := strings.TrimSpace(f.text[l.from:k.from])
	switch {
	case strings.HasPrefix(f.text[k.from:k.to], "-"):
		return f.flag(k, closed)
	case strings.HasPrefix(before, "[") && strings.Trim(before, `["'`+wordBytes) == "" && strings.Contains(f.text[k.to:closed], "]") && (rest == "" || rest[0] == '#' || rest[0] == ';'):
		f.section(k.line)
	case before == "?" && rest == "":
		if n := f.next(k.line); n >= 0 {
			if i := f.skip(f.lines[n].from, f.lines[n].to); f.text[i] == ':' {
				f.value(f.skip(i+1, f.lines[n].to), key{span{i, i + 1}, n, true, i - f.lines[n].from})
			}
		}
	case closed > k.to || at == closed || rest == "":
	case rest[0] == '"' || rest[0] == '\'':
		return f.value(at, key{k.span, k.line, false, k.col})
	case !f.prose && assigns().MatchString(before):
		f.hide(at, l.to)
		return l.to
	case k.first && !f.prose && strings.IndexByte("=:<>", rest[0]) < 0 && !strings.Contains(f.text[k.from:k.to], "/") && f.text[k.from:k.to] != "sshpass":
		f.hide(at, l.to)
		return l.to
	case fold(f.text[k.from:k.to]) == "password" && loginBefore().MatchString(before):
		end := at + len(rest)
		if i := strings.IndexAny(rest, " \t"); i >= 0 {
			end = at + i
		}
		f.hide(at, end)
		return end
	}
	return k.to
}

// wordBytes are what may stand between the bracket of a section and the name in it.
const wordBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./: "

// SetEnv PASSWORD x: words before a key that only blanks part from its value
var assigns = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(?:env|arg|setenv|setx|set|proxy_set_header|add_header|(?:fastcgi|uwsgi|scgi)_param|(?:request)?header\s+set|config\s+set)$`)
})

// login x password y, as .netrc has it
var loginBefore = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\b(?:login|machine|user)\s+\S+$`) })

// closers returns where the quotes and brackets behind a key at i end.
func (f *finder) closers(i, end int) int {
	for i < end && strings.IndexByte("\"'`\\])}", f.text[i]) >= 0 {
		i++
	}
	return i
}

// separator finds what parts a key that ends at i from its value, and returns where the
// value begins.
func (f *finder) separator(i, end int) (at int, ok bool) {
	i = f.skip(f.closers(i, end), end)
	if i+1 < end && strings.IndexByte("+?:|", f.text[i]) >= 0 && f.text[i+1] == '=' {
		i++
	}
	if i >= end || f.text[i] != ':' && f.text[i] != '=' {
		return 0, false
	}
	for i++; i < end && strings.IndexByte(":=", f.text[i]) >= 0; i++ {
	}
	if i < end && f.text[i] == '>' && f.text[i-1] == '=' {
		i++
	}
	return f.skip(i, end), true
}

// query hides a parameter of an address; what follows is kept.
func (f *finder) query(at, end int) int {
	n := strings.IndexAny(f.text[at:end], "&;\"'<> \t")
	if n < 0 {
		n = end - at
	}
	f.hide(at, at+n)
	return at + n
}

// flag hides the word behind a flag, which may stand on the next line.
func (f *finder) flag(k key, at int) int {
	l := f.lines[k.line]
	list := at > k.to
	at = f.skip(at, l.to)
	if at < l.to && f.text[at] == ',' {
		list = true
		at = f.skip(at+1, l.to)
	}
	rest := f.text[at:l.to]
	if rest != "" && rest != `\` {
		if c := rest[0]; c == '"' || c == '\'' {
			if to, ok := f.quoted(at, l.to); ok {
				f.hide(at+1, to-1)
				return to
			}
		}
		n := strings.IndexAny(rest, " \t\"'"+map[bool]string{true: ",]", false: ""}[list])
		if n < 0 {
			n = len(rest)
		}
		f.hide(at, at+n)
		return at + n
	}
	if n := f.next(k.line); n >= 0 && (k.first || rest == `\`) {
		f.hide(f.lines[n].from+f.column(n), f.lines[n].to)
	}
	return l.to
}

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

// namedBefore is what stands before a name that is the value of a key such as name.
var namedBefore = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^\w.\-])(` + strings.Join(nameKeys, "|") + `)["'\\]*\s*[:=>]\s*["'\\]*$`)
})

// isNamed reports whether what stands at i, in a line that starts at from, is the name of
// something whose value stands beside it.
func (f *finder) isNamed(from, i int) bool {
	return namedBefore().MatchString(f.text[max(from, i-60):i])
}

// valueKey finds the keys of a line that hold the value of what is named beside them.
var valueKey = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^\w.\-/])(` + strings.Join(valueKeys, "|") + `)["'\\]*\s*[:=>]\s*`)
})

// paired hides the value of what k is the name of: in its line, if line is set, and in the
// lines above and below that are of the same map.
func (f *finder) paired(k key, line bool) {
	if line {
		f.pairedLine(k.line, k, false)
	}
	col := f.column(k.line)
	starts := func(n int) bool { // an item of a list
		width, empty := f.indent(n)
		return !empty && width < col
	}
	for n := k.line; n > max(0, k.line-maxPaired) && !starts(n); {
		if n--; !f.beside(n, col) {
			break
		}
		f.pairedLine(n, k, true)
	}
	for n := k.line + 1; n < min(len(f.lines), k.line+maxPaired) && !starts(n) && f.beside(n, col); n++ {
		f.pairedLine(n, k, true)
	}
}

// maxPaired is how many lines a value may stand from its name.
const maxPaired = 50

// beside reports whether line n may be of the same map as one whose text begins at column
// col: it begins there, or deeper, as does the value of another key.
func (f *finder) beside(n, col int) bool {
	l := f.lines[n]
	if _, empty := f.indent(n); empty {
		return true
	}
	at := l.from + f.column(n)
	return at-l.from >= col && !(at-l.from == col && at < l.to && strings.IndexByte("[{}]", f.text[at]) >= 0)
}

// pairedLine hides the values of the value keys in line n; front: only of one at the front.
func (f *finder) pairedLine(n int, k key, front bool) {
	l := f.lines[n]
	col := f.column(n)
	if front && col != f.column(k.line) {
		return
	}
	for _, m := range valueKey().FindAllStringSubmatchIndex(f.text[l.from:l.to], -1) {
		from, to, at := l.from+m[2], l.from+m[3], l.from+m[1]
		if front && strings.Trim(f.text[l.from+col:from], `"'<`) != "" {
			return
		}
		if f.text[at-1] == '>' || strings.HasSuffix(strings.TrimRight(f.text[to:at], " \t"), ">") {
			f.content(f.skipBack(at), f.text[from:to])
			continue
		}
		rest := f.text[at:l.to]
		flow := strings.ContainsAny(f.text[l.from:from], "{,") && !slices.Contains([]string{"", `"`, "'", `\`, "[", "{"}, rest[:min(1, len(rest))])
		if flow {
			end := len(rest)
			if i := strings.IndexAny(rest, ",}"); i >= 0 {
				end = i
			}
			f.hide(at, at+end)
			continue
		}
		f.value(at, key{span{from, to}, n, front, col})
	}
}

// skipBack returns where the blanks before i begin.
func (f *finder) skipBack(i int) int {
	for i > 0 && blank(f.text[i-1]) {
		i--
	}
	return i
}
