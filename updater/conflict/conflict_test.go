package conflict

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inplace/backup/fsys"
)

func sampleResolution(path string) Resolution {
	p := Place{Product: "acme", Path: "conf/a", Format: "ini", Key: "s/k", Base: []byte("1\n"), Ours: []byte("2\n"), Theirs: []byte("3\n")}
	return Resolution{ID: p.ID(), Product: "acme", Path: Name(path), Key: "s/k", Text: []byte("4\n"), By: "me@here", At: time.Unix(1, 0).UTC()}
}

// The ID of a place is part of a format: it must never change within the schema number.
func TestIDIsFixed(t *testing.T) {
	p := Place{Product: "acme", Path: "conf/a", Format: "ini", Key: "s/k", Base: []byte("1\n"), Ours: []byte("2\n"), Theirs: []byte("3\n")}
	for name, c := range map[string]struct {
		got  ID
		want string
	}{
		"a key": {p.ID(), "f52224f67055e11924d1a7db6b8f33fcf006ab0c06d6fbb136393e2b17e6bcef"},
		"lines": {Place{Product: "acme", Path: "a", Format: "lines", Before: []byte("x\n"), Ours: []byte("2\n")}.ID(), "3f7c7beed6716bbca6ccb05bf98f1546232104a5643e1ad5f32a1f54a448cabb"},
		"whole": {Whole("acme", "a", "absent", "file sha256:0", "directory"), "90ac318fea1a28e8a467dabf7d4d8fe310398b32700db9a34ca5b3773c2dab94"},
	} {
		if string(c.got) != c.want || !c.got.Valid() {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
}

// Whatever differs makes another ID, also where bytes only move from one field to the next.
func TestIDTellsPlacesApart(t *testing.T) {
	base := Place{Product: "p", Path: "f", Format: "ini", Key: "k", Base: []byte("b"), Ours: []byte("o"), Theirs: []byte("t")}
	seen := map[ID]int{base.ID(): -1}
	for i, change := range []func(*Place){
		func(p *Place) { p.Product = "q" }, func(p *Place) { p.Path = "g" }, func(p *Place) { p.Format = "env" }, func(p *Place) { p.Key = "l" },
		func(p *Place) { p.Key = "" }, func(p *Place) { p.Key, p.Before = "", []byte("k") }, func(p *Place) { p.Key, p.After = "", []byte("k") },
		func(p *Place) { p.Base, p.Ours = []byte("bo"), nil }, func(p *Place) { p.Ours, p.Theirs = []byte("ot"), nil }, func(p *Place) { p.Base, p.Ours = p.Ours, p.Base },
	} {
		p := base
		change(&p)
		if before, twice := seen[p.ID()]; twice {
			t.Errorf("change %d has the ID of %d", i, before)
		}
		seen[p.ID()] = i
	}
}

func TestAround(t *testing.T) {
	text := []byte("1\n2 \n3\r\n4\n5\n6\n7")
	for _, c := range []struct {
		start, end    int
		before, after string
	}{
		{3, 4, "1\n2\n3\n", "5\n6\n7\n"}, {0, 0, "", "1\n2\n3\n"}, {4, 7, "2\n3\n4\n", ""},
	} {
		if b, a := Around(text, c.start, c.end); string(b) != c.before || string(a) != c.after {
			t.Errorf("Around(%d, %d): got %q and %q, want %q and %q", c.start, c.end, b, a, c.before, c.after)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"conf/a", "50%", "caf\xe9/x", "ä", "a b"} {
		data, err := json.Marshal(Name(name))
		var back Name
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || string(back) != name {
			t.Errorf("%q: got %q, %v (%s)", name, back, err, data)
		}
	}
}

const marked = "top\n<<<<<<< ours\na\n||||||| base\nb\n=======\nc\n>>>>>>> theirs\nmiddle\n<<<<<<< ours\nx\n||||||| base\ny\n=======\nz\n>>>>>>> theirs\nend\n"

func markedFile() *File {
	return &File{Marker: 7, Spots: []Spot{{From: 1, To: 8}, {From: 9, To: 16}}}
}

// Read tells of each place whether it waits, and what it has become.
func TestRead(t *testing.T) {
	first, second := "<<<<<<< ours\na\n||||||| base\nb\n=======\nc\n>>>>>>> theirs\n", "<<<<<<< ours\nx\n||||||| base\ny\n=======\nz\n>>>>>>> theirs\n"
	for name, c := range map[string]struct {
		current string
		open    [2]bool
		text    [2]string
		outside bool
		line    int
	}{
		"untouched":               {marked, [2]bool{true, true}, [2]string{first, second}, false, 2},
		"the first decided":       {"top\na\nmiddle\n" + second + "end\n", [2]bool{false, true}, [2]string{"a\n", second}, false, 4},
		"the second removed":      {"top\n" + first + "middle\nend\n", [2]bool{true, false}, [2]string{first, ""}, false, 2},
		"both decided":            {"top\nc\nmiddle\nx\nz\nend\n", [2]bool{false, false}, [2]string{"c\n", "x\nz\n"}, false, 0},
		"both written anew":       {"top\nnew\nlines\nmiddle\nother\nend\n", [2]bool{false, false}, [2]string{"new\nlines\n", "other\n"}, false, 0},
		"a marker left":           {"top\na\n=======\nc\n>>>>>>> theirs\nmiddle\nz\nend\n", [2]bool{true, false}, [2]string{"a\n=======\nc\n>>>>>>> theirs\n", "z\n"}, false, 5},
		"another line changed":    {"TOP\na\nmiddle\nz\nend\n", [2]bool{false, false}, [2]string{"?", "z\n"}, true, 0},
		"a line between is gone":  {"top\na\nz\nend\n", [2]bool{false, false}, [2]string{"?", "?"}, true, 0},
		"all of it written anew":  {"quite\nanother\n", [2]bool{false, false}, [2]string{"?", "?"}, true, 0},
		"emptied":                 {"", [2]bool{false, false}, [2]string{"?", "?"}, true, 0},
		"a line added at the end": {marked + "more\n", [2]bool{true, true}, [2]string{first, second}, true, 2},
	} {
		r := markedFile().Read([]byte(marked), []byte(c.current))
		if r.Outside != c.outside || r.Line != c.line || r.Open() != (c.open[0] || c.open[1] || c.line > 0) {
			t.Errorf("%s: got outside %v, line %d, open %v", name, r.Outside, r.Line, r.Open())
		}
		for i, s := range r.Spots {
			if s.Open != c.open[i] {
				t.Errorf("%s: place %d: open %v, want %v", name, i+1, s.Open, c.open[i])
			}
			if s.Known && c.text[i] != "?" && string(s.Text) != c.text[i] || !s.Known && c.text[i] != "?" {
				t.Errorf("%s: place %d: got %q (known %v), want %q", name, i+1, s.Text, s.Known, c.text[i])
			}
			if s.Known && !bytes.Equal([]byte(c.current)[s.Start:s.End], s.Text) {
				t.Errorf("%s: place %d: lies elsewhere than at %d to %d", name, i+1, s.Start, s.End)
			}
		}
	}
}

// What one node exports another imports; anything changed on the way is refused.
func TestExchange(t *testing.T) {
	a, b := sampleResolution("conf/a"), sampleResolution("caf\xe9")
	b.ID, b.Whole, b.Take, b.Text, b.Key = Whole("acme", "caf\xe9", "a", "b", "c"), true, Ours, nil, ""
	data, err := Export("acme", []Resolution{a, b})
	if err != nil {
		t.Fatal(err)
	}
	list, err := Import("f", "acme", data)
	if err != nil || len(list) != 2 || !list[0].Same(&a) || list[1].Path != b.Path || list[1].Take != Ours {
		t.Fatalf("got %+v, %v", list, err)
	}
	if _, err := Import("f", "other", data); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), `want "other", got "acme"`) {
		t.Errorf("another product: got %v", err)
	}
	for i := range data {
		for _, c := range []byte{0, '\n', data[i] ^ 1} {
			changed := bytes.Clone(data)
			if changed[i] = c; bytes.Equal(changed, data) {
				continue
			}
			if _, err := Import("f", "acme", changed); err == nil {
				t.Fatalf("byte %d changed from %q to %q is taken", i, data[i], c)
			}
		}
		if _, err := Import("f", "acme", data[:i]); err == nil {
			t.Fatalf("cut at %d is taken", i)
		}
	}
	bad := func(change func(*Resolution)) []byte {
		r := sampleResolution("conf/a")
		change(&r)
		data, err := Export("acme", []Resolution{r})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, data := range map[string][]byte{
		"a path above":         bad(func(r *Resolution) { r.Path = "../x" }),
		"the updater's path":   bad(func(r *Resolution) { r.Path = "updates/settings.yaml" }),
		"no ID":                bad(func(r *Resolution) { r.ID = "../../x" }),
		"upper case":           bad(func(r *Resolution) { r.ID = ID(strings.Repeat("A", 64)) }),
		"another side":         bad(func(r *Resolution) { r.Take = "base" }),
		"a side with a text":   bad(func(r *Resolution) { r.Take, r.Whole = Ours, true }),
		"too long":             bad(func(r *Resolution) { r.Text = make([]byte, MaxText+1) }),
		"a foreign one within": bad(func(r *Resolution) { r.Product = "other" }),
		"no date":              bad(func(r *Resolution) { r.At = time.Time{} }),
		"twice": func() []byte {
			data, _ := Export("acme", []Resolution{sampleResolution("a"), sampleResolution("a")})
			return data
		}(),
	} {
		if _, err := Import("f", "acme", data); err == nil || !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("%s: got %v, want it refused with its line", name, err)
		}
	}
}

func FuzzImport(f *testing.F) {
	data, _ := Export("acme", []Resolution{sampleResolution("conf/a")})
	f.Add(data)
	f.Add([]byte("inplace-resolutions 1\n\"acme\"\nend 0 x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Import("f", "acme", data)
		if err != nil {
			return
		}
		again, err := Export("acme", list)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Import("f", "acme", again); err != nil || len(back) != len(list) {
			t.Fatalf("what was taken is not taken again: %v", err)
		}
	})
}

// What lies on the disk is believed only where nobody else could have made it, and a
// damaged one hides no other.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "updates"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree, err := fsys.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if list, _, err := List(tree); err != nil || len(list) != 0 {
		t.Fatalf("an empty store: %v, %v", list, err)
	}
	a, b := sampleResolution("conf/a"), sampleResolution("conf/b")
	b.ID = Whole("acme", "conf/b", "a", "b", "c")
	for _, r := range []*Resolution{&a, &b} {
		if err := Put(tree, r); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Get(tree, a.ID); err != nil || !got.Same(&a) {
		t.Fatalf("got %+v, %v", got, err)
	}
	file := filepath.Join(dir, Dir, string(b.ID))
	if info, err := os.Stat(file); err != nil || fsys.HasModes && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want mode 0600", info, err)
	}
	data, _ := os.ReadFile(file)
	for name, spoil := range map[string]func() error{
		"damaged": func() error { return os.WriteFile(file, append(bytes.Clone(data), 'x'), 0o600) },
		"under another": func() error {
			other, _ := os.ReadFile(filepath.Join(dir, Dir, string(a.ID)))
			return os.WriteFile(file, other, 0o600)
		},
		"a link": func() error { return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)) },
		"a second name": func() error {
			return errors.Join(os.Remove(file), os.WriteFile(file+"x", data, 0o600), os.Link(file+"x", file))
		},
		"a newer version": func() error {
			return errors.Join(os.Remove(file), os.WriteFile(file, bytes.Replace(data, []byte("resolution/1"), []byte("resolution/2"), 1), 0o600))
		},
	} {
		if err := spoil(); err != nil {
			t.Logf("%s: not tried here: %v", name, err)
			continue
		}
		if _, err := Get(tree, b.ID); err == nil {
			t.Errorf("%s: is believed", name)
		}
		if list, faults, err := List(tree); err != nil || len(list) != 1 || len(faults) != 1 {
			t.Errorf("%s: list %d, faults %v, %v", name, len(list), faults, err)
		}
	}
}
