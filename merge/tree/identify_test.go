package tree

import (
	"slices"
	"testing"
)

func TestIdentify(t *testing.T) {
	leaf := func(key, value string) *Node { return &Node{Key: key, Value: value} }
	item := func(kids ...*Node) *Node { return &Node{Kind: Map, Kids: kids} }
	for _, c := range []struct {
		name, list string
		items      []*Node
		kind       Kind
		keys       []string // nil: by content
	}{
		{"by name", "users", []*Node{item(leaf("name", `"a`), leaf("id", "1")), item(leaf("id", "1"), leaf("name", `"b`))}, Map, []string{`[name="a]`, `[name="b]`}},
		{"names alike, by id", "users", []*Node{item(leaf("name", `"a`), leaf("id", "1")), item(leaf("name", `"a`), leaf("id", "2"))}, Map, []string{"[id=1]", "[id=2]"}},
		{"behind a quiet node", "users", []*Node{item(&Node{Kind: Map, Quiet: true, Kids: []*Node{leaf("id", "7")}})}, Map, []string{"[id=7]"}},
		{"a chain", "requestFilters", []*Node{item(leaf("name", `"a`)), item(leaf("name", `"b`))}, List, []string{`[name="a]`, `[name="b]`}},
		{"one without a name", "users", []*Node{item(leaf("name", `"a`)), item(leaf("x", "1"))}, List, nil},
		{"a name that is no value", "users", []*Node{item(item())}, List, nil},
		{"values", "ports", []*Node{leaf("", "1"), leaf("", "2")}, List, []string{"[]=1", "[]=2"}},
		{"empty", "users", nil, List, nil},
	} {
		n := &Node{Kind: List, Kids: c.items}
		Identify(n, c.list)
		var keys []string
		for _, k := range n.Kids {
			keys = append(keys, k.Key)
			if k.Bag == (k.Tag != "") {
				t.Errorf("%s: %q: want it to be either of a bag or of a tag", c.name, k.Key)
			}
		}
		if n.Kind != c.kind || c.keys != nil && !slices.Equal(keys, c.keys) {
			t.Errorf("%s: want kind %v, %q; got %v, %q", c.name, c.kind, c.keys, n.Kind, keys)
		}
	}
}
