package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxFaults is how many faults a list names; the rest are counted.
const MaxFaults = 50

// EnoughFaults ends the gathering of faults, so that a text made of nothing else
// costs no more than another.
const EnoughFaults = 10 * MaxFaults

// Error is one fault in a text. Line and Col count from 1, Col in characters;
// 0 means that the place is not known.
type Error struct {
	Name      string
	Line, Col int
	Msg       string
}

// Error prints "name:line:col: msg", leaving out what is not known.
func (e *Error) Error() string {
	switch {
	case e.Name == "":
		return e.Msg
	case e.Line == 0:
		return e.Name + ": " + e.Msg
	case e.Col == 0:
		return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Col, e.Msg)
}

// Errors are all the faults of one text, in the order of their places.
type Errors []*Error

// Error prints a line for each fault.
func (l Errors) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the faults to errors.As.
func (l Errors) Unwrap() []error {
	list := make([]error, len(l))
	for i, e := range l {
		list[i] = e
	}
	return list
}

// Err returns l as an error: nil when there is no fault, otherwise sorted by
// place, and cut after MaxFaults with a last entry that counts the rest, as far as
// the reader went on counting.
func (l Errors) Err() error {
	if len(l) == 0 {
		return nil
	}
	l = slices.Clone(l)
	slices.SortStableFunc(l, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	if more := len(l) - MaxFaults; more > 0 {
		l = append(l[:MaxFaults], &Error{Name: l[0].Name, Msg: fmt.Sprintf("and at least %d more faults", more)})
	}
	return l
}
