package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/manifest/repository/bundle"
	"inplace/manifest/subscription"
	"inplace/updater"
	"inplace/updater/archive"
)

// Exit codes. Scripts rely on them; README.md lists them for operators.
const (
	ExitOK           = 0  // done, or nothing to do
	ExitFailed       = 1  // failed; the installation is as it was before
	ExitUsage        = 2  // wrong usage or settings
	ExitConflict     = 3  // conflicts; nothing was changed
	ExitUnwell       = 4  // updated, was not healthy, rolled back
	ExitBusy         = 5  // another run holds the lock, or the product is running
	ExitUntrusted    = 6  // metadata, signature or digest not to be trusted
	ExitSubscription = 7  // no valid subscription for this channel
	ExitInterrupted  = 8  // neither old nor new yet; the next run mends it
	ExitDiffers      = 10 // check: there is an update; verify: the installation is not as its release ships it
)

// verdict is what an error means to whoever typed the command.
type verdict struct {
	exit  int
	text  string   // the error, a line for each fault; "" without one
	hints []string // what to do about it
	state string   // what is left behind, one sentence
}

var (
	// errDiffers ends a verify or check that found something. It is an answer and no failure.
	errDiffers = errors.New("differs")
	// errUnread ends a verify that could not look at everything.
	errUnread = errors.New("could not be compared")
)

// What a failed run has left behind.
const (
	stateUntouched = "The installation was not changed."
	stateAsBefore  = "The installation is as it was before."
	stateNoPack    = "No pack was written."
	stateNoBundle  = "No bundle was written."
	stateOpen      = "The installation is whole; whether the new level stays is not decided yet."
	stateMixed     = "The installation is neither old nor new: do not start the product before the next run has mended it."
)

// judge is the only place where an error becomes an exit code and hints.
func (r *run) judge(err error) verdict {
	v := r.classify(err)
	if err != nil && v.exit != ExitDiffers {
		v.text = strings.ReplaceAll(strings.TrimSpace(err.Error()), context.Canceled.Error(), "interrupted")
	}
	r.judgeService(err, &v)
	switch {
	case r.command == cmdPack:
		v.state = stateNoPack
	case r.command == cmdFetch:
		v.state = stateNoBundle
	case !r.onInstallation() && v.exit != ExitUnwell:
		v.state = ""
	}
	if r.command == cmdGuard && v.exit != ExitOK && v.exit != ExitUsage {
		v.exit = ExitInterrupted // whatever keeps it from being sure
	}
	return v
}

// onInstallation reports whether the command could have changed an installation.
func (r *run) onInstallation() bool {
	switch r.command {
	case cmdUpdate, cmdContinue, cmdAbort, cmdRevert, cmdAdopt, cmdDryRun, cmdFix, cmdPrepare:
		return true
	}
	return false
}

func (r *run) classify(err error) verdict {
	var (
		undo      *updater.RollbackError
		open      *updater.OpenError
		back      *updater.RolledBackError
		misuse    *usageError
		conflict  *updater.ConflictError
		preflight *updater.PreflightError
		busy      *updater.RunningError
		base      *updater.BaseError
		damaged   *backup.DamagedError
		record    *updater.RecordError
		unknown   *updater.UnknownSnapshotError
		untrusted *repository.UntrustedError
		expired   *repository.ExpiredError
		missing   *repository.NotFoundError
		unsafe    *fsys.UnsafeError
		drift     *updater.PlanDriftError
		late      *updater.PlanExpiredError
		noPlan    *updater.PlanFileError
		faults    manifest.Errors
		fault     *manifest.Error
	)
	var unwell *updater.UnwellError
	var renew *updater.RenewError
	var notSecurity *repository.NotSecurityError
	var keys *repository.KeysError
	var request *repository.RequestError
	var left *conflictsLeft
	var waits *updater.WorkspaceError
	var noConflict *updater.NoConflictError
	var refused *updater.RefusedError
	var unfixed *updater.FixError
	var run *updater.UnknownRunError
	var revoked *subscription.RevokedError
	var adopted *updater.AdoptedError
	var lacks *updater.LacksError
	var notIn *bundle.MissingError
	var unwhole *bundle.DamagedError
	web, aboutWeb := judgeWeb(err)
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil:
		return verdict{}
	// What says that the installation is mixed comes before whatever caused it.
	case errors.As(err, &undo):
		return verdict{exit: ExitInterrupted, state: stateMixed, hints: []string{
			"put right what is named above, then run " + r.shell("status") + ", which tries again"}}
	case errors.As(err, &open):
		return r.judgeOpen(open)
	case errors.As(err, &unwell):
		return r.judgeUnwell(unwell)
	case errors.As(err, &back):
		return verdict{exit: ExitFailed, state: stateAsBefore, hints: r.causeHints(back.Cause)}
	case is(errDiffers):
		return verdict{exit: ExitDiffers}
	case is(errUnread):
		return verdict{exit: ExitFailed, hints: []string{"run it as the owner of the installation; give the owner leave to read what is named: chmod u+r"}}
	case errors.As(err, &unfixed):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"see what differs: " + r.shell("verify")}}
	case is(updater.ErrNoPath), is(updater.ErrNotShipped), is(updater.ErrOutside):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"name paths as they are listed: relative to the installation"}}
	case errors.As(err, &misuse):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: nonEmpty(misuse.hint)}
	case errors.As(err, &conflict):
		return r.judgeConflict()
	case errors.As(err, &waits):
		return verdict{exit: ExitConflict, state: stateUntouched, hints: []string{
			"go on with what is open: " + r.shell("resolve") + ", then " + r.shell("--continue"),
			"or throw it away: " + r.shell("--abort")}}
	case is(updater.ErrWorkspace):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"throw it away and begin anew: " + r.shell("--abort")}}
	case errors.As(err, &noConflict), is(updater.ErrNotRemembered):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"see what there is: " + r.shell("resolve") + ", or " + r.shell("resolve", "--remembered")}}
	case errors.As(err, &refused):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"nothing was decided; see what can be: " + r.shell("resolve", string(refused.Path))}}
	case is(updater.ErrForeign):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"import what an installation of the same product has exported"}}
	case errors.As(err, &drift):
		return r.judgeDrift(drift)
	case errors.As(err, &late):
		return verdict{exit: ExitUntrusted, state: stateUntouched, hints: []string{
			"make the plan anew: " + r.shell("--dry-run", "--plan-out", "FILE"),
			"to take it as it is, with a reason for the record: --allow-stale REASON"}}
	case errors.As(err, &noPlan):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"make one: " + r.shell("--dry-run", "--plan-out", "FILE")}}
	case errors.As(err, &left):
		return verdict{exit: ExitConflict}
	case is(fsys.ErrLocked):
		return verdict{exit: ExitBusy, state: stateUntouched, hints: []string{"wait until the other run has ended, then run the same command again"}}
	case errors.As(err, &adopted):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{
			"set it in " + shellQuote(filepath.Join(adopted.Home, "updates", "settings.yaml")) + "; what is installed, and who is trusted, stays as it was adopted"}}
	case errors.As(err, &busy):
		return verdict{exit: ExitBusy, state: stateUntouched, hints: []string{
			"stop the product, then run the same command again",
			"or go ahead beside it, if you know that it bears that: --allow-running"}}
	case aboutWeb:
		var closed *updater.ClosedError
		if r.command == cmdFetch && errors.As(err, &closed) {
			web.hints = append(web.hints, "or take all that your channel has, which serves any level: --from none")
		}
		return web
	case errors.As(err, &renew) && !errors.As(err, &untrusted):
		return r.judgeRenewal(renew)
	case errors.As(err, &lacks):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"fetch a bundle for this level where the source can be reached: " + fetchHint(lacks)}}
	case errors.As(err, &notIn):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"fetch everything where the source can be reached: inplace fetch --from none -o FILE"}}
	case errors.As(err, &unwhole):
		return verdict{exit: ExitUntrusted, state: stateUntouched, hints: []string{
			"compare its SHA-256 with the one that fetch has printed, and copy or fetch it anew"}}
	case errors.As(err, &expired):
		return verdict{exit: ExitUntrusted, state: stateUntouched, hints: []string{
			"ask the vendor for fresh metadata, or get it from another mirror with --source; a bundle is to be fetched anew",
			"to take it as it is, with a reason for the record: --allow-stale REASON"}}
	case errors.As(err, &untrusted) && untrusted.Why == repository.RolledBack:
		return verdict{exit: ExitUntrusted, state: stateUntouched, hints: []string{
			"this source is older than what was seen here before: an old bundle is to be fetched anew, a mirror to be brought up to date"}}
	case errors.As(err, &untrusted):
		return verdict{exit: ExitUntrusted, state: stateUntouched, hints: []string{
			"do not use this source until the vendor has explained it; another one can be given with --source"}}
	case errors.As(err, &damaged):
		return r.judgeDamage(damaged)
	case errors.As(err, &record):
		return r.judgeRecord(record)
	case errors.As(err, &run):
		return verdict{exit: ExitUsage, hints: []string{"see what was done here: " + r.shell("history")}}
	case errors.As(err, &unknown):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"see what there is to go to: " + r.shell("backups", "list")}}
	case is(updater.ErrNoWay):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"see what there is to go to: " + r.shell("backups", "list"),
			"or go to a level of the repository: --level N"}}
	case is(updater.ErrNotAdopted):
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{
			"make it known once: " + r.typed + " adopt " + shellQuote(r.homeDir) + " --source REPO",
			"or name the installation: --home DIR"}}
	case is(updater.ErrUnknownLevel):
		switch r.command {
		case cmdPack:
			return verdict{exit: ExitUsage, hints: []string{"choose one of those named above: --level N, --channel C"}}
		case cmdFetch:
			return verdict{exit: ExitUsage, hints: []string{"choose one of those there are: --from LEVEL, --to LEVEL, --channel C"}}
		}
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"see the newest level: " + r.shell("status")}}
	case is(updater.ErrWithdrawn):
		if r.command == cmdPromote {
			return verdict{exit: ExitFailed, hints: []string{"publish what mends it as a level of its own"}}
		}
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"choose another level: --level N"}}
	case is(updater.ErrNothingToRevert):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"see what was done here: " + r.shell("history")}}
	case is(updater.ErrDeclined):
		return verdict{exit: ExitFailed, state: stateUntouched}
	case errors.As(err, &preflight):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: findingHints(preflight.Findings)}
	case errors.As(err, &base):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: r.baseHints(base)}
	case is(repository.ErrNoPassphrase):
		return verdict{exit: ExitUsage, hints: []string{"set " + envPassphrase + " to the passphrase of the keys; empty means plain keys"}}
	case is(repository.ErrWrongPassphrase):
		return verdict{exit: ExitFailed, hints: []string{"nothing was released; check " + envPassphrase}}
	case is(repository.ErrNoSubscription):
		return verdict{exit: ExitUsage, hints: []string{"see what there is: " + r.shell("subscription", "list", "REPO", "--keys", "DIR")}}
	case errors.As(err, &revoked):
		return verdict{exit: ExitFailed, hints: []string{"what was revoked stays so: issue a new one"}}
	case is(archive.ErrExists):
		return verdict{exit: ExitFailed, hints: []string{"nothing is ever overwritten: take another name, or remove it first"}}
	case errors.As(err, &keys):
		return verdict{exit: ExitFailed, hints: []string{"nothing was changed; see whose keys are where: " + r.shell("release", "keys", "list", "REPO", "--keys", "DIR"),
			"where keys are on another machine: --export FILE, then " + r.shell("release", "sign", "FILE", "--keys", "DIR") + " there"}}
	case errors.As(err, &request):
		return verdict{exit: ExitFailed, hints: []string{"nothing was changed; make it with --export FILE, from this repository as it is now"}}
	case errors.As(err, &notSecurity):
		return verdict{exit: ExitFailed, hints: []string{"release the security fixes as a level of their own; other fixes belong into other channels"}}
	case is(repository.ErrExists):
		return verdict{exit: ExitFailed, hints: []string{"what is released is never changed: take another level, or another directory"}}
	case errors.As(err, &missing) && strings.HasPrefix(r.command, "release "):
		return verdict{exit: ExitFailed, hints: []string{"name a level, channel or role that is there"}}
	case errors.As(err, &missing):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"check --source and --channel, or the settings in updates/settings.yaml"}}
	case errors.As(err, &unsafe):
		return verdict{exit: ExitFailed, state: stateUntouched, hints: []string{"the updater's own files must belong to the owner of the installation and be writable by nobody else"}}
	case errors.As(err, &faults), errors.As(err, &fault):
		if strings.HasPrefix(err.Error(), updater.InstalledManifest+":") {
			return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"a newer updater has installed this: run the launcher in the bin of the installation"}}
		}
		return verdict{exit: ExitUsage, state: stateUntouched, hints: []string{"correct the file; each line above names a place in it"}}
	case is(context.Canceled), is(context.DeadlineExceeded):
		return verdict{exit: ExitFailed, state: "Interrupted; nothing was changed.", hints: []string{"run the same command again when it suits"}}
	}
	return verdict{exit: ExitFailed, state: stateUntouched, hints: r.causeHints(err)}
}

// judgeConflict is about conflicts, which nobody has decided yet.
func (r *run) judgeConflict() verdict {
	if r.reverting {
		return verdict{exit: ExitConflict, state: stateUntouched, hints: []string{
			"go back without --keep-edits: what you changed since goes into the new snapshot",
			"or keep your side wherever both changed something: add --on-conflict ours"}}
	}
	oneByOne := "decide them one by one: " + r.shell("resolve") + ", then " + r.shell("--continue")
	switch r.command { // those that leave nothing to resolve
	case cmdDryRun:
		oneByOne = "decide them one by one: " + r.shell(r.typedArgs...) + ", which stops at them, then " + r.shell("resolve") + " and " + r.shell("--continue")
	case cmdPack:
		oneByOne = "to decide them one by one, update the installation to this level first"
	}
	return verdict{exit: ExitConflict, state: stateUntouched, hints: []string{
		oneByOne,
		"keep your side wherever both changed something: " + r.shell(append(slices.Clone(r.typedArgs), "--on-conflict", "ours")...),
		"take the vendor's side there: " + r.shell(append(slices.Clone(r.typedArgs), "--on-conflict", "theirs")...)}}
}

// judgeDamage is about a snapshot that is damaged or out of reach, or a second copy of one.
func (r *run) judgeDamage(e *backup.DamagedError) verdict {
	v := verdict{exit: ExitUntrusted, state: stateUntouched}
	switch {
	case e.In != "" && e.ID == "":
		v.hints = []string{"mount what backup.also in updates/settings.yaml names, or correct the setting"}
	case e.In != "":
		v.hints = []string{"remove that copy: rm -r " + shellQuote(e.In+"/updates/backups/"+e.ID) + "; the next run makes it anew, if the snapshot is still kept"}
	case e.Away != "":
		v.hints = []string{e.Away}
		if len(e.Whole) > 0 {
			v.hints = append(v.hints, "or restore the files of the snapshot from "+otherBackup(e))
		}
		if r.command != cmdBackupsVerify {
			v.exit = ExitFailed
		}
	case e.Script:
		v.hints = []string{"do not run it; " + r.shell("--revert", "--to", e.ID) + " does the same without it"}
	case e.Turned:
		v.hints = []string{"if what is named was edited, or removed, before restore.sh ran, nothing is wrong: that is what is kept",
			"to go there with what the release shipped at the paths named: " + r.shell("--revert", "--to", e.ID, "--from-release")}
	case e.Unread:
		v.hints = []string{"restore the files of the snapshot from " + otherBackup(e), "or go to a level of the repository: --level N"}
	default:
		v.hints = append(r.fromRelease(e), "or restore the files of the snapshot from "+otherBackup(e))
	}
	return v
}

// judgeRecord is about what is recorded of the installation, without which no run can go on.
func (r *run) judgeRecord(e *updater.RecordError) verdict {
	record := filepath.Join(r.homeDir, "updates", "installed")
	v := verdict{exit: ExitUntrusted, state: stateUntouched, hints: []string{
		"make the installation known anew, which keeps all its files: mv " + shellQuote(record) + " " + shellQuote(filepath.Clean(r.homeDir)+"-installed.damaged") + " && " + r.typed + " adopt " + shellQuote(r.homeDir) + " --source REPO"}}
	if e.Script != "" {
		v.hints = append(v.hints, "or go back to before the newest run, without this program: sh "+shellQuote(e.Script))
	}
	return v
}

// fromRelease is how to go by a damaged snapshot all the same: as it was asked for, or to what it
// holds, which may not be the next.
func (r *run) fromRelease(e *backup.DamagedError) []string {
	switch {
	case !r.reverting:
		return []string{"to go back there, with what the release shipped at the paths named: " + r.shell("--revert", "--from-release", "--to", e.ID)}
	case slices.Contains(r.args, "--from-release"):
		return []string{"go to a level of the repository: --level N"}
	}
	return []string{"put back what the release shipped at the paths named: " + r.commandLine() + " --from-release"}
}

// otherBackup says where else the files of a damaged snapshot are.
func otherBackup(e *backup.DamagedError) string {
	if len(e.Whole) == 0 {
		return "another backup"
	}
	var copies []string
	for _, s := range e.Whole {
		copies = append(copies, "mkdir -p "+shellQuote(s.To)+" && cp -a "+shellQuote(s.From+"/.")+" "+shellQuote(s.To))
	}
	return "its second copy, which is whole: " + strings.Join(copies, " && ")
}

// judgeOpen is about a journal that is open: this command only looks, or could not
// mend it.
func (r *run) judgeOpen(e *updater.OpenError) verdict {
	v := verdict{exit: ExitInterrupted, state: stateMixed}
	if e.Whole {
		v.state = stateOpen
	}
	if r.command == cmdGuard {
		v.state = ""
	}
	v.hints = []string{"mend it: " + r.shell("status")}
	if e.Cause != nil {
		v.hints = []string{"put right what is named above, then run " + r.shell("status")}
		if errors.Is(e.Cause, fs.ErrPermission) {
			v.hints = []string{"run " + r.shell("status") + " as the owner of the installation"}
		}
	}
	if e.Script != "" {
		v.hints = append(v.hints, "without this program: sh "+shellQuote(e.Script))
	}
	return v
}

// causeHints are hints about failures of the system.
func (r *run) causeHints(err error) []string {
	var full *updater.FullError
	switch {
	case errors.As(err, &full):
		return []string{"make room on the file system of " + shellQuote(full.Place) + ", then run the same command again"}
	case errors.Is(err, syscall.ENOSPC):
		var file *unwrittenError
		if errors.As(err, &file) || r.command == cmdPack || r.command == cmdFetch || r.command == cmdDiff || r.command == cmdSupport {
			return []string{"make room where the file is to be, then run the same command again"}
		}
		return []string{"make room where the installation lies, then run the same command again"}
	case errors.Is(err, syscall.EROFS):
		return []string{"the file system is mounted read-only: mount it writable, then run the same command again"}
	case errors.Is(err, fs.ErrPermission) && (r.command == cmdPack || r.command == cmdFetch):
		return []string{"run it as somebody who may write there, and read the repository and the installation"}
	case errors.Is(err, fs.ErrPermission):
		return []string{"run it as the owner of the files: sudo -u OWNER " + r.commandLine(), "where that is you: give yourself leave to read and write what is named"}
	}
	return nil
}

// fetchHint is the command that makes the bundle that was missing.
func fetchHint(e *updater.LacksError) string {
	from := fromNone
	if !e.Adopt {
		from = strconv.FormatInt(e.From, 10)
	}
	return "inplace fetch --from " + from + " -o FILE"
}

// findingHints are the hints of findings, each once.
func findingHints(list []updater.Finding) []string {
	var hints []string
	seen := map[string]bool{"": true}
	for _, f := range list {
		if !seen[f.Hint] {
			seen[f.Hint] = true
			hints = append(hints, f.Hint)
		}
	}
	return hints
}

// baseHints say how to decide which level is installed.
func (r *run) baseHints(e *updater.BaseError) []string {
	if len(e.Candidates) == 0 {
		return []string{"the channel has no release yet; ask the vendor, or give another --channel"}
	}
	best := e.Candidates[0]
	for _, c := range e.Candidates[1:] {
		if c.Differ < best.Differ || c.Differ == best.Differ && c.Missing < best.Missing {
			best = c
		}
	}
	return []string{
		"decide with --base LEVEL; files that differ from it then count as your edits",
		fmt.Sprintf("the nearest is level %d: --base %d", best.Level, best.Level),
	}
}

// shownError stands for an error whose details have been printed as the result.
type shownError struct {
	text string
	err  error
}

func (e *shownError) Error() string { return e.text }

// Unwrap returns the error that was shown.
func (e *shownError) Unwrap() error { return e.err }

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
