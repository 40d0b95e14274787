package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// digestPrefix names the algorithm; there is one, so that nothing is negotiated.
const digestPrefix = "sha256:"

// Digest is the SHA-256 of some bytes. The zero Digest means "none".
type Digest [sha256.Size]byte

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// ParseDigest reads "sha256:" and 64 lower-case hexadecimal digits, nothing else.
func ParseDigest(s string) (Digest, error) {
	rest, ok := strings.CutPrefix(s, digestPrefix)
	if !ok {
		return Digest{}, fmt.Errorf("want a digest sha256:..., got %q", printableCut(s))
	}
	return ParseHex(rest)
}

// ParseHex reads a digest without its algorithm: 64 lower-case hexadecimal digits.
func ParseHex(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return Digest{}, fmt.Errorf("want a digest of %d hexadecimal digits, got %d", 2*len(d), len(s))
	}
	if !d.fromHex(s) {
		return Digest{}, fmt.Errorf("want a digest in lower-case hexadecimal digits, got %q", printableCut(s))
	}
	return d, nil
}

// fromHex fills d from s, which has the right length, and reports whether s was
// lower-case hexadecimal.
func (d *Digest) fromHex(s string) bool {
	good := byte(hexDigit)
	for i := range d {
		hi, lo := unhex[s[2*i]], unhex[s[2*i+1]]
		d[i] = hi<<4 | lo&0xf
		good &= hi & lo
	}
	return good == hexDigit
}

// hexDigit marks, in unhex, the bytes that are digits.
const hexDigit = 0x10

// unhex maps a lower-case hexadecimal digit to hexDigit plus its value.
var unhex = [256]byte{
	'0': 0x10, '1': 0x11, '2': 0x12, '3': 0x13, '4': 0x14, '5': 0x15, '6': 0x16, '7': 0x17,
	'8': 0x18, '9': 0x19, 'a': 0x1a, 'b': 0x1b, 'c': 0x1c, 'd': 0x1d, 'e': 0x1e, 'f': 0x1f,
}

// String returns d as ParseDigest reads it.
func (d Digest) String() string { return digestPrefix + d.Hex() }

// Hex returns the 64 digits of d.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// Short returns the first 12 digits of d, for people.
func (d Digest) Short() string { return hex.EncodeToString(d[:6]) }

// IsZero reports whether d is no digest at all.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes d as String does.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
