// Package tree merges three texts of one format by their structure. A format package
// parses a text into a tree of nodes that know their byte ranges (node.go, print.go);
// this package matches the nodes of base, ours and theirs by identity, decides each
// key by the three-way rule, and writes the operator's bytes with the vendor's changes
// spliced in. Nothing is printed anew: what neither side changed stays byte for byte.
//
// The three-way rule, for each key:
//   - changed by one side: as that side has it; by both alike: as both have it;
//   - changed by both differently, changed by one and removed by the other, added by
//     both with different values: a conflict;
//   - a key that stands several times on a side cannot be told apart: its entries are
//     compared whole, and it is a conflict where both sides touched the same ones.
//
// Form never conflicts: order of keys, indentation, blank lines, comments, line ends,
// quotes and separators stay as in ours. A comment that only theirs changed is
// taken over, one that both changed stays as in ours and is noted. A commented-out
// setting (a slot) is a comment with an identity. In a List the order has a meaning:
// there it conflicts where both sides changed one place, unless one side's items
// contain the other's in their order.
//
// Order of work (Structure): parse all three; merge; if nothing conflicts and the line
// merge is clean and means the same, its bytes are the result, else the spliced ones.
// A result is no proof: callers pass it to merge/proof.
//
// Everything here is pure and takes time and memory in proportion to the texts, but
// for the comparison of lists, which merge.Diff3 bounds.
package tree

import (
	"bytes"
	"errors"
	"slices"
	"sync"

	"inplace/merge"
)

// MaxDepth is how deep a tree may be; a format refuses to parse a deeper text.
const MaxDepth = 500

// ErrDepth is what a format returns for a text nested deeper than MaxDepth.
var ErrDepth = errors.New("nested too deep to merge by structure")

// A Format is what a format package gives.
type Format struct {
	Name string
	// Parse returns the tree of a text without byte order mark. The root is a Map or
	// List without key whose Full is the whole text. An error means that the text is
	// not of the format, or that its structure is not understood: lines decide then.
	// It never panics and never keeps or changes data.
	Parse func(data []byte) (*Node, error)
	// LineComments: comments end at the end of their line, and containers may be other
	// than Lines, so that what follows a comment must begin a new line.
	LineComments bool
}

// Structure returns the merger of a format, for merge.Options.Structures.
func Structure(f Format) merge.Structure {
	return func(base, ours, theirs []byte, lines merge.Result, opt merge.Options) (merge.Result, bool) {
		docs, ok := loadAll(f, base, ours, theirs)
		if !ok || !oneCharset(docs) {
			return merge.Result{}, false
		}
		m := newMerger(f, docs[0], docs[1], docs[2], opt)
		m.run()
		r := merge.Result{Format: f.Name, Method: merge.MethodStructure, Notes: m.notes}
		if len(m.conflicts) > 0 {
			slices.SortStableFunc(m.conflicts, func(a, b merge.Conflict) int { return a.OursStart - b.OursStart })
			r.Conflicts = m.conflicts
			r.Merged, r.Blocks = m.marked()
			return r, true
		}
		r.Merged = m.spliced()
		merged, err := load(f, r.Merged)
		if err != nil || !oneCharset(append(docs, merged)) {
			return merge.Result{}, false
		}
		if lines.Clean() {
			d, err := merged, error(nil)
			if !bytes.Equal(lines.Merged, r.Merged) {
				d, err = load(f, lines.Merged)
			}
			if err == nil && same(d.root, merged.root) && keepsComments(docs[0], docs[1], d) {
				r.Merged, r.Method = lines.Merged, merge.MethodLines
				r.Notes = append(r.Notes, lines.Notes...)
			}
		}
		return r, true
	}
}

// doc is a parsed text.
type doc struct {
	data    []byte // without byte order mark
	all     string // the same, so that parts of it need no copy
	bom     bool
	root    *Node
	lines   []int          // where lines begin, but for the first
	eol     string         // the line end that most lines have
	atoms   map[string]int // how often each comment stands in it
	newline bool           // it ends with a line end
}

var bom = []byte("\uFEFF")

// loadAll loads texts side by side; ok is false if one is not of the format.
func loadAll(f Format, texts ...[]byte) (docs []*doc, ok bool) {
	docs = make([]*doc, len(texts))
	var loading sync.WaitGroup
	for i, data := range texts {
		loading.Go(func() {
			if d, err := load(f, data); err == nil {
				docs[i] = d
			}
		})
	}
	loading.Wait()
	return docs, !slices.Contains(docs, nil)
}

// load parses one text and checks that the tree covers it.
func load(f Format, data []byte) (*doc, error) {
	rest, marked := bytes.CutPrefix(data, bom)
	root, err := f.Parse(rest)
	if err != nil {
		return nil, err
	}
	if err := Verify(rest, root); err != nil {
		return nil, err
	}
	d := &doc{data: rest, all: string(rest), bom: marked, root: root, eol: "\n", atoms: map[string]int{}}
	if crlf := bytes.Count(rest, []byte("\r\n")); 2*crlf > bytes.Count(rest, []byte("\n")) {
		d.eol = "\r\n"
	}
	d.newline = bytes.HasSuffix(rest, []byte("\n"))
	d.lines = make([]int, 0, bytes.Count(rest, []byte("\n")))
	for i, c := range rest {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	d.countAtoms(root)
	return d, nil
}

func (d *doc) countAtoms(n *Node) {
	for _, list := range [][]Atom{n.Lead, n.Tail} {
		for _, a := range list {
			if a.Text != "" {
				d.atoms[a.Text]++
			}
		}
	}
	for _, r := range []Range{n.Trail, n.Aside} {
		if text := Fold(d.text(r)); text != "" {
			d.atoms[text]++
		}
	}
	for _, k := range n.Kids {
		d.countAtoms(k)
	}
}

// line returns the number of the line that a byte stands in, counted from 0.
func (d *doc) line(at int) int {
	n, _ := slices.BinarySearch(d.lines, at+1)
	return n
}

// lineStart is where the line of a byte begins.
func (d *doc) lineStart(at int) int {
	if n := d.line(at); n > 0 {
		return d.lines[n-1]
	}
	return 0
}

// lineEnd is the end of the line that the byte before at lies in, with its line end.
func (d *doc) lineEnd(at int) int {
	if n := d.line(at - 1); at > 0 && n < len(d.lines) {
		return d.lines[n]
	}
	if at == 0 && len(d.lines) > 0 {
		return d.lines[0]
	}
	return len(d.data)
}

// text returns the bytes of a range.
func (d *doc) text(r Range) string { return d.all[r.Start:r.End] }

// keepsComments tells whether d holds each comment that ours has and base has not.
func keepsComments(base, ours, d *doc) bool {
	for text, n := range ours.atoms {
		if n > base.atoms[text] && d.atoms[text] < n {
			return false
		}
	}
	return true
}
