package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/manifest/repository"
	"inplace/manifest/subscription"
	"inplace/updater"
)

func subscriptionCommand(r *run) *cli.Command {
	keys := func() cli.Flag { return textFlag("keys", "DIR", "directory of the private keys, and of the ledger") }
	terms := func(kind string, own ...cli.Flag) []cli.Flag {
		return flags(append(own, keys(),
			textFlag("type", "TYPE", "trial or paid"+kind),
			textFlag("channel", "C,...", "the channels that it gives"),
			textFlag("days", "N", "how many days it runs"),
			textFlag("until", "TIME", "when it ends, RFC 3339"),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE`: write the token there, readable for you alone, instead of printing it"},
		)...)
	}
	return &cli.Command{Name: "subscription", Usage: "say who may have updates, and until when", Subcommands: []*cli.Command{
		{Name: "show", Usage: "show the subscription of this installation, and how long it runs", Action: r.subscriptionShow, Flags: flags(
			textFlag("channel", "C", "ask for this channel"),
			textFlag("source", "REPO", "ask for what belongs to this source"),
			homeFlag(),
		)},
		{Name: "issue", Usage: "for vendors: issue a subscription and print its token", ArgsUsage: "REPO", Action: r.subscriptionIssue, Flags: terms(" (default: trial)",
			textFlag("customer", "NAME", "who gets it"),
			textFlag("from", "TIME", "when it begins, RFC 3339 (default: now)"),
		)},
		{Name: "extend", Usage: "for vendors: issue a new token for a subscription, with another end", ArgsUsage: "REPO ID", Action: r.subscriptionExtend, Flags: terms(" (default: as it is)")},
		{Name: "revoke", Usage: "for vendors: take a subscription back", ArgsUsage: "REPO ID", Action: r.subscriptionRevoke, Flags: flags(keys(),
			textFlag("reason", "TEXT", "why; it goes into the ledger"))},
		{Name: "list", Usage: "for vendors: list all subscriptions", ArgsUsage: "REPO", Action: r.subscriptionList, Flags: flags(keys())},
	}}
}

// subscriptionShow is `subscription show`.
func (r *run) subscriptionShow(c *cli.Context) error {
	r.looking = true
	e, err := r.opened(c, cmdSubShow)
	if err != nil {
		return err
	}
	defer e.Close()
	s, err := e.Subscription(r.ctx)
	r.doc.Shown = s
	if s == nil {
		return err
	}
	if f := s.Found; f != nil {
		r.out.line("%s for %s: channel%s %s, from %s until %s%s.", subscriptionName(f), clean(f.Customer), ending(len(f.Channels)), strings.Join(f.Channels, ", "),
			f.NotBefore.Format(time.DateOnly), f.Expires.Format(time.RFC3339), left(f))
	} else {
		r.out.line("No subscription was found.")
	}
	if !s.Needed {
		r.out.line("Channel %s wants none.", s.Channel)
	}
	if err == nil && s.Fault != "" {
		r.out.line("It does not hold: %s", s.Fault)
	}
	if s.Unasked != "" {
		r.out.line("The source was not asked, and this goes by what was seen of it last: %s", s.Unasked)
	}
	return err
}

func subscriptionName(s *updater.Subscribed) string {
	return fmt.Sprintf("Subscription %s (%s)", s.ID, s.Type)
}

// left is how many days s runs on, "" where it has ended.
func left(s *updater.Subscribed) string {
	if s.DaysLeft == 0 {
		return ""
	}
	return ", " + count(s.DaysLeft, "day") + " left"
}

func ending(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// subscribed is a subscription in a document; its token is in that of who issues it only.
type subscribed struct {
	repository.Entry
	State string `json:"state"` // not yet, active, ended, revoked
	Days  int    `json:"days_left"`
}

func (r *run) subscribedView(e repository.Entry) subscribed {
	view := subscribed{e, e.State(r.env.Now()), 0}
	if view.State == "active" || view.State == "not yet" {
		view.Days = e.DaysLeft(r.env.Now())
	}
	return view
}

// subscribing begins a command about subscriptions.
func (r *run) subscribing(c *cli.Context, command string, signs bool) (opt repository.SubscribeOptions, err error) {
	if err = r.begin(c, command); err != nil {
		return opt, err
	}
	if err = wants(c, command, "keys"); err != nil {
		return opt, err
	}
	opt = repository.SubscribeOptions{Dir: c.Args().First(), KeysDir: c.String("keys"), Now: r.env.Now()}
	if signs {
		opt.Passphrase, err = r.passphrase(false)
	}
	return opt, err
}

// subscriptionIssue is `subscription issue REPO`.
func (r *run) subscriptionIssue(c *cli.Context) error {
	opt, err := r.subscribing(c, cmdSubIssue, true)
	if err != nil {
		return err
	}
	if err := wants(c, cmdSubIssue, "customer", "channel"); err != nil {
		return err
	}
	s := subscription.Subscription{Customer: c.String("customer"), Type: subscription.Trial, NotBefore: opt.Now, Channels: channelsFlag(c)}
	if c.IsSet("type") {
		s.Type = subscription.Type(c.String("type"))
	}
	if err := checkTerms(&s); err != nil {
		return err
	}
	if c.IsSet("from") {
		if s.NotBefore, err = timeFlag(c, "from"); err != nil {
			return err
		}
	}
	if s.Expires, err = endFlags(c, s.NotBefore); err != nil {
		return err
	}
	if s.Expires.IsZero() {
		if s.Type != subscription.Trial {
			return usage("a paid subscription wants --days or --until", fmt.Sprintf("only a trial has an end of its own, after %d days", subscription.TrialDays))
		}
		s.Expires = s.NotBefore.AddDate(0, 0, subscription.TrialDays)
	}
	if !s.Expires.After(s.NotBefore) {
		return usage(fmt.Sprintf("want an end after %s, got %s", s.NotBefore.UTC().Format(time.RFC3339), s.Expires.UTC().Format(time.RFC3339)), "see --from, --days and --until")
	}
	return r.issued(c, func() (*repository.Issued, error) { return repository.Issue(opt, s) }, "Issued")
}

// subscriptionExtend is `subscription extend REPO ID`.
func (r *run) subscriptionExtend(c *cli.Context) error {
	opt, err := r.subscribing(c, cmdSubExtend, true)
	if err != nil {
		return err
	}
	change := repository.Change{Type: subscription.Type(c.String("type")), Channels: channelsFlag(c)}
	id := c.Args().Get(1)
	list, err := repository.Subscriptions(opt)
	if err != nil {
		return err
	}
	begin := opt.Now // days count from the end it has, or from now where that is past
	for i := range list {
		if list[i].ID == id && list[i].Expires.After(begin) {
			begin = list[i].Expires
		}
	}
	if change.Expires, err = endFlags(c, begin); err != nil {
		return err
	}
	if change.Expires.IsZero() && change.Type == "" && len(change.Channels) == 0 {
		return usage("subscription extend wants --days, --until, --type or --channel", "see subscription extend --help")
	}
	if err := checkTerms(&subscription.Subscription{Type: change.Type, Channels: change.Channels}); err != nil {
		return err
	}
	return r.issued(c, func() (*repository.Issued, error) { return repository.Extend(opt, id, change) }, "Extended")
}

// issued runs issue and hands its token over. A file for it is made first: a token that could
// not be written would be on record all the same.
func (r *run) issued(c *cli.Context, issue func() (*repository.Issued, error), verb string) (err error) {
	var file *os.File
	name := c.String("output")
	if name != "" {
		if file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return usage(err.Error(), "name a file that is not there yet")
		}
	}
	out, err := issue()
	if err != nil {
		if file != nil {
			_ = file.Close()
			_ = os.Remove(name)
		}
		return err
	}
	s := r.subscribedView(repository.Entry{Subscription: out.Subscription})
	r.doc.Subscription = &s
	if file != nil {
		_, err := file.WriteString(out.Token + "\n")
		if err == nil {
			err = file.Sync()
		}
		if e := file.Close(); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	} else {
		r.doc.Token = out.Token
		r.out.line("%s", out.Token)
	}
	if out.NewKey {
		r.out.line("Key of subscriptions: %s/subscription.key", place(c.String("keys")))
	}
	r.say("%s subscription %s: %s for %s, %s, until %s.", verb, s.ID, s.Type, clean(s.Customer), strings.Join(s.Channels, " and "), s.Expires.Format(time.RFC3339))
	return nil
}

// subscriptionRevoke is `subscription revoke REPO ID`.
func (r *run) subscriptionRevoke(c *cli.Context) error {
	opt, err := r.subscribing(c, cmdSubRevoke, false)
	if err != nil {
		return err
	}
	if err := wants(c, cmdSubRevoke, "reason"); err != nil {
		return err
	}
	e, err := repository.Revoke(opt, c.Args().Get(1), c.String("reason"))
	if err != nil {
		return err
	}
	view := r.subscribedView(*e)
	r.doc.Subscription = &view
	r.say("Revoked subscription %s of %s, since %s. Servers refuse it once subscriptions/revoked.json is published.", e.ID, clean(e.Customer), e.Revoked.Format(time.RFC3339))
	return nil
}

// subscriptionList is `subscription list REPO`.
func (r *run) subscriptionList(c *cli.Context) error {
	opt, err := r.subscribing(c, cmdSubList, false)
	if err != nil {
		return err
	}
	entries, err := repository.Subscriptions(opt)
	if err != nil {
		return err
	}
	views := make([]subscribed, len(entries))
	for i, e := range entries {
		views[i] = r.subscribedView(e)
		s := &views[i]
		how := s.State
		if s.State == "active" {
			how = count(s.Days, "day") + " left"
		}
		r.out.line("%s  %-5s  %s  %-12s  %s: %s", s.ID, s.Type, s.Expires.Format(time.DateOnly), how, clean(s.Customer), strings.Join(s.Channels, ", "))
		if s.Reason != "" {
			r.out.line("%s  revoked: %s", strings.Repeat(" ", len(s.ID)), clean(s.Reason))
		}
	}
	r.doc.Subscriptions = views
	if len(views) == 0 {
		r.say("No subscription was issued yet.")
	}
	return nil
}

// channelsFlag reads --channel, names parted by commas.
func channelsFlag(c *cli.Context) []string {
	if !c.IsSet("channel") {
		return nil
	}
	return strings.Split(c.String("channel"), ",")
}

// timeFlag reads a flag that is a time.
func timeFlag(c *cli.Context, name string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, c.String(name))
	if err != nil {
		return t, usage(fmt.Sprintf("--%s: want a time such as 2026-11-20T10:00:00Z, got %q", name, c.String(name)), "times are RFC 3339")
	}
	return t, nil
}

// endFlags reads --days, counted from begin, or --until; zero where neither is given.
func endFlags(c *cli.Context, begin time.Time) (time.Time, error) {
	switch {
	case c.IsSet("days") && c.IsSet("until"):
		return time.Time{}, usage("--days and --until exclude each other", "leave out one of them")
	case c.IsSet("until"):
		return timeFlag(c, "until")
	case c.IsSet("days"):
		n, err := strconv.Atoi(c.String("days"))
		if err != nil || n < 1 || n > 36_500 {
			return time.Time{}, usage("--days: want a number from 1 to 36500, got "+strconv.Quote(c.String("days")), "--until takes a date")
		}
		return begin.AddDate(0, 0, n), nil
	}
	return time.Time{}, nil
}

// checkTerms refuses, as wrong usage, what no subscription can have.
func checkTerms(s *subscription.Subscription) error {
	if s.Type != "" && s.Type != subscription.Trial && s.Type != subscription.Paid {
		return usage(fmt.Sprintf("--type: want trial or paid, got %q", string(s.Type)), "see subscription issue --help")
	}
	for _, name := range s.Channels {
		if err := checkChannel(name); err != nil {
			return err
		}
	}
	return nil
}
