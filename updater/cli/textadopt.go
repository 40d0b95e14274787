package cli

import (
	"fmt"
	"path/filepath"

	"inplace/manifest"
	"inplace/updater"
)

// adoptedText tells what adopt found, did, and what can be typed next.
func (r *run) adoptedText(a *updater.Adopted) {
	out := r.out
	launcher := shellQuote(filepath.Join(a.Home, filepath.FromSlash(a.Launcher)))
	if a.Already {
		out.line("%s is adopted already: %s %s, %s", place(a.Home), a.Product, a.Release.Version, a.Release.Name())
		out.line("Next: %s --dry-run", launcher)
		return
	}
	out.line("%s: %s, channel %s, found in %s", styled{bold, a.Product}, a.Release.Name(), a.Release.Channel, place(a.Home))
	r.editText(a.Edits)
	var rows []row
	for _, p := range a.Placed {
		rows = append(rows, row{"+", p.String(), ""})
	}
	r.rows("Put in place", green, rows)
	out.gap()
	out.line("Root of trust, sha256: %s", a.RootDigest)
	if a.FirstUse {
		out.wrapped(0, "It was trusted because it came first: compare it with what the vendor announces.")
	}
	for _, w := range a.Warnings {
		out.message(styled{yellow, "warning:"}, w)
	}
	out.line("Next: %s --dry-run", launcher)
}

// editText lists how the installation differs from what was shipped.
func (r *run) editText(edits []updater.Edit) {
	var config, other []row
	for _, e := range edits {
		note := e.What
		if e.Count > 0 {
			note += ", with " + count(e.Count, "path") + " below"
		}
		if e.Detail != "" {
			note += ": " + e.Detail
		}
		w := row{"~", e.Path.String(), note}
		if e.Config {
			config = append(config, w)
		} else {
			other = append(other, w)
		}
	}
	r.rows("Your configuration", yellow, config)
	r.rows("Other differences from what was shipped", yellow, other)
	if len(edits) == 0 {
		r.out.line("Every file is as it was shipped.")
	}
}

// candidateText lists the levels that could be the installed one.
func (r *run) candidateText(list []updater.Candidate) {
	var rows []row
	for _, c := range list {
		note := fmt.Sprintf("%d the same, %d differ, %d edited configuration, %d missing", c.Same, c.Differ, c.Edited, c.Missing)
		rows = append(rows, row{" ", c.Release.Name(), note})
	}
	r.rows("Levels compared", plain, rows)
	for _, c := range list {
		var files []row
		for _, f := range c.Foreign {
			files = append(files, row{"?", manifest.Path(f.Path).String(), fmt.Sprintf("as in level %d", f.Level)})
		}
		r.rows(fmt.Sprintf("Not as in level %d, but as in another", c.Level), yellow, files)
		if len(c.Foreign) == 0 {
			var examples []row
			for _, p := range c.Examples {
				examples = append(examples, row{"~", manifest.Path(p).String(), ""})
			}
			r.rows(fmt.Sprintf("Not as in level %d, for example", c.Level), yellow, examples)
		}
	}
}
