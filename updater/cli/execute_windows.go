package cli

import (
	"errors"
	"os"
	"os/exec"
)

// execute runs the program, called name, and waits for it: a process cannot become another
// one here. It gets each Ctrl-C of the console itself, and this process goes on waiting.
func execute(program, name string, args []string, unlock func()) (int, error) {
	cmd := &exec.Cmd{Path: program, Args: append([]string{name}, args...), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if unlock != nil {
		unlock()
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
