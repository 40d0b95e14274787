package manifest

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold returns the key under which two paths are one on a disk that ignores
// letter case (Windows, macOS) or normalises names (macOS): characters folded by
// Unicode's simple case folding, composed ones split, marks in one order.
// Bytes that are not UTF-8 stay. CJK compatibility ideographs are not split.
func (p Path) Fold() string { return fold(string(p)) }

func fold(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return foldUnicode(s)
		}
	}
	return strings.ToLower(s)
}

// foldUnicode is fold for texts beyond ASCII.
func foldUnicode(s string) string {
	out := make([]byte, 0, len(s)+8)
	var marks []rune // the run of marks not yet written
	flush := func() {
		slices.Sort(marks)
		for _, m := range marks {
			out = utf8.AppendRune(out, m)
		}
		marks = marks[:0]
	}
	var runes []rune
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			flush()
			out = append(out, s[i])
			i++
			continue
		}
		runes = splitRune(runes[:0], r)
		for _, r := range runes {
			if unicode.Is(unicode.Mn, r) {
				marks = append(marks, r)
				continue
			}
			flush()
			out = utf8.AppendRune(out, r)
		}
		i += n
	}
	flush()
	return string(out)
}

// decomposition says that char is base followed by mark, or base alone.
type decomposition struct{ char, base, mark rune }

// Hangul syllables are split by arithmetic (The Unicode Standard, 3.12).
const (
	hangulFirst, hangulLast = 0xac00, 0xd7a3
	leadFirst, vowelFirst   = 0x1100, 0x1161
	tailBase                = 0x11a7
	vowels, tails           = 21, 28
)

// splitRune appends the folded, fully split form of r to to.
func splitRune(to []rune, r rune) []rune {
	r = foldRune(r)
	if r >= hangulFirst && r <= hangulLast {
		i := r - hangulFirst
		to = append(to, leadFirst+i/(vowels*tails), vowelFirst+i%(vowels*tails)/tails)
		if t := i % tails; t != 0 {
			to = append(to, tailBase+t)
		}
		return to
	}
	at, found := slices.BinarySearchFunc(decompositions[:], r, func(d decomposition, r rune) int {
		return int(d.char - r)
	})
	if !found {
		return append(to, r)
	}
	to = splitRune(to, decompositions[at].base)
	if mark := decompositions[at].mark; mark != 0 {
		to = splitRune(to, mark)
	}
	return to
}

// foldRune returns one character for all that differ from r by case only.
func foldRune(r rune) rune {
	next := unicode.SimpleFold(r)
	if next == r {
		return r
	}
	least := r
	for ; next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return unicode.ToLower(least)
}
