package xml

import (
	"slices"
	"strings"

	"inplace/merge/tree"
)

// naming says what tells elements of one name apart.
type naming struct {
	attrs []string // the first that is there
	kids  []string // those that are there, together, if no attribute is
}

// known returns the naming of elements of well-known vocabularies, by local name, where
// the general rule would look at the wrong thing.
func known(local string) (naming, bool) {
	switch local {
	// Tomcat: server.xml, context.xml, tomcat-users.xml. Operators edit a Connector's
	// port; it then is paired as any element whose name was edited.
	case "Connector":
		return naming{attrs: []string{"port"}}, true
	case "Valve", "Listener", "Realm", "Manager", "Interceptor", "Cluster", "Channel", "Membership",
		"Receiver", "Sender", "Transport", "ClusterListener", "Deployer", "Loader", "Store", "Resources":
		return naming{attrs: []string{"className"}}, true
	case "Context":
		return naming{attrs: []string{"path", "docBase"}}, true
	case "SSLHostConfig":
		return naming{attrs: []string{"hostName"}}, true
	case "user":
		return naming{attrs: []string{"username", "name", "id"}}, true
	case "role":
		return naming{attrs: []string{"rolename", "name", "id"}}, true
	// Servlet descriptors.
	case "error-page":
		return naming{kids: []string{"error-code", "exception-type", "location"}}, true
	case "listener":
		return naming{attrs: []string{"class"}, kids: []string{"listener-class"}}, true
	case "mime-mapping":
		return naming{kids: []string{"extension"}}, true
	case "locale-encoding-mapping":
		return naming{kids: []string{"locale"}}, true
	case "taglib":
		return naming{kids: []string{"taglib-uri"}}, true
	case "jsp-property-group":
		return naming{kids: []string{"url-pattern"}}, true
	// Spring beans.
	case "bean":
		return naming{attrs: []string{"id", "name", "class"}}, true
	case "constructor-arg":
		return naming{attrs: []string{"index", "name", "type"}}, true
	case "import":
		return naming{attrs: []string{"resource", "file"}}, true
	case "alias":
		return naming{attrs: []string{"alias", "name"}}, true
	// Maven.
	case "dependency", "artifactItem":
		return naming{kids: []string{"artifactId", "groupId", "type", "classifier"}}, true
	case "plugin", "exclusion", "extension", "parent", "artifact":
		return naming{attrs: []string{"name", "id", "key", "class"}, kids: []string{"artifactId", "groupId", "name", "id"}}, true
	}
	return naming{}, false
}

// namingAttrs name elements of any vocabulary; the first that is there counts.
func namingAttrs() []string {
	return []string{"name", "id", "xml:id", "key", "className", "class", "username", "rolename", "port",
		"path", "uri", "files", "pattern", "pkg", "type", "protocol"}
}

// namesItself ranks a child that may name its parent; 0: it does not. The lowest rank
// counts, and of equal ones the first.
func namesItself(parent, child string) int {
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
func (p *parser) name(e *elem, start token, items []item) {
	n := e.node
	n.Key = start.name
	rule, ok := known(e.local)
	if !ok {
		rule.attrs = namingAttrs()
	}
	for _, want := range rule.attrs {
		i := slices.IndexFunc(start.attrs, func(a attr) bool { return a.name == want })
		if i >= 0 {
			identify(n, start.name, []string{want}, []string{start.attrs[i].value})
			return
		}
	}
	if ok {
		var names, values []string
		for _, want := range rule.kids {
			if k := plainKid(items, want); k != nil {
				names, values = append(names, want), append(values, k.text)
			}
		}
		if len(names) > 0 {
			identify(n, start.name, names, values)
		}
		return
	}
	best, found := 0, (*elem)(nil)
	for _, it := range items {
		if k := it.elem; k != nil && k.plain {
			if rank := namesItself(e.local, k.local); rank > 0 && (best == 0 || rank < best) {
				best, found = rank, k
			}
		}
	}
	if found != nil {
		identify(n, start.name, []string{found.local}, []string{found.text})
	}
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

func identify(n *tree.Node, tag string, names, values []string) {
	var pairs []string
	for i, name := range names {
		pairs = append(pairs, name+"="+strings.Join(strings.Fields(values[i]), " "))
	}
	n.Tag = tag + "[" + names[0]
	n.Key = tag + "[" + strings.Join(pairs, ",") + "]"
}
