// Package quick answers the start guard, --version and plain merges before the rest of
// the program is set up.
//
// A product's start script runs `inplace guard` each time, and nearly always there is
// nothing to guard against: no journal is open. git runs `inplace merge` for each file, and
// mostly the changes lie apart. The packages that the rest of the program is made of take
// some milliseconds to initialise, more than looking for two names or merging such a file.
// This package imports almost nothing, so that the runtime initialises it
// before them (packages are initialised in the order of their import paths, each once
// all its imports are), and it ends the process with exit code 0 if
//
//   - the command line is exactly `guard`, and the installation plainly has no open
//     transaction, or
//   - it is exactly `--version` or `version`, and the line could be written, or
//   - it is `merge` with files and plain options, and package merge/window merges them.
//
// In every other case it does nothing and the program goes its normal way, which gives
// the same answers. See docs/decisions/0003-guard-before-init.md.
package quick

import (
	"os"
	"os/signal"
	"syscall"
)

// Version is the program's. It is set when a release is built:
// -ldflags "-X inplace/updater/quick.Version=1.2.3".
var Version = "devel"

func init() {
	switch args := command(os.Args); {
	case len(args) > 3 && args[0] == "merge":
		if merged(args[1:]) {
			os.Exit(0)
		}
	case len(args) != 1:
	case args[0] == "guard":
		if nothingOpen(os.Executable) {
			os.Exit(0)
		}
	case args[0] == "--version", args[0] == "version":
		signal.Ignore(syscall.SIGPIPE) // a reader that goes away is no failure
		if _, err := os.Stdout.WriteString("inplace " + Version + "\n"); err == nil {
			os.Exit(0)
		}
	}
	warm()
}

// command returns what was asked for, without the program's name and the launcher's pair.
func command(args []string) []string {
	if len(args) >= 3 && args[1] == "--launched-as" {
		return args[3:]
	}
	return args[min(1, len(args)):]
}

// nothingOpen reports whether the installation above the program's bin/ is adopted, with
// neither a journal nor the marker OPEN.
func nothingOpen(executable func() (string, error)) bool {
	exe, err := executable()
	if err != nil {
		return false
	}
	home, ok := above(exe)
	if ok {
		var bin string
		if bin, ok = above(home); ok && home[len(bin)+1:] == "bin" {
			home = bin
		} else {
			ok = false
		}
	}
	return ok && is(home+"/updates/installed/installed.yaml", true) &&
		is(home+"/updates/OPEN", false) && is(home+"/updates/journal", false)
}

// above is the directory of a path, without a separator at its end.
func above(path string) (string, bool) {
	for i := len(path) - 1; i > 0; i-- {
		if os.IsPathSeparator(path[i]) {
			return path[:i], true
		}
	}
	return "", false
}

// is reports whether something is certainly there, or certainly not.
func is(path string, there bool) bool {
	_, err := os.Lstat(path)
	if there {
		return err == nil
	}
	return os.IsNotExist(err)
}
