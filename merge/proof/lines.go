package proof

import (
	"bytes"
	"errors"
)

// compareLines returns an error if lines that neither side changed are gone from merged.
// A line is known by its text without the blanks around it and a comma behind it, and
// counted: of one that stands b, o and t times in the inputs a merge keeps at least the
// least of o, t and o+t-b, which is what is left when the two sides removed different
// ones.
func compareLines(base, ours, theirs, merged []byte) error {
	number := map[string]int{} // of each different line of base
	var counts [][4]int
	for i, data := range [4][]byte{base, ours, theirs, merged} {
		for l := range bytes.Lines(unmarked(data)) {
			l = bytes.TrimRight(bytes.TrimSpace(l), ",")
			if len(l) == 0 {
				continue
			}
			n, known := number[string(l)]
			if !known {
				if i > 0 {
					continue
				}
				n = len(counts)
				number[string(l)] = n
				counts = append(counts, [4]int{})
			}
			counts[n][i]++
		}
	}
	for _, c := range counts {
		b, o, t, m := c[0], c[1], c[2], c[3]
		if m < min(o, t, o+t-b) {
			return errors.New("lines that neither side changed are gone from the merged text")
		}
	}
	return nil
}
