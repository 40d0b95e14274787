package repository

import (
	"errors"
	"fmt"
	"io"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// guard calls fn, which hands bytes from outside to go-tuf, and turns what comes
// back into an [UntrustedError] of path. go-tuf follows null entries of hostile
// metadata (`"keys": {"a": null}`, a timestamp without a snapshot) and crypto/ed25519
// panics on keys of a wrong length, both before any signature is checked: a panic in
// here is a fault of the file, not of this program.
func guard(path string, fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &UntrustedError{Path: path, Why: BadForm, Msg: "malformed metadata", Err: fmt.Errorf("%v", r)}
		}
	}()
	err = fn()
	var (
		unsigned *metadata.ErrUnsignedMetadata
		version  *metadata.ErrBadVersionNumber
		equal    *metadata.ErrEqualVersionNumber
		length   *metadata.ErrLengthOrHashMismatch
		expired  *metadata.ErrExpiredMetadata
		parts    *metadata.ErrRepository
		mine     *UntrustedError
	)
	switch {
	case err == nil, errors.As(err, &expired), errors.As(err, &equal), errors.As(err, &mine):
		return err // the caller knows what these mean
	case errors.As(err, &unsigned):
		return &UntrustedError{Path: path, Why: BadSignature, Msg: "not signed by the keys that must sign it", Err: errors.New(unsigned.Msg)}
	case errors.As(err, &version):
		return &UntrustedError{Path: path, Why: RolledBack, Msg: "wrong version", Err: errors.New(version.Msg)}
	case errors.As(err, &length):
		return &UntrustedError{Path: path, Why: BadDigest, Msg: "not the bytes that were signed", Err: errors.New(length.Msg)}
	case errors.As(err, &parts):
		return &UntrustedError{Path: path, Why: Mixed, Msg: "does not fit the rest of the repository", Err: errors.New(parts.Msg)}
	}
	return &UntrustedError{Path: path, Why: BadForm, Msg: "malformed metadata", Err: err}
}

// readAll reads r to its end, which must come within limit bytes; else *tooLong.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &tooLong{limit}
	}
	return data, nil
}

type tooLong struct{ limit int64 }

func (e *tooLong) Error() string { return fmt.Sprintf("want at most %d bytes, got more", e.limit) }
