package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Class says how an update treats a path.
type Class int

const (
	Plain  Class = iota // the vendor's: a local edit is a conflict unless the contents merge
	Config              // the operator may edit it: merged
	Data                // the product's data: never touched
	Ignore              // never touched and never looked at
)

// String returns the word used in rules and messages.
func (c Class) String() string {
	switch c {
	case Plain:
		return "plain"
	case Config:
		return "config"
	case Data:
		return "data"
	case Ignore:
		return "ignore"
	}
	return fmt.Sprintf("class %d", int(c))
}

// Rules sort paths into classes by globs; data beats ignore beats config.
// Formats maps globs to the names merge/formats knows. Links names the links of
// a release that may be absolute or lead outside.
type Rules struct {
	Config  []string          `yaml:"config,omitempty"`
	Data    []string          `yaml:"data,omitempty"`
	Ignore  []string          `yaml:"ignore,omitempty"`
	Formats map[string]string `yaml:"formats,omitempty"`
	Links   []Path            `yaml:"links,omitempty"`
}

// IsZero reports whether there are no rules at all.
func (r *Rules) IsZero() bool {
	return len(r.Config)+len(r.Data)+len(r.Ignore)+len(r.Formats)+len(r.Links) == 0
}

// Compile compiles the globs. Every fault is listed at once.
func (r *Rules) Compile() (*Matcher, error) {
	var faults Errors
	compile := func(pattern string) *Glob {
		g, err := CompileGlob(pattern)
		if err != nil {
			faults = append(faults, &Error{Msg: err.Error()})
		}
		return g
	}
	list := func(patterns []string) []*Glob {
		globs := make([]*Glob, len(patterns))
		for i, pattern := range patterns {
			globs[i] = compile(pattern)
		}
		return globs
	}
	m := &Matcher{config: list(r.Config), data: list(r.Data), ignore: list(r.Ignore)}
	for _, pattern := range slices.Sorted(maps.Keys(r.Formats)) {
		m.formats = append(m.formats, formatRule{compile(pattern), r.Formats[pattern]})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(m.formats, func(a, b formatRule) int { return cmp.Compare(b.glob.weight(), a.glob.weight()) })
	return m, nil
}

// weight orders globs that match one path: the more text, the more it means this
// path; one without wildcards beats them all.
func (g *Glob) weight() int {
	weight := 0
	for _, part := range g.parts {
		if !part.literal {
			weight -= MaxPath
		}
		weight += len(part.text)
	}
	return weight
}

// Matcher answers what Rules say about a path. It never changes, so many may use
// one at the same time.
type Matcher struct {
	config, data, ignore []*Glob
	formats              []formatRule
}

type formatRule struct {
	glob   *Glob
	format string
}

// Class returns the class of p.
func (m *Matcher) Class(p Path) Class {
	switch {
	case MatchAny(m.data, p):
		return Data
	case MatchAny(m.ignore, p):
		return Ignore
	case MatchAny(m.config, p):
		return Config
	}
	return Plain
}

// Untouched reports whether p and everything below it, whatever its name, is data or
// ignored, so that nobody has to look there.
func (m *Matcher) Untouched(p Path) bool {
	whole := func(g *Glob) bool { return g.parts[len(g.parts)-1].deep && g.Match(p) }
	return slices.ContainsFunc(m.data, whole) || slices.ContainsFunc(m.ignore, whole)
}

// Format returns the format the rules give p, "" if none. Of several globs that
// match, the one with the fewest segments that hold wildcards counts, then the
// longest, then the first in bytewise order.
func (m *Matcher) Format(p Path) string {
	for _, rule := range m.formats {
		if rule.glob.Match(p) {
			return rule.format
		}
	}
	return ""
}

// MatchAny reports whether one of globs matches p.
func MatchAny(globs []*Glob, p Path) bool {
	for _, g := range globs {
		if g.Match(p) {
			return true
		}
	}
	return false
}

// knownFormat reports whether rules may name the format.
func knownFormat(name string) bool {
	switch name {
	case "properties", "ini", "xml", "yaml", "json", "jsonc", "toml", "env", "sh", "directive", "nginx", "lines":
		return true
	}
	return false
}
