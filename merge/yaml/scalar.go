package yaml

import (
	"strings"

	yaml3 "gopkg.in/yaml.v3"
)

// empty tells whether a node is a value that is not there.
func empty(y *yaml3.Node) bool {
	return y.Kind == yaml3.ScalarNode && y.Value == "" &&
		y.Style&(yaml3.DoubleQuotedStyle|yaml3.SingleQuotedStyle|yaml3.LiteralStyle|yaml3.FoldedStyle) == 0
}

func tagged(y *yaml3.Node) bool { return y.Style&yaml3.TaggedStyle != 0 }

func hasProps(y *yaml3.Node) bool { return y.Anchor != "" || tagged(y) }

// props skips the anchor and the tag of a node, in either order, but not what follows
// them.
func (r *reader) props(y *yaml3.Node) error {
	anchor, tag := y.Anchor != "", tagged(y)
	for anchor || tag {
		switch c := r.peek(0); {
		case c == '&' && anchor && strings.HasPrefix(string(r.word()), "&"+y.Anchor):
			r.at += 1 + len(y.Anchor)
			anchor = false
		case c == '!' && tag:
			r.at += len(r.word())
			tag = false
		default:
			return r.fault("the anchor or tag")
		}
		if anchor || tag {
			r.blanks()
		}
	}
	return nil
}

// word is the text up to the next blank, line end, comma or closing bracket.
func (r *reader) word() []byte {
	end := r.at
	for end < len(r.data) && !strings.ContainsRune(" \t\r\n,]}", rune(r.data[end])) {
		end++
	}
	return r.data[r.at:end]
}

// scalar skips a scalar or an alias, which begins here. outer is the column of the block
// collection around it, -1 if there is none.
func (r *reader) scalar(y *yaml3.Node, outer int) error {
	switch {
	case y.Kind == yaml3.AliasNode:
		name := "*" + y.Value
		if !strings.HasPrefix(string(r.data[r.at:min(len(r.data), r.at+len(name))]), name) {
			return r.fault("an alias")
		}
		r.at += len(name)
		return nil
	case y.Style&yaml3.DoubleQuotedStyle != 0:
		return r.quoted('"')
	case y.Style&yaml3.SingleQuotedStyle != 0:
		return r.quoted('\'')
	case y.Style&(yaml3.LiteralStyle|yaml3.FoldedStyle) != 0:
		return r.block(y, outer)
	}
	return r.plain(y.Value)
}

func (r *reader) quoted(quote byte) error {
	if r.peek(0) != quote {
		return r.fault("a quoted scalar")
	}
	for r.at++; r.at < len(r.data); r.at++ {
		switch {
		case r.peek(0) == '\\' && quote == '"':
			r.at++
		case r.peek(0) == quote && r.peek(1) == quote && quote == '\'':
			r.at++
		case r.peek(0) == quote:
			r.at++
			return nil
		}
	}
	return r.fault("the end of a quoted scalar")
}

// plain skips a plain scalar. Its value is its text but for line breaks: one is read as a
// blank, and n of them as n-1 line feeds.
func (r *reader) plain(value string) error {
	for i := 0; i < len(value); {
		breaks, end := r.fold()
		run := string(r.data[r.at:end])
		switch {
		case breaks == 1 && value[i] == ' ':
			i, r.at = i+1, end
		case breaks > 1 && strings.HasPrefix(value[i:], strings.Repeat("\n", breaks-1)):
			i, r.at = i+breaks-1, end
		case breaks == 0 && run != "" && strings.HasPrefix(value[i:], run):
			i, r.at = i+len(run), end
		case run == "" && r.peek(0) == value[i]:
			i, r.at = i+1, r.at+1
		default:
			return r.fault("the text of a plain scalar")
		}
	}
	return nil
}

// fold counts the line breaks that follow with nothing but blanks between; end is where
// the text goes on.
func (r *reader) fold() (breaks, end int) {
	if c := r.peek(0); c != ' ' && c != '\t' && c != '\r' && c != '\n' {
		return 0, r.at
	}
	from := r.at
	defer func() { r.at = from }()
	for {
		r.blanks()
		if !r.newline() {
			return breaks, r.at
		}
		breaks++
	}
}

// block skips a literal or folded block scalar, without the last line end, and checks
// that it reads as the value. Blank lines at its end belong to it only if they are kept.
func (r *reader) block(y *yaml3.Node, outer int) error {
	header := r.word()
	r.at += len(header)
	keep, indent := false, 0
	for i, c := range header {
		switch {
		case i == 0 && c == '|' && y.Style&yaml3.LiteralStyle != 0, i == 0 && c == '>' && y.Style&yaml3.FoldedStyle != 0:
		case i > 0 && c == '+':
			keep = true
		case i > 0 && c == '-':
		case i > 0 && c >= '1' && c <= '9':
			indent = max(outer, 0) + int(c-'0')
		default:
			return r.fault("the head of a block scalar")
		}
	}
	if c := r.trail(); !c.Empty() {
		r.within = append(r.within, c)
	}
	r.blanks()
	if r.at == len(r.data) {
		return r.blockReads(y, nil)
	}
	end := r.at // of the last line that counts
	if !r.newline() {
		return r.fault("a line end behind the head of a block scalar")
	}
	var content []string
	blank := 0 // lines at the end of content
	for r.at < len(r.data) {
		from := r.at
		for r.peek(0) == ' ' && (indent == 0 || r.at-from < indent) {
			r.at++
		}
		if !r.atEnd() {
			if indent == 0 {
				indent = max(r.at-from, outer+1, 1)
			}
			if r.at-from < indent {
				r.at = from
				break
			}
		}
		start := r.at
		for !r.atEnd() {
			r.at++
		}
		line := string(r.data[start:r.at])
		content = append(content, line)
		if blank++; line != "" {
			blank = 0
		}
		if line != "" || keep {
			end = r.at
		}
		if !r.newline() {
			break
		}
	}
	r.at = end
	if !keep {
		content = content[:len(content)-blank]
	}
	return r.blockReads(y, content)
}

// blockReads compares the lines of a block scalar with its value: those of a literal one
// exactly, those of a folded one without their blanks. Line ends at the end are yaml.v3's.
func (r *reader) blockReads(y *yaml3.Node, lines []string) error {
	got, want := strings.Join(lines, "\n"), y.Value
	if y.Style&yaml3.LiteralStyle != 0 {
		got, want = strings.TrimRight(got, "\n"), strings.TrimRight(want, "\n")
	} else {
		got, want = strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(want), " ")
	}
	if got != want {
		return r.fault("the text of a block scalar")
	}
	return nil
}
