package updater

import (
	"errors"
	"fmt"
	"strings"

	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater/conflict"
	"inplace/updater/running"
)

// The errors that a caller decides on; updater/cli maps them to exit codes.
var (
	// ErrNotAdopted: the directory is no installation that this program knows.
	ErrNotAdopted = errors.New("is not adopted yet")
	// ErrNothingToRevert: no update is there to be taken back.
	ErrNothingToRevert = errors.New("there is no update to take back")
	// ErrNoWay: nothing that is kept leads from what is installed to a snapshot.
	ErrNoWay = errors.New("nothing that is kept leads there from what is installed")
	// ErrUnknownLevel: the channel has no such level.
	ErrUnknownLevel = errors.New("no such level")
	// ErrDeclined: the plan was shown and not confirmed; nothing was changed.
	ErrDeclined = errors.New("was not confirmed")
	// ErrWorkspace: the record of the conflicts that wait cannot be believed.
	ErrWorkspace = errors.New("what waits for a decision cannot be read")
	// ErrForeign: resolutions are for another product.
	ErrForeign = conflict.ErrForeign
	// ErrNotRemembered: no resolution is kept of that path, or under that ID.
	ErrNotRemembered = errors.New("nothing is remembered of it")
	// ErrWithdrawn: the vendor has withdrawn the level.
	ErrWithdrawn = repository.ErrWithdrawn
)

// ConflictError says that a plan has conflicts; nothing was changed.
type ConflictError struct{ Conflicts []ConflictOf }

func (e *ConflictError) Error() string {
	lines := []string{fmt.Sprintf("%d conflicts", len(e.Conflicts))}
	if len(e.Conflicts) == 1 {
		lines[0] = fmt.Sprintf("%s: conflict: %s", e.Conflicts[0].Path, e.Conflicts[0].Reason)
	}
	for _, c := range e.Conflicts {
		if c.Fault != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", c.Path, c.Fault))
		}
	}
	return strings.Join(lines, "\n")
}

// WorkspaceError says that conflicts wait in the workspace, so that a run that leads
// elsewhere is refused.
type WorkspaceError struct{ Open, Resolved int }

func (e *WorkspaceError) Error() string {
	return fmt.Sprintf("conflicts wait in the workspace: %d open, %d resolved", e.Open, e.Resolved)
}

// FullError says that a followed directory's file system has no room left.
type FullError struct {
	Place string // where the link leads
	Err   error
}

func (e *FullError) Error() string {
	return e.Err.Error() + ", on the file system of " + manifest.Path(e.Place).String()
}

// Unwrap returns the error without the place.
func (e *FullError) Unwrap() error { return e.Err }

// PreflightError lists everything that stands in the way; nothing was changed.
type PreflightError struct{ Findings []Finding }

func (e *PreflightError) Error() string {
	lines := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		lines[i] = f.Reason
		if f.Path != "" {
			lines[i] = f.Path + ": " + f.Reason
		}
	}
	return strings.Join(lines, "\n")
}

// RunningError says that the product is running.
type RunningError struct{ Report running.Report }

func (e *RunningError) Error() string {
	p := e.Report.Processes[0]
	text := fmt.Sprintf("the product is running: process %d (%s) %s %s", p.PID, p.Name, p.Why, p.Path)
	if n := len(e.Report.Processes); n > 1 {
		text += fmt.Sprintf(", and %d more", n-1)
	}
	return text
}

// ServiceError says that the product could not be stopped, started or asked.
type ServiceError struct {
	Doing string // stop, start or status
	Err   error  // a *[service.CommandError] where a command failed
}

func (e *ServiceError) Error() string {
	switch e.Doing {
	case "status":
		return fmt.Sprintf("whether the product runs cannot be told: %v", e.Err)
	}
	return fmt.Sprintf("%s the product: %v", e.Doing, e.Err)
}

// Unwrap returns what failed.
func (e *ServiceError) Unwrap() error { return e.Err }

// serviceError is err as a *[ServiceError], or nil.
func serviceError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &ServiceError{doing, err}
}

// RestartError says that a run mended what an interrupted one had left, and that the product, which
// that one had stopped, does not start.
type RestartError struct{ Err error }

func (e *RestartError) Error() string {
	return "an interrupted run had stopped the product; " + e.Err.Error()
}

// Unwrap returns what failed.
func (e *RestartError) Unwrap() error { return e.Err }

// isMended reports whether err of a recovery is about the product, and the installation whole
// and closed.
func isMended(err error) bool {
	var unwell *UnwellError
	var restart *RestartError
	return errors.As(err, &unwell) || errors.As(err, &restart)
}

// UnwellError says that the product was not well after its start.
type UnwellError struct {
	Cause   error // a *[service.UnhealthyError], or a *[ServiceError] of the start
	Back    bool  // everything was taken back, and the product started as it was before
	Restart error // what is wrong with the product after that; nil: it came up
	From    string
	Lines   string // what the product wrote last, in the file From
}

func (e *UnwellError) Error() string {
	text := e.Cause.Error()
	if e.Restart != nil {
		text += "\nafter going back: " + e.Restart.Error()
	}
	return text
}

// Unwrap returns what is wrong with the product.
func (e *UnwellError) Unwrap() error { return e.Cause }

// RolledBackError says that applying failed and that the installation is as it was.
type RolledBackError struct{ Cause error }

func (e *RolledBackError) Error() string { return e.Cause.Error() }

// Unwrap returns why applying failed.
func (e *RolledBackError) Unwrap() error { return e.Cause }

// RollbackError says that applying failed and going back failed too: the journal
// stays open, the next run tries again.
type RollbackError struct{ Cause, Undo error }

func (e *RollbackError) Error() string {
	return fmt.Sprintf("%v; going back: %v", e.Cause, e.Undo)
}

// Unwrap returns both failures.
func (e *RollbackError) Unwrap() []error { return []error{e.Cause, e.Undo} }

// RecordError says that a file of what is recorded of the installation is damaged.
type RecordError struct {
	Cause  error
	Script string // restore.sh of the newest snapshot, which goes back without the record; "" if there is none
}

func (e *RecordError) Error() string { return e.Cause.Error() }

// Unwrap returns what is damaged.
func (e *RecordError) Unwrap() error { return e.Cause }

// OpenError says that an interrupted run has left the installation neither old nor
// new, and that this command may not, or could not, mend it.
type OpenError struct {
	Cause  error  // why it could not be mended; nil where the command only looks
	Script string // restore.sh that goes back without this program, if it is known
	Done   bool   // everything is live, only the journal could not be closed
	Whole  bool   // every path is new, or every one is old: what is open is whether it stays, or that the product has to be started
}

func (e *OpenError) Error() string {
	if e.Cause == nil {
		return "an update was interrupted here; the next run finishes it or takes it back"
	}
	if e.Done {
		return fmt.Sprintf("the change is complete, but its journal could not be closed: %v", e.Cause)
	}
	return fmt.Sprintf("an update was interrupted here and could not be mended: %v", e.Cause)
}

// Unwrap returns why it could not be mended.
func (e *OpenError) Unwrap() error { return e.Cause }

// BaseError says that no level, or more than one, is the one that is installed.
type BaseError struct {
	Home       string
	Candidates []Candidate
}

func (e *BaseError) Error() string {
	return "the installed level cannot be told for certain"
}

// Candidate is a level that adopt compared with the installation.
type Candidate struct {
	Release
	Differ  int `json:"differ"`  // files outside configuration that are there and differ
	Edited  int `json:"edited"`  // files of configuration that differ
	Missing int `json:"missing"` // files of the level that are not there
	Same    int `json:"same"`
	// Foreign are files that differ from this level but are as another level ships
	// them: path, level. At most MaxForeign of them.
	Foreign []ForeignFile `json:"foreign"`
	// Examples are some of the files that differ.
	Examples []string `json:"examples"`
}

// ForeignFile is a file as another level ships it.
type ForeignFile struct {
	Path  string `json:"path"`
	Level int64  `json:"level"`
}
