package cli

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/manifest"
	"inplace/updater"
	"inplace/updater/settings"
)

// followFlag is the list of directories that --follow names, separated by commas.
func followFlag(text string) ([]manifest.Path, error) {
	var out []manifest.Path
	if text == "" {
		return nil, nil
	}
	for _, name := range strings.Split(text, ",") {
		p := manifest.Path(strings.TrimSuffix(name, "/"))
		if err := settings.CheckFollow(p, out); err != nil {
			return nil, usage("--follow: "+err.Error(), "name directories of the product, relative to the installation: --follow conf,webapps")
		}
		out = append(out, p)
	}
	return out, nil
}

// adopt is `adopt HOME`.
func (r *run) adopt(c *cli.Context) error {
	if err := r.begin(c, cmdAdopt); err != nil {
		return err
	}
	exe, err := r.self()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return err
	}
	r.homeDir = c.Args().First()
	opt := updater.AdoptOptions{
		Home: c.Args().First(), Source: c.String("source"), Channel: c.String("channel"),
		Launcher: c.String("launcher"), Root: c.String("root"),
		Access: r.access(), Renew: r.renewing(), Engine: r.env.Version, Now: r.env.Now, Report: r.reporter.report,
		Executable: exe, Scripts: launchers(),
	}
	if opt.Base, opt.HasBase, err = levelFlag(c, "base"); err != nil {
		return err
	}
	if err := checkChannel(opt.Channel); err != nil {
		return err
	}
	if opt.Follow, err = followFlag(c.String("follow")); err != nil {
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
