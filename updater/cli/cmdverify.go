package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

// inspector is what the commands that look at the installation's files use of it.
type inspector interface {
	Verify(context.Context, updater.VerifyOptions) (*updater.Verification, error)
	DryFix(context.Context, updater.VerifyOptions) (*updater.Plan, error)
	Fix(context.Context, updater.VerifyOptions) (*updater.Outcome, error)
	Diff(context.Context, updater.DiffOptions) (*updater.Diff, error)
	DiffLevels(ctx context.Context, from *int64, to int64, opt updater.DiffOptions) (*updater.Diff, error)
}

func verifyCommand(r *run) *cli.Command {
	return &cli.Command{Name: "verify", Usage: "compare every path with what was shipped: exit 0 as shipped, 10 if anything differs", ArgsUsage: "[PATH...]",
		Action: r.verify, Flags: flags(
			boolFlag("full", "read every file, whatever the stat cache knows"),
			boolFlag("ignore-config", "leave out configuration that differs"),
			boolFlag("fix", "put the shipped bytes, mode and kind of PATH back; --revert undoes it"),
			boolFlag("dry-run", "with --fix: show what would be done; writes nothing"),
			textFlag("source", "REPO", "with --fix: take what is not kept here from this repository"),
			boolFlag("allow-running", "with --fix: go ahead although the product is running"),
			boolFlag("no-health", "with --fix: do not watch the product after its start"),
			boolFlag("yes", "with --fix: ask nothing"),
			homeFlag(),
		)}
}

// verify is `verify`: compare, or with --fix put back what was shipped.
func (r *run) verify(c *cli.Context) error {
	fix := c.Bool("fix")
	command := cmdVerify
	switch {
	case fix && c.Bool("dry-run"):
		command = cmdDryRun
	case fix:
		command = cmdFix
	}
	r.fixing = fix
	r.looking = !fix || c.Bool("dry-run")
	if err := r.begin(c, command); err != nil {
		return err
	}
	if err := checkVerifyFlags(c, fix); err != nil {
		return err
	}
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	if fix && r.asks(c) {
		opt.Confirm = r.confirm
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	what := updater.VerifyOptions{Paths: c.Args().Slice(), Full: c.Bool("full"), IgnoreConfig: c.Bool("ignore-config")}
	switch {
	case command == cmdDryRun:
		plan, err := e.DryFix(r.ctx, what)
		return r.showPlan(c, plan, err)
	case fix:
		o, err := e.Fix(r.ctx, what)
		return r.showOutcome(c, o, err)
	}
	v, err := e.Verify(r.ctx, what)
	if err != nil {
		return err
	}
	r.doc.Verify = v
	r.verifyText(v)
	switch {
	case v.Unreadable > 0:
		return &shownError{count(v.Unreadable, "path") + " could not be compared", errUnread}
	case v.Differs():
		return errDiffers
	}
	return nil
}

// checkVerifyFlags refuses flags that mean nothing together.
func checkVerifyFlags(c *cli.Context, fix bool) error {
	if fix && c.Args().Len() == 0 {
		return usage("verify --fix wants the paths to put back", "name them; . is everything")
	}
	if fix {
		return nil
	}
	for _, f := range []string{"dry-run", "allow-running", "no-health", "yes", "source"} {
		if c.IsSet(f) {
			return usage("--"+f+" is of use only with --fix", "verify writes nothing without --fix")
		}
	}
	return nil
}

// verifyText lists what is not as shipped, and counts.
func (r *run) verifyText(v *updater.Verification) {
	out := r.out
	out.message(styled{bold, v.Product + ":"}, "compared with "+v.Installed.Name()+", channel "+v.Installed.Channel)
	for _, g := range []struct {
		what, title, mark string
		style             style
	}{
		{updater.WhatUnreadable, "Could not be compared", "!", red},
		{updater.WhatEdited, "Edited here", "~", yellow},
		{updater.WhatKind, "Of another kind than shipped", "~", red},
		{updater.WhatMissing, "Missing", "-", red},
		{updater.WhatMode, "With another mode", "~", yellow},
		{updater.WhatOwner, "With another owner", "~", yellow},
		{updater.WhatExtra, "Not of the release", "+", green},
	} {
		var rows []row
		for i := range v.Edits {
			if e := &v.Edits[i]; e.What == g.what {
				rows = append(rows, row{g.mark, editPath(e), editNote(e)})
			}
		}
		r.rows(g.title, g.style, rows)
	}
	out.gap()
	out.wrapped(0, verifySummary(v))
}

func editPath(e *updater.Edit) string {
	if (e.What == updater.WhatMissing || e.What == updater.WhatExtra) && e.Detail != "" {
		return e.Path.String() + "/"
	}
	return e.Path.String()
}

func editNote(e *updater.Edit) string {
	note := e.Detail
	if e.What == updater.WhatMissing || e.What == updater.WhatExtra {
		note = ""
	}
	if e.Count > 0 {
		note = joinNotes(note, "with "+count(e.Count, "path")+" below")
	}
	if e.Config {
		note = joinNotes(note, "configuration")
	}
	return note
}

func joinNotes(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// verifySummary counts in a few sentences.
func verifySummary(v *updater.Verification) string {
	text := fmt.Sprintf("Of %s of the release %d are as shipped.", count(v.Compared, "path"), v.Same)
	if !v.Differs() && v.Same == v.Compared { // not so where differences were left out
		text = fmt.Sprintf("All %s of the release are as shipped.", count(v.Compared, "path"))
		if v.Compared == 0 {
			text = "There is nothing of the release to compare."
		}
	}
	if v.Config > 0 {
		text += fmt.Sprintf(" Configuration, which updates merge: %s.", count(v.Config, "difference"))
	}
	if v.Ignored > 0 {
		text += fmt.Sprintf(" Left out: %s of configuration.", count(v.Ignored, "difference"))
	}
	if v.Absent > 0 {
		text += fmt.Sprintf(" Kept away by the settings: %s.", count(v.Absent, "path"))
	}
	if v.Untouched > 0 {
		text += fmt.Sprintf(" Data or ignored, and not looked at: %s.", count(v.Untouched, "path"))
	}
	if v.ReadFiles > 0 {
		text += fmt.Sprintf(" Read: %s, %s.", count(v.ReadFiles, "file"), size(v.ReadBytes))
	}
	return text
}
