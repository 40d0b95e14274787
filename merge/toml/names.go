package toml

import (
	"errors"

	"inplace/merge/tree"
)

// form is how a name was defined.
type form byte

const (
	implicit form = iota // a table, by the header of one below it
	explicit             // a table, by its header
	dotted               // a table, by dotted keys
	array                // an array of tables
	value                // anything that nothing can be added to, inline tables too
)

// name is a name that a text defines, with the names below it.
type name struct {
	form form
	kids map[string]*name // of an array: those of its last item
	// in is the table in which dotted keys made it: others cannot add to it.
	in *name
}

func newName(f form) *name { return &name{form: f, kids: map[string]*name{}} }

var errTwice = errors.New("a name that is defined twice")

// header defines the table or item that a header names, and returns it with the number
// of arrays of tables on the way to it. more: it is not the first item of its array.
func (n *name) header(path []string, item bool) (table *name, arrays int, more bool, err error) {
	if len(path) > tree.MaxDepth {
		return nil, 0, false, tree.ErrDepth
	}
	last := len(path) - 1
	for _, segment := range path[:last] {
		kid := n.kids[segment]
		switch {
		case kid == nil:
			kid = newName(implicit)
			n.kids[segment] = kid
		case kid.form == value:
			return nil, 0, false, errTwice
		case kid.form == array:
			arrays++
		}
		n = kid
	}
	kid := n.kids[path[last]]
	switch {
	case kid == nil && item:
		kid = newName(array)
	case kid == nil:
		kid = newName(explicit)
	case item && kid.form == array:
		more = true
		kid.kids = map[string]*name{}
	case !item && kid.form == implicit:
		kid.form = explicit
	default:
		return nil, 0, false, errTwice
	}
	n.kids[path[last]] = kid
	return kid, arrays, more, nil
}

// assign defines a key of the table n.
func (n *name) assign(path []string) error {
	if len(path) > tree.MaxDepth {
		return tree.ErrDepth
	}
	table := n
	last := len(path) - 1
	for _, segment := range path[:last] {
		kid := n.kids[segment]
		switch {
		case kid == nil:
			kid = newName(dotted)
			kid.in = table
			n.kids[segment] = kid
		case kid.form != dotted || kid.in != table:
			return errTwice
		}
		n = kid
	}
	if n.kids[path[last]] != nil {
		return errTwice
	}
	n.kids[path[last]] = newName(value)
	return nil
}
