package updater

import (
	"fmt"
	"strings"
	"time"

	"inplace/manifest"
)

// maxSummaryRows is how many paths of a list the Markdown has; the JSON has all.
const maxSummaryRows = 500

// summaryList is a list of a summary.
type summaryList struct {
	action Action
	title  string
	paths  *[]SummaryPath
}

func (s *Summary) lists() []summaryList {
	return []summaryList{
		{Add, "Added", &s.Added}, {Replace, "Replaced", &s.Replaced}, {Merge, "Merged with your edits", &s.Merged},
		{Mode, "Permissions changed", &s.Modes}, {Remove, "Removed", &s.Removed}, {Clear, "Cleared, as the product makes them anew", &s.Cleared},
		{Keep, "Kept as they are", &s.Kept}, {Deleted, "Deleted here, and stay deleted", &s.Deleted},
	}
}

func (s *Summary) listOf(a Action) *[]SummaryPath {
	for _, l := range s.lists() {
		if l.action == a {
			return l.paths
		}
	}
	return nil
}

// takenBack reports whether the run has left everything as it was.
func (s *Summary) takenBack() bool {
	return strings.HasSuffix(s.Result, "rolled back") || strings.HasPrefix(s.Result, "undone")
}

// Markdown is the summary for people, each list cut after rows paths. escape makes a text
// that comes from elsewhere harmless where it will be shown.
func (s *Summary) Markdown(rows int, escape func(string) string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	field := func(label, text string) {
		if text != "" {
			line("- %s: %s", label, escape(text))
		}
	}
	switch {
	case s.From.Level == s.To.Level:
		line("# %s: %s at %s", escape(s.Product), s.Action, escape(s.To.Name()))
	default:
		line("# %s: %s from %s to %s", escape(s.Product), s.Action, escape(s.From.Name()), escape(s.To.Name()))
	}
	line("")
	field("result", s.Result)
	field("reason", s.Reason)
	if s.takenBack() {
		line("- all of it was taken back: what follows is what the run would have left")
	}
	field("when", s.Time.UTC().Format("2006-01-02 15:04 UTC"))
	field("by", s.By+", inplace "+s.Engine)
	field("channel", s.To.Channel)
	if s.WindowMS > 0 {
		field("window", (time.Duration(s.WindowMS) * time.Millisecond).String())
	}
	field("expired metadata was accepted", s.Stale)
	field("run", s.ID)
	field("complete copy", s.fullBackup())
	field("second copy of the snapshot", s.Second)
	switch {
	case s.Back != "":
		line("- to go back: `%s`", s.Back)
	case s.Snapshot != "":
		line("- to go back: not by this snapshot, which is not kept any more")
	}
	field("not complete", s.Partial)
	s.release(line, escape)
	for _, l := range s.lists() {
		s.pathList(line, l, rows, escape)
	}
	if len(s.Found) > 0 {
		line("\n## Changed by someone else in the meantime, moved aside (%d)\n", len(s.Found))
		for _, f := range s.Found {
			line("- `%s`", f.Path)
		}
	}
	if len(s.Warnings) > 0 {
		line("\n## Warnings (%d)\n", len(s.Warnings))
		for _, w := range s.Warnings {
			line("- %s", escape(oneLine(w)))
		}
	}
	return b.String()
}

func (s *Summary) fullBackup() string {
	if s.FullBackup == nil {
		return ""
	}
	return manifest.Path(s.FullBackup.Dir).String()
}

// release says what the release brings and asks for.
func (s *Summary) release(line func(string, ...any), escape func(string) string) {
	if s.Irreversible != nil {
		line("\n**One-way:** cannot be left again after %s: %s", s.Irreversible.After, escape(s.Irreversible.Reason))
	}
	if len(s.Instructions) > 0 {
		line("\n## To be done by hand\n")
		for _, i := range s.Instructions {
			line("Level %d:\n", i.Level)
			for l := range strings.SplitSeq(strings.TrimRight(i.Text, "\n"), "\n") {
				line("> %s", escape(l))
			}
		}
	}
	if len(s.Fixes) > 0 {
		line("\n## Fixes (%d)\n", len(s.Fixes))
		for _, f := range s.Fixes {
			line("- %s %s: %s", escape(strings.TrimSpace(f.Severity+" "+f.Kind)), escape(f.ID), escape(oneLine(f.Summary)))
		}
	}
}

func (s *Summary) pathList(line func(string, ...any), l summaryList, rows int, escape func(string) string) {
	list := *l.paths
	if len(list) == 0 {
		return
	}
	line("\n## %s (%d)\n", l.title, len(list))
	for _, p := range list[:min(len(list), rows)] {
		var notes []string
		if p.From != "" {
			notes = append(notes, "was `"+p.From.String()+"`")
		}
		if l.action != Add && l.action != Replace && l.action != Remove && p.Reason != "" {
			notes = append(notes, escape(oneLine(p.Reason)))
		}
		for _, n := range p.Notes {
			notes = append(notes, escape(oneLine(n)))
		}
		line("%s", strings.TrimRight(fmt.Sprintf("- `%s` %s", p.Path, strings.Join(notes, "; ")), " "))
	}
	if more := len(list) - rows; more > 0 {
		line("- and %d more, which %s.json lists", more, s.ID)
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// escapeMarkdown makes text plain in Markdown, and harmless to a terminal.
func escapeMarkdown(text string) string {
	return strings.NewReplacer("<", "&lt;", "`", "'", "|", `\|`).Replace(manifest.Path(text).String())
}
