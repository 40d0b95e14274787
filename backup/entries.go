package backup

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"inplace/manifest"
)

const (
	entriesHeader = "inplace-entries 1"
	// MaxEntriesBytes is the largest list of entries that is read.
	MaxEntriesBytes = 256 << 20
)

// MarshalEntries sorts and renders entries.
func MarshalEntries(entries []Entry) []byte {
	slices.SortStableFunc(entries, order)
	var b bytes.Buffer
	_ = writeEntries(&b, entries) // a buffer takes everything
	return b.Bytes()
}

// writeEntries writes the text of sorted entries line by line, since the whole of it can be
// larger than the entries are.
func writeEntries(w io.Writer, entries []Entry) error {
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.WriteString(entriesHeader + "\n")
	var b []byte
	for i := range entries {
		b = append(entries[i].append(b[:0]), '\n')
		_, _ = out.Write(b) // Flush tells of errors
	}
	_, _ = fmt.Fprintf(out, "end %d\n", len(entries))
	return out.Flush()
}

func (e *Entry) append(b []byte) []byte {
	b = append(b, byte(e.Class), ' ')
	if e.Slot == NoSlot {
		b = append(b, '-')
	} else {
		b = strconv.AppendInt(b, int64(e.Slot), 10)
	}
	b = append(b, ' ')
	b = e.Old.append(b)
	b = append(b, ' ')
	b = e.New.append(b)
	b = append(b, ' ')
	return append(b, manifest.Escape(string(e.Path))...)
}

func (s State) append(b []byte) []byte {
	switch s.Kind {
	case File:
		b = strconv.AppendUint(append(b, 'f', ':'), uint64(s.Mode), 8)
		b = append(appendNumbers(b, int64(s.UID), int64(s.GID), s.MTime, s.Size), ':')
		return hex.AppendEncode(b, s.Digest[:])
	case Dir:
		b = strconv.AppendUint(append(b, 'd', ':'), uint64(s.Mode), 8)
		return appendNumbers(b, int64(s.UID), int64(s.GID), s.MTime)
	case Link:
		b = append(appendNumbers(append(b, 'l'), int64(s.UID), int64(s.GID), s.MTime), ':')
		return append(b, manifest.Escape(s.Target)...)
	case Whole:
		return append(b, 't')
	}
	return append(b, '-')
}

// appendNumbers appends each number behind a colon.
func appendNumbers(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = strconv.AppendInt(append(b, ':'), n, 10)
	}
	return b
}

// ParseEntries reads what MarshalEntries wrote; name is for errors.
func ParseEntries(name string, data []byte) ([]Entry, error) {
	lines := bytes.Count(data, []byte("\n"))
	out := make([]Entry, 0, min(lines, 1<<16)) // more only as lines prove good
	err := eachEntry(name, data, nil, func(e Entry) error {
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// eachEntry passes each entry of data to fn as soon as its line is read; what is wrong
// with a later one is known only then. Lines that want (nil: all) does not want are counted
// and not looked at. An error of fn ends it and is returned.
func eachEntry(name string, data []byte, want func(line []byte) bool, fn func(Entry) error) error {
	if len(data) > MaxEntriesBytes {
		return fmt.Errorf("%s: larger than %d bytes", name, MaxEntriesBytes)
	}
	text, ok := bytes.CutPrefix(data, []byte(entriesHeader+"\n"))
	if !ok {
		first, _, _ := bytes.Cut(data[:min(len(data), 40)], []byte("\n"))
		return fmt.Errorf("%s:1: want %q, got %q", name, entriesHeader, first)
	}
	for n := 2; ; n++ {
		line, rest, ok := bytes.Cut(text, []byte("\n"))
		if !ok {
			return fmt.Errorf("%s:%d: cut short, want a last line \"end COUNT\"", name, n)
		}
		text = rest
		if count, ok := bytes.CutPrefix(line, []byte("end ")); ok {
			if string(count) != strconv.Itoa(n-2) || len(text) > 0 {
				return fmt.Errorf("%s:%d: want \"end %d\" as last line, got %q", name, n, n-2, line)
			}
			return nil
		}
		if want != nil && !want(line) {
			continue
		}
		e, err := parseEntry(string(line))
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// countLines is about how many lines of data want accepts.
func countLines(data []byte, want func(line []byte) bool) (n int) {
	for line := range bytes.Lines(data) {
		if want(line) {
			n++
		}
	}
	return n
}

// isRecord reports whether a line is of the class [Record].
func isRecord(line []byte) bool { return len(line) > 0 && Class(line[0]) == Record }

// isConfig reports whether a line is of the class [Config].
func isConfig(line []byte) bool { return len(line) > 0 && Class(line[0]) == Config }

// takesRoom reports whether a line may be of what takes room beside what a head counts: a copy,
// or what was moved whole. Of a large list hardly any is.
func takesRoom(line []byte) bool {
	if len(line) < 5 || line[2] == '-' {
		return false
	}
	return Class(line[0]) == Config || Class(line[0]) == Data || bytes.Contains(line, []byte(" t "))
}

func parseEntry(line string) (Entry, error) {
	var f [5]string
	if !fields(f[:], line, " ") || len(f[0]) != 1 || !strings.Contains("psmcd", f[0]) {
		return Entry{}, fmt.Errorf("want CLASS SLOT OLD NEW PATH, got %.80q", line)
	}
	e := Entry{Class: Class(f[0][0]), Slot: NoSlot}
	if f[1] != "-" {
		n, err := number(f[1], 10, 1<<31)
		if err != nil {
			return Entry{}, fmt.Errorf("slot: %w", err)
		}
		e.Slot = int(n)
	}
	var err error
	if e.Old, err = parseState(f[2]); err != nil {
		return Entry{}, err
	}
	if e.New, err = parseState(f[3]); err != nil {
		return Entry{}, err
	}
	raw, err := manifest.Unescape(f[4])
	if err != nil {
		return Entry{}, err
	}
	if e.Class == Touched && raw == string(RootPath) {
		e.Path = RootPath
		return e, nil
	}
	e.Path, err = manifest.ParsePath(raw)
	return e, err
}

// fields cuts s at sep into the texts of f, and reports whether they are as many. It
// needs no memory of its own, which for lists of many entries tells.
func fields(f []string, s, sep string) bool {
	for i := range f[:len(f)-1] {
		var ok bool
		if f[i], s, ok = strings.Cut(s, sep); !ok {
			return false
		}
	}
	f[len(f)-1] = s
	return !strings.Contains(s, sep)
}

func number(s string, base int, limit uint64) (int64, error) {
	n, err := strconv.ParseUint(s, base, 63)
	if err != nil || n > limit || strconv.FormatUint(n, base) != s {
		return 0, fmt.Errorf("want a number, got %.40q", s)
	}
	return int64(n), nil
}

func parseState(text string) (State, error) {
	bad := func() (State, error) {
		return State{}, fmt.Errorf("want a state like f:644:0:0:0:0:DIGEST, got %.100q", text)
	}
	if text == "" {
		return bad()
	}
	var few [8]string
	f := few[:0]
	for rest, more := text, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, ":")
		f = append(f, part)
	}
	s := State{Kind: Kind(text[0])}
	var meta []string
	var uid, gid int64
	switch {
	case text == "-" || text == "t":
		return s, nil
	case s.Kind == File && len(f) == 7, s.Kind == Dir && len(f) == 5:
		mode, err := number(f[1], 8, 0o777)
		if err != nil {
			return bad()
		}
		s.Mode, meta = uint32(mode), f[2:5]
	case s.Kind == Link && len(f) >= 5:
		meta = f[1:4]
	default:
		return bad()
	}
	for i, to := range []*int64{&uid, &gid, &s.MTime} {
		n, err := strconv.ParseInt(meta[i], 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != meta[i] {
			return bad()
		}
		*to = n
	}
	if s.UID, s.GID = int(uid), int(gid); int64(s.UID) != uid || int64(s.GID) != gid {
		return bad()
	}
	var err error
	switch s.Kind {
	case File:
		if s.Size, err = number(f[5], 10, 1<<62); err != nil {
			return bad()
		}
		if s.Digest, err = manifest.ParseHex(f[6]); err != nil {
			return State{}, err
		}
	case Link:
		s.Target, err = manifest.Unescape(strings.Join(f[4:], ":"))
	}
	return s, err
}
