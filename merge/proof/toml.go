package proof

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/pelletier/go-toml/v2"
)

// readTOML reads TOML 1.0. The library refuses a key or table that stands twice, in
// whatever form: dotted, inline, or as a header.
func readTOML(data []byte) (*node, error) {
	if err := checkNesting(data); err != nil {
		return nil, err
	}
	for l := range bytes.Lines(data) { // dotted keys nest without brackets
		if n := bytes.Count(l, []byte(".")); n > maxDots {
			return nil, fmt.Errorf("%w: want at most %d dots in a line, got %d", errLimit, maxDots, n)
		}
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) // in strings too: a line end is form
	var table map[string]any
	if err := toml.Unmarshal(data, &table); err != nil {
		return nil, err
	}
	return tomlNode("", table, 0)
}

func tomlNode(id string, v any, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: want at most %d levels of keys", errLimit, maxDepth)
	}
	n := block(id)
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			k, err := tomlNode(key, v[key], depth+1)
			if err != nil {
				return nil, err
			}
			n.add(k)
		}
		return n, nil
	case []any:
		for _, e := range v {
			k, err := tomlNode("", e, depth+1)
			if err != nil {
				return nil, err
			}
			n.add(k.asItem())
		}
		return n, nil
	}
	return leaf(id, fmt.Sprintf("%T %v", v, v)), nil
}
