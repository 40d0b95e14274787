// Package running finds the processes that use an installation.
//
// A product that runs while its files are replaced reads half old and half new
// classes, or crashes on a library that is not there any more. Before the commit
// the updater therefore asks which processes
//
//   - execute a file below the installation ("executes"),
//   - have one mapped into memory ("maps"), or
//   - hold a regular file open ("has open").
//
// A working directory below the installation does not count (an operator's shell
// stands there), nor do open directories, devices and sockets, the updater itself,
// and its ancestors: the launcher, the shell it was typed into, sudo, sshd.
//
// What the answer rests on. The kernel's process list in /proc is read as text;
// nothing is signalled, attached to or written. A path belongs to the installation
// when it starts with the installation's resolved path, so a process of a container
// that sees the same files under another path is not found. Files are looked up once
// per process, not once per thread. A process that may not be examined, for want of
// privilege, is counted in Report.Unseen, and a system that hides other users'
// processes altogether sets Report.Hidden: an empty list is a proof only where both
// say nothing. Systems without /proc give Report.Unsupported.
//
// Memory: one Process per process found and one string per file that is open for
// writing; maps and descriptor lists of any length are streamed.
package running

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inplace/manifest"
)

// Why a process counts as using the installation, strongest first.
const (
	Executes = "executes"
	Maps     = "maps"
	HasOpen  = "has open"
)

// Process is one process that uses the installation, with one of the files it
// uses: the one with the strongest reason, of several the first in path order.
type Process struct {
	PID     int
	Name    string // the kernel's name of it, at most 15 bytes, any bytes
	UID     int    // effective user
	Why     string // Executes, Maps or HasOpen
	Path    string // relative to the installation, slash-separated, any bytes but NUL
	Deleted bool   // Path is the name the file had; it has been removed since
	Writer  bool   // may write at least one file of the installation, not necessarily Path
}

// String gives one line that is safe for a terminal, such as
// `java (pid 4711) maps lib/core.jar`.
func (p Process) String() string {
	s := fmt.Sprintf("%s (pid %d) %s %s", manifest.Path(p.Name), p.PID, p.Why, manifest.Path(p.Path))
	if p.Deleted {
		s += " (since removed)"
	}
	return s
}

// Report is what Find saw and what it could not see.
type Report struct {
	Processes   []Process // by PID
	Writers     []string  // relative paths some process may write to, sorted, each once
	Unseen      int       // processes that could not be examined
	Hidden      bool      // the system hides processes of other users
	Unsupported string    // in words, where this system's processes cannot be listed at all
}

// Blind says in words what the report cannot vouch for, "" where it saw everything.
func (r *Report) Blind() string {
	switch {
	case r.Unsupported != "":
		return r.Unsupported
	case r.Hidden:
		return "processes of other users are hidden on this system and were not examined"
	case r.Unseen == 1:
		return "1 process could not be examined (it belongs to another user)"
	case r.Unseen > 1:
		return fmt.Sprintf("%d processes could not be examined (they belong to other users)", r.Unseen)
	}
	return ""
}

// Options of Find; the zero value is ready to use.
type Options struct {
	// SelfPID is the process left out together with its ancestors; 0: this process.
	SelfPID int
	// AncestorPIDs are left out as well; nil: found by following the parents of SelfPID.
	AncestorPIDs []int
	// Also are directories elsewhere that belong to the installation: their resolved paths,
	// by the path that they stand for in it.
	Also map[string]string
	// Skip says which files do not count, by path relative to the installation: what
	// the product's rules call data or ignored. nil: every file counts.
	Skip func(relPath string) bool
}

// Find lists the processes that use files below root. It fails only if root cannot
// be resolved or the process list cannot be read; a process that ends meanwhile is
// no error.
func Find(root string, opt Options) (Report, error) {
	return find("/proc", root, opt)
}

// find is Find on the process list mounted at proc.
func find(proc, root string, opt Options) (Report, error) {
	if _, err := os.Stat(filepath.Join(proc, "self", "fd")); err != nil {
		return Report{Unsupported: "running processes cannot be listed on this system (there is no " + proc + ")"}, nil
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", root, err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return Report{}, fmt.Errorf("resolve the installation: %w", err)
	}
	s := &scanner{
		proc:    proc,
		roots:   []rootDir{{strings.TrimSuffix(abs, "/") + "/", ""}},
		skip:    opt.Skip,
		exclude: map[int]bool{},
		writers: map[string]bool{},
	}
	for rel, path := range opt.Also {
		s.roots = append(s.roots, rootDir{strings.TrimSuffix(path, "/") + "/", rel + "/"})
	}
	self := opt.SelfPID
	if self == 0 {
		self = os.Getpid()
	}
	s.exclude[self] = true
	ancestors := opt.AncestorPIDs
	if ancestors == nil {
		ancestors = s.ancestors(self)
	}
	for _, pid := range ancestors {
		s.exclude[pid] = true
	}
	if err := s.scan(); err != nil {
		return Report{}, err
	}
	slices.SortFunc(s.report.Processes, func(a, b Process) int { return a.PID - b.PID })
	for path := range s.writers {
		s.report.Writers = append(s.report.Writers, path)
	}
	slices.Sort(s.report.Writers)
	return s.report, nil
}
