package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/updater"
	"inplace/updater/report"
)

// checkReport refuses a report that could be a mistyped file of somebody's.
func checkReport(c *cli.Context) error {
	file := c.String("report")
	if file == "" {
		return nil
	}
	if ext := strings.ToLower(filepath.Ext(file)); ext != ".html" && ext != ".htm" {
		return usage("--report: want a file named *.html, got "+shellQuote(file), "the report is one page of HTML")
	}
	return nil
}

// writeReport writes the page of a plan where --report asks for it. What is there
// already is replaced in one step; only its owner can read it, since what a mask does not
// know as a secret stands in it.
func (r *run) writeReport(c *cli.Context, p *updater.Plan) error {
	file := c.String("report")
	if file == "" {
		return nil
	}
	made, err := replaceFile(file, func(f *os.File) error {
		opt := report.Options{Mask: r.maskText, Size: size, Count: count}
		if r.looking && p.Action != "none" {
			opt.Command = r.again(c)
		}
		return report.HTML(f, p, opt)
	})
	if err != nil {
		return notWritten("report", file, "report", made, err)
	}
	r.out.line("The report is in %s", place(file))
	return nil
}
