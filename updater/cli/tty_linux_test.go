package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal of so many columns.
func terminal(t *testing.T, columns int) (tty *os.File, shown func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: " + err.Error())
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, master) // ends with EIO when the other side is closed
		done <- strings.ReplaceAll(b.String(), "\r\n", "\n")
	}()
	return tty, func() string {
		_ = tty.Close()
		text := <-done
		_ = master.Close()
		return text
	}
}

var (
	colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	drawing = regexp.MustCompile(`\r\x1b\[K[^\n\r]*`)
	ofDiff  = regexp.MustCompile(`^ {6}[-+ @]`)
)

// onTerminal runs a command line on a terminal of so many columns. The clock moves with
// each look at it, so that what comes at a certain rate is seen.
func (p *program) onTerminal(columns int, env map[string]string, args ...string) (code int, shown string) {
	p.t.Helper()
	tty, read := terminal(p.t, columns)
	now := p.now
	code = runIn(context.Background(), args, Env{
		Name: filepath.Join(p.home, "bin/update.sh"), Stdin: strings.NewReader(""), Stdout: tty, Stderr: tty, Version: "1.0.0-test",
		Now: func() time.Time { now = now.Add(time.Second); return now },
		LookupEnv: func(key string) (string, bool) {
			v, ok := env[key]
			return v, ok || key == envPassphrase
		},
		Executable: func() (string, error) { return filepath.Join(p.home, "bin", "inplace"), nil },
	})
	p.now = now
	return code, read()
}

// TestTerminalWidths runs the commands on terminals from 40 columns on: no line is wider,
// but for commands, differences and what is one word, which are never broken; nothing of
// the progress is left, and no line of it was wider either.
func TestTerminalWidths(t *testing.T) {
	for _, columns := range []int{40, 80, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			p := adoptedProgram(t)
			drawn := 0
			for _, c := range []struct {
				code int
				args []string
			}{
				{ExitOK, []string{"--help"}}, {ExitOK, []string{"backups", "prune", "--help"}}, {ExitOK, []string{"--dry-run", "-v"}}, {ExitOK, nil},
				{ExitOK, []string{"status"}}, {ExitOK, []string{"history"}}, {ExitOK, []string{"history", "20"}}, {ExitOK, []string{"backups", "verify"}},
				{ExitDiffers, []string{"verify"}}, {ExitOK, []string{"--revert"}}, {ExitUsage, []string{"--levle", "3"}}, {ExitUsage, []string{"--level", "77"}},
			} {
				if len(c.args) == 2 && c.args[1] == "20" {
					c.args = []string{"history", newestRun(t, p)}
				}
				code, shown := p.onTerminal(columns, nil, c.args...)
				if code != c.code {
					t.Fatalf("%q: exit code: want %d, got %d\n%s", c.args, c.code, code, shown)
				}
				text := ""
				parts := strings.Split(shown, "\r\x1b[K")
				for i, part := range parts {
					if i == 0 || i == len(parts)-1 || strings.Contains(part, "\n") {
						text += part
						continue
					}
					if n := utf8.RuneCountInString(part); n >= columns {
						t.Errorf("%q: a progress line of %d columns: %q", c.args, n, part)
					}
					drawn += min(len(part), 1)
				}
				for l := range strings.Lines(colours.ReplaceAllString(text, "")) {
					l = strings.TrimRight(l, "\n")
					if utf8.RuneCountInString(l) <= columns || ofDiff.MatchString(l) || strings.Contains(l, p.home+"/bin/update.sh") || !strings.Contains(strings.TrimSpace(l), " ") {
						continue
					}
					t.Errorf("%q: a line of %d columns: %q", c.args, utf8.RuneCountInString(l), l)
				}
			}
			if drawn < 10 {
				t.Errorf("want progress, got %d lines", drawn)
			}
		})
	}
}

// newestRun is the ID of the newest run of the history.
func newestRun(t *testing.T, p *program) string {
	t.Helper()
	_, out, _ := p.run("history", "-n", "1", "--json")
	m := regexp.MustCompile(`"run": "([^"]+)"`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("history: no run in %s", out)
	}
	return string(m[1])
}

// TestTerminalPlain holds that nothing but text comes out where the terminal, or who sits
// at it, wants no more: no colours for NO_COLOR and --no-color, no control at all for a dumb
// one.
func TestTerminalPlain(t *testing.T) {
	p := adoptedProgram(t)
	tests := []struct {
		name            string
		env             map[string]string
		args            []string
		colour, drawing bool
	}{
		{"as it is", nil, nil, true, true},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, nil, false, true},
		{"NO_COLOR, empty", map[string]string{"NO_COLOR": ""}, nil, true, true},
		{"flag", nil, []string{"--no-color"}, false, true},
		{"dumb", map[string]string{"TERM": "dumb"}, nil, false, false},
		{"quiet", nil, []string{"-q"}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, shown := p.onTerminal(80, tt.env, append([]string{"--dry-run"}, tt.args...)...)
			if code != ExitOK {
				t.Fatalf("exit code %d\n%s", code, shown)
			}
			if got := colours.MatchString(shown); got != tt.colour {
				t.Errorf("colours: want %v, got %q", tt.colour, shown)
			}
			if got := drawing.MatchString(shown); got != tt.drawing {
				t.Errorf("progress in place: want %v, got %q", tt.drawing, shown)
			}
			if tt.name == "dumb" && (strings.ContainsAny(shown, "\x1b\r") || strings.Count(shown, "comparing ...\n") != 1) {
				t.Errorf("want one plain line for each phase, got %q", shown)
			}
			if tt.name == "quiet" && shown != "" {
				t.Errorf("want nothing, got %q", shown)
			}
		})
	}
}
