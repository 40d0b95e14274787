package proof

import (
	"errors"
	"fmt"
	"strings"
)

// readNginx reads the syntax of nginx: "name arguments;" and "name arguments { ... }". A
// block is known by its words, a server by its server_name too, a directive by its
// name. Comments are left out; quotes stay, so that values are as they are written.
func readNginx(data []byte) (*node, error) {
	top := block("")
	open := []*node{top}
	var words []string
	text := string(data)
	for i := 0; i < len(text); {
		in := open[len(open)-1]
		switch c := text[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
		case c == '#':
			i = lineEnd(text, i)
		case c == ';' || c == '{':
			if len(words) == 0 {
				return nil, fmt.Errorf("byte %d: %q without a name", i, c)
			}
			if c == ';' {
				in.add(leaf(words[0], strings.Join(words[1:], " ")))
			} else {
				if len(open) > maxDepth {
					return nil, fmt.Errorf("%w: want at most %d levels of blocks", errLimit, maxDepth)
				}
				b := block(strings.Join(words, " ") + " {}")
				in.add(b)
				open = append(open, b)
			}
			words = nil
			i++
		case c == '}':
			if len(open) == 1 || len(words) > 0 {
				return nil, fmt.Errorf("byte %d: a closing brace where none may stand", i)
			}
			if name, ok := in.kidValue("server_name"); ok {
				in.id += "[server_name=" + name + "]"
			}
			open = open[:len(open)-1]
			i++
		default:
			end := wordEnd(text, i)
			if end > len(text) {
				return nil, fmt.Errorf("byte %d: a word that does not end", i)
			}
			words = append(words, text[i:end])
			i = end
		}
	}
	if len(open) > 1 || len(words) > 0 {
		return nil, errors.New("a block or directive that does not end")
	}
	return top, nil
}

// wordEnd returns where the word at i ends, or more than the length of s if it does not.
func wordEnd(s string, i int) int {
	if quote := s[i]; quote == '"' || quote == '\'' {
		for i++; i < len(s) && s[i] != quote; i++ {
			if s[i] == '\\' {
				i++
			}
		}
		return i + 1
	}
	for i < len(s) && strings.IndexByte(" \t\r\n;{}", s[i]) < 0 {
		if s[i] == '\\' {
			i++
		} else if strings.HasPrefix(s[i:], "${") {
			n := strings.IndexByte(s[i:], '}')
			if n < 0 {
				return len(s) + 1
			}
			i += n
		}
		i++
	}
	return min(i, len(s))
}
