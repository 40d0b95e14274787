package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal is a terminal of its own: what is written to keys is typed there, and
// screen reads what is shown.
func openTerminal(t *testing.T) (keys *os.File, tty *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close(); _ = keys.Close() })
	return keys, tty
}

// typing runs a command line at a terminal with what is typed, and returns the exit code
// and the screen.
func (p *program) typing(keys string, env map[string]string, args ...string) (int, string) {
	p.t.Helper()
	master, tty := openTerminal(p.t)
	var screen bytes.Buffer
	shown := make(chan struct{})
	go func() {
		_, _ = io.Copy(&screen, master)
		close(shown)
	}()
	if _, err := master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
	code := runIn(t0ctx(), args, Env{
		Name: "bin/update.sh", Stdin: tty, Stdout: tty, Stderr: tty, Version: "1.0.0-test",
		Now: func() time.Time { return p.now },
		LookupEnv: func(key string) (string, bool) {
			if key == envPassphrase || key == "NO_COLOR" {
				return map[string]string{"NO_COLOR": "1"}[key], true
			}
			value, has := env[key]
			return value, has
		},
		Executable: func() (string, error) { return filepath.Join(p.home, "bin", "inplace"), nil },
	})
	_ = tty.Close() // the last end of the terminal: the reader sees its end
	<-shown
	return code, strings.ReplaceAll(screen.String(), "\r\n", "\n")
}

// At a terminal resolve asks about each conflict; the answers are what is decided.
func TestResolveAsks(t *testing.T) {
	p := newProgram(t)
	in := func(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
	must := func(args ...string) {
		t.Helper()
		if code, out, errs := p.run(args...); code != ExitOK {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
	must("release", "init", in("repo"), "--keys", in("keys"), "--product", in("a/updates/product.yaml"))
	must("release", "add", in("repo"), in("a"), "--level", "0", "--channel", "full", "--keys", in("keys"))
	must("release", "add", in("repo"), in("b"), "--level", "1", "--channel", "full", "--keys", in("keys"))
	must("adopt", p.home, "--source", in("repo"))
	for _, e := range [][3]string{
		{"conf/server.xml", `autoDeploy="true"`, `autoDeploy="maybe"`},
		{"lib/acme-core-4.2.0.jar", "stands", "STANDS"},
		{"webapps/examples/index.html", "Examples", "Mine"},
	} {
		if err := replaceInFile(in("acme/"+e[0]), e[1], e[2]); err != nil {
			t.Fatal(err)
		}
	}
	if code, out, errs := p.run(); code != ExitConflict {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	editor := in("editor.sh")
	script := "#!/bin/sh\nif [ -e " + editor + ".done ]; then\nprintf '<title>Edited</title>\\n' >\"$1\"; else\ntouch " + editor + ".done; fi\n"
	if err := os.WriteFile(editor, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	wants := func(screen string, list ...string) {
		t.Helper()
		for _, want := range list {
			if !strings.Contains(screen, want) {
				t.Errorf("want %q on the screen:\n%s", want, screen)
			}
		}
	}

	// A refused answer and an unknown one ask again; skip goes on, quit ends.
	code, screen := p.typing("both\nx\ns\nq\n", nil, "resolve")
	if code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, screen)
	}
	wants(screen, "! 1  conf/server.xml: Server/Engine", "[o]urs [t]heirs [b]oth [e]dit [m]ergetool [s]kip [q]uit: ",
		"would stand twice", "answer with the first letter", "! 2  lib/acme-core-4.2.0.jar", "[o]urs [t]heirs [s]kip [q]uit: ", "3 open, 0 resolved")
	if strings.Count(screen, "3  webapps/examples/index.html") != 1 {
		t.Errorf("want the third conflict in the list only, since quit came before:\n%s", screen)
	}

	// The end of what is typed is quit.
	if code, screen = p.typing("o\n\x04", nil, "resolve"); code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, screen)
	}
	wants(screen, "2 open, 1 resolved")

	// An editor that leaves the markers is no answer.
	if code, screen = p.typing("t\ne\ne\n", map[string]string{"EDITOR": editor}, "resolve"); code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, screen)
	}
	wants(screen, "its markers are still there", "0 open, 3 resolved", "All is decided. To go on: bin/update.sh --continue")

	// And the update asks its question, as ever.
	if code, screen = p.typing("y\n", nil, "--continue"); code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, screen)
	}
	wants(screen, "Go ahead? [y/N]", "is at level 1")
	if data, _ := os.ReadFile(in("acme/webapps/examples/index.html")); string(data) != "<title>Edited</title>\n" {
		t.Errorf("index.html: got %q", data)
	}
}
