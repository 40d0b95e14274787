package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// reference matches {1}, {2} and so on in the clear pattern of a Derived.
var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{([0-9]+)\}`) })

// protected are paths no clear pattern may match: the updater and what it keeps.
var protected = [...]Path{
	"bin", "bin/inplace", "bin/inplace.exe", "bin/inplace-linux-amd64", "bin/update.sh", "bin/update.cmd",
	stateDir, "updates/product.yaml", "updates/settings.yaml", "updates/OPEN", "updates/journal", "updates/lock",
	"updates/installed", "updates/installed/manifest", "updates/backups", "updates/backups/1", "updates/stage",
	"updates/conflicts", "updates/resolutions", "updates/history.jsonl", "updates/logs", trustDir, trustRoot,
}

// fault says which key of d is wrong and why; msg is "" if none is.
func (d Derived) fault() (key, msg string) {
	when, err := CompileGlob(d.When)
	if err != nil {
		return "when", err.Error()
	}
	wildcards := when.wildcards()
	for _, m := range reference().FindAllStringSubmatch(d.Clear, -1) {
		if n, err := strconv.Atoi(m[1]); err != nil || n < 1 || n > wildcards {
			return "clear", fmt.Sprintf("want {1} to {%d}, one for each wildcard of when, got %s", wildcards, printableCut(m[0]))
		}
	}
	// What a reference will stand for is not known yet: anything may.
	clear, err := CompileGlob(reference().ReplaceAllLiteralString(d.Clear, "*"))
	if err != nil {
		return "clear", err.Error()
	}
	return "clear", clear.protectedFault()
}

// protectedFault says that g matches a protected path, or "".
func (g *Glob) protectedFault() string {
	for _, p := range protected {
		if g.Match(p) {
			return fmt.Sprintf("%s: want a pattern that never matches %s", printableCut(g.pattern), p)
		}
	}
	return ""
}

// wildcards returns how many captures g gives.
func (g *Glob) wildcards() int {
	n := 0
	for _, part := range g.parts {
		switch {
		case part.deep:
			n++
		case !part.literal:
			last := byte(0)
			for i := 0; i < len(part.text); i++ {
				c := part.text[i]
				if c == '*' || c == '?' && last != '?' {
					n++
				}
				last = c
			}
		}
	}
	return n
}

// Expand returns what is to be cleared when p changes: nil if When does not match
// p, otherwise Clear with every {N} replaced by what the Nth wildcard of When
// took. It is an error if that gives no pattern or one that matches the updater, or
// if p holds `*` or `?` where they would become wildcards.
func (d Derived) Expand(p Path) (*Glob, error) {
	if key, msg := d.fault(); msg != "" {
		return nil, fmt.Errorf("derived %s: %s", key, msg)
	}
	when, err := CompileGlob(d.When)
	if err != nil {
		return nil, err
	}
	captures, ok := when.Captures(p)
	if !ok {
		return nil, nil
	}
	for _, taken := range captures {
		if strings.ContainsAny(taken, "*?") {
			return nil, fmt.Errorf("%s: want a path without wildcards for %s", p, printableCut(d.Clear))
		}
	}
	clear, err := CompileGlob(reference().ReplaceAllStringFunc(d.Clear, func(ref string) string {
		n, _ := strconv.Atoi(ref[1 : len(ref)-1])
		return captures[n-1]
	}))
	if err != nil {
		return nil, err
	}
	if msg := clear.protectedFault(); msg != "" {
		return nil, fmt.Errorf("%s", msg)
	}
	return clear, nil
}
