package cli

import (
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"
)

// Names of the commands in documents.
const (
	cmdUpdate   = "update"
	cmdRevert   = "revert"
	cmdDryRun   = "dry-run"
	cmdContinue = "continue"
	cmdAbort    = "abort"
	cmdResolve  = "resolve"
	cmdStatus   = "status"
	cmdHistory  = "history"
	cmdVerify   = "verify"
	cmdFix      = "verify --fix"
	cmdDiff     = "diff"
	cmdSupport  = "support"
	cmdAdopt    = "adopt"
	cmdGuard    = "guard"
	cmdInit     = "release init"
	cmdAdd      = "release add"
	cmdList     = "release list"
	cmdPromote  = "release promote"
	cmdWithdraw = "release withdraw"
	cmdChannel  = "release channel"
	cmdRefresh  = "release refresh"
	cmdUpdater  = "release updater"
	cmdVersion  = "version"
	cmdDemo     = "demo"
	cmdMerge    = "merge"
	cmdPack     = "pack"
	cmdFetch    = "fetch"
	cmdPrepare  = "prepare"
	cmdServe    = "serve"
	cmdCheck    = "check"
	cmdLogin    = "login"
	cmdLogout   = "logout"

	cmdSign          = "release sign"
	cmdKeysList      = "release keys list"
	cmdKeysAdd       = "release keys add"
	cmdKeysRotate    = "release keys rotate"
	cmdKeysRevoke    = "release keys revoke"
	cmdKeysThreshold = "release keys threshold"

	cmdCompletion = "completion"

	cmdSubShow   = "subscription show"
	cmdSubIssue  = "subscription issue"
	cmdSubExtend = "subscription extend"
	cmdSubRevoke = "subscription revoke"
	cmdSubList   = "subscription list"

	cmdBackupsList   = "backups list"
	cmdBackupsVerify = "backups verify"
	cmdBackupsPrune  = "backups prune"
)

// newApp is the table of commands and flags. The library's own help, version flag
// and error printing are off: arrange and finish do these.
func newApp(r *run) *cli.App {
	silent := func(_ *cli.Context, err error, _ bool) error { return usage(err.Error(), "see --help") }
	app := &cli.App{
		Name:           "inplace",
		Usage:          "updates an installed product where it stands",
		HideHelp:       true,
		HideVersion:    true,
		Writer:         r.env.Stdout,
		ErrWriter:      r.env.Stderr,
		OnUsageError:   silent,
		ExitErrHandler: func(*cli.Context, error) {},
		Action:         r.update,
		Flags: flags(
			boolFlag("dry-run", "show what would be done; writes nothing"),
			boolFlag("prepare", "fetch, check and stage everything while the product runs, for a later run to take"),
			boolFlag("continue", "go on with the update whose conflicts are resolved"),
			boolFlag("abort", "throw away what waits: conflicts with what was decided about them, and what is prepared"),
			boolFlag("revert", "take the newest update back; needs no repository"),
			textFlag("to", "ID", "with --revert: go to what this snapshot holds, back or forward; see backups list"),
			boolFlag("keep-edits", "with --revert: merge what you changed since into what is put back"),
			boolFlag("exact", "with --revert: put all configuration back as the snapshot holds it"),
			boolFlag("with-data", "with --revert: put the data back as well, from the copy in the snapshot"),
			boolFlag("from-release", "with --revert: where kept content is damaged, take what the release shipped there"),
			textFlag("level", "N", "go to this update level, also a lower one"),
			textFlag("channel", "C", "take updates from this channel, this time"),
			textFlag("source", "REPO", "take updates from this repository, this time"),
			textFlag("on-conflict", "SIDE", "decide every conflict: stop (default), ours or theirs"),
			textFlag("plan-out", "FILE", "with --dry-run or --prepare: write the plan as a document to approve, the same bytes each time"),
			textFlag("plan", "FILE", "do exactly what this plan says, or refuse and name what has changed since"),
			textFlag("report", "FILE.html", "write the plan as one page, to be read or printed by others"),
			textFlag("full-backup", "DIR", "first make a complete, compared copy of the installation in the new directory DIR"),
			boolFlag("allow-running", "go ahead although the product is running"),
			boolFlag("no-health", "do not watch the product after its start"),
			boolFlag("yes-irreversible", "pass a one-way door: a release that cannot be left again"),
			textFlag("allow-stale", "REASON", "accept metadata that is past its date; REASON goes on record"),
			boolFlag("yes", "ask nothing"),
			homeFlag(),
		),
		Commands: slices.Concat([]*cli.Command{
			{Name: "status", Usage: "say what is installed and what there is to go to; mends an interrupted run",
				Action: r.status, Flags: flags(homeFlag())},
			checkCommand(r),
			historyCommand(r),
			{Name: "backups", Usage: "what there is to go back to", Subcommands: []*cli.Command{
				{Name: "list", Usage: "list the snapshots, the newest first", Action: r.backupsList, Flags: flags(homeFlag())},
				{Name: "verify", Usage: "compare everything the snapshots keep with what was recorded; 6 if something is damaged",
					Action: r.backupsVerify, Flags: flags(homeFlag())},
				{Name: "prune", Usage: "remove the oldest snapshots, by the limits of the settings", Action: r.backupsPrune, Flags: flags(
					boolFlag("dry-run", "show what would be removed; writes nothing"),
					textFlag("keep", "N", "keep at most N snapshots"),
					textFlag("max-age", "AGE", "keep none that is older, such as 90d, or none for no limit"),
					textFlag("max-size", "SIZE", "keep no more than that, such as 10GiB, or none for no limit"),
					boolFlag("yes", "ask nothing"),
					homeFlag(),
				)},
			}},
			verifyCommand(r),
			diffCommand(r),
			resolveCommand(r),
			supportCommand(r),
			{Name: "adopt", Usage: "make an installation known, once", ArgsUsage: "HOME", Action: r.adopt, Flags: flags(
				textFlag("source", "REPO", "where updates come from: a directory, or a https:// or file:// address"),
				textFlag("channel", "C", "the channel to follow (default: full)"),
				textFlag("base", "LEVEL", "the level that is installed, where it cannot be told for certain"),
				textFlag("launcher", "NAME", "name of the launchers bin/NAME.sh and bin/NAME.cmd (default: update)"),
				textFlag("follow", "DIR,...", "directories of the product that you moved behind links, for updates to follow there"),
				textFlag("root", "ROOT", "the vendor's root.json, or sha256:FINGERPRINT as announced"),
			)},
			{Name: "guard", Usage: "for start scripts: silent and 0 if the product may start, 8 in the middle of an update",
				Action: r.guard, Flags: flags(homeFlag())},
			{Name: "merge", Usage: "merge one file: exit 0 clean, 3 with conflict markers", ArgsUsage: "OURS BASE THEIRS", Action: r.merge, Flags: flags(
				textFlag("format", "F", "the format of the file (default: told by name and content)"),
				textFlag("path", "NAME", "the file's real name, where the three have none"),
				textFlag("marker-size", "N", "length of conflict markers (default: 7)"),
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE`: write the result there instead of standard output"},
			)},
			{Name: "pack", Usage: "write a release into a new file or directory; the same input gives the same bytes", Action: r.pack, Flags: flags(
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`X`: FILE.tar.zst, FILE.zip, or else a directory; must not exist"},
				textFlag("level", "N", "the update level (default: the newest of the channel)"),
				textFlag("channel", "C", "the channel (default: the installation's, else full)"),
				textFlag("source", "REPO", "the repository (default: the installation's)"),
				textFlag("root", "ROOT", "the vendor's root.json, or sha256:FINGERPRINT as announced; without an installation"),
				boolFlag("with-edits", "carry over the edits of the installation, merged as an update would"),
				textFlag("on-conflict", "SIDE", "decide every conflict of the edits: stop (default), ours or theirs"),
				textFlag("allow-stale", "REASON", "accept metadata that is past its date; REASON goes into the document"),
				homeFlag(),
			)},
			fetchCommand(r),
			{Name: "release", Usage: "for vendors: publish a product", Subcommands: append([]*cli.Command{
				{Name: "init", Usage: "make a repository and its keys", ArgsUsage: "REPO", Action: r.releaseInit, Flags: flags(
					textFlag("keys", "DIR", "directory of the private keys, outside the repository"),
					textFlag("product", "FILE", "product.yaml: name, version and rules of the product"),
				)},
				{Name: "add", Usage: "publish a tree as an update level", ArgsUsage: "REPO TREE", Action: r.releaseAdd, Flags: flags(
					textFlag("level", "N", "the update level, unique over all channels"),
					textFlag("channel", "C", "the channel; made on first use"),
					textFlag("keys", "DIR", "directory of the private keys"),
					textFlag("notes", "FILE", "notes.yaml: fixes, instructions, renames"),
					textFlag("product", "FILE", "product.yaml, where the tree has no updates/product.yaml"),
					textFlag("version", "V", "the version (default: that of product.yaml)"),
					textFlag("updater-min", "V", "the oldest updater that can read this level; older ones renew themselves first: see release updater"),
					textFlag("released", "TIME", "date of the release, RFC 3339 (default: SOURCE_DATE_EPOCH, else now)"),
					exportFlag(),
				)},
			}, publishCommands(r)...)},
			subscriptionCommand(r),
			serveCommand(r),
		}, loginCommands(r), []*cli.Command{
			{Name: "completion", Usage: "print a script that completes command lines in bash, zsh, fish or powershell", ArgsUsage: "SHELL", Action: r.completion},
			{Name: "demo", Usage: "show the whole story on a small product in a temporary directory", Action: r.demo,
				Flags: []cli.Flag{
					boolFlag("leave", "leave the directory there"), boolFlag("no-color", "print without colours (also NO_COLOR)")}},
			{Name: "version", Usage: "print the version", Action: r.version, Flags: flags()},
			{Name: "help", Usage: "explain a command", ArgsUsage: "[COMMAND] [SUBCOMMAND]", Action: r.help, Flags: flags()},
		}),
	}
	withoutHelp(app.Commands)
	return app
}

// withoutHelp takes the library's command "help" out of each command: it would take the place
// of an argument of that name.
func withoutHelp(list []*cli.Command) {
	for _, c := range list {
		c.HideHelp = true
		withoutHelp(c.Subcommands)
	}
}

// flags adds to own those that every command has.
func flags(own ...cli.Flag) []cli.Flag {
	return append(own,
		boolFlag("json", "print one JSON document on standard output, also on failure"),
		textFlag("events", "FILE", "append what happens to FILE as lines of JSON; - is standard output"),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only", DisableDefaultText: true},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print everything, lists uncut", DisableDefaultText: true},
		boolFlag("no-color", "print without colours (also NO_COLOR)"),
	)
}

func homeFlag() cli.Flag {
	return textFlag("home", "DIR", "the installation (default: the folder above this program's bin)")
}

func boolFlag(name, text string) cli.Flag {
	return &cli.BoolFlag{Name: name, Usage: text, DisableDefaultText: true}
}

// textFlag takes a value, which the help shows as value. Numbers are texts as well:
// their errors are to read like all others.
func textFlag(name, value, text string) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: "`" + value + "`: " + text}
}

// levelFlag reads a flag that is an update level; ok is false where it is not given.
func levelFlag(c *cli.Context, name string) (level int64, ok bool, err error) {
	if !c.IsSet(name) {
		return 0, false, nil
	}
	text := c.String(name)
	level, err = strconv.ParseInt(text, 10, 64)
	if err != nil || level < 0 || text != strconv.FormatInt(level, 10) {
		return 0, false, usage("--"+name+": want an update level such as 0 or 17, got "+strconv.Quote(text), "levels are whole numbers")
	}
	return level, true, nil
}
