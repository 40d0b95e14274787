package manifest

import (
	"fmt"
	"strings"
	"sync"
)

// Check looks for faults between a manifest and its inventory, and for what an
// inventory may list but a release may not: names that cannot be installed on
// every system, names of the updater, and links that lead outside without being
// named in the rules. Every fault is listed at once, path first, as Errors.
func Check(m *Manifest, v *Inventory) error {
	c := releaseCheck{links: make(map[Path]bool, len(m.Rules.Links))}
	if m.Inventory.Digest != v.Digest {
		c.fault("inventory: digest mismatch: want %s, got %s", m.Inventory.Digest, v.Digest)
	}
	if m.Inventory.Size != int64(len(v.Raw)) {
		c.fault("inventory: want %d bytes, got %d", m.Inventory.Size, len(v.Raw))
	}
	if m.Inventory.Entries != int64(v.Len()) {
		c.fault("inventory: want %d entries, got %d", m.Inventory.Entries, v.Len())
	}
	for _, link := range m.Rules.Links {
		c.links[link] = true
		if e := v.Find(link); e == nil || e.Kind != Link {
			c.fault("%s: want a link of the release, named in rules.links, got %s", link, kindOf(e))
		}
	}
	c.entries(v)
	for i, r := range m.Renames {
		if e := v.Find(r.To); e == nil {
			c.fault("%s: want a path of the release in renames[%d].to, got none", r.To, i)
		}
		if e := v.Find(r.From); e != nil {
			c.fault("%s: want a path that is gone in renames[%d].from, got a %s of the release", r.From, i, e.Kind)
		}
	}
	return c.faults.Err()
}

// kindOf names what e is, for messages.
func kindOf(e *Entry) string {
	if e == nil || e.Kind == Absent {
		return "nothing"
	}
	return "a " + e.Kind.String()
}

// releaseCheck gathers the faults of one release.
type releaseCheck struct {
	links  map[Path]bool // may lead outside
	faults Errors
}

func (c *releaseCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, &Error{Msg: fmt.Sprintf(format, args...)})
}

// entries checks each entry by itself, half of a long inventory on another core.
func (c *releaseCheck) entries(v *Inventory) {
	half := v.Len()
	rest := releaseCheck{links: c.links}
	var wg sync.WaitGroup
	if v.Len() >= 8*lotSize {
		half /= 2
		wg.Go(func() {
			for i := half; i < v.Len(); i++ {
				rest.entry(v, i)
			}
		})
	}
	for i := range half {
		c.entry(v, i)
	}
	wg.Wait()
	c.faults = append(c.faults, rest.faults...)
}

// entry checks entry i of v by itself.
func (c *releaseCheck) entry(v *Inventory, i int) {
	path := v.PathAt(i)
	if msg := portableFault(path.Base()); msg != "" { // the parents are entries too
		c.fault("%s: %s", path, msg)
	}
	if ReservedInRelease(path) {
		c.fault("%s: want no path of the updater in a release", path)
	}
	switch path {
	case "bin", stateDir, trustDir:
		if e := v.At(i); e.Kind != Dir {
			c.fault("%s: want a directory, got %s", path, kindOf(&e))
		}
	case trustRoot:
		if e := v.At(i); e.Kind != File {
			c.fault("%s: want a file, got %s", path, kindOf(&e))
		}
	}
	if kinds[v.line(i)[0]] == Link && !c.links[path] {
		if msg := linkFault(path, v.At(i).Target); msg != "" {
			c.fault("%s: %s", path, msg)
		}
	}
}

// linkFault says why a link at p may lead outside the release, or "". Only the
// text is judged, so ".." may stand at its start only: after a name it could
// climb out of wherever a second link leads. Windows separators and drives count
// as leading outside.
func linkFault(p Path, target string) string {
	const want = "want a link inside the product, got %s; rules.links names those that may leave it"
	if strings.HasPrefix(target, "/") || strings.ContainsAny(target, `\:`) {
		return fmt.Sprintf(want, printableCut(target))
	}
	depth := strings.Count(string(p), "/")
	named := false
	for name := range strings.SplitSeq(target, "/") {
		switch name {
		case "", ".":
		case "..":
			if depth--; named || depth < 0 {
				return fmt.Sprintf(want, printableCut(target))
			}
		default:
			named = true
		}
	}
	return ""
}
