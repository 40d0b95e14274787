package yaml

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	yaml3 "gopkg.in/yaml.v3"

	"inplace/merge/tree"
)

// identities are the entries that tell the items of a list from each other, the first
// that an item has. A mount is known by its place before its name, as one volume may be
// mounted at several, and a port by its number, as its name may be missing.
func identities() []string {
	return []string{"mountPath", "devicePath", "containerPort", "name", "id", "key", "alias", "job_name", "hostname"}
}

// vague are entries that tell items apart as long as they are left alone: values that
// are edited as often as any other.
func vague() []string {
	return []string{"alert", "record", "host", "path", "url", "topologyKey", "ip", "port"}
}

// unordered are keys of well-known vocabularies (Compose, Kubernetes) whose lists are
// sets: the order of their scalars says nothing.
var unordered = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(environment|ports|expose|volumes|depends_on|networks|links|external_links|cap_add|cap_drop|` +
		`extra_hosts|devices|profiles|secrets|configs|security_opt|labels|aliases|verbs|resources|apiGroups|resourceNames|` +
		`nonResourceURLs|accessModes|finalizers|imagePullSecrets|loadBalancerSourceRanges|externalIPs|tags|namespaces|hosts)$`)
})

// ordered are keys whose lists say in which order something happens, or which of several
// wins, though their items may have names.
var ordered = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(initContainers|(pre_?|post_?)?tasks|handlers|roles|steps|stages|pipelines?|processors|` +
		`(.*_)?(filters?|interceptors|middlewares?|valves?|chains?|transforms?|hooks|rules|routes?|relabel_configs|matchers?|order|sequence|` +
		`providers|resolvers|listeners|policies|predicates)|(.*[a-z])(Filters?|Interceptors|Middlewares?|Valves?|Chains?|Rules|Routes?|Matchers?|Order|Policies))$`)
})

// command are keys whose lists are the words of one command, though some look like
// assignments.
var command = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)(command|entrypoint|cmd|exec)$`) })

// assignment is an item that is an entry in itself, or the name of one whose value comes
// from elsewhere (Compose: environment, build args).
var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.]*)(=|$)`) })

// nature is how the kids of a collection are merged.
type nature struct {
	kind tree.Kind
	// assignments: the items are NAME=value and known by NAME.
	assignments bool
}

// natureOf tells how the kids of y, the value of key, are merged: entries by key, in any
// order; items of a list in their order, unless all have an identity or they are a set.
func natureOf(key string, y *yaml3.Node) nature {
	if y.Kind == yaml3.MappingNode {
		return nature{kind: tree.Map}
	}
	scalars, named, assigned, names := 0, 0, 0, 0
	for _, item := range y.Content {
		if _, id := identity(item); id != nil {
			named++
		}
		if item.Kind != yaml3.ScalarNode {
			continue
		}
		scalars++
		if m := assignment().FindStringSubmatch(item.Value); m != nil && m[2] == "=" {
			assigned++
		} else if m != nil {
			names++
		}
	}
	all := len(y.Content)
	assignments := all > 0 && assigned+names == all && (assigned > names || key == "environment") && !command().MatchString(key)
	switch {
	case all == 0, ordered().MatchString(key), command().MatchString(key):
		return nature{tree.List, assignments}
	case assignments, scalars == all && unordered().MatchString(key), named == all && key != anonymous:
		return nature{tree.Map, assignments}
	}
	return nature{tree.List, false}
}

// anonymous is the key of an item without identity.
const anonymous = "[]"

// identify gives an item of a list its key.
func identify(n *tree.Node, y *yaml3.Node, list nature) {
	n.Key, n.Label, n.Bag, n.Vague = anonymous, anonymous, true, true
	if list.assignments {
		m := assignment().FindStringSubmatch(y.Value)
		n.Key, n.Label, n.Vague = "["+m[1]+"=]", "["+m[1]+"]", false
	} else if by, id := identity(y); id != nil {
		n.Tag = "[" + by
		n.Key = "[" + by + "=" + id.Value + "]"
		if protocol := scalarAt(y, "protocol"); by == "containerPort" && protocol != nil && protocol.Value != "TCP" {
			n.Key = "[" + by + "=" + id.Value + "/" + protocol.Value + "]"
		}
		n.Label, n.Bag, n.Vague = n.Key, false, slices.Contains(vague(), by)
	}
}

// identity returns the entry that an item is known by, nil if there is none.
func identity(y *yaml3.Node) (by string, id *yaml3.Node) {
	if y.Kind != yaml3.MappingNode {
		return "", nil
	}
	for _, by := range append(identities(), vague()...) {
		if v := scalarAt(y, by); v != nil && !empty(v) {
			return by, v
		}
	}
	return "", nil
}

// valueAt returns the value of an entry of a mapping, nil if there is none.
func valueAt(y *yaml3.Node, key string) *yaml3.Node {
	if y == nil || y.Kind != yaml3.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		if y.Content[i].Kind == yaml3.ScalarNode && y.Content[i].Value == key {
			return y.Content[i+1]
		}
	}
	return nil
}

func scalarAt(y *yaml3.Node, key string) *yaml3.Node {
	if v := valueAt(y, key); v != nil && v.Kind == yaml3.ScalarNode {
		return v
	}
	return nil
}

func mappingAt(y *yaml3.Node, key string) *yaml3.Node {
	if v := valueAt(y, key); v != nil && v.Kind == yaml3.MappingNode {
		return v
	}
	return nil
}

// canonical spells a node so that different ones are spelled differently.
func canonical(y *yaml3.Node) string {
	if !isCollection(y) {
		return strconv.Quote(meaning(y))
	}
	parts := make([]string, len(y.Content))
	for i, k := range y.Content {
		parts[i] = canonical(k)
	}
	return strconv.Quote(meaning(y)) + "(" + strings.Join(parts, ",") + ")"
}
