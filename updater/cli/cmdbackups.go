package cli

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"inplace/updater"
	"inplace/updater/settings"
)

// backupsList is `backups list`.
func (r *run) backupsList(c *cli.Context) error {
	r.looking = true
	e, err := r.opened(c, cmdBackupsList)
	if err != nil {
		return err
	}
	defer e.Close()
	b, err := e.Backups(r.ctx)
	if b != nil {
		r.setBackups(b)
		r.backupsText(b)
	}
	return err
}

// backupsVerify is `backups verify`.
func (r *run) backupsVerify(c *cli.Context) error {
	r.looking = true
	e, err := r.opened(c, cmdBackupsVerify)
	if err != nil {
		return err
	}
	defer e.Close()
	b, err := e.VerifyBackups(r.ctx)
	if b == nil {
		return err
	}
	r.setBackups(b)
	r.backupsText(b)
	if err == nil {
		compared := count(len(b.Snapshots), "snapshot")
		if b.Second > 0 {
			compared += fmt.Sprintf(" and %d second ones", b.Second)
		}
		r.say("%s compared, nothing is damaged.", compared)
	}
	return err
}

// backupsPrune is `backups prune`.
func (r *run) backupsPrune(c *cli.Context) error {
	r.looking = c.Bool("dry-run")
	if err := r.begin(c, cmdBackupsPrune); err != nil {
		return err
	}
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	prune, err := pruneOptions(c)
	if err != nil {
		return err
	}
	if r.asks(c) {
		prune.Confirm = func(b *updater.Backups) (bool, error) {
			r.pruneText(b, "Removes")
			return r.askWhether("Remove them?")
		}
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	b, err := e.PruneBackups(r.ctx, prune)
	if b == nil {
		return err
	}
	r.setBackups(b)
	switch {
	case err != nil:
		return err
	case len(b.Removed) == 0 && len(b.Snapshots) > 1 && b.Snapshots[len(b.Snapshots)-1].Away != "":
		r.say("%s, and the oldest is out of reach: %s. Nothing was removed.", count(len(b.Snapshots), "snapshot"), b.Snapshots[len(b.Snapshots)-1].Away)
	case len(b.Removed) == 0 && b.Limits.Keep > 0 && len(b.Snapshots) > b.Limits.Keep:
		r.say("%s, more than the limits (%s) keep, but the way back leads by them: nothing to remove.", count(len(b.Snapshots), "snapshot"), limitText(b.Limits))
	case len(b.Removed) == 0:
		r.say("%s, within the limits (%s): nothing to remove.", count(len(b.Snapshots), "snapshot"), limitText(b.Limits))
	case prune.DryRun:
		r.pruneText(b, "Would remove")
		r.say("Nothing was removed.")
	default:
		if prune.Confirm == nil {
			r.pruneText(b, "Removed")
		}
		r.say("%s removed, %d left.", count(len(b.Removed), "snapshot"), len(b.Snapshots))
	}
	return nil
}

// pruneOptions reads the limits that are given in place of the settings'.
func pruneOptions(c *cli.Context) (updater.PruneOptions, error) {
	opt := updater.PruneOptions{DryRun: c.Bool("dry-run")}
	if c.IsSet("keep") {
		n, err := strconv.Atoi(c.String("keep"))
		if err != nil || n < 1 {
			return opt, usage("--keep: want a number above 0, got "+strconv.Quote(c.String("keep")), "the newest snapshot always stays")
		}
		opt.Keep = &n
	}
	if c.IsSet("max-age") {
		d, err := settings.ParseAge(c.String("max-age"))
		if err != nil {
			return opt, usage("--max-age: "+err.Error(), "snapshots older than that go")
		}
		opt.MaxAge = &d
	}
	if c.IsSet("max-size") {
		n, err := settings.ParseSize(c.String("max-size"))
		if err != nil {
			return opt, usage("--max-size: "+err.Error(), "the oldest snapshots go until the rest is no larger")
		}
		opt.MaxSize = &n
	}
	return opt, nil
}

func limitText(l *updater.Limits) string {
	return fmt.Sprintf("keep %d, max-age %s, max-size %s", l.Keep, settings.FormatAge(l.MaxAge), settings.FormatSize(l.MaxSize))
}

// setBackups puts what is kept into the document.
func (r *run) setBackups(b *updater.Backups) {
	view := *b
	view.Snapshots = list(b.Snapshots)
	r.doc.Backups = &view
}

// backupsText lists the snapshots, the newest first, with what each holds.
func (r *run) backupsText(b *updater.Backups) {
	if len(b.Snapshots) == 0 {
		r.out.line("There are no snapshots.")
		return
	}
	for _, s := range b.Snapshots {
		r.backupText(&s)
	}
}

func (r *run) backupText(s *updater.SnapshotInfo) {
	out := r.out
	mark, holds := "", s.From
	if s.Turned {
		holds = s.To
	}
	if s.Action != "" {
		mark = fmt.Sprintf("  holds level %d", holds)
	}
	if now := current(s); out.tty && len(s.ID+mark+now) > out.width {
		out.line("%s%s", styled{bold, s.ID}, mark)
		out.line("  %s", styled{green, now})
	} else {
		out.line("%s%s%s", styled{bold, s.ID}, mark, styled{green, now})
	}
	if s.Action != "" {
		text := fmt.Sprintf("%s, %s from level %d to %d, %s", when(s.Created), s.Action, s.From, s.To, count(s.Paths, "path"))
		if s.Config > 0 {
			text += ", configuration of " + count(s.Config, "file")
		}
		if s.Data {
			text += ", the data"
		}
		text += fmt.Sprintf(", %s on disk", size(s.DiskBytes))
		out.wrapped(4, text)
	}
	if s.Turned {
		out.wrapped(4, "Taken back with restore.sh; holds what that replaced.")
	}
	if s.Away != "" {
		out.line("    %s", styled{red, "OUT OF REACH: " + s.Away})
	}
	switch {
	case len(s.Faults) > 0:
		what := "DAMAGED"
		if s.Turned {
			what = "EDITED before that, or DAMAGED"
		}
		out.line("    %s", styled{red, what})
		for i, f := range s.Faults {
			if i == fewRows && !r.verbose {
				out.line("      and %d more, -v lists all", len(s.Faults)-i)
				break
			}
			out.line("      %s", styled{red, "! " + f})
		}
	case s.Damaged != "":
		out.line("    %s", styled{red, "DAMAGED: " + s.Damaged})
	}
}

func current(s *updater.SnapshotInfo) string {
	if s.Current {
		return "  <- --revert takes this one back"
	}
	return ""
}

// pruneText lists what prune removes.
func (r *run) pruneText(b *updater.Backups, title string) {
	var rows []row
	for _, id := range b.Removed {
		rows = append(rows, row{"-", id, ""})
	}
	r.rows(title+", oldest first", red, rows)
	r.out.wrapped(0, "By the limits "+limitText(b.Limits)+".")
}
