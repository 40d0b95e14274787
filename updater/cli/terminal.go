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
	tty    bool // it is a terminal, where text is better broken than left to it
	colour bool
}

// newPrinter makes a printer for text that will go to w.
func newPrinter(w io.Writer, colour bool) *printer {
	return &printer{width: min(max(widthOf(w, defaultWidth), minWidth), maxWidth), tty: isTerminal(w), colour: colour}
}

// widthOf is the number of columns of the terminal w, or other where that is not known.
func widthOf(w io.Writer, other int) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return other
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
		p.fill(indent, 0, strings.Fields(paragraph))
	}
}

// fill writes words, broken between them, each line behind indent spaces; so many columns
// of the first line as at says are written already.
func (p *printer) fill(indent, at int, words []string) {
	for i, w := range words {
		n := utf8.RuneCountInString(w)
		switch {
		case i == 0 && at == 0:
			p.buf.WriteString(strings.Repeat(" ", indent))
			at = indent
		case at+1+n > p.width && at > indent:
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

// message writes text behind a label such as "error:", further lines below the first.
func (p *printer) message(label styled, text string) { p.advice(label, text, "") }

// advice is message for a text that may end in a command, which begins with name.
func (p *printer) advice(label styled, text, name string) {
	indent := utf8.RuneCountInString(label.text) + 1
	for i, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		head := strings.Repeat(" ", indent-1)
		if i == 0 {
			head = p.paint(label)
		}
		if l = clean(l); !p.tty || indent+utf8.RuneCountInString(l) <= p.width {
			p.buf.WriteString(strings.TrimRight(head+" "+l, " ") + "\n")
			continue
		}
		p.buf.WriteString(head)
		p.fill(min(indent, 4), indent-1, phrase(l, name))
	}
}

// sentence writes a line that may end in a command, which begins with name; where
// there is no terminal it is one line whatever its length.
func (p *printer) sentence(text, name string) {
	for l := range strings.SplitSeq(clean(text), "\n") {
		if !p.tty || utf8.RuneCountInString(l) <= p.width {
			p.buf.WriteString(strings.TrimRight(l, " ") + "\n")
			continue
		}
		p.fill(0, 0, phrase(l, name))
	}
}

// phrase parts text into words. A command at its end, which begins with name, is one word:
// whoever copies it gets it whole.
func phrase(text, name string) []string {
	if name == "" {
		return strings.Fields(text)
	}
	before, after, found := strings.Cut(text, name)
	if !found {
		return strings.Fields(text)
	}
	return append(strings.Fields(before), name+after)
}

// field writes what goes with a short label of a table, further lines below the first.
func (p *printer) field(label, text string) {
	const column = 11
	head := "  " + label
	if text = clean(text); !p.tty || column+utf8.RuneCountInString(text) <= p.width {
		p.buf.WriteString(strings.TrimRight(head+strings.Repeat(" ", max(column-len(head), 1))+text, " ") + "\n")
		return
	}
	p.buf.WriteString(head + strings.Repeat(" ", column-1-len(head)))
	p.fill(4, column-1, strings.Fields(text))
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

// dumb reports whether the terminal can do no more than print, or is wanted to.
func (r *run) dumb() bool {
	value, _ := r.env.LookupEnv("TERM")
	return value == "dumb"
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
