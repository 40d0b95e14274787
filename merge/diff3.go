package merge

import "slices"

// kind says who changed a chunk.
type kind byte

const (
	unchanged   kind = iota // equal in all three
	oursChanged             // theirs has what base has
	theirsChanged
	bothAlike // both sides made the same change
	contested // both sides changed it differently
)

// A Chunk is a run of items and its counterparts in three sequences. Ranges are
// half-open and count from 0.
type Chunk struct {
	BaseStart, BaseEnd, OursStart, OursEnd, TheirsStart, TheirsEnd int
	// By whom the run was changed; both are true too where both sides made the same
	// change. Conflict: both changed it, differently.
	Ours, Theirs, Conflict bool
}

// Diff3 merges three sequences of items, as Merge does with lines: the chunks cover the
// sequences in order. An error means that they differ too much to be compared.
func Diff3(base, ours, theirs []string) ([]Chunk, error) {
	v := newVocabulary()
	number := func(items []string) []int {
		ids := make([]int, len(items))
		for i, s := range items {
			ids[i] = v.id([]byte(s))
		}
		return ids
	}
	b, o, t := number(base), number(ours), number(theirs)
	hunksO, err := diff(b, o, v)
	if err != nil {
		return nil, err
	}
	hunksT, err := diff(b, t, v)
	if err != nil {
		return nil, err
	}
	var out []Chunk
	for _, c := range diff3(b, o, t, hunksO, hunksT) {
		out = append(out, Chunk{
			c.base.start, c.base.end, c.ours.start, c.ours.end, c.theirs.start, c.theirs.end,
			c.kind == oursChanged || c.kind >= bothAlike,
			c.kind == theirsChanged || c.kind >= bothAlike,
			c.kind == contested,
		})
	}
	return out, nil
}

// chunk is a run of lines and its counterparts in the three texts.
type chunk struct {
	kind               kind
	base, ours, theirs span
}

// diff3 merges the hunks of ours and theirs against base into chunks that cover
// the three texts in order. Equal changes coalesce; touching but different changes
// are contested: lines that no common line separates are one place. It never fails.
// Source: Khanna, Kunal, Pierce, "A Formal Investigation of Diff3" (2007).
func diff3(base, ours, theirs []int, hunksO, hunksT []hunk) []chunk {
	var chunks []chunk
	var at struct{ b, o, t int } // how far the three texts are covered
	same := func(until int) {
		if n := until - at.b; n > 0 {
			chunks = append(chunks, chunk{unchanged,
				span{at.b, until}, span{at.o, at.o + n}, span{at.t, at.t + n}})
			at.b, at.o, at.t = until, at.o+n, at.t+n
		}
	}
	for len(hunksO) > 0 || len(hunksT) > 0 {
		start := len(base)
		if len(hunksO) > 0 {
			start = hunksO[0].a.start
		}
		if len(hunksT) > 0 {
			start = min(start, hunksT[0].a.start)
		}
		same(start)

		// Take every hunk that touches what was taken already.
		end, nO, nT := start, 0, 0
		for {
			if nO < len(hunksO) && hunksO[nO].a.start <= end {
				end = max(end, hunksO[nO].a.end)
				nO++
			} else if nT < len(hunksT) && hunksT[nT].a.start <= end {
				end = max(end, hunksT[nT].a.end)
				nT++
			} else {
				break
			}
		}
		c := chunk{base: span{start, end}}
		c.ours = span{at.o, at.o + end - start + growth(hunksO[:nO])}
		c.theirs = span{at.t, at.t + end - start + growth(hunksT[:nT])}
		switch {
		case nT == 0:
			c.kind = oursChanged
		case nO == 0:
			c.kind = theirsChanged
		case slices.Equal(ours[c.ours.start:c.ours.end], theirs[c.theirs.start:c.theirs.end]):
			c.kind = bothAlike
		default:
			c.kind = contested
		}
		chunks = append(chunks, c)
		at.b, at.o, at.t = end, c.ours.end, c.theirs.end
		hunksO, hunksT = hunksO[nO:], hunksT[nT:]
	}
	same(len(base))
	return chunks
}

// growth is by how many lines hunks lengthen their text.
func growth(hunks []hunk) int {
	n := 0
	for _, h := range hunks {
		n += (h.b.end - h.b.start) - (h.a.end - h.a.start)
	}
	return n
}
