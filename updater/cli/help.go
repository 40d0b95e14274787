package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// help is `help COMMAND`; --help is caught before.
func (r *run) help(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, "help"); err != nil {
		return err
	}
	l := &line{}
	if err := l.resolveHelp(c.App, c.Args().Slice()); err != nil {
		return err
	}
	writeHelp(r.out, c.App, l, r.name)
	return nil
}

// resolveHelp finds the command that help is wanted for.
func (l *line) resolveHelp(app *cli.App, words []string) error {
	l.help = true
	if err := l.resolve(app, words); err != nil {
		return err
	}
	if len(l.args) > 0 {
		return usage("help: want a command, got "+strings.Join(words, " "), "see help")
	}
	return nil
}

// writeHelp explains the command of l, or the whole program.
func writeHelp(p *printer, app *cli.App, l *line, name string) {
	what, flags, commands := app.Usage, app.Flags, app.Commands
	use := name
	if l.command != nil {
		what, flags, commands = l.command.Usage, l.command.Flags, l.command.Subcommands
		use = strings.Join(append([]string{name}, l.commands...), " ")
		if l.command.ArgsUsage != "" {
			use += " " + l.command.ArgsUsage
		}
	}
	p.wrapped(0, strings.ToUpper(what[:1])+what[1:]+".")
	p.gap()
	p.line("%s", styled{bold, "Usage"})
	if len(flags) > 0 {
		p.line("  %s [FLAGS]", use)
	}
	if len(commands) > 0 {
		p.line("  %s COMMAND [FLAGS]", use)
	} else if len(flags) == 0 {
		p.line("  %s", use)
	}
	p.writeExplanation(l.path(), name)
	if len(commands) > 0 {
		p.gap()
		p.line("%s", styled{bold, "Commands"})
		for _, c := range commands {
			p.entry(strings.TrimSpace(c.Name+" "+c.ArgsUsage), c.Usage)
		}
	}
	own, common := split(flags)
	p.flagList("Flags", own)
	p.flagList("Flags of every command", common)
}

func (p *printer) flagList(title string, list []cli.Flag) {
	if len(list) == 0 {
		return
	}
	p.gap()
	p.line("%s", styled{bold, title})
	for _, f := range list {
		p.flag(f)
	}
}

// flag explains one flag.
func (p *printer) flag(f cli.Flag) {
	var names []string
	for _, n := range f.Names() {
		names = append(names, dashed(n))
	}
	value, text := flagText(f)
	p.entry(strings.TrimSpace(strings.Join(names, ", ")+" "+value), text)
}

// flagText is what stands for the value of a flag, "" if it takes none, and what the
// flag means.
func flagText(f cli.Flag) (value, text string) {
	text = f.(cli.DocGenerationFlag).GetUsage()
	if rest, ok := strings.CutPrefix(text, "`"); ok {
		value, text, _ = strings.Cut(rest, "`: ")
	}
	return value, text
}

// entry writes a term and what it means, beside it where there is room.
func (p *printer) entry(head, text string) {
	const column = 24
	if len(head)+4 > column || p.width < 60 {
		p.line("  %s", head)
		p.wrapped(6, text)
		return
	}
	at := p.buf.Len()
	p.wrapped(column, text)
	first := p.text("  %s", head)
	copy(p.buf.Bytes()[at:], first)
}
