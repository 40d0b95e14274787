package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"inplace/updater/cli"
)

// TestE5Launcher starts the launcher with everything in its environment turned against
// it: it runs the binary beside it and nothing else, and the binary runs no program at all.
func TestE5Launcher(t *testing.T) {
	p := adopted(t)
	_, fresh, pristine := p.bothSides(t)
	evil := filepath.Join(p.dir, "evil")
	said := filepath.Join(p.dir, "said")
	script := "#!/bin/sh\necho \"$0\" >>'" + said + "'\n"
	for _, name := range []string{"readlink", "dirname", "uname", "inplace", "sh", "basename", "cd", "printf", "hostname", "ps", "cp"} {
		ok(t, os.MkdirAll(evil, 0o755))
		ok(t, os.WriteFile(filepath.Join(evil, name), []byte(script), 0o755))
	}
	ok(t, os.WriteFile(filepath.Join(p.dir, "env.sh"), []byte("echo ENV >>'"+said+"'\n"), 0o644))
	env := append([]string{}, p.env...)
	env = append(env, "PATH="+evil, "IFS=/-. ", "BASH_ENV="+p.dir+"/env.sh", "ENV="+p.dir+"/env.sh", "CDPATH=/:/tmp",
		"TMPDIR=/nonexistent", "HOME=/nonexistent", "LD_LIBRARY_PATH="+evil, "SHELLOPTS=xtrace", "PS4=$(echo PS4 >>'"+said+"')", "GODEBUG=none", "LANG=../../x")
	for _, args := range [][]string{{"--dry-run"}, {}, {"status"}, {"--revert"}} {
		cmd := p.update(args...)
		cmd.Env = env
		finish(t, cmd).wants(t, "hostile environment", 0)
	}
	if text, err := os.ReadFile(said); err == nil {
		t.Errorf("what the environment named was run: %s", text)
	}
	restore(t, pristine, p.home)
	if _, err := exec.LookPath("strace"); err == nil {
		trace := filepath.Join(p.dir, "trace")
		cmd := exec.Command("strace", "-f", "-qq", "-o", trace, "-e", "trace=execve,execveat", p.home+"/bin/update.sh")
		cmd.Env, cmd.Dir = p.env, p.dir
		finish(t, cmd).wants(t, "traced", 0)
		data, err := os.ReadFile(trace)
		ok(t, err)
		if n := strings.Count(string(data), "execve"); n != 2 {
			t.Errorf("want two programs, the launcher and the binary, got: %s", data)
		}
		alike(t, "traced", fresh, product(t, p.home))
	}
	finish(t, p.update("--", "-rf")).wants(t, "a word that looks like an option", cli.ExitUsage)
}
