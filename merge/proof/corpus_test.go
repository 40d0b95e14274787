package proof_test

import (
	"bytes"
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

// sideOf returns what reads a side of the triple that the file at path belongs to.
func sideOf(t *testing.T, path string) func(side string) []byte {
	dir, ext := filepath.Dir(path), filepath.Ext(path)
	return func(side string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, side+ext))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

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
		read := sideOf(t, p)
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

// A person's own merge of a real triple, where it is known and can be read, says what the
// clean merge says. (Two cannot: one of them has a TOML table twice.)
func TestExpectedOfRealTriples(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(corpusDir, "case-*", "expected.*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skipf("%s is absent: the real triples are not checked", corpusDir)
	}
	var clean, sameBytes, sameMeaning, broken int
	for _, p := range paths {
		dir, ext := filepath.Dir(p), filepath.Ext(p)
		read := sideOf(t, p)
		base, ours, theirs, want := read("base"), read("ours"), read("theirs"), read("expected")
		format := formats.Detect("x"+ext, theirs)
		r := formats.Merge(format, base, ours, theirs, merge.Options{})
		if !r.Clean() {
			t.Logf("%s: %s conflicts: %s", filepath.Base(dir), format, r.Conflicts[0].Reason)
			continue
		}
		clean++
		if bytes.Equal(r.Merged, want) {
			sameBytes++
		}
		if proof.Parses(format, want) != nil {
			broken++
		} else if err := proof.Check(format, want, want, want, r.Merged); err != nil {
			t.Errorf("%s: %s differs from the person's merge: %v", filepath.Base(dir), format, err)
		} else {
			sameMeaning++
		}
	}
	t.Logf("%d merges of persons: %d clean here, %d with the same bytes, %d with the same meaning, %d of the persons' are broken",
		len(paths), clean, sameBytes, sameMeaning, broken)
	if clean < len(paths)*9/10 || sameMeaning+broken != clean {
		t.Errorf("want most clean, and each with the meaning of the person's")
	}
}
