package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/updater"
	"inplace/updater/conflict"
)

func resolveCommand(r *run) *cli.Command {
	return &cli.Command{Name: "resolve", Usage: "list the conflicts that wait, and decide them", ArgsUsage: "[PATH]", Action: r.resolve, Flags: flags(
		textFlag("conflict", "ID", "only this place of PATH: its number, or its ID"),
		textFlag("take", "SIDE", "ours, theirs, both (the vendor's first), or else a FILE that holds the text"),
		boolFlag("edit", "open PATH with its markers in $VISUAL or $EDITOR"),
		textFlag("tool", "NAME", "open PATH in this merge tool; on a terminal, m takes the one of git's configuration"),
		textFlag("why", "TEXT", "the reason, for the record"),
		boolFlag("remembered", "list the resolutions that are remembered"),
		boolFlag("forget", "forget what is remembered of PATH, or under an ID given in its place, or everything"),
		textFlag("export", "FILE", "write what is remembered into FILE, for other installations of the product"),
		textFlag("import", "FILE", "remember what another installation has exported"),
		boolFlag("yes", "ask nothing"),
		homeFlag(),
	)}
}

// resolve is `resolve`: it lists what waits, asks about it on a terminal, or does what
// its flags say.
func (r *run) resolve(c *cli.Context) error {
	if err := r.begin(c, cmdResolve); err != nil {
		return err
	}
	task, err := resolveTask(c)
	if err != nil {
		return err
	}
	opt, err := r.options(c)
	if err != nil {
		return err
	}
	if err := r.mayWrite("--export", c.String("export"), opt); err != nil {
		return err
	}
	e, err := r.open(opt)
	if err != nil {
		return err
	}
	defer e.Close()
	path := c.Args().First()
	switch task {
	case "remembered", "forget", "export", "import":
		return r.memory(c, e, task, path)
	case "edit", "tool", "take":
		p, err := e.Named(path)
		if err != nil {
			return err
		}
		do := updater.ResolveOptions{Path: p, Conflict: c.String("conflict"), Why: c.String("why")}
		if task == "take" {
			if err := takeFlag(c.String("take"), &do); err != nil {
				return err
			}
			return r.showWaiting(e.Resolve(r.ctx, do))
		}
		v, err := e.Workspace(r.ctx)
		if err != nil {
			return err
		}
		w := waitingAt(v, do)
		if w == nil {
			return &updater.NoConflictError{Path: do.Path, Conflict: do.Conflict}
		}
		if err := r.openIn(task, c.String("tool"), w, bufferedInput(r.env.Stdin)); err != nil {
			return err
		}
		return r.showWaiting(e.Workspace(r.ctx))
	}
	v, err := e.Workspace(r.ctx)
	if err == nil && r.asks(c) && v.Open > 0 {
		return r.askEach(e, v, path)
	}
	if err == nil && path != "" {
		v, err = only(e, v, path)
	}
	return r.showWaiting(v, err)
}

// resolveTask is the one flag that says what to do; "" lists.
func resolveTask(c *cli.Context) (string, error) {
	task := ""
	for _, f := range []string{"take", "edit", "tool", "remembered", "forget", "export", "import"} {
		if !c.IsSet(f) {
			continue
		}
		if task != "" {
			return "", usage("--"+task+" and --"+f+" exclude each other", "do one after the other")
		}
		task = f
	}
	deciding := task == "take" || task == "edit" || task == "tool"
	switch {
	case deciding && c.Args().Len() == 0:
		return "", usage("resolve --"+task+" wants a PATH", "see the paths that wait: resolve")
	case !deciding && (c.IsSet("conflict") || c.IsSet("why")):
		return "", usage("--conflict and --why go with --take, --edit or --tool", "see resolve --help")
	case c.Args().Len() > 0 && task != "" && !deciding && task != "forget":
		return "", usage("resolve --"+task+" takes no PATH", "see resolve --help")
	}
	return task, nil
}

// takeFlag reads --take. A file that has the name of a side is written ./ours.
func takeFlag(value string, do *updater.ResolveOptions) error {
	switch value {
	case "ours", "theirs", updater.Both:
		do.Take = value
		return nil
	}
	data, err := readLimited(value)
	if err != nil {
		return usage("--take: want ours, theirs, both or a file: "+err.Error(), "a file is named from the current directory")
	}
	do.Text = data
	return nil
}

// only leaves what waits at path.
func only(e engine, v *updater.Workspace, path string) (*updater.Workspace, error) {
	p, err := e.Named(path)
	if err != nil {
		return nil, err
	}
	some := *v
	some.Conflicts = nil
	for _, w := range v.Conflicts {
		if w.Path == p {
			some.Conflicts = append(some.Conflicts, w)
		}
	}
	if len(some.Conflicts) == 0 {
		return nil, &updater.NoConflictError{Path: p}
	}
	return &some, nil
}

// waitingAt is the conflict that is named, or the first of the path.
func waitingAt(v *updater.Workspace, do updater.ResolveOptions) *updater.Waiting {
	for i := range v.Conflicts {
		w := &v.Conflicts[i]
		if w.Path == do.Path && (do.Conflict == "" || do.Conflict == fmt.Sprint(w.Number) || conflict.ID(w.ID).Matches(do.Conflict)) {
			return w
		}
	}
	return nil
}

// showWaiting reports what waits now.
func (r *run) showWaiting(v *updater.Workspace, err error) error {
	if err != nil {
		return err
	}
	view := *v
	view.Conflicts = list(v.Conflicts)
	r.doc.Workspace = &view
	r.recoveryText(v.Recovery)
	r.workspaceText(v)
	return nil
}

// memory does what is about resolutions that are remembered.
func (r *run) memory(c *cli.Context, e engine, task, path string) error {
	var v *updater.Resolutions
	var err error
	switch task {
	case "remembered":
		v, err = e.Remembered()
	case "forget":
		if path == "" && r.asks(c) {
			if yes, err := r.askWhether("Forget every resolution?"); err != nil || !yes {
				return joinDeclined(err)
			}
		}
		v, err = e.Forget(r.ctx, path)
	case "export":
		v, err = r.export(e, c.String("export"))
	case "import":
		var data []byte
		if data, err = readExport(c.String("import")); err == nil {
			v, err = e.Import(r.ctx, place(c.String("import")).String(), data)
		}
	}
	if err != nil {
		return err
	}
	view := *v
	view.List, view.Faults = list(v.List), list(v.Faults)
	r.doc.Resolutions = &view
	r.rememberedText(v)
	switch task {
	case "remembered":
		r.say("%s remembered.", count(len(v.List), "resolution"))
	case "forget":
		r.say("%s forgotten.", count(len(v.List), "resolution"))
	case "export":
		r.say("%s written to %s, readable for you alone: what was decided may hold passwords.", count(len(v.List), "resolution"), place(c.String("export")))
	case "import":
		r.say("%s read: %d new, %d decided anew, the rest known.", count(len(v.List), "resolution"), v.New, v.Changed)
	}
	return nil
}

func joinDeclined(err error) error {
	if err != nil {
		return err
	}
	return updater.ErrDeclined
}

func (r *run) export(e engine, file string) (*updater.Resolutions, error) {
	v, data, err := e.Export()
	if err == nil {
		err = writePrivate(file, data)
	}
	return v, err
}

// readExport reads a file of resolutions, no further than one can be long.
func readExport(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, usage("--import: "+place(file).String()+": "+bareCause(err).Error(), "name a file that resolve --export has written")
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, conflict.MaxExport+1))
}

// checkContinue refuses flags that do not go with --continue or --abort.
func checkContinue(c *cli.Context) error {
	for _, which := range []string{"continue", "abort"} {
		if !c.Bool(which) {
			continue
		}
		for _, f := range []string{"continue", "abort", "dry-run", "prepare", "plan", "plan-out", "revert", "level", "channel", "source"} {
			if f != which && c.IsSet(f) {
				return usage("--"+which+" and --"+f+" exclude each other", "what the conflicts are about was said when the update began; --abort forgets it")
			}
		}
	}
	if c.Bool("abort") {
		for _, f := range []string{"on-conflict", "report", "full-backup", "allow-running", "allow-stale"} {
			if c.IsSet(f) {
				return usage("--abort and --"+f+" exclude each other", "--abort only throws away what waits")
			}
		}
	}
	return nil
}

// abort is --abort.
func (r *run) abort(e engine) error {
	a, err := e.Abort(r.ctx)
	r.doc.Aborted = a
	if err != nil {
		return err
	}
	r.recoveryText(a.Recovery)
	if a.Prepared != nil {
		r.say("What was prepared for %s is dropped.", a.Prepared.Name())
	}
	switch {
	case a.Open+a.Resolved > 0:
	case a.Prepared != nil:
		r.say("The installation was not changed.")
		return nil
	default:
		r.say("Nothing was open: nothing to throw away.")
		return nil
	}
	r.say("%s thrown away, %d of them resolved. The installation was not changed. To begin anew: %s", count(a.Open+a.Resolved, "conflict"), a.Resolved, r.shell())
	return nil
}

// inWorkspace is a file of the workspace as this system names it.
func (r *run) inWorkspace(p string) string {
	if abs, err := filepath.Abs(r.homeDir); err == nil {
		return filepath.Join(abs, filepath.FromSlash(p))
	}
	return filepath.Join(r.homeDir, filepath.FromSlash(p))
}

// oneOf puts words into a prompt such as [o]urs [t]heirs.
func oneOf(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, "["+w[:1]+"]"+w[1:])
	}
	return strings.Join(out, " ")
}
