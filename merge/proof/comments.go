package proof

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
)

// compareComments returns an error if a comment line that ours has and base has not
// is gone from merged. Comments are known by their text, not by their place.
func compareComments(format string, prefixes []string, base, ours, merged []byte) error {
	lines := func(data []byte) map[string]int { return commentLines(data, prefixes) }
	if format == "xml" {
		lines = xmlCommentLines
	}
	b, o, m := lines(base), lines(ours), lines(merged)
	for text, n := range o {
		if n > b[text] && m[text] == 0 {
			return errors.New("a comment of ours is gone from the merged text")
		}
	}
	return nil
}

// commentLines counts the lines that begin with a prefix, without their blanks.
func commentLines(data []byte, prefixes []string) map[string]int {
	count := map[string]int{}
	for l := range strings.Lines(string(data)) {
		l = strings.TrimSpace(l)
		for _, p := range prefixes {
			if strings.HasPrefix(l, p) {
				count[l]++
				break
			}
		}
	}
	return count
}

// xmlCommentLines counts the lines within XML comments, up to where the text stops
// being XML.
func xmlCommentLines(data []byte) map[string]int {
	count := map[string]int{}
	d, err := newXMLDecoder(data)
	if err != nil {
		return count
	}
	for {
		t, err := d.RawToken()
		if err != nil {
			return count
		}
		if c, ok := t.(xml.Comment); ok {
			for l := range bytes.Lines(c) {
				if l = bytes.TrimSpace(l); len(l) > 0 {
					count[string(l)]++
				}
			}
		}
	}
}
