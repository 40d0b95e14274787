package strictyaml

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// simpleKey cuts off s a key that a place names without quotes.
func simpleKey(s string) (key, rest string) {
	rest = strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
	return s[:len(s)-len(rest)], rest
}

// brackets matches a step of a place that is not .key or key: [index] or ["key"].
var brackets = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\[(?:([0-9]+)|("(?:[^"\\]|\\.)*"))\]`)
})

// join adds a key to a place: a.key, or a["odd key"].
func join(path, key string) string {
	simple, rest := simpleKey(key)
	switch {
	case simple == "" || rest != "":
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// Key returns the place of a key in the map at path, as Fault takes it.
func Key(path, key string) string { return join(path, key) }

// Index returns the place of item i in the list at path, as Fault takes it.
func Index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// Fault returns a fault found in the value at path, which reads like
// renames[2].from or formats["conf/x.conf"]. Where the text has no such value,
// the nearest one around it gives the place. The message starts with path.
func (d *Doc) Fault(path string, format string, args ...any) *Error {
	n, _ := d.find(path)
	msg := fmt.Sprintf(format, args...)
	if path != "" {
		msg = path + ": " + msg
	}
	return &Error{d.name, n.Line, n.Column, msg}
}

// Has reports whether the text has a value at path.
func (d *Doc) Has(path string) bool {
	_, ok := d.find(path)
	return ok
}

// find returns the node at path, or the last one on the way there and false.
func (d *Doc) find(path string) (*yaml.Node, bool) {
	n := d.root
	for path != "" {
		var index, quoted string
		key, rest := simpleKey(strings.TrimPrefix(path, "."))
		if key == "" {
			m := brackets().FindStringSubmatch(path)
			if m == nil {
				return n, false
			}
			index, quoted, rest = m[1], m[2], path[len(m[0]):]
		}
		path = rest
		next := child(n, key, index, quoted)
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

// child returns what key, index or quoted names in n, nil if there is no such.
func child(n *yaml.Node, key, index, quoted string) *yaml.Node {
	if index != "" {
		i, err := strconv.Atoi(index)
		if err != nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
			return nil
		}
		return n.Content[i]
	}
	if quoted != "" {
		var err error
		if key, err = strconv.Unquote(quoted); err != nil {
			return nil
		}
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// Text returns the text at path; false if there is no text.
func (d *Doc) Text(path string) (string, bool) {
	n, ok := d.find(path)
	if !ok || textFault(n) != "" {
		return "", false
	}
	return n.Value, true
}
