package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"inplace/updater/cli"
)

// foreign is a user that owns nothing.
const foreign = 65534

// as makes cmd run as another user.
func as(uid uint32, cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, NoSetGroups: true}}
	return cmd
}

// mount runs `mount ARG...` and takes it back at the end of the test.
func mount(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// TestC6Denied finds in the preflight, by name and all at once, what may not be changed;
// nothing is changed then.
func TestC6Denied(t *testing.T) {
	asRoot(t, "sets immutable flags, owners and mounts")
	p := adopted(t)
	at := func(path string) string { return filepath.Join(p.home, path) }
	chattr := func(t *testing.T, flag, path string) {
		has(t, "chattr")
		if out, err := exec.Command("chattr", "+"+flag, at(path)).CombinedOutput(); err != nil {
			t.Skipf("the file system has no such flags: %s", out)
		}
		t.Cleanup(func() { _ = exec.Command("chattr", "-"+flag, at(path)).Run() })
	}
	chown := func(t *testing.T, uid int, path string, all bool) {
		args := []string{"-h", "65534:65534", at(path)}
		if uid == 0 {
			args[1] = "0:0"
		}
		if all {
			args = append([]string{"-R"}, args...)
		}
		if out, err := exec.Command("chown", args...).CombinedOutput(); err != nil {
			t.Fatalf("chown: %v: %s", err, out)
		}
	}
	back := func(t *testing.T) { t.Cleanup(func() { chown(t, 0, "", true) }) }
	user := func() *exec.Cmd { return as(foreign, p.update()) }
	for _, c := range []struct {
		name string
		make func(t *testing.T)
		run  func() *exec.Cmd
		says []string
	}{
		{"immutable files", func(t *testing.T) { chattr(t, "i", "lib/gone.jar"); chattr(t, "i", "lib/replaced.jar") }, nil, []string{"lib/gone.jar: ", "lib/replaced.jar: "}},
		{"append-only file", func(t *testing.T) { chattr(t, "a", "bin/start.sh") }, nil, []string{"bin/start.sh: "}},
		{"immutable directories", func(t *testing.T) { chattr(t, "i", "lib"); chattr(t, "i", "share") }, nil, []string{"lib: ", "share: "}},
		{"a tree of another user", func(t *testing.T) { back(t); chown(t, foreign, "", true) }, nil, []string{"belongs to user 65534, this is user 0", "sudo -u '#65534' "}},
		{"as another user", func(*testing.T) {}, user, []string{"updates/settings.yaml: permission denied", "sudo -u OWNER"}},
		{"files of others", func(t *testing.T) {
			back(t)
			chown(t, foreign, "", true)
			chown(t, 0, "lib/replaced.jar", false)
			chown(t, 0, "bin/start.sh", false)
		}, user, []string{"lib/replaced.jar: belongs to user 0", "bin/start.sh: belongs to user 0"}},
		{"directories without permission", func(t *testing.T) {
			back(t)
			chown(t, foreign, "", true)
			for _, d := range []string{"lib", "webapps"} {
				ok(t, os.Chmod(at(d), 0o555))
				t.Cleanup(func() { _ = os.Chmod(at(d), 0o755) })
			}
		}, user, []string{"lib: cannot be written to", "webapps: cannot be written to"}},
		{"read-only bind mount of all", func(t *testing.T) {
			mount(t, p.home, "--bind", p.home)
			if out, err := exec.Command("mount", "-o", "remount,ro,bind", p.home).CombinedOutput(); err != nil {
				t.Fatalf("mount: %v: %s", err, out)
			}
		}, nil, []string{"read-only"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.make(t)
			before := product(t, p.home)
			cmd := p.update()
			if c.run != nil {
				cmd = c.run()
			}
			o := finish(t, cmd)
			o.wants(t, c.name, cli.ExitFailed, c.says...)
			if dry := append(cmd.Args, "--dry-run"); strings.HasPrefix(c.says[0], "lib") && c.run != nil {
				cmd = c.run()
				cmd.Args = dry
				o = finish(t, cmd)
				o.wants(t, c.name+", looked at", 0, "warning: "+c.says[0], "This user cannot go ahead, as the warnings say: ")
				if strings.Contains(o.stdout, "To go ahead") {
					t.Errorf("%s: a dry run offers what cannot be done: %s", c.name, o)
				}
			}
			alike(t, c.name, before, product(t, p.home))
		})
	}
	finish(t, p.update()).wants(t, "with nothing in the way", 0)
}
