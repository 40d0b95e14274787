// Package sealed is the form of the updater's own small state files: the journal,
// what is installed, the head of a snapshot. Each is a valid YAML document of one
// line per field, its value in JSON, with the schema first and a digest of all that
// precedes last:
//
//	schema: "inplace/journal/1"
//	state: "committing"
//	id: "20261120T100000Z-17"
//	# sha256:5f0c...
//
// A file that is torn, emptied or edited fails its digest; one of a newer version is
// refused by name. Neither is ever guessed at.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// MaxBytes is the largest document that is read.
const MaxBytes = 1 << 20

const sealPrefix = "# sha256:"

// Error says why a state file cannot be believed.
type Error struct{ Name, Reason string }

func (e *Error) Error() string { return e.Name + ": " + e.Reason }

// ErrNewer is in the chain when the file was written by a newer version.
var ErrNewer = errors.New("written by a newer version of the updater")

// Marshal renders the struct v (JSON tags, no field called schema) under schema,
// which is "inplace/NAME/VERSION".
func Marshal(schema string, v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sealed: %s: %v", schema, err)) // a type of our own that cannot be written
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "schema: %q\n", schema)
	dec := json.NewDecoder(bytes.NewReader(body))
	_, _ = dec.Token()
	for dec.More() {
		key, _ := dec.Token()
		var value json.RawMessage
		_ = dec.Decode(&value)
		fmt.Fprintf(&b, "%s: %s\n", key, value)
	}
	sum := sha256.Sum256(b.Bytes())
	fmt.Fprintf(&b, "%s%s\n", sealPrefix, hex.EncodeToString(sum[:]))
	return b.Bytes()
}

// Unmarshal reads what Marshal wrote under the same schema into the struct that v
// points to. name is for errors, which are of type *[Error]; for a higher version
// of the schema errors.Is(err, ErrNewer) holds.
func Unmarshal(name, schema string, data []byte, v any) error {
	fail := func(format string, args ...any) error {
		return &Error{name, fmt.Sprintf(format, args...)}
	}
	if len(data) > MaxBytes {
		return fail("larger than %d bytes", MaxBytes)
	}
	if len(data) == 0 {
		return fail("is empty")
	}
	first, _, _ := bytes.Cut(data, []byte("\n"))
	got := strings.Trim(strings.TrimPrefix(string(first), "schema: "), `"`)
	if got != schema {
		want, _ := split(schema)
		kind, version := split(got)
		_, ours := split(schema)
		if kind == want && version > ours && version < 1<<20 {
			return fmt.Errorf("%s: schema %q, want %q: %w", name, got, schema, ErrNewer)
		}
		return fail("starts with %.60q, want schema %q", first, schema)
	}
	i := bytes.LastIndex(data, []byte("\n"+sealPrefix))
	if i < 0 || !bytes.HasSuffix(data, []byte("\n")) {
		return fail("has no digest at its end: it is cut short")
	}
	body := data[:i+1]
	sum := sha256.Sum256(body)
	if string(data[i+1:]) != sealPrefix+hex.EncodeToString(sum[:])+"\n" {
		return fail("does not match the digest at its end: it was changed or damaged")
	}
	var obj bytes.Buffer
	obj.WriteByte('{')
	for n, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")[1:] {
		key, value, ok := strings.Cut(line, ": ")
		if !ok {
			return fail("line %d: want key: value", n+2)
		}
		if n > 0 {
			obj.WriteByte(',')
		}
		fmt.Fprintf(&obj, "%q:%s", key, value)
	}
	obj.WriteByte('}')
	dec := json.NewDecoder(&obj)
	dec.DisallowUnknownFields()
	fresh := reflect.New(reflect.TypeOf(v).Elem())
	if err := dec.Decode(fresh.Interface()); err != nil {
		return fail("%v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fail("has more after its last field")
	}
	reflect.ValueOf(v).Elem().Set(fresh.Elem())
	return nil
}

// split takes "inplace/journal/1" apart into "inplace/journal" and 1; a version
// that is no number is 0.
func split(schema string) (kind string, version int) {
	i := strings.LastIndexByte(schema, '/')
	if i < 0 {
		return schema, 0
	}
	for _, c := range schema[i+1:] {
		if c < '0' || c > '9' || version > 1<<24 {
			return schema, 0
		}
		version = version*10 + int(c-'0')
	}
	return schema[:i], version
}
