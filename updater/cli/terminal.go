package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"inplace/manifest"
)

// Widths of wrapped text in columns. Paths, commands and differences are never cut.
const (
	minWidth     = 40
	maxWidth     = 100
	defaultWidth = 80 // where the output is no terminal
)

// A style is the parameter of an SGR sequence.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// styled is a text in a style.
type styled struct {
	style style
	text  string
}

// printer collects text. Whatever is given to its methods as an argument is made
// safe for a terminal; only format strings, which are literals, are taken as they are.
type printer struct {
	buf    bytes.Buffer
	width  int
	colour bool
}

// newPrinter makes a printer for text that will go to w.
func newPrinter(w io.Writer, colour bool) *printer {
	width := defaultWidth
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			width = min(max(n, minWidth), maxWidth)
		}
	}
	return &printer{width: width, colour: colour}
}

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// flush writes what was collected to w.
func (p *printer) flush(w io.Writer) error {
	_, err := p.buf.WriteTo(w)
	return err
}

// line writes one line.
func (p *printer) line(format string, args ...any) {
	p.buf.WriteString(strings.TrimRight(p.text(format, args...), " "))
	p.buf.WriteByte('\n')
}

// raw writes text byte for byte. It is never for a terminal.
func (p *printer) raw(text []byte) { p.buf.Write(text) }

// gap writes an empty line, unless nothing or another one was written before.
func (p *printer) gap() {
	if b := p.buf.Bytes(); len(b) > 0 && !bytes.HasSuffix(b, []byte("\n\n")) {
		p.buf.WriteByte('\n')
	}
}

// wrapped writes words, broken between words, each line behind indent spaces.
func (p *printer) wrapped(indent int, text string) {
	for _, paragraph := range strings.Split(strings.TrimRight(clean(text), "\n"), "\n") {
		at := 0
		for _, w := range strings.Fields(paragraph) {
			n := utf8.RuneCountInString(w)
			switch {
			case at == 0:
				p.buf.WriteString(strings.Repeat(" ", indent))
				at = indent
			case at+1+n > p.width:
				p.buf.WriteString("\n" + strings.Repeat(" ", indent))
				at = indent
			default:
				p.buf.WriteByte(' ')
				at++
			}
			p.buf.WriteString(w)
			at += n
		}
		p.buf.WriteByte('\n')
	}
}

// message writes text behind a label such as "error:", further lines below the first.
func (p *printer) message(label styled, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	p.line("%s %s", label, lines[0])
	for _, l := range lines[1:] {
		p.line("%s %s", strings.Repeat(" ", len(label.text)), l)
	}
}

// text formats with each argument made safe.
func (p *printer) text(format string, args ...any) string {
	safe := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case styled:
			safe[i] = p.paint(a)
		case manifest.Path:
			safe[i] = a.String()
		case string:
			safe[i] = clean(a)
		case error:
			safe[i] = clean(a.Error())
		case int, int64, uint32, bool:
			safe[i] = a
		default:
			safe[i] = clean(fmt.Sprint(a))
		}
	}
	return fmt.Sprintf(format, safe...)
}

func (p *printer) paint(s styled) string {
	if !p.colour || s.style == plain || s.text == "" {
		return clean(s.text)
	}
	return "\x1b[" + string(s.style) + "m" + clean(s.text) + "\x1b[0m"
}

// clean replaces what a terminal would act on, or not show: control bytes but line
// end and tab, invalid UTF-8, and characters that turn the direction of text.
func clean(s string) string {
	harmless := func(r rune) bool {
		return r == '\n' || r == '\t' || r != utf8.RuneError && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case harmless(r):
			b.WriteString(s[i : i+n])
		case r == utf8.RuneError || r < 0x80:
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// shellQuote writes s as one word of a POSIX shell.
func shellQuote(s string) string {
	safe := func(r rune) bool {
		return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("/._-+=:,@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
