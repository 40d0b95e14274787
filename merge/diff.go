package merge

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// span is a half-open range of line numbers, counted from 0.
type span struct{ start, end int }

func (s span) empty() bool { return s.start == s.end }

// hunk is a changed range: lines a of the first text became lines b of the second.
type hunk struct{ a, b span }

// maxSearch bounds the steps of one comparison, a step being one line looked at
// for one edit. It allows some 16,000 edits between lines that both texts have;
// lines that only one text has cost nothing.
const maxSearch = 1 << 27

var errTooDifferent = errors.New("too many differences to compare line by line")

// diff compares the numbered lines a and b of the vocabulary v. The hunks are in
// order, at least one common line lies between two of them, and each stands as
// far down as equal lines allow, so that one change has one place. An error means
// that no trustworthy comparison could be made within the limits.
func diff(a, b []int, v *vocabulary) ([]hunk, error) {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tailA, tailB := len(a), len(b)
	for tailA > head && tailB > head && a[tailA-1] == b[tailB-1] {
		tailA--
		tailB--
	}
	runs, err := common(a[head:tailA], b[head:tailB], v)
	if err != nil {
		return nil, err
	}
	var hunks []hunk
	i, j := head, head
	gap := func(nextA, nextB int) {
		if i < nextA || j < nextB {
			hunks = append(hunks, hunk{span{i, nextA}, span{j, nextB}})
		}
	}
	for _, r := range runs {
		gap(head+r[0], head+r[1])
		i, j = head+r[0]+1, head+r[1]+1
	}
	gap(tailA, tailB)
	return slide(hunks, a, b), nil
}

// common returns pairs of equal lines, rising on both sides: a longest common
// subsequence. Lines that the other side does not have at all are left out of the
// search; they cannot be in it.
func common(a, b []int, v *vocabulary) ([][2]int, error) {
	inA, inB := make([]bool, len(v.ids)), make([]bool, len(v.ids))
	for _, id := range a {
		inA[id] = true
	}
	for _, id := range b {
		inB[id] = true
	}
	keptA, keptB := positions(a, inB), positions(b, inA)
	if len(keptA) == 0 || len(keptB) == 0 {
		return nil, nil
	}
	at := func(ids, kept []int) []int {
		l := make([]int, len(kept))
		for i, p := range kept {
			l[i] = ids[p]
		}
		return l
	}
	pairs, err := search(at(a, keptA), at(b, keptB), v)
	for i, p := range pairs {
		pairs[i] = [2]int{keptA[p[0]], keptB[p[1]]}
	}
	return pairs, err
}

// positions lists where ids has a line that is in the set.
func positions(ids []int, set []bool) []int {
	var l []int
	for i, id := range ids {
		if set[id] {
			l = append(l, i)
		}
	}
	return l
}

// search has go-diff find the longest common subsequence, and checks that the
// answer gives back both texts. The library's own time limit is off: it would make
// a merge depend on the load of the machine.
func search(a, b []int, v *vocabulary) (pairs [][2]int, err error) {
	if slices.Equal(a, b) {
		for i := range a {
			pairs = append(pairs, [2]int{i, i})
		}
		return pairs, nil
	}
	if !affordable(a, b) {
		return nil, errTooDifferent
	}
	defer func() {
		if p := recover(); p != nil {
			pairs, err = nil, fmt.Errorf("compare lines: %v", p)
		}
	}()
	textA, textB := spell(a, b, len(v.ids))
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0
	i, j := 0, 0
	for _, d := range dmp.DiffMainRunes(textA, textB, false) {
		for _, r := range d.Text {
			inA, inB := i < len(a) && r == textA[i], j < len(b) && r == textB[j]
			switch {
			case d.Type == diffmatchpatch.DiffEqual && inA && inB:
				pairs = append(pairs, [2]int{i, j})
				i, j = i+1, j+1
			case d.Type == diffmatchpatch.DiffDelete && inA:
				i++
			case d.Type == diffmatchpatch.DiffInsert && inB:
				j++
			default:
				return nil, errUntrue
			}
		}
	}
	if i < len(a) || j < len(b) {
		return nil, errUntrue
	}
	return pairs, nil
}

// errUntrue is a fault of the library.
var errUntrue = errors.New("compare lines: the differences do not give back the texts")

// spell writes numbered lines, whose numbers are below limit, as texts of a character for
// each: go-diff compares texts. Characters are given in the order in which lines are
// met, surrogates are left out. MaxLines lines do not use them up.
func spell(a, b []int, limit int) (textA, textB []rune) {
	const surrogates, behind = 0xD800, 0xE000
	character := make([]rune, limit) // 0: not yet given
	last := rune(0)
	write := func(ids []int) []rune {
		text := make([]rune, len(ids))
		for i, id := range ids {
			if character[id] == 0 {
				if last++; last == surrogates {
					last = behind
				}
				character[id] = last
			}
			text[i] = character[id]
		}
		return text
	}
	return write(a), write(b)
}

// affordable tells whether a and b are within maxSearch steps of each other. It
// walks the greedy search of Myers, "An O(ND) Difference Algorithm and Its
// Variations" (1986), keeping only its front, and gives up when the steps are used.
func affordable(a, b []int) bool {
	front := make([]int32, 2*(len(a)+len(b))+3)
	zero := len(a) + len(b) + 1
	steps := 0
	for d := 0; ; d++ {
		for k := max(-d, -2*len(b)+d); k <= min(d, 2*len(a)-d); k += 2 {
			var x int
			if k == -d || (k != d && front[zero+k-1] < front[zero+k+1]) {
				x = int(front[zero+k+1])
			} else {
				x = int(front[zero+k-1]) + 1
			}
			first := x
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			front[zero+k] = int32(x)
			if x >= len(a) && x-k >= len(b) {
				return true
			}
			if steps += x - first + 1; steps > maxSearch {
				return false
			}
		}
	}
}

// slide moves each pure insertion or deletion as far down as equal lines allow,
// and joins it to the next hunk where it arrives there.
func slide(hunks []hunk, a, b []int) []hunk {
	var out []hunk
	for n, h := range hunks {
		if len(out) > 0 && out[len(out)-1].a.end == h.a.start && out[len(out)-1].b.end == h.b.start {
			h.a.start, h.b.start = out[len(out)-1].a.start, out[len(out)-1].b.start
			out = out[:len(out)-1]
		}
		limit := len(a)
		if n+1 < len(hunks) {
			limit = hunks[n+1].a.start
		}
		for h.a.end < limit &&
			(h.a.empty() && b[h.b.start] == b[h.b.end] || h.b.empty() && a[h.a.start] == a[h.a.end]) {
			h.a.start, h.a.end, h.b.start, h.b.end = h.a.start+1, h.a.end+1, h.b.start+1, h.b.end+1
		}
		out = append(out, h)
	}
	return out
}
