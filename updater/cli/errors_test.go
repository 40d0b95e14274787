package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater"
	"inplace/updater/running"
)

func t0ctx() context.Context { return context.Background() }

func TestJudge(t *testing.T) {
	busy := &updater.RunningError{Report: running.Report{Processes: []running.Process{{PID: 7, Name: "java", Why: running.Maps, Path: "lib/a.jar"}}}}
	untrusted := &repository.UntrustedError{Path: "metadata/timestamp.json", Why: repository.BadSignature, Msg: "not signed"}
	faults := manifest.Errors{{Name: "settings.yaml", Line: 3, Col: 1, Msg: "unknown key"}}
	tests := []struct {
		name  string
		err   error
		exit  int
		hint  string // in one of the hints; "": no hint
		state string // in the state
	}{
		{"none", nil, ExitOK, "", ""},
		{"anything", errors.New("boom"), ExitFailed, "", "not changed"},
		{"usage", usage("unknown flag", "see --help"), ExitUsage, "see --help", "not changed"},
		{"not adopted", fmt.Errorf("/opt: %w", updater.ErrNotAdopted), ExitUsage, "bin/update.sh adopt /opt/acme --source REPO", "not changed"},
		{"unknown level", updater.ErrUnknownLevel, ExitUsage, "status", "not changed"},
		{"withdrawn", updater.ErrWithdrawn, ExitFailed, "--level", "not changed"},
		{"nothing to revert", updater.ErrNothingToRevert, ExitFailed, "history", "not changed"},
		{"faults in a file", faults, ExitUsage, "correct the file", "not changed"},
		{"conflict", &updater.ConflictError{Conflicts: make([]updater.ConflictOf, 2)}, ExitConflict, "--on-conflict ours", "not changed"},
		{"preflight", &updater.PreflightError{Findings: []updater.Finding{{Reason: "no space", Hint: "make room"}}}, ExitFailed, "make room", "not changed"},
		{"declined", updater.ErrDeclined, ExitFailed, "", "not changed"},
		{"locked", &fsys.LockedError{Path: "updates/lock"}, ExitBusy, "wait", "not changed"},
		{"running", busy, ExitBusy, "stop the product", "not changed"},
		{"untrusted", untrusted, ExitUntrusted, "vendor", "not changed"},
		{"faults in what is untrusted", &repository.UntrustedError{Path: "x", Msg: "bad", Err: faults}, ExitUntrusted, "vendor", "not changed"},
		{"expired", &repository.ExpiredError{Role: "timestamp", Since: time.Unix(0, 0)}, ExitUntrusted, "--allow-stale", "not changed"},
		{"damaged snapshot", &backup.DamagedError{ID: "x", Paths: []string{"a: gone"}}, ExitUntrusted, "snapshot", "not changed"},
		{"with a second copy", &backup.DamagedError{ID: "x", Paths: []string{"a: gone"}, Whole: []backup.Second{{From: "/also/x", To: "/p/x"}}}, ExitUntrusted, "mkdir -p /p/x && cp -a /also/x/. /p/x", "not changed"},
		{"a damaged list", &backup.DamagedError{ID: "x", Unread: true, Paths: []string{"entries: cut"}}, ExitUntrusted, "--level N", "not changed"},
		{"out of reach", &backup.DamagedError{ID: "x", Paths: []string{"conf: leads to /etc/p, which is not there"}, Away: "mount it"}, ExitFailed, "mount it", "not changed"},
		{"taken back over edits", &backup.DamagedError{ID: "x", Turned: true, Paths: []string{"a: slot 1 is missing"}}, ExitUntrusted, "--revert --to x --from-release", "not changed"},
		{"a damaged second copy", &backup.DamagedError{ID: "x", In: "/also/p", Paths: []string{"a: gone"}}, ExitUntrusted, "rm -r /also/p/updates/backups/x", "not changed"},
		{"no second copies", &backup.DamagedError{In: "/also/p", Paths: []string{"no such file"}}, ExitUntrusted, "mount", "not changed"},
		{"not in the repository", &repository.NotFoundError{Path: "channel x"}, ExitFailed, "--channel", "not changed"},
		{"unsafe state", &fsys.UnsafeError{Path: "updates/lock", Reason: "is a link"}, ExitFailed, "owner", "not changed"},
		{"no passphrase", repository.ErrNoPassphrase, ExitUsage, envPassphrase, ""},
		{"wrong passphrase", fmt.Errorf("k: %w", repository.ErrWrongPassphrase), ExitFailed, envPassphrase, ""},
		{"exists", repository.ErrExists, ExitFailed, "another level", ""},
		{"base", &updater.BaseError{Candidates: []updater.Candidate{{Release: updater.Release{Level: 4}, Differ: 3}, {Release: updater.Release{Level: 9}, Differ: 1}}}, ExitFailed, "--base 9", "not changed"},
		{"no base at all", &updater.BaseError{}, ExitFailed, "no release yet", "not changed"},
		{"full disk", fmt.Errorf("stage: %w", syscall.ENOSPC), ExitFailed, "make room", "not changed"},
		{"full disk behind a link", &updater.RolledBackError{Cause: &updater.FullError{Place: "/mnt/conf", Err: syscall.ENOSPC}}, ExitFailed, "file system of /mnt/conf", "as it was before"},
		{"permission", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, ExitFailed, "sudo -u OWNER", "not changed"},
		{"interrupt", fmt.Errorf("stage: %w", context.Canceled), ExitFailed, "again", "Interrupted; nothing was changed"},
		{"rolled back", &updater.RolledBackError{Cause: syscall.ENOSPC}, ExitFailed, "make room", "as it was before"},
		{"rolled back after a bad digest", &updater.RolledBackError{Cause: untrusted}, ExitFailed, "", "as it was before"},
		{"rolled back after an interrupt", &updater.RolledBackError{Cause: context.Canceled}, ExitFailed, "", "as it was before"},
		{"undo failed", &updater.RollbackError{Cause: untrusted, Undo: syscall.EIO}, ExitInterrupted, "status", "neither old nor new"},
		{"undo failed after a conflict", &updater.RollbackError{Cause: &updater.ConflictError{}, Undo: syscall.EIO}, ExitInterrupted, "status", "neither old nor new"},
		{"open journal", &updater.OpenError{}, ExitInterrupted, "mend it: bin/update.sh status", "neither old nor new"},
		{"open journal of another user", &updater.OpenError{Cause: fs.ErrPermission}, ExitInterrupted, "as the owner", "neither old nor new"},
		{"open journal with a script", &updater.OpenError{Script: "/opt/my acme/updates/backups/1/restore.sh"}, ExitInterrupted, "sh '/opt/my acme/updates/backups/1/restore.sh'", "neither"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRun(t0ctx(), Env{}, "bin/update.sh")
			r.command, r.homeDir = cmdUpdate, "/opt/acme"
			v := r.judge(tt.err)
			if v.exit != tt.exit {
				t.Errorf("exit code: got %d, want %d", v.exit, tt.exit)
			}
			if (tt.err == nil) != (v.text == "") {
				t.Errorf("text: got %q for %v", v.text, tt.err)
			}
			if hints := strings.Join(v.hints, "\n"); !strings.Contains(hints, tt.hint) || tt.hint == "" && hints != "" {
				t.Errorf("hints: got %q, want %q in them", hints, tt.hint)
			}
			if !strings.Contains(v.state, tt.state) || tt.state == "" && v.state != "" {
				t.Errorf("state: got %q, want %q in it", v.state, tt.state)
			}
		})
	}
}

// A guard that cannot be sure lets nothing start.
func TestGuardKnowsThreeCodes(t *testing.T) {
	r := newRun(t0ctx(), Env{}, "bin/update.sh")
	r.command = cmdGuard
	for err, want := range map[error]int{
		nil:                        ExitOK,
		usage("x", "y"):            ExitUsage,
		&updater.OpenError{}:       ExitInterrupted,
		fsys.ErrLocked:             ExitInterrupted,
		fs.ErrPermission:           ExitInterrupted,
		errors.New("disk on fire"): ExitInterrupted,
	} {
		if v := r.judge(err); v.exit != want {
			t.Errorf("guard: exit code for %v: want %d, got %d", err, want, v.exit)
		}
	}
}

// What a look or a vendor's command leaves behind is no installation's state.
func TestStateOnlyOfInstallations(t *testing.T) {
	r := newRun(t0ctx(), Env{}, "inplace")
	for _, command := range []string{cmdStatus, cmdHistory, cmdGuard, cmdInit, cmdAdd, cmdVersion, cmdDemo} {
		r.command = command
		if v := r.judge(errors.New("boom")); v.state != "" {
			t.Errorf("%s: state: got %q, want none", command, v.state)
		}
	}
}
