package settings

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"inplace/manifest"
)

// FileName is the name of the file within the installation's updates directory; it
// heads the faults of Set and AppendList.
const FileName = "settings.yaml"

// Set returns data with the value of source, channel or launcher changed. Where the
// key is missing, a line is added: below a commented example of it (`#channel: ...`)
// if there is one, else at the end. The errors are the faults of data, those of the
// value, or that the layout cannot be edited.
func Set(data []byte, key, value string) ([]byte, error) {
	before, err := Parse(FileName, data)
	if err != nil {
		return nil, err
	}
	want := *before
	switch key {
	case "source":
		want.Source = value
	case "channel":
		want.Channel = value
	case "launcher":
		want.Launcher = value
	default:
		return nil, fmt.Errorf("%s: want source, channel or launcher to set, got %q", FileName, key)
	}
	if reflect.DeepEqual(*before, want) {
		return data, nil
	}
	text, err := scalar(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", FileName, key, err)
	}
	return proven(setScalar(data, key, text), key, &want)
}

// AppendList returns data with values added at the end of the list absent, follow or
// pins, in the layout the list has; values that are in it already are left out.
// Errors as of Set.
func AppendList(data []byte, key string, values ...string) ([]byte, error) {
	before, err := Parse(FileName, data)
	if err != nil {
		return nil, err
	}
	want := *before
	var items []string
	for _, value := range values {
		added, err := want.add(key, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", FileName, key, err)
		}
		if !added {
			continue
		}
		text, err := quoted(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", FileName, key, err)
		}
		items = append(items, text)
	}
	if len(items) == 0 {
		return data, nil
	}
	return proven(appendItems(data, key, items), key, &want)
}

// add puts a value at the end of a list and says whether it was missing.
func (s *Settings) add(key, value string) (bool, error) {
	switch key {
	case "absent":
		if slices.Contains(s.Absent, value) {
			return false, nil
		}
		s.Absent = append(slices.Clip(s.Absent), value)
	case "follow":
		if slices.Contains(s.Follow, manifest.Path(value)) {
			return false, nil
		}
		s.Follow = append(slices.Clip(s.Follow), manifest.Path(value))
	case "pins":
		pin, err := parsePin(value)
		if err != nil {
			return false, err
		}
		if slices.Contains(s.Pins, pin) {
			return false, nil
		}
		s.Pins = append(slices.Clip(s.Pins), pin)
	default:
		return false, fmt.Errorf("want absent, follow or pins to append to")
	}
	return true, nil
}

// proven parses the edited text and returns it if it says what was asked for and
// nothing else has changed.
func proven(edited []byte, key string, want *Settings) ([]byte, error) {
	if edited != nil {
		got, err := Parse(FileName, edited)
		if err == nil && reflect.DeepEqual(got, want) {
			return edited, nil
		}
		if err != nil && len(want.faults()) > 0 {
			return nil, err // the value itself is at fault
		}
	}
	return nil, fmt.Errorf("%s: %s is laid out in a way that cannot be edited here; change it by hand", FileName, key)
}

// setScalar replaces or adds a top-level scalar, nil where the layout is strange.
func setScalar(data []byte, key, text string) []byte {
	at, found := findKey(data, key)
	if !found {
		return insertLine(data, key, key+": "+text)
	}
	start := valueStart(data, at)
	end := scalarEnd(data, start, false)
	if end < 0 {
		return nil
	}
	if start == end { // nothing there yet
		text = " " + text
	}
	return splice(data, start, end, text)
}

// appendItems adds items to a top-level list, nil where the layout is strange.
func appendItems(data []byte, key string, items []string) []byte {
	at, found := findKey(data, key)
	if !found {
		nl := lineEnd(data)
		return insertLine(data, key, key+":"+nl+"  - "+strings.Join(items, nl+"  - "))
	}
	start := valueStart(data, at)
	switch {
	case start < len(data) && data[start] == '[':
		return appendFlow(data, start, items)
	case start < len(data) && data[start] == '-':
		return appendBlock(data, start, items)
	}
	return nil
}

// appendBlock adds items below the last item of a block list whose first dash is at
// start.
func appendBlock(data []byte, start int, items []string) []byte {
	nl := lineEnd(data)
	indent := string(data[lineStart(data, start):start])
	if strings.Trim(indent, " ") != "" {
		return nil
	}
	end := start // behind the last line that belongs to the list
	for at := lineStart(data, start); at < len(data); {
		next := nextLine(data, at)
		line := bytes.TrimRight(data[at:next], "\r\n")
		body := bytes.TrimLeft(line, " ")
		depth := len(line) - len(body)
		isItem := depth == len(indent) && len(body) > 0 && body[0] == '-'
		switch {
		case len(body) == 0 || body[0] == '#': // belongs to the list only if an item follows
		case isItem || depth > len(indent):
			end = next
		default:
			at = len(data)
			continue
		}
		at = next
	}
	text := ""
	if data[end-1] != '\n' {
		text = nl
	}
	for _, item := range items {
		text += indent + "- " + item + nl
	}
	if data[end-1] != '\n' {
		text = strings.TrimSuffix(text, nl)
	}
	return splice(data, end, end, text)
}

// appendFlow adds items to the list `[...]` that starts at start: in the same line
// where the last item shares its line with another or with a bracket, else in lines
// of their own.
func appendFlow(data []byte, start int, items []string) []byte {
	first, last, lastEnd, comma := -1, -1, -1, -1
	at := start + 1
	for {
		at = skipBlank(data, at)
		if at >= len(data) {
			return nil
		}
		switch c := data[at]; c {
		case ']':
			return insertFlow(data, at, first, last, lastEnd, comma, items)
		case ',':
			comma = at
			at++
		case '[', '{', '}':
			return nil
		default:
			end := scalarEnd(data, at, true)
			if end <= at {
				return nil
			}
			if first < 0 {
				first = at
			}
			last, lastEnd, comma = at, end, -1
			at = end
		}
	}
}

// insertFlow splices items before the closing bracket at close; last and lastEnd
// delimit the last item, comma is where a comma follows it, each -1 if there is none.
func insertFlow(data []byte, close, first, last, lastEnd, comma int, items []string) []byte {
	if last < 0 {
		return splice(data, close, close, strings.Join(items, ", "))
	}
	indent := string(data[lineStart(data, last):last])
	ownLine := strings.Trim(indent, " ") == "" && bytes.IndexByte(data[lastEnd:close], '\n') >= 0
	if !ownLine {
		return splice(data, lastEnd, lastEnd, ", "+strings.Join(items, ", "))
	}
	nl := lineEnd(data)
	behind := lastEnd
	if comma >= 0 {
		behind = comma + 1
	}
	eol := behind + bytes.IndexByte(data[behind:], '\n')
	if eol > lastEnd && data[eol-1] == '\r' {
		eol--
	}
	text := ""
	for i, item := range items {
		text += nl + indent + item
		if comma >= 0 || i < len(items)-1 {
			text += ","
		}
	}
	out := splice(data, eol, eol, text)
	if comma < 0 {
		out = splice(out, lastEnd, lastEnd, ",")
	}
	return out
}

// insertLine adds a line for a key that is missing.
func insertLine(data []byte, key, text string) []byte {
	nl := lineEnd(data)
	for at := 0; at < len(data); at = nextLine(data, at) {
		line := data[at:nextLine(data, at)]
		if rest, ok := bytes.CutPrefix(line, []byte("#")); ok && keyLength(bytes.TrimLeft(rest, " "), key) > 0 {
			if end := at + len(line); data[end-1] == '\n' {
				return splice(data, end, end, text+nl)
			}
		}
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		return splice(data, len(data), len(data), nl+text)
	}
	return splice(data, len(data), len(data), text+nl)
}
