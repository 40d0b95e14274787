package merge

// A Block is a place of Result.Merged that stands between conflict markers.
type Block struct {
	Start, End         int        // of its bytes in Merged, markers included
	Base, Ours, Theirs []byte     // whole lines: what stands between the markers
	Conflicts          []Conflict // those that it holds, at least one
}

// Settle returns r with the blocks replaced that decide knows a text for: whole lines, or
// nothing. The others keep their markers. Conflicts stay those of the blocks that are
// left; a result without blocks, such as one of binary texts, comes back as it is.
func (r *Result) Settle(decide func(Block) (text []byte, ok bool)) Result {
	if len(r.Blocks) == 0 {
		return *r
	}
	out := *r
	out.Merged, out.Blocks, out.Conflicts = make([]byte, 0, len(r.Merged)), nil, nil
	at := 0
	for _, b := range r.Blocks {
		out.Merged = append(out.Merged, r.Merged[at:b.Start]...)
		at = b.End
		text, ok := decide(b)
		if ok {
			out.Merged = append(out.Merged, text...)
			continue
		}
		left := b
		left.Start = len(out.Merged)
		out.Merged = append(out.Merged, r.Merged[b.Start:b.End]...)
		left.End = len(out.Merged)
		out.Blocks = append(out.Blocks, left)
		out.Conflicts = append(out.Conflicts, b.Conflicts...)
	}
	out.Merged = append(out.Merged, r.Merged[at:]...)
	return out
}
