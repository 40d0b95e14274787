package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// node is a key of a text: a leaf with a value, or a block with keys below it.
type node struct {
	id    string // tells it from its siblings
	value string // of a leaf, with its type where the format has types
	leaf  bool
	kids  []*node
	at    place // 0: not known
}

// valuePrefix begins the id of a list item that is its own value. What follows is
// never shown.
const valuePrefix = "[]="

// unnamed is the id of an item of a list that is a block and has no identifying key.
const unnamed = "[]"

func block(id string, kids ...*node) *node { return &node{id: id, kids: kids} }
func leaf(id, value string) *node          { return &node{id: id, value: value, leaf: true} }

func (n *node) add(kid *node) { n.kids = append(n.kids, kid) }

// kidValue returns the value of the leaf below n that has the id.
func (n *node) kidValue(id string) (string, bool) {
	for _, k := range n.kids {
		if k.leaf && k.id == id {
			return k.value, true
		}
	}
	return "", false
}

// identifying keys tell one item of a list from the others.
func identifyingKeys() []string {
	return []string{"name", "id", "key", "containerPort", "mountPath"}
}

// asItem gives n the id of an item of a list: its identifying key, or its value. Blocks
// that have neither are alike.
func (n *node) asItem() *node {
	if n.leaf {
		n.id = valuePrefix + n.value
		return n
	}
	for _, key := range identifyingKeys() {
		if v, ok := n.kidValue(key); ok {
			n.id = fmt.Sprintf("[%s=%s]", key, v)
			return n
		}
	}
	n.id = unnamed
	return n
}

// checkDepth refuses what the rest of the package would descend too far into.
func (n *node) checkDepth(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: want at most %d levels of keys", errLimit, maxDepth)
	}
	for _, k := range n.kids {
		if err := k.checkDepth(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// digest is equal for nodes that mean the same; the order of keys does not count.
func (n *node) digest() [sha256.Size]byte {
	h := sha256.New()
	for _, s := range []string{n.id, n.value} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(s))) // a hash.Hash never fails
		h.Write([]byte(s))
	}
	sums := make([][sha256.Size]byte, len(n.kids))
	for i, k := range n.kids {
		sums[i] = k.digest()
	}
	slices.SortFunc(sums, func(a, b [sha256.Size]byte) int { return slices.Compare(a[:], b[:]) })
	for _, s := range sums {
		h.Write(s[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}
