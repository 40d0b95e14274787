package cli_test

import (
	"fmt"
	"os/exec"
	"testing"

	"inplace/updater/cli"
)

// shell runs a script with the installation's binary as $1.
func (p *plant) shell(script string, args ...string) *exec.Cmd {
	cmd := exec.Command("sh", append([]string{"-c", script, "sh", p.home + "/bin/inplace"}, args...)...)
	cmd.Env, cmd.Dir = p.env, p.dir
	return cmd
}

// TestC7Limits updates with few descriptors and little memory: it works, or ends with
// the old tree and a reason.
func TestC7Limits(t *testing.T) {
	p := adopted(t)
	old, fresh, pristine := p.bothSides(t)
	worked := 0
	for _, c := range []struct{ name, script string }{
		{"descriptors 16", `ulimit -n 16; exec "$1"`},
		{"descriptors 24", `ulimit -n 24; exec "$1"`},
		{"descriptors 20", `ulimit -n 20; exec "$1"`},
		{"descriptors 12", `ulimit -n 12; exec "$1"`},
		{"descriptors 8", `ulimit -n 8; exec "$1"`},
		{"memory 24 MiB", `GOMEMLIMIT=24MiB exec "$1"`},
		{"one processor", `GOMAXPROCS=1 exec "$1"`},
		{"files of 4 KiB", `trap '' XFSZ; ulimit -f 8; exec "$1"`},
	} {
		restore(t, pristine, p.home)
		o := finish(t, p.shell(c.script))
		switch o.code {
		case 0:
			worked++
			alike(t, c.name, fresh, product(t, p.home))
		case cli.ExitFailed:
			alike(t, c.name, old, product(t, p.home))
			t.Logf("%s: %s", c.name, o.stderr)
		default:
			t.Errorf("%s: %v", c.name, o)
		}
		finish(t, p.update()).wants(t, "after "+c.name, 0)
		alike(t, "after "+c.name, fresh, product(t, p.home))
	}
	if worked < 2 {
		t.Errorf("want it to work with little memory and with one processor; %d runs worked", worked)
	}
}

// TestC7NoLeak updates and reverts many paths with just as many descriptors as a few.
func TestC7NoLeak(t *testing.T) {
	old, fresh := files{"updates/": ""}, files{"updates/": ""}
	for i := range 400 {
		name := fmt.Sprintf("lib/d%d/f%d.jar", i%20, i)
		old[name], fresh[name] = "\x00one", "\x00two"
	}
	p := newPlant(t, old, fresh)
	p.must(t, "adopt", p.home, "--source", p.repo)
	finish(t, p.shell(`ulimit -n 40; exec "$1"`)).wants(t, "update", 0)
	finish(t, p.shell(`ulimit -n 40; exec "$1" --revert`)).wants(t, "revert", 0)
}
