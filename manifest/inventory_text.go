package manifest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// The first line of an inventory, and how its last one starts.
const (
	inventoryHeader = "inplace-inventory 1"
	inventoryEnd    = "end "
)

// ParseInventory reads the text form of an inventory; name stands for it in
// messages. The text has exactly one spelling: whatever BuildInventory would not
// have written is refused, with every fault listed at once as Errors. data is
// kept as Raw and must not be changed afterwards.
func ParseInventory(name string, data []byte) (*Inventory, error) {
	return parseInventory(name, data, DigestOf(data), true)
}

// ParseDigested is ParseInventory of data that the caller knows to have the digest d.
func ParseDigested(name string, data []byte, d Digest) (*Inventory, error) {
	return parseInventory(name, data, d, true)
}

// ParseAgain is ParseDigested of data that was parsed before, as the digest tells. What its
// lines are to each other (their order, parents, names that are one on some disks) was
// checked then and is not checked again.
func ParseAgain(name string, data []byte, d Digest) (*Inventory, error) {
	return parseInventory(name, data, d, false)
}

func parseInventory(name string, data []byte, d Digest, relations bool) (*Inventory, error) {
	if len(data) > MaxInventoryBytes {
		return nil, fault(name, 0, "want at most %d bytes, got %d", MaxInventoryBytes, len(data))
	}
	text := textOf(data)
	first, rest, _ := strings.Cut(text, "\n")
	if first != inventoryHeader {
		return nil, fault(name, 1, "want %q as the first line, got %q", inventoryHeader, printableCut(first))
	}
	lines := bytes.Count(data, []byte("\n"))
	if lines-2 > MaxEntries {
		return nil, fault(name, 0, "want at most %d entries, got %d lines", MaxEntries, lines)
	}
	body, count, err := splitEnd(name, rest, lines)
	if err != nil {
		return nil, err
	}

	v := newInventory(data, body, count)
	v.Digest = d
	relate, related := func(l lot) { l.spare <- l.entries }, func() Errors { return nil }
	if relations {
		relate, related = v.relations(name)
	}
	faults := v.forms(name, relate)
	faults = append(faults, related()...)
	slices.SortFunc(faults, func(a, b *Error) int { return a.Line - b.Line }) // each line has one at most
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return v, nil
}

// lot is some entries in a row; one whose line has a fault is without a kind.
type lot struct {
	from    int // the number of the first
	entries []Entry
	spare   chan []Entry // takes the memory of entries back
}

// lotSize is how many entries are passed on at once.
const lotSize = 512

// forms checks each line by itself, and passes on what it has read.
func (v *Inventory) forms(name string, pass func(lot)) (faults Errors) {
	spare := make(chan []Entry, 4) // one is filled, one related, two wait
	for from := 0; from < v.Len(); from += lotSize {
		l := lot{from: from, spare: spare}
		select {
		case l.entries = <-spare:
			l.entries = l.entries[:0]
		default:
			l.entries = make([]Entry, 0, min(lotSize, v.Len()))
		}
		for i := from; i < min(from+lotSize, v.Len()); i++ {
			l.entries = append(l.entries, Entry{})
			e := &l.entries[i-from]
			if col, msg := parseEntry(e, v.line(i)); msg != "" {
				faults = append(faults, &Error{Name: name, Line: i + 2, Col: col, Msg: msg})
				*e = Entry{}
			}
		}
		pass(l)
	}
	return faults
}

// relations checks entries against each other as they are passed on: of a long inventory on
// another core, while the lines that follow are read. related waits for all and tells what is
// wrong.
func (v *Inventory) relations(name string) (relate func(lot), related func() Errors) {
	c := newChecker(v.Len(), v.PathAt)
	var faults Errors
	check := func(l lot) {
		for k := range l.entries {
			e := &l.entries[k]
			if e.Kind == Absent {
				continue
			}
			if msg := c.add(l.from+k, e); msg != "" {
				faults = append(faults, &Error{Name: name, Line: l.from + k + 2, Col: strings.LastIndexByte(v.line(l.from+k), ' ') + 2, Msg: e.Path.String() + ": " + msg})
			}
		}
		l.spare <- l.entries
	}
	if v.Len() < 8*lotSize {
		return check, func() Errors { return faults }
	}
	lots, done := make(chan lot, 2), make(chan struct{})
	go func() {
		defer close(done)
		for l := range lots {
			check(l)
		}
	}()
	return func(l lot) { lots <- l }, func() Errors { close(lots); <-done; return faults }
}

// textOf is data as a string without a copy, which an inventory of 100,000 files
// would feel; data must not be changed afterwards.
func textOf(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// fault returns one Error as Errors; line 0 stands for the whole text.
func fault(name string, line int, format string, args ...any) error {
	return Errors{{Name: name, Line: line, Msg: fmt.Sprintf(format, args...)}}
}

// splitEnd takes the line "end COUNT" off rest and checks the count against the
// lines there are, so that nothing is allocated on the word of the text.
func splitEnd(name, rest string, lines int) (body string, count int, err error) {
	if !strings.HasSuffix(rest, "\n") {
		return "", 0, fault(name, lines+1, `want the line "end COUNT" and a line end last, got a text cut short`)
	}
	at := strings.LastIndexByte(rest[:len(rest)-1], '\n') + 1
	last := rest[at : len(rest)-1]
	digits, ok := strings.CutPrefix(last, inventoryEnd)
	n, good := parseDecimal(digits)
	if !ok || !good {
		return "", 0, fault(name, lines, `want "end COUNT" as the last line, got %q`, printableCut(last))
	}
	if int64(lines-2) != n {
		return "", 0, fault(name, lines, "want as many entries as lines, %d, got %q", lines-2, last)
	}
	return rest[:at], lines - 2, nil
}

// parseDecimal reads a number in its one spelling: no sign, no leading zero,
// below 2^63.
func parseDecimal(s string) (int64, bool) {
	if s == "" || len(s) > 19 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return int64(n), n < 1<<63
}

// kinds are the first fields of a line.
var kinds = [256]Kind{'f': File, 'd': Dir, 'l': Link}

// parseEntry reads one line into e, which is zero. A fault comes with its
// column, from 1.
func parseEntry(e *Entry, line string) (col int, msg string) {
	if strings.HasSuffix(line, "\r") {
		return len(line), "want lines that end in LF, got CR LF"
	}
	name, col, msg := parseFields(e, line)
	if msg != "" {
		return col, msg
	}
	path := name
	if !plainPath(name) {
		if path, msg = unescapeName(name); msg == "" {
			msg = pathFault(path)
		}
	}
	if msg == "" {
		e.Path = Path(path)
		msg = entryFault(e)
	}
	if msg != "" {
		return len(line) - len(name) + 1, printableCut(name) + ": " + msg
	}
	return 0, ""
}

// parseFields reads the fields before the path into e and returns the path as it is
// written.
func parseFields(e *Entry, line string) (name string, col int, msg string) {
	var fields [4]string // kind, mode, size, digest or target
	var cols [4]int
	rest := line
	for i := range fields {
		cols[i] = len(line) - len(rest) + 1
		var ok bool
		if fields[i], rest, ok = strings.Cut(rest, " "); !ok {
			return "", cols[i], fmt.Sprintf("want five fields with a space between, got %d", i+1)
		}
	}
	if len(fields[0]) == 1 {
		e.Kind = kinds[fields[0][0]]
	}
	if e.Kind == Absent {
		return "", cols[0], fmt.Sprintf("want a line starting with f, d or l, got %q", printableCut(fields[0]))
	}
	if msg := parseMode(e, fields[1]); msg != "" {
		return "", cols[1], msg
	}
	if msg := parseSize(e, fields[2]); msg != "" {
		return "", cols[2], msg
	}
	if msg := parseContent(e, fields[3]); msg != "" {
		return "", cols[3], msg
	}
	return rest, 0, ""
}

// parseMode reads four octal digits, - for a link.
func parseMode(e *Entry, s string) string {
	if e.Kind == Link {
		return wantDash(e, "mode", s)
	}
	bad := len(s) != 4
	for i := 0; i < len(s) && !bad; i++ {
		d := s[i] - '0'
		bad = d > 7
		e.Mode = e.Mode<<3 | uint32(d)
	}
	if bad {
		return fmt.Sprintf("want a mode of four octal digits, got %q", printableCut(s))
	}
	return ""
}

// parseSize reads the size of a file, - for other kinds.
func parseSize(e *Entry, s string) string {
	if e.Kind != File {
		return wantDash(e, "size", s)
	}
	n, ok := parseDecimal(s)
	if !ok {
		return fmt.Sprintf("want a size in bytes, got %q", printableCut(s))
	}
	e.Size = n
	return ""
}

// parseContent reads the digest of a file, the target of a link, - for a directory.
func parseContent(e *Entry, s string) (msg string) {
	switch e.Kind {
	case Dir:
		return wantDash(e, "digest", s)
	case Link:
		if e.Target, msg = unescapeName(s); msg != "" {
			return "link target " + printableCut(s) + ": " + msg
		}
	default:
		if len(s) != 2*len(e.Digest) || !e.Digest.fromHex(s) {
			_, err := ParseHex(s)
			return err.Error()
		}
	}
	return ""
}

// wantDash says that s stands where a kind has nothing to say.
func wantDash(e *Entry, field, s string) string {
	if s == "-" {
		return ""
	}
	return fmt.Sprintf("want - for the %s of a %s, got %q", field, e.Kind, printableCut(s))
}

// renderInventory writes checked, sorted entries.
func renderInventory(entries []Entry) []byte {
	size := len(inventoryHeader) + 32
	for i := range entries {
		size += len(entries[i].Path) + len(entries[i].Target) + 96
	}
	b := make([]byte, 0, size)
	b = append(b, inventoryHeader+"\n"...)
	for i := range entries {
		e := &entries[i]
		switch e.Kind {
		case File:
			b = fmt.Appendf(b, "f %04o %d ", e.Mode, e.Size)
			b = append(hex.AppendEncode(b, e.Digest[:]), ' ')
		case Dir:
			b = fmt.Appendf(b, "d %04o - - ", e.Mode)
		case Link:
			b = fmt.Appendf(b, "l - - %s ", escapeName(e.Target))
		}
		b = append(b, escapeName(string(e.Path))...)
		b = append(b, '\n')
	}
	b = append(b, inventoryEnd...)
	b = strconv.AppendInt(b, int64(len(entries)), 10)
	return append(b, '\n')
}
