package cli

import (
	"errors"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

// adopt is `adopt HOME`.
func (r *run) adopt(c *cli.Context) error {
	if err := r.begin(c, cmdAdopt); err != nil {
		return err
	}
	exe, err := r.executable()
	if err != nil {
		return err
	}
	opt := updater.AdoptOptions{
		Home: c.Args().First(), Source: c.String("source"), Channel: c.String("channel"),
		Launcher: c.String("launcher"), Root: c.String("root"),
		Engine: r.env.Version, Now: r.env.Now, Report: r.reporter.report,
		Executable: exe, Scripts: launchers(),
	}
	if opt.Base, opt.HasBase, err = levelFlag(c, "base"); err != nil {
		return err
	}
	if err := checkChannel(opt.Channel); err != nil {
		return err
	}
	a, err := updater.Adopt(r.ctx, opt)
	r.setError(err)
	var base *updater.BaseError
	if errors.As(err, &base) {
		r.candidateText(base.Candidates)
	}
	if err != nil {
		return err
	}
	view := *a
	view.Candidates, view.Edits = list(a.Candidates), list(a.Edits)
	view.Placed, view.Warnings = list(a.Placed), list(a.Warnings)
	r.doc.Adopted = &view
	r.adoptedText(a)
	return nil
}
