package tree

import (
	"fmt"
	"slices"

	"inplace/merge"
)

// table is the kids of three containers, matched by identity. An id is a kid's key; of
// kids that share their key with a sibling on any side it is key, content and number,
// so that equal ones are matched and others are not.
type table struct {
	entries map[string]*entry
	b, o, t []string              // ids in the order of the texts
	groups  map[string][3][]*Node // by id: all kids of a key that cannot be told apart, if torn
	torn    map[string]string     // by id: why these are a conflict
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

// order returns the ids in the order of the merged container.
func (x *table) order(m *merger, e entry) ([]string, bool) {
	if e.o.Kind == Map {
		return x.place(m, x.o), true
	}
	chunks, err := merge.Diff3(x.b, x.o, x.t)
	if err != nil {
		return nil, false
	}
	var order []string
	for _, c := range chunks {
		o, t := x.o[c.OursStart:c.OursEnd], x.t[c.TheirsStart:c.TheirsEnd]
		switch {
		case !c.Conflict && c.Theirs:
			order = append(order, t...)
		case !c.Conflict:
			order = append(order, o...)
		default:
			o, t = x.stay(o), x.stay(t)
			switch {
			case within(o, t):
				order = append(order, t...)
			case within(t, o):
				order = append(order, o...)
			default:
				return nil, false
			}
		}
	}
	// An item that one side moved and the other changed too would stand twice.
	seen := make(map[string]bool, len(order))
	for _, id := range order {
		if seen[id] {
			return nil, false
		}
		seen[id] = true
	}
	for _, id := range x.b { // removed by one side: decided, and placed, with the others
		if en := x.entries[id]; en != nil && !seen[id] && en.o != nil && en.t != nil {
			return nil, false
		}
	}
	return x.place(m, x.complete(order)), true
}

// stay returns the ids that neither side removed, or that one removed and the other
// may have changed.
func (x *table) stay(ids []string) []string {
	var out []string
	for _, id := range ids {
		en := x.entries[id]
		if en == nil || en.b == nil || en.o != nil && en.t != nil ||
			en.o != nil && !same(en.b, en.o) || en.t != nil && !same(en.b, en.t) {
			out = append(out, id)
		}
	}
	return out
}

// within tells whether the items of a stand in b, in the same order.
func within(a, b []string) bool {
	for _, id := range b {
		if len(a) > 0 && a[0] == id {
			a = a[1:]
		}
	}
	return len(a) == 0
}

// complete adds to order the ids of ours that are missing, each behind the one before it
// in ours: they are removed, or in conflict.
func (x *table) complete(order []string) []string { return weave(order, x.o) }

// place adds to order the ids of theirs that are missing: behind the nearest kid before
// them that is in order, else before the nearest behind them. Kids whose comments stood
// above the kid behind them in base go before that one.
func (x *table) place(m *merger, order []string) []string {
	here := make(map[string]bool, len(order))
	for _, id := range order {
		here[id] = true
	}
	before := map[string][]string{}
	rest := x.t
	for i := 0; i < len(x.t); i++ {
		if here[x.t[i]] {
			continue
		}
		end := i
		for end < len(x.t) && !here[x.t[end]] {
			end++
		}
		if end < len(x.t) && m.takesLead(x, x.t[i], x.t[end]) {
			before[x.t[end]] = x.t[i:end]
			rest = without(rest, x.t[i:end])
		}
		i = end
	}
	order = weave(order, rest)
	if len(before) == 0 {
		return order
	}
	var out []string
	for _, id := range order {
		out = append(append(out, before[id]...), id)
	}
	return out
}

func without(ids, some []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(some, id) })
}

// weave adds to order the ids of list that are missing, behind their nearest neighbor
// before them, or before the first one behind them, or first.
func weave(order, list []string) []string {
	here := make(map[string]bool, len(order))
	for _, id := range order {
		here[id] = true
	}
	after, before := map[string][]string{}, map[string][]string{}
	var front []string
	anchor := ""
	for _, id := range list {
		switch {
		case here[id] && anchor == "" && len(front) > 0:
			before[id], front = front, nil
			anchor = id
		case here[id]:
			anchor = id
		case anchor == "":
			front = append(front, id)
		default:
			after[anchor] = append(after[anchor], id)
		}
	}
	out := make([]string, 0, len(order)+len(list))
	out = append(out, front...) // nothing in common
	for _, id := range order {
		out = append(out, before[id]...)
		out = append(out, id)
		out = append(out, after[id]...)
	}
	return out
}
