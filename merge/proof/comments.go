package proof

import (
	"bytes"
	"encoding/xml"
	"errors"
)

// compareComments returns an error if a comment line that ours has and base has not
// is gone from merged. Comments are known by their text, not by their place.
func compareComments(format string, prefixes []string, base, ours, merged []byte) error {
	each := func(data []byte, found func(line []byte)) { eachCommentLine(data, prefixes, found) }
	if format == "xml" {
		each = eachXMLCommentLine
	}
	number := map[string]int{} // of each different comment line of ours
	var counts [][3]int
	each(ours, func(line []byte) {
		n, known := number[string(line)]
		if !known {
			n = len(counts)
			number[string(line)] = n
			counts = append(counts, [3]int{})
		}
		counts[n][0]++
	})
	for i, data := range [][]byte{base, merged} {
		each(data, func(line []byte) {
			if n, known := number[string(line)]; known {
				counts[n][1+i]++
			}
		})
	}
	for _, c := range counts {
		if c[0] > c[1] && c[2] == 0 {
			return errors.New("a comment of ours is gone from the merged text")
		}
	}
	return nil
}

// eachCommentLine finds the lines that begin with a prefix, without their blanks.
func eachCommentLine(data []byte, prefixes []string, found func(line []byte)) {
	for l := range bytes.Lines(unmarked(data)) {
		l = bytes.TrimSpace(l)
		for _, p := range prefixes {
			if bytes.HasPrefix(l, []byte(p)) {
				found(l)
				break
			}
		}
	}
}

// eachXMLCommentLine finds the lines within XML comments, up to where the text stops
// being XML.
func eachXMLCommentLine(data []byte, found func(line []byte)) {
	d, err := newXMLDecoder(unmarked(data))
	if err != nil {
		return
	}
	for {
		t, err := d.RawToken()
		if err != nil {
			return
		}
		if c, ok := t.(xml.Comment); ok {
			for l := range bytes.Lines(c) {
				if l = bytes.TrimSpace(l); len(l) > 0 {
					found(l)
				}
			}
		}
	}
}
