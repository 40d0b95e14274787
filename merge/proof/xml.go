package proof

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// readXML reads one well-formed document. Beyond what encoding/xml refuses, it wants
// exactly one root, no text outside it, and no attribute twice. Names are those that are
// written: a vendor who raises the version in a namespace has renamed nothing, and the
// xmlns attribute is a key as any other. A prefix that nothing declares is a key of the
// document, so that none is left behind where a side removed its declaration. Entities declared in the document
// are known by name; external ones and schemas are never fetched.
func readXML(data []byte) (*node, error) {
	d, err := newXMLDecoder(data)
	if err != nil {
		return nil, err
	}
	top := block("")
	open := []*node{top}
	unbound := map[string]bool{}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		in := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if in == top && len(top.kids) > 0 {
				return nil, fmt.Errorf("line %d: a second root element", lineOf(d))
			}
			if len(open) > maxDepth {
				return nil, fmt.Errorf("%w: want at most %d levels of elements", errLimit, maxDepth)
			}
			e, err := xmlElement(t)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", lineOf(d), err)
			}
			in.add(e)
			open = append(open, e)
			findUnbound(t, open, unbound)
		case xml.EndElement:
			if in == top || in.id != xmlName(t.Name) {
				return nil, fmt.Errorf("line %d: an end tag without its start tag", lineOf(d))
			}
			joinText(in)
			if open = open[:len(open)-1]; len(open) > 1 { // there is but one root
				identify(in)
			}
		case xml.CharData:
			s := unwrapped(strings.TrimSpace(string(t)), "\n")
			if s != "" && in == top {
				return nil, fmt.Errorf("line %d: text outside the root element", lineOf(d))
			}
			if s != "" {
				in.add(leaf(textID, s))
			}
		case xml.Directive:
			for _, m := range entityDeclaration().FindAllSubmatch(t, -1) {
				name := string(m[1])
				d.Entity[name] = "&" + name + ";"
			}
		}
	}
	if len(open) > 1 || len(top.kids) == 0 {
		return nil, errors.New("no root element, or one without its end")
	}
	for prefix := range unbound {
		top.add(leaf("undeclared prefix "+prefix, ""))
	}
	return top, nil
}

// findUnbound notes the prefixes of a start tag that neither it nor an element around
// it declares.
func findUnbound(t xml.StartElement, open []*node, unbound map[string]bool) {
	bound := func(prefix string) bool {
		if prefix == "" || prefix == "xml" || prefix == "xmlns" {
			return true
		}
		for _, e := range open {
			if _, ok := e.kidValue("@xmlns:" + prefix); ok {
				return true
			}
		}
		return false
	}
	names := []xml.Name{t.Name}
	for _, a := range t.Attr {
		names = append(names, a.Name)
	}
	for _, n := range names {
		if !bound(n.Space) {
			unbound[n.Space] = true
		}
	}
}

var declaredEncoding = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']`)
})

// compareEncodings returns an error if a document with more than ASCII was put together
// from ones in different encodings.
func compareEncodings(ours, theirs, merged []byte) error {
	want := charsetOf(merged)
	for _, side := range [][]byte{ours, theirs} {
		if c := charsetOf(side); want != "" && c != "" && c != want {
			return fmt.Errorf("the texts are in different encodings: %s and %s", c, want)
		}
	}
	return nil
}

// charsetOf names the encoding that a document with more than ASCII declares, and says
// so where its bytes are not of it; "" for ASCII alone.
func charsetOf(data []byte) string {
	if !bytes.ContainsFunc(data, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return ""
	}
	charset := "utf-8"
	if bytes.IndexByte(data, 0) >= 0 {
		return "utf-16"
	}
	if m := declaredEncoding().FindSubmatch(data); m != nil {
		charset = strings.ToLower(string(m[1]))
	}
	if charset == "utf-8" && !utf8.Valid(data) {
		return "utf-8, with bytes that are none"
	}
	return charset
}

// textID is the id of an element's text.
const textID = "#text"

var entityDeclaration = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<!ENTITY\s+([A-Za-z_][\w.-]*)\s`) })

func lineOf(d *xml.Decoder) int {
	line, _ := d.InputPos()
	return line
}

func xmlElement(t xml.StartElement) (*node, error) {
	e := block(xmlName(t.Name))
	seen := make(map[xml.Name]bool, len(t.Attr))
	for _, a := range t.Attr {
		if seen[a.Name] {
			return nil, fmt.Errorf("attribute %s stands twice", a.Name.Local)
		}
		seen[a.Name] = true
		e.add(leaf("@"+xmlName(a.Name), unwrapped(a.Value, " ")))
	}
	return e, nil
}

func xmlName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// joinText makes the pieces of an element's text one: comments and elements cut it.
func joinText(e *node) {
	var text []string
	kids := e.kids[:0]
	for _, k := range e.kids {
		if k.id == textID {
			text = append(text, k.value)
		} else {
			kids = append(kids, k)
		}
	}
	e.kids = kids
	if text != nil {
		e.add(leaf(textID, strings.Join(text, "\n")))
	}
}

// unwrapped puts with for each line break of a value, with the blanks around it: how a
// value is wrapped and indented is form.
func unwrapped(s, with string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	var lines []string
	for _, l := range strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if l = strings.Trim(l, " \t"); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, with)
}

// newXMLDecoder reads UTF-8, UTF-16 (by its byte order mark or its first character),
// ISO-8859-1 and US-ASCII.
func newXMLDecoder(data []byte) (*xml.Decoder, error) {
	wide := false
	for _, c := range []struct {
		start string
		order binary.ByteOrder
	}{{"\xFE\xFF", binary.BigEndian}, {"\xFF\xFE", binary.LittleEndian}, {"\x00<", binary.BigEndian}, {"<\x00", binary.LittleEndian}} {
		if bytes.HasPrefix(data, []byte(c.start)) {
			if len(data)%2 != 0 {
				return nil, errors.New("UTF-16 of an odd number of bytes")
			}
			units := make([]uint16, len(data)/2)
			for i := range units {
				units[i] = c.order.Uint16(data[2*i:])
			}
			data = bytes.TrimPrefix([]byte(string(utf16.Decode(units))), []byte("\uFEFF"))
			wide = true
			break
		}
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Entity = map[string]string{}
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(charset) {
		case "iso-8859-1", "latin1", "iso_8859-1":
			return &latin1Reader{in: in}, nil
		case "us-ascii", "ascii":
			return in, nil
		case "utf-16", "utf-16le", "utf-16be":
			if wide {
				return in, nil
			}
		}
		return nil, fmt.Errorf("character set %q is not known here", charset)
	}
	return d, nil
}

// latin1Reader turns ISO-8859-1 into UTF-8. It reads no further than it must:
// encoding/xml hands it the input from the byte after the declaration.
type latin1Reader struct {
	in   io.Reader
	buf  [1024]byte
	rest []byte // UTF-8 that did not fit
}

func (r *latin1Reader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		n, err := r.in.Read(r.buf[:])
		if n == 0 {
			return 0, err
		}
		for _, c := range r.buf[:n] {
			r.rest = utf8.AppendRune(r.rest, rune(c))
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
