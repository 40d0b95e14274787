package proof

import "strings"

// align finds blocks whose identity a side edited: where, below one parent, exactly
// one block of a kind went and one came, they are the same block under another name
// (a renamed resource), unless the other side has blocks of both names. Such a
// block then has its old place in every text. Its new name is a key below it and is
// compared as any other. other may be nil.
func (a *atlas) align(parent place, base, side, other *node) {
	if inStep(base, side) && (other == nil || inStep(base, other)) {
		a.alignInStep(parent, base, side, other)
		return
	}
	inBase, inSide, inOther := blocksByID(base), blocksByID(side), blocksByID(other)
	gone, came := map[string][]string{}, map[string][]string{}
	for id := range inBase {
		if inSide[id] == nil && identified(id) {
			gone[tag(id)] = append(gone[tag(id)], id)
		}
	}
	for id := range inSide {
		if inBase[id] == nil && identified(id) {
			came[tag(id)] = append(came[tag(id)], id)
		}
	}
	now := map[string]string{} // name in side of what base names otherwise
	for t, g := range gone {
		if c := came[t]; len(g) == 1 && len(c) == 1 && (inOther[c[0]] == nil || len(inOther[c[0]]) == 1 && inOther[g[0]] == nil) {
			a.aliases[edge{parent, c[0]}] = g[0]
			now[g[0]] = c[0]
		}
	}
	for _, k := range base.kids {
		id := k.id
		if to, ok := now[id]; ok {
			id = to
		}
		if s := inSide[id]; len(inBase[k.id]) == 1 && len(s) == 1 {
			var o *node
			if l := inOther[k.id]; len(l) == 1 {
				o = l[0]
			}
			a.align(a.place(parent, k), k, s[0], o)
		}
	}
}

// alignInStep aligns what is below nodes whose blocks have the same ids in the same order:
// none of these was renamed. Those whose id stands once are compared.
func (a *atlas) alignInStep(parent place, base, side, other *node) {
	a.round++
	for k, rest := nextBlock(base.kids); k != nil; k, rest = nextBlock(rest) {
		a.meet(a.place(parent, k), a.round)
	}
	inSide := side.kids
	var inOther []*node
	if other != nil {
		inOther = other.kids
	}
	var s, o *node
	for k, rest := nextBlock(base.kids); k != nil; k, rest = nextBlock(rest) {
		s, inSide = nextBlock(inSide)
		o, inOther = nextBlock(inOther)
		if p := a.place(parent, k); a.marks[p].times == 1 {
			a.align(p, k, s, o)
		}
	}
}

// inStep tells whether the blocks of two nodes have the same ids in the same order.
func inStep(a, b *node) bool {
	k, inA := nextBlock(a.kids)
	l, inB := nextBlock(b.kids)
	for k != nil && l != nil && k.id == l.id {
		k, inA = nextBlock(inA)
		l, inB = nextBlock(inB)
	}
	return k == nil && l == nil
}

// nextBlock returns the first block of kids, nil if there is none, and what follows it.
func nextBlock(kids []*node) (*node, []*node) {
	for i, k := range kids {
		if !k.leaf {
			return k, kids[i+1:]
		}
	}
	return nil, nil
}

// blocksByID returns the blocks below n, which may be nil.
func blocksByID(n *node) map[string][]*node {
	if n == nil {
		return nil
	}
	m := map[string][]*node{}
	for _, k := range n.kids {
		if !k.leaf {
			m[k.id] = append(m[k.id], k)
		}
	}
	return m
}

// identified tells whether an id was made from an identifying attribute or key.
func identified(id string) bool { return strings.HasSuffix(id, "]") && strings.Contains(id, "=") }

// tag is the part of an id that an edit of the identity leaves.
func tag(id string) string {
	t, _, _ := strings.Cut(id, "=")
	return t
}
