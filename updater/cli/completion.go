package cli

import (
	_ "embed"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

// Shell completion. The scripts only ask this program, with the words typed so far, and
// show what it answers, so that they need no change when flags come and go. The flag
// library has scripts too; they hand the command line to `eval`, which would carry out a
// $(...) in it at the press of a key, and they run whatever has the name of the launcher.
//
// The question is PROG __complete SHELL WORD... =CURRENT, the part of the current word
// before the cursor behind the sign. The answer is a line with what is wanted, `words`,
// `files`, `dirs` or `none`, and for words a line for each. Nothing else is done, and no program that
// does not know the word __complete does anything but refuse it.

// completeWord begins a question of a completion script.
const completeWord = "__complete"

//go:embed completion/bash
var bashCompletion string

//go:embed completion/zsh
var zshCompletion string

//go:embed completion/fish
var fishCompletion string

//go:embed completion/powershell
var powershellCompletion string

// completions are the scripts by shell, with PROG for the program's name.
func completions() map[string]string {
	return map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion, "powershell": powershellCompletion}
}

func completionShells() []string { return slices.Sorted(maps.Keys(completions())) }

// plainName is what a program may be called to be written into a script.
var plainName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]*$`) })

// completion is `completion SHELL`: the script for that shell, under the name that this
// program was called by.
func (r *run) completion(c *cli.Context) error {
	r.command, r.looking = cmdCompletion, true
	script, ok := completions()[c.Args().First()]
	if !ok {
		return usage(fmt.Sprintf("completion: no script for %q", c.Args().First()), "one of: "+strings.Join(completionShells(), ", "))
	}
	name := path.Base(strings.ReplaceAll(r.called, `\`, "/"))
	if !plainName().MatchString(name) {
		return usage(fmt.Sprintf("completion: the name %q cannot stand in a script", name), "call the program by a name of letters, digits, dots and dashes")
	}
	if _, err := fmt.Fprint(r.env.Stdout, strings.ReplaceAll(script, "PROG", name)); err != nil {
		return &unwrittenError{"standard output", err}
	}
	return nil
}

// answer answers a completion script. words are SHELL, the words before the current one,
// and the current one behind a sign.
func answer(r *run, app *cli.App, words []string) {
	if len(words) < 2 || !strings.HasPrefix(words[len(words)-1], "=") {
		return
	}
	shell, last := words[0], words[len(words)-1][1:]
	words = words[1 : len(words)-1]
	if shell == "bash" {
		words, last = joinEquals(words, last)
	}
	w := &wanted{r: r, app: app}
	w.find(words, last)
	kind := w.kind
	var out strings.Builder
	for _, k := range w.list {
		value := w.before + k.value
		if !strings.HasPrefix(value, last) || strings.ContainsAny(value, "\n\t") {
			continue
		}
		text := strings.Join(strings.Fields(clean(k.text)), " ")
		switch shell {
		case "bash":
			out.WriteString(value[len(w.before):]) // the sign is a border of words there
		case "zsh":
			out.WriteString(strings.ReplaceAll(value, ":", `\:`))
			if text != "" {
				out.WriteString(":" + text)
			}
		default:
			out.WriteString(value + "\t" + text)
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(r.env.Stdout, "%s\n%s", kind, out.String())
}

// joinEquals puts together what bash has taken apart at the sign: --level = 7.
func joinEquals(words []string, last string) ([]string, string) {
	var out []string
	for i := 0; i < len(words); i++ {
		if words[i] == "=" && len(out) > 0 && strings.HasPrefix(out[len(out)-1], "--") {
			out[len(out)-1] += "="
			if i++; i < len(words) {
				out[len(out)-1] += words[i]
			} else {
				last = out[len(out)-1] + last
				out = out[:len(out)-1]
			}
			continue
		}
		out = append(out, words[i])
	}
	if last == "=" && len(out) > 0 && strings.HasPrefix(out[len(out)-1], "--") {
		last = out[len(out)-1] + "="
		out = out[:len(out)-1]
	}
	return out, last
}

// candidate is a word that could come next.
type candidate struct{ value, text string }

// Kinds of what is wanted next.
const (
	wantWords = "words"
	wantFiles = "files"
	wantDirs  = "dirs"
	wantNone  = "none"
)

// wanted is what could come next on a command line.
type wanted struct {
	r      *run
	app    *cli.App
	kind   string
	before string // of a value behind --flag=
	list   []candidate

	commands []*cli.Command // of the place reached
	flags    []cli.Flag
	command  *cli.Command
	path     []string
	args     []string
	begun    string            // the current word
	given    map[string]string // flags by canonical name
	pending  cli.Flag          // wants its value
	ended    bool
}

// find reads the words that are there and sets out what could follow, last begun.
func (w *wanted) find(words []string, last string) {
	w.kind, w.commands, w.flags, w.given, w.begun = wantWords, w.app.Commands, w.app.Flags, map[string]string{}, last
	known := everyFlag(w.app)
	for _, word := range words {
		w.read(word, known)
	}
	name, _, hasValue := strings.Cut(last, "=")
	switch f := known[name]; {
	case w.pending != nil:
		w.value(w.pending)
	case !w.ended && hasValue && f != nil && takesValue(f):
		w.before = name + "="
		w.value(f)
	case !w.ended && strings.HasPrefix(last, "-"):
		w.flagList()
	case len(w.commands) > 0 && len(w.args) == 0:
		w.addCommands(w.commands)
	case w.command != nil:
		w.argument()
	default:
		w.kind = wantNone
	}
}

// read takes in one word that is there.
func (w *wanted) read(word string, known map[string]cli.Flag) {
	switch {
	case w.pending != nil:
		w.given[w.pending.Names()[0]] = word
		w.pending = nil
		return
	case !w.ended && word == "--":
		w.ended = true
		return
	case !w.ended && len(word) > 1 && word[0] == '-':
		name, value, has := strings.Cut(word, "=")
		f := known[name]
		if f == nil {
			return
		}
		w.given[f.Names()[0]] = value
		if takesValue(f) && !has {
			w.pending = f
		}
		return
	}
	i := slices.IndexFunc(w.commands, func(c *cli.Command) bool { return c.HasName(word) })
	if i < 0 || len(w.args) > 0 {
		w.args = append(w.args, word)
		return
	}
	w.command = w.commands[i]
	w.path = append(w.path, w.command.Name)
	w.commands, w.flags = w.command.Subcommands, w.command.Flags
}

func (w *wanted) add(value, text string) { w.list = append(w.list, candidate{value, text}) }

func (w *wanted) addCommands(list []*cli.Command) {
	for _, c := range list {
		if !c.Hidden {
			w.add(c.Name, c.Usage)
		}
	}
}

// flagList offers the flags that are not given yet.
func (w *wanted) flagList() {
	for _, f := range w.flags {
		if _, twice := w.given[f.Names()[0]]; !twice {
			_, text := flagText(f)
			w.add(dashed(f.Names()[0]), text)
		}
	}
	w.add("--help", "explain")
	if w.command == nil {
		w.add("--version", "print the version")
	}
}

// argument offers what the next argument of the command may be.
func (w *wanted) argument() {
	switch w.command.Name {
	case "help":
		list := w.app.Commands
		for _, word := range w.args {
			i := slices.IndexFunc(list, func(c *cli.Command) bool { return c.HasName(word) })
			if i < 0 {
				return
			}
			list = list[i].Subcommands
		}
		w.addCommands(list)
		return
	case cmdHistory, cmdResolve:
		if len(w.args) == 0 {
			w.known(w.command.Name)
		}
		if len(w.list) > 0 {
			return
		}
	case cmdCompletion:
		if len(w.args) > 0 {
			w.kind = wantNone
			return
		}
		for _, s := range completionShells() {
			w.add(s, "")
		}
		return
	}
	names := strings.Fields(w.command.ArgsUsage)
	at := len(w.args)
	if n := len(names); n > 0 && strings.Contains(names[n-1], "...") {
		at = min(at, n-1)
	}
	if at >= len(names) {
		w.kind = wantNone
		return
	}
	w.placeholder(strings.Trim(names[at], "[].|"))
}

// value offers values of a flag.
func (w *wanted) value(f cli.Flag) {
	head, _ := flagText(f)
	switch f.Names()[0] {
	case "on-conflict":
		w.add("stop", "change nothing (default)")
		w.add("ours", "your side")
		w.add("theirs", "the vendor's side")
	case "take":
		if strings.ContainsAny(w.begun, `/\`) {
			w.kind = wantFiles
			return
		}
		w.add("ours", "your side")
		w.add("theirs", "the vendor's side")
		w.add(updater.Both, "both sides, the vendor's first")
	case "format":
		for _, n := range formatNames() {
			w.add(n, "")
		}
	case "level", "channel", "to":
		w.known(f.Names()[0])
	default:
		w.placeholder(head)
	}
}

// placeholder offers what stands for a name like DIR in the help.
func (w *wanted) placeholder(name string) {
	switch name {
	case "DIR", "REPO", "HOME", "TREE":
		w.kind = wantDirs
	case "FILE", "ROOT", "X", "OURS", "BASE", "THEIRS", "NAME", "PATH":
		w.kind = wantFiles
	default:
		w.kind = wantNone
	}
}

// known offers levels, channels, snapshots, runs or conflicts of the installation, as far as they are
// known without asking anybody.
func (w *wanted) known(what string) {
	home := w.given["home"]
	if home == "" {
		if exe, err := w.r.executable(); err == nil && filepath.Base(filepath.Dir(exe)) == "bin" {
			home = filepath.Dir(filepath.Dir(exe))
		}
	}
	if home == "" {
		return
	}
	k := updater.KnownOf(home)
	switch what {
	case "channel":
		for _, c := range slices.Sorted(maps.Keys(k.Levels)) {
			w.add(c, "")
		}
	case "to":
		for _, id := range slices.Backward(k.Snapshots) {
			w.add(id, "snapshot")
		}
	case cmdHistory:
		for _, id := range slices.Backward(k.Runs) {
			w.add(id, "run")
		}
	case cmdResolve:
		for _, p := range k.Conflicts {
			w.add(string(p), "conflict")
		}
	default:
		seen := map[int64]bool{}
		for _, c := range slices.Sorted(maps.Keys(k.Levels)) {
			if given := w.given["channel"]; given != "" && given != c {
				continue
			}
			for _, l := range k.Levels[c] {
				if !seen[l] {
					seen[l] = true
					w.add(strconv.FormatInt(l, 10), "level of channel "+c)
				}
			}
		}
	}
}
