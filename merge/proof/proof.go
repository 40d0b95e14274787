// Package proof is the independent check of a clean merge. It shares no code with
// the mergers and reads each format with readers of its own: encoding/xml, yaml.v3,
// hujson with encoding/json, go-toml, and small readers for properties, ini, env,
// nginx and directive files. It looks at what the texts mean, never at how they were merged.
//
// A text becomes a tree of keys (tree.go); siblings are told apart by key, by an
// identifying attribute or by a name-like child, never by position. The trees of
// the three inputs then say what a merge must hold (compare.go):
//   - the merged text parses if ours and theirs do;
//   - no key stands more often than in any input;
//   - a key that one side changed has that side's value, one that nobody changed is
//     as it was, one that both changed differently proves a conflict;
//   - no comment that the operator wrote is gone (comments.go);
//   - no line that neither side changed is gone (lines.go), in any format.
//
// Order of keys, and of list items, is not judged.
//
// The readers take hostile input: sizes and depth are limited, and past a limit the
// merge is not proven.
package proof

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
)

// Limits past which nothing is proven.
const (
	maxBytes   = 16 << 20 // of one text
	maxDepth   = 500      // of nested keys
	maxOpeners = 100_000  // of [ and { in one text whose reader descends without a limit
	maxDots    = 10_000   // in one line, for the same reason
)

// errLimit is in every error about a text that is past a limit.
var errLimit = errors.New("past the limits of the proof")

// A reader turns a text of its format into a tree. An error other than errLimit
// means that the text is not of the format.
type reader func(data []byte) (*node, error)

// readerOf returns the reader of a format, nil if there is none, and the prefixes of
// its comment lines.
func readerOf(format string) (reader, []string) {
	switch format {
	case "properties":
		return readProperties, []string{"#", "!"}
	case "ini":
		return readINI, []string{"#", ";"}
	case "env":
		return readEnvOrScript, []string{"#"}
	case "directive":
		return readDirectives, []string{"#"}
	case "sh":
		return readScript, []string{"#"}
	case "nginx":
		return readNginx, []string{"#"}
	case "xml":
		return readXML, nil
	case "yaml":
		return readYAML, []string{"#"}
	case "json":
		return readJSON, []string{"//", "/*", "*"}
	case "jsonc":
		return readJSONC, []string{"//", "/*", "*"}
	case "toml":
		return readTOML, []string{"#"}
	}
	return nil, nil
}

// Check returns nil if merged is a sound merge of base, ours and theirs in the
// format, as far as can be said: where the format is unknown, or ours or theirs does
// not parse in it, only lines are counted. Otherwise the error names each fault by its key, without values:
// these may be secrets. A base that does not parse leaves only the checks that need
// no base.
func Check(format string, base, ours, theirs, merged []byte) error {
	if hasMarkers(merged) && !hasMarkers(base) && !hasMarkers(ours) && !hasMarkers(theirs) {
		return errors.New("conflict markers are left in the merged text")
	}
	read, commentPrefixes := readerOf(format)
	if read == nil {
		return compareLines(base, ours, theirs, merged)
	}
	var trees [4]*node
	var errs [4]error
	var lost, lostComment error
	var work sync.WaitGroup
	for i, data := range [4][]byte{base, ours, theirs, merged} {
		work.Go(func() { trees[i], errs[i] = parse(read, data) })
	}
	work.Go(func() { lost = compareLines(base, ours, theirs, merged) })
	work.Go(func() { lostComment = compareComments(format, commentPrefixes, base, ours, merged) })
	work.Wait()
	for i, name := range []string{"base", "ours", "theirs"} {
		switch {
		case errors.Is(errs[i], errLimit):
			return fmt.Errorf("%s: %w", name, errs[i])
		case errs[i] != nil && i > 0:
			return lost
		}
	}
	if errs[3] != nil {
		return fmt.Errorf("merged: not %s though ours and theirs are: %w", format, errs[3])
	}
	if format == "xml" {
		lost = errors.Join(lost, compareEncodings(ours, theirs, merged))
	}
	return errors.Join(compare(trees[0], trees[1], trees[2], trees[3]), lostComment, lost)
}

// parse reads one text. A panic of a library is an error of the text.
func parse(read reader, data []byte) (tree *node, err error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%w: want at most %d bytes, got %d", errLimit, maxBytes, len(data))
	}
	defer func() {
		if p := recover(); p != nil {
			tree, err = nil, fmt.Errorf("reader gave up: %v", p)
		}
	}()
	tree, err = read(unmarked(data))
	if err != nil {
		return nil, err
	}
	return tree, tree.checkDepth(0)
}

// unmarked returns a text without its byte order mark.
func unmarked(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\uFEFF")) }

// checkNesting refuses a text that could nest deeper than its reader can take.
func checkNesting(data []byte) error {
	if n := bytes.Count(data, []byte("[")) + bytes.Count(data, []byte("{")); n > maxOpeners {
		return fmt.Errorf("%w: want at most %d brackets, got %d", errLimit, maxOpeners, n)
	}
	return nil
}

// hasMarkers tells whether a line begins as a conflict marker.
func hasMarkers(data []byte) bool {
	for _, char := range []string{"<", "|", ">"} {
		marker := bytes.Repeat([]byte(char), 7)
		if bytes.HasPrefix(data, marker) || bytes.Contains(data, append([]byte("\n"), marker...)) {
			return true
		}
	}
	return false
}
