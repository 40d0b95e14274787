package report

import (
	"strings"
	"unicode"

	"inplace/manifest"
	"inplace/merge"
	"inplace/updater"
)

// line is a row of two columns. Numbers count from 1; 0 is a column without a line
// here. Who is who changed the row against what was shipped: "", you, vendor, both or
// conflict; Gap stands for rows left out.
type line struct {
	Left, Right       string
	LeftNo, RightNo   int
	LeftOn, RightOn   bool // the side has a line here
	Who               string
	Gap               bool
	LeftNew, RightNew bool // differs from what was shipped
}

// context is how many unchanged lines stand around a change.
const context = 3

// maxRows is the longest table shown of one file.
const maxRows = 5000

func merged(s *updater.Step, opt Options) file {
	f := file{Path: s.Path.String(), Left: "Yours, before", Right: "After the update"}
	if s.From != "" && s.From != s.Path {
		f.From = s.From.String()
	}
	for _, n := range s.Notes {
		f.Notes = append(f.Notes, note{printable(n.Key), printable(n.Text)})
	}
	base, ours, result := s.Texts()
	f.fill(base, ours, result, false, opt)
	return f
}

func conflict(c *updater.ConflictOf, opt Options) file {
	f := file{Path: c.Path.String(), Reason: c.Reason, Left: "Yours", Right: "The vendor's"}
	for _, h := range c.Hunks {
		f.Notes = append(f.Notes, note{printable(h.Key), printable(h.Reason)})
	}
	base, ours, theirs := c.Texts()
	f.fill(base, ours, theirs, true, opt)
	return f
}

// fill lays ours and other side by side, with who changed what against base.
// sides is for a conflict, where other is the vendor's own text; else other is the result,
// that holds the changes of both.
func (f *file) fill(base, ours, other []byte, sides bool, opt Options) {
	if ours == nil || other == nil {
		f.Hidden = "One side has no contents to show."
		return
	}
	if !manifest.IsText(ours) || !manifest.IsText(other) || !manifest.IsText(base) {
		f.Hidden = "Not a text."
		return
	}
	b, o, t := lines(base), lines(ours), lines(other)
	chunks, err := merge.Diff3(b, o, t)
	if err != nil {
		f.Hidden = "The texts differ too much to be shown side by side."
		return
	}
	left, right := masked(o, opt.Mask), masked(t, opt.Mask)
	if left == nil || right == nil {
		f.Hidden = "Hidden, since it could not be told apart from secrets."
		return
	}
	var rows []line
	for _, c := range chunks {
		n := max(c.OursEnd-c.OursStart, c.TheirsEnd-c.TheirsStart)
		for i := range n {
			row := line{Who: who(c, sides), LeftNew: c.Ours, RightNew: c.Theirs}
			if at := c.OursStart + i; at < c.OursEnd {
				row.Left, row.LeftNo, row.LeftOn = printable(left[at]), at+1, true
			}
			if at := c.TheirsStart + i; at < c.TheirsEnd {
				row.Right, row.RightNo, row.RightOn = printable(right[at]), at+1, true
			}
			rows = append(rows, row)
		}
	}
	f.Rows = around(rows)
	if len(f.Rows) > maxRows {
		f.Rows, f.Hidden = f.Rows[:maxRows], "The rest is left out: the file is too long for a page."
	}
}

// who names the one who changed a chunk. In a result that holds both sides' changes,
// a chunk in which it equals ours is the operator's.
func who(c merge.Chunk, sides bool) string {
	switch {
	case c.Conflict && sides:
		return "conflict"
	case c.Conflict:
		return "both"
	case c.Ours && c.Theirs && sides:
		return "both"
	case c.Ours:
		return "you"
	case c.Theirs:
		return "vendor"
	}
	return ""
}

// around keeps the changed rows and some before and after them.
func around(rows []line) []line {
	keep := make([]bool, len(rows))
	for i, r := range rows {
		if r.Who == "" {
			continue
		}
		for j := max(0, i-context); j <= min(len(rows)-1, i+context); j++ {
			keep[j] = true
		}
	}
	var out []line
	for i, r := range rows {
		switch {
		case keep[i]:
			out = append(out, r)
		case i == 0 || keep[i-1]:
			out = append(out, line{Gap: true})
		}
	}
	return out
}

// lines cuts a text into lines without their ends.
func lines(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	s := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	for i := range s {
		s[i] = strings.TrimSuffix(s[i], "\r")
	}
	return s
}

// masked hides secrets; nil if the mask does not keep the lines apart.
func masked(l []string, mask func(string) string) []string {
	if mask == nil || len(l) == 0 {
		return append([]string{}, l...)
	}
	out := strings.Split(mask(strings.Join(l, "\n")), "\n")
	if len(out) != len(l) {
		return nil
	}
	return out
}

// printable shows what a browser would not, by its code.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case r < 0x20:
			return 0x2400 + r // the pictures of the control characters
		case r == 0x7f:
			return 0x2421
		case unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar // what turns or hides the text beside it
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}
