package cli

import (
	"fmt"
	"strings"

	"inplace/manifest"
	"inplace/updater"
)

// fewRows is how many lines of a list are shown without -v.
const fewRows = 5

// fewDiffLines is how many lines of one difference are shown without -v.
const fewDiffLines = 60

// planText writes a plan for people: what happens to the files, what stands in the
// way, what the release brings, and how much of everything.
func (r *run) planText(p *updater.Plan) {
	out := r.out
	r.planHead(p)
	r.oneWayText(p)
	r.mergeText(p)
	for _, g := range planGroups() {
		r.group(g, p.Steps)
	}
	r.resolvedText(p.Resolved)
	r.conflictText(p.Conflicts)
	r.releaseText(p)
	r.servicePlanText(p)
	r.spaceText(p)
	r.windowText(p)
	r.findingText(p)
	for _, w := range p.Warnings {
		out.message(styled{yellow, "warning:"}, w)
	}
	out.gap()
	out.wrapped(0, summary(p))
}

// planHead says from where to where.
func (r *run) planHead(p *updater.Plan) {
	if p.Action == updater.ActionFix {
		r.out.message(styled{bold, p.Product + ":"}, "put back as "+p.To.Name()+" shipped it")
		return
	}
	verb := map[string]string{"update": "update", "downgrade": "downgrade", "revert": "revert"}[p.Action]
	if verb == "" {
		verb = p.Action
	}
	r.out.message(styled{bold, p.Product + ":"}, verb+" from "+p.From.Name()+" to "+p.To.Name())
	if len(p.Way) > 1 {
		r.out.line("over %s, in one step", count(len(p.Way), "snapshot"))
	}
	if p.From.Channel != p.To.Channel {
		r.out.line("channel: from %s to %s", p.From.Channel, p.To.Channel)
	}
	for _, f := range p.Follow {
		r.out.line("%s is followed to %s", f.Path, manifest.Path(f.Target))
	}
}

// planGroup is a list of the plan.
type planGroup struct {
	action  updater.Action
	title   string
	style   style
	sign    string
	reasons bool // why is worth a word
	detail  bool // shown with -v only
}

func planGroups() []planGroup {
	return []planGroup{
		{action: updater.Add, title: "Added", style: green, sign: "+"},
		{action: updater.Replace, title: "Replaced", style: yellow, sign: "~"},
		{action: updater.Mode, title: "Permissions changed", style: yellow, sign: "~"},
		{action: updater.Remove, title: "Removed", style: red, sign: "-"},
		{action: updater.Clear, title: "Cleared, as the product makes them anew", style: red, sign: "-", reasons: true},
		{action: updater.Keep, title: "Kept as they are", style: plain, sign: "=", reasons: true},
		{action: updater.Deleted, title: "Deleted here, and stay deleted", style: plain, sign: " ", reasons: true},
		{action: updater.Same, title: "There already as shipped", style: dim, sign: "=", detail: true},
	}
}

// row is a line of a list.
type row struct{ mark, path, note string }

func (r *run) group(g planGroup, steps []updater.Step) {
	var rows []row
	for i := range steps {
		s := &steps[i]
		if s.Action == g.action {
			rows = append(rows, row{g.sign, stepPath(s), r.stepNote(g, s)})
		}
	}
	if g.detail && !r.verbose {
		return
	}
	r.rows(g.title, g.style, rows)
}

func stepPath(s *updater.Step) string {
	if s.Count > 0 || s.Result.Kind == manifest.Dir || s.Result.Kind == manifest.Absent && s.Ours.Kind == manifest.Dir {
		return s.Path.String() + "/"
	}
	return s.Path.String()
}

func (r *run) stepNote(g planGroup, s *updater.Step) string {
	var notes []string
	if s.From != "" && s.From != s.Path {
		notes = append(notes, "was "+s.From.String())
	}
	if g.action == updater.Mode {
		notes = append(notes, fmt.Sprintf("%04o to %04o", s.Ours.Mode, s.Result.Mode))
	}
	if s.Count > 0 {
		notes = append(notes, "with "+count(s.Count, "path")+" below")
	}
	if s.Reason != "" && (g.reasons || r.verbose) {
		notes = append(notes, s.Reason)
	}
	for _, n := range s.Notes {
		notes = append(notes, r.noteText(n.Key, n.Text))
	}
	return strings.Join(notes, "; ")
}

func (r *run) noteText(key, text string) string {
	if key == "" {
		return r.maskText(text)
	}
	return clean(key) + ": " + r.maskText(text)
}

// rows writes a list under its title, cut without -v.
func (r *run) rows(title string, s style, rows []row) {
	if len(rows) == 0 {
		return
	}
	r.out.gap()
	r.out.line("%s (%d)", styled{bold, title}, len(rows))
	shown := len(rows)
	if !r.verbose && shown > fewRows+1 {
		shown = fewRows
	}
	for _, w := range rows[:shown] {
		head := styled{s, strings.TrimRight(w.mark+" "+w.path, " ")}
		switch {
		case w.note == "":
			r.out.line("  %s", head)
		case len(w.path)+len(w.note)+8 <= r.out.width:
			r.out.line("  %s  (%s)", head, w.note)
		default:
			r.out.line("  %s", head)
			r.out.wrapped(6, w.note)
		}
	}
	if more := len(rows) - shown; more > 0 {
		r.out.line("  and %d more, -v lists all", more)
	}
}

// mergeText shows what each merge does to the operator's file.
func (r *run) mergeText(p *updater.Plan) {
	n := p.Count()[updater.Merge]
	if n == 0 {
		return
	}
	r.out.gap()
	r.out.message(styled{bold, "Merged:"}, fmt.Sprintf("the vendor's changes go into your edited file (%d)", n))
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Action != updater.Merge {
			continue
		}
		head := "* " + s.Path.String()
		if s.From != "" && s.From != s.Path {
			head += " (was " + s.From.String() + ")"
		}
		r.out.line("  %s", styled{yellow, head})
		for _, note := range s.Notes {
			r.out.wrapped(6, r.noteText(note.Key, note.Text))
		}
		r.diffText(string(r.mergeDiff(s)))
	}
}

// mergeDiff is what a merge does to the operator's file, its secrets masked.
func (r *run) mergeDiff(s *updater.Step) []byte {
	_, ours, result := s.Texts()
	return r.maskDiff(s.Diff(), ours, result)
}

// diffText writes a unified difference, indented and coloured.
func (r *run) diffText(diff string) {
	lines := strings.Split(strings.TrimSuffix(diff, "\n"), "\n")
	if diff == "" {
		return
	}
	shown := len(lines)
	if !r.verbose && shown > fewDiffLines+5 {
		shown = fewDiffLines
	}
	for _, l := range lines[:shown] {
		r.out.line("      %s", styled{diffStyle(l), strings.TrimSuffix(l, "\r")})
	}
	if more := len(lines) - shown; more > 0 {
		r.out.line("      and %d more lines, -v shows all", more)
	}
}

// releaseText tells what the release brings, the worst first, and what it asks for.
func (r *run) releaseText(p *updater.Plan) {
	out := r.out
	if len(p.Fixes) > 0 {
		out.gap()
		out.line("%s (%d)", styled{bold, "Fixed by this"}, len(p.Fixes))
		for _, f := range p.Fixes {
			s := plain
			switch f.Severity {
			case "critical", "high":
				s = red
			case "medium":
				s = yellow
			}
			kind := strings.TrimSpace(f.Severity + " " + f.Kind)
			out.line("  %s  %s", styled{s, kind}, f.ID)
			out.wrapped(6, f.Summary)
		}
	}
	if len(p.Instructions) > 0 {
		out.gap()
		out.line("%s", styled{bold, "To be done by hand"})
		for _, i := range p.Instructions {
			out.line("  level %d:", i.Level)
			out.wrapped(4, i.Text)
		}
	}
}

func (r *run) spaceText(p *updater.Plan) {
	s := p.Space
	if s.NeededBytes == 0 && s.NeededInodes == 0 {
		return
	}
	r.out.gap()
	needed, free := size(s.NeededBytes), size(s.FreeBytes)
	if s.FreeInodes >= 0 {
		needed += " and " + count64(s.NeededInodes, "inode")
		free += " and " + count64(s.FreeInodes, "inode")
	}
	r.out.wrapped(0, "Space: needs "+needed+"; "+free+" are free")
}

func (r *run) findingText(p *updater.Plan) {
	if len(p.Findings) == 0 {
		return
	}
	r.out.gap()
	r.out.line("%s (%d)", styled{bold, "In the way"}, len(p.Findings))
	for _, f := range p.Findings {
		text := f.Reason
		if f.Path != "" {
			text = manifest.Path(f.Path).String() + ": " + text
		}
		r.out.line("  %s", styled{red, "! " + text})
		if f.Hint != "" {
			r.out.wrapped(6, f.Hint)
		}
	}
}

// summary counts the plan in one sentence.
func summary(p *updater.Plan) string {
	n := p.Count()
	var parts []string
	total := 0
	for _, c := range []struct {
		action updater.Action
		name   string
	}{
		{updater.Add, "added"}, {updater.Replace, "replaced"}, {updater.Merge, "merged"},
		{updater.Mode, "with other permissions"}, {updater.Remove, "removed"}, {updater.Clear, "cleared"},
	} {
		if n[c.action] > 0 {
			total += n[c.action]
			parts = append(parts, fmt.Sprintf("%d %s", n[c.action], c.name))
		}
	}
	text := "No path changes"
	if total > 0 {
		text = "Of " + count(total, "path") + ": " + strings.Join(parts, ", ")
	}
	if n[updater.Keep]+n[updater.Deleted] > 0 {
		text += fmt.Sprintf("; %d kept as they are here", n[updater.Keep]+n[updater.Deleted])
	}
	if len(p.Conflicts) > 0 {
		text += "; " + count(len(p.Conflicts), "conflict")
	}
	return text + "."
}
