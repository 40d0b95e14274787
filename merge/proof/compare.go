package proof

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// maxFaults is how many faults an error lists.
const maxFaults = 10

// place is a key path by number: a path's numbers are shared by the four texts, so
// that memory stays in proportion to them however deep they are.
type place int

type edge struct {
	parent place
	id     string
}

// atlas numbers key paths. Place 0 is the top.
type atlas struct {
	places  map[edge]place
	edges   []edge
	aliases map[edge]string // ids under which a key stands on one side, to its id in base
	bags    map[place]bool  // places whose nodes cannot be told apart
	marks   []mark          // by place
	round   int             // the last one of a mark
}

// A mark counts how often a place was met in one round, which is a look at the kids of
// one node.
type mark struct{ round, times int }

// meet counts a place in a round and returns how often it was met in it.
func (a *atlas) meet(p place, round int) int {
	for len(a.marks) < len(a.edges) {
		a.marks = append(a.marks, mark{})
	}
	m := &a.marks[p]
	if m.round != round {
		*m = mark{round: round}
	}
	m.times++
	return m.times
}

func newAtlas() *atlas {
	return &atlas{places: map[edge]place{}, edges: make([]edge, 1), aliases: map[edge]string{}, bags: map[place]bool{}}
}

// place returns the number of n below parent.
func (a *atlas) place(parent place, n *node) place {
	e := edge{parent, n.id}
	if id, ok := a.aliases[e]; ok {
		e.id = id
	}
	p, ok := a.places[e]
	if !ok {
		p = place(len(a.edges))
		a.places[e] = p
		a.edges = append(a.edges, e)
	}
	return p
}

// String spells a path for people: values and control characters are left out.
func (a *atlas) String(p place) string {
	var parts []string
	for ; p > 0; p = a.edges[p].parent {
		id := a.edges[p].id
		if strings.HasPrefix(id, valuePrefix) {
			id = "[item]"
		}
		parts = append([]string{id}, parts...)
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.Join(parts, "/"))
}

// findBags marks the places where an input has several nodes, or items of a list that
// nothing names: there contents are counted, and not compared one by one. It notes in
// each node what its place is.
func (a *atlas) findBags(parent place, n *node) {
	a.round++
	round := a.round
	for _, k := range n.kids {
		k.at = a.place(parent, k)
		if a.meet(k.at, round) > 1 || k.id == unnamed {
			a.bags[k.at] = true
		}
		a.findBags(k.at, k)
	}
}

// facts is what one text says.
type facts struct {
	values []string        // states of keys by place, bags apart
	count  []int           // how often these keys stand, by place
	bags   map[bagItem]int // how often a content stands in a bag
}

type bagItem struct {
	place  place
	digest [sha256.Size]byte
}

func (a *atlas) facts(root *node) *facts {
	f := &facts{bags: map[bagItem]int{}}
	if root != nil {
		a.collect(f, 0, root)
	}
	return f
}

// grow makes room for n places.
func (f *facts) grow(n int) {
	f.values = append(f.values, make([]string, max(0, n-len(f.values)))...)
	f.count = append(f.count, make([]int, max(0, n-len(f.count)))...)
}

func (a *atlas) collect(f *facts, parent place, n *node) {
	for _, k := range n.kids {
		p := k.at
		if p == 0 {
			p = a.place(parent, k)
		}
		if a.bags[p] {
			f.bags[bagItem{p, k.digest()}]++
			continue
		}
		if int(p) >= len(f.count) {
			f.grow(max(len(a.edges), int(p)+1))
		}
		f.count[p]++
		f.values[p] = k.state()
		a.collect(f, p, k)
	}
}

// state is what a key is, apart from the keys below it.
func (n *node) state() string {
	if n.leaf {
		return "=" + n.value
	}
	return "block"
}

// compare returns the faults of merged. base is nil if it says nothing.
func compare(base, ours, theirs, merged *node) error {
	a := newAtlas()
	if base != nil {
		a.align(0, base, ours, theirs)
		a.align(0, base, theirs, ours)
	}
	for _, n := range []*node{base, ours, theirs} {
		if n != nil {
			a.findBags(0, n)
		}
	}
	b, o, t, m := a.facts(base), a.facts(ours), a.facts(theirs), a.facts(merged)
	for _, f := range []*facts{b, o, t, m} {
		f.grow(len(a.edges))
	}
	var faults []error
	fault := func(p place, text string) {
		if len(faults) < maxFaults {
			faults = append(faults, fmt.Errorf("%s: %s", a.String(p), text))
		}
	}
	for p := place(1); int(p) < len(a.edges); p++ {
		if m.count[p] > 1 {
			fault(p, fmt.Sprintf("stands %d times in the merged text, at most once in any input", m.count[p]))
		} else if base != nil {
			if text := judge(b.values[p], o.values[p], t.values[p], m.values[p]); text != "" {
				fault(p, text)
			}
		}
	}
	inBag := map[place]string{}
	for _, f := range []*facts{b, o, t, m} {
		for i := range f.bags {
			text := judgeBag(b.bags[i], o.bags[i], t.bags[i], m.bags[i], base != nil)
			inBag[i.place] = max(inBag[i.place], text)
		}
	}
	for p := place(1); int(p) < len(a.edges); p++ {
		if inBag[p] != "" {
			fault(p, inBag[p])
		}
	}
	return errors.Join(faults...)
}

// judge compares one key's states, "" where it is absent: what one side changed must
// be as that side has it.
func judge(b, o, t, m string) string {
	want, side := o, "ours"
	switch {
	case o == t:
		side = "both sides"
	case o == b:
		want, side = t, "theirs"
	case t != b:
		return "both sides changed it differently"
	}
	if m != want {
		return "the merged text does not have it as in " + side
	}
	return ""
}

// judgeBag compares how often one content stands in a bag: as often as on the side
// that changed it, and never more often than in any input.
func judgeBag(b, o, t, m int, haveBase bool) string {

	switch {
	case m > max(b, o, t):
		return "an entry stands more often in the merged text than in any input"
	case !haveBase:
		return ""
	case (o == t || t == b) && m != o, o == b && m != t:
		return "an entry is not in the merged text as on the side that changed it"
	}
	return ""
}
