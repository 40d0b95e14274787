package cli

import (
	"bytes"
	"fmt"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

func diffCommand(r *run) *cli.Command {
	return &cli.Command{Name: "diff", Usage: "show your edits against what was shipped, or with --level what the vendor changes", ArgsUsage: "[PATH...]",
		Action: r.diff, Flags: flags(
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE`: write the difference there, exact and for your eyes only, for git apply or patch -p1"},
			boolFlag("show-secrets", "do not mask values that look like secrets"),
			textFlag("level", "N", "show what the vendor changes from the installed level to N; with --to, from N"),
			textFlag("to", "M", "with --level: show what the vendor changes from level N to M"),
			textFlag("source", "REPO", "take what is not kept here from this repository"),
			textFlag("allow-stale", "REASON", "with --level: accept metadata that is past its date"),
			homeFlag(),
		)}
}

// diff is `diff`.
func (r *run) diff(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdDiff); err != nil {
		return err
	}
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	to, hasTo, err := levelFlag(c, "to")
	if err != nil {
		return err
	}
	for _, f := range []string{"to", "allow-stale"} {
		if c.IsSet(f) && !opt.HasLevel {
			return usage("--"+f+" is of use only with --level", "--level N --to M shows what the vendor changes from level N to M")
		}
	}
	if err := r.mayWrite("-o", c.String("output"), opt); err != nil {
		return err
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	what := updater.DiffOptions{Paths: c.Args().Slice(), Out: c.String("output"), Known: r.known()}
	var d *updater.Diff
	switch {
	case hasTo:
		d, err = e.DiffLevels(r.ctx, &opt.Level, to, what)
	case opt.HasLevel:
		d, err = e.DiffLevels(r.ctx, nil, opt.Level, what)
	default:
		d, err = e.Diff(r.ctx, what)
	}
	if err != nil {
		return err
	}
	r.doc.Diff = d
	if file := c.String("output"); file != "" {
		return r.writePatch(file, d)
	}
	r.showDiff(d, c.Bool("show-secrets"))
	return nil
}

// patchHead says in front of a patch what it does not have, of long lists the first
// lines if cut is set; git apply and patch pass over it.
func patchHead(d *updater.Diff, cut bool) []byte {
	var b bytes.Buffer
	n := d.LeftOut()
	if n == 0 {
		return nil
	}
	fmt.Fprintf(&b, "%s not in this patch:\n", count(n, "path"))
	shown := 0
	for i := range d.Files {
		f := &d.Files[i]
		if f.LeftOut == "" {
			continue
		}
		if cut && shown == fewRows && n > fewRows+1 {
			fmt.Fprintf(&b, "  and %d more, -v lists all\n", n-shown)
			break
		}
		shown++
		fmt.Fprintf(&b, "  %s %s (%s)\n", f.What, diffName(f), f.LeftOut)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func diffName(f *updater.FileDiff) string {
	if f.From != "" {
		return f.From.String() + " -> " + f.Path.String()
	}
	return f.Path.String()
}

// wholePatch is what goes into a file, every byte as it is.
func wholePatch(d *updater.Diff) []byte {
	out := patchHead(d, false)
	for i := range d.Files {
		out = append(out, d.Files[i].Patch...)
	}
	return out
}

// writePatch writes the exact difference into a file that nobody else can read.
func (r *run) writePatch(file string, d *updater.Diff) error {
	patched := len(d.Files) - d.LeftOut()
	if patched == 0 {
		r.out.line("%s: nothing differs that a patch can have; none was written.", styled{bold, d.Product})
		r.leftOutText(d)
		return nil
	}
	if err := writePrivate(file, wholePatch(d)); err != nil {
		return err
	}
	r.out.line("%s: wrote %s with %s. Take it elsewhere with: git apply FILE, or patch -p1 <FILE", styled{bold, d.Product}, file, count(patched, "file"))
	for i := range d.Files {
		if f := &d.Files[i]; f.Secret() {
			r.reporter.say("warning: %s: the patch holds values that look like secrets; give it to nobody who may not know them", f.Path)
		}
	}
	r.warnOfModes(d)
	r.leftOutText(d)
	return nil
}

// warnOfModes says which files would not keep their modes with git apply.
func (r *run) warnOfModes(d *updater.Diff) {
	n, first := 0, ""
	for i := range d.Files {
		f := &d.Files[i]
		if f.Patch == nil || f.Mode == 0 || f.Mode == 0o644 || f.Mode == 0o755 {
			continue
		}
		if n++; n == 1 {
			first = fmt.Sprintf("%s (mode %04o)", f.Path, f.Mode)
		}
	}
	if n > 1 {
		first += fmt.Sprintf(" and %d more", n-1)
	}
	if n > 0 {
		r.reporter.say("warning: %s: git apply keeps of a mode only whether a file is executable, and makes it 0644 or 0755; patch -p1 keeps it", first)
	}
}

func (r *run) leftOutText(d *updater.Diff) {
	var rows []row
	for i := range d.Files {
		if f := &d.Files[i]; f.LeftOut != "" {
			rows = append(rows, row{"!", diffName(f), f.What + ", " + f.LeftOut})
		}
	}
	r.rows("Not in the patch", yellow, rows)
}

// showDiff prints the difference: coloured and made safe on a terminal, else byte for
// byte, so that it can be piped. Secrets are masked unless they are asked for.
func (r *run) showDiff(d *updater.Diff, secrets bool) {
	if r.json {
		return
	}
	terminal := isTerminal(r.resultsTo)
	masked := false
	show := func(text []byte) {
		if terminal {
			r.diffLines(string(text))
		} else {
			r.out.raw(text)
		}
	}
	show(patchHead(d, !r.verbose))
	for i := range d.Files {
		text := d.Files[i].Patch
		if !secrets {
			text, masked = d.Files[i].Masked, masked || d.Files[i].Secret()
		}
		show(text)
	}
	switch {
	case r.quiet:
	case len(d.Files) == 0:
		r.reporter.say("Nothing differs.")
	case masked:
		r.reporter.say("Values that look like secrets are masked: this is not to be applied. -o FILE writes the exact difference, --show-secrets shows it.")
	}
}
