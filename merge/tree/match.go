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

func (m *merger) match(path string, e entry) *table {
	x := &table{entries: map[string]*entry{}, groups: map[string][3][]*Node{}, torn: map[string]string{}}
	sides := [3][]*Node{e.b.Kids, e.o.Kids, e.t.Kids}
	count := [3]map[string]int{}
	repeated := map[string][3][]*Node{}
	for i, kids := range sides {
		count[i] = make(map[string]int, len(kids))
		for _, k := range kids {
			if count[i][k.Key]++; count[i][k.Key] > 1 {
				repeated[k.Key] = [3][]*Node{}
			}
		}
	}
	for i, kids := range sides {
		for _, k := range kids {
			if g, ok := repeated[k.Key]; ok {
				g[i] = append(g[i], k)
				repeated[k.Key] = g
			}
		}
	}
	for key, g := range repeated {
		if reason := groupReason(g); reason != "" {
			id := key + "\x00group"
			x.torn[id], x.groups[id] = reason, g
		}
	}
	alias := [3]map[string]string{nil, edited(sides[0], sides[1], count[0], count[1], count[2]), edited(sides[0], sides[2], count[0], count[2], count[1])}
	for i, kids := range sides {
		ids := make([]string, 0, len(kids))
		number := map[string]int{}
		for _, k := range kids {
			id := k.Key
			if _, ok := repeated[k.Key]; ok {
				group := k.Key + "\x00group"
				if x.torn[group] != "" {
					if number[group]++; number[group] == 1 {
						ids = append(ids, group)
					}
					continue
				}
				id = fmt.Sprintf("%s\x00%x", k.Key, k.digest())
				number[id]++
				id = fmt.Sprintf("%s\x00%d", id, number[id])
			} else if to, ok := alias[i][id]; ok {
				id = to
			}
			ids = append(ids, id)
			en := x.entries[id]
			if en == nil {
				en = &entry{}
				x.entries[id] = en
			}
			*[]**Node{&en.b, &en.o, &en.t}[i] = k
		}
		*[]*[]string{&x.b, &x.o, &x.t}[i] = ids
	}
	if e.o.Kind == Map {
		x.orderClasses()
	}
	return x
}

// groupReason says why kids of one key that cannot be told apart are a conflict; "" if
// they are none.
func groupReason(g [3][]*Node) string {
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
// Tag went and one came, and the other side has none of the new key.
func edited(base, side []*Node, inBase, inSide, inOther map[string]int) map[string]string {
	gone, came := map[string][]string{}, map[string][]string{}
	for _, k := range base {
		if k.Tag != "" && !value(k) && inSide[k.Key] == 0 {
			gone[k.Tag] = append(gone[k.Tag], k.Key)
		}
	}
	for _, k := range side {
		if k.Tag != "" && !value(k) && inBase[k.Key] == 0 {
			came[k.Tag] = append(came[k.Tag], k.Key)
		}
	}
	alias := map[string]string{}
	for tag, g := range gone {
		if c := came[tag]; len(g) == 1 && len(c) == 1 && inOther[c[0]] == 0 {
			alias[c[0]] = g[0]
		}
	}
	return alias
}
