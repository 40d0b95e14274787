package cli

import (
	"fmt"
	"strings"

	"inplace/updater"
	"inplace/updater/conflict"
	"inplace/updater/mask"
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
		out.wrapped(6, r.maskText(c.Reason))
		if c.Fault != "" {
			out.wrapped(6, c.Fault)
		}
		r.hunkText(&c)
		for _, side := range []struct{ name, path string }{
			{"yours", c.Where.Ours}, {"shipped before", c.Where.Base}, {"shipped now", c.Where.Theirs}, {"marked", c.Where.Merged},
		} {
			if side.path != "" {
				out.line("      %-15s %s", side.name+":", side.path)
			}
		}
	}
}

// hunkText shows the places that clash. Why c is a conflict the reader knows already.
func (r *run) hunkText(c *updater.ConflictOf) {
	hunks, said := c.Hunks, c.Reason
	_, a, b := c.Texts()
	ours, theirs := r.maskParts(a), r.maskParts(b)
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
			place += ": " + r.maskText(h.Reason)
		}
		if place != r.maskText(said) {
			r.out.wrapped(6, place)
		}
		r.sideText("yours", yellow, mask.Keyed(h.Key, string(h.Ours), ours.Part(h.Ours, h.OursStart)))
		r.sideText("vendor", cyan, mask.Keyed(h.Key, string(h.Theirs), theirs.Part(h.Theirs, h.TheirsStart)))
	}
	if more := len(hunks) - shown; more > 0 {
		r.out.line("      and %s more, -v shows all", count(more, "place"))
	}
}

// sideText shows one side of a hunk, of which the secrets are masked already.
func (r *run) sideText(who string, s style, text string) {
	if len(text) == 0 {
		r.out.line("      %s %s", styled{s, fmt.Sprintf("%-7s", who)}, "(removed)")
		return
	}
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
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

// resolvedText lists the conflicts that were decided before, each with by whom.
func (r *run) resolvedText(list []updater.Resolved) {
	var rows []row
	for _, d := range list {
		name := d.Path.String()
		if d.Key != "" {
			name += ": " + clean(d.Key)
		}
		note := "as you decided it"
		switch {
		case d.Final != "":
			note = "as " + d.Final.String() + " has it"
		case d.Replayed:
			note = fmt.Sprintf("as remembered: %s, %s", d.By, d.At)
		}
		if d.Why != "" {
			note += ": " + r.maskText(d.Why)
		}
		rows = append(rows, row{"*", name, note})
	}
	r.rows("Conflicts that are resolved", green, rows)
}

// workspaceText lists what waits, with what to type next.
func (r *run) workspaceText(v *updater.Workspace) {
	out := r.out
	if v.Open+v.Resolved == 0 {
		r.say("No conflict waits.")
		return
	}
	out.line("%s: conflicts on the way from %s to %s: %d open, %d resolved", styled{bold, v.Product}, v.From.Name(), v.To.Name(), v.Open, v.Resolved)
	for i := range v.Conflicts {
		r.waitingText(&v.Conflicts[i])
	}
	out.gap()
	r.say("%s", r.nextText(v))
}

// nextText says how to go on.
func (r *run) nextText(v *updater.Workspace) string {
	if v.Open == 0 && v.Prepares {
		return "All is decided. To go on preparing: " + r.shell("--continue")
	}
	if v.Open == 0 {
		return "All is decided. To go on: " + r.shell("--continue")
	}
	return fmt.Sprintf("%s to decide; nothing is changed before. Then: %s", count(v.Open, "conflict"), r.shell("--continue"))
}

// waitingText shows one conflict of the workspace.
func (r *run) waitingText(w *updater.Waiting) {
	out := r.out
	out.gap()
	head, name := styled{red, fmt.Sprintf("! %d", w.Number)}, w.Path.String()
	if w.Resolved {
		head = styled{green, fmt.Sprintf("* %d", w.Number)}
	}
	if w.Key != "" {
		name += ": " + clean(w.Key)
	}
	out.line("  %s  %s  (%s)", head, name, conflict.ID(w.ID).Short())
	if w.Resolved {
		out.line("      resolved: %s", w.How)
	} else {
		out.wrapped(6, r.maskText(w.Reason))
		if _, ours, theirs := w.Texts(); ours != nil || theirs != nil {
			for _, side := range []struct {
				who   string
				style style
				text  []byte
			}{{"yours", yellow, ours}, {"vendor", cyan, theirs}} {
				r.sideText(side.who, side.style, mask.Keyed(w.Key, string(side.text), r.maskText(string(side.text))))
			}
		}
	}
	if w.Fault != "" {
		out.wrapped(6, w.Fault)
	}
	if w.Resolved {
		return
	}
	sides := "ours|theirs|FILE"
	if w.Where.Merged != "" {
		at := w.Where.Merged
		if w.Line > 0 {
			at += fmt.Sprintf(":%d", w.Line)
		}
		out.line("      marked:  %s", at)
		sides = "ours|theirs|both|FILE"
	}
	out.line("      decide:  %s %s", r.shell("resolve", string(w.Path), "--conflict", fmt.Sprint(w.Number), "--take"), sides)
}

// rememberedText lists resolutions.
func (r *run) rememberedText(v *updater.Resolutions) {
	var rows []row
	for _, m := range v.List {
		name := m.Path.String()
		if m.Key != "" {
			name += ": " + clean(m.Key)
		}
		what := m.Take
		if what == "" {
			what = count(m.Bytes, "byte")
		}
		note := fmt.Sprintf("%s, %s, by %s, %s", m.ID[:min(len(m.ID), 8)], what, m.By, when(m.At))
		if m.Why != "" {
			note += ": " + r.maskText(m.Why)
		}
		rows = append(rows, row{" ", name, note})
	}
	r.rows("Resolutions of "+v.Product, plain, rows)
	for _, f := range v.Faults {
		r.out.message(styled{yellow, "warning:"}, "not used: "+f)
	}
	r.out.gap()
}

// waitingStatus tells in a status what waits; true if there is something, which comes
// before all else.
func (r *run) waitingStatus(s *updater.Status) bool {
	if s.WorkspaceErr != "" {
		r.out.message(styled{yellow, "warning:"}, s.WorkspaceErr)
		return false
	}
	v := s.Workspace
	if v == nil {
		return false
	}
	var rows []row
	for _, w := range v.Conflicts {
		mark, note := "!", "open"
		if w.Resolved {
			mark, note = "*", "resolved: "+w.How
		}
		if w.Key != "" {
			note = clean(w.Key) + ", " + note
		}
		rows = append(rows, row{mark, w.Path.String(), note})
	}
	r.rows(fmt.Sprintf("Conflicts that wait: %d open, %d resolved", v.Open, v.Resolved), red, rows)
	r.out.gap()
	next := r.shell("--continue")
	switch {
	case v.Open > 0:
		next = r.shell("resolve")
	case s.Prepared != nil:
		next = r.shell()
	}
	r.out.line("Next: %s", next)
	return true
}
