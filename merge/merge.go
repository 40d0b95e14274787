// Package merge merges the content of one file three ways: base as the vendor
// shipped it, ours as it stands in the installation, theirs as the vendor ships
// it now. It is pure: no disk, no clock, no state, the same answer every time.
//
// Promises:
//   - Merge never fails and never panics. What cannot be merged is a conflict, and
//     conflicts are part of the Result.
//   - Merge(b, b, t) is t, Merge(b, o, b) is o, Merge(b, x, x) is x, byte for byte.
//   - Swapping ours and theirs changes neither the verdict nor, where the two
//     agree on their blanks and line ends, the merged lines.
//   - The operator's form stays: line ends and byte order mark are those of ours,
//     also on lines that come from the vendor. A change of line ends or trailing
//     blanks alone never conflicts with a real change of the other side.
//   - Time and memory are bounded by the limits below. Past them the whole file is
//     one conflict, decided by counted work and never by the clock.
//
// Order of work: equal sides; then, where Options.Structures knows the format, its
// merger (package merge/tree), which is given the line merge to compare with; else
// the line merge. Package merge/formats puts all of it together, with the proof.
// The line merge cuts the texts into lines (lines.go), compares base with each
// side (diff.go), puts the two lists of hunks together (diff3.go) and writes lines
// and conflict markers (conflict.go).
//
// A clean line merge is not proof of a right one: callers pass each clean result
// to the package merge/proof before they use it.
package merge

import "bytes"

// Limits past which the whole file is one conflict, unless one side is unchanged.
const (
	MaxBytes = 64 << 20  // of one text
	MaxLines = 1_000_000 // of one text; go-diff can number some 1.1 million different lines
)

// Methods by which a Result was reached.
const (
	MethodEqual     = "equal"     // two of the three texts are the same bytes
	MethodLines     = "lines"     // diff3 over lines
	MethodStructure = "structure" // a merger of Options.Structures
)

// Labels name the three texts on conflict marker lines. Empty: "ours", "base", "theirs".
type Labels struct{ Ours, Base, Theirs string }

// A Structure merges one format by its meaning. It gets the three texts and the
// line merge of the same texts, whose bytes it may take where they mean the
// right thing. ok is false when an input is not of the format: lines decide then.
// It is called only with texts that are within the limits, not binary and without
// conflict markers, and must keep the promises of this package.
type Structure func(base, ours, theirs []byte, lines Result, opt Options) (r Result, ok bool)

// Options of a merge; the zero value merges by lines.
type Options struct {
	Format     string               // name of the format; "" means lines only
	Structures map[string]Structure // mergers by format; one that is missing means lines only
	Path       string               // the file's name, for mergers whose rules depend on it
	Labels     Labels               // texts for conflict markers
	MarkerSize int                  // length of a conflict marker; below 1 means 7
}

// A Note tells of a decision that was made without asking and is worth reporting.
type Note struct {
	Key  string `json:"key,omitempty"` // key path; "" for the whole file
	Text string `json:"text"`
}

// A Result is the outcome of one merge. Merged may share memory with an input.
type Result struct {
	// Merged is the merged text. With conflicts it holds diff3 markers; it is nil
	// when an input is binary, which no marker can be written into.
	Merged    []byte
	Conflicts []Conflict // in file order; empty: clean
	Blocks    []Block    // the places of Merged that are marked, in order; a line may hold several conflicts
	Format    string     // format by which the texts were understood; "lines" for none
	Method    string     // MethodEqual, MethodLines or MethodStructure
	Notes     []Note     // automatic decisions
}

// Clean reports whether the merge left no conflict.
func (r *Result) Clean() bool { return len(r.Conflicts) == 0 }

// Merge merges the changes from base to ours and from base to theirs.
func Merge(base, ours, theirs []byte, opt Options) Result {
	switch {
	case bytes.Equal(ours, theirs), bytes.Equal(base, theirs):
		return equal(ours, opt)
	case bytes.Equal(base, ours):
		return equal(theirs, opt)
	}
	if reason := unfit(base, ours, theirs); reason != "" {
		return WholeFile(base, ours, theirs, reason, opt)
	}
	lines := mergeLines(base, ours, theirs, opt)
	if s := opt.Structures[opt.Format]; s != nil {
		if r, ok := s(base, ours, theirs, lines, opt); ok {
			return r
		}
	}
	return lines
}

func equal(merged []byte, opt Options) Result {
	format := opt.Format
	if format == "" {
		format = formatLines
	}
	return Result{Merged: merged, Format: format, Method: MethodEqual}
}

const formatLines = "lines"
