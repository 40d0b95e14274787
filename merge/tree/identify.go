package tree

import (
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
)

// identifying are the keys that tell one item of a list from the others, best first.
func identifying() []string {
	return []string{"name", "id", "key", "containerPort", "mountPath"}
}

// ordered are names of lists whose order has a meaning though their items have names.
var ordered = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)acl|chain|fallback|filter|firewall|interceptor|middleware|order|pipeline|polic|preceden|priorit|route|rule|sequence|stage|step|valve`)
})

// Identify gives the items of a list their keys, and the list its kind. Items that all
// have one of the identifying keys, each with a value of its own, are known by it: the
// list is a Map, or a List where its name says that it is a chain of some sort. Any other
// list is a List, whose items are known by their content. Values of strings begin with
// `"` (which labels leave out). Kids of Quiet nodes count as the item's own.
func Identify(list *Node, name string) {
	key := identifyingKey(list.Kids)
	list.Kind = List
	if key != "" && !ordered().MatchString(name) {
		list.Kind = Map
	}
	for _, k := range list.Kids {
		switch {
		case key != "":
			v, _ := identity(k, key)
			k.Key = "[" + key + "=" + v + "]"
			k.Label = "[" + key + "=" + strings.TrimPrefix(v, `"`) + "]"
			k.Tag = "[" + key
		case k.Kind == Leaf:
			k.Key, k.Label, k.Bag = "[]="+k.Value, "[]", true
		default:
			sum := k.digest()
			k.Key, k.Label, k.Bag = "[]"+hex.EncodeToString(sum[:]), "[]", true
		}
	}
}

// identifyingKey returns the first key by which all items can be told apart, or "".
func identifyingKey(items []*Node) string {
	for _, key := range identifying() {
		seen := map[string]bool{}
		for _, n := range items {
			v, ok := identity(n, key)
			if !ok || seen[v] {
				break
			}
			seen[v] = true
		}
		if len(items) > 0 && len(seen) == len(items) {
			return key
		}
	}
	return ""
}

// identity returns the value that a leaf of this key has below n.
func identity(n *Node, key string) (string, bool) {
	for _, k := range n.Kids {
		if k.Kind == Leaf && k.Key == key {
			return k.Value, true
		}
		if k.Quiet {
			if v, ok := identity(k, key); ok {
				return v, true
			}
		}
	}
	return "", false
}
