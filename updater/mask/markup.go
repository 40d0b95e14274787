package mask

import (
	"slices"
	"strings"
)

// maxTag and maxContent are how long, in bytes, a tag and what stands between two may be.
const (
	maxTag     = 4 << 10
	maxContent = 64 << 10
)

// attribute is one of a tag: its name, and its value within the quotes.
type attribute struct{ name, value span }

// tag is the start of an element.
type tag struct {
	name  string
	attrs []attribute
	end   int // behind its >
	empty bool
}

// tags hides what elements of XML and HTML hold that have the name of a secret, or an
// attribute with that.
func (f *finder) tags() {
	done := 0 // up to where what elements hold is hidden
	for at := 0; ; {
		n := strings.IndexByte(f.text[at:], '<')
		if n < 0 {
			return
		}
		at += n + 1
		t, ok := f.tag(at)
		if !ok {
			continue
		}
		local := t.name[strings.LastIndexByte(t.name, ':')+1:]
		own := secretName(local)
		named := slices.ContainsFunc(t.attrs, func(a attribute) bool { return secretName(f.text[a.value.from:a.value.to]) && f.isWord(a.value) })
		if !own && !named {
			continue
		}
		for _, a := range t.attrs {
			name := fold(f.text[a.name.from:a.name.to])
			if own && !slices.Contains(plainAttributes, name) && !strings.HasPrefix(name, "xmlns") || slices.Contains(valueKeys, name) {
				f.hide(a.value.from-1, a.value.to+1)
			}
		}
		if !t.empty {
			done = f.content(max(t.end, done), t.name)
		}
		at = t.end
	}
}

// plainAttributes say of a secret what it is, and not what its value is.
var plainAttributes = append([]string{"type", "class", "ref", "xsi:type"}, nameKeys...)

// isWord reports whether s is one word, as a name is.
func (f *finder) isWord(s span) bool {
	return !strings.ContainsFunc(f.text[s.from:s.to], func(r rune) bool { return r < 0x80 && !isName(byte(r)) })
}

// tag reads the tag whose name begins at at.
func (f *finder) tag(at int) (t tag, ok bool) {
	end := min(len(f.text), at+maxTag)
	word := func(i int) int {
		for i < end && (isName(f.text[i]) && f.text[i] != '/' || f.text[i] == ':') {
			i++
		}
		return i
	}
	gap := func(i int) int {
		for i < end && (blank(f.text[i]) || f.text[i] == '\n') {
			i++
		}
		return i
	}
	i := word(at)
	if i == at {
		return t, false
	}
	t.name = f.text[at:i]
	for {
		switch i = gap(i); {
		case i >= end || f.text[i] == '<':
			return t, false
		case f.text[i] == '>':
			t.end, t.empty = i+1, f.text[i-1] == '/'
			return t, true
		}
		name := span{i, word(i)}
		if name.from == name.to {
			i++
			continue
		}
		i = gap(name.to)
		if i >= end || f.text[i] != '=' {
			continue
		}
		i = gap(i + 1)
		if i >= end || f.text[i] != '"' && f.text[i] != '\'' {
			continue
		}
		n := strings.IndexByte(f.text[i+1:end], f.text[i])
		if n < 0 {
			return t, false
		}
		t.attrs = append(t.attrs, attribute{name, span{i + 1, i + 1 + n}})
		i += n + 2
	}
}

// content hides the text of the element called name from byte at on, and leaves the tags in
// it, and returns where it ends. Without its end the text ends with the line, or where that
// has none and begins with the element, with the next; else it may be no element at all, but
// a placeholder.
func (f *finder) content(at int, name string) (end int) {
	limit := min(len(f.text), at+maxContent)
	end = strings.Index(f.text[at:limit], "</"+name)
	if end < 0 {
		line, rest, _ := strings.Cut(f.text[at:limit], "\n")
		end = len(line)
		if start := strings.LastIndexByte(f.text[:at], '\n') + 1; strings.TrimSpace(line) == "" && f.text[f.skip(start, at)] == '<' {
			line, _, _ = strings.Cut(rest, "\n")
			end = min(end+1+len(line), limit-at)
		}
	}
	end += at
	for at < end {
		open := strings.IndexByte(f.text[at:end], '<')
		if open < 0 {
			f.hide(at, end)
			return end
		}
		f.hide(at, at+open)
		at += open
		if rest := f.text[at:end]; strings.HasPrefix(rest, cdata) {
			n := strings.Index(rest, "]]>")
			if n < 0 {
				n = len(rest)
			}
			f.hide(at+len(cdata), at+n)
			at += min(n+3, len(rest))
			continue
		}
		t, ok := f.tag(at + 1)
		if !ok || t.end > end {
			n := strings.IndexByte(f.text[at:end], '>')
			if n < 0 {
				f.hide(at, end)
				return end
			}
			if f.text[at+1] == '!' { // a comment
				f.hide(at+1, at+n)
			}
			at += n + 1
			continue
		}
		for _, a := range t.attrs {
			if slices.Contains(valueKeys, fold(f.text[a.name.from:a.name.to])) {
				f.hide(a.value.from-1, a.value.to+1)
			}
		}
		at = t.end
	}
	return end
}

const cdata = "<![CDATA["
