package xml

import "inplace/merge/tree"

// contentKind says whether the elements within an element of the name are in an order
// that has a meaning, all of them: chains, rules of which the first that fits counts,
// steps, arguments.
func (p *parser) contentKind(local string) tree.Kind {
	switch local {
	case "list", "array", "sequence", "chain", "filters", "Filters", "interceptors", "valves", "rules", "handlers",
		"sequential", "target", "macrodef", "arguments", "args", "jvmArgs", "compilerArgs", "analyzer":
		return tree.List
	}
	return tree.Map
}
