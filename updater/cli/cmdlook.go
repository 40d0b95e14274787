package cli

import (
	"fmt"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

// open opens the installation that opt names.
func (r *run) open(opt updater.Options) (engine, error) {
	if r.env.open != nil {
		return r.env.open(opt)
	}
	return openEngine(opt)
}

// opened reads the common flags and opens the installation.
func (r *run) opened(c *cli.Context, command string) (engine, error) {
	if err := r.begin(c, command); err != nil {
		return nil, err
	}
	opt, err := r.options(c)
	if err != nil {
		return nil, err
	}
	return r.open(opt)
}

// status is `status`.
func (r *run) status(c *cli.Context) error {
	r.looking = true
	e, err := r.opened(c, cmdStatus)
	if err != nil {
		return err
	}
	defer e.Close()
	s, err := e.Status(r.ctx)
	if s != nil {
		view := *s
		view.Snapshots, view.Conflicts = list(s.Snapshots), list(s.Conflicts)
		if s.Edits != nil { // the counts; verify has the list
			counts := *s.Edits
			counts.Edits = []updater.Edit{}
			view.Edits = &counts
		}
		r.doc.Status = &view
		r.statusText(s)
	}
	if err == nil && s != nil && s.Open {
		return &updater.OpenError{}
	}
	return err
}

// history is `history`.
func (r *run) history(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdHistory); err != nil {
		return err
	}
	newest, err := newestFlag(c)
	if err != nil {
		return err
	}
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	entries, err := e.History()
	if err != nil {
		return err
	}
	if newest < len(entries) {
		entries = entries[len(entries)-newest:]
	}
	r.doc.History = list(entries)
	r.historyText(entries)
	return nil
}

// newestFlag reads -n.
func newestFlag(c *cli.Context) (int, error) {
	text := c.String("newest")
	if text == "" {
		return math.MaxInt, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, usage("-n: want a number from 1 on, got "+strconv.Quote(text), "-n 5 shows the newest five")
	}
	return n, nil
}

// guard is `guard`, the question of a start script: silent, and 0 or 8.
func (r *run) guard(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdGuard); err != nil {
		return err
	}
	home, err := r.home(c)
	if err != nil {
		return err
	}
	return updater.Guard(r.ctx, home, r.env.Version)
}

// version is `version` and `--version`.
func (r *run) version(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdVersion); err != nil {
		return err
	}
	r.doc.Version = r.env.Version
	r.out.line("%s", fmt.Sprintf("inplace %s", r.env.Version))
	return nil
}
