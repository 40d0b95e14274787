package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Doc is a text that has passed every check that needs no Go type.
type Doc struct {
	name string
	root *yaml.Node // a mapping
}

// Parse checks data, at most limit bytes. The error is of type Errors.
func Parse(name string, data []byte, limit int) (*Doc, error) {
	if len(data) > limit {
		return nil, Errors{{Name: name, Msg: fmt.Sprintf("want at most %d bytes, got %d", limit, len(data))}}
	}
	if e := checkText(data); e != nil {
		e.Name = name
		return nil, Errors{e}
	}
	root, e := parseOne(data)
	if e != nil {
		e.Name = name
		return nil, Errors{e}
	}
	c := checker{name: name, data: data, line: 1, col: 1}
	if root.Kind != yaml.MappingNode {
		c.fault(root, "want a map of keys, got %s", describe(root))
	}
	c.node(root, 1)
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	return &Doc{name: name, root: root}, nil
}

// checkText finds the first byte that no text of ours has.
func checkText(data []byte) *Error {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return &Error{Line: 1, Col: 1, Msg: "want UTF-8 without a byte order mark"}
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return &Error{Line: 1, Col: 1, Msg: "want UTF-8, got UTF-16"}
	}
	line, col, marks := 1, 1, 0
	for i := 0; i < len(data); {
		if isMark(data, i) {
			if marks++; marks > MaxMarks {
				return &Error{Msg: fmt.Sprintf("want at most %d commas, colons, brackets and lines, got more", MaxMarks)}
			}
		}
		r, n := utf8.DecodeRune(data[i:])
		msg := ""
		switch {
		case r == '\n', r == '\t', r == '\r' && i+1 < len(data) && data[i+1] == '\n':
		case r == utf8.RuneError && n == 1:
			msg = fmt.Sprintf("want UTF-8, got byte 0x%02x", data[i])
		case r == '\r':
			msg = "want lines that end in LF or CR LF, got a CR alone"
		case unicode.Is(unicode.Cc, r), r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			msg = fmt.Sprintf("want text, got the control character U+%04X", r)
		case r == '%' && col == 1:
			msg = "want no YAML directive"
		}
		if msg != "" {
			return &Error{Line: line, Col: col, Msg: msg}
		}
		i += n
		if col++; r == '\n' {
			line, col = line+1, 1
		}
	}
	return nil
}

// isMark reports whether data[i] may separate two nodes.
func isMark(data []byte, i int) bool {
	switch data[i] {
	case ',', ':', '[', '{', '\n':
		return true
	case '-', '?':
		return i+1 == len(data) || data[i+1] <= ' '
	}
	return false
}

// lineOf finds the line in a message of the YAML library.
var lineOf = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: line (\d+): `) })

// parseOne reads the one document of data. Whatever the library does wrong on
// its way becomes an Error.
func parseOne(data []byte) (root *yaml.Node, fault *Error) {
	defer func() {
		if r := recover(); r != nil {
			root, fault = nil, &Error{Msg: "not readable as YAML"}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{Line: 1, Msg: "want a map of keys, got an empty text"}
	} else if err != nil {
		return nil, libraryError(err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, &Error{Line: second.Line, Col: second.Column, Msg: "want one document, got a second"}
	} else if !errors.Is(err, io.EOF) {
		return nil, libraryError(err)
	}
	return doc.Content[0], nil
}

func libraryError(err error) *Error {
	msg, line := err.Error(), 0
	if at := lineOf().FindStringSubmatchIndex(msg); at != nil {
		line, _ = strconv.Atoi(msg[at[2]:at[3]])
		msg = msg[at[1]:]
	}
	return &Error{Line: line, Msg: "not readable as YAML: " + clean(strings.TrimPrefix(msg, "yaml: "))}
}

// checker walks the nodes in the order of the text.
type checker struct {
	name      string
	data      []byte // what has not been passed yet
	line, col int    // where data starts
	faults    Errors
}

func (c *checker) fault(n *yaml.Node, format string, args ...any) {
	if len(c.faults) < EnoughFaults {
		c.faults = append(c.faults, &Error{c.name, n.Line, n.Column, fmt.Sprintf(format, args...)})
	}
}

// node checks n and what it holds.
func (c *checker) node(n *yaml.Node, depth int) {
	if depth > MaxDepth {
		c.fault(n, "want at most %d levels, got more", MaxDepth)
		return
	}
	first := c.byteAt(n)
	switch {
	case n.Kind == yaml.AliasNode:
		c.fault(n, "want no alias, got *%s", clip(n.Value))
		return
	case n.Anchor != "":
		c.fault(n, "want no anchor, got &%s", clip(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0, first == '!':
		c.fault(n, "want no tag, got one")
	case n.Kind == yaml.ScalarNode && strings.IndexByte(n.Value, 0) >= 0:
		c.fault(n, "want text without NUL")
	}
	if n.Kind == yaml.MappingNode {
		c.keys(n)
	}
	for _, child := range n.Content {
		c.node(child, depth+1)
	}
}

// keys checks the keys of one map.
func (c *checker) keys(n *yaml.Node) {
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			continue // refused by node
		}
		if msg := keyFault(key); msg != "" {
			c.fault(key, "%s", msg)
			continue
		}
		if line, ok := seen[key.Value]; ok {
			c.fault(key, "want each key once, got %q again, first in line %d", clip(key.Value), line)
			continue
		}
		seen[key.Value] = key.Line
	}
}

func keyFault(key *yaml.Node) string {
	if key.Kind != yaml.ScalarNode {
		return "want a text as key, got " + describe(key)
	}
	if key.Style == 0 && key.Value == "<<" {
		return "want no merge key <<"
	}
	if msg := textFault(key); msg != "" {
		return "as key " + msg
	}
	if len(key.Value) > MaxKey {
		return fmt.Sprintf("want keys of at most %d bytes, got %d", MaxKey, len(key.Value))
	}
	for _, r := range key.Value {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("want keys of printable characters, got U+%04X", r)
		}
	}
	return ""
}

// byteAt returns the byte of the text where n starts, 0 if n lies behind what has
// been passed. It moves forward only, so that all calls together read once.
func (c *checker) byteAt(n *yaml.Node) byte {
	for len(c.data) > 0 && (c.line < n.Line || c.line == n.Line && c.col < n.Column) {
		r, size := utf8.DecodeRune(c.data)
		c.data = c.data[size:]
		if c.col++; r == '\n' {
			c.line, c.col = c.line+1, 1
		}
	}
	if len(c.data) == 0 || c.line != n.Line || c.col != n.Column {
		return 0
	}
	return c.data[0]
}
