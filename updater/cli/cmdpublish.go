package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater"
)

// editing reads what every command that changes a repository is given: REPO and --keys.
func (r *run) editing(c *cli.Context, command string, making bool, needs ...string) (repository.EditOptions, error) {
	opt := repository.EditOptions{Dir: c.Args().First(), KeysDir: c.String("keys"), Now: r.env.Now()}
	if err := wants(c, command, append(needs, "keys")...); err != nil {
		return opt, err
	}
	opt.Export = r.exporter(c)
	var err error
	opt.Passphrase, err = r.passphrase(making)
	return opt, err
}

// levelArg reads argument i, an update level.
func levelArg(c *cli.Context, i int) (int64, error) {
	text := c.Args().Get(i)
	level, err := strconv.ParseInt(text, 10, 64)
	if err != nil || level < 0 || level > manifest.MaxLevel || text != strconv.FormatInt(level, 10) {
		return 0, usage(fmt.Sprintf("want an update level such as 0 or 17, got %q", text), "levels are whole numbers")
	}
	return level, nil
}

// releasePromote is `release promote REPO LEVEL`.
func (r *run) releasePromote(c *cli.Context) (err error) {
	if err = r.begin(c, cmdPromote); err != nil {
		return err
	}
	opt := repository.PromoteOptions{To: c.String("to")}
	if opt.Level, err = levelArg(c, 1); err != nil {
		return err
	}
	if err = checkChannel(opt.To); err != nil {
		return err
	}
	if opt.EditOptions, err = r.editing(c, cmdPromote, false, "to"); err != nil {
		return err
	}
	res, err := repository.Promote(r.ctx, opt)
	if err != nil {
		return err
	}
	if r.sayExported() {
		return nil
	}
	r.doc.Promoted = res
	what := "channel " + res.Channel
	if res.NewChannel {
		what = "the new channel " + res.Channel
	}
	if res.AlreadyThere {
		r.say("Level %d is in channel %s already.", res.Level, res.Channel)
		return nil
	}
	r.say("Level %d, %s %s of %s, is in %s as well now.", res.Level, res.Product.Name, res.Product.Version, res.From, what)
	return nil
}

// releaseWithdraw is `release withdraw REPO LEVEL`.
func (r *run) releaseWithdraw(c *cli.Context) (err error) {
	if err = r.begin(c, cmdWithdraw); err != nil {
		return err
	}
	opt := repository.WithdrawOptions{Reason: c.String("reason")}
	if opt.Level, err = levelArg(c, 1); err != nil {
		return err
	}
	if err = wants(c, cmdWithdraw, "reason"); err != nil {
		return err
	}
	if err = repository.CheckReason(opt.Reason); err != nil {
		return usage("--"+err.Error(), "operators read it: say what is wrong, and what to do")
	}
	if opt.EditOptions, err = r.editing(c, cmdWithdraw, false); err != nil {
		return err
	}
	res, err := repository.Withdraw(opt)
	if err != nil {
		return err
	}
	if r.sayExported() {
		return nil
	}
	r.doc.Withdrawn = res
	if res.AlreadyThere {
		r.say("Level %d was withdrawn for that reason before.", res.Level)
		return nil
	}
	r.say("Level %d is withdrawn from %s: it is not offered any more, and where it is installed, status says so.", res.Level, strings.Join(res.Channels, ", "))
	return nil
}

// releaseChannel is `release channel REPO CHANNEL`.
func (r *run) releaseChannel(c *cli.Context) (err error) {
	if err = r.begin(c, cmdChannel); err != nil {
		return err
	}
	opt := repository.ChannelOptions{Channel: c.Args().Get(1)}
	if err = checkChannel(opt.Channel); err != nil {
		return err
	}
	if err = wants(c, cmdChannel, "subscription"); err != nil {
		return err
	}
	switch text := c.String("subscription"); text {
	case "required":
		opt.Subscription = true
	case "none":
	default:
		return usage(fmt.Sprintf("--subscription: want required or none, got %q", text), "see "+cmdChannel+" --help")
	}
	if opt.EditOptions, err = r.editing(c, cmdChannel, false); err != nil {
		return err
	}
	res, err := repository.SetChannel(opt)
	if err != nil {
		return err
	}
	if r.sayExported() {
		return nil
	}
	r.doc.Channel = res
	verb := "is"
	switch {
	case res.AlreadyThere:
		verb = "was"
	case res.NewChannel:
		verb = "is made, and"
	}
	who := "open to everybody"
	if res.Subscription {
		who = "for subscribers only"
	}
	r.say("Channel %s %s %s.", res.Channel, verb, who)
	return nil
}

// releaseRefresh is `release refresh REPO`.
func (r *run) releaseRefresh(c *cli.Context) error {
	if err := r.begin(c, cmdRefresh); err != nil {
		return err
	}
	edit, err := r.editing(c, cmdRefresh, false)
	if err != nil {
		return err
	}
	opt := repository.ResignOptions{EditOptions: edit}
	if c.IsSet("role") {
		opt.Roles = strings.Split(c.String("role"), ",")
	}
	res, err := repository.Resign(opt)
	if err != nil {
		return err
	}
	res.Ending = list(res.Ending)
	if r.sayExported() {
		return nil
	}
	r.doc.Refreshed = res
	for _, e := range res.Ending {
		r.out.message(styled{yellow, "warning:"}, fmt.Sprintf("the metadata of %s ends on %s; with its keys, --role %s renews it", e.Role, when(e.Until), e.Role))
	}
	r.say("Signed again: snapshot %d, timestamp %d, valid until %s.", res.Snapshot, res.Timestamp, when(res.ValidUntil))
	return nil
}

const versionHint = "it is the version that the updater's binaries were built with"

// releaseUpdater is `release updater REPO OS-ARCH=FILE...`.
func (r *run) releaseUpdater(c *cli.Context) (err error) {
	if err = r.begin(c, cmdUpdater); err != nil {
		return err
	}
	opt := repository.UpdaterOptions{Version: c.String("version"), Files: map[string][]byte{}}
	if err = wants(c, cmdUpdater, "version"); err != nil {
		return err
	}
	if err = repository.CheckVersion(opt.Version); err != nil {
		return usage("--version: "+err.Error(), versionHint)
	}
	for _, arg := range c.Args().Slice()[1:] {
		platform, file, ok := strings.Cut(arg, "=")
		if err := repository.CheckPlatform(platform); !ok || err != nil || opt.Files[platform] != nil {
			return usage(fmt.Sprintf("want OS-ARCH=FILE, each platform once, got %q", arg), "as in linux-amd64=build/inplace")
		}
		if opt.Files[platform], err = readFile(file, repository.MaxUpdaterBytes, "name the binary of that platform"); err != nil {
			return err
		}
	}
	if opt.EditOptions, err = r.editing(c, cmdUpdater, false); err != nil {
		return err
	}
	res, err := repository.PublishUpdaters(r.ctx, opt)
	if err != nil {
		return err
	}
	if r.sayExported() {
		return nil
	}
	r.doc.Updaters = res
	var names []string
	for _, u := range res.Updaters {
		names = append(names, u.Platform)
	}
	if res.AlreadyThere {
		r.say("Updater %s was published for %s before.", opt.Version, strings.Join(names, ", "))
		return nil
	}
	r.say("Published updater %s for %s. Releases may ask for it with --updater-min.", opt.Version, strings.Join(names, ", "))
	return nil
}

// releaseList is `release list REPO`.
func (r *run) releaseList(c *cli.Context) error {
	if err := r.begin(c, cmdList); err != nil {
		return err
	}
	l, err := repository.List(c.Args().First())
	if err != nil {
		return err
	}
	r.doc.Offered = l
	r.out.line("%s: valid until %s; release refresh signs it again", l.Product, when(l.Expires))
	for _, ch := range l.Channels {
		r.out.gap()
		who := ""
		if ch.Subscription {
			who = ", for subscribers only"
		}
		r.out.line("Channel %s%s (%d)", ch.Name, who, len(ch.Releases))
		for _, rel := range ch.Releases {
			text := r.out.text("%5d  %s  %s  %s", rel.Level, rel.Released.UTC().Format(time.DateOnly), rel.Version, fixCounts(updater.CountFixes(rel.Fixes)))
			r.out.line("  %s", strings.TrimRight(text, " "))
			if rel.Withdrawn != "" {
				r.out.line("         withdrawn: %s", rel.Withdrawn)
			}
		}
	}
	if len(l.Updaters) > 0 {
		r.out.gap()
	}
	for _, u := range l.Updaters {
		r.out.line("Updater %s for %s", u.Version, u.Platform)
	}
	return nil
}

// publishCommands are the commands that show and change what a repository says of its releases.
func publishCommands(r *run) []*cli.Command {
	keys := func() cli.Flag { return textFlag("keys", "DIR", "directory of the private keys") }
	return []*cli.Command{
		{Name: "list", Usage: "list what is published, by channel", ArgsUsage: "REPO", Action: r.releaseList, Flags: flags()},
		{Name: "promote", Usage: "publish a level in another channel as well", ArgsUsage: "REPO LEVEL", Action: r.releasePromote, Flags: flags(
			textFlag("to", "C", "the channel; made on first use"), keys(), exportFlag(),
		)},
		{Name: "withdraw", Usage: "offer a level to nobody any more", ArgsUsage: "REPO LEVEL", Action: r.releaseWithdraw, Flags: flags(
			textFlag("reason", "TEXT", "why, one line for operators"), keys(), exportFlag(),
		)},
		{Name: "channel", Usage: "say who may have a channel; makes one that is not there", ArgsUsage: "REPO CHANNEL", Action: r.releaseChannel, Flags: flags(
			textFlag("subscription", "WHO", "required: for subscribers only; none: for everybody"), keys(), exportFlag(),
		)},
		{Name: "updater", Usage: "publish the updater itself, for those that are too old for a release", ArgsUsage: "REPO OS-ARCH=FILE...", Action: r.releaseUpdater, Flags: flags(
			textFlag("version", "V", "the version that the binaries were built with"), keys(), exportFlag(),
		)},
		{Name: "refresh", Usage: "sign snapshot and timestamp again, for them not to expire", ArgsUsage: "REPO", Action: r.releaseRefresh, Flags: flags(
			textFlag("keys", "DIR", "directory with at least the keys of snapshot and timestamp"),
			textFlag("role", "ROLE,...", "sign these anew as well, such as root, targets or a channel"), exportFlag(),
		)},
		keysCommand(r), signCommand(r),
	}
}
