package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/manifest/repository"
	"inplace/updater"
)

// update is the root command: update, look, or take back.
func (r *run) update(c *cli.Context) error {
	dry, revert := c.Bool("dry-run"), c.Bool("revert")
	command := cmdUpdate
	switch {
	case dry:
		command = cmdDryRun
	case revert:
		command = cmdRevert
	case c.Bool("continue"):
		command = cmdContinue
	case c.Bool("abort"):
		command = cmdAbort
	case c.Bool("prepare"):
		command = cmdPrepare
	}
	r.looking, r.reverting, r.oneWay = dry, revert, c.Bool("yes-irreversible")
	if err := r.begin(c, command); err != nil {
		return err
	}
	r.typedArgs = typed(c, "prepare", "level", "channel", "source", "full-backup", "allow-running", "no-health", "allow-stale")
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	if err := checkRevert(c, revert); err != nil {
		return err
	}
	if err := checkContinue(c); err != nil {
		return err
	}
	if err := checkReport(c); err != nil {
		return err
	}
	for _, f := range []string{"report", "plan-out"} {
		if err := r.mayWrite("--"+f, c.String(f), opt); err != nil {
			return err
		}
	}
	if err := checkPlan(c, &opt); err != nil {
		return err
	}
	if r.asks(c) && !opt.Prepare { // which changes nothing
		opt.Confirm = r.confirm
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	switch {
	case dry && revert:
		plan, err := e.DryRevert(r.ctx)
		return r.showPlan(c, plan, err)
	case dry:
		plan, err := e.DryRun(r.ctx)
		return r.showPlan(c, plan, err)
	case revert:
		o, err := e.Revert(r.ctx)
		return r.showOutcome(c, o, err)
	case command == cmdAbort:
		return r.abort(e)
	case command == cmdContinue:
		o, err := e.Continue(r.ctx)
		if err == nil && o.Plan == nil {
			r.setOutcome(o)
			r.recoveryText(o.Recovery)
			r.say("Nothing is open: nothing to go on with.")
			return nil
		}
		return r.showOutcome(c, o, err)
	}
	o, err := e.Update(r.ctx)
	return r.showOutcome(c, o, err)
}

// checkRevert refuses flags that do not go together.
func checkRevert(c *cli.Context, revert bool) error {
	if !revert {
		for _, f := range []string{"to", "keep-edits", "exact", "with-data", "from-release"} {
			if c.IsSet(f) {
				return usage("--"+f+" goes with --revert only", "add --revert, or leave --"+f+" out")
			}
		}
		return nil
	}
	allowed := map[string]string{"source": "from-release", "allow-stale": "from-release", "on-conflict": "keep-edits"}
	for _, f := range []string{"level", "channel", "source", "on-conflict", "allow-stale"} {
		if with := allowed[f]; c.IsSet(f) && (with == "" || !c.Bool(with)) {
			return usage("--revert and --"+f+" exclude each other", "--revert goes back by what is kept here; --level N goes to a level of the repository")
		}
	}
	if c.Bool("keep-edits") && c.Bool("exact") {
		return usage("--keep-edits and --exact exclude each other", "the one keeps what you changed since, the other puts it back as it was")
	}
	return nil
}

// options reads what the flags say about the installation and the run.
func (r *run) options(c *cli.Context) (updater.Options, error) {
	home, err := r.home(c)
	if err != nil {
		return updater.Options{}, err
	}
	return r.optionsFor(c, home)
}

// optionsFor is options for an installation that is found already.
func (r *run) optionsFor(c *cli.Context, home string) (opt updater.Options, err error) {
	opt = updater.Options{
		Home: home, Source: c.String("source"), Channel: c.String("channel"),
		OnConflict: c.String("on-conflict"), AllowRunning: c.Bool("allow-running"), AllowStale: c.String("allow-stale"),
		NoHealth: c.Bool("no-health"), OneWay: c.Bool("yes-irreversible"),
		FullBackup: c.String("full-backup"), Prepare: c.Bool("prepare"),
		RevertTo: c.String("to"), KeepEdits: c.Bool("keep-edits"), Exact: c.Bool("exact"), WithData: c.Bool("with-data"), FromRelease: c.Bool("from-release"),
		Access: r.access(), Renew: r.renewing(), Engine: r.env.Version, Command: r.commandLine(), Now: r.env.Now, Report: r.reporter.report,
	}
	if r.command == cmdDryRun {
		opt.Command = r.again(c)
	}
	if opt.Level, opt.HasLevel, err = levelFlag(c, "level"); err != nil {
		return opt, err
	}
	switch opt.OnConflict {
	case "", "stop", "ours", "theirs":
	default:
		return opt, usage(fmt.Sprintf("--on-conflict: want stop, ours or theirs, got %q", opt.OnConflict), "ours keeps your side, theirs takes the vendor's")
	}
	return opt, checkChannel(opt.Channel)
}

func checkChannel(name string) error {
	if name == "" {
		return nil
	}
	if err := repository.CheckChannel(name); err != nil {
		return usage("--channel: "+err.Error(), "a channel looks like full or security")
	}
	return nil
}

// typed is what was given of these flags, to be repeated in hints.
func typed(c *cli.Context, names ...string) (args []string) {
	for _, n := range names {
		if !c.IsSet(n) {
			continue
		}
		args = append(args, "--"+n)
		if value, ok := c.Value(n).(string); ok {
			args = append(args, value)
		}
	}
	return args
}

// showPlan reports a dry run: p, or why there is none.
func (r *run) showPlan(c *cli.Context, p *updater.Plan, err error) error {
	if p == nil {
		return err
	}
	r.setPlan(p)
	if drifted(err) {
		r.setError(err)
		return err
	}
	if p.Action == "none" && len(p.Conflicts) == 0 {
		r.nothingToDo(c, p)
		return errors.Join(r.writePlan(c, p), r.writeReport(c, p), err)
	}
	if r.revertedAlready(p) {
		return err
	}
	r.planText(p)
	if failed := errors.Join(r.writePlan(c, p), r.writeReport(c, p)); failed != nil {
		return failed
	}
	switch {
	case err != nil:
		return err
	case len(p.Conflicts) > 0:
		return &updater.ConflictError{Conflicts: p.Conflicts}
	case len(p.Findings) > 0:
		return &shownError{"the " + p.Action + " cannot go ahead: " + count(len(p.Findings), "thing") + " in the way", &updater.PreflightError{Findings: p.Findings}}
	}
	if len(p.Barred) > 0 {
		r.say("Nothing was changed. This user cannot go ahead, as the warnings say: %s", strings.Join(findingHints(p.Barred), "; "))
		return nil
	}
	r.say("Nothing was changed. To go ahead: %s", r.again(c))
	return nil
}

// again is the command line of a dry run without --dry-run.
func (r *run) again(c *cli.Context) string {
	var args []string
	if r.fixing {
		args = append(args, "verify", "--fix")
	}
	for _, f := range []string{"prepare", "revert", "keep-edits", "exact", "with-data", "from-release", "allow-running", "no-health", "yes-irreversible", "full", "ignore-config"} {
		if c.Bool(f) {
			args = append(args, "--"+f)
		}
	}
	for _, f := range []string{"to", "level", "channel", "source", "on-conflict", "allow-stale", "full-backup", "plan"} {
		if c.IsSet(f) {
			args = append(args, "--"+f, c.String(f))
		}
	}
	return r.shell(append(args, c.Args().Slice()...)...)
}

// say ends a successful run with the sentence about the installation.
func (r *run) say(format string, args ...any) {
	r.state = strings.TrimSpace(fmt.Sprintf(format, args...))
	r.out.sentence(r.state, r.name)
}

func (r *run) nothingToDo(c *cli.Context, p *updater.Plan) {
	if r.fixing {
		for _, w := range p.Warnings {
			r.out.message(styled{yellow, "warning:"}, w)
		}
		if len(p.Warnings) > 0 {
			r.say("%s: nothing of this can be put back.", p.Product)
			return
		}
		r.say("%s: all of it is as level %d shipped it: nothing to put back.", p.Product, p.From.Level)
		return
	}
	for _, w := range p.Warnings {
		r.out.message(styled{yellow, "warning:"}, w)
	}
	newest := ", the newest of channel " + p.To.Channel
	if c.IsSet("level") || c.IsSet("plan") { // the newest was not asked for
		newest = ""
	}
	r.say("%s is at %s%s: nothing to do.", p.Product, p.From.Name(), newest)
}

// revertedAlready says that a revert has nothing to do, if so.
func (r *run) revertedAlready(p *updater.Plan) bool {
	if p.Action != "revert" || !p.Empty() || len(p.Findings) > 0 || p.From.Manifest != p.To.Manifest {
		return false
	}
	for _, w := range p.Warnings {
		r.out.message(styled{yellow, "warning:"}, w)
	}
	r.say("%s is at %s, where %s leads: nothing to do.", p.Product, p.From.Name(), p.Source)
	return true
}

// undoing is the command that undoes a revert: an update, where one leads there.
func (r *run) undoing(p *updater.Plan, snapshot string) string {
	if len(p.Way) == 1 && p.To.Level < p.From.Level {
		return r.shell()
	}
	return r.shell("--revert", "--to", snapshot)
}

// showOutcome reports an update or a revert.
func (r *run) showOutcome(c *cli.Context, o *updater.Outcome, err error) error {
	if drifted(err) {
		r.setOutcome(o)
		r.setError(err)
		return err
	}
	if o != nil && o.Plan != nil {
		if failed := errors.Join(r.writePlan(c, o.Plan), r.writeReport(c, o.Plan)); failed != nil { // nothing of the run hangs on it
			o.Warnings = append(o.Warnings, failed.Error())
		}
	}
	r.setOutcome(o)
	r.setError(err)
	if o == nil {
		return err
	}
	if o.Plan == nil {
		r.recoveryText(o.Recovery)
		r.lastWords(err)
		return err
	}
	p := o.Plan
	if err != nil {
		r.recoveryText(o.Recovery)
		r.serviceText(o)
		var (
			conflict *updater.ConflictError
			busy     *updater.RunningError
		)
		switch {
		case errors.As(err, &conflict):
			r.planHead(p)
			r.resolvedText(p.Resolved)
			r.conflictText(p.Conflicts)
		case errors.As(err, &busy):
			r.runningText(&busy.Report)
		}
		r.lastWords(err)
		r.foundText(o.Found)
		return err
	}
	if p.Action == "none" {
		r.recoveryText(o.Recovery)
		r.nothingToDo(c, p)
		return nil
	}
	if o.Snapshot == "" && r.revertedAlready(p) {
		return nil
	}
	if o.Prepared != nil {
		r.preparedText(o)
		return nil
	}
	r.outcomeText(o)
	next := "To go back: " + r.shell("--revert")
	if p.Action == "revert" {
		next = "To go forward again: " + r.undoing(p, o.Snapshot)
		if p.To.Level >= p.From.Level {
			next = "To go back again: " + r.undoing(p, o.Snapshot)
		}
	}
	if p.Action == updater.ActionFix {
		r.say("Put back as shipped. %s", next)
		return nil
	}
	r.say("%s is at %s now. %s", p.Product, p.To.Name(), next)
	return nil
}
