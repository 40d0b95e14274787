// Package cli is the command line: arguments in, text or one JSON document and an
// exit code out. It decides nothing about an installation; that is the engine's.
//
// # Order of a run
//
//  1. arrange (args.go) takes the arguments apart before the flag library sees them:
//     flags may stand anywhere, nothing that is misspelt is ever ignored.
//  2. The command runs. What it has to say goes into a result: a document for --json
//     and text for people. Progress goes to stderr at once, and to --events.
//  3. judge (errors.go) turns an error into exit code, message and hints.
//  4. The result is printed on stdout, errors and hints on stderr.
//
// # Promises
//
//   - stdout carries results only, stderr everything else. With --json, stdout carries
//     exactly one document, however the run ends (docs/schemas/result.json).
//   - Text that comes from a release, a repository or a file name cannot act on the
//     terminal, and values that look like secrets are masked (package mask).
//   - An interrupt (SIGINT, SIGTERM, SIGHUP) ends a run at a point where the
//     installation is old or new; a closed stdout or stderr ends nothing.
//   - Nothing is global: Main can run within itself, as the demo does.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

// Env is everything of the process that a run may look at.
type Env struct {
	Name           string // the program as it was typed
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	Now            func() time.Time
	Executable     func() (string, error)
	Version        string

	whole bool                                  // the process is this run's alone, and may become another program
	open  func(updater.Options) (engine, error) // nil: the real one; for tests
}

// System is the environment of this process; version is printed and recorded.
func System(version string) Env {
	return Env{
		Name:       os.Args[0],
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		LookupEnv:  os.LookupEnv,
		Now:        time.Now,
		Executable: os.Executable,
		Version:    version,
	}
}

// Main runs the command that args (without the program's name) ask for and returns
// the exit code, one of the exit constants.
func Main(args []string, env Env) int {
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away must not kill a commit
	// The runtime opens its poller with the first timer or file, and dies where it cannot: now
	// there are descriptors left.
	time.AfterFunc(time.Hour, func() {}).Stop()
	env.whole = true
	ctx, _ := interruptible() // to the very end: a late signal must not hide how the run ended
	return runIn(ctx, args, env)
}

// runIn is Main under a context.
func runIn(ctx context.Context, args []string, env Env) int {
	h, args, err := takeOver(args)
	argv, self := args, env.Executable
	if h != nil {
		defer func() {
			if exe, err := self(); err == nil {
				h.leave(exe)
			}
		}()
		env.Executable = func() (string, error) { return h.Program, nil }
	}
	called := env.Name
	if len(args) >= 2 && args[0] == launchedFlag {
		called = args[1]
	}
	args, name := launchedAs(args, env.Name)
	r := newRun(ctx, env, name)
	r.called, r.args, r.argv, r.handover, r.self = called, args, argv, h, self
	if err != nil {
		return r.finish(err)
	}
	app := newApp(r)
	if len(args) > 0 && args[0] == completeWord {
		answer(r, app, args[1:])
		return ExitOK
	}
	l, err := arrange(app, args)
	if err != nil {
		r.presume(args)
		return r.finish(err)
	}
	if l.help {
		r.out = newPrinter(env.Stdout, r.colour(env.Stdout, false))
		writeHelp(r.out, app, l, r.name)
		r.looking = true
		return r.finish(nil)
	}
	return r.finish(app.RunContext(ctx, l.argv(app.Name)))
}

// interruptible is a context that ends with the first interrupt. Further ones do
// nothing: the run is on its way to a safe point and will not be long. A signal that
// the caller has turned off (nohup, a background job) stays off.
func interruptible() (context.Context, context.CancelFunc) {
	var list []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return context.WithCancel(context.Background())
	}
	return signal.NotifyContext(context.Background(), list...)
}

// run is one command on its way.
type run struct {
	ctx  context.Context
	env  Env
	name string // the program as a shell takes it, with --home where it was given

	typed   string // the program alone
	called  string // the same as it was typed, not quoted
	args    []string
	argv    []string // with what a launcher put in front
	homeDir string   // the installation, once it is known

	handover *handover              // of an older updater; nil: this one was started by itself
	self     func() (string, error) // the file of this program, where it was handed over to

	typedArgs []string // the command line to repeat in hints; nil: the root command without flags

	command  string // "update", "dry-run", "release add": for the document
	json     bool
	quiet    bool
	verbose  bool
	noColour bool

	doc       result
	out       *printer // the result as text; printed at the end
	state     string   // what the run has left behind, in one sentence
	looking   bool     // the command changes nothing anywhere
	fixing    bool     // it is verify --fix
	reverting bool     // it goes back by what is kept here
	oneWay    bool     // --yes-irreversible was given
	exported  string   // where --export has written
	resultsTo io.Writer
	reporter  *reporter
}

func newRun(ctx context.Context, env Env, name string) *run {
	r := &run{ctx: ctx, env: env, name: name, typed: name, resultsTo: env.Stdout}
	r.out = newPrinter(env.Stdout, false)
	r.reporter = newReporter(r)
	return r
}

// begin reads the flags that every command has. command names the run in documents.
func (r *run) begin(c *cli.Context, command string) error {
	r.command = command
	r.json = c.Bool("json")
	r.quiet = c.Bool("quiet")
	r.verbose = c.Bool("verbose")
	r.noColour = c.Bool("no-color")
	r.out = newPrinter(r.env.Stdout, r.colour(r.env.Stdout, r.noColour))
	if r.quiet && r.verbose {
		return usage("-q and -v exclude each other", "leave out one of them")
	}
	r.reporter.log.begin()
	return r.reporter.open(c.String("events"), r.ownHome(c))
}

// colour reports whether text on w may be coloured.
func (r *run) colour(w io.Writer, off bool) bool {
	if off || !isTerminal(w) || r.dumb() {
		return false
	}
	value, set := r.env.LookupEnv("NO_COLOR")
	return !set || value == ""
}

// presume finds out how to report a command line that could not be understood.
func (r *run) presume(args []string) {
	for _, a := range args {
		switch a {
		case "--":
			return
		case "--json":
			r.json = true
		}
	}
}

// finish prints what the run has to say and returns its exit code.
func (r *run) finish(err error) int {
	var done *handedOver
	if errors.As(err, &done) {
		return done.code
	}
	v := r.judge(err)
	r.reporter.close(v)
	wrote := r.writeResult(v)
	r.writeVerdict(v)
	if wrote != nil && !errors.Is(wrote, syscall.EPIPE) {
		fmt.Fprintf(r.env.Stderr, "error: standard output: %v\n", wrote)
		if v.exit == ExitOK && r.looking {
			return ExitFailed
		}
	}
	return v.exit
}

// writeResult prints the document or the text.
func (r *run) writeResult(v verdict) error {
	if r.json {
		return r.writeDocument(v)
	}
	if r.quiet {
		return nil
	}
	return r.out.flush(r.resultsTo)
}

// writeVerdict prints error, hints and the state of the installation on stderr.
func (r *run) writeVerdict(v verdict) {
	p := newPrinter(r.env.Stderr, r.colour(r.env.Stderr, r.noColour))
	if v.text != "" {
		p.advice(styled{red, "error:"}, v.text, r.name)
	}
	for _, h := range v.hints {
		p.advice(styled{cyan, "hint:"}, h, r.name)
	}
	if v.text != "" && v.state != "" {
		p.sentence(v.state, r.name)
	}
	_ = p.flush(r.env.Stderr) // nobody is left to be told
}
