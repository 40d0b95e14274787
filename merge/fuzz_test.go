package merge

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzMerge(f *testing.F) {
	f.Add("a\nb\nc\n", "a1\nb\nc\n", "a\nb\nc1\n")
	f.Add("a\r\nb", "\uFEFFa\nb\n", "a \r\nb\r\nc")
	f.Add("", "x", "y\r")
	f.Add("<<<<<<< x\n", "\xff\x00", "\n\n\n")
	f.Add("a\na\nb\na\n", "a\nb\na\na\n", "b\na\na\n")
	f.Fuzz(func(t *testing.T, base, ours, theirs string) {
		b, o, th := []byte(base), []byte(ours), []byte(theirs)
		r := Merge(b, o, th, Options{})
		swapped := Merge(b, th, o, Options{})
		if len(r.Conflicts) != len(swapped.Conflicts) {
			t.Fatalf("want as many conflicts with the sides swapped, got %d and %d", len(r.Conflicts), len(swapped.Conflicts))
		}
		if !r.Clean() {
			if binary := strings.Contains(base+ours+theirs, "\x00"); binary != (r.Merged == nil) {
				t.Fatalf("want no text exactly for binary, got %q", r.Merged)
			}
			if r.Merged != nil && longestMarker(r.Merged) == 0 {
				t.Fatalf("want markers, got %q", r.Merged)
			}
			return
		}
		if r.Method == MethodLines && longestMarker(r.Merged) > 0 {
			t.Fatalf("want no markers in a clean merge, got %q", r.Merged)
		}
		if base != ours && base != theirs && ours != theirs && strings.HasPrefix(ours, "\uFEFF") != bytes.HasPrefix(r.Merged, bom) {
			t.Fatalf("want the byte order mark of ours, got %q", r.Merged)
		}
	})
}

func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd", 3)
	f.Add("", "\r\n", 0)
	f.Add("a", "a\n", -1)
	f.Fuzz(func(t *testing.T, a, b string, context int) {
		diff := Unified([]byte(a), []byte(b), "a", "b", context%100)
		if (diff == nil) != (a == b) {
			t.Fatalf("want a diff exactly for different texts, got %q", diff)
		}
		if diff == nil || strings.Contains(a+b, "\x00") {
			return
		}
		if got, err := applyUnified(a, string(diff)); err != nil || got != b {
			t.Fatalf("apply %q to %q: want %q, got %q (%v)", diff, a, b, got, err)
		}
	})
}
