package tree

import (
	"fmt"
	"slices"
)

// table is the kids of three containers, matched by identity. An id is a kid's key; of
// kids that share their key with a sibling on any side it is key, content and number,
// so that equal ones are matched and others are not.
type table struct {
	entries map[string]*entry
	b, o, t []string              // ids in the order of the texts
	groups  map[string][3][]*Node // by id: kids that are one conflict together
	torn    map[string]string     // by id: why they are
	classes [][]string            // the merged order of each class of kids whose order counts
}

// cell is what is known of a key before its kids are matched.
type cell struct {
	count [3]int // how often it stands in base, ours, theirs
	entry entry  // its kids, the last ones if there are several
}

func (c *cell) repeated() bool { return max(c.count[0], c.count[1], c.count[2]) > 1 }

func (m *merger) match(path string, e entry) *table {
	sides := [3][]*Node{e.b.Kids, e.o.Kids, e.t.Kids}
	size := max(len(sides[0]), len(sides[1]), len(sides[2]))
	x := &table{entries: make(map[string]*entry, size), groups: map[string][3][]*Node{}, torn: map[string]string{}}
	cells := make(map[string]*cell, size)
	slab := make([]cell, 0, size)
	repeated := map[string][3][]*Node{}
	for i, kids := range sides {
		for _, k := range kids {
			c := cells[k.Key]
			if c == nil {
				if len(slab) == cap(slab) { // cells stay where they are
					slab = make([]cell, 0, size)
				}
				slab = append(slab, cell{})
				c = &slab[len(slab)-1]
				cells[k.Key] = c
			}
			*[3]**Node{&c.entry.b, &c.entry.o, &c.entry.t}[i] = k
			if c.count[i]++; c.count[i] > 1 {
				repeated[k.Key] = [3][]*Node{}
			}
		}
	}
	alias := [3]map[string]string{nil, edited(sides[0], sides[1], cells, 0, 1, 2), edited(sides[0], sides[2], cells, 0, 2, 1)}
	x.renamedAlike(sides, cells, alias)
	if len(repeated) > 0 {
		x.tear(sides, repeated, alias)
	}
	for i, kids := range sides {
		ids := make([]string, 0, len(kids))
		number := map[string]int{}
		for _, k := range kids {
			id := k.Key
			c := cells[id]
			to, renamed := alias[i][id]
			if renamed {
				id, c = to, cells[to]
			}
			switch {
			case !c.repeated() && !renamed:
				if x.entries[id] == nil {
					x.entries[id] = &c.entry
				}
				ids = append(ids, id)
				continue
			case c.repeated():
				group := id + "\x00group"
				if x.torn[group] != "" {
					if number[group]++; number[group] == 1 {
						ids = append(ids, group)
					}
					continue
				}
				id = fmt.Sprintf("%s\x00%x", id, k.digest())
				number[id]++
				id = fmt.Sprintf("%s\x00%d", id, number[id])
			}
			ids = append(ids, id)
			en := x.entries[id]
			if en == nil {
				en = &entry{}
				x.entries[id] = en
			}
			*[3]**Node{&en.b, &en.o, &en.t}[i] = k
		}
		*[3]*[]string{&x.b, &x.o, &x.t}[i] = ids
	}
	if e.o.Kind == Map {
		x.orderClasses()
	}
	return x
}

// renamedAlike finds kids whose identity both sides edited alike, though one side may have
// come by more of the Tag: both are then matched with the one in base.
func (x *table) renamedAlike(sides [3][]*Node, cells map[string]*cell, alias [3]map[string]string) {
	for side := 1; side <= 2; side++ {
		other := 3 - side
		for _, k := range sides[side] {
			if k.Tag == "" || value(k) || alias[side][k.Key] != "" {
				continue
			}
			if to, ok := alias[other][k.Key]; ok && cells[to].count[side] == 0 && cells[k.Key].count[side] == 1 {
				alias[side][k.Key] = to
			}
		}
	}
}

// tear finds the repeated keys that are a conflict. A kid that a side renamed counts
// under its old key.
func (x *table) tear(sides [3][]*Node, repeated map[string][3][]*Node, alias [3]map[string]string) {
	renamed := map[string]bool{}
	for i, kids := range sides {
		for _, k := range kids {
			key := k.Key
			if to, ok := alias[i][key]; ok {
				key = to
				renamed[key] = true
			}
			if g, ok := repeated[key]; ok {
				g[i] = append(g[i], k)
				repeated[key] = g
			}
		}
	}
	for key, g := range repeated {
		if reason := groupReason(g, renamed[key]); reason != "" {
			id := key + "\x00group"
			x.torn[id], x.groups[id] = reason, g
		}
	}
}

// groupReason says why kids of one key that cannot be told apart are a conflict; "" if
// they are none. renamed: a side renamed one of them.
func groupReason(g [3][]*Node, renamed bool) string {
	equal := func(a, b []*Node) bool { return slices.EqualFunc(a, b, same) }
	b, o, t := g[0], g[1], g[2]
	if equal(b, o) || equal(b, t) || equal(o, t) {
		return ""
	}
	all := slices.Concat(b, o, t)
	switch {
	case all[0].Slot:
		return ""
	case !all[0].Bag:
		return "it stands several times, and both sides changed that"
	case renamed:
		return "one side renamed it, the other has it several times"
	}
	count := map[[32]byte][3]int{}
	for i, side := range g {
		for _, n := range side {
			c := count[n.digest()]
			c[i]++
			count[n.digest()] = c
		}
	}
	both, oursAdd, theirsAdd := false, false, false
	for _, c := range count {
		both = both || c[0] > c[1] && c[0] > c[2]
		oursAdd = oursAdd || c[1] > c[0] && c[2] <= c[0]
		theirsAdd = theirsAdd || c[2] > c[0] && c[1] <= c[0]
	}
	if both && oursAdd && theirsAdd {
		return "entries that cannot be told apart were changed by both sides"
	}
	return ""
}

// edited finds kids whose identity a side edited: its key to the key in base. One of a
// Tag went and one came, and the other side has none of the new key, or not the old one
// any more either.
func edited(inBase, inSide []*Node, cells map[string]*cell, base, side, other int) map[string]string {
	gone, came := map[string][]string{}, map[string][]string{}
	for _, k := range inBase {
		if k.Tag != "" && !value(k) && cells[k.Key].count[side] == 0 {
			gone[k.Tag] = append(gone[k.Tag], k.Key)
		}
	}
	for _, k := range inSide {
		if k.Tag != "" && !value(k) && cells[k.Key].count[base] == 0 {
			came[k.Tag] = append(came[k.Tag], k.Key)
		}
	}
	alias := map[string]string{}
	for tag, g := range gone {
		if c := came[tag]; len(g) == 1 && len(c) == 1 && (cells[c[0]].count[other] == 0 || cells[c[0]].count[other] == 1 && cells[g[0]].count[other] == 0) {
			alias[c[0]] = g[0]
		}
	}
	return alias
}
