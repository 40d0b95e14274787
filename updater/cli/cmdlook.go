package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

// open opens the installation that opt names. From then on a run that may change it is
// logged there.
func (r *run) open(opt updater.Options) (engine, error) {
	if r.env.open != nil {
		return r.env.open(opt)
	}
	e, err := openEngine(opt)
	if err == nil && !r.looking && r.command != cmdPack && r.command != cmdFetch {
		r.reporter.log.open()
	}
	return e, err
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
		if s.Service != nil {
			view.Service = maskedService(s.Service)
		}
		r.doc.Status = &view
		r.statusText(s)
	}
	r.lastWords(err)
	if err == nil && s != nil && s.Open {
		return &updater.OpenError{}
	}
	return err
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
