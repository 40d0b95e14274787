package backup

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"inplace/manifest"
)

// sampleEntries has each class, kind and odd name, in the order of the list.
func sampleEntries() []Entry {
	file := State{Kind: File, Mode: 0o640, UID: 1000, GID: 0, MTime: 1_700_000_000_000_000_001, Size: 1 << 40, Digest: manifest.DigestOf([]byte("x"))}
	dir := State{Kind: Dir, Mode: 0o755, UID: -1, GID: -1, MTime: -5}
	link := State{Kind: Link, UID: 1, GID: 2, MTime: 3, Target: "../a b:c%\n\xff"}
	none, whole := State{Kind: Absent}, State{Kind: Whole}
	return []Entry{
		{Class: Product, Slot: 0, Old: file, New: link, Path: "-rf"},
		{Class: Product, Slot: NoSlot, Old: dir, New: none, Path: "a b/\xff%41\n"},
		{Class: Product, Slot: 1 << 20, Old: whole, New: none, Path: "end 7"},
		{Class: Record, Slot: 7, Old: none, New: file, Path: "updates/installed"},
		{Class: Touched, Slot: NoSlot, Old: dir, New: dir, Path: RootPath},
		{Class: Touched, Slot: NoSlot, Old: dir, New: dir, Path: "lib"},
		{Class: Config, Slot: 2, Old: file, New: none, Path: "conf/x"},
	}
}

func TestEntriesRoundTrip(t *testing.T) {
	want := sampleEntries()
	shuffled := slices.Clone(want)
	slices.Reverse(shuffled)
	raw := MarshalEntries(shuffled)
	got, err := ParseEntries("entries", raw)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v\n%s", got, want, raw)
	}
	if again := MarshalEntries(got); !bytes.Equal(again, raw) {
		t.Fatalf("got\n%s\nwant\n%s", again, raw)
	}
	for i := range raw { // torn anywhere
		if _, err := ParseEntries("entries", raw[:i]); err == nil {
			t.Fatalf("the first %d of %d bytes were taken for a list", i, len(raw))
		}
	}
}

func TestReversed(t *testing.T) {
	for _, e := range sampleEntries() {
		e.Before.Exists = true
		r := e.Reversed()
		if r.Old != e.New || r.New != e.Old || r.Before.Exists || r.Path != e.Path || r.Slot != e.Slot {
			t.Errorf("%s: got %+v", e.Path, r)
		}
	}
}

func TestEntriesRefused(t *testing.T) {
	hex := strings.Repeat("a", 64)
	good := "p 0 f:644:0:0:0:1:" + hex + " - a"
	for _, c := range []struct{ name, line, want string }{
		{"good", good, ""},
		{"unknown class", "q 0 - - a", "want CLASS SLOT"},
		{"field missing", "p 0 - a", "want CLASS SLOT"},
		{"field too many", "p 0 - - a b", "want CLASS SLOT"},
		{"two spaces", "p  0 - - a", "want CLASS SLOT"},
		{"slot below zero", "p -1 - - a", "slot: want a number"},
		{"slot with a sign", "p +1 - - a", "slot: want a number"},
		{"slot with zeros", "p 01 - - a", "slot: want a number"},
		{"slot too large", "p 2147483649 - - a", "slot: want a number"},
		{"unknown kind", "p 0 z - a", "want a state"},
		{"kind with nothing", "p 0 f - a", "want a state"},
		{"setuid", strings.Replace(good, ":644", ":4755", 1), "want a state"},
		{"decimal mode", strings.Replace(good, ":644", ":689", 1), "want a state"},
		{"owner with a sign", strings.Replace(good, ":644:0", ":644:+0", 1), "want a state"},
		{"size below zero", strings.Replace(good, ":1:", ":-1:", 1), "want a state"},
		{"time too large", "p - d:755:0:0:9223372036854775808 - a", "want a state"},
		{"short digest", strings.TrimSuffix(good, "a - a") + " - a", "64 hexadecimal"},
		{"upper-case digest", strings.Replace(good, "aaaa", "AAAA", 1), "AAAA"},
		{"path above", "p 0 - - ../a", ".."},
		{"path from the root", "p 0 - - /etc/passwd", "/"},
		{"path empty", "p 0 - - ", ""},
		{"path is the root", "p 0 - - .", "."},
		{"escape not needed", "p 0 - - %41", "%41"},
		{"escape in lower case", "p 0 - - %0a", "%0a"},
		{"escape cut short", "p 0 - - a%4", "%4"},
		{"raw control byte", "p 0 - - a\x01", "\\x01"},
	} {
		data := "inplace-entries 1\n" + c.line + "\nend 1\n"
		_, err := ParseEntries("list", []byte(data))
		if c.name == "good" {
			must(t, err)
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "list:2: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want list:2: ... %s", c.name, err, c.want)
		}
	}
	for _, data := range []string{
		"", "\n", "inplace-entries 2\nend 0\n", "inplace-entries 1\n", "inplace-entries 1\nend 1\n", "inplace-entries 1\nend 0",
		"inplace-entries 1\nend 00\n", "inplace-entries 1\nend 0\n\n", "inplace-entries 1\r\nend 0\r\n", "\xef\xbb\xbfinplace-entries 1\nend 0\n",
		"inplace-entries 1\n" + good + "\nend 2\n", "inplace-entries 1\n" + good + "\nend 1\n" + good + "\n",
	} {
		if got, err := ParseEntries("list", []byte(data)); err == nil {
			t.Errorf("%q: got %v, want an error", data, got)
		}
	}
}

// A list that promises millions of lines and is none costs no memory.
func TestEntriesBounded(t *testing.T) {
	data := append([]byte("inplace-entries 1\n"), bytes.Repeat([]byte("\n"), 4<<20)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ParseEntries("list", data); err == nil {
		t.Fatal("taken for a list")
	}
	runtime.ReadMemStats(&after)
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(64<<20); got > limit {
		t.Fatalf("%d bytes allocated, want at most %d", got, limit)
	}
}

func FuzzParseEntries(f *testing.F) {
	f.Add(MarshalEntries(sampleEntries()))
	f.Add([]byte("inplace-entries 1\nend 0\n"))
	f.Add(fmt.Appendf(nil, "inplace-entries 1\np - d:0:0:0:0 t .a\nm - - - .\nend 2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := ParseEntries("list", data)
		if err != nil {
			return
		}
		// What is taken is spelt in the one way in which it is written; only the order
		// may differ.
		want := strings.Split(string(data), "\n")
		got := strings.Split(string(MarshalEntries(entries)), "\n")
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
		_ = restoreScript(testHead(), entries)
	})
}

// TestTakesRoom: no entry that is to be counted is passed over, and files of configuration that
// are not copied are.
func TestTakesRoom(t *testing.T) {
	file := State{Kind: File, Mode: 0o644, Size: 7}
	for _, c := range []struct {
		e    Entry
		want bool
	}{
		{Entry{Class: Config, Slot: 3, Path: "a", Old: file, New: State{Kind: Absent}}, true},
		{Entry{Class: Data, Slot: 0, Path: "a", Old: file, New: State{Kind: Absent}}, true},
		{Entry{Class: Product, Slot: 12, Path: "a", Old: State{Kind: Whole}, New: State{Kind: Absent}}, true},
		{Entry{Class: Config, Slot: NoSlot, Path: "a b", Old: file, New: State{Kind: Absent}}, false},
		{Entry{Class: Product, Slot: 1, Path: "a t b", Old: file, New: file}, false},
		{Entry{Class: Record, Slot: 1, Path: "a", Old: file, New: file}, false},
	} {
		if line := c.e.append(nil); takesRoom(line) != c.want {
			t.Errorf("%s: want %v", line, c.want)
		}
	}
}
