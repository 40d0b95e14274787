package tree

import (
	"slices"

	"inplace/merge"
)

// order returns the ids in the order of the merged container.
func (x *table) order(m *merger, e entry) ([]string, bool) {
	if e.o.Kind == Map {
		order := x.o
		for _, class := range x.classes {
			order = weave(order, class)
		}
		order = x.place(m, order)
		for _, class := range x.classes {
			arrange(order, class)
		}
		return x.lastLast(order), true
	}
	order, ok := x.sequence(x.b, x.o, x.t)
	if !ok {
		return nil, false
	}
	return x.place(m, weave(order, x.o)), true
}

// lastLast returns order with the kids that are Last behind all others.
func (x *table) lastLast(order []string) []string {
	last := func(id string) bool { return x.entries[id] != nil && x.entries[id].any().Last }
	if slices.ContainsFunc(order, last) {
		order = slices.Clone(order)
		slices.SortStableFunc(order, func(a, b string) int {
			switch {
			case last(a) == last(b):
				return 0
			case last(b):
				return -1
			}
			return 1
		})
	}
	return order
}

// arrange puts the ids of class, where they stand in order, into the order of class.
func arrange(order, class []string) {
	in := make(map[string]bool, len(class))
	for _, id := range class {
		in[id] = true
	}
	next := 0
	for i, id := range order {
		if in[id] && next < len(class) {
			order[i] = class[next]
			next++
		}
	}
}

// orderClasses merges the order of each class. A class whose order cannot be merged is
// one conflict.
func (x *table) orderClasses() {
	class := func(id string) string {
		if en := x.entries[id]; en != nil {
			return en.any().Order
		}
		return ""
	}
	var names []string
	ids := map[string]*[3][]string{}
	for i, side := range [3][]string{x.b, x.o, x.t} {
		for _, id := range side {
			c := class(id)
			if c == "" {
				continue
			}
			if ids[c] == nil {
				ids[c] = &[3][]string{}
				names = append(names, c)
			}
			ids[c][i] = append(ids[c][i], id)
		}
	}
	for _, c := range names {
		s := ids[c]
		if order, ok := x.sequence(s[0], s[1], s[2]); ok {
			x.classes = append(x.classes, weave(weave(order, s[1]), s[2]))
			continue
		}
		group := c + "\x00order"
		x.torn[group] = "both sides changed what stands in an order that has a meaning"
		var nodes [3][]*Node
		for i, side := range []*[]string{&x.b, &x.o, &x.t} {
			var rest []string
			for _, id := range *side {
				if class(id) != c {
					rest = append(rest, id)
					continue
				}
				if len(nodes[i]) == 0 {
					rest = append(rest, group)
				}
				en := x.entries[id]
				nodes[i] = append(nodes[i], []*Node{en.b, en.o, en.t}[i])
			}
			*side = rest
		}
		x.groups[group] = nodes
	}
}

// sequence merges the order of ids; ok is false if it cannot.
func (x *table) sequence(b, o, t []string) (order []string, ok bool) {
	chunks, err := merge.Diff3(b, o, t)
	if err != nil {
		return nil, false
	}
	for _, c := range chunks {
		o, t := o[c.OursStart:c.OursEnd], t[c.TheirsStart:c.TheirsEnd]
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
	for _, id := range b { // removed by one side: decided, and placed, with the others
		if en := x.entries[id]; en != nil && !seen[id] && en.o != nil && en.t != nil {
			return nil, false
		}
	}
	return order, true
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

// place adds to order the ids of theirs that are missing: behind the nearest kid before
// them that is in order, else before the nearest behind them. Kids whose comments stood
// above the kid behind them in base go before that one.
func (x *table) place(m *merger, order []string) []string {
	if len(order) == len(x.o) && !slices.ContainsFunc(x.t, func(id string) bool { return x.lacks(id) }) {
		return order
	}
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

// lacks tells whether ours has no kid of an id.
func (x *table) lacks(id string) bool {
	if en := x.entries[id]; en != nil {
		return en.o == nil
	}
	return len(x.groups[id][1]) == 0
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
