package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const helloDigest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

const exampleInventory = `inplace-inventory 1
d 0755 - - a
f 0644 6 ` + helloDigest + ` a-b
f 0755 0 ` + helloDigest + ` a/%20%25%0A%7F
d 0700 - - a/empty
l - - ../%20x a/link
end 5
`

func exampleEntries(t *testing.T) []Entry {
	t.Helper()
	d, err := ParseHex(helloDigest)
	if err != nil {
		t.Fatal(err)
	}
	return []Entry{
		{Path: "a", Kind: Dir, Mode: 0o755},
		{Path: "a-b", Kind: File, Mode: 0o644, Size: 6, Digest: d},
		{Path: "a/ %\n\x7f", Kind: File, Mode: 0o755, Digest: d},
		{Path: "a/empty", Kind: Dir, Mode: 0o700},
		{Path: "a/link", Kind: Link, Target: "../ x"},
	}
}

func TestInventoryBothWays(t *testing.T) {
	want := exampleEntries(t)
	v, err := ParseInventory("inv", []byte(exampleInventory))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(entriesOf(v), want) || v.Digest != DigestOf([]byte(exampleInventory)) {
		t.Errorf("got %+v, want %+v", entriesOf(v), want)
	}
	shuffled := slices.Clone(want)
	slices.Reverse(shuffled)
	shuffled[0].Mode, shuffled[1].Size = 0o777, 4096 // neither applies to the kind
	built, err := BuildInventory(shuffled)
	if err != nil {
		t.Fatal(err)
	}
	if string(built.Raw) != exampleInventory || built.Digest != v.Digest {
		t.Errorf("got %s, want %s", built.Raw, exampleInventory)
	}
	if shuffled[0].Mode != 0o777 {
		t.Error("BuildInventory changed its argument")
	}
	empty, err := BuildInventory(nil)
	if err != nil || string(empty.Raw) != "inplace-inventory 1\nend 0\n" {
		t.Errorf("empty: got %q, %v", empty.Raw, err)
	}
}

// file is the line of a file at path.
func file(path string) string { return "f 0644 6 " + helloDigest + " " + path }

// dir is the line of a directory at path.
func dir(path string) string { return "d 0755 - - " + path }

// list makes an inventory of lines.
func list(lines ...string) string {
	return fmt.Sprintf("inplace-inventory 1\n%send %d\n", strings.Join(append(lines, ""), "\n"), len(lines))
}

func TestParseInventoryRefuses(t *testing.T) {
	name256 := strings.Repeat("n", 256)
	for _, c := range []struct{ name, text, want string }{
		{"A1 up", list(file("../x")), `inv:2:75: ../x: want a clean path`},
		{"A1 up inside", list(dir("a"), file("a/../../x")), `inv:3:75: a/../../x: want a clean path`},
		{"A2 absolute", list(file("/etc/x")), `relative to the installation`},
		{"A3 file through a link", list("l - - /etc a", file("a/x")), `inv:3:75: a/x: want its parent a listed before as a directory`},
		{"A3 file through a file", list(file("a"), file("a/x")), `want its parent a listed before as a directory`},
		{"A3 parent missing", list(file("a/x")), `want its parent a listed before as a directory`},
		{"A3 parent missing above", list(dir("a"), dir("a/b/c")), `want its parent a/b listed before`},
		{"A5 special file", list("p 0644 - - x"), `inv:2:1: want a line starting with f, d or l, got "p"`},
		{"A6 same name twice", list(file("a"), file("a")), `inv:3:75: a: want each path once`},
		{"A6 file and directory of one name", list(dir("a"), file("a")), `want each path once`},
		{"A6 a and a/", list(file("a"), dir("a/")), `without a slash at its end`},
		{"A7 case twins", list(file("README"), file("Readme")), `inv:3:75: Readme: want names that differ on every disk, got it beside README`},
		{"A7 case twins of directories", list(dir("A"), file("A/x"), dir("a"), file("a/x")), `a: want names that differ on every disk`},
		{"A7 case twins below", list(dir("d"), file("d/A-b"), file("d/a-B")), `d/a-B: want names that differ`},
		{"A8 normalisation twins", list(file("cafe\u0301"), file("caf\u00e9")), `got it beside cafe`},
		{"A10 raw control", list(file("a\x1b[31m")), `a\x1b[31m: want control bytes and spaces written as %XX`},
		{"A10 NUL escaped", list(file("a%00")), `without NUL`},
		{"A10 raw space", list(file("a b")), `written as %XX`},
		{"A11 name of 256 bytes", list(file(name256)), `at most 255 bytes, got one of 256`},
		{"A11 path over 4096", list(file(strings.Repeat("d/", 2500))), ``},
		{"A12 sizes overflow", list("f 0644 9007199254740992 "+helloDigest+" a", "f 0644 1 "+helloDigest+" b"), `inv:3:75: b: want sizes of at most`},
		{"A15 setuid", list("f 4755 6 " + helloDigest + " a"), `a: want a mode within 0755, got 4755`},
		{"A15 setgid directory", list("d 2755 - - a"), `got 2755`},
		{"A15 sticky", list("d 1755 - - a"), `got 1755`},
		{"A15 group-writable", list("f 0664 6 " + helloDigest + " a"), `got 0664`},
		{"A15 world-writable", list("f 0757 6 " + helloDigest + " a"), `got 0757`},
		{"A15 device bits", list("f 100644 6 " + helloDigest + " a"), `inv:2:3: want a mode of four octal digits, got "100644"`},
		{"M1 CRLF", strings.ReplaceAll(list(file("a")), "\n", "\r\n"), `want "inplace-inventory 1" as the first line`},
		{"M1 CRLF inside", list(file("a") + "\r"), `got CR LF`},
		{"M1 BOM", "\xef\xbb\xbf" + list(file("a")), `as the first line`},
		{"M1 UTF-16", "\xff\xfei\x00n\x00", `as the first line`},
		{"M3 octal size", list("f 0644 06 " + helloDigest + " a"), `inv:2:8: want a size in bytes, got "06"`},
		{"M3 negative size", list("f 0644 -1 " + helloDigest + " a"), `want a size in bytes, got "-1"`},
		{"M3 size 2^63", list("f 0644 9223372036854775808 " + helloDigest + " a"), `want a size in bytes`},
		{"M3 size of 30 digits", list("f 0644 100000000000000000000000000000 " + helloDigest + " a"), `want a size in bytes`},
		{"M3 mode of three digits", list("f 644 6 " + helloDigest + " a"), `four octal digits`},
		{"M3 mode 0888", list("f 0888 6 " + helloDigest + " a"), `four octal digits`},
		{"M8 short digest", list("f 0644 6 5891b5 a"), `inv:2:10: want a digest of 64 hexadecimal digits, got 6`},
		{"M8 upper-case digest", list("f 0644 6 " + strings.ToUpper(helloDigest) + " a"), `lower-case`},
		{"M8 digest with algorithm", list("f 0644 6 sha256:" + helloDigest + " a"), `64 hexadecimal digits, got 71`},
		{"M8 zero digest", list("f 0644 6 " + strings.Repeat("0", 64) + " a"), `want a digest, got none`},
		{"escape not needed", list(file("%41")), `only for what has to be escaped`},
		{"escape in lower case", list(file("%0a")), `upper-case hexadecimal`},
		{"escape cut", list(file("a%2")), `cut short`},
		{"fields missing", list("f 0644 6"), `want five fields`},
		{"two spaces", list("f  0644 6 " + helloDigest + " a"), `inv:2:3: want a mode of four octal digits, got ""`},
		{"size of a directory", list("d 0755 0 - a"), `want - for the size of a directory, got "0"`},
		{"digest of a directory", list("d 0755 - " + helloDigest + " a"), `want - for the digest of a directory`},
		{"mode of a link", list("l 0777 - x a"), `want - for the mode of a link`},
		{"empty link", list("l - -  a"), `empty one`},
		{"long link", list("l - - " + strings.Repeat("x", 4097) + " a"), `link target of at most 4096 bytes`},
		{"NUL in a link", list("l - - x%00 a"), `without NUL`},
		{"unsorted", list(file("b"), file("a")), `inv:3:75: a: want paths in rising order, got it after b`},
		{"sorted by segments", list(dir("a"), file("a/b"), file("a-b")), `want paths in rising order`},
		{"empty line", list(file("a"), ""), `want five fields`},
		{"wrong header", "inplace-inventory 2\nend 0\n", `inv:1: want "inplace-inventory 1" as the first line, got "inplace-inventory 2"`},
		{"empty text", "", `as the first line`},
		{"header only", "inplace-inventory 1\n", `cut short`},
		{"no end", "inplace-inventory 1\n" + file("a") + "\n", `inv:2: want "end COUNT" as the last line`},
		{"no last line end", strings.TrimSuffix(list(file("a")), "\n"), `cut short`},
		{"count too high", strings.Replace(list(file("a")), "end 1", "end 2", 1), `want as many entries as lines, 1, got "end 2"`},
		{"count of a billion", strings.Replace(list(file("a")), "end 1", "end 1000000000", 1), `as many entries as lines`},
		{"count with a zero before", strings.Replace(list(file("a")), "end 1", "end 01", 1), `want "end COUNT"`},
		{"something after the end", list(file("a")) + "x\n", `want "end COUNT" as the last line, got "x"`},
		{"end twice", list(file("a")) + "end 1\n", `want as many entries as lines, 2, got "end 1"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := ParseInventory("inv", []byte(c.text))
			if err == nil {
				t.Fatalf("got %d entries, want it refused", v.Len())
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestInventoryLimits(t *testing.T) {
	big := make([]byte, MaxInventoryBytes+1)
	if _, err := ParseInventory("inv", big); err == nil || !strings.Contains(err.Error(), "at most 268435456 bytes") {
		t.Errorf("M1 a text over the limit: got %v", err)
	}
	lines := []byte("inplace-inventory 1\n" + strings.Repeat("\n", MaxEntries+2))
	if _, err := ParseInventory("inv", lines); err == nil || !strings.Contains(err.Error(), "at most 1048576 entries") {
		t.Errorf("A12 a million empty entries: got %v", err)
	}
}

func TestInventoryListsEveryFault(t *testing.T) {
	_, err := ParseInventory("inv", []byte(list(file("../x"), dir("b"), file("b/c%0a"), file("b/D"), file("b/d"))))
	var faults Errors
	if !errors.As(err, &faults) || len(faults) != 3 {
		t.Fatalf("got %v, want three faults", err)
	}
	for i, line := range []int{2, 4, 6} {
		if faults[i].Line != line {
			t.Errorf("fault %d: got line %d, want %d", i, faults[i].Line, line)
		}
	}
	var first *Error
	if !errors.As(err, &first) || first.Line != 2 || first.Col != 75 {
		t.Errorf("got %+v, want the place of the first fault", first)
	}
}

// TestLongInventory: entries that are related on another core have the same faults, in the
// order of their lines.
func TestLongInventory(t *testing.T) {
	lines := make([]string, 10*lotSize+7)
	for i := range lines {
		lines[i] = file(fmt.Sprintf("f%06d", i))
	}
	good := list(lines...)
	want := map[int]string{}
	spoil := func(i int, line, msg string) {
		lines[i] = line
		want[i+2] = msg
	}
	spoil(0, "f 0944 6 "+helloDigest+" f000000", "mode")
	spoil(lotSize, file(fmt.Sprintf("f%06d", lotSize-1)), "want each path once")
	spoil(3*lotSize+5, file(fmt.Sprintf("f%06d/x", 3*lotSize+4)), "want its parent")
	spoil(5*lotSize-1, file("../x"), "want a clean path")
	spoil(9*lotSize, file("f000000"), "want paths in rising order")
	spoil(len(lines)-1, "f 0644 06 "+helloDigest+" last", "size")
	for range 10 { // which core is how far differs from run to run
		if v, err := ParseInventory("inv", []byte(good)); err != nil || v.Len() != len(lines) {
			t.Fatalf("got %v, want it taken", err)
		}
		_, err := ParseInventory("inv", []byte(list(lines...)))
		var faults Errors
		if !errors.As(err, &faults) || len(faults) != len(want) {
			t.Fatalf("got %v, want %d faults", err, len(want))
		}
		for i, f := range faults {
			if i > 0 && f.Line <= faults[i-1].Line || want[f.Line] == "" || !strings.Contains(f.Msg, want[f.Line]) {
				t.Errorf("got %v, want %q there", f, want[f.Line])
			}
		}
		if _, err := ParseAgain("inv", []byte(list(lines...)), Digest{}); !errors.As(err, &faults) || len(faults) != 3 {
			t.Errorf("again: got %v, want the faults of form", err)
		}
	}
}

func TestBuildInventoryRefuses(t *testing.T) {
	_, err := BuildInventory([]Entry{
		{Path: "dev", Kind: Other},
		{Path: "s", Kind: File, Mode: 0o4755, Digest: DigestOf(nil)},
		{Path: "README", Kind: File, Digest: DigestOf(nil)}, {Path: "readme", Kind: File, Digest: DigestOf(nil)},
		{Path: "x/y", Kind: Dir}, {Path: "../up", Kind: Dir}, {Path: "", Kind: Dir}, {Path: "n", Kind: File, Size: -1, Digest: DigestOf(nil)},
		{Path: "twice", Kind: Dir}, {Path: "twice", Kind: Dir}, {Path: "gone"}, {Path: "l", Kind: Link},
	})
	for _, want := range []string{
		"dev: want a file, a directory or a link, got a special file", "s: want a mode within 0755, got 4755",
		"readme: want names that differ", "x/y: want its parent x", "../up: want a clean path", ": want a path, got an empty",
		"n: want a size of 0 or more", "twice: want each path once", "gone: want a file, a directory or a link, got nothing",
		"l: want a link with a target",
	} {
		if err == nil || !strings.Contains("\n"+err.Error(), "\n"+strings.Replace(want, "got nothing", "got absent", 1)) &&
			!strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a line %q", err, want)
		}
	}
}

// Whatever is taken has one spelling, and A19: cut or flipped texts do no harm.
func FuzzParseInventory(f *testing.F) {
	f.Add([]byte(exampleInventory))
	f.Add([]byte(list(dir("a"), file("a-b"), file("a/b"))))
	f.Add([]byte(list(file("README"), file("readme"))))
	f.Add([]byte(list("l - - x a")))
	f.Add([]byte("inplace-inventory 1\nend 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseInventory("inv", data)
		if err != nil {
			return
		}
		built, err := BuildInventory(entriesOf(v))
		if err != nil {
			t.Fatalf("taken, but cannot be built: %v", err)
		}
		if !bytes.Equal(built.Raw, data) {
			t.Fatalf("got %q, want %q", built.Raw, data)
		}
	})
}

// A19: every cut and every flipped bit of a small inventory is refused or gives
// another digest.
func TestInventoryCutAndFlipped(t *testing.T) {
	whole := []byte(exampleInventory)
	want := DigestOf(whole)
	for i := range whole {
		if v, err := ParseInventory("inv", whole[:i]); err == nil {
			t.Errorf("cut at %d: got %d entries, want it refused", i, v.Len())
		}
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		if v, err := ParseInventory("inv", flipped); err == nil && v.Digest == want {
			t.Errorf("flipped at %d: got the same digest", i)
		}
	}
}

// entriesOf lists the entries of v.
func entriesOf(v *Inventory) []Entry {
	out := []Entry{}
	for i, e := range v.All() {
		if i != len(out) {
			panic("entries out of order")
		}
		out = append(out, e)
	}
	return out
}

// TestInventoryPlaces asks for entries by a place nearby, and for equal lines of two inventories.
func TestInventoryPlaces(t *testing.T) {
	entries := manyEntries(40)
	v, err := BuildInventory(entries)
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Len() {
		for _, near := range []int{-1, 0, i - 5, i - 1, i, i + 1, v.Len() - 1, v.Len() + 3} {
			if got := v.IndexNear(v.PathAt(i), near); got != i {
				t.Fatalf("entry %d near %d: got %d", i, near, got)
			}
		}
	}
	if got := v.IndexNear("no/such/path", 7); got != -1 {
		t.Fatalf("a path that is not listed: got %d", got)
	}
	last := v.Len() - 1
	changed := slices.Clone(entries)
	changed[slices.IndexFunc(changed, func(e Entry) bool { return e.Path == v.PathAt(last) })].Mode ^= 0o111
	other, err := BuildInventory(changed)
	if err != nil {
		t.Fatal(err)
	}
	if !v.SameLine(0, other, 0) || v.SameLine(last, other, last) || v.SameLine(1, other, 0) {
		t.Error("equal lines are those of equal entries alone")
	}
}
