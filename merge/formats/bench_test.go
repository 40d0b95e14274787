package formats_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inplace/merge"
	"inplace/merge/formats"
)

// sides makes a text of n settings and two edits of it that change every hundredth
// setting each, some of them adjacent, and add one behind every five-hundredth.
func sides(n int, setting func(i int, value string) string) (base, ours, theirs []byte) {
	var b, o, t strings.Builder
	for i := range n {
		old := setting(i, "default")
		b.WriteString(old)
		switch {
		case i%100 == 7:
			o.WriteString(setting(i, "mine"))
			t.WriteString(old)
		case i%100 == 8:
			o.WriteString(old)
			t.WriteString(setting(i, "new"))
		case i%500 == 50:
			o.WriteString(old + setting(i+n, "mine"))
			t.WriteString(old + setting(i+2*n, "new"))
		default:
			o.WriteString(old)
			t.WriteString(old)
		}
	}
	return []byte(b.String()), []byte(o.String()), []byte(t.String())
}

func property(i int, value string) string {
	return fmt.Sprintf("# what setting %d is about\nsome.product.setting.%d = %s\n", i, i, value)
}

func BenchmarkMerge(b *testing.B) {
	for _, lines := range []int{2_000, 100_000} {
		base, ours, theirs := sides(lines/2, property)
		b.Run(fmt.Sprintf("properties of %d lines", lines), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := formats.Merge(formats.Properties, base, ours, theirs, merge.Options{}); !r.Clean() {
					b.Fatal(r.Conflicts[0])
				}
			}
		})
		b.Run(fmt.Sprintf("git merge-file, %d lines", lines), func(b *testing.B) {
			if _, err := exec.LookPath("git"); err != nil {
				b.Skip("git is not installed")
			}
			dir := b.TempDir()
			var names []string
			for i, text := range [][]byte{ours, base, theirs} {
				names = append(names, filepath.Join(dir, fmt.Sprint(i)))
				if err := os.WriteFile(names[i], text, 0o600); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				// Exit codes above 127 are errors, others count conflicts: git finds some here.
				out, err := exec.Command("git", append([]string{"merge-file", "-p", "-q"}, names...)...).Output()
				if len(out) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}

// However many settings a hostile text has, and however alike they are, a merge ends.
func TestLargeTextsEnd(t *testing.T) {
	same := func(int, string) string { return "a=1\n" }
	for _, c := range []struct {
		name, format string
		setting      func(i int, value string) string
	}{
		{"one key over and over", formats.Properties, same},
		{"many sections", formats.INI, func(i int, v string) string { return fmt.Sprintf("[s%d]\nk=%s\n", i%7000, v) }},
		{"blocks within one line", formats.Nginx, func(i int, v string) string { return fmt.Sprintf("s%d { k %s; } ", i, v) }},
		{"assignments", formats.Env, func(i int, v string) string { return fmt.Sprintf("K%d='%s'\n", i, v) }},
	} {
		base, ours, theirs := sides(20_000, c.setting)
		start := time.Now()
		r := formats.Merge(c.format, base, ours, theirs, merge.Options{})
		t.Logf("%s: %d conflicts, %v", c.name, len(r.Conflicts), time.Since(start))
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: want an end, took %v", c.name, took)
		}
	}
}
