// Package strictyaml reads a small, strict part of YAML, so that a text means one
// thing to every reader and to the person who wrote it. It is used for manifests,
// product descriptions and settings; all use of the YAML library for them is here.
//
// A text is one document holding a map. It is refused, with every fault listed at
// once and its place (name:line:column), when it
//
//   - is larger than the limit given, or has more than MaxMarks separators, which is
//     checked before anything else: it bounds the memory of all that follows;
//   - is not plain UTF-8: a byte order mark, UTF-16, NUL, control characters,
//     a lone CR, or the line ends of Unicode (NEL, LS, PS);
//   - has anchors, aliases, tags, merge keys, directives, or a second document;
//   - nests deeper than MaxDepth, or has keys that are not text, longer than
//     MaxKey, or that occur twice in a map;
//   - has a key the Go struct does not know; names are matched with letter case;
//   - has a scalar of another type than the struct wants. Text must look like
//     text: 1.10, 0755, 1:30, yes, on, null and 2026-01-01 need quotes. Whole
//     numbers are decimal without sign tricks and must fit. Booleans are true or
//     false. Nothing is null.
//
// A key x at the top holding a map is passed over: it is the place for what other
// tools want to keep in the file. CR LF line ends are taken like LF.
//
// Struct fields are matched by the tag `yaml:"name"`, with the options omitempty,
// flow (both for Marshal) and inline (an embedded struct's fields count as the
// outer one's); a field without a tag is no part of the text. The tag
// `strict:"required"` makes a key's absence a fault. Kinds: string, bool, ints,
// time.Time (RFC 3339), time.Duration, encoding.TextUnmarshaler (a text), structs,
// slices, maps from strings, and pointers to them. Empty lists and maps give nil.
package strictyaml

// Limits that hold for every text.
const (
	MaxDepth = 32      // maps and lists within each other
	MaxKey   = 500     // bytes of a key
	MaxMarks = 1 << 16 // commas, colons, brackets, braces, dashes of lists and line ends
)

// Decode reads data, at most limit bytes, into the struct out points to. name
// stands for the text in messages. The error is of type Errors. out may be partly
// filled when there is one.
func Decode(name string, data []byte, limit int, out any) error {
	d, err := Parse(name, data, limit)
	if err != nil {
		return err
	}
	return d.Decode(out)
}
