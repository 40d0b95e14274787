package repository

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
)

func sampleTree() map[string]string {
	big := make([]byte, 3<<20)
	rand.New(rand.NewSource(1)).Read(big) // does not shrink
	return map[string]string{
		"bin/start.sh":           "x #!/bin/sh\n",
		"conf/server.xml":        "<Server port=\"8005\"/>\n",
		"lib/core-1.3.jar":       string(big),
		"lib/text":               strings.Repeat("the same line\n", 100_000),
		"lib/copy":               strings.Repeat("the same line\n", 100_000),
		"lib/empty":              "",
		"lib/current":            "->core-1.3.jar",
		"logs/":                  "",
		"webapps/a b/ä.txt":      "names with spaces and letters\n",
		"a":                      "before a-b",
		"a-b":                    "and a/b\n",
		"updates/readme.txt":     "an ordinary file\n",
		"database/schema/v1.sql": "create table t (id int);\n",
	}
}

func TestPublishAndRead(t *testing.T) {
	v := newVendor(t)
	tree := v.tree(sampleTree())
	must(t, os.Link(filepath.Join(tree, "lib/text"), filepath.Join(tree, "lib/hard")))
	must(t, os.Chmod(filepath.Join(tree, "conf/server.xml"), 0o660))
	opt := v.options(0, tree)
	opt.Notes = []byte("schema: inplace/notes/1\nfixes: [{id: A-1, kind: bug, summary: S}]\ninstructions: |\n  Restart it.\n")
	opt.UpdaterMin, opt.Access = "1.5.0", "gold"
	var done, total int64
	opt.Progress = func(d, n int64) {
		if d < done || n < total || d > n {
			t.Errorf("progress went from %d/%d to %d/%d", done, total, d, n)
		}
		done, total = d, n
	}
	out, err := Add(context.Background(), opt)
	must(t, err)
	if done != total || total == 0 {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	if out.NewBlobs != 10 || !out.NewChannel || out.AlreadyThere || len(out.RecognisedConfig) != 0 || len(out.Warnings) != 1 {
		t.Errorf("result %+v", out)
	}
	tree2 := v.tree(map[string]string{"only": "this\n"})
	v.add(1, tree2)

	c := mustReader(t, v.dir, nil, noon)
	got, err := readRelease(c, "full", 0)
	must(t, err)
	sameMap(t, got, describe(t, tree))
	got, err = readRelease(c, "full", 1)
	must(t, err)
	sameMap(t, got, describe(t, tree2))

	all := c.All()
	if len(all) != 2 || all[0].Level != 0 || all[1].Level != 1 || all[0].UpdaterMin != "1.5.0" || all[0].Access != "gold" || all[1].Access != "" {
		t.Errorf("releases %+v", all)
	}
	m, data, err := c.Manifest(context.Background(), all[0])
	must(t, err)
	if m.Instructions != "Restart it.\n" || len(m.Fixes) != 1 || m.Product.Version != "4.2.0" || !m.Released.Equal(noon) || manifest.DigestOf(data) != out.Digest {
		t.Errorf("manifest %+v", m)
	}
	if !slices.Equal(c.Channels(), []string{"full"}) {
		t.Errorf("channels %q", c.Channels())
	}
	var missing *NotFoundError
	if _, err := c.Releases("gold"); !errors.As(err, &missing) {
		t.Errorf("unknown channel: %v", err)
	}
	for _, name := range []string{dirTemp, ".inplace-tmp-x"} {
		if _, err := os.Lstat(filepath.Join(v.dir, name)); err == nil {
			t.Errorf("%s is left over", name)
		}
	}
	info, err := os.Stat(filepath.Join(v.dir, blobPath(manifest.DigestOf(nil))))
	must(t, err)
	if info.Mode().Perm() != 0o644 {
		t.Errorf("a blob has mode %o", info.Mode())
	}
}

func TestFileURL(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "x\n"}))
	mustReader(t, "file://"+v.dir, nil, noon)
	for _, source := range []string{"https://example.com/r", "file://host/r", "file:r", "", filepath.Join(v.dir, "none"), filepath.Join(v.dir, fileProduct)} {
		if c, err := Open(source, ClientOptions{}); err == nil {
			_ = c.Close()
			t.Errorf("%q was opened", source)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: more than a line: %v", source, err)
		}
	}
}

// The same tree, date and notes make the same bytes, whoever publishes them.
func TestReproducible(t *testing.T) {
	var first map[string]string
	for i := range 2 {
		v := newVendor(t)
		opt := v.options(3, v.tree(sampleTree()))
		opt.Released = time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("", 3600))
		opt.Now = noon.Add(time.Duration(i) * time.Hour)
		_, err := Add(context.Background(), opt)
		must(t, err)
		got := map[string]string{}
		for _, dir := range []string{dirTargets, dirInventories, dirBlobs} {
			for name, text := range describe(t, filepath.Join(v.dir, dir)) {
				got[dir+"/"+name] = text
			}
		}
		if first == nil {
			first = got
			continue
		}
		sameMap(t, got, first)
	}
	if len(first) < 12 {
		t.Errorf("compared only %d files", len(first))
	}
}

func TestAddAgain(t *testing.T) {
	v := newVendor(t)
	files := sampleTree()
	tree := v.tree(files)
	v.add(5, tree)
	before := describe(t, v.dir)

	v.now = noon.Add(48 * time.Hour) // no date pinned: the level's own counts
	if out := v.add(5, tree); !out.AlreadyThere || out.NewBlobs != 0 {
		t.Errorf("again: %+v", out)
	}
	delete(before, fileLock) // names the process
	after := describe(t, v.dir)
	delete(after, fileLock)
	sameMap(t, after, before)

	lost := blobPath(manifest.DigestOf([]byte(files["a"])))
	must(t, os.Remove(filepath.Join(v.dir, lost)))
	if out := v.add(5, tree); !out.AlreadyThere || out.NewBlobs != 1 {
		t.Errorf("with a lost blob: %+v", out)
	}

	for name, change := range map[string]func(*AddOptions){
		"tree":         func(o *AddOptions) { o.Tree = v.tree(map[string]string{"other": ""}) },
		"release date": func(o *AddOptions) { o.Released = noon.Add(time.Second) },
		"version":      func(o *AddOptions) { o.Version = "9" },
		"notes":        func(o *AddOptions) { o.Notes = []byte("schema: inplace/notes/1\ninstructions: x\n") },
		"channel full": func(o *AddOptions) { o.Channel = "security" },
	} {
		opt := v.options(5, tree)
		change(&opt)
		if _, err := Add(context.Background(), opt); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
	if out := v.add(4, tree); len(out.Warnings) != 1 || out.NewBlobs != 0 {
		t.Errorf("a lower level: %+v", out)
	}
}

func TestSecondChannelAndRecognisedConfig(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "x\n"}))
	opt := v.options(1, v.tree(map[string]string{
		"conf/app.properties":  "port=1\n",
		"lib/a.jar":            "PK\x03\x04\x00",
		"updates/product.yaml": "schema: inplace/product/1\nname: acme-server\nversion: \"5\"\n",
	}))
	opt.Channel = "security"
	out, err := Add(context.Background(), opt)
	must(t, err)
	if !slices.Equal(out.RecognisedConfig, []manifest.Path{"conf/app.properties"}) {
		t.Errorf("recognised %q", out.RecognisedConfig)
	}
	c := mustReader(t, v.dir, nil, noon)
	list, err := c.Releases("security")
	must(t, err)
	m, _, err := c.Manifest(context.Background(), list[0])
	must(t, err)
	if !slices.Equal(m.Rules.Config, []string{"conf/app.properties"}) || m.Product.Version != "5" {
		t.Errorf("manifest %+v", m)
	}
	if got, err := readRelease(c, "full", 0); err != nil || len(got) != 1 {
		t.Errorf("the first channel: %v %v", got, err)
	}
}

func TestRenames(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"lib/core-1.2.jar": "1"}))
	opt := v.options(1, v.tree(map[string]string{"lib/core-1.3.jar": "2", "lib/old.jar": "3"}))
	opt.Notes = []byte("schema: inplace/notes/1\nrenames: [{from: lib/old.jar, to: lib/none.jar}]\n")
	var refused *RefusedError
	if _, err := Add(context.Background(), opt); !errors.As(err, &refused) || len(refused.Faults) != 2 {
		t.Errorf("renames that the tree contradicts: %v", err)
	}
	opt.Notes = []byte("schema: inplace/notes/1\nrenames: [{from: lib/core-1.2.jar, to: lib/core-1.3.jar}, {from: lib/typo.jar, to: lib/old.jar}]\n")
	out, err := Add(context.Background(), opt)
	must(t, err)
	if len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "lib/typo.jar") {
		t.Errorf("warnings %q", out.Warnings)
	}
}

func TestInitTwice(t *testing.T) {
	v := newVendor(t)
	if _, err := Init(v.initOptions()); !errors.Is(err, ErrExists) {
		t.Errorf("init of a repository: %v", err)
	}
	opt := v.initOptions()
	opt.Dir = v.work // holds other things
	if _, err := Init(opt); !errors.Is(err, ErrExists) {
		t.Errorf("init of a full directory: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(v.work, fileLock)); err == nil {
		t.Error("a refused init has left a lock file")
	}
	opt.Dir = filepath.Join(v.work, "other")
	opt.KeysDir = filepath.Join(opt.Dir, "keys")
	if _, err := Init(opt); err == nil || !strings.Contains(err.Error(), "must not lie in the repository") {
		t.Errorf("keys in the repository: %v", err)
	}
	must(t, os.Remove(filepath.Join(v.dir, fileTimestamp)))
	must(t, os.WriteFile(filepath.Join(v.dir, dirTargets, "full"), nil, 0o644))
	if _, err := Init(v.initOptions()); !errors.Is(err, ErrExists) {
		t.Errorf("init over releases without a timestamp: %v", err)
	}
}

func TestOtherKeysAreNotUsed(t *testing.T) {
	v := newVendor(t)
	other := newVendor(t)
	opt := v.options(0, v.tree(map[string]string{"f": "x\n"}))
	opt.KeysDir = other.keys
	if _, err := Add(context.Background(), opt); err == nil || !strings.Contains(err.Error(), "another repository's key") {
		t.Errorf("another repository's keys: %v", err)
	}
}

func TestOneRunAtATime(t *testing.T) {
	v := newVendor(t)
	s, err := openStore(v.dir, nil)
	must(t, err)
	_, err = Add(context.Background(), v.options(0, v.tree(map[string]string{"f": "x\n"})))
	if !errors.Is(err, fsys.ErrLocked) {
		t.Errorf("beside another run: %v", err)
	}
	s.close()
	v.add(0, v.tree(map[string]string{"f": "x\n"}))
}

func TestCancel(t *testing.T) {
	v := newVendor(t)
	ctx, cancel := context.WithCancel(context.Background())
	opt := v.options(0, v.tree(sampleTree()))
	opt.Progress = func(done, total int64) { cancel() }
	if _, err := Add(ctx, opt); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if all := mustReader(t, v.dir, nil, noon).All(); len(all) != 0 {
		t.Errorf("released all the same: %v", all)
	}
}

// A tree that does not stand still is not released: neither size nor bytes may change
// between hashing and storing.
func TestTreeChangesMeanwhile(t *testing.T) {
	for name, later := range map[string]string{"other bytes": "B B B B B\n", "longer": "a a a a a a\n", "shorter": "a\n"} {
		v := newVendor(t)
		tree := v.tree(map[string]string{"f": "a a a a a\n"})
		opt := v.options(0, tree)
		opt.Progress = func(done, total int64) {
			if done == 10 {
				must(t, os.WriteFile(filepath.Join(tree, "f"), []byte(later), 0o644))
			}
		}
		if _, err := Add(context.Background(), opt); err == nil || !strings.Contains(err.Error(), "f: changed while it was read") {
			t.Errorf("%s: %v", name, err)
		}
		if all := mustReader(t, v.dir, nil, noon).All(); len(all) != 0 {
			t.Errorf("%s: released all the same: %v", name, all)
		}
	}
}

// Four readers at once, each in the way of its own caller.
func TestBlobReaders(t *testing.T) {
	v := newVendor(t)
	files := sampleTree()
	v.add(0, v.tree(files))
	c := mustReader(t, v.dir, nil, noon)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for _, name := range []string{"lib/text", "lib/core-1.3.jar", "lib/empty", "a"} {
				want := files[name]
				r, err := c.Blob(context.Background(), manifest.DigestOf([]byte(want)), int64(len(want)))
				if err != nil {
					t.Error(err)
					return
				}
				var buf bytes.Buffer
				if w%2 == 0 {
					_, err = r.(io.WriterTo).WriteTo(&buf)
				} else {
					_, err = io.CopyBuffer(&buf, struct{ io.Reader }{r}, make([]byte, 1000+w))
				}
				if err != nil || buf.String() != want {
					t.Errorf("%s: %d bytes, %v", name, buf.Len(), err)
				}
				if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
					t.Errorf("%s: after the end: %d, %v", name, n, err)
				}
				if err := errors.Join(r.Close(), r.Close()); err != nil {
					t.Error(err)
				}
				if _, err := r.Read(make([]byte, 1)); err == nil {
					t.Errorf("%s: read after close", name)
				}
			}
		})
	}
	wg.Wait()
}
