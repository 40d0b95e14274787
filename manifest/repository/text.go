package repository

import (
	"errors"
	"io/fs"
	"strings"
)

// oneLine is the text of err with line ends made visible as "; ".
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// pathFirst returns err as "path: cause", without the call that os names in front
// and without naming the path twice.
func pathFirst(path string, err error) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if strings.HasPrefix(err.Error(), path+": ") {
		return err
	}
	return &namedError{path, err}
}

type namedError struct {
	path string
	err  error
}

func (e *namedError) Error() string { return e.path + ": " + oneLine(e.err) }
func (e *namedError) Unwrap() error { return e.err }
