package proof

import "strings"

// readDirectives reads "Name arguments" lines, as of Redis or sshd: a key is the first
// word, its letter case does not count. What follows a Match or Host line is below it.
func readDirectives(data []byte) (*node, error) {
	top := block("")
	in := top
	for l := range strings.Lines(string(data)) {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		end := strings.IndexAny(l, " \t=")
		if end < 0 {
			end = len(l)
		}
		if word := strings.ToLower(l[:end]); (word == "match" || word == "host") && end < len(l) && l[end] != '=' {
			in = block(strings.Join(strings.Fields(l), " "))
			top.add(in)
			continue
		}
		value := strings.TrimLeft(l[end:], " \t")
		value = strings.TrimPrefix(value, "=")
		in.add(leaf(strings.ToLower(l[:end]), strings.Join(strings.Fields(value), " ")))
	}
	return top, nil
}
