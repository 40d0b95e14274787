package proof_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"gopkg.in/yaml.v3"

	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/proof"
)

// corpusDir holds real triples; it is kept beside the repository, not in it.
const corpusDir = "../../../shared/corpus/merge"

func TestRealTriples(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(corpusDir, "case-*", "base.*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skipf("%s is absent: the real triples are not checked", corpusDir)
	}
	var clean, proven, refused int
	for _, p := range paths {
		dir, ext := filepath.Dir(p), filepath.Ext(p)
		read := func(side string) []byte {
			b, err := os.ReadFile(filepath.Join(dir, side+ext))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		base, ours, theirs := read("base"), read("ours"), read("theirs")
		format := formats.Detect("x"+ext, ours)
		r := merge.Merge(base, ours, theirs, merge.Options{})
		if !r.Clean() {
			continue
		}
		clean++
		name := filepath.Base(dir)
		if err := proof.Check(format, base, ours, theirs, r.Merged); err != nil {
			refused++
			t.Logf("%s: %s is refused: %v", name, format, err)
			continue
		}
		proven++
		if err := parses(format, ours, theirs); err == nil {
			if err := parses(format, r.Merged); err != nil {
				t.Errorf("%s: %s passed the proof and does not parse: %v", name, format, err)
			}
		}
	}
	t.Logf("%d cases: %d clean by lines, %d of them proven, %d refused", len(paths), clean, proven, refused)
	if refused == 0 || proven < clean*9/10 {
		t.Errorf("want a few clean merges refused and most proven, got %d and %d", refused, proven)
	}
}

// parses reads texts with nothing but the libraries.
func parses(format string, texts ...[]byte) error {
	for _, b := range texts {
		var err error
		switch format {
		case formats.JSON:
			err = json.Unmarshal(b, new(any))
		case formats.YAML:
			err = yaml.Unmarshal(b, new(any)) // refuses duplicate keys
		case formats.TOML:
			err = toml.Unmarshal(b, new(any))
		case formats.XML:
			err = xml.Unmarshal(b, new(struct{}))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
