package proof

import (
	"errors"
	"fmt"
	"strings"
)

// readINI reads sections of keys. # and ; begin a comment line; a key may stand
// without a value, as in my.cnf; "=" or else ":" ends a key. A section that stands
// twice is two: not every reader of such files joins them.
func readINI(data []byte) (*node, error) {
	top := block("")
	in := top
	number := 0
	for l := range strings.Lines(string(data)) {
		number++
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#' || l[0] == ';':
		case l[0] == '[':
			end := strings.IndexByte(l, ']')
			if end < 0 {
				return nil, fmt.Errorf("line %d: a section without its closing bracket", number)
			}
			in = block("section " + l[1:end])
			top.add(in)
		default:
			key, value, err := splitINI(l)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			in.add(leaf(key, value))
		}
	}
	return top, nil
}

func splitINI(l string) (key, value string, err error) {
	key, value, found := strings.Cut(l, "=")
	if !found {
		key, value, _ = strings.Cut(l, ":")
	}
	if key = strings.TrimSpace(key); key == "" {
		return "", "", errors.New("a value without a key")
	}
	return key, strings.TrimSpace(value), nil
}
