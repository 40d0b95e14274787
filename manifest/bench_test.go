package manifest

import (
	"fmt"
	"testing"
)

// manyEntries returns a tree of n files, 100 to a directory, three deep.
func manyEntries(n int) []Entry {
	entries := []Entry{{Path: "webapps", Kind: Dir, Mode: 0o755}}
	for i := 0; i < n; i++ {
		if i%10000 == 0 {
			entries = append(entries, Entry{Path: Path(fmt.Sprintf("webapps/Application%02d", i/10000)), Kind: Dir, Mode: 0o755})
		}
		dir := fmt.Sprintf("webapps/Application%02d/directory-%03d", i/10000, i%10000/100)
		if i%100 == 0 {
			entries = append(entries, Entry{Path: Path(dir), Kind: Dir, Mode: 0o755})
		}
		path := Path(fmt.Sprintf("%s/SomeClassName%04d.class", dir, i%10000))
		entries = append(entries, Entry{Path: path, Kind: File, Mode: 0o644, Size: int64(i), Digest: DigestOf([]byte(path))})
	}
	return entries
}

func BenchmarkParseInventory100k(b *testing.B) {
	v, err := BuildInventory(manyEntries(100_000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(v.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseInventory("inventory", v.Raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWalk100k(b *testing.B) {
	v, err := BuildInventory(manyEntries(100_000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		err := Walk(v, v, false, func(Path, *Entry, *Entry) error { return fmt.Errorf("nothing changed") })
		if err != nil {
			b.Fatal(err)
		}
	}
}
