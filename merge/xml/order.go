package xml

import (
	"strings"

	"inplace/merge/tree"
)

// contentKind says whether all that is within an element of the name is in an order that
// has a meaning: chains, steps, arguments.
func contentKind(local string) tree.Kind {
	switch local {
	case "list", "array", "sequence", "chain", "filters", "Filters", "interceptors", "valves", "handlers", "phase",
		"sequential", "target", "macrodef", "arguments", "args", "jvmArgs", "compilerArgs", "analyzer":
		return tree.List
	}
	return tree.Map
}

// orderOf names the class of elements whose order among each other has a meaning, though
// they stand between others: the first that fits counts, or each hands over to the next.
func (p *parser) orderOf(local string) string {
	name := strings.ToLower(local)
	switch name {
	case "valve", "realm", "filter-mapping", "welcome-file", "intercept-url", "phase", "phaseorder",
		"argument", "arg", "jvmarg", "allow", "deny", "acl":
		return name
	case "filter": // those of a web.xml have their order from the filter-mappings
		if p.vocabulary != "web-app" && p.vocabulary != "web-fragment" {
			return name
		}
	case "rule": // those of a rule set for checking code are independent
		if p.vocabulary != "ruleset" {
			return name
		}
	case "http": // Spring Security: the first chain that fits
		if p.vocabulary == "beans" {
			return name
		}
	}
	if strings.Contains(name, "interceptor") || strings.HasSuffix(name, "rule") && name != "rule" {
		return name
	}
	return ""
}
