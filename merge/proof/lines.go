package proof

import (
	"errors"
	"strings"
)

// compareLines returns an error if lines that neither side changed are gone from merged.
// A line is known by its text without the blanks around it, and counted: of one that
// stands b, o and t times in the inputs a merge keeps at least the least of o, t and
// o+t-b, which is what is left when the two sides removed different ones.
func compareLines(base, ours, theirs, merged []byte) error {
	b, o, t, m := countLines(base), countLines(ours), countLines(theirs), countLines(merged)
	gone := 0
	for line, n := range b {
		gone += max(0, min(o[line], t[line], o[line]+t[line]-n)-m[line])
	}
	if gone > 0 {
		return errors.New("lines that neither side changed are gone from the merged text")
	}
	return nil
}

func countLines(data []byte) map[string]int {
	count := map[string]int{}
	for l := range strings.Lines(string(data)) {
		if l = strings.TrimSpace(l); l != "" {
			count[l]++
		}
	}
	return count
}
