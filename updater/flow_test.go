package updater

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"inplace/manifest/repository"
)

// tree is a product tree as a test writes it: path -> content; a path that ends in /
// is an empty directory, a content that begins with "-> " a link, one that begins with
// "0640 " and the like has that mode.
type tree map[string]string

func (tr tree) write(t *testing.T, dir string) {
	t.Helper()
	for p, content := range tr {
		full := filepath.Join(dir, p)
		if strings.HasSuffix(p, "/") {
			must(t, os.MkdirAll(full, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		_ = os.RemoveAll(full)
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			must(t, os.Symlink(target, full))
			continue
		}
		mode := os.FileMode(0o644)
		if len(content) > 5 && content[0] == '0' && content[4] == ' ' {
			var m uint32
			if _, err := fmt.Sscanf(content[:4], "%o", &m); err == nil {
				mode, content = os.FileMode(m), content[5:]
			}
		}
		must(t, os.WriteFile(full, []byte(content), mode))
		must(t, os.Chmod(full, mode))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// look describes a tree: kind, mode, content or target, and with times the mtime of
// every path. The updater's own files are left out.
func look(t *testing.T, root string, times bool) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		if rel == "updates" {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			text += " " + string(b)
		case info.Mode()&fs.ModeSymlink != 0:
			l, _ := os.Readlink(p)
			text += " -> " + l
		}
		if times && rel != "." {
			text += " " + info.ModTime().Format(time.RFC3339Nano)
		}
		out[rel] = text
		return nil
	}))
	return out
}

func same(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	var names []string
	for p := range want {
		names = append(names, p)
	}
	for p := range got {
		if _, ok := want[p]; !ok {
			names = append(names, p)
		}
	}
	sort.Strings(names)
	for _, p := range names {
		if want[p] != got[p] {
			t.Errorf("%s: %s:\n got %q\nwant %q", what, p, got[p], want[p])
		}
	}
}

// bench is a vendor's repository and one installation of its first level.
type bench struct {
	dir, repo, keys, home string
	now                   time.Time
}

func newBench(t *testing.T, product string, levels ...tree) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}
	b.repo, b.keys, b.home = filepath.Join(b.dir, "repo"), filepath.Join(b.dir, "keys"), filepath.Join(b.dir, "home")
	_, err := repository.Init(repository.InitOptions{Dir: b.repo, KeysDir: b.keys, Product: []byte(product), Passphrase: []byte{}, Now: b.now})
	must(t, err)
	for i, tr := range levels {
		b.add(t, int64(i), tr, "")
	}
	levels[0].write(t, b.home)
	must(t, os.Chmod(b.home, 0o755))
	return b
}

func (b *bench) add(t *testing.T, level int64, tr tree, notes string) {
	t.Helper()
	dir := filepath.Join(b.dir, fmt.Sprintf("tree-%d", level))
	tr.write(t, dir)
	opt := repository.AddOptions{Dir: b.repo, KeysDir: b.keys, Tree: dir, Level: level, Channel: "full", Released: b.now, Passphrase: []byte{}, Now: b.now}
	if notes != "" {
		opt.Notes = []byte(notes)
	}
	_, err := repository.Add(context.Background(), opt)
	must(t, err)
}

func (b *bench) adopt(t *testing.T) *Adopted {
	t.Helper()
	return b.adoptWith(t, func(*AdoptOptions) {})
}

func (b *bench) adoptWith(t *testing.T, change func(*AdoptOptions)) *Adopted {
	t.Helper()
	exe := filepath.Join(b.dir, "exe")
	must(t, os.WriteFile(exe, []byte("binary"), 0o755))
	opt := AdoptOptions{Home: b.home, Source: b.repo, Executable: exe, Engine: "test",
		Scripts: map[string][]byte{"sh": []byte("#!/bin/sh\n# " + launcherMark + "\n"), "cmd": []byte("rem " + launcherMark + "\r\n")},
		Now:     func() time.Time { return b.now }}
	change(&opt)
	a, err := Adopt(context.Background(), opt)
	must(t, err)
	return a
}

func (b *bench) open(t *testing.T, change ...func(*Options)) *Updater {
	t.Helper()
	opt := Options{Home: b.home, Engine: "test", Now: func() time.Time { return b.now }}
	for _, c := range change {
		c(&opt)
	}
	u, err := Open(opt)
	must(t, err)
	t.Cleanup(u.Close)
	return u
}

// errInjected is what a fault is.
var errInjected = errors.New("injected")

const sampleProduct = `schema: inplace/product/1
name: acme-server
version: 1.0.0
config: ["conf/**"]
data: ["data/**"]
ignore: ["logs/**"]
derived: [{when: "webapps/*.war", clear: "webapps/{1}/**"}]
`

func TestUpdateAndRevert(t *testing.T) {
	a := tree{
		"bin/start.sh": "0755 #!/bin/sh\necho one\n", "conf/server.conf": "port=8080\n\n\n\nhost=a\n", "conf/same.conf": "x=1\n",
		"lib/core-1.jar": "\x00one", "lib/keep.jar": "\x00keep", "lib/link.jar": "-> keep.jar", "lib/old/x.jar": "\x00x",
		"docs/index.txt": "docs\n", "docs/a/b.txt": "b\n", "link2dir": "-> lib", "dir2link/inner": "in\n", "mode.sh": "0644 #!/bin/sh\n", "kind": "a file\n", "kind2/inner": "a dir\n",
		"empty/": "", "webapps/app.war": "\x00war1", "data/seed.db": "seed", "gone.txt": "gone\n",
	}
	b := tree{
		"bin/start.sh": "0755 #!/bin/sh\necho two\n", "conf/server.conf": "port=8080\n\n\n\nhost=b\n", "conf/same.conf": "x=1\n",
		"lib/core-2.jar": "\x00two", "lib/keep.jar": "\x00keep", "lib/link.jar": "-> core-2.jar",
		"docs/index.txt": "docs 2\n", "docs/a/b.txt": "b 2\n", "docs/new/c.txt": "c\n", "link2dir/deep/x": "x\n", "dir2link": "-> lib", "mode.sh": "0755 #!/bin/sh\n", "kind/inner": "a dir now\n", "kind2": "a file now\n",
		"empty2/": "", "webapps/app.war": "\x00war2", "data/seed.db": "seed2", "data/more.db": "more",
	}
	be := newBench(t, sampleProduct, a, b)
	tree{"conf/server.conf": "port=9090\n\n\n\nhost=a\n", "lib/mine.jar": "mine", "lib/old/mine.txt": "mine\n", "webapps/app/index.html": "made\n",
		"data/seed.db": "live data", "conf/mine.conf": "mine\n"}.write(t, be.home)
	must(t, os.RemoveAll(filepath.Join(be.home, "docs")))
	ad := be.adopt(t)
	if ad.Release.Level != 0 {
		t.Fatalf("adopted level %d, want 0", ad.Release.Level)
	}
	before := look(t, be.home, true)
	plan, err := be.open(t).DryRun(context.Background())
	must(t, err)
	if len(plan.Conflicts) != 0 || len(plan.Findings) != 0 {
		t.Fatalf("conflicts %+v, findings %+v", plan.Conflicts, plan.Findings)
	}
	same(t, "after the dry run", before, look(t, be.home, true))
	out, err := be.open(t).Update(context.Background())
	must(t, err)
	expect := t.TempDir()
	tree{
		"bin/start.sh": "0755 #!/bin/sh\necho two\n", "conf/server.conf": "port=9090\n\n\n\nhost=b\n", "conf/same.conf": "x=1\n", "conf/mine.conf": "mine\n",
		"lib/core-2.jar": "\x00two", "lib/keep.jar": "\x00keep", "lib/link.jar": "-> core-2.jar", "lib/mine.jar": "mine", "lib/old/mine.txt": "mine\n", "link2dir/deep/x": "x\n", "dir2link": "-> lib",
		"mode.sh": "0755 #!/bin/sh\n", "kind/inner": "a dir now\n", "kind2": "a file now\n",
		"empty2/": "", "webapps/app.war": "\x00war2", "data/seed.db": "live data", "bin/inplace": "0755 binary",
		"bin/update.sh": "0755 #!/bin/sh\n# " + launcherMark + "\n", "bin/update.cmd": "0755 rem " + launcherMark + "\r\n",
	}.write(t, expect)
	same(t, "after the update", look(t, expect, false), look(t, be.home, false))
	if info, _ := os.Stat(filepath.Join(be.home, "updates/OPEN")); info != nil {
		t.Error("OPEN is left behind")
	}
	if out.Snapshot == "" {
		t.Error("no snapshot is named")
	}
	plan, err = be.open(t).DryRun(context.Background())
	must(t, err)
	if plan.Action != "none" {
		t.Errorf("after the update the action is %q, want none", plan.Action)
	}
	after := look(t, be.home, true)
	tree{"webapps/app/index.html": "made anew\n"}.write(t, be.home)
	_, err = be.open(t).Revert(context.Background())
	must(t, err)
	same(t, "after the revert", before, look(t, be.home, true))
	if _, err = be.open(t).Revert(context.Background()); err == nil {
		t.Error("a second revert found something to take back")
	}
	_, err = be.open(t).Update(context.Background())
	must(t, err)
	same(t, "after the second update", strip(after), strip(look(t, be.home, true)))
}

// strip takes the times off a look.
func strip(in map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range in {
		if i := strings.LastIndexByte(v, ' '); i > 0 {
			v = v[:i]
		}
		out[k] = v
	}
	return out
}

// An edited file that the vendor renames keeps the edits under its new name, whichever
// of the two names sorts first, and comes back under the old one.
func TestRenameOfEdited(t *testing.T) {
	for _, names := range [][2]string{{"conf/a.conf", "conf/z.conf"}, {"conf/z.conf", "conf/a.conf"}} {
		be := newBench(t, sampleProduct, tree{names[0]: "port=1\n\n\nhost=a\n", "lib/a.jar": "\x00a"})
		be.add(t, 1, tree{names[1]: "port=1\n\n\nhost=b\n", "lib/a.jar": "\x00b"},
			"schema: inplace/notes/1\nrenames: [{from: "+names[0]+", to: "+names[1]+"}]\n")
		tree{names[0]: "port=2\n\n\nhost=a\n"}.write(t, be.home)
		be.adopt(t)
		before := look(t, be.home, true)
		out, err := be.open(t).Update(context.Background())
		if err != nil {
			t.Fatalf("%v: %v, %+v", names, err, out.Plan.Conflicts)
		}
		got := look(t, be.home, false)
		if want := "-rw-r--r-- port=2\n\n\nhost=b\n"; got[names[1]] != want || got[names[0]] != "" {
			t.Errorf("%v: new name %q, want %q; old name %q, want nothing", names, got[names[1]], want, got[names[0]])
		}
		_, err = be.open(t).Revert(context.Background())
		must(t, err)
		same(t, "after the revert", before, look(t, be.home, true))
	}
}

// A file that the operator edited or deleted and that stays so is no directory for what the
// release has below it, nor for what it renames there: the plan has nothing of these, and edits
// stay under their old names.
func TestRenameBelowWhatStays(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name, side string
		p          string // "": deleted
		want       map[string]string
	}{
		{"edited", "ours", "mine\n", map[string]string{"p": "mine\n", "old": "a=9\n\n\nb=1\n"}},
		{"deleted", "ours", "", map[string]string{"old": "a=9\n\n\nb=1\n"}},
		{"edited", "theirs", "mine\n", map[string]string{"p/in/new": "a=9\n\n\nb=2\n", "p/q": "q\n"}},
		{"deleted", "theirs", "", map[string]string{"p/in/new": "a=9\n\n\nb=2\n", "p/q": "q\n"}},
	} {
		be := newBench(t, sampleProduct, tree{"conf/p": "1\n", "conf/old": "a=1\n\n\nb=1\n"})
		be.add(t, 1, tree{"conf/p/q": "q\n", "conf/p/in/new": "a=1\n\n\nb=2\n"}, "schema: inplace/notes/1\nrenames: [{from: conf/old, to: conf/p/in/new}]\n")
		tree{"conf/p": c.p, "conf/old": "a=9\n\n\nb=1\n"}.write(t, be.home)
		if c.p == "" {
			must(t, os.Remove(filepath.Join(be.home, "conf/p")))
		}
		be.adoptWith(t, func(o *AdoptOptions) { o.HasBase = true })
		before := look(t, be.home, true)
		if _, err := be.open(t, func(o *Options) { o.OnConflict = c.side }).Update(ctx); err != nil {
			t.Errorf("%s, %s: %v", c.name, c.side, err)
			continue
		}
		got := map[string]string{}
		for p, text := range look(t, filepath.Join(be.home, "conf"), false) {
			if text[0] == '-' {
				_, got[p], _ = strings.Cut(text, " ")
			}
		}
		same(t, c.name+", "+c.side, c.want, got)
		_, err := be.open(t).Revert(ctx)
		must(t, err)
		same(t, c.name+", "+c.side+": after the revert", before, look(t, be.home, true))
	}
}

// faultBench has every kind of change in it.
func faultBench(t *testing.T) *bench {
	be := newBench(t, sampleProduct, tree{
		"bin/start.sh": "0755 one\n", "conf/server.conf": "port=8080\n\n\n\nhost=a\n", "lib/core-1.jar": "\x00one", "lib/link.jar": "-> core-1.jar",
		"lib/old/x.jar": "\x00x", "mode.sh": "0644 m\n", "kind": "a file\n", "kind2/inner": "a dir\n", "empty/": "", "webapps/app.war": "\x00war1",
	}, tree{
		"bin/start.sh": "0755 two\n", "conf/server.conf": "port=8080\n\n\n\nhost=b\n", "lib/core-2.jar": "\x00two", "lib/link.jar": "-> core-2.jar",
		"mode.sh": "0755 m\n", "kind/inner": "a dir now\n", "kind2": "a file now\n", "empty2/deep/": "", "webapps/app.war": "\x00war2",
	})
	tree{"conf/server.conf": "port=9090\n\n\n\nhost=a\n", "webapps/app/index.html": "made\n"}.write(t, be.home)
	must(t, os.Link(filepath.Join(be.home, "webapps/app.war"), filepath.Join(be.home, "second-name")))
	be.adopt(t)
	return be
}
