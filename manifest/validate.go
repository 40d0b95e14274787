package manifest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"inplace/manifest/strictyaml"
)

// Limits of texts, in bytes.
const (
	maxName  = 64
	maxLine  = 1000    // a version, a summary, a reason, a message, a key
	maxProse = 1 << 18 // instructions
)

var platform = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`) })

// validator gathers what is wrong beyond the types. What could not be decoded, or
// is missing, is a fault already: its zero value is not judged again.
type validator struct {
	doc     *strictyaml.Doc
	faults  Errors
	decoded int // how many of faults come from decoding
}

// fault notes a fault of the value at a place.
func (v *validator) fault(at, format string, args ...any) {
	if len(v.faults) < strictyaml.EnoughFaults && v.good(at) {
		v.faults = append(v.faults, v.doc.Fault(at, format, args...))
	}
}

// good reports whether the value at a place is there and was decoded.
func (v *validator) good(at string) bool {
	if !v.doc.Has(at) {
		return false
	}
	place := v.doc.Fault(at, "")
	return !slices.ContainsFunc(v.faults[:v.decoded], func(e *Error) bool {
		return e.Line == place.Line && e.Col == place.Col
	})
}

func (v *validator) manifest(m *Manifest) {
	v.name("product.name", m.Product.Name)
	v.line("product.version", m.Product.Version)
	v.between("level", m.Level, 0, MaxLevel)
	if m.Released.Nanosecond() != 0 {
		v.fault("released", "want whole seconds, got %s", m.Released.Format(time.RFC3339Nano))
	}
	if y := m.Released.Year(); y < 1970 || y > 9999 {
		v.fault("released", "want a year from 1970 to 9999, got %d", y)
	}
	v.from(m.From)
	if m.From.Min > m.Level && v.good("level") {
		v.fault("from.min", "want at most the level %d, got %d", m.Level, m.From.Min)
	}
	v.each("platforms", m.Platforms, func(s string) string {
		if !platform().MatchString(s) {
			return fmt.Sprintf("want os/arch, got %q", printableCut(s))
		}
		return ""
	})
	v.each("requires", m.Requires, func(s string) string {
		return fmt.Sprintf("want features this updater knows (none), got %q", printableCut(s))
	})
	if m.Inventory.Digest.IsZero() {
		v.fault("inventory.digest", "want a digest, got none")
	}
	v.between("inventory.size", m.Inventory.Size, 0, MaxInventoryBytes)
	v.between("inventory.entries", m.Inventory.Entries, 0, MaxEntries)
	v.rules("rules.", m.Rules)
	v.renames(m.Renames)
	v.migrations(m.Migrations)
	v.derived(m.Derived)
	v.irreversible(m.Irreversible)
	v.fixes(m.Fixes)
	v.prose("instructions", m.Instructions)
}

func (v *validator) product(p *Product) {
	v.name("name", p.Name)
	v.line("version", p.Version)
	v.rules("", p.Rules())
	v.derived(p.Derived)
}

func (v *validator) notes(n *Notes) {
	v.from(n.From)
	v.renames(n.Renames)
	v.migrations(n.Migrations)
	v.irreversible(n.Irreversible)
	v.fixes(n.Fixes)
	v.prose("instructions", n.Instructions)
}

func (v *validator) name(at, s string) {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	if s == "" || len(s) > maxName || !strings.Contains(first, s[:1]) || strings.Trim(s, first+"._-") != "" {
		v.fault(at, "want [a-z0-9][a-z0-9._-]*, at most %d bytes, got %q", maxName, printableCut(s))
	}
}

func (v *validator) from(f From) { v.between("from.min", f.Min, 0, MaxLevel) }

func (v *validator) between(at string, n, least, most int64) {
	if n < least || n > most {
		v.fault(at, "want a number from %d to %d, got %d", least, most, n)
	}
}

// line checks a text of one line that is shown to people.
func (v *validator) line(at, s string) {
	if s == "" {
		v.fault(at, "want a text, got an empty one")
	}
	v.text(at, s, maxLine, "")
}

// prose checks a text of lines that is shown to people and may be empty.
func (v *validator) prose(at, s string) { v.text(at, s, maxProse, "\n\t") }

// text refuses what a terminal would act on, but for the characters allowed.
func (v *validator) text(at, s string, most int, allowed string) {
	if len(s) > most {
		v.fault(at, "want at most %d bytes, got %d", most, len(s))
	}
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			v.fault(at, "want UTF-8, got byte 0x%02x", s[i])
			return
		}
		if invisible(r) && !strings.ContainsRune(allowed, r) {
			v.fault(at, "want visible characters, got U+%04X", r)
			return
		}
	}
}

// each checks the items of a list, which must be unique.
func (v *validator) each(at string, items []string, check func(string) string) {
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		if msg := check(item); msg != "" {
			v.fault(strictyaml.Index(at, i), "%s", msg)
		} else if seen[item] {
			v.fault(strictyaml.Index(at, i), "want each item once, got %q again", printableCut(item))
		}
		seen[item] = true
	}
}

// rules checks globs, formats and links; at is the place of the keys.
func (v *validator) rules(at string, r Rules) {
	v.each(at+"config", r.Config, globMessage)
	v.each(at+"data", r.Data, globMessage)
	v.each(at+"ignore", r.Ignore, globMessage)
	for _, pattern := range slices.Sorted(maps.Keys(r.Formats)) {
		place := strictyaml.Key(at+"formats", pattern)
		if msg := globMessage(pattern); msg != "" {
			v.fault(place, "%s", msg)
		}
		if format := r.Formats[pattern]; !knownFormat(format) {
			v.fault(place, "want a format (properties, ini, xml, yaml, json, jsonc, toml, env, lines), got %q", printableCut(format))
		}
	}
	links := make([]string, len(r.Links))
	for i, link := range r.Links {
		links[i] = string(link)
	}
	v.each(at+"links", links, pathMessage)
}

func globMessage(pattern string) string {
	if _, err := CompileGlob(pattern); err != nil {
		return err.Error()
	}
	return ""
}

// pathMessage says why s cannot be a path of a release, or "".
func pathMessage(s string) string {
	p, err := ParsePath(s)
	if err == nil {
		err = p.Portable()
	}
	if err != nil {
		return err.Error()
	}
	if ReservedInRelease(p) {
		return p.String() + ": want a path of the product, got one of the updater"
	}
	return ""
}
