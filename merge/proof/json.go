package proof

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tailscale/hujson"
)

// readJSON reads JSON as encoding/json does, which hujson is laxer than.
func readJSON(data []byte) (*node, error) {
	if err := checkNesting(data); err != nil {
		return nil, err
	}
	if !json.Valid(data) {
		return nil, errors.New("no valid JSON")
	}
	return readJSONC(data)
}

// readJSONC reads JSON with comments and trailing commas. Duplicate keys are kept,
// to be counted.
func readJSONC(data []byte) (*node, error) {
	if err := checkNesting(data); err != nil {
		return nil, err
	}
	v, err := hujson.Parse(data)
	if err != nil {
		return nil, err
	}
	n, err := jsonNode("", v, 0)
	if err != nil {
		return nil, err
	}
	return block("", n), nil
}

func jsonNode(id string, v hujson.Value, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: want at most %d levels of keys", errLimit, maxDepth)
	}
	switch v := v.Value.(type) {
	case *hujson.Object:
		n := block(id)
		for _, m := range v.Members {
			name, ok := m.Name.Value.(hujson.Literal)
			if !ok {
				return nil, errors.New("a key that is no string")
			}
			k, err := jsonNode(name.String(), m.Value, depth+1)
			if err != nil {
				return nil, err
			}
			n.add(k)
		}
		return n, nil
	case *hujson.Array:
		n := block(id)
		for _, e := range v.Elements {
			k, err := jsonNode("", e, depth+1)
			if err != nil {
				return nil, err
			}
			n.add(k.asItem())
		}
		return n, nil
	case hujson.Literal:
		if v.Kind() == '"' {
			return leaf(id, `"`+v.String()), nil
		}
		return leaf(id, string(v)), nil // numbers as spelled: none is rounded
	}
	return nil, fmt.Errorf("unexpected %T", v.Value)
}
