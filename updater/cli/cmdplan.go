package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"inplace/manifest"
	"inplace/updater"
)

// checkPlan reads the plan that --plan names into opt, and refuses flags that do not go with
// what it says.
func checkPlan(c *cli.Context, opt *updater.Options) error {
	out, in := c.IsSet("plan-out"), c.IsSet("plan")
	if c.Bool("revert") {
		for _, f := range []string{"prepare", "plan", "plan-out"} {
			if c.IsSet(f) {
				return usage("--revert and --"+f+" exclude each other", "a revert goes by what is kept here; look at it with --revert --dry-run")
			}
		}
	}
	if opt.Prepare && c.IsSet("full-backup") {
		return usage("--prepare and --full-backup exclude each other", "give --full-backup to the run that takes what was prepared")
	}
	if out && !c.Bool("dry-run") && !opt.Prepare {
		return usage("--plan-out goes with --dry-run or --prepare only", "add --dry-run, or leave --plan-out out")
	}
	if out && c.String("plan-out") == "" || in && c.String("plan") == "" {
		return usage("--plan and --plan-out: want the name of a file, got nothing", "name a file")
	}
	if !in {
		return nil
	}
	plan, err := updater.ReadPlan(c.String("plan"))
	if err != nil {
		return err
	}
	disagrees := func(flag, got, want string) error {
		return usage(fmt.Sprintf("--%s: want %s as in the plan, got %s", flag, want, got), "leave --"+flag+" out: the plan says it")
	}
	switch {
	case opt.HasLevel && opt.Level != plan.To.Level:
		return disagrees("level", fmt.Sprint(opt.Level), fmt.Sprint(plan.To.Level))
	case opt.Channel != "" && opt.Channel != plan.To.Channel:
		return disagrees("channel", opt.Channel, plan.To.Channel)
	case opt.OnConflict != "" && opt.OnConflict != plan.OnConflict:
		want := plan.OnConflict
		if want == "" {
			want = "nothing"
		}
		return disagrees("on-conflict", opt.OnConflict, want)
	}
	if err := checkChannel(plan.To.Channel); err != nil {
		return &updater.PlanFileError{Name: c.String("plan"), Reason: "to: " + err.Error()}
	}
	opt.Plan, opt.Channel, opt.OnConflict = plan, plan.To.Channel, plan.OnConflict
	opt.Level, opt.HasLevel = plan.To.Level, true
	return nil
}

// drifted reports whether err is about an approved plan.
func drifted(err error) bool {
	var drift *updater.PlanDriftError
	var late *updater.PlanExpiredError
	return errors.As(err, &drift) || errors.As(err, &late)
}

// judgeDrift is the verdict on something that is not as an approved plan has it.
func (r *run) judgeDrift(e *updater.PlanDriftError) verdict {
	v := verdict{exit: ExitFailed, state: stateUntouched, hints: []string{
		"put that back as it was, or make the plan anew and have it approved: " + r.shell("--dry-run", "--plan-out", "FILE")}}
	if e.Conflict {
		v.exit = ExitConflict
	}
	return v
}

// writePlan writes the plan as a document where --plan-out asks for it, readable for all who
// may read the directory's other files: it has no contents.
func (r *run) writePlan(c *cli.Context, p *updater.Plan) error {
	file := c.String("plan-out")
	if file == "" {
		return nil
	}
	data := p.File().Marshal()
	made, err := replaceFile(file, func(f *os.File) error {
		_, err := f.Write(data)
		if info, e := f.Stat(); e == nil && info.Mode().IsRegular() {
			err = errors.Join(err, f.Chmod(0o644))
		}
		return err
	})
	if err != nil {
		return notWritten("plan-out", file, "plan", made, err)
	}
	r.out.line("The plan is in %s, %s", place(file), manifest.DigestOf(data))
	return nil
}
