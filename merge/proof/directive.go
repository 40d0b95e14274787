package proof

import "strings"

// readDirectives reads "Name arguments" lines, as of Redis or sshd: a key is the first
// word, its letter case does not count.
func readDirectives(data []byte) (*node, error) {
	top := block("")
	for l := range strings.Lines(string(data)) {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		end := strings.IndexAny(l, " \t=")
		if end < 0 {
			end = len(l)
		}
		value := strings.TrimLeft(l[end:], " \t")
		value = strings.TrimPrefix(value, "=")
		top.add(leaf(strings.ToLower(l[:end]), strings.Join(strings.Fields(value), " ")))
	}
	return top, nil
}
