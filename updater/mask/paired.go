package mask

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

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
