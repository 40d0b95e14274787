package xml

import (
	"slices"
	"strings"

	"inplace/merge/tree"
)

// preferred returns the attributes, best first, and the children that name elements of
// well-known vocabularies, by local name, where the general rule would look at the wrong
// thing. The general rule is for those that have none of them.
func preferred(local string) (attrs, kids []string) {
	switch local {
	// Tomcat: server.xml, context.xml, tomcat-users.xml. Operators edit a Connector's
	// port; it then is paired as any element whose name was edited.
	case "Connector":
		return []string{"port"}, nil
	case "Valve", "Realm", "Listener", "Interceptor":
		return []string{"className"}, nil
	case "Context":
		return []string{"path", "docBase"}, nil
	case "SSLHostConfig":
		return []string{"hostName"}, nil
	case "user":
		return []string{"username"}, nil
	case "role":
		return []string{"rolename"}, nil
	// Servlet descriptors.
	case "error-page":
		return nil, []string{"error-code", "exception-type"}
	case "listener":
		return nil, []string{"listener-class"}
	case "locale-encoding-mapping":
		return nil, []string{"locale"}
	case "taglib":
		return nil, []string{"taglib-uri"}
	// Spring beans.
	case "constructor-arg":
		return []string{"index", "name", "type"}, nil
	case "import":
		return []string{"resource", "file"}, nil
	case "alias":
		return []string{"alias"}, nil
	}
	return nil, nil
}

// namingAttrs name elements of any vocabulary; the first that is there counts.
func namingAttrs() []string {
	return []string{"name", "id", "xml:id", "key", "className", "class", "username", "rolename", "port",
		"path", "uri", "files", "pattern", "pkg", "type", "protocol"}
}

// namesParent ranks a child that may name its parent; 0: it does not. The lowest rank
// counts, and of equal ones the first.
func namesParent(parent, child string) int {
	lower := strings.ToLower(child)
	switch {
	case lower == strings.ToLower(parent)+"-name":
		return 1
	case lower == "name", lower == "id", lower == "key":
		return 2
	case lower == "display-name":
		return 0
	case strings.HasSuffix(lower, "-name"), strings.HasSuffix(lower, "-id"), strings.HasSuffix(lower, "-key"):
		return 3
	case child == "extension", child == "artifactId", child == "role", child == "url-pattern":
		return 4
	}
	return 0
}

// name gives an element its key, its label and its tag. The tag is the key without what
// an edit of the name changes.
func name(e *elem, start token, items []item) {
	n := e.node
	n.Key = start.name
	attrs, kids := preferred(e.local)
	for _, want := range append(attrs, namingAttrs()...) {
		i := slices.IndexFunc(start.attrs, func(a attr) bool { return a.name == want })
		if i >= 0 {
			identify(n, start.name, []string{want}, []string{start.attrs[i].value})
			return
		}
	}
	if nameByKids(n, start, items, kids) {
		return
	}
	best, found := 0, (*elem)(nil)
	for _, it := range items {
		if k := it.elem; k != nil && k.plain {
			if rank := namesParent(e.local, k.local); rank > 0 && (best == 0 || rank < best) {
				best, found = rank, k
			}
		}
	}
	switch {
	case found == nil:
	case found.local == "artifactId": // Maven
		nameByKids(n, start, items, []string{"artifactId", "groupId", "type", "classifier"})
	default:
		identify(n, start.name, []string{found.local}, []string{found.text})
	}
}

// nameByKids names an element by the texts of those of the children that it has;
// it tells whether there is one.
func nameByKids(n *tree.Node, start token, items []item, kids []string) bool {
	var names, values []string
	for _, want := range kids {
		if k := plainKid(items, want); k != nil {
			names, values = append(names, want), append(values, k.text)
		}
	}
	if len(names) == 0 {
		return false
	}
	identify(n, start.name, names, values)
	return true
}

// plainKid returns the first child of a name that holds a text alone, or nil.
func plainKid(items []item, local string) *elem {
	for _, it := range items {
		if it.elem != nil && it.elem.plain && it.elem.local == local {
			return it.elem
		}
	}
	return nil
}

// identify gives n the key tag[name=value,...] and the tag tag[name of the first.
func identify(n *tree.Node, tag string, names, values []string) {
	var pairs []string
	for i, name := range names {
		pairs = append(pairs, name+"="+strings.Join(strings.Fields(values[i]), " "))
	}
	n.Tag = tag + "[" + names[0]
	n.Key = tag + "[" + strings.Join(pairs, ",") + "]"
}
