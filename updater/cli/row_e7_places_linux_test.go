package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"inplace/updater/cli"
)

// TestE7Places names the installation in every odd way; it is resolved once, and shown
// without what a terminal would obey.
func TestE7Places(t *testing.T) {
	p := adopted(t)
	_, fresh, pristine := p.bothSides(t)
	run := func(what, dir string, cmd *exec.Cmd) {
		t.Helper()
		cmd.Env = p.env
		if cmd.Dir == "" {
			cmd.Dir = p.dir
		}
		o := finish(t, cmd)
		o.wants(t, what, 0)
		if o.raw() {
			t.Errorf("%s: the path is printed raw: %q", what, o.stdout+o.stderr)
		}
		alike(t, what, fresh, product(t, dir))
	}
	link := filepath.Join(p.dir, "link")
	ok(t, os.Symlink(p.home, link))
	for _, c := range []struct{ what, home, in string }{
		{"a link", link, ""},
		{"a link with a slash", link + "/", ""},
		{"a trailing slash", p.home + "//", ""},
		{"a relative path", "./home/../home", p.dir},
		{"a dot", ".", p.home},
		{"up from inside", "..", p.home + "/bin"},
	} {
		restore(t, pristine, p.home)
		cmd := p.command("--home", c.home)
		if c.in != "" {
			cmd.Dir = c.in
		}
		run(c.what, p.home, cmd)
	}
	for _, name := range []string{"with space", "new\nline", "bytes \xff", "-dash", "quote'\"$(touch x)`", "\x1b[31mred", "home (deleted)"} {
		dir := filepath.Join(p.dir, name)
		restore(t, pristine, dir)
		run("launcher in "+name, dir, exec.Command(filepath.Join(dir, "bin/update.sh")))
		cmd := exec.Command(filepath.Join(dir, "bin/update.sh"), "--revert")
		cmd.Env, cmd.Dir = p.env, p.dir
		finish(t, cmd).wants(t, "revert in "+name, 0)
	}
	for _, home := range []string{"", "nowhere", p.home + "/bin/start.sh", p.repo} {
		o := finish(t, p.command("--home", home, "status"))
		if o.code != cli.ExitUsage && o.code != cli.ExitFailed || !strings.Contains(o.stderr, "error: ") {
			t.Errorf("--home %q: want it refused, got %v", home, o)
		}
	}
}
