package yaml

import (
	"bytes"
	"fmt"
	"strings"

	"inplace/merge/tree"
)

// reader goes through a text from its beginning to its end.
type reader struct {
	data   []byte
	at     int
	within []tree.Range // comments within the scalar that was read last
}

// fault is the error of a place that is not understood.
func (r *reader) fault(want string) error {
	return fmt.Errorf("line %d: want %s", bytes.Count(r.data[:r.at], []byte("\n"))+1, want)
}

// peek returns the byte i bytes on, 0 behind the end.
func (r *reader) peek(i int) byte {
	if r.at+i < len(r.data) {
		return r.data[r.at+i]
	}
	return 0
}

// blanks skips blanks and tells whether there were some.
func (r *reader) blanks() bool {
	from := r.at
	for c := r.peek(0); c == ' ' || c == '\t'; c = r.peek(0) {
		r.at++
	}
	return r.at > from
}

// atEnd tells whether the line, or the text, ends here.
func (r *reader) atEnd() bool {
	return r.at == len(r.data) || r.peek(0) == '\n' || r.peek(0) == '\r'
}

// newline skips a line end; false if there is none.
func (r *reader) newline() bool {
	if r.peek(0) == '\r' && r.peek(1) == '\n' {
		r.at++
	}
	if r.peek(0) != '\n' {
		return false
	}
	r.at++
	return true
}

// lineStart is where the current line begins.
func (r *reader) lineStart() int { return bytes.LastIndexByte(r.data[:r.at], '\n') + 1 }

// column counts the bytes of the line before the current one.
func (r *reader) column() int { return r.at - r.lineStart() }

// comment skips a comment up to its line end; false if there is none.
func (r *reader) comment() bool {
	if r.peek(0) != '#' || r.at > 0 && !strings.ContainsRune(" \t\n", rune(r.data[r.at-1])) {
		return false
	}
	for !r.atEnd() {
		r.at++
	}
	return true
}

// trail skips blanks and the comment behind a node. The range is empty if there is none.
func (r *reader) trail() tree.Range {
	from := r.at
	r.blanks()
	if r.comment() {
		return tree.Range{Start: from, End: r.at}
	}
	r.at = from
	return tree.Range{}
}

// endLine ends the node n, which is a whole line or more: a comment may stand behind it.
func (r *reader) endLine(n *tree.Node) error {
	n.Trail = r.trail()
	r.blanks()
	if !r.newline() && !r.atEnd() {
		return r.fault("the end of the line")
	}
	n.Full.End = r.at
	return nil
}

// lines skips blank lines and lines of comments and returns them.
func (r *reader) lines() []tree.Atom {
	var atoms []tree.Atom
	for {
		from := r.at
		r.blanks()
		r.comment()
		if text := string(r.data[from:r.at]); r.at < len(r.data) && r.newline() || r.atEnd() && r.at > from {
			atoms = append(atoms, tree.Atom{Range: tree.Range{Start: from, End: r.at}, Text: tree.Fold(text)})
			continue
		}
		r.at = from
		return atoms
	}
}

// tail skips the comments behind the last line of a block collection that belong to it:
// those that are indented as its lines are, or more.
func (r *reader) tail(column int) []tree.Atom {
	from := r.at
	atoms := r.lines()
	n := 0
	for i, a := range atoms {
		if a.Text == "" {
			continue
		}
		line := r.data[a.Start:a.End]
		if len(line)-len(bytes.TrimLeft(line, " ")) < column {
			break
		}
		n = i + 1
	}
	r.at = from
	if n > 0 {
		r.at = atoms[n-1].End
	}
	return atoms[:n]
}
