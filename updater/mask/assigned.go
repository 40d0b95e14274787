package mask

import (
	"regexp"
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
