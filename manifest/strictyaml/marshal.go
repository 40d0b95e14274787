package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Marshal writes the struct v points to (or is) as Decode reads it, the same
// bytes for the same value: fields in their order, map keys sorted. Structs and
// maps are written in lines, unless their field is marked flow or they stand in a
// list; lists take a line for each item. Bytes that are not UTF-8 become U+FFFD.
// It panics on a value that has no text: that is a fault of our own code.
func Marshal(v any) []byte {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	var w writer
	w.block(value, 0)
	return w.out
}

type writer struct{ out []byte }

func (w *writer) add(s string) { w.out = append(w.out, s...) }

// pair is a key of a map or struct with its value.
type pair struct {
	key   string
	value reflect.Value
	flow  bool
}

// pairs lists what v, a struct or a map, has to write.
func pairs(v reflect.Value) []pair {
	var list []pair
	if v.Kind() == reflect.Map {
		for _, key := range v.MapKeys() {
			list = append(list, pair{key: key.String(), value: v.MapIndex(key)})
		}
		slices.SortFunc(list, func(a, b pair) int { return strings.Compare(a.key, b.key) })
		return list
	}
	for _, f := range fieldsOf(v.Type()) {
		value := v.FieldByIndex(f.index)
		if value.Kind() == reflect.Pointer && value.IsNil() || f.omitEmpty && isEmpty(value) {
			continue
		}
		list = append(list, pair{f.name, value, f.flow})
	}
	return list
}

// isEmpty reports whether omitempty leaves v out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		if v.Type() != timeType && len(fieldsOf(v.Type())) > 0 {
			return !slices.ContainsFunc(fieldsOf(v.Type()), func(f field) bool { return !isEmpty(v.FieldByIndex(f.index)) })
		}
	}
	return v.IsZero()
}

// block writes the keys of v, each on a line of its own.
func (w *writer) block(v reflect.Value, indent int) {
	for _, p := range pairs(v) {
		w.add(strings.Repeat(" ", indent))
		w.add(quote(p.key))
		w.add(":")
		value := p.value
		for value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		text, isText := asText(value)
		switch {
		case isText && value.Kind() == reflect.String && isLiteral(text):
			w.literal(text, indent+2)
			continue
		case p.flow || isText:
		case isMap(value) && len(pairs(value)) > 0:
			w.add("\n")
			w.block(value, indent+2)
			continue
		case value.Kind() == reflect.Slice && value.Len() > 0:
			for i := 0; i < value.Len(); i++ {
				w.add("\n" + strings.Repeat(" ", indent+2) + "- ")
				w.flow(value.Index(i))
			}
			w.add("\n")
			continue
		}
		w.add(" ")
		w.flow(value)
		w.add("\n")
	}
}

func isMap(v reflect.Value) bool {
	return v.Kind() == reflect.Map || v.Kind() == reflect.Struct && v.Type() != timeType
}

// flow writes v within a line.
func (w *writer) flow(v reflect.Value) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if text, ok := asText(v); ok {
		if v.Type() == timeType {
			w.add(text)
		} else {
			w.add(quote(text))
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		w.out = strconv.AppendBool(w.out, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.out = strconv.AppendInt(w.out, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.out = strconv.AppendUint(w.out, v.Uint(), 10)
	case reflect.Slice:
		w.add("[")
		for i := 0; i < v.Len(); i++ {
			if i > 0 {
				w.add(", ")
			}
			w.flow(v.Index(i))
		}
		w.add("]")
	case reflect.Struct, reflect.Map:
		w.add("{")
		for i, p := range pairs(v) {
			if i > 0 {
				w.add(", ")
			}
			w.add(quote(p.key) + ": ")
			w.flow(p.value)
		}
		w.add("}")
	default:
		panic(fmt.Sprintf("strictyaml: a %s has no text", v.Type()))
	}
}

// asText returns the text of the types that are written as one.
func asText(v reflect.Value) (string, bool) {
	switch v.Type() {
	case timeType:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339), true
	case durationType:
		return time.Duration(v.Int()).String(), true
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			panic(fmt.Sprintf("strictyaml: %s: %v", v.Type(), err))
		}
		return string(text), true
	}
	if v.Kind() == reflect.String {
		return v.String(), true
	}
	return "", false
}

// plainText matches texts that need no quotes, if no reader takes them for
// something else.
var plainText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_/][A-Za-z0-9_./+-]*$`) })

// quote returns s as a scalar that Decode reads as the text s.
func quote(s string) string {
	if plainText().MatchString(s) && textFault(&yaml.Node{Kind: yaml.ScalarNode, Value: s}) == "" {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02X`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isLiteral reports whether s can stand as a literal block: lines of printable
// text, the first not indented, the last one not empty and with its line end.
func isLiteral(s string) bool {
	if !strings.HasSuffix(s, "\n") || strings.HasSuffix(s, "\n\n") || s[0] == '\n' || s[0] == ' ' {
		return false
	}
	for _, r := range s {
		if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// literal writes s as a literal block.
func (w *writer) literal(s string, indent int) {
	w.add(" |\n")
	for line := range strings.Lines(s) {
		if line != "\n" {
			w.add(strings.Repeat(" ", indent))
		}
		w.add(line)
	}
}
