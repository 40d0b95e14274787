package proof

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"gopkg.in/yaml.v3"
)

// readYAML reads every document of a stream. Duplicate keys are kept, to be counted.
// An anchor counts as part of its value, an alias as a value of its own: neither
// is expanded.
func readYAML(data []byte) (*node, error) {
	top := block("")
	d := yaml.NewDecoder(bytes.NewReader(data))
	for i := 0; ; i++ {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return top, nil
		}
		if err != nil {
			return nil, err
		}
		if len(doc.Content) == 0 {
			continue
		}
		n, err := yamlNode("", doc.Content[0], 0)
		if err != nil {
			return nil, err
		}
		n.id = documentID(n, i)
		top.add(n)
	}
}

// documentID tells documents apart: by kind and metadata.name where they have these,
// else by their number.
func documentID(n *node, number int) string {
	kind, ok := n.kidValue("kind")
	for _, k := range n.kids {
		if name, named := k.kidValue("name"); ok && named && k.id == "metadata" {
			return "document " + kind + " " + name
		}
	}
	return "document " + strconv.Itoa(number+1)
}

func yamlNode(id string, y *yaml.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: want at most %d levels of keys", errLimit, maxDepth)
	}
	anchor := ""
	if y.Anchor != "" {
		anchor = "&" + y.Anchor + " "
	}
	switch y.Kind {
	case yaml.AliasNode:
		return leaf(id, "*"+y.Value), nil
	case yaml.MappingNode, yaml.SequenceNode:
		n := block(id)
		if anchor != "" {
			n.add(leaf("&", anchor))
		}
		if y.Kind == yaml.SequenceNode {
			for _, item := range y.Content {
				k, err := yamlNode("", item, depth+1)
				if err != nil {
					return nil, err
				}
				n.add(k.asItem())
			}
			return n, nil
		}
		for i := 0; i+1 < len(y.Content); i += 2 {
			key, err := yamlKey(y.Content[i], depth)
			if err != nil {
				return nil, err
			}
			k, err := yamlNode(key, y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			n.add(k)
		}
		return n, nil
	}
	return leaf(id, anchor+y.ShortTag()+" "+y.Value), nil
}

// yamlKey spells a key. One that is no scalar is known by its content.
func yamlKey(y *yaml.Node, depth int) (string, error) {
	if y.Kind == yaml.ScalarNode {
		return y.Value, nil
	}
	n, err := yamlNode("", y, depth+1)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("? %x", n.digest()), nil
}
