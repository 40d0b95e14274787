package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The flag library stops at the first word that is no flag: `status x --dry-run`
// would run for real, with --dry-run as an argument; a misspelt command would run
// the root action. An updater cannot afford either, so the command line is taken
// apart here, checked against the table of commands, and handed on in the one form
// that the library reads right: commands, --flag=value, --, arguments.

// launchedFlag is put in front by the launchers: --launched-as "$0".
const launchedFlag = "--launched-as"

// launchedAs takes the launcher's pair off args and returns the program's name as
// a shell takes it, to be printed in hints.
func launchedAs(args []string, own string) (rest []string, name string) {
	if len(args) >= 2 && args[0] == launchedFlag {
		args, own = args[2:], args[1]
		if own != "" && !strings.ContainsAny(own, `/\`) {
			return args, "sh " + shellQuote(own) // `sh update.sh`: a shell finds it in its own directory
		}
	}
	if own == "" {
		own = "inplace"
	}
	return args, shellQuote(own)
}

// usageError is a command line, or an environment, that cannot be acted on.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

func usage(text, hint string) error { return &usageError{text, hint} }

// line is a command line taken apart.
type line struct {
	commands []string // their names, outermost first; none: the root
	command  *cli.Command
	flags    []string // --name or --name=value
	args     []string
	help     bool
}

// argv is the line in the form that the flag library reads right.
func (l *line) argv(name string) []string {
	out := append([]string{name}, l.commands...)
	out = append(out, l.flags...)
	if len(l.args) > 0 {
		out = append(append(out, "--"), l.args...)
	}
	return out
}

// arrange takes args apart. The error is a *usageError.
func arrange(app *cli.App, args []string) (*line, error) {
	known := everyFlag(app)
	l := &line{}
	given := map[string]string{} // canonical flag name -> as typed
	var words []string
	ended := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case ended:
			l.args = append(l.args, arg)
			continue
		case arg == "--":
			ended = true
			continue
		case arg == "-h" || arg == "--help":
			l.help = true
			continue
		case arg == "--version" && len(words) == 0: // not release add's
			words = append(words, cmdVersion)
			continue
		case len(arg) < 2 || arg[0] != '-':
			words = append(words, arg)
			continue
		}
		typed, value, hasValue := strings.Cut(arg, "=")
		f := known[typed]
		if f == nil {
			return nil, unknownFlag(typed, known)
		}
		name := "--" + f.Names()[0]
		if before, twice := given[name]; twice {
			return nil, usage(fmt.Sprintf("%s is given twice", before), "give it once")
		}
		given[name] = typed
		if !takesValue(f) {
			if hasValue {
				return nil, usage(fmt.Sprintf("%s takes no value, got %q", typed, value), "write "+typed)
			}
			l.flags = append(l.flags, name)
			continue
		}
		if !hasValue {
			if i++; i == len(args) {
				return nil, usage(typed+" wants a value", "write "+typed+" VALUE")
			}
			if value = args[i]; len(value) > 1 && value[0] == '-' {
				return nil, usage(fmt.Sprintf("%s wants a value, got the flag %s", typed, value),
					fmt.Sprintf("write %s=%s if that is the value", typed, shellQuote(value)))
			}
		}
		if value == "" {
			return nil, usage(typed+" wants a value, got an empty one", "give a value or leave the flag out")
		}
		l.flags = append(l.flags, name+"="+value)
	}
	if err := l.resolve(app, words); err != nil || l.help {
		return l, err
	}
	return l, l.checkFlags(app, given)
}

// resolve finds the command in words and puts the rest into args.
func (l *line) resolve(app *cli.App, words []string) error {
	list := app.Commands
	for len(words) > 0 && len(list) > 0 {
		i := slices.IndexFunc(list, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			return unknownCommand(words[0], l.commands, list)
		}
		l.command, l.commands = list[i], append(l.commands, list[i].Name)
		list, words = list[i].Subcommands, words[1:]
	}
	if len(list) > 0 && l.command != nil && !l.help {
		return usage(l.path()+" wants one of "+strings.Join(commandNames(list), ", "), "see --help")
	}
	l.args = append(words, l.args...)
	if l.command == nil {
		if len(l.args) > 0 {
			return usage(fmt.Sprintf("want no argument, got %q", l.args[0]), "see --help")
		}
		return nil
	}
	if l.help {
		return nil
	}
	least, most := argCount(l.command.ArgsUsage)
	if n := len(l.args); n < least || n > most {
		got := "got none"
		switch {
		case n > most:
			got = fmt.Sprintf("got %q too", l.args[most])
		case n > 0:
			got = fmt.Sprintf("got only %q", l.args)
		}
		want := l.command.ArgsUsage
		if want == "" {
			want = "no argument"
		}
		return usage(fmt.Sprintf("%s wants %s, %s", l.path(), want, got), "see "+l.path()+" --help")
	}
	if i := slices.Index(l.args, ""); i >= 0 {
		return usage(fmt.Sprintf("%s: argument %d is empty", l.path(), i+1), "see "+l.path()+" --help")
	}
	return nil
}

func (l *line) path() string { return strings.Join(l.commands, " ") }

// checkFlags reports the first flag that is not one of the command's.
func (l *line) checkFlags(app *cli.App, given map[string]string) error {
	own := map[string]cli.Flag{}
	list, who := app.Flags, "an update"
	if l.command != nil {
		list, who = l.command.Flags, l.path()
	}
	addFlags(own, list)
	for _, f := range l.flags {
		name, _, _ := strings.Cut(f, "=")
		if own[name] != nil {
			continue
		}
		hint := "see " + strings.TrimSpace(l.path()+" --help")
		if s := nearest(name, flagNames(own)); s != "" {
			hint = "did you mean " + s + "?"
		}
		return usage(fmt.Sprintf("%s is no flag of %s", given[name], who), hint)
	}
	return nil
}

// anyNumber is how many arguments a command takes that takes as many as there are.
const anyNumber = 1 << 20

// argCount reads how many arguments a command takes from a usage like "REPO [TREE]"
// or "[PATH...]".
func argCount(text string) (least, most int) {
	for _, w := range strings.Fields(text) {
		if strings.Contains(w, "...") {
			most += anyNumber
		}
		most++
		if w[0] != '[' {
			least++
		}
	}
	return least, most
}

// everyFlag maps each spelling of each flag of any command to the flag. A name means
// the same everywhere as far as taking a value goes (a test sees to that).
func everyFlag(app *cli.App) map[string]cli.Flag {
	all := map[string]cli.Flag{}
	addFlags(all, app.Flags)
	var visit func([]*cli.Command)
	visit = func(list []*cli.Command) {
		for _, c := range list {
			addFlags(all, c.Flags)
			visit(c.Subcommands)
		}
	}
	visit(app.Commands)
	return all
}

func addFlags(to map[string]cli.Flag, list []cli.Flag) {
	for _, f := range list {
		for _, n := range f.Names() {
			to[dashed(n)] = f
		}
	}
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}
