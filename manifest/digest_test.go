package manifest

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseDigest(t *testing.T) {
	const good = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	d, err := ParseDigest(good)
	if err != nil {
		t.Fatal(err)
	}
	if d != DigestOf(nil) || d.String() != good || d.Hex() != good[7:] || d.Short() != "e3b0c44298fc" || d.IsZero() {
		t.Errorf("got %s, %s, %s, want them to agree with %s", d, d.Hex(), d.Short(), good)
	}
	for _, c := range []struct{ name, text string }{
		{"M8 empty", ""},
		{"M8 no algorithm", good[7:]},
		{"M8 short", good[:len(good)-1]},
		{"M8 long", good + "0"},
		{"M8 upper case", "sha256:" + strings.ToUpper(good[7:])},
		{"M8 upper-case algorithm", "SHA256:" + good[7:]},
		{"M8 MD5", "md5:d41d8cd98f00b204e9800998ecf8427e"},
		{"M8 another algorithm", "sha512:" + good[7:]},
		{"M8 MD5 under this name", "sha256:d41d8cd98f00b204e9800998ecf8427e"},
		{"M8 no digit", "sha256:g" + good[8:]},
		{"M8 a space", "sha256: " + good[8:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d, err := ParseDigest(c.text); err == nil {
				t.Errorf("ParseDigest(%q) = %s, want it refused", c.text, d)
			}
		})
	}
	if _, err := ParseHex(good); err == nil {
		t.Error("ParseHex takes an algorithm, want it refused")
	}
}

func TestDigestInJSON(t *testing.T) {
	in := map[string]Digest{"d": DigestOf([]byte("x"))}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]Digest
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if out["d"] != in["d"] {
		t.Errorf("got %s, want %s", out["d"], in["d"])
	}
	if err := json.Unmarshal([]byte(`{"d":"sha256:00"}`), &out); err == nil {
		t.Error("a short digest is taken, want it refused")
	}
}
