package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"inplace/updater"
	"inplace/updater/archive"
)

// pack is `pack -o X`.
func (r *run) pack(c *cli.Context) error {
	if err := r.begin(c, cmdPack); err != nil {
		return err
	}
	to := c.String("output")
	if to == "" {
		return usage("pack wants to know where to: -o", "one of: -o FILE.tar.zst, -o FILE.zip, -o DIR")
	}
	if _, err := archive.FormOf(to); err != nil {
		return usage("-o: "+err.Error(), "one of: -o FILE.tar.zst, -o FILE.zip, -o DIR")
	}
	edits := c.Bool("with-edits")
	if !edits && c.IsSet("on-conflict") {
		return usage("--on-conflict goes with --with-edits only", "without edits there is nothing to decide")
	}
	home, err := r.packHome(c, edits)
	if err != nil {
		return err
	}
	if home == "" {
		return r.packAlone(c, to)
	}
	r.remember(c)
	opt, err := r.optionsFor(c, home)
	if err != nil {
		return err
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	p, err := e.Pack(r.ctx, to, edits)
	return r.packed(p, err)
}

// packHome is the installation that a pack or a bundle goes by: --home, or the one that this program
// lies in; "" where it goes by the repository alone.
func (r *run) packHome(c *cli.Context, edits bool) (string, error) {
	if c.IsSet("root") {
		if edits || c.IsSet("home") {
			return "", usage("--root goes with a repository alone", "an installation knows its root of trust: leave out --root")
		}
		return "", r.sourceGiven(c)
	}
	if c.IsSet("home") {
		return r.home(c)
	}
	home, err := r.home(c)
	if err == nil {
		if info, e := os.Stat(filepath.Join(home, "updates", "installed")); e != nil || !info.IsDir() {
			err = usage(home+": is no installation that was adopted", "name one with --home DIR")
		}
	}
	if err == nil || edits {
		return home, err
	}
	r.homeDir = ""
	return "", r.sourceGiven(c)
}

func (r *run) sourceGiven(c *cli.Context) error {
	if c.String("source") == "" {
		return usage(r.command+" wants to know what from: --source or --home", "--source REPO takes a repository, --home DIR the one that an installation follows")
	}
	return nil
}

// packAlone packs from a repository alone.
func (r *run) packAlone(c *cli.Context, to string) error {
	opt := updater.PackOptions{
		Source: c.String("source"), Channel: c.String("channel"), Root: c.String("root"),
		AllowStale: c.String("allow-stale"), To: to, Access: r.access(), Renew: r.renewing(), Engine: r.env.Version, Now: r.env.Now, Report: r.reporter.report,
	}
	var err error
	if opt.Level, opt.HasLevel, err = levelFlag(c, "level"); err != nil {
		return err
	}
	if err := checkChannel(opt.Channel); err != nil {
		return err
	}
	return r.packed(updater.Pack(r.ctx, opt))
}

// packed reports a pack, or the conflicts that keep it from being made.
func (r *run) packed(p *updater.Packed, err error) error {
	var conflict *updater.ConflictError
	if err != nil {
		if errors.As(err, &conflict) && p != nil && p.Plan != nil {
			r.setPlan(p.Plan)
			r.planHead(p.Plan)
			r.conflictText(p.Plan.Conflicts)
		}
		return err
	}
	r.doc.Pack = p
	r.packText(p)
	return nil
}

// remember keeps what was typed, for hints to repeat.
func (r *run) remember(c *cli.Context) {
	r.typedArgs = []string{cmdPack}
	for _, f := range []string{"level", "channel", "source", "allow-stale"} {
		if c.IsSet(f) {
			r.typedArgs = append(r.typedArgs, "--"+f, c.String(f))
		}
	}
	if c.Bool("with-edits") {
		r.typedArgs = append(r.typedArgs, "--with-edits")
	}
	r.typedArgs = append(r.typedArgs, "-o", c.String("output"))
}
