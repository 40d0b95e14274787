package repository

import (
	"errors"
	"fmt"
	"time"

	"inplace/manifest"
)

// Why is the kind of an [UntrustedError].
type Why int

// What can be wrong with something that a repository offers.
const (
	BadForm      Why = iota // not what its kind of file must look like
	BadSignature            // not signed by the keys that must have signed it
	BadDigest               // other bytes than the signed ones
	RolledBack              // older than what was seen before
	Mixed                   // parts of different states of the repository
	BadState                // the stored trust state itself
)

// String names the kind in one word.
func (w Why) String() string {
	return [...]string{"form", "signature", "digest", "rollback", "mix", "state"}[w]
}

// UntrustedError reports something that must not be believed. Nothing of it has
// been used.
type UntrustedError struct {
	Path   string // in the repository, or what the caller called the trust state
	Source string // the address of the repository; "" if it is on this machine
	Why    Why
	Msg    string
	Err    error // the cause, or nil
}

func (e *UntrustedError) Error() string {
	text := e.Path
	if e.Source != "" {
		text += ": " + e.Source
	}
	text += ": " + e.Msg
	if e.Err != nil {
		text += ": " + oneLine(e.Err)
	}
	return text
}

// Unwrap returns the cause.
func (e *UntrustedError) Unwrap() error { return e.Err }

// ExpiredError reports signed metadata that is past its date: either the vendor
// has not signed again, or a mirror holds back what he signed.
type ExpiredError struct {
	Role  string // "root", "timestamp", "snapshot", "targets" or a channel
	Since time.Time
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("%s/%s.json: expired since %s", dirMetadata, e.Role, e.Since.UTC().Format(time.RFC3339))
}

// NotFoundError reports a file, channel or level that the repository does not have.
type NotFoundError struct{ Path string }

func (e *NotFoundError) Error() string { return e.Path + ": not in the repository" }

// ErrExists is in the chain when there is something already where a repository or
// a release should be made.
var ErrExists = errors.New("exists already")

// ErrWithdrawn is in the chain when a release was withdrawn.
var ErrWithdrawn = errors.New("was withdrawn by the vendor")

// Problems with the passphrase of the signing keys.
var (
	ErrNoPassphrase    = errors.New("needs a passphrase")
	ErrWrongPassphrase = errors.New("cannot be decrypted: wrong passphrase, or a damaged file")
)

// KeysError reports that keys which must sign are not there, or that a change would leave
// too few of them. Nothing was changed.
type KeysError struct {
	Role string
	Msg  string
}

func (e *KeysError) Error() string { return e.Msg }

// Fault is one path of a tree that cannot be released, and why.
type Fault struct {
	Path   manifest.Path
	Reason string
}

// String is the path as it may be printed, and the reason.
func (f Fault) String() string { return f.Path.String() + ": " + f.Reason }

// RefusedError lists everything in a tree that cannot be installed everywhere,
// sorted by path. Error tells the first and how many follow; a caller that talks to
// people prints Faults.
type RefusedError struct{ Faults []Fault }

func (e *RefusedError) Error() string {
	switch len(e.Faults) {
	case 0:
		return "refused"
	case 1:
		return e.Faults[0].String()
	}
	return fmt.Sprintf("%s (and %d more paths that cannot be released)", e.Faults[0], len(e.Faults)-1)
}
