package repository

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"inplace/manifest"
)

// 1,000 files of 10 KiB that shrink to half.
func benchTree(b *testing.B, dir string) {
	rnd := rand.New(rand.NewSource(1))
	for i := range 1000 {
		data := make([]byte, 10<<10)
		rnd.Read(data[:5<<10])
		path := filepath.Join(dir, fmt.Sprintf("d%02d/f%03d", i%50, i))
		must(b, os.MkdirAll(filepath.Dir(path), 0o755))
		must(b, os.WriteFile(path, data, 0o644))
	}
}

func BenchmarkAdd1000Files(b *testing.B) {
	for _, name := range []string{"new", "again"} {
		b.Run(name, func(b *testing.B) {
			v := newVendor(b)
			tree := v.tree(nil)
			benchTree(b, tree)
			if name == "again" {
				v.add(0, tree)
			}
			b.SetBytes(1000 * 10 << 10)
			for b.Loop() {
				if name == "new" {
					b.StopTimer()
					v = newVendor(b)
					b.StartTimer()
				}
				v.add(0, tree)
			}
		})
	}
}

func BenchmarkBlob(b *testing.B) {
	v := newVendor(b)
	text := bytes.Repeat([]byte("some text that shrinks well, number after number\n"), 1<<15)
	small := []byte("small\n")
	v.add(0, v.tree(map[string]string{"big": string(text), "small": string(small)}))
	c := mustReader(b, v.dir, nil, noon)
	for name, data := range map[string][]byte{"big": text, "small": small} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			d := manifest.DigestOf(data)
			for b.Loop() {
				r, err := c.Blob(context.Background(), d, int64(len(data)))
				must(b, err)
				_, err = io.Copy(io.Discard, r)
				must(b, err)
				must(b, r.Close())
			}
		})
	}
}
