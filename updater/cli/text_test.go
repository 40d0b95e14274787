package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"inplace/backup"
	"inplace/manifest"
	"inplace/updater"
	"inplace/updater/running"
)

// fakeEngine gives the same answer to everything.
type fakeEngine struct {
	backups *updater.Backups
	plan    *updater.Plan
	outcome *updater.Outcome
	status  *updater.Status
	inspection
	resolver // none of it is called
	err      error
}

func (e *fakeEngine) DryRun(context.Context) (*updater.Plan, error) { return e.plan, e.err }
func (e *fakeEngine) Subscription(context.Context) (*updater.ShownSubscription, error) {
	return nil, e.err
}
func (e *fakeEngine) Check(context.Context) (*updater.Check, error)     { return nil, e.err }
func (e *fakeEngine) DryRevert(context.Context) (*updater.Plan, error)  { return e.plan, e.err }
func (e *fakeEngine) Update(context.Context) (*updater.Outcome, error)  { return e.outcome, e.err }
func (e *fakeEngine) Revert(context.Context) (*updater.Outcome, error)  { return e.outcome, e.err }
func (e *fakeEngine) Status(context.Context) (*updater.Status, error)   { return e.status, e.err }
func (e *fakeEngine) History() ([]updater.HistoryEntry, error)          { return nil, e.err }
func (e *fakeEngine) Backups(context.Context) (*updater.Backups, error) { return e.backups, e.err }
func (e *fakeEngine) VerifyBackups(context.Context) (*updater.Backups, error) {
	return e.backups, e.err
}
func (e *fakeEngine) PruneBackups(context.Context, updater.PruneOptions) (*updater.Backups, error) {
	return e.backups, e.err
}
func (e *fakeEngine) Close() {}
func (e *fakeEngine) AbortPrepared(context.Context) (*updater.PreparedInfo, error) {
	return nil, e.err
}
func (e *fakeEngine) Fetch(context.Context, updater.FetchOptions) (*updater.Fetched, error) {
	return nil, e.err
}
func (e *fakeEngine) Pack(context.Context, string, bool) (*updater.Packed, error) {
	return nil, e.err
}

// show runs a command line over e.
func show(e *fakeEngine, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = runIn(t0ctx(), args, Env{
		Name: "bin/update.sh", Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Now:        func() time.Time { return time.Unix(0, 0) },
		LookupEnv:  func(string) (string, bool) { return "", false },
		Executable: func() (string, error) { return "", errors.New("not here") },
		open:       func(updater.Options) (engine, error) { return e, nil },
	})
	return code, out.String(), errs.String()
}

func samplePlan() *updater.Plan {
	file := updater.Side{Kind: manifest.File, Mode: 0o644}
	p := &updater.Plan{
		Product: "acme-server", Action: "update",
		From:         updater.Release{Level: 1, Version: "4.1", Channel: "full"},
		To:           updater.Release{Level: 2, Version: "4.2", Channel: "full"},
		Space:        updater.Space{NeededBytes: 3 << 20, FreeBytes: 5 << 30, NeededInodes: 12, FreeInodes: -1},
		Fixes:        []manifest.Fix{{ID: "CVE-1", Kind: "security", Severity: "critical", Summary: "A hole."}},
		Instructions: []updater.Instruction{{Level: 2, Text: "Restart the cluster node by node, and wait for each of them to be ready."}},
		Steps: []updater.Step{
			{Path: "conf/kept.conf", Action: updater.Keep, Reason: "you edited it, the vendor did not change it", Ours: file, Result: file},
			{Path: "docs", Action: updater.Deleted, Reason: "you deleted this directory", Count: 812},
			{Path: "bin/run", Action: updater.Mode, Ours: file, Result: updater.Side{Kind: manifest.File, Mode: 0o755}},
			{Path: "lib/old.jar", Action: updater.Remove, Ours: file},
			{Path: "work/cache", Action: updater.Clear, Reason: "made from webapps/a.war"},
		},
	}
	for i := range 98 {
		p.Steps = append(p.Steps, updater.Step{Path: manifest.Path(fmt.Sprintf("lib/part-%02d.jar", i)), Action: updater.Add, Result: file})
	}
	return p
}

func TestPlanText(t *testing.T) {
	code, out, errs := show(&fakeEngine{plan: samplePlan()}, "--dry-run", "--home", "/opt/acme", "--level", "2")
	if code != ExitOK || errs != "" {
		t.Fatalf("dry run: exit code %d, stderr %q", code, errs)
	}
	want := `acme-server: update from level 1 (4.1) to level 2 (4.2)

Added (98)
  + lib/part-00.jar
  + lib/part-01.jar
  + lib/part-02.jar
  + lib/part-03.jar
  + lib/part-04.jar
  and 93 more, -v lists all

Permissions changed (1)
  ~ bin/run  (0644 to 0755)

Removed (1)
  - lib/old.jar

Cleared, as the product makes them anew (1)
  - work/cache  (made from webapps/a.war)

Kept as they are (1)
  = conf/kept.conf  (you edited it, the vendor did not change it)

Deleted here, and stay deleted (1)
    docs/  (with 812 paths below; you deleted this directory)

Fixed by this (1)
  critical security  CVE-1
      A hole.

To be done by hand
  level 2:
    Restart the cluster node by node, and wait for each of them to be ready.

Space: needs 3.0 MiB; 5.0 GiB are free

Of 101 paths: 98 added, 1 with other permissions, 1 removed, 1 cleared; 2 kept
as they are here.
Nothing was changed. To go ahead: bin/update.sh --home /opt/acme --level 2
`
	if out != want {
		t.Errorf("dry run:\n got %s\nwant %s", out, want)
	}
}

func TestPlanTextUncut(t *testing.T) {
	_, out, _ := show(&fakeEngine{plan: samplePlan()}, "--dry-run", "--home", "/opt/acme", "-v")
	if !strings.Contains(out, "lib/part-97.jar") || strings.Contains(out, "-v lists all") {
		t.Errorf("-v: want the whole list, got\n%s", out)
	}
}

// Prose is wrapped at the width of the terminal, from 40 columns on.
func TestNarrow(t *testing.T) {
	r := newRun(t0ctx(), Env{}, "update.sh")
	r.out.width = minWidth
	r.planText(samplePlan())
	for _, l := range strings.Split(r.out.buf.String(), "\n") {
		if utf8.RuneCountInString(l) > minWidth && !strings.HasPrefix(l, "acme-server: ") && l != "Cleared, as the product makes them anew (1)" {
			t.Errorf("want at most %d columns, got %d: %q", minWidth, utf8.RuneCountInString(l), l)
		}
	}
}

// Whatever a release, a process or a file name holds, the terminal does not act on it.
func TestHostileText(t *testing.T) {
	const evil = "x\x1b[2Jy\rz\u202eq\x9bw\x07"
	p := samplePlan()
	p.Product, p.Warnings = evil, []string{evil}
	p.Fixes[0].ID, p.Fixes[0].Summary, p.Fixes[0].Severity = evil, evil, evil
	p.Instructions[0].Text = evil
	p.Steps[0].Path, p.Steps[0].Reason = manifest.Path(evil), evil
	p.Conflicts = []updater.ConflictOf{{Path: manifest.Path(evil), Reason: evil, Where: updater.ConflictPaths{Ours: evil}}}
	p.Findings = []updater.Finding{{Path: evil, Reason: evil, Hint: evil}}
	status := &updater.Status{Home: evil, Product: evil, Source: evil, NewestErr: evil, Withdrawn: evil, Conflicts: []string{evil},
		Snapshots: []updater.SnapshotInfo{{ID: evil, Action: evil, Damaged: evil}}}
	busy := &updater.RunningError{Report: running.Report{Processes: []running.Process{{Name: evil, Path: evil}}}}
	for name, e := range map[string]*fakeEngine{
		"plan":     {plan: p},
		"conflict": {outcome: &updater.Outcome{Plan: p}, err: &updater.ConflictError{Conflicts: p.Conflicts}},
		"running":  {outcome: &updater.Outcome{Plan: p}, err: busy},
		"outcome":  {outcome: &updater.Outcome{Plan: p, Snapshot: evil, Warnings: []string{evil}, Found: []backup.Found{{Path: manifest.Path(evil), Kept: evil}}}},
		"status":   {status: status},
		"error":    {err: errors.New(evil)},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--home", "/opt/acme", "-v"}
			switch name {
			case "plan":
				args = append(args, "--dry-run")
			case "status":
				args = append(args, "status")
			}
			_, out, errs := show(e, args...)
			if !strings.Contains(out+errs, "x") {
				t.Fatalf("want the text shown, got %q, %q", out, errs)
			}
			for _, bad := range []string{"\x1b", "\r", "\u202e", "\x9b", "\x07"} {
				if strings.Contains(out+errs, bad) {
					t.Errorf("want %q escaped, got it in\n%s\n%s", bad, out, errs)
				}
			}
		})
	}
}

// What an update or its failure leaves behind is the last thing said.
func TestLastLine(t *testing.T) {
	p := samplePlan()
	back := samplePlan()
	back.Action, back.From, back.To, back.Way = "revert", p.To, p.From, []string{"ID1"}
	far := samplePlan()
	far.Action, far.From, far.To, far.Way = "revert", p.To, p.From, []string{"ID2", "ID1"}
	tests := []struct {
		name   string
		engine *fakeEngine
		args   []string
		exit   int
		last   string
	}{
		{"update", &fakeEngine{outcome: &updater.Outcome{Plan: p}}, nil, ExitOK, "acme-server is at level 2 (4.2) now. To go back: bin/update.sh --home /h --revert"},
		{"revert", &fakeEngine{outcome: &updater.Outcome{Plan: back}}, []string{"--revert"}, ExitOK, "acme-server is at level 1 (4.1) now. To go forward again: bin/update.sh --home /h"},
		{"revert over several", &fakeEngine{outcome: &updater.Outcome{Plan: far, Snapshot: "ID3"}}, []string{"--revert"}, ExitOK, "acme-server is at level 1 (4.1) now. To go forward again: bin/update.sh --home /h --revert --to ID3"},
		{"nothing", &fakeEngine{outcome: &updater.Outcome{Plan: &updater.Plan{Product: "acme", Action: "none", From: p.To, To: p.To}}}, nil, ExitOK, "acme is at level 2 (4.2), the newest of channel full: nothing to do."},
		{"conflict", &fakeEngine{outcome: &updater.Outcome{Plan: p}, err: &updater.ConflictError{Conflicts: make([]updater.ConflictOf, 2)}}, nil, ExitConflict, stateUntouched},
		{"rolled back", &fakeEngine{err: &updater.RolledBackError{Cause: errors.New("boom")}}, nil, ExitFailed, stateAsBefore},
		{"mixed", &fakeEngine{err: &updater.RollbackError{Cause: errors.New("boom"), Undo: errors.New("bang")}}, nil, ExitInterrupted, stateMixed},
		{"interrupted", &fakeEngine{err: context.Canceled}, nil, ExitFailed, "Interrupted; nothing was changed."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := show(tt.engine, append([]string{"--home", "/h"}, tt.args...)...)
			if code != tt.exit {
				t.Errorf("exit code: want %d, got %d", tt.exit, code)
			}
			text := out
			if tt.exit != ExitOK {
				text = errs
			}
			lines := strings.Split(strings.TrimSpace(text), "\n")
			if got := lines[len(lines)-1]; got != tt.last {
				t.Errorf("last line:\n got %q\nwant %q", got, tt.last)
			}
		})
	}
}

func TestColourOnlyWhereWanted(t *testing.T) {
	p := newPrinter(nil, true)
	p.line("%s", styled{red, "x\x1b[0m"})
	if got := p.buf.String(); got != "\x1b[31mx\\x1b[0m\x1b[0m\n" {
		t.Errorf("coloured: got %q", got)
	}
	p = newPrinter(nil, false)
	p.line("%s", styled{red, "x"})
	if got := p.buf.String(); got != "x\n" {
		t.Errorf("plain: got %q", got)
	}
}

// What a run says of its window and what history says of it are the same words: history keeps
// milliseconds that have begun.
func TestWindow(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Microsecond: "1 ms", time.Millisecond: "1 ms", 8100 * time.Microsecond: "9 ms", 9 * time.Millisecond: "9 ms",
		999*time.Millisecond + 1: "1.0 s", 1210 * time.Millisecond: "1.3 s", 1299*time.Millisecond + 1: "1.3 s",
	} {
		kept := (d + time.Millisecond - 1).Truncate(time.Millisecond)
		if got, later := window(d), window(kept); got != want || later != want {
			t.Errorf("%v: %q, from history %q; want %q", d, got, later, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 5 << 30: "5.0 GiB", 1<<63 - 1: "8.0 EiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d): got %s, want %s", n, got, want)
		}
	}
}
