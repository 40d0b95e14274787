//go:build unix

package cli

import "syscall"

// execute makes this process the program, called name, with the same environment, files and
// number; the lock and all that is open ends with that. It returns only if it could not.
func execute(program, name string, args []string, _ func()) (int, error) {
	return 0, syscall.Exec(program, append([]string{name}, args...), syscall.Environ())
}
