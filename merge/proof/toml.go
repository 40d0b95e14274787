package proof

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// readTOML reads TOML 1.0. A key or table that stands twice, in whatever form (dotted,
// inline, or as a header), is refused. The library's parser finds keys and values;
// which of them may stand together is counted here, as its decoder takes time in
// proportion to the square of their number for that.
func readTOML(data []byte) (*node, error) {
	if err := checkNesting(data); err != nil {
		return nil, err
	}
	for l := range bytes.Lines(data) { // dotted keys nest without brackets
		if n := bytes.Count(l, []byte(".")); n > maxDots {
			return nil, fmt.Errorf("%w: want at most %d dots in a line, got %d", errLimit, maxDots, n)
		}
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) // in strings too: a line end is form
	r := &tomlReader{names: map[tomlPlace]*tomlName{}}
	top := r.open(tomlTable, block(""))
	in := top
	p := &unstable.Parser{}
	p.Reset(data)
	for p.NextExpression() {
		var err error
		switch e := p.Expression(); e.Kind {
		case unstable.KeyValue:
			err = r.assign(in, e, 0)
		case unstable.Table, unstable.ArrayTable:
			in, err = r.header(top, e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.Error(); err != nil {
		return nil, err
	}
	for _, list := range r.lists {
		for _, item := range list.kids {
			item.asItem()
		}
	}
	return top.node, nil
}

// tomlForm is how a name was defined, which says what may be added to it.
type tomlForm byte

const (
	tomlValue   tomlForm = iota // nothing
	tomlDotted                  // a table made by a dotted key: other dotted keys, tables below it
	tomlImplied                 // a table on the way to another: its header, tables below it
	tomlTable                   // a table with a header: keys, tables below it
	tomlArray                   // an array of tables: items; what is below goes into the last
)

// A tomlName is a name of a text. The names below it are known by its scope, which is
// another one for each item of an array of tables.
type tomlName struct {
	form  tomlForm
	scope int
	node  *node // takes what is below it
	list  *node // of an array of tables: takes its items
}

type tomlPlace struct {
	scope int
	name  string
}

type tomlReader struct {
	names  map[tomlPlace]*tomlName
	scopes int
	lists  []*node // arrays of tables, outer before inner
}

func (r *tomlReader) open(form tomlForm, n *node) *tomlName {
	r.scopes++
	return &tomlName{form: form, scope: r.scopes, node: n}
}

// below defines a name below in, which takes what is below it into n.
func (r *tomlReader) below(in *tomlName, name string, form tomlForm, n *node) *tomlName {
	t := r.open(form, n)
	r.names[tomlPlace{in.scope, name}] = t
	in.node.add(n)
	return t
}

// tomlKey returns the names of a key.
func tomlKey(e *unstable.Node) []string {
	var names []string
	for it := e.Key(); it.Next(); {
		names = append(names, string(it.Node().Data))
	}
	return names
}

var errTOMLTwice = errors.New("is defined twice")

// header returns what the keys below the header e go into.
func (r *tomlReader) header(in *tomlName, e *unstable.Node) (*tomlName, error) {
	names := tomlKey(e)
	last := len(names) - 1
	for _, name := range names[:last] {
		t := r.names[tomlPlace{in.scope, name}]
		switch {
		case t == nil:
			t = r.below(in, name, tomlImplied, block(name))
		case t.form == tomlValue:
			return nil, fmt.Errorf("%q %w", name, errTOMLTwice)
		}
		in = t
	}
	name := names[last]
	t := r.names[tomlPlace{in.scope, name}]
	array := e.Kind == unstable.ArrayTable
	switch {
	case t == nil && !array:
		return r.below(in, name, tomlTable, block(name)), nil
	case t == nil:
		t = r.below(in, name, tomlArray, block(name))
		t.list = t.node
		r.lists = append(r.lists, t.list)
	case array && t.form == tomlArray:
	case !array && t.form == tomlImplied:
		t.form = tomlTable
		return t, nil
	default:
		return nil, fmt.Errorf("%q %w", name, errTOMLTwice)
	}
	r.scopes++
	t.scope, t.node = r.scopes, block("")
	t.list.add(t.node)
	return t, nil
}

// assign reads a key and its value.
func (r *tomlReader) assign(in *tomlName, e *unstable.Node, depth int) error {
	names := tomlKey(e)
	last := len(names) - 1
	for _, name := range names[:last] {
		t := r.names[tomlPlace{in.scope, name}]
		switch {
		case t == nil:
			t = r.below(in, name, tomlDotted, block(name))
		case t.form != tomlDotted:
			return fmt.Errorf("%q %w", name, errTOMLTwice)
		}
		in = t
	}
	name := names[last]
	if r.names[tomlPlace{in.scope, name}] != nil {
		return fmt.Errorf("%q %w", name, errTOMLTwice)
	}
	n, err := r.value(name, e.Value(), depth+1)
	if err == nil {
		r.below(in, name, tomlValue, n)
	}
	return err
}

func (r *tomlReader) value(id string, v *unstable.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: want at most %d levels of keys", errLimit, maxDepth)
	}
	n := block(id)
	switch v.Kind {
	case unstable.InlineTable:
		in := r.open(tomlValue, n)
		for it := v.Children(); it.Next(); {
			if err := r.assign(in, it.Node(), depth); err != nil {
				return nil, err
			}
		}
		return n, nil
	case unstable.Array:
		for it := v.Children(); it.Next(); {
			k, err := r.value("", it.Node(), depth+1)
			if err != nil {
				return nil, err
			}
			n.add(k.asItem())
		}
		return n, nil
	}
	value, err := tomlScalar(v)
	return leaf(id, value), err
}

// tomlScalar spells a scalar with its type, so that equal ones are spelt alike.
func tomlScalar(v *unstable.Node) (string, error) {
	switch v.Kind {
	case unstable.String:
		return "string " + string(v.Data), nil
	case unstable.Bool:
		return "bool " + string(v.Data), nil
	case unstable.Integer:
		if n, err := strconv.ParseInt(string(v.Data), 10, 64); err == nil {
			return "int64 " + strconv.FormatInt(n, 10), nil
		}
	}
	var one struct{ V any } // dates, floats, and integers in other spellings
	if err := toml.Unmarshal(append([]byte("V = "), v.Data...), &one); err != nil {
		return "", err
	}
	return fmt.Sprintf("%T %v", one.V, one.V), nil
}
