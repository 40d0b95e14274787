package manifest

import (
	"path"
	"strings"
)

// IsText reports whether b, the start of a file, is text in an encoding that
// keeps ASCII (UTF-8, Latin-1 and their like). UTF-16, which has NUL bytes or a
// byte order mark of its own, is not. Beside tab, line ends, form feed, backspace
// and escape a text may have one control byte in a hundred. An empty b is text.
func IsText(b []byte) bool {
	if len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff) {
		return false
	}
	controls := 0
	for _, c := range b {
		switch {
		case c == 0:
			return false
		case c >= 0x20 && c != 0x7f, c == '\t', c == '\n', c == '\r', c == '\f', c == '\b', c == 0x1b:
		default:
			controls++
		}
	}
	return controls*100 <= len(b)
}

// LooksLikeConfig guesses whether p, whose content starts with head, is
// configuration an operator may edit. It is used where a vendor gives no rules,
// and what it finds is shown. It goes by the name (a suffix of configuration, or a
// place below a directory of configuration) and by the content, which must be text.
// What products carry inside themselves is left out: web pages, classes and
// libraries, documentation, licences, and the locks of package managers.
func LooksLikeConfig(p Path, head []byte) bool {
	if !IsText(head) || IsState(p) {
		return false
	}
	dirs := strings.Split(strings.ToLower(string(p)), "/")
	name := dirs[len(dirs)-1]
	dirs = dirs[:len(dirs)-1]
	if isDeployment(dirs, name) {
		return true
	}
	place := placeOf(dirs)
	if place == inside || notConfig(name) {
		return false
	}
	switch strings.TrimPrefix(path.Ext(name), ".") {
	case "conf", "cfg", "cnf", "ini", "properties", "config", "env", "policy", "toml", "yaml", "yml", "prefs",
		"settings", "xml", "json", "jsonc", "json5":
		return true
	case "html", "htm", "xhtml", "js", "mjs", "ts", "css", "scss", "jsp", "svg", "map", "java", "dtd", "xsd",
		"tld", "md", "rst", "adoc", "log":
		return false
	}
	return place == below
}

// isDeployment knows the files of a web application that operators edit though
// they lie among its code: those of WEB-INF and its classes themselves, and
// Tomcat's context.
func isDeployment(dirs []string, name string) bool {
	n := len(dirs)
	if n == 0 {
		return false
	}
	switch {
	case dirs[n-1] == "meta-inf":
		return name == "context.xml"
	case dirs[n-1] == "web-inf", n > 1 && dirs[n-2] == "web-inf" && dirs[n-1] == "classes":
	default:
		return false
	}
	switch path.Ext(name) {
	case ".xml", ".properties", ".yaml", ".yml", ".json":
		return !notConfig(name)
	}
	return false
}

// place says what the directories above a file tell about it.
type place int

const (
	anywhere place = iota
	below          // below a directory of configuration
	inside         // part of what the product is made of
)

// placeOf judges lower-case directory names, the innermost last.
func placeOf(dirs []string) place {
	at := anywhere
	for _, dir := range dirs {
		switch dir {
		case "conf", "config", "etc", "cfg", "conf.d", "configuration", "settings":
			at = below
		case "meta-inf", "node_modules", "site-packages", "dist-packages", "vendor", "docs", "doc", "javadoc", "licenses",
			"legal", "license", "man", "examples", "samples", "src", "test", "tests", "static", "assets", "locale",
			"locales", "i18n", "lang", "schemas", ".git":
			return inside
		case "web-inf", "lib", "lib64", "libs", "share", "classes":
			if at != below {
				at = inside
			}
		}
	}
	return at
}

// notConfig knows names that have a suffix of configuration but are none.
func notConfig(name string) bool {
	switch name {
	case "package.json", "package-lock.json", "npm-shrinkwrap.json", "composer.json", "composer.lock", "yarn.lock",
		"pnpm-lock.yaml", "cargo.toml", "cargo.lock", "poetry.lock", "pyproject.toml", "go.mod", "go.sum", "gemfile.lock",
		"pom.xml", "build.xml", "pom.properties", "bom.json", "bom.xml", "manifest.json", "manifest.xml", "tsconfig.json",
		"release", "version", "license", "notice", "readme", "changelog", "copying", "authors":
		return true
	}
	for _, start := range []string{"license", "notice", "readme", "changelog", "release-notes", "messages_", "localstrings"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return strings.HasSuffix(name, ".min.json") || strings.HasSuffix(name, ".schema.json") ||
		strings.HasSuffix(name, ".map.json") || strings.HasSuffix(name, ".cdx.json") || strings.HasSuffix(name, ".spdx.json")
}
