package env

import (
	"bytes"
	"regexp"
	"sync"

	"inplace/merge"
	"inplace/merge/tree"
)

// Structure merges env files by key; a text with anything but assignments it merges as
// Script does.
func Structure() merge.Structure {
	byKey := tree.Structure(Format())
	return func(base, ours, theirs []byte, lines merge.Result, opt merge.Options) (merge.Result, bool) {
		if r, ok := byKey(base, ours, theirs, lines, opt); ok {
			return r, true
		}
		return Script()(base, ours, theirs, lines, opt)
	}
}

// indented finds a line that does not begin at its first byte: it may belong to a block.
var indented = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^[ \t]+\S`) })

// Script merges shell scripts: by lines, but where both sides changed one place and it is
// nothing but assignments that begin a line, and comments, these are merged by name.
// Whether the order of statements matters is not known, so anything else that both
// sides changed is a conflict.
func Script() merge.Structure {
	byKey := tree.Structure(Format())
	return func(base, ours, theirs []byte, lines merge.Result, opt merge.Options) (merge.Result, bool) {
		if lines.Clean() {
			return merge.Result{}, false
		}
		var notes []merge.Note
		r := merge.Refine(base, ours, theirs, opt, func(c merge.Conflict) ([]byte, bool) {
			for _, text := range [][]byte{c.Base, c.Ours, c.Theirs} {
				if indented().Match(text) || bytes.HasSuffix(text, []byte("\r")) { // a lone CR would become part of a line end
					return nil, false
				}
			}
			unclean := merge.Result{Conflicts: []merge.Conflict{c}}
			part, ok := byKey(c.Base, c.Ours, c.Theirs, unclean, opt)
			if !ok || !part.Clean() {
				return nil, false
			}
			notes = append(notes, part.Notes...)
			return part.Merged, true
		})
		r.Notes = append(r.Notes, notes...)
		if r.Clean() {
			r.Format, r.Method = "sh", merge.MethodStructure
		}
		return r, true
	}
}
