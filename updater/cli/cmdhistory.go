package cli

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

func historyCommand(r *run) *cli.Command {
	return &cli.Command{Name: "history", Usage: "list what was done here, the newest last; with an ID: what that run changed", ArgsUsage: "[ID]",
		Action: r.history, Flags: flags(&cli.StringFlag{Name: "newest", Aliases: []string{"n"}, Usage: "`N`: only the newest N"}, homeFlag())}
}

// history is `history [ID]`.
func (r *run) history(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdHistory); err != nil {
		return err
	}
	newest, err := newestFlag(c)
	if err != nil {
		return err
	}
	id := c.Args().First()
	if id != "" && c.IsSet("newest") {
		return usage("history: -n and an ID exclude each other", "leave out one of them")
	}
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	if id != "" {
		s, err := e.Summary(id)
		if err != nil {
			return err
		}
		r.doc.Summary = s
		r.summaryText(s)
		return nil
	}
	entries, err := e.History()
	if err != nil {
		return err
	}
	if newest < len(entries) {
		entries = entries[len(entries)-newest:]
	}
	r.doc.History = list(entries)
	r.historyText(entries)
	return nil
}

// newestFlag reads -n.
func newestFlag(c *cli.Context) (int, error) {
	text := c.String("newest")
	if text == "" {
		return math.MaxInt, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, usage("-n: want a number from 1 on, got "+strconv.Quote(text), "-n 5 shows the newest five")
	}
	return n, nil
}

// quotedWord is a word, or what stands in backquotes, which is never broken.
var quotedWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("`[^`]*`\\S*|\\S+") })

// summaryText shows what a run changed, as the Markdown that the run left.
func (r *run) summaryText(s *updater.Summary) {
	view := *s
	if view.Back != "" {
		view.Back = r.shell("--revert", "--to", view.Snapshot)
	}
	rows := fewRows * 10
	if r.verbose {
		rows = math.MaxInt
	}
	for l := range strings.Lines(view.Markdown(rows, clean)) {
		l = strings.TrimSuffix(l, "\n")
		switch {
		case strings.HasPrefix(l, "#"):
			l = strings.TrimLeft(l, "# ")
			if !r.out.tty || utf8.RuneCountInString(l) <= r.out.width {
				r.out.line("%s", styled{bold, l})
				continue
			}
			r.out.fill(0, 0, strings.Fields(clean(l)))
		case !r.out.tty || utf8.RuneCountInString(l) <= r.out.width:
			r.out.line("%s", l)
		default:
			r.out.buf.WriteString("-")
			r.out.fill(2, 1, quotedWord().FindAllString(clean(strings.TrimLeft(l, "-> ")), -1))
		}
	}
}
