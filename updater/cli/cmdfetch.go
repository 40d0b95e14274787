package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/manifest"
	"inplace/updater"
)

// fromNone is the value of --from that asks for everything.
const fromNone = "none"

func fetchCommand(r *run) *cli.Command {
	return &cli.Command{Name: "fetch", Usage: "write what updates need into one file, for machines without a network", Action: r.fetch, Flags: flags(
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE`: the bundle to write; nothing is overwritten"},
		textFlag("from", "LEVEL", "the oldest level to update from, or none for everything of the channel (default: the installed level, else none)"),
		textFlag("to", "LEVEL", "the level to update to (default: the newest of the channel)"),
		textFlag("channel", "C", "the channel (default: the installation's, else full)"),
		textFlag("source", "REPO", "the repository (default: the installation's)"),
		textFlag("root", "ROOT", "the vendor's root.json, or sha256:FINGERPRINT as announced; without an installation"),
		textFlag("allow-stale", "REASON", "accept metadata that is past its date; REASON goes into the document"),
		homeFlag(),
	)}
}

// fetch is `fetch -o FILE`.
func (r *run) fetch(c *cli.Context) error {
	if err := r.begin(c, cmdFetch); err != nil {
		return err
	}
	opt := updater.FetchOptions{
		To: c.String("output"), Source: c.String("source"), Channel: c.String("channel"), Root: c.String("root"),
		AllowStale: c.String("allow-stale"), Access: r.access(), Renew: r.renewing(), Engine: r.env.Version, Now: r.env.Now, Report: r.reporter.report,
	}
	if opt.To == "" || opt.To == "-" {
		return usage("fetch wants to know where to: -o", "write -o FILE")
	}
	var err error
	if opt.Whole = c.String("from") == fromNone; !opt.Whole {
		opt.From, opt.HasFrom, err = levelFlag(c, "from")
	}
	if err == nil {
		opt.Level, opt.HasLevel, err = levelFlag(c, "to")
	}
	if err == nil {
		err = checkChannel(opt.Channel)
	}
	if err == nil && opt.HasFrom && opt.HasLevel && opt.From > opt.Level {
		err = usage("--from is above --to", "a bundle leads from older levels to a newer one")
	}
	if err != nil {
		return err
	}
	home, err := r.packHome(c, false)
	if err != nil {
		return err
	}
	var f *updater.Fetched
	if home == "" {
		f, err = updater.Fetch(r.ctx, opt)
	} else {
		f, err = r.fetchBy(home, opt)
	}
	if err != nil {
		return err
	}
	r.doc.Fetched = f
	r.fetchedText(f)
	return nil
}

// fetchBy fetches from the source of the installation at home.
func (r *run) fetchBy(home string, opt updater.FetchOptions) (*updater.Fetched, error) {
	e, err := r.open(updater.Options{
		Home: home, Source: opt.Source, Channel: opt.Channel, AllowStale: opt.AllowStale,
		Access: opt.Access, Renew: r.renewing(), Engine: r.env.Version, Now: opt.Now, Report: opt.Report,
	})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Fetch(r.ctx, opt)
}

// fetchedText tells what is in a bundle, and until when it is taken.
func (r *run) fetchedText(f *updater.Fetched) {
	out := r.out
	out.line("%s: to %s, channel %s", styled{bold, f.Product}, f.To.Name(), f.Channel)
	if f.Newest > f.To.Level {
		out.message(styled{yellow, "warning:"}, "the newest of the channel is level "+strconv.FormatInt(f.Newest, 10))
	}
	switch {
	case f.Whole:
		out.wrapped(0, "Everything up to there: for adopting, and for going from any level to any other.")
		if len(f.LeftOut) > 0 {
			out.wrapped(0, "Not in it: other channels ("+strings.Join(f.LeftOut, ", ")+").")
		}
	case len(f.Levels) == 0:
		out.wrapped(0, "There is nothing newer to go to.")
	default:
		out.wrapped(0, "For updates from "+levelList(f.Levels)+".")
	}
	if f.FirstUse {
		out.line("Root of trust, sha256: %s", f.RootDigest)
		out.wrapped(0, "It was trusted because it came first: compare it with what the vendor announces, or name it with --root.")
	}
	out.wrapped(0, "Taken until "+f.Expires.Format(time.RFC3339)+", as the vendor has signed it; later only with --allow-stale REASON.")
	out.gap()
	out.line("sha256: %s", f.Digest.Hex())
	verb := "Fetched"
	if f.Same {
		verb = "There already"
	}
	r.say("%s: %s (%s in %s)", verb, manifest.Path(f.Output), count(f.Files, "file"), size(f.Bytes))
}

// levelList is levels as text, the middle of many left out.
func levelList(levels []int64) string {
	text, most := "", 8
	for i, n := range levels {
		switch {
		case i > 0 && i == len(levels)-1:
			text += " and "
		case i > 0 && (i < most || len(levels) <= most+1):
			text += ", "
		case i == most:
			text += ", ..."
			continue
		case i > 0:
			continue
		}
		text += strconv.FormatInt(n, 10)
	}
	if len(levels) == 1 {
		return "level " + text
	}
	return "levels " + text
}
