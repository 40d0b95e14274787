package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// program runs command lines in this process, as in a shell without terminal.
type program struct {
	t    *testing.T
	dir  string
	home string // whose binary is run
	now  time.Time
}

// run returns the exit code and what was printed.
func (p *program) run(args ...string) (code int, stdout, stderr []byte) {
	p.t.Helper()
	var out, errs bytes.Buffer
	code = runIn(t0ctx(), args, Env{
		Name: "bin/update.sh", Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &errs, Version: "1.0.0-test",
		Now:        func() time.Time { return p.now },
		LookupEnv:  func(key string) (string, bool) { return "", key == envPassphrase },
		Executable: func() (string, error) { return filepath.Join(p.home, "bin", "inplace"), nil },
	})
	return code, out.Bytes(), errs.Bytes()
}

// newProgram publishes the sample product and installs level 0, not adopted yet.
func newProgram(t *testing.T) *program {
	t.Helper()
	dir := t.TempDir()
	p := &program{t: t, dir: dir, home: filepath.Join(dir, "acme"), now: time.Now()}
	for from, to := range map[string]string{"level0": "a", "level1": "b"} {
		if err := writeDemo(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeDemo("level0", p.home); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.home, "bin", "inplace"), []byte("the program"), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDocuments runs every command with --json, well and badly, and holds what comes
// out against the published schema.
func TestDocuments(t *testing.T) {
	s := loadSchema(t, "result.json")
	p := newProgram(t)
	in := func(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
	events := in("events.jsonl")
	edit := func(file, old, new string) func() error {
		return func() error { return replaceInFile(in(file), old, new) }
	}
	add := []string{"release", "add", in("repo"), in("a"), "--level", "0", "--channel", "full", "--keys", in("keys")}
	steps := []struct {
		name   string
		before func() error
		args   []string
		exit   int
	}{
		{name: "usage", args: []string{"--revrt"}, exit: ExitUsage},
		{name: "no installation", args: []string{"status"}, exit: ExitUsage},
		{name: "init", args: []string{"release", "init", in("repo"), "--keys", in("keys"), "--product", in("a/updates/product.yaml")}},
		{name: "add refused", before: func() error { return os.WriteFile(in("a/aux.txt"), nil, 0o644) }, args: add, exit: ExitFailed},
		{name: "add", before: func() error { return os.Remove(in("a/aux.txt")) }, args: add},
		{name: "add again", args: add},
		{name: "add another", args: []string{"release", "add", in("repo"), in("b"), "--level", "1", "--channel", "full", "--keys", in("keys")}},
		{name: "promote", args: []string{"release", "promote", in("repo"), "0", "--to", "security", "--keys", in("keys")}},
		{name: "promote nothing", args: []string{"release", "promote", in("repo"), "9", "--to", "security", "--keys", in("keys")}, exit: ExitFailed},
		{name: "channel", args: []string{"release", "channel", in("repo"), "security", "--subscription", "required", "--keys", in("keys")}},
		{name: "refresh", args: []string{"release", "refresh", in("repo"), "--keys", in("keys")}},
		{name: "keys", args: []string{"release", "keys", "list", in("repo"), "--keys", in("keys")}},
		{name: "a further key", args: []string{"release", "keys", "add", in("repo"), "root", "--keys", in("keys"), "--threshold", "2"}},
		{name: "too few keys", args: []string{"release", "keys", "threshold", in("repo"), "root", "3", "--keys", in("keys")}, exit: ExitFailed},
		{name: "export", args: []string{"release", "channel", in("repo"), "paid", "--subscription", "required", "--keys", in("keys"), "--export", in("to-sign")}},
		{name: "sign", args: []string{"release", "sign", in("to-sign"), "--keys", in("keys")}},
		{name: "import what was signed", args: []string{"release", "sign", in("repo"), "--import", in("to-sign"), "--keys", in("keys")}},
		{name: "import it again", args: []string{"release", "sign", in("repo"), "--import", in("to-sign"), "--keys", in("keys")}, exit: ExitFailed},
		{name: "adopt cannot tell", before: edit("acme/RELEASE-NOTES", "4.2.0", "mine"), args: []string{"adopt", p.home, "--source", in("repo")}, exit: ExitFailed},
		{name: "adopt", before: edit("acme/conf/server.xml", "8080", "9080"), args: []string{"adopt", p.home, "--source", in("repo"), "--base", "0"}},
		{name: "adopt again", args: []string{"adopt", p.home}},
		{name: "dry run with a conflict", args: []string{"--dry-run"}, exit: ExitConflict},
		{name: "conflict", args: []string{}, exit: ExitConflict},
		{name: "status with a conflict", args: []string{"status"}},
		{name: "what waits", args: []string{"resolve"}},
		{name: "revert beside it", args: []string{"--revert"}, exit: ExitConflict},
		{name: "what cannot be", before: func() error { return os.WriteFile(in("marked"), []byte("<<<<<<< a\n"), 0o644) },
			args: []string{"resolve", "RELEASE-NOTES", "--take", in("marked")}, exit: ExitFailed},
		{name: "resolve nothing", args: []string{"resolve", "nothing", "--take", "ours"}, exit: ExitUsage},
		{name: "go on too early", args: []string{"--continue"}, exit: ExitConflict},
		{name: "resolve", args: []string{"resolve", "RELEASE-NOTES", "--take", "ours", "--why", "as agreed"}},
		{name: "abort", args: []string{"--abort"}},
		{name: "abort again", args: []string{"--abort"}},
		{name: "nothing to go on with", args: []string{"--continue"}},
		{name: "conflict again", args: []string{}, exit: ExitConflict},
		{name: "resolve again", args: []string{"resolve", "RELEASE-NOTES", "--take", "theirs"}},
		{name: "go on", args: []string{"--continue"}},
		{name: "take it back", args: []string{"--revert"}},
		{name: "replayed", args: []string{"--dry-run"}},
		{name: "remembered", args: []string{"resolve", "--remembered"}},
		{name: "export", args: []string{"resolve", "--export", in("decided.txt")}},
		{name: "import", args: []string{"resolve", "--import", in("decided.txt")}},
		{name: "import nothing", args: []string{"resolve", "--import", in("no.txt")}, exit: ExitUsage},
		{name: "forget", args: []string{"resolve", "--forget"}},
		{name: "forget nothing", args: []string{"resolve", "--forget", "RELEASE-NOTES"}, exit: ExitUsage},
		{name: "verify", args: []string{"verify"}, exit: ExitDiffers},
		{name: "verify all of it", args: []string{"verify", "--full", "lib"}},
		{name: "support", args: []string{"support"}},
		{name: "support file", args: []string{"support", "-o", in("case.md")}},
		{name: "diff", args: []string{"diff"}},
		{name: "diff of levels", args: []string{"diff", "--level", "0", "--to", "1"}},
		{name: "diff to a file", args: []string{"diff", "-o", in("my.patch")}},
		{name: "diff of nothing", args: []string{"diff", "nothing"}, exit: ExitUsage},
		{name: "verify nothing", args: []string{"verify", "nothing"}, exit: ExitUsage},
		{name: "dry run", before: edit("acme/RELEASE-NOTES", "mine", "4.2.0"), args: []string{"--dry-run"}},
		{name: "prepare", args: []string{"--prepare", "--events", events, "--plan-out", in("plan.json")}},
		{name: "prepare again", args: []string{"--prepare"}},
		{name: "dry run of what is prepared", args: []string{"--dry-run"}},
		{name: "status with something prepared", args: []string{"status"}},
		{name: "abort", args: []string{"--abort"}},
		{name: "nothing to abort", args: []string{"--abort"}},
		{name: "a plan that does not hold", before: edit("acme/conf/server.xml", "9080", "9081"), args: []string{"--plan", in("plan.json")}, exit: ExitFailed},
		{name: "a plan that holds", before: edit("acme/conf/server.xml", "9081", "9080"), args: []string{"--plan", in("plan.json"), "--dry-run"}},
		{name: "no plan", args: []string{"--plan", in("repo/product.yaml")}, exit: ExitUsage},
		{name: "prepare after the plan", args: []string{"--prepare", "--plan", in("plan.json")}},
		{name: "update", args: []string{"--events", events}},
		{name: "nothing to do", args: []string{}},
		{name: "unknown level", args: []string{"--level", "9"}, exit: ExitUsage},
		{name: "status", args: []string{"status"}},
		{name: "backups", args: []string{"backups", "list"}},
		{name: "backups compared", args: []string{"backups", "verify"}},
		{name: "nothing to prune", args: []string{"backups", "prune"}},
		{name: "prune what", args: []string{"backups", "prune", "--max-size", "5"}, exit: ExitUsage},
		{name: "dry revert", args: []string{"--dry-run", "--revert"}},
		{name: "revert", args: []string{"--revert", "--events", events}},
		{name: "nothing to revert", args: []string{"--revert"}, exit: ExitFailed},
		{name: "dry fix", args: []string{"verify", "--fix", "conf", "--dry-run"}},
		{name: "fix", args: []string{"verify", "--fix", "conf", "--events", events}},
		{name: "fix again", args: []string{"verify", "--fix", "conf"}},
		{name: "revert the fix", args: []string{"--revert"}},
		{name: "fix what is the operator's", args: []string{"verify", "--fix", "database/x"}, exit: ExitUsage},
		{name: "history", args: []string{"history"}},
		{name: "the newest of the history", args: []string{"history", "-n", "1"}},
		{name: "none of the history", args: []string{"history", "-n", "0"}, exit: ExitUsage},
		{name: "a run of the history that there is not", args: []string{"history", "1999"}, exit: ExitUsage},
		{name: "guard", args: []string{"guard"}},
		{name: "pack", args: []string{"pack", "--source", in("repo"), "--root", in("repo/metadata/1.root.json"), "-o", in("pack.zip")}},
		{name: "pack again", args: []string{"pack", "-o", in("pack.zip")}, exit: ExitFailed},
		{name: "fetch", args: []string{"fetch", "-o", in("one.bundle"), "--events", events}},
		{name: "fetch alone", args: []string{"fetch", "--source", in("repo"), "-o", in("all.bundle")}},
		{name: "fetch again, other bytes", args: []string{"fetch", "--from", "none", "-o", in("one.bundle")}, exit: ExitFailed},
		{name: "pack with edits", args: []string{"pack", "--with-edits", "-o", in("packed"), "--events", events}},
		{name: "pack with a conflict", before: edit("acme/conf/server.xml", "autoDeploy=\"true\"", "autoDeploy=\"maybe\""),
			args: []string{"pack", "--with-edits", "-o", in("clash")}, exit: ExitConflict},
		{name: "updater", args: []string{"release", "updater", in("repo"), "linux-amd64=" + in("repo/product.yaml"), "--version", "9.9", "--keys", in("keys")}},
		{name: "an older updater", args: []string{"release", "updater", in("repo"), "linux-amd64=" + in("pack.zip"), "--version", "9.8", "--keys", in("keys")}, exit: ExitFailed},
		{name: "withdraw", args: []string{"release", "withdraw", in("repo"), "1", "--reason", "why", "--keys", in("keys")}},
		{name: "withdraw, and why not", args: []string{"release", "withdraw", in("repo"), "1", "--reason", "a\nb", "--keys", in("keys")}, exit: ExitUsage},
		{name: "version", args: []string{"version"}},
		{name: "expired", before: func() error { p.now = p.now.AddDate(2, 0, 0); return nil }, args: []string{"--dry-run"}, exit: ExitUntrusted},
		{name: "pack expired", args: []string{"pack", "-o", in("stale")}, exit: ExitUntrusted},
		{name: "pack expired, alone", args: []string{"pack", "--source", in("repo"), "--root", in("repo/metadata/1.root.json"), "-o", in("stale")}, exit: ExitUntrusted},
		{name: "pack expired, accepted", args: []string{"pack", "-o", in("stale"), "--allow-stale", "air gap"}},
	}
	for _, st := range steps {
		if st.before != nil {
			if err := st.before(); err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
		}
		code, out, errs := p.run(append(st.args, "--json")...)
		if code != st.exit {
			t.Fatalf("%s: exit code: want %d, got %d\n%s\n%s", st.name, st.exit, code, out, errs)
		}
		v := decodeOne(t, out)
		for _, fault := range s.check(s, "", v) {
			t.Errorf("%s: %s", st.name, fault)
		}
		doc := v.(map[string]any)
		if got := doc["exit"]; got != float64(code) {
			t.Errorf("%s: exit in the document: want %d, got %v", st.name, code, got)
		}
		if _, has := doc["error"]; has != (code != ExitOK && code != ExitDiffers) {
			t.Errorf("%s: error in the document: want one exactly on failure, got %v", st.name, doc["error"])
		}
	}
	checkEvents(t, events)
}

func checkEvents(t *testing.T, path string) {
	t.Helper()
	s := loadSchema(t, "event.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		for _, fault := range s.check(s, "", decodeOne(t, line)) {
			t.Errorf("event %d: %s", n, fault)
		}
	}
	if n < 8 {
		t.Errorf("events: want at least 8 of an update and a revert, got %d", n)
	}
}
