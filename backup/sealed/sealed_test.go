package sealed

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

type sample struct {
	State string            `json:"state"`
	ID    string            `json:"id"`
	Count int64             `json:"count"`
	List  []string          `json:"list,omitempty"`
	Map   map[string]string `json:"map,omitempty"`
}

var full = sample{State: "a: b\n# sha256:x", ID: "20261120", Count: 1 << 60, List: []string{"x", "\n"}, Map: map[string]string{"k": "v"}}

func TestRoundTrip(t *testing.T) {
	data := Marshal("inplace/sample/1", full)
	var got sample
	if err := Unmarshal("sample", "inplace/sample/1", data, &got); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if !reflect.DeepEqual(got, full) {
		t.Fatalf("got %+v, want %+v", got, full)
	}
}

// Each prefix and each flipped byte of a document is refused, and leaves the
// target as it was (row C12).
func TestDamageIsNeverRead(t *testing.T) {
	data := Marshal("inplace/sample/1", full)
	for i := range data {
		torn := bytes.Clone(data[:i])
		flipped := bytes.Clone(data)
		flipped[i] ^= 0x04
		for _, bad := range [][]byte{torn, flipped} {
			var got sample
			if err := Unmarshal("sample", "inplace/sample/1", bad, &got); err == nil {
				t.Fatalf("at byte %d: accepted %q", i, bad)
			}
			if !reflect.DeepEqual(got, sample{}) {
				t.Fatalf("at byte %d: target changed to %+v", i, got)
			}
		}
	}
}

func TestNewerVersionIsNamed(t *testing.T) {
	data := Marshal("inplace/sample/2", full)
	var got sample
	if err := Unmarshal("sample", "inplace/sample/1", data, &got); !errors.Is(err, ErrNewer) {
		t.Fatalf("got %v, want ErrNewer", err)
	}
	other := Marshal("inplace/other/2", full)
	if err := Unmarshal("sample", "inplace/sample/1", other, &got); err == nil || errors.Is(err, ErrNewer) {
		t.Fatalf("another schema: got %v, want a plain refusal", err)
	}
}

func TestUnknownFieldIsRefused(t *testing.T) {
	data := Marshal("inplace/sample/1", struct {
		State string `json:"state"`
		Extra int    `json:"extra"`
	}{"x", 1})
	var got sample
	if err := Unmarshal("sample", "inplace/sample/1", data, &got); err == nil {
		t.Fatal("a field that is not known was accepted")
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(Marshal("inplace/sample/1", full))
	f.Add([]byte("schema: \"inplace/sample/1\"\n# sha256:"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got sample
		if Unmarshal("sample", "inplace/sample/1", data, &got) == nil {
			var again sample
			if err := Unmarshal("sample", "inplace/sample/1", Marshal("inplace/sample/1", got), &again); err != nil || !reflect.DeepEqual(got, again) {
				t.Fatalf("%v: %+v, %+v", err, got, again)
			}
		}
	})
}
