package formats

import (
	"fmt"

	"inplace/merge/env"
	"inplace/merge/ini"
	"inplace/merge/json"
	"inplace/merge/nginx"
	"inplace/merge/properties"
	"inplace/merge/toml"
	"inplace/merge/tree"
	"inplace/merge/xml"
	"inplace/merge/yaml"
)

// keyed returns how a format with keys is read.
func keyed(format string) (tree.Format, bool) {
	switch format {
	case Properties:
		return properties.Format(), true
	case INI:
		return ini.Format(), true
	case Directive:
		return ini.Directives(), true
	case Env:
		return env.Format(), true
	case Nginx:
		return nginx.Format(), true
	case XML:
		return xml.Format(), true
	case JSON:
		return json.Format(), true
	case JSONC:
		return json.Commented(), true
	case TOML:
		return toml.Format(), true
	case YAML:
		return yaml.Format(), true
	}
	return tree.Format{}, false
}

// Get returns the value of a key as it is spelt in data, and as it is compared. A key is
// spelt as conflicts spell it. Where there is no such key, or several,
// errors.Is(err, tree.ErrNoKey) holds.
func Get(format string, data []byte, key string) (raw []byte, value string, err error) {
	f, ok := keyed(format)
	if !ok {
		return nil, "", fmt.Errorf("format %q has no keys: %w", format, tree.ErrNoKey)
	}
	value, at, err := tree.Find(f, data, key)
	if err != nil {
		return nil, "", err
	}
	return data[at.Start:at.End], value, nil
}

// Set returns data with the value of the key replaced by raw, spelt as the format
// spells values; all other bytes stay.
func Set(format string, data []byte, key string, raw []byte) ([]byte, error) {
	f, ok := keyed(format)
	if !ok {
		return nil, fmt.Errorf("format %q has no keys: %w", format, tree.ErrNoKey)
	}
	return tree.Set(f, data, key, raw)
}
