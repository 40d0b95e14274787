package updater

import (
	"os"
	"path/filepath"
	"testing"

	"inplace/merge"
	"inplace/merge/formats"
	"inplace/merge/proof"
)

// A text that was put together from resolutions is proven as any merge is: on real
// triples, whichever side each place took. They are kept beside the repository.
func TestResolvedTextsAreProven(t *testing.T) {
	dirs, _ := filepath.Glob("../../shared/corpus/merge/case-*")
	if len(dirs) == 0 {
		t.Skip("the real triples are absent")
	}
	tried, proven := 0, 0
	for i, dir := range dirs {
		if i%4 != 0 { // the rest tells nothing new
			continue
		}
		var s [3][]byte
		name := ""
		for i, side := range []string{"base", "ours", "theirs"} {
			if files, _ := filepath.Glob(filepath.Join(dir, side+".*")); len(files) == 1 {
				name = files[0]
				s[i], _ = os.ReadFile(name)
			}
		}
		format := formats.Detect("x"+filepath.Ext(name), s[1])
		res := formats.Merge(format, s[0], s[1], s[2], merge.Options{})
		if len(res.Blocks) == 0 {
			continue
		}
		for _, side := range []string{"ours", "theirs", "mixed"} {
			texts := map[int][]byte{}
			n := 0
			out := res.Settle(func(b merge.Block) ([]byte, bool) {
				n++
				text := b.Ours
				if side == "theirs" || side == "mixed" && n%2 == 0 {
					text = b.Theirs
				}
				texts[b.Start] = text
				return text, true
			})
			if proof.Parses(format, s[1]) == nil && proof.Parses(format, out.Merged) != nil {
				continue
			}
			tried++
			m := &maker{}
			c := &ConflictOf{base: s[0], mine: s[1], pinned: s[2]}
			c.file.Format = format
			err := m.provenAs(c, &res, texts, out.Merged)
			if err == nil {
				proven++
			} else {
				t.Logf("%s %s %s: %v", filepath.Base(dir), format, side, err)
			}
		}
	}
	t.Logf("%d of %d are proven", proven, tried)
	if tried < 20 || proven*3 < tried*2 {
		t.Errorf("only %d of %d are proven: what is remembered is of little use", proven, tried)
	}
}
