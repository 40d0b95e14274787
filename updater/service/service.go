// Package service stops and starts the product that an installation holds, and looks
// whether it is well.
//
// Commands are argument lists, never lines for a shell: the first word is a program,
// found below the installation where it has a slash and by PATH where it has none. They run in the
// installation, without standard input, in a session of their own, so that what they
// leave running outlives this program and hears nothing of the keys pressed at its
// terminal. Their output goes to a file, never to a pipe: a product that still writes
// there must not be ended by our end.
//
// Whether the product runs is told by the status command (exit 0: it runs; 1 to 4: it
// does not, as LSB has it), else by the process whose number stands in the pid file; without
// either it is not known. A command that takes longer than its time is killed with
// everything it has started. The package writes nothing below the installation.
package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"inplace/updater/mask"
)

// Commands say how a product is stopped and started; each list may be empty.
type Commands struct {
	Stop, Start, Status []string
	PIDFile             string        // relative to the installation, or absolute; "": none
	Timeout             time.Duration // of each command, and of the wait for its effect
}

// Any reports whether anything can be done or asked.
func (c *Commands) Any() bool {
	return len(c.Stop) > 0 || len(c.Start) > 0 || len(c.Status) > 0 || c.PIDFile != ""
}

// State is whether the product runs.
type State string

// The values of State.
const (
	Up      State = "running"
	Down    State = "stopped"
	Unknown State = "unknown"
)

// Service is one installation's product.
type Service struct {
	Commands
	Dir    string   // the installation, absolute
	Output *os.File // what commands print is appended there; nil: nowhere
}

// CommandError is a command that did not do its work in its time.
type CommandError struct {
	Argv   []string
	Reason string // exit code, signal, time
	Output string // the last lines it printed, at most maxTail bytes
}

func (e *CommandError) Error() string { return line(e.Argv) + ": " + e.Reason }

// line is a command as it is shown and recorded: with its secrets masked.
func line(argv []string) string { return strings.Join(mask.Args(argv), " ") }

// every is how often is asked whether a command has had its effect.
const every = 100 * time.Millisecond

// How much of a command's output, or of the product's log, an error carries.
const (
	maxTail   = 4 << 10 // bytes
	tailLines = 20
)

// State asks whether the product runs. Errors: *CommandError of a status command that
// gives another code or does not answer; then the state is Unknown.
func (s *Service) State(ctx context.Context) (State, error) {
	switch {
	case len(s.Status) > 0:
		return s.ask(ctx)
	case s.PIDFile != "":
		return s.processState()
	}
	return Unknown, nil
}

func (s *Service) ask(ctx context.Context) (State, error) {
	code, err := s.run(ctx, s.Status)
	switch {
	case err == nil:
		return Up, nil
	case code >= 1 && code <= 4:
		return Down, nil
	}
	return Unknown, err
}

// processState reads the pid file. A file that is gone or empty, or whose process is
// gone, is a product that does not run.
func (s *Service) processState() (State, error) {
	data, err := os.ReadFile(s.path(s.PIDFile))
	if errors.Is(err, os.ErrNotExist) {
		return Down, nil
	}
	if err != nil {
		return Unknown, err
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	if word == "" {
		return Down, nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(word))
	if err != nil || pid <= 1 {
		return Unknown, fmt.Errorf("%s: want the number of a process, got %q", s.PIDFile, clip(word, 40))
	}
	if alive(pid) {
		return Up, nil
	}
	return Down, nil
}

// StopNow runs the stop command and waits until the product does not run any more, as
// far as that can be known. Errors: *CommandError; the product may then run or not:
// ask State.
func (s *Service) StopNow(ctx context.Context) error { return s.reach(ctx, s.Stop, Down) }

// StartNow runs the start command, which has to return, and waits until the product
// is said to run, as far as that can be known. Errors: *CommandError.
func (s *Service) StartNow(ctx context.Context) error { return s.reach(ctx, s.Start, Up) }

// reach runs a command and waits for the state it is to lead to.
func (s *Service) reach(ctx context.Context, argv []string, want State) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if _, err := s.run(ctx, argv); err != nil {
		return err
	}
	last := Unknown
	for {
		got, err := s.State(ctx)
		if got == want || got == Unknown && err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = got
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			reason := fmt.Sprintf("has ended, and after %v the product is still %s", s.Timeout, last)
			return &CommandError{Argv: argv, Reason: reason, Output: s.tail(0)}
		}
	}
}

// run runs one command to its end; code is its exit code where it has one.
func (s *Service) run(ctx context.Context, argv []string) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Program(argv[0]), argv[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = environment()
	var from int64
	if s.Output != nil {
		cmd.Stdout, cmd.Stderr = s.Output, s.Output
		from, _ = s.Output.Seek(0, io.SeekEnd)
	}
	apart(cmd)
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("has not ended within %v", s.Timeout)
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.As(err, &exit):
		code = exit.ExitCode()
		if code >= 0 {
			err = fmt.Errorf("exit code %d", code)
		}
	default:
		var start *exec.Error
		var path *os.PathError
		if errors.As(err, &start) {
			err = start.Err
		} else if errors.As(err, &path) {
			err = path.Err
		}
		err = fmt.Errorf("cannot be run: %w", err)
	}
	return code, &CommandError{Argv: argv, Reason: err.Error(), Output: s.tail(from)}
}

// Check says why the program of a command cannot be run, or nil. It runs nothing.
func (s *Service) Check(argv []string) error {
	_, err := exec.LookPath(s.Program(argv[0]))
	var start *exec.Error
	if errors.As(err, &start) {
		err = start.Err
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err
}

// Program resolves the first word of a command: with a slash it is a file, relative
// to the installation.
func (s *Service) Program(word string) string {
	if strings.ContainsRune(word, '/') && !filepath.IsAbs(word) {
		return filepath.Join(s.Dir, filepath.FromSlash(word))
	}
	return word
}

// environment is ours without what concerns this program alone: secrets do not go to
// a product.
func environment() []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "INPLACE_") {
			out = append(out, kv)
		}
	}
	return out
}

// Printed is the end of what the commands have printed, the latest last.
func (s *Service) Printed() string { return s.tail(0) }

// tail is the end of what was printed since the offset from.
func (s *Service) tail(from int64) string {
	if s.Output == nil {
		return ""
	}
	end, err := s.Output.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	buf := make([]byte, min(end-from, maxTail))
	n, _ := s.Output.ReadAt(buf, end-int64(len(buf)))
	return lastLines(buf[:n], tailLines)
}

// lastLines is at most n lines from the end of text, the first whole.
func lastLines(text []byte, n int) string {
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return string(bytes.Join(lines, []byte("\n")))
}

// clip shortens a text of somebody else's for a message.
func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
