// Package report writes a plan as one page of HTML, for those who have to approve an
// update and do not sit at the terminal.
//
// The page stands alone: no script, no font, no picture, nothing is loaded from
// anywhere. It reads in a light and in a dark setting and prints. Everything that comes
// from a release or from the installation is escaped by html/template and has no way
// to be more than text; control characters are shown by their code. What looks like a
// secret is masked before it gets here (Options.Mask).
package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"inplace/manifest"
	"inplace/updater"
)

//go:embed page.html
var page string

// Options of HTML.
type Options struct {
	// Mask hides secrets in a text, line by line; nil: nothing is hidden. A result with
	// another number of lines is not shown at all.
	Mask func(text string) string
	// Command is what to type to go ahead, "" for none.
	Command string
	// Size and Count put numbers as the rest of the program does.
	Size  func(bytes int64) string
	Count func(n int, noun string) string
}

// HTML writes the page of p. Errors are those of w.
func HTML(w io.Writer, p *updater.Plan, opt Options) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err // the page is part of the program
	}
	return t.Execute(w, newView(p, opt))
}

// view is what the page shows, all of it text.
type view struct {
	Title, Product, Verb string
	From, To             string
	Channel              string // "" where it stays
	Source, Engine       string
	Created, Expires     string
	Verdict              verdict
	Counts               []counted
	Fixes                []fix
	OneWay               string
	Instructions         []instruction
	Conflicts            []file
	Merged               []file
	Findings             []finding
	Warnings             []string
	Space, Free, Window  string
	Groups               []group
	Command              string
}

// verdict is the page's answer to whether the update can be applied.
type verdict struct{ Class, Text string }

type counted struct {
	N    int
	Name string
}

type fix struct{ Severity, Kind, ID, Summary string }

type instruction struct {
	Level int64
	Text  string
}

type finding struct{ Path, Reason, Hint string }

// file is one file side by side.
type file struct {
	Path, From string
	Reason     string
	Notes      []note
	Left       string // what the columns hold
	Right      string
	Rows       []line
	Hidden     string // why there are no rows
}

type note struct{ Key, Text string }

type group struct {
	Title string
	Open  bool
	Paths []pathLine
}

type pathLine struct{ Path, Note string }

func newView(p *updater.Plan, opt Options) *view {
	v := &view{
		Title:   fmt.Sprintf("%s: %s from %s to %s", p.Product, p.Action, shown(p.From.Name()), shown(p.To.Name())),
		Product: p.Product, Verb: p.Action, From: shown(p.From.Name()), To: shown(p.To.Name()), Source: shown(p.Source), Engine: p.Engine,
		Created: stamp(p.Created), Expires: stamp(p.Expires), Warnings: p.Warnings, Command: opt.Command,
	}
	if p.From.Channel != p.To.Channel {
		v.Channel = p.From.Channel + " → " + p.To.Channel
	}
	v.Verdict = judge(p, opt)
	v.release(p)
	if p.Space.NeededBytes > 0 {
		v.Space, v.Free = opt.Size(p.Space.NeededBytes), opt.Size(p.Space.FreeBytes)
	}
	for _, f := range p.Findings {
		v.Findings = append(v.Findings, finding{manifest.Path(f.Path).String(), f.Reason, f.Hint})
	}
	for i := range p.Conflicts {
		v.Conflicts = append(v.Conflicts, conflict(&p.Conflicts[i], opt))
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Action == updater.Merge {
			v.Merged = append(v.Merged, merged(s, opt))
		}
	}
	v.paths(p)
	return v
}

// judge says in one sentence whether the plan can be applied as it is.
func judge(p *updater.Plan, opt Options) verdict {
	switch {
	case len(p.Conflicts) > 0:
		return verdict{"bad", opt.Count(len(p.Conflicts), "conflict") + " to be decided first. Until then nothing changes."}
	case len(p.Findings) > 0:
		return verdict{"bad", opt.Count(len(p.Findings), "thing") + " in the way. Until then nothing changes."}
	case p.Empty():
		return verdict{"good", "Nothing to do."}
	}
	return verdict{"good", "Can be applied as it is: no conflicts, nothing in the way."}
}

func (v *view) release(p *updater.Plan) {
	for _, f := range p.Fixes {
		v.Fixes = append(v.Fixes, fix{cmp.Or(f.Severity, "other"), f.Kind, shown(f.ID), f.Summary})
	}
	rank := []string{"critical", "high", "medium", "low", "other"}
	slices.SortStableFunc(v.Fixes, func(a, b fix) int { return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity) })
	if p.Irreversible != nil {
		v.OneWay = fmt.Sprintf("Cannot be left again after %s: %s", p.Irreversible.After, p.Irreversible.Reason)
	}
	for _, i := range p.Instructions {
		v.Instructions = append(v.Instructions, instruction{i.Level, strings.TrimSpace(i.Text)})
	}
}

// paths lists every path that the plan names, by what is done to it.
func (v *view) paths(p *updater.Plan) {
	n := p.Count()
	for _, g := range []struct {
		action updater.Action
		title  string
		name   string
	}{
		{updater.Conflict, "Conflicts", "in conflict"}, {updater.Merge, "Merged", "merged"}, {updater.Replace, "Replaced", "replaced"}, {updater.Add, "Added", "added"},
		{updater.Remove, "Removed", "removed"}, {updater.Mode, "Permissions changed", "with other permissions"},
		{updater.Clear, "Cleared, as the product makes them anew", "cleared"}, {updater.Keep, "Kept as they are", "kept"},
		{updater.Deleted, "Deleted here, and stay deleted", "staying deleted"}, {updater.Same, "There already as shipped", "there already"},
	} {
		if n[g.action] == 0 {
			continue
		}
		v.Counts = append(v.Counts, counted{n[g.action], g.name})
		out := group{Title: fmt.Sprintf("%s (%d)", g.title, n[g.action]), Open: n[g.action] <= 20}
		for i := range p.Steps {
			s := &p.Steps[i]
			if s.Action != g.action {
				continue
			}
			l := pathLine{s.Path.String(), s.Reason}
			if s.From != "" && s.From != s.Path {
				l.Note = strings.TrimSuffix("was "+s.From.String()+"; "+l.Note, "; ")
			}
			out.Paths = append(out.Paths, l)
		}
		v.Groups = append(v.Groups, out)
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// shown is a text of somebody else's without what a reader would not see.
func shown(s string) string { return strings.ReplaceAll(manifest.Path(s).String(), `\\`, `\`) }
