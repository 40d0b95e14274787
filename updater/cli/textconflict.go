package cli

import (
	"bytes"
	"fmt"
	"strings"

	"inplace/merge"
	"inplace/updater"
)

// Without -v so many hunks of a conflict are shown, and lines of each side.
const (
	fewHunks     = 3
	fewHunkLines = 4
)

// conflictText writes each conflict with its reason, where its sides lie once they
// have been written, and the lines that clash.
func (r *run) conflictText(list []updater.ConflictOf) {
	if len(list) == 0 {
		return
	}
	out := r.out
	out.gap()
	out.line("%s (%d)", styled{bold, "Conflicts: both you and the vendor changed these"}, len(list))
	for _, c := range list {
		out.line("  %s", styled{red, "! " + c.Path.String()})
		out.wrapped(6, maskText(c.Reason))
		r.hunkText(c.Hunks, c.Reason)
		for _, side := range []struct{ name, path string }{
			{"yours", c.Where.Ours}, {"shipped before", c.Where.Base}, {"shipped now", c.Where.Theirs}, {"marked", c.Where.Merged},
		} {
			if side.path != "" {
				out.line("      %-15s %s", side.name+":", side.path)
			}
		}
	}
}

// hunkText shows the places that clash; said is what the reader knows already.
func (r *run) hunkText(hunks []merge.Conflict, said string) {
	shown := len(hunks)
	if !r.verbose && shown > fewHunks {
		shown = fewHunks
	}
	for _, h := range hunks[:shown] {
		place := fmt.Sprintf("line %d", h.OursStart+1)
		if h.Key != "" {
			place = clean(h.Key)
		}
		if h.Reason != "" {
			place += ": " + maskText(h.Reason)
		}
		if place != maskText(said) {
			r.out.wrapped(6, place)
		}
		r.sideText("yours", yellow, h.Ours)
		r.sideText("vendor", cyan, h.Theirs)
	}
	if more := len(hunks) - shown; more > 0 {
		r.out.line("      and %s more, -v shows all", count(more, "place"))
	}
}

// sideText shows one side of a hunk, its secrets masked.
func (r *run) sideText(who string, s style, text []byte) {
	if len(text) == 0 {
		r.out.line("      %s %s", styled{s, fmt.Sprintf("%-7s", who)}, "(removed)")
		return
	}
	lines := strings.Split(maskText(string(bytes.TrimRight(text, "\r\n"))), "\n")
	shown := len(lines)
	if !r.verbose && shown > fewHunkLines {
		shown = fewHunkLines
	}
	for _, l := range lines[:shown] {
		r.out.line("      %s %s", styled{s, fmt.Sprintf("%-7s", who)}, strings.TrimSuffix(l, "\r"))
	}
	if more := len(lines) - shown; more > 0 {
		r.out.line("      %s and %s more", styled{s, fmt.Sprintf("%-7s", who)}, count(more, "line"))
	}
}
