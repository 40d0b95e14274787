package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// Decode fills the struct out points to. The error is of type Errors; a pointer
// to anything but a struct, or a field of a kind that has no text, panics.
func (d *Doc) Decode(out any) error {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("strictyaml: want a pointer to a struct, got %T", out))
	}
	r := decoder{name: d.name}
	r.structure(d.root, v.Elem(), "")
	return r.faults.Err()
}

// decoder turns nodes into values, gathering faults.
type decoder struct {
	name   string
	faults Errors
}

// fault notes what is wrong with n, found at path.
func (r *decoder) fault(n *yaml.Node, path, msg string) {
	if len(r.faults) >= EnoughFaults {
		return
	}
	if path != "" {
		msg = path + ": " + msg
	}
	r.faults = append(r.faults, &Error{r.name, n.Line, n.Column, msg})
}

// value decodes n into v.
func (r *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		r.value(n, v.Elem(), path)
		return
	}
	if msg, done := decodeText(n, v); done {
		if msg != "" {
			r.fault(n, path, msg)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.structure(n, v, path)
	case reflect.Slice:
		r.list(n, v, path)
	case reflect.Map:
		r.table(n, v, path)
	default:
		if msg := decodeScalar(n, v); msg != "" {
			r.fault(n, path, msg)
		}
	}
}

// decodeText handles the types that are written as a text though their kind is
// not string; done is false for all others.
func decodeText(n *yaml.Node, v reflect.Value) (msg string, done bool) {
	var set func(string) error
	switch v.Type() {
	case timeType:
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!timestamp" {
			n = &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: n.Value}
		}
		set = func(s string) error {
			t, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return fmt.Errorf("want a time like 2006-01-02T15:04:05Z, got %q", clip(s))
			}
			v.Set(reflect.ValueOf(t.UTC()))
			return nil
		}
	case durationType:
		set = func(s string) error {
			t, err := time.ParseDuration(s)
			if err != nil {
				return fmt.Errorf("want a time span like 90s or 1h30m, got %q", clip(s))
			}
			v.SetInt(int64(t))
			return nil
		}
	default:
		u, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
		if !ok {
			return "", false
		}
		set = func(s string) error { return u.UnmarshalText([]byte(s)) }
	}
	if msg := textFault(n); msg != "" {
		return msg, true
	}
	if err := set(n.Value); err != nil {
		return err.Error(), true
	}
	return "", true
}

// decodeScalar sets v, of a scalar kind, from n and returns the fault.
func decodeScalar(n *yaml.Node, v reflect.Value) (msg string) {
	switch v.Kind() {
	case reflect.String:
		if msg = textFault(n); msg == "" {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		var b bool
		if b, msg = plainBool(n); msg == "" {
			v.SetBool(b)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var i int64
		if i, msg = plainInt(n, v.Type().Bits()); msg == "" {
			v.SetInt(i)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var u uint64
		if u, msg = plainUint(n, v.Type().Bits()); msg == "" {
			v.SetUint(u)
		}
	default:
		panic(fmt.Sprintf("strictyaml: a %s has no text", v.Type()))
	}
	return msg
}

// structure decodes a map into a struct; path "" is the top of the document.
func (r *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "want a map, got "+describe(n))
		return
	}
	fields := fieldsOf(v.Type())
	seen := make(map[string]bool, len(fields))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		seen[key.Value] = true
		if f := findField(fields, key.Value); f != nil {
			r.value(value, v.FieldByIndex(f.index), join(path, key.Value))
			continue
		}
		if path == "" && key.Value == "x" {
			if value.Kind != yaml.MappingNode {
				r.fault(value, "x", "want a map, got "+describe(value))
			}
			continue
		}
		r.fault(key, path, unknownKey(fields, key.Value))
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			r.fault(n, path, fmt.Sprintf("want a key %q, got none", f.name))
		}
	}
}

// findField returns the field called name, nil if there is none.
func findField(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// unknownKey says what may have been meant.
func unknownKey(fields []field, key string) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		if strings.EqualFold(f.name, key) {
			return fmt.Sprintf("unknown key %q, want %q: letter case counts", clip(key), f.name)
		}
		names[i] = f.name
	}
	return fmt.Sprintf("unknown key %q, want one of %s", clip(key), strings.Join(names, ", "))
}

// list decodes a sequence; an empty one gives nil.
func (r *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, path, "want a list, got "+describe(n))
		return
	}
	if len(n.Content) == 0 {
		v.SetZero()
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		r.value(item, s.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(s)
}

// table decodes a map with free keys; an empty one gives nil.
func (r *decoder) table(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "want a map, got "+describe(n))
		return
	}
	if len(n.Content) == 0 {
		v.SetZero()
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(n.Content[i].Value)
		item := reflect.New(v.Type().Elem()).Elem()
		r.value(n.Content[i+1], item, join(path, n.Content[i].Value))
		m.SetMapIndex(key, item)
	}
	v.Set(m)
}
