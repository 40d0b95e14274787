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
	unnamed := 0
	for {
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
		if n.id = documentID(n); n.id == "" {
			unnamed++
			n.id = "document " + strconv.Itoa(unnamed)
		}
		top.add(n)
	}
}

// documentID tells documents apart: by kind and metadata.name, with the namespace, where
// they have these. Others, for which it is "", are known by their number among them.
func documentID(n *node) string {
	kind, ok := n.kidValue("kind")
	for _, k := range n.kids {
		if name, named := k.kidValue("name"); ok && named && k.id == "metadata" {
			if space, ok := k.kidValue("namespace"); ok {
				name = space + " " + name
			}
			return kind + "[name=" + name + "]"
		}
	}
	return ""
}

// yamlItem gives k the id of an item of a list. Beside the keys that identify items in
// any format these are known from Kubernetes, Compose and Prometheus. Any other item is
// compared as a whole.
func yamlItem(k *node) *node {
	for _, key := range []string{
		"mountPath", "devicePath", "containerPort", "name", "id", "key", "alias", "job_name", "hostname",
	} {
		if v, ok := k.kidValue(key); ok {
			k.id = fmt.Sprintf("[%s=%s]", key, v)
			return k
		}
	}
	return k.asItem()
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
				n.add(yamlItem(k))
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
