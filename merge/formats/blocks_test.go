package formats_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inplace/merge"
	"inplace/merge/formats"
)

// markedTexts are merges with conflicts in several formats, some with more than one in a
// line.
var markedTexts = []struct{ format, base, ours, theirs string }{
	{formats.Lines, "a\nb\nc\nd\ne\n", "A\nb\nc\nd\nE\n", "AA\nb\nc\nd\nEE\n"},
	{formats.Lines, "a\nb", "a\nB", "a\nBB"},
	{formats.Lines, "a\r\nb\r\n", "a\r\nB\r\n", "a\r\nBB\r\n"},
	{formats.Properties, "a=1\nb=2\nc=3\n", "a=11\nb=2\nc=33\n", "a=12\nb=2\nc=34\n"},
	{formats.XML, `<a x="1" y="2"/>` + "\n", `<a x="11" y="22"/>` + "\n", `<a x="12" y="23"/>` + "\n"},
	{formats.JSON, "{\"a\": 1, \"b\": 2,\n\"c\": 3}\n", "{\"a\": 11, \"b\": 22,\n\"c\": 3}\n", "{\"a\": 12, \"b\": 23,\n\"c\": 4}\n"},
	{formats.YAML, "a: 1\nl:\n- x\n- y\n", "a: 2\nl:\n- x\n- z\n", "a: 3\nl:\n- w\n- y\n"},
	{formats.INI, "[s]\na=1\n[t]\na=1\n", "[s]\na=2\n[t]\na=2\n", "[s]\na=3\n[t]\na=3\n"},
	{formats.Lines, "x\n", "x\n<<<<<<< mine\n", "y\n"},
}

// Every conflict stands in one block, blocks are where their markers are, and settling
// them all leaves no marker.
func TestBlocks(t *testing.T) {
	for _, c := range markedTexts {
		checkBlocks(t, c.format, []byte(c.base), []byte(c.ours), []byte(c.theirs))
	}
}

// The same on real triples, which are kept beside the repository.
func TestBlocksOfRealTriples(t *testing.T) {
	dirs, _ := filepath.Glob("../../../shared/corpus/merge/case-*")
	found := 0
	for i, dir := range dirs {
		if i%4 != 0 {
			continue
		}
		var sides [3][]byte
		name := ""
		for i, side := range []string{"base", "ours", "theirs"} {
			files, _ := filepath.Glob(filepath.Join(dir, side+".*"))
			if len(files) == 1 {
				name = files[0]
				sides[i], _ = os.ReadFile(name)
			}
		}
		if checkBlocks(t, formats.Detect("x"+filepath.Ext(name), sides[1]), sides[0], sides[1], sides[2]) {
			found++
		}
	}
	if len(dirs) > 0 && found < 10 {
		t.Errorf("only %d of %d triples conflict", found, len(dirs))
	}
}

func checkBlocks(t *testing.T, format string, base, ours, theirs []byte) bool {
	t.Helper()
	r := formats.Merge(format, base, ours, theirs, merge.Options{})
	if r.Clean() || r.Merged == nil {
		return false
	}
	held, at := 0, 0
	for _, b := range r.Blocks {
		text := string(r.Merged[b.Start:b.End])
		if b.Start < at || !strings.HasPrefix(text, "<<<<<<<") || strings.Count(text, "\n>>>>>>>") < 1 || len(b.Conflicts) == 0 {
			t.Errorf("%s: block %d to %d is no place between markers: %q", format, b.Start, b.End, text)
		}
		for _, side := range [][]byte{b.Base, b.Ours, b.Theirs} {
			if !bytes.Contains(r.Merged[b.Start:b.End], side) {
				t.Errorf("%s: block %q does not hold %q", format, text, side)
			}
		}
		held, at = held+len(b.Conflicts), b.End
	}
	if held != len(r.Conflicts) {
		t.Errorf("%s: the blocks hold %d conflicts, want %d\n%s", format, held, len(r.Conflicts), r.Merged)
	}
	same := r.Settle(func(merge.Block) ([]byte, bool) { return nil, false })
	if !bytes.Equal(same.Merged, r.Merged) || len(same.Blocks) != len(r.Blocks) {
		t.Errorf("%s: settling nothing changes the text", format)
	}
	n := 0
	last := r.Settle(func(b merge.Block) ([]byte, bool) { n++; return b.Ours, n < len(r.Blocks) })
	if len(last.Blocks) != 1 || string(last.Merged[last.Blocks[0].Start:last.Blocks[0].End]) != string(r.Merged[r.Blocks[n-1].Start:r.Blocks[n-1].End]) {
		t.Errorf("%s: the block that is left is not where it is said to be", format)
	}
	done := r.Settle(func(b merge.Block) ([]byte, bool) { return b.Theirs, true })
	if !done.Clean() || bytes.Contains(done.Merged, []byte("\n>>>>>>>")) && !bytes.Contains(theirs, []byte(">>>>>>>")) {
		t.Errorf("%s: markers are left: %q", format, done.Merged)
	}
	return true
}
