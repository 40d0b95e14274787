package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"
)

// decoded reads TOML with the library's decoder alone, which readTOML must agree with.
func decoded(data []byte) (*node, error) {
	var table map[string]any
	if err := toml.Unmarshal(data, &table); err != nil {
		return nil, err
	}
	return decodedNode("", table), nil
}

func decodedNode(id string, v any) *node {
	n := block(id)
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.add(decodedNode(key, v[key]))
		}
		return n
	case []any:
		for _, e := range v {
			n.add(decodedNode("", e).asItem())
		}
		return n
	}
	return leaf(id, fmt.Sprintf("%T %v", v, v))
}

// TestTOMLAsDecoded makes texts of lines that define few names in all forms, most of
// them in contradiction, and wants the answer of the library's decoder.
func TestTOMLAsDecoded(t *testing.T) {
	lines := []string{
		"a = 1", "b = 0x_1", "b = +1_0", "a.b = 'x'", "a.b.c = 1.50", "b.\"c\" = true", "c = {a = 1, b.c = 2}", "c = {a = 1, a = 2}",
		"c = [1, {a = 1}, [2]]", "d = 1979-05-27", "d = 1979-05-27T07:32:00Z", "d = 1979-05-27 07:32:00.5", "d = 07:32:00", "d = 1979-13-27",
		"e = \"\"\"\nx\"\"\"", "e = inf", "e = 1e3", "e = 01", "e = 99999999999999999999", "e = -0", "e = {}", "e = []",
		"[a]", "[a.b]", "[a.b.c]", "[[a]]", "[[a.b]]", "[b]", "[[b]]", "[b.c]", "[c]", "[\"a\"]", "name = 'n'", "# note",
	}
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(lines), 1, 8).Draw(t, "lines"), "\n") + "\n"
		want, wantErr := decoded([]byte(text))
		got, err := readTOML([]byte(text))
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s\nwant error %v, got %v", text, wantErr, err)
		}
		if err != nil {
			return
		}
		good++
		if got.digest() != want.digest() {
			t.Fatalf("%s\nread otherwise than the decoder does", text)
		}
	})
	if good == 0 {
		t.Error("no text was read")
	}
}
