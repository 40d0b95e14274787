package updater

import (
	"os"
	"path/filepath"
	"testing"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// stateTree is an installation with nothing in it but the directories of the state.
func stateTree(t testing.TB) (*fsys.Tree, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, baseDir), 0o700); err != nil {
		t.Fatal(err)
	}
	tree, err := fsys.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tree.Close)
	return tree, dir
}

// Whatever a pack holds, reading it never panics, and what it gives has the digest
// that was asked for (row C12).
func FuzzPack(f *testing.F) {
	tree, dir := stateTree(f)
	want := manifest.DigestOf([]byte("text"))
	w, err := newPack(tree, 1, want)
	if err == nil {
		if err = w.add(want, []byte("text")); err == nil {
			err = w.close(false)
		}
	}
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, baseDir, w.name)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if data, err := (&pristine{tree: tree}).get(want); err != nil || string(data) != "text" {
		f.Fatalf("the seed reads as %q, %v", data, err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		p := &pristine{tree: tree}
		if got, err := p.get(want); err == nil && manifest.DigestOf(got) != want {
			t.Fatalf("got %q for %s", got, want)
		}
		for i := range p.packs {
			for k := range p.packs[i].len() {
				d := p.packs[i].digest(k)
				if got, err := p.get(d); err == nil && manifest.DigestOf(got) != d {
					t.Fatalf("got %q for %s", got, d)
				}
			}
		}
	})
}

// Whatever the stat cache holds, reading it never panics and it vouches for nothing
// but what was written for the very same look at a file.
func FuzzStatCache(f *testing.F) {
	tree, dir := stateTree(f)
	d := manifest.DigestOf([]byte("text"))
	inv, err := manifest.BuildInventory([]manifest.Entry{{Path: "a", Kind: manifest.File, Mode: 0o644, Size: 4, Digest: d}})
	if err != nil {
		f.Fatal(err)
	}
	info := fsys.Info{Exists: true, Mode: 0o644, Size: 4, MTime: 1, CTime: 2, Ino: 3, Dev: 4, Nlink: 1}
	writeStatCache(tree, inv, map[manifest.Path]known{"a": {info, d}}, nil, nil)
	path := filepath.Join(dir, statPath)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	c := openStatCache(tree, inv.Digest)
	if got, ok := c.digest(0, info); !ok || got != d {
		f.Fatalf("the seed gives %s, %v", got, ok)
	}
	c.close()
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte(statMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := openStatCache(tree, inv.Digest)
		defer c.close()
		other := info
		other.Size++
		if got, ok := c.digest(0, info); ok && got == d {
			if _, ok := c.digest(0, other); ok {
				t.Fatal("it vouches for a file of another size too")
			}
		}
		for _, i := range []int{-1, 1, 1 << 40} {
			if _, ok := c.digest(i, info); ok {
				t.Fatalf("it vouches for entry %d", i)
			}
		}
	})
}
