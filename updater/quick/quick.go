// Package quick answers the start guard before the rest of the program is set up.
//
// A product's start script runs `inplace guard` each time, and nearly always there is
// nothing to guard against: no journal is open. The packages that the rest of the
// program is made of take some milliseconds to initialise, more than looking for two
// names. This package imports almost nothing, so that the runtime initialises it
// before them (packages are initialised in the order of their import paths, each once
// all its imports are), and it ends the process with exit code 0 if the command line is
// exactly `guard` and the installation plainly has no open transaction. In every other
// case it does nothing and the program goes its normal way. See
// docs/decisions/0003-guard-before-init.md.
package quick

import "os"

func init() {
	if nothingOpen(os.Args, os.Executable) {
		os.Exit(0)
	}
}

// nothingOpen reports whether args ask for the guard of the installation above the
// program's bin/, and it is adopted, with neither a journal nor the marker OPEN.
func nothingOpen(args []string, executable func() (string, error)) bool {
	if len(args) == 4 && args[1] == "--launched-as" {
		args = args[2:]
	}
	if len(args) != 2 || args[1] != "guard" {
		return false
	}
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
