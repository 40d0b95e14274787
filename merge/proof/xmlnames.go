package proof

import "strings"

// identify tells an element from its like: by the first identifying attribute that it
// has, or by the text of the child that names it best.
func identify(e *node) {
	var attrs, kids []string
	tag := e.id[strings.LastIndexByte(e.id, ':')+1:] // without the name space
	switch tag {
	case "Connector":
		attrs = []string{"port"}
	case "Valve", "Realm", "Listener", "Interceptor":
		attrs = []string{"className"}
	case "Context":
		attrs = []string{"path", "docBase"}
	case "SSLHostConfig":
		attrs = []string{"hostName"}
	case "user":
		attrs = []string{"username"}
	case "role":
		attrs = []string{"rolename"}
	case "constructor-arg":
		attrs = []string{"index", "name", "type"}
	case "import":
		attrs = []string{"resource", "file"}
	case "alias":
		attrs = []string{"alias"}
	case "error-page":
		kids = []string{"error-code", "exception-type"}
	case "listener", "locale-encoding-mapping", "taglib":
		kids = []string{"listener-class", "locale", "taglib-uri"}
	}
	attrs = append(attrs, "name", "id", "xml:id", "key", "className", "class",
		"username", "rolename", "port", "path", "uri", "files", "pattern", "pkg", "type", "protocol")
	for _, a := range attrs {
		if v, ok := e.kidValue("@" + a); ok {
			e.id += "[@" + a + "=" + v + "]"
			return
		}
	}
	e.identifyBy(tag, kids)
}

// identifyBy makes the texts of children part of e's id: of those named, or if there are
// none of the one whose name says most.
func (e *node) identifyBy(tag string, names []string) {
	best, found, text := 0, "", ""
	parts := map[string]string{}
	for _, k := range e.kids {
		v, ok := k.kidValue(textID)
		if !ok || len(k.kids) != 1 {
			continue
		}
		name := k.id[strings.LastIndexByte(k.id, ':')+1:]
		if _, seen := parts[name]; !seen {
			parts[name] = v
		}
		if score := naming(tag, name); score > best {
			best, found, text = score, name, v
		}
	}
	if found == "artifactId" {
		names = []string{"groupId", "artifactId", "type", "classifier"}
	}
	id := ""
	for _, name := range names {
		if v, ok := parts[name]; ok {
			id += "[" + name + "=" + v + "]"
		}
	}
	switch {
	case id != "":
		e.id += id
	case best > 0:
		e.id += "[" + found + "=" + text + "]"
	}
}

// naming scores how well a child's name says that it names its parent; 0: not at all.
func naming(parent, child string) int {
	parent, lower := strings.ToLower(parent), strings.ToLower(child)
	for _, word := range []string{"name", "id", "key"} {
		switch {
		case lower == "display-name":
			return 0
		case word == "name" && lower == parent+"-name":
			return 4
		case lower == word:
			return 3
		case strings.HasSuffix(lower, "-"+word):
			return 2
		}
	}
	switch child {
	case "artifactId", "extension", "role", "url-pattern":
		return 1
	}
	return 0
}
