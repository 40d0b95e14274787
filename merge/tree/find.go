package tree

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ErrNoKey is in the chain where a text has no such key, or has it more than once.
var ErrNoKey = errors.New("no such key")

// Find returns where the value of a key stands in a text, and the value as it is
// compared. The key is spelt as conflicts spell it: the labels from the root on, joined
// by "/".
func Find(f Format, data []byte, key string) (value string, at Range, err error) {
	rest, marked := bytes.CutPrefix(data, bom)
	root, err := f.Parse(rest)
	if err == nil {
		err = Verify(rest, root)
	}
	if err != nil {
		return "", Range{}, err
	}
	found := root.find(key, nil)
	if len(found) != 1 || found[0].Kind != Leaf || found[0].Bare {
		return "", Range{}, fmt.Errorf("%s: %w", key, ErrNoKey)
	}
	at = found[0].Val
	if marked {
		at.Start += len(bom)
		at.End += len(bom)
	}
	return found[0].Value, at, nil
}

// find appends the nodes below n whose path is key. Labels may contain "/".
func (n *Node) find(key string, out []*Node) []*Node {
	for _, k := range n.Kids {
		switch {
		case k.Slot:
		case k.Quiet:
			out = k.find(key, out)
		case k.label() == key:
			out = append(out, k.text())
		default:
			if rest, ok := strings.CutPrefix(key, k.label()+"/"); ok {
				out = k.find(rest, out)
			}
		}
	}
	return out
}

// text returns n, or the one Quiet leaf that n holds (the text of an XML element).
func (n *Node) text() *Node {
	for _, k := range n.Kids {
		if k.Quiet && k.Kind == Leaf {
			return k
		}
	}
	return n
}

// Set returns the text with the value of the key replaced by raw, which is spelt as the
// format spells values. Everything else keeps its bytes.
func Set(f Format, data []byte, key string, raw []byte) ([]byte, error) {
	_, at, err := Find(f, data, key)
	if err != nil {
		return nil, err
	}
	out := append(append(bytes.Clone(data[:at.Start]), raw...), data[at.End:]...)
	_, now, err := Find(f, out, key)
	if err != nil || now != (Range{at.Start, at.Start + len(raw)}) {
		return nil, fmt.Errorf("%s: cannot hold this value", key)
	}
	return out, nil
}
