package xml

import (
	"bytes"
	"fmt"
	"strings"
)

type kind byte

const (
	endOfText   kind = iota
	startTag         // <a b="c"> and <a/>
	endTag           // </a>
	text             // up to the next <
	cdata            // <![CDATA[ ]]>
	comment          // <!-- -->
	instruction      // <?name ?>
	declaration      // <?xml ?>
	doctype          // <!DOCTYPE >
)

// token is a piece of the text; tokens follow each other without a byte between them.
type token struct {
	kind       kind
	start, end int
	name       string // of a tag or instruction
	nameEnd    int
	attrs      []attr
	tagEnd     int  // where the > or /> of a start tag begins
	empty      bool // a start tag ends with />
}

// attr is name="value"; the value with its quotes is [valStart, end).
type attr struct {
	name                 string
	value                string
	start, valStart, end int
}

// lexer cuts a document into tokens. It checks what can be told from one token.
type lexer struct {
	data       []byte
	at         int
	charset    string // lower case
	ascii      bool   // no byte depends on the charset
	hasDoctype bool   // entities may be declared
}

func (l *lexer) fault(at int, text string) error {
	return fmt.Errorf("line %d: %s", 1+bytes.Count(l.data[:at], []byte{'\n'}), text)
}

func (l *lexer) next() (token, error) {
	t := token{start: l.at}
	rest := l.data[l.at:]
	if len(rest) == 0 {
		t.end = l.at
		return t, nil
	}
	var err error
	switch {
	case rest[0] != '<':
		err = l.text(&t)
	case bytes.HasPrefix(rest, []byte("<!--")):
		if err = l.until(&t, comment, "<!--", "-->"); err == nil && bytes.Contains(l.data[t.start+4:t.end-3], []byte("--")) {
			err = l.fault(t.start, "-- within a comment")
		}
		if err == nil && l.data[t.end-4] == '-' && t.end-4 >= t.start+4 {
			err = l.fault(t.start, "a comment that ends with --->")
		}
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		err = l.until(&t, cdata, "<![CDATA[", "]]>")
	case bytes.HasPrefix(rest, []byte("<?")):
		err = l.instruction(&t)
	case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
		err = l.doctype(&t)
	case bytes.HasPrefix(rest, []byte("</")):
		t.kind = endTag
		if t.name, t.nameEnd, err = l.readName(l.at + 2); err == nil {
			t.end = l.skipBlanks(t.nameEnd)
			if t.end == len(l.data) || l.data[t.end] != '>' {
				err = l.fault(t.start, "an end tag without >")
			}
			t.end++
		}
	default:
		err = l.startTag(&t)
	}
	if err != nil {
		return t, err
	}
	l.at = t.end
	return t, nil
}

func (l *lexer) text(t *token) error {
	t.kind, t.end = text, len(l.data)
	if i := bytes.IndexByte(l.data[l.at:], '<'); i >= 0 {
		t.end = l.at + i
	}
	content := l.data[t.start:t.end]
	if bytes.Contains(content, []byte("]]>")) {
		return l.fault(t.start, "]]> within text")
	}
	return l.checkReferences(t.start, content)
}

// until takes a token up to its closing mark.
func (l *lexer) until(t *token, k kind, opening, closing string) error {
	t.kind = k
	from := l.at + len(opening)
	i := bytes.Index(l.data[from:], []byte(closing))
	if i < 0 {
		return l.fault(t.start, opening+" without "+closing)
	}
	t.end = from + i + len(closing)
	return nil
}

func (l *lexer) instruction(t *token) error {
	if err := l.until(t, instruction, "<?", "?>"); err != nil {
		return err
	}
	var err error
	if t.name, t.nameEnd, err = l.readName(l.at + 2); err != nil {
		return err
	}
	if rest := l.data[t.nameEnd : t.end-2]; t.nameEnd > t.end-2 || len(rest) > 0 && !isBlank(rest[:1]) {
		return l.fault(t.start, "an instruction without a name")
	}
	if !strings.EqualFold(t.name, "xml") {
		return nil
	}
	if t.name != "xml" || t.start != 0 {
		return l.fault(t.start, "an XML declaration that does not begin the document")
	}
	t.kind = declaration
	at, err := l.attributes(t, t.nameEnd)
	if err == nil && at != t.end-2 {
		err = l.fault(at, "an XML declaration of another form")
	}
	return err
}

// doctype takes a document type with its internal subset, as one piece.
func (l *lexer) doctype(t *token) error {
	t.kind = doctype
	if l.hasDoctype {
		return l.fault(t.start, "a second document type")
	}
	l.hasDoctype = true
	subset := false
	for at := l.at + len("<!DOCTYPE"); at < len(l.data); {
		rest := l.data[at:]
		skip := 1
		switch {
		case rest[0] == '"' || rest[0] == '\'':
			i := bytes.IndexByte(rest[1:], rest[0])
			if i < 0 {
				return l.fault(t.start, "a document type without its closing quote")
			}
			skip = i + 2
		case subset && bytes.HasPrefix(rest, []byte("<!--")):
			i := bytes.Index(rest, []byte("-->"))
			if i < 0 {
				return l.fault(t.start, "a comment without its end")
			}
			skip = i + 3
		case subset && bytes.HasPrefix(rest, []byte("<?")):
			i := bytes.Index(rest, []byte("?>"))
			if i < 0 {
				return l.fault(t.start, "an instruction without its end")
			}
			skip = i + 2
		case rest[0] == '[' && !subset:
			subset = true
		case rest[0] == ']':
			subset = false
		case rest[0] == '>' && !subset:
			t.end = at + 1
			return nil
		}
		at += skip
	}
	return l.fault(t.start, "a document type without its end")
}

func (l *lexer) startTag(t *token) error {
	t.kind = startTag
	var err error
	if t.name, t.nameEnd, err = l.readName(l.at + 1); err != nil {
		return err
	}
	at, err := l.attributes(t, t.nameEnd)
	if err != nil {
		return err
	}
	t.tagEnd = at
	switch rest := l.data[at:]; {
	case bytes.HasPrefix(rest, []byte("/>")):
		t.empty, t.end = true, at+2
	case bytes.HasPrefix(rest, []byte(">")):
		t.end = at + 1
	default:
		return l.fault(at, "a start tag of another form")
	}
	return nil
}

// attributes reads attributes from at on, each behind a blank, and returns where what
// follows them and their blanks begins.
func (l *lexer) attributes(t *token, at int) (int, error) {
	seen := map[string]bool{}
	for {
		start := l.skipBlanks(at)
		if start == len(l.data) || strings.IndexByte("/>?", l.data[start]) >= 0 {
			return start, nil
		}
		if start == at {
			return 0, l.fault(at, "an attribute without a blank before it")
		}
		name, end, err := l.readName(start)
		if err != nil {
			return 0, err
		}
		if seen[name] {
			return 0, l.fault(start, "attribute "+name+" stands twice")
		}
		seen[name] = true
		eq := l.skipBlanks(end)
		if eq == len(l.data) || l.data[eq] != '=' {
			return 0, l.fault(start, "attribute "+name+" without a value")
		}
		quote := l.skipBlanks(eq + 1)
		if quote == len(l.data) || l.data[quote] != '"' && l.data[quote] != '\'' {
			return 0, l.fault(start, "attribute "+name+" without quotes")
		}
		i := bytes.IndexByte(l.data[quote+1:], l.data[quote])
		if i < 0 {
			return 0, l.fault(start, "attribute "+name+" without its closing quote")
		}
		raw := l.data[quote+1 : quote+1+i]
		if bytes.IndexByte(raw, '<') >= 0 {
			return 0, l.fault(start, "< in attribute "+name)
		}
		if err := l.checkReferences(start, raw); err != nil {
			return 0, err
		}
		value := strings.ReplaceAll(foldLines(l.decodeBytes(quote+1, quote+1+i), " "), "\t", " ")
		at = quote + 1 + i + 1
		t.attrs = append(t.attrs, attr{name: name, value: l.resolve(value), start: start, valStart: quote, end: at})
	}
}

func (l *lexer) skipBlanks(at int) int {
	for at < len(l.data) && strings.IndexByte(blanks, l.data[at]) >= 0 {
		at++
	}
	return at
}

// readName reads a name. Which characters beyond ASCII are letters is not checked.
func (l *lexer) readName(at int) (name string, end int, err error) {
	end = at
	for end < len(l.data) {
		c := l.data[end]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || c >= 0x80
		if !letter && (end == at || !(c >= '0' && c <= '9' || c == '-' || c == '.')) {
			break
		}
		end++
	}
	if end == at {
		return "", 0, l.fault(at, "no name where one must stand")
	}
	return l.decodeBytes(at, end), end, nil
}

// local is a name without its prefix.
func local(name string) string { return name[strings.IndexByte(name, ':')+1:] }
