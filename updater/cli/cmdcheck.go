package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

func checkCommand(r *run) *cli.Command {
	return &cli.Command{Name: "check", Usage: "ask whether there is an update: exit 0 there is none, 10 there is one", Action: r.check, Flags: flags(
		textFlag("channel", "C", "ask for updates of this channel"),
		textFlag("source", "REPO", "ask this repository"),
		textFlag("allow-stale", "REASON", "accept metadata that is past its date"),
		homeFlag(),
	)}
}

// check is `check`. It writes nothing in the installation.
func (r *run) check(c *cli.Context) error {
	r.looking = true
	e, err := r.opened(c, cmdCheck)
	if err != nil {
		return err
	}
	defer e.Close()
	k, err := e.Check(r.ctx)
	r.doc.Check = k
	if err != nil {
		return err
	}
	installed := fmt.Sprintf("%s: %s, channel %s", k.Product, k.Installed.Name(), k.Channel)
	if k.Withdrawn != "" {
		defer r.out.line("The vendor has withdrawn the installed level: %s", k.Withdrawn)
	}
	if s := k.Subscription; s != nil {
		defer r.out.line("%s: until %s%s.", subscriptionName(s), s.Expires.Format(time.RFC3339), left(s))
		if text := s.Warning(); text != "" {
			r.reporter.say("warning: %s", text)
		}
	}
	if k.Newest == nil {
		r.out.line("%s: no update.", installed)
		return nil
	}
	text := fmt.Sprintf("%s: there is %s", installed, k.Newest.Name())
	if len(k.Fixes) > 0 {
		text += "; fixes: " + fixCounts(k.Fixes)
	}
	r.out.line("%s.", text)
	r.out.line("To look: %s", r.shell("--dry-run"))
	return errDiffers
}

// fixCounts is counts of fixes in words.
func fixCounts(counts []updater.FixCount) string {
	words := make([]string, len(counts))
	for i, f := range counts {
		words[i] = strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", f.Count, f.Severity, f.Kind)), " ")
	}
	return strings.Join(words, ", ")
}
