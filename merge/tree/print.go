package tree

import (
	"bytes"
	"fmt"
)

// Print puts the text together again from its tree: every lead, gap, body and rest,
// down to the leaves. For a tree that Verify accepts it is the text, byte for byte.
func Print(data []byte, n *Node) []byte {
	var out []byte
	part := func(start, end int) { out = append(out, data[start:end]...) }
	for _, a := range n.Lead {
		part(a.Start, a.End)
	}
	gap := n.gap()
	part(gap.Start, gap.End)
	if n.Kind == Leaf {
		part(n.Body.Start, n.Body.End)
	} else {
		part(n.Body.Start, n.Inner.Start)
		at := n.Inner.Start
		for _, k := range n.Kids {
			out = append(out, Print(data, k)...)
			at = k.Full.End
		}
		for _, a := range n.Tail {
			part(a.Start, a.End)
			at = a.End
		}
		part(at, n.Inner.End)
		part(n.Inner.End, n.Body.End)
	}
	part(n.Body.End, n.Full.End)
	return out
}

// Verify returns an error if the tree does not cover the text as Node describes.
func Verify(data []byte, root *Node) error {
	if root.Full != (Range{0, len(data)}) {
		return fmt.Errorf("root covers %v of %d bytes", root.Full, len(data))
	}
	return verify(data, root, 0)
}

func verify(data []byte, n *Node, depth int) error {
	fault := func(what string, r Range) error {
		return fmt.Errorf("node %q at byte %d: %s is at %v", n.Key, n.Full.Start, what, r)
	}
	if depth > MaxDepth {
		return ErrDepth
	}
	at := n.Full.Start
	for _, a := range n.Lead {
		if a.Start != at || a.End <= a.Start {
			return fault("a lead atom", a.Range)
		}
		at = a.End
	}
	if n.Body.Start < at || n.Body.End < n.Body.Start || n.Full.End < n.Body.End {
		return fault("body", n.Body)
	}
	if gap := data[at:n.Body.Start]; len(bytes.TrimSpace(gap)) > 0 {
		return fault("a gap that is not blank", Range{at, n.Body.Start})
	}
	at = n.Body.End
	for _, part := range []struct {
		name string
		r    Range
	}{{"separator", n.Sep}, {"trail", n.Trail}} {
		if part.r.Empty() {
			continue
		}
		if part.r.Start < at || part.r.End < part.r.Start || part.r.End > n.Full.End {
			return fault(part.name, part.r)
		}
		at = part.r.End
	}
	if n.Kind == Leaf {
		if n.Val.Start < n.Body.Start || n.Val.End < n.Val.Start || n.Body.End < n.Val.End {
			return fault("value", n.Val)
		}
		return nil
	}
	if n.Inner.Start < n.Body.Start || n.Inner.End < n.Inner.Start || n.Body.End < n.Inner.End {
		return fault("inner", n.Inner)
	}
	at = n.Inner.Start
	for _, k := range n.Kids {
		if k.Full.Start != at || k.Full.End > n.Inner.End {
			return fault("kid "+k.Key, k.Full)
		}
		if err := verify(data, k, depth+1); err != nil {
			return err
		}
		at = k.Full.End
	}
	for _, a := range n.Tail {
		if a.Start != at || a.End <= a.Start || a.End > n.Inner.End {
			return fault("a tail atom", a.Range)
		}
		at = a.End
	}
	return nil
}
