package cli_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"inplace/updater/cli"
)

// TestE6Process runs updates from odd processes: each umask, a working directory that is
// gone, standard streams that are closed. The result is the same, state included.
func TestE6Process(t *testing.T) {
	p := adopted(t)
	_, fresh, pristine := p.bothSides(t)
	for _, c := range []struct {
		name, script string
		code         int
	}{
		{"umask 000", `umask 000; exec "$1"`, 0},
		{"umask 077", `umask 077; exec "$1"`, 0},
		{"umask 777", `umask 777; exec "$1"`, 0},
		{"working directory gone", `d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$1"`, 0},
		{"no standard streams", `exec "$1" <&- >&- 2>&-`, 0},
		{"no standard input", `exec "$1" <&-`, 0},
		{"no standard output", `exec "$1" >&-`, 0},
		{"no standard error", `exec "$1" 2>&-`, 0},
		{"a full standard output", `exec "$1" >/dev/full`, 0},
	} {
		restore(t, pristine, p.home)
		finish(t, p.shell(c.script)).wants(t, c.name, c.code)
		alike(t, c.name, fresh, product(t, p.home))
		p.checkStateModes(t, c.name)
		finish(t, p.update("--revert")).wants(t, "revert after "+c.name, 0)
	}
	restore(t, pristine, p.home)
	finish(t, p.shell(`"$1" --dry-run >/dev/full`)).wants(t, "a dry run that nobody can read", cli.ExitFailed)
	for _, look := range []string{"help", "--help", "help release add", "version"} {
		finish(t, p.shell(`"$1" `+look+` >/dev/full`)).wants(t, look+" that nobody can read", cli.ExitFailed, "no space left")
	}
	for _, script := range []string{`"$1" completion bash >/dev/full`, `ln -s /dev/full f.html; "$1" --dry-run --report f.html`, `"$1" --dry-run --plan-out /dev/full`} {
		finish(t, p.shell(script)).wants(t, script, cli.ExitFailed, "no space left", "make room where the file is to be")
	}
}

// checkStateModes: what the updater keeps is readable for the owner alone, and no file has
// become a standard stream of a process that had none.
func (p *plant) checkStateModes(t *testing.T, what string) {
	t.Helper()
	updates := filepath.Join(p.home, "updates")
	for _, rel := range []string{"backups", "installed", "trust", "history.jsonl", "settings.yaml", "trust/state", "installed/installed.yaml", "lock"} {
		info, err := os.Stat(filepath.Join(updates, rel))
		ok(t, err)
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: updates/%s: mode: want %o, got %o", what, rel, want, info.Mode().Perm())
		}
	}
	info, err := os.Stat(updates)
	ok(t, err)
	if info.Mode().Perm() != 0o755 {
		t.Errorf("%s: updates: mode: want 755, got %o", what, info.Mode().Perm())
	}
}

// TestE6Group: a member of the group that may write in the tree does not get to update it
// as somebody else.
func TestE6Group(t *testing.T) {
	asRoot(t, "runs as another user")
	p := adopted(t)
	old := product(t, p.home)
	cmd := p.update()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: foreign, Gid: 0, NoSetGroups: true}}
	finish(t, cmd).wants(t, "as a member of the group", cli.ExitFailed, "hint: ")
	alike(t, "as a member of the group", old, product(t, p.home))
}
