package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

func supportCommand(r *run) *cli.Command {
	return &cli.Command{Name: "support", Usage: "gather what somebody needs who is to help, with secrets masked",
		Action: r.support, Flags: flags(
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE`: write it there, readable for you alone, instead of standard output"},
			homeFlag(),
		)}
}

// supported is the outcome of `support` in documents.
type supported struct {
	File  string                `json:"file,omitempty"`
	Text  string                `json:"text,omitempty"` // unless it went into a file
	Parts []updater.SupportPart `json:"parts"`
}

// support is `support`. It does not open the installation as other commands do: it has
// to work where that fails.
func (r *run) support(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdSupport); err != nil {
		return err
	}
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	if err := r.mayWrite("-o", c.String("output"), opt); err != nil {
		return err
	}
	parts, err := updater.Support(r.ctx, opt)
	if err != nil {
		return err
	}
	text := r.supportText(parts, r.env.Version, r.env.Now())
	r.doc.Support = &supported{Parts: parts}
	r.unreadParts(parts)
	file := c.String("output")
	if file == "" {
		r.doc.Support.Text = text
		if !r.json {
			r.out.raw([]byte(text))
		}
		return nil
	}
	if err := writePrivate(file, []byte(text)); err != nil {
		return err
	}
	r.doc.Support.File = file
	r.out.line("Wrote %s (%s): %s.", file, size(int64(len(text))), strings.ToLower(partNames(parts)))
	r.out.wrapped(0, "What looks like a secret is masked, and no file of the product is in it. Look through it before you give it away.")
	return nil
}

func partNames(parts []updater.SupportPart) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// unreadParts tells which parts are not whole.
func (r *run) unreadParts(parts []updater.SupportPart) {
	if r.quiet {
		return
	}
	for _, p := range parts {
		if p.Err != "" {
			r.reporter.say("warning: %s: %s", p.Name, p.Err)
		}
	}
}

// supportText is the support file: Markdown, every line masked and harmless to a terminal.
func (r *run) supportText(parts []updater.SupportPart, version string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Support file\n\nMade by inplace %s at %s. It has: %s.\n", version, now.UTC().Format(time.RFC3339), strings.ToLower(partNames(parts)))
	b.WriteString("Values of keys that look like secrets are masked as ********, and no file of the product is in it.\nLook through it before you give it away.\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "\n## %s\n\n", p.Name)
		if p.Err != "" {
			fmt.Fprintf(&b, "Could not be read, or not all of it: %s\n\n", clean(r.maskText(p.Err)))
		}
		text := strings.TrimRight(p.Text, "\n")
		if text == "" {
			b.WriteString("Nothing.\n")
			continue
		}
		for l := range strings.SplitSeq(r.maskText(text), "\n") {
			fmt.Fprintf(&b, "    %s\n", clean(strings.TrimSuffix(l, "\r")))
		}
	}
	return b.String()
}
