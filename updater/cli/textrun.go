package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"inplace/backup"
	"inplace/manifest"
	"inplace/updater"
	"inplace/updater/running"
)

// outcomeText tells what an update or revert did.
func (r *run) outcomeText(o *updater.Outcome) {
	out, p := r.out, o.Plan
	r.recoveryText(o.Recovery)
	r.planHead(p)
	r.keptTogether(p)
	r.resolvedText(p.Resolved)
	r.releaseAfter(p)
	r.foundText(o.Found)
	for _, w := range append(p.Warnings[:len(p.Warnings):len(p.Warnings)], o.Warnings...) {
		out.message(styled{yellow, "warning:"}, w)
	}
	out.gap()
	if o.Second != "" {
		out.wrapped(0, "A second copy of the snapshot, compared with it, is in "+place(o.Second).String()+".")
	}
	if o.Copy != nil {
		out.wrapped(0, fmt.Sprintf("A complete copy of what was there before, compared with it: %s (%s, %s).", place(o.Copy.Dir), count(o.Copy.Files, "file"), size(o.Copy.Bytes)))
		for _, p := range o.Copy.Skipped {
			out.message(styled{yellow, "warning:"}, place(p).String()+": is a pipe, a socket or a device, and not in the copy")
		}
	}
	within := "Files were exchanged within"
	if o.Service != nil && o.Service.Stopped {
		within = "The product stood still for"
	}
	r.serviceText(o)
	out.wrapped(0, fmt.Sprintf("%s %s %s; what was there before is snapshot %s.", summary(p), within, window(o.Window), o.Snapshot))
	if o.Summary != "" {
		out.wrapped(0, "All of it is in "+o.Summary+".")
	}
}

// keptTogether lists what an operator wants to look at after a run; -v all of it.
func (r *run) keptTogether(p *updater.Plan) {
	if r.verbose {
		r.mergeText(p)
		for _, g := range planGroups() {
			r.group(g, p.Steps)
		}
		return
	}
	var merged []row
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Action == updater.Merge {
			merged = append(merged, row{"*", s.Path.String(), ""})
		}
	}
	r.rows("Merged into your edited files", yellow, merged)
	for _, g := range planGroups() {
		if g.action == updater.Clear || g.action == updater.Keep || g.action == updater.Deleted {
			r.group(g, p.Steps)
		}
	}
}

// releaseAfter repeats what is left to be done by hand.
func (r *run) releaseAfter(p *updater.Plan) {
	after := *p
	if !r.verbose {
		after.Fixes = nil
	}
	r.releaseText(&after)
}

func (r *run) recoveryText(v *updater.Recovery) {
	if v == nil {
		return
	}
	what := "An interrupted " + v.Action + " from level " + fmt.Sprint(v.From.Level) + " to level " + fmt.Sprint(v.To.Level) + " was found and "
	if v.Result == "undone" {
		what += "taken back."
	} else {
		what += "finished."
	}
	if s := v.Service; s != nil && s.Started {
		what += " The product, which it had stopped, was started again."
	} else if s != nil {
		what += " The product, which it had stopped, was not started."
	}
	r.out.wrapped(0, what)
	r.foundText(v.Found)
	r.out.gap()
}

// runningText lists the processes that use the installation.
func (r *run) runningText(report *running.Report) {
	var rows []row
	for _, p := range report.Processes {
		rows = append(rows, row{"!", p.String(), ""})
	}
	r.rows("The product is running", red, rows)
	if blind := report.Blind(); blind != "" {
		r.out.wrapped(0, blind)
	}
}

// foundText names what lay at a path and was neither old nor new.
func (r *run) foundText(list []backup.Found) {
	var rows []row
	for _, f := range list {
		note := "left where it is"
		if f.Kept != "" {
			note = "now " + manifest.Path(f.Kept).String()
		}
		rows = append(rows, row{"?", f.Path.String(), note})
	}
	r.rows("Changed by someone else in the meantime, moved aside", yellow, rows)
}

// exchanged says how long files were being exchanged, or the product stood still, and what was
// expected, if that is known.
func exchanged(h *updater.HistoryEntry) string {
	if h.WindowMS <= 0 {
		return ""
	}
	text := ", files exchanged within "
	if h.Stopped {
		text = ", the product stood still for "
	}
	text += window(time.Duration(h.WindowMS) * time.Millisecond)
	if h.Forecast > 0 {
		text += " (" + about(h.Forecast) + " expected)"
	}
	return text
}

// editCounts says in one line how the files compare with what was shipped.
func editCounts(v *updater.Verification) string {
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{
		{v.Edited, "edited"}, {v.Missing, "missing"}, {v.Extra, "not of the release"}, {v.Mode, "with another mode"},
		{v.Kind, "of another kind"}, {v.Owner, "with another owner"}, {v.Unreadable, "unreadable"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if len(parts) == 0 {
		return "all as shipped"
	}
	text := strings.Join(parts, ", ")
	if v.Config > 0 {
		text += fmt.Sprintf("; configuration among them: %d", v.Config)
	}
	return text
}

// statusText says what is installed and where one can go from there.
func (r *run) statusText(s *updater.Status) {
	out := r.out
	r.recoveryText(s.Recovery)
	if s.Product != "" { // else nothing could be read of it: it was interrupted
		out.message(styled{bold, s.Product}, fmt.Sprintf("%s, level %d, channel %s", s.Installed.Version, s.Installed.Level, s.Installed.Channel))
	}
	out.field("home", place(s.Home).String())
	out.field("source", s.Source)
	if s.Service != nil {
		out.field("service", serviceLine(s.Service))
	}
	if s.Channel != "" && s.Channel != s.Installed.Channel {
		out.line("  channel  %s, from now on", s.Channel)
	}
	asOf := ""
	if !s.Seen.IsZero() {
		asOf = ", as far as was known on " + when(s.Seen)
	}
	switch {
	case s.Newest == nil && s.NewestErr != "":
		out.field("newest", "not known: "+s.NewestErr)
	case s.Newest == nil:
	case s.Newest.Level == s.Installed.Level:
		out.line("  newest   level %d: this one%s", s.Newest.Level, asOf)
	default:
		out.line("  newest   %s%s", styled{green, s.Newest.Name()}, asOf)
	}
	if s.Newest != nil && s.NewestErr != "" {
		out.field("", "the source could not be asked: "+s.NewestErr)
	}
	switch {
	case s.EditsErr != "":
		out.field("files", "not compared: "+s.EditsErr)
	case s.Edits != nil:
		out.field("files", editCounts(s.Edits))
	}
	for _, a := range s.Away {
		out.message(styled{yellow, "warning:"}, "cannot be followed: "+a)
	}
	if s.Withdrawn != "" {
		out.message(styled{yellow, "warning:"}, "the vendor has withdrawn this level: "+s.Withdrawn)
	}
	r.snapshotText(s.Snapshots)
	r.preparedStatus(s.Prepared)
	if r.waitingStatus(s) {
		return
	}
	if s.Newest != nil && s.Newest.Level > s.Installed.Level {
		out.gap()
		out.sentence("Next: "+r.shell("--dry-run"), r.name)
	}
}

func (r *run) snapshotText(list []updater.SnapshotInfo) {
	var rows []row
	var bytes int64
	for _, s := range list {
		bytes += s.DiskBytes
		note := size(s.DiskBytes)
		if s.Action != "" {
			note = fmt.Sprintf("%s, %s from level %d to %d, %s, %s", when(s.Created), s.Action, s.From, s.To, count(s.Paths, "path"), note)
		}
		if s.Current {
			note += ", the one that --revert takes back"
		}
		if s.Damaged != "" {
			note += ", DAMAGED: " + s.Damaged
		}
		rows = append(rows, row{" ", s.ID, note})
	}
	title := "Snapshots"
	if len(list) > 0 {
		title += ", " + size(bytes) + " on disk"
	}
	r.rows(title, plain, rows)
}

// historyText lists the past, a line for each run.
func (r *run) historyText(list []updater.HistoryEntry) {
	for _, h := range list {
		what := fmt.Sprintf("%s %d -> %d", h.Action, h.From, h.To)
		if h.Action == "adopt" || h.From == h.To {
			what = fmt.Sprintf("%s %d", h.Action, h.To)
		}
		s := plain
		if h.Result != "done" {
			s = yellow
		}
		text := fmt.Sprintf("%s  %-16s  %-8s  %s", when(h.Time), what, h.Version, h.By)
		if h.Changed > 0 {
			text += ", " + count(h.Changed, "path")
		}
		if r.out.tty && utf8.RuneCountInString(text+h.Result)+2 > r.out.width {
			r.out.line("%s  %s", when(h.Time), what)
			r.out.wrapped(2, strings.TrimSpace(strings.TrimPrefix(text, fmt.Sprintf("%s  %-16s", when(h.Time), what)))+", "+h.Result)
		} else {
			r.out.line("%s  %s", text, styled{s, h.Result})
		}
		if h.Reason != "" {
			r.out.wrapped(18, h.Reason)
		}
		if h.Snapshot != "" {
			r.aside(fmt.Sprintf("snapshot %s%s", h.Snapshot, exchanged(&h)))
		} else if h.Run != "" {
			r.aside("run " + h.Run)
		}
	}
}

// aside writes what belongs to the line above.
func (r *run) aside(text string) {
	const indent = 18
	if !r.out.tty || indent+len(text) <= r.out.width {
		r.out.line("%s%s", strings.Repeat(" ", indent), text)
		return
	}
	r.out.wrapped(4, text)
}
