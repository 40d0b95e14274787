package repository

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"inplace/manifest"
)

func sampleTrust() *TrustState {
	return &TrustState{
		Roots: [][]byte{[]byte("one"), []byte("two")}, Timestamp: []byte("t"), Snapshot: []byte("s"), Targets: []byte("x"),
		Roles: map[string][]byte{"full": []byte("f"), "beta": []byte("b")}, Newest: time.Date(2026, 11, 20, 10, 0, 0, 7, time.UTC),
	}
}

func TestTrustStateKeeps(t *testing.T) {
	for _, s := range []*TrustState{sampleTrust(), {Roots: [][]byte{[]byte("only")}}} {
		data := s.Marshal()
		got, err := ParseTrustState("state", data)
		must(t, err)
		if !bytes.Equal(got.Marshal(), data) || len(got.Roots) != len(s.Roots) || !got.Newest.Equal(s.Newest.Truncate(time.Second)) {
			t.Errorf("want %+v, got %+v", s, got)
		}
		if !bytes.HasPrefix(data, []byte("inplace-trust 1\n{")) || strings.Count(string(data), "\n") != 3 {
			t.Errorf("document %q", data)
		}
	}
}

// Every cut and every changed byte is an error that names the document.
func TestTrustStateDamaged(t *testing.T) {
	data := sampleTrust().Marshal()
	check := func(name string, bad []byte) {
		t.Helper()
		_, err := ParseTrustState("updates/trust/state", bad)
		wantUntrusted(t, name, err, BadState)
		if err != nil && !strings.HasPrefix(err.Error(), "updates/trust/state: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range data {
		check(fmt.Sprintf("cut at %d", i), data[:i])
		bad := bytes.Clone(data)
		bad[i] ^= 0x20
		check(fmt.Sprintf("byte %d", i), bad)
	}
	check("doubled", append(bytes.Clone(data), data...))
	check("with CRLF", bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")))
	sign := func(text string) []byte {
		return fmt.Appendf([]byte(text), "%s\n", manifest.DigestOf([]byte(text)))
	}
	check("newer", sign("inplace-trust 2\nwhatever\n"))
	check("no roots", sign("inplace-trust 1\n{}\n"))
	check("unknown field", sign(`inplace-trust 1`+"\n"+`{"roots":["AA=="],"more":1}`+"\n"))
	check("two objects", sign(`inplace-trust 1`+"\n"+`{"roots":["AA=="]}{}`+"\n"))
	check("no object", sign("inplace-trust 1\n"))
	check("a version of its own", sign("inplace-trust 01\n{\"roots\":[\"AA==\"]}\n"))
	if _, err := ParseTrustState("s", sign("inplace-trust 2\nwhatever\n")); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("a newer document is not refused by its version: %v", err)
	}
}

func FuzzParseTrustState(f *testing.F) {
	f.Add(sampleTrust().Marshal())
	f.Add([]byte("inplace-trust 1\n{\"roots\":[\"AA==\"]}\nsha256:"))
	f.Add([]byte("inplace-trust 2\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		// The digest at the end would keep the fuzzer out: try the body as well.
		signed := fmt.Appendf(bytes.Clone(data), "%s\n", manifest.DigestOf(data))
		for _, doc := range [][]byte{data, signed} {
			s, err := ParseTrustState("state", doc)
			if err != nil {
				wantUntrusted(t, "fuzzed", err, BadState)
				continue
			}
			again, err := ParseTrustState("state", s.Marshal())
			if err != nil || !bytes.Equal(again.Marshal(), s.Marshal()) {
				t.Errorf("%q does not survive writing: %v", doc, err)
			}
		}
	})
}
