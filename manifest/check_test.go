package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// release returns a manifest and an inventory that agree.
func release(t *testing.T, entries ...Entry) (*Manifest, *Inventory) {
	t.Helper()
	v, err := BuildInventory(entries)
	if err != nil {
		t.Fatal(err)
	}
	m := &Manifest{Inventory: InventoryRef{Digest: v.Digest, Size: int64(len(v.Raw)), Entries: int64(v.Len())}}
	return m, v
}

func TestCheckTakes(t *testing.T) {
	text := DigestOf([]byte("x"))
	m, v := release(t,
		Entry{Path: "bin", Kind: Dir, Mode: 0o755}, Entry{Path: "bin/inplace", Kind: File, Mode: 0o755, Digest: text},
		Entry{Path: "lib", Kind: Dir, Mode: 0o755}, Entry{Path: "lib/new.jar", Kind: File, Mode: 0o644, Digest: text},
		Entry{Path: "lib/current", Kind: Link, Target: "../lib/./new.jar"}, Entry{Path: "out", Kind: Link, Target: "/var/x"},
		Entry{Path: "updates", Kind: Dir, Mode: 0o755}, Entry{Path: "updates/product.yaml", Kind: File, Mode: 0o644, Digest: text},
		Entry{Path: "updates/trust", Kind: Dir, Mode: 0o755}, Entry{Path: "updates/trust/root.json", Kind: File, Mode: 0o644, Digest: text},
	)
	m.Rules.Links = []Path{"out"}
	m.Renames = []Rename{{"lib/old.jar", "lib/new.jar"}}
	if err := Check(m, v); err != nil {
		t.Errorf("got %v, want it taken", err)
	}
}

// TestCheckLong: both halves of a long release are checked, and told in order.
func TestCheckLong(t *testing.T) {
	text := DigestOf([]byte("x"))
	entries := []Entry{{Path: "a.", Kind: File, Mode: 0o644, Digest: text}, {Path: "zz ", Kind: File, Mode: 0o644, Digest: text}}
	for i := range 10 * lotSize {
		entries = append(entries, Entry{Path: Path(fmt.Sprintf("f%06d", i)), Kind: File, Mode: 0o644, Digest: text})
	}
	entries[7].Path = "f000005:"
	m, v := release(t, entries...)
	err := Check(m, v)
	var faults Errors
	if !errors.As(err, &faults) || len(faults) != 3 {
		t.Fatalf("got %v, want three faults", err)
	}
	for i, path := range []string{"a.: ", "f000005:: ", "zz : "} {
		if !strings.HasPrefix(faults[i].Msg, path) {
			t.Errorf("fault %d: got %v, want one of %s", i, faults[i], path)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	text := DigestOf([]byte("x"))
	top := func(p Path) Entry { return Entry{Path: p, Kind: File, Mode: 0o644, Digest: text} }
	updates := Entry{Path: "updates", Kind: Dir, Mode: 0o755}
	for _, c := range []struct {
		name    string
		entries []Entry
		change  func(*Manifest)
		want    []string
	}{
		{"A3 absolute link", []Entry{{Path: "l", Kind: Link, Target: "/etc/passwd"}}, nil, []string{"l: want a link inside the product, got /etc/passwd"}},
		{"A3 link to /proc/self", []Entry{{Path: "l", Kind: Link, Target: "/proc/self"}}, nil, []string{"l: want a link inside"}},
		{"A3 escaping link", []Entry{{Path: "l", Kind: Link, Target: "../x"}}, nil, []string{"l: want a link inside"}},
		{"A3 escaping after a name", []Entry{{Path: "l", Kind: Link, Target: "a/../../x"}}, nil, []string{"l: want a link inside"}},
		{"A3 climbing out of another link", []Entry{{Path: "l", Kind: Link, Target: "a/.."}}, nil, []string{"l: want a link inside"}},
		{"A3 links of Windows", []Entry{{Path: "l", Kind: Link, Target: `..\x`}, {Path: "m", Kind: Link, Target: "C:x"}}, nil, []string{`l: want a link inside the product, got ..\\x`, "m: want a link inside"}},
		{"A9 names", []Entry{top("NUL"), top("aux.txt"), top("dot."), top("a:b")}, nil, []string{"NUL: ", "aux.txt: ", "dot.: ", "a:b: "}},
		{"A9 directory", []Entry{{Path: "con", Kind: Dir}, top("con/x")}, nil, []string{"con: want a name every system can hold"}},
		{"A10 newline", []Entry{top("a\nb")}, nil, []string{`a\x0ab: want no control bytes`}},
		{"A17 state", []Entry{updates, {Path: "updates/backups", Kind: Dir}, top("updates/backups/x"), top("updates/OPEN")}, nil,
			[]string{"updates/backups: want no path of the updater", "updates/backups/x: want no path", "updates/OPEN: want no path"}},
		{"A17 other letter case", []Entry{{Path: "Updates", Kind: Dir}, top("Updates/x")}, nil, []string{"Updates: want no path", "Updates/x: want no path"}},
		{"A17 link for updates", []Entry{{Path: "updates", Kind: Link, Target: "x"}}, nil, []string{"updates: want a directory, got a link"}},
		{"A17 file for bin", []Entry{top("bin")}, nil, []string{"bin: want a directory, got a file"}},
		{"A17 directory for root.json", []Entry{updates, {Path: "updates/trust", Kind: Dir}, {Path: "updates/trust/root.json", Kind: Dir}}, nil, []string{"updates/trust/root.json: want a file, got a directory"}},
		{"M7 another inventory", []Entry{top("a")}, func(m *Manifest) { m.Inventory.Digest = text }, []string{"inventory: digest mismatch: want " + text.String()}},
		{"M7 size and count", []Entry{top("a")}, func(m *Manifest) { m.Inventory.Size, m.Inventory.Entries = 1, 2 }, []string{"inventory: want 1 bytes, got", "inventory: want 2 entries, got 1"}},
		{"M10 renamed but still there", []Entry{top("a"), top("b")}, func(m *Manifest) { m.Renames = []Rename{{"a", "b"}} }, []string{"a: want a path that is gone"}},
		{"M10 renamed to nothing", []Entry{top("a")}, func(m *Manifest) { m.Renames = []Rename{{"x", "y"}} }, []string{"y: want a path of the release in renames[0].to"}},
		{"rule for a link that is none", []Entry{top("a")}, func(m *Manifest) { m.Rules.Links = []Path{"a", "b"} }, []string{"a: want a link of the release, named in rules.links, got a file", "b: want a link of the release, named in rules.links, got nothing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, v := release(t, c.entries...)
			if c.change != nil {
				c.change(m)
			}
			err := Check(m, v)
			if err == nil {
				t.Fatal("got it taken, want it refused")
			}
			for _, want := range c.want {
				if !strings.Contains("\n"+err.Error(), "\n"+want) {
					t.Errorf("got %v, want a line %q", err, want)
				}
			}
			if got := strings.Count(err.Error(), "\n") + 1; got != len(c.want) {
				t.Errorf("got %d faults, want %d: %v", got, len(c.want), err)
			}
		})
	}
}
