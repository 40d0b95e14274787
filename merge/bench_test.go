package merge

import (
	"strings"
	"testing"
)

// bigTriple is a file of lines lines; each side changes every perCent-th hundredth
// of them, away from the other side's changes.
func bigTriple(lines, perCent int) (base, ours, theirs string) {
	var b, o, t strings.Builder
	every := 100 / perCent
	for i := range lines {
		l := lineNumber(i)
		b.WriteString(l)
		switch i % every {
		case 1:
			o.WriteString("ours " + l)
			t.WriteString(l)
		case every/2 + 1:
			o.WriteString(l)
			t.WriteString("theirs " + l)
		default:
			o.WriteString(l)
			t.WriteString(l)
		}
	}
	return b.String(), o.String(), t.String()
}

func BenchmarkMerge(b *testing.B) {
	base, ours, theirs := bigTriple(100_000, 1)
	b.SetBytes(int64(len(ours)))
	for b.Loop() {
		if r := Merge([]byte(base), []byte(ours), []byte(theirs), Options{}); !r.Clean() {
			b.Fatal("want a clean merge")
		}
	}
}

// BenchmarkGitMergeFile is the measure for BenchmarkMerge: the same texts, with
// the time git takes to start and to read them.
func BenchmarkGitMergeFile(b *testing.B) {
	needGit(b)
	base, ours, theirs := bigTriple(100_000, 1)
	dir := b.TempDir()
	b.SetBytes(int64(len(ours)))
	for b.Loop() {
		if _, clean := gitMerge(b, dir, base, ours, theirs); !clean {
			b.Fatal("want a clean merge")
		}
	}
}

// BenchmarkMergeRepeated merges lines that are moved and repeated, which costs the
// search most.
func BenchmarkMergeRepeated(b *testing.B) {
	var base, ours, theirs strings.Builder
	for i := range 20_000 {
		base.WriteString(lineNumber(i * 31 % 997))
		ours.WriteString(lineNumber(i * 37 % 997))
		theirs.WriteString(lineNumber(i * 31 % 991))
	}
	for b.Loop() {
		Merge([]byte(base.String()), []byte(ours.String()), []byte(theirs.String()), Options{})
	}
}
