package repository

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"inplace/manifest"
)

// TrustState is what an installation has come to trust: every root since the first,
// and the newest metadata seen of each role, byte for byte as it was signed. A
// [Client] only ever moves it forward; storing it is the caller's.
//
// Its document is self-contained:
//
//	inplace-trust 1
//	{"roots":["BASE64",...],"timestamp":"BASE64","snapshot":"BASE64",
//	 "targets":"BASE64","roles":{"full":"BASE64"},"newest":"2026-11-20T10:00:00Z"}
//	sha256:HEX
//
// The JSON is one line. The last line is the digest of everything before it, so that
// a torn or edited document is noticed: losing the state quietly would mean losing
// the protection against rollback.
type TrustState struct {
	// Roots are N.root.json, (N+1).root.json, ...: at least one, oldest first.
	Roots [][]byte `json:"roots"`
	// The newest metadata seen; empty when none was.
	Timestamp []byte `json:"timestamp,omitempty"`
	Snapshot  []byte `json:"snapshot,omitempty"`
	Targets   []byte `json:"targets,omitempty"`
	// Roles holds the role of each channel, by name.
	Roles map[string][]byte `json:"roles,omitempty"`
	// Newest is the latest signed time seen: it is never earlier than that.
	Newest time.Time `json:"newest,omitzero"`
}

const (
	trustHeader  = "inplace-trust "
	trustVersion = 1
	// MaxTrustBytes is the longest trust state that is read.
	MaxTrustBytes = 64 << 20
)

// Marshal renders t; equal states give equal bytes.
func (t *TrustState) Marshal() []byte {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "%s%d\n", trustHeader, trustVersion)
	c := *t
	if !c.Newest.IsZero() {
		c.Newest = c.Newest.UTC().Truncate(time.Second)
	}
	if err := json.NewEncoder(&buf).Encode(&c); err != nil {
		panic(err) // byte strings and a year of four digits always encode
	}
	fmt.Fprintf(&buf, "%s\n", manifest.DigestOf(buf.Bytes()))
	return buf.Bytes()
}

// ParseTrustState reads what Marshal has written; name is what errors call it. Every
// error is an *[UntrustedError] with Why BadState, a document of a newer program
// included: it is refused by its version and never guessed at.
func ParseTrustState(name string, data []byte) (*TrustState, error) {
	bad := func(msg string, err error) (*TrustState, error) {
		return nil, &UntrustedError{Path: name, Why: BadState, Msg: msg, Err: err}
	}
	if len(data) > MaxTrustBytes {
		return bad(fmt.Sprintf("want at most %d bytes, got %d", MaxTrustBytes, len(data)), nil)
	}
	first, rest, ok := bytes.Cut(data, []byte("\n"))
	digits, isTrust := bytes.CutPrefix(first, []byte(trustHeader))
	if !ok || !isTrust {
		return bad("not a trust state: want first line \""+trustHeader+"1\"", nil)
	}
	version, err := strconv.ParseUint(string(digits), 10, 31)
	if err != nil || strconv.FormatUint(version, 10) != string(digits) || version == 0 {
		return bad("not a trust state: the version is not a number", nil)
	}
	if version != trustVersion {
		return bad(fmt.Sprintf("version %d is of a newer program, this one reads %d", version, trustVersion), nil)
	}
	cut := bytes.LastIndexByte(bytes.TrimSuffix(rest, []byte("\n")), '\n') + 1
	if cut == 0 || rest[len(rest)-1] != '\n' {
		return bad("torn: the last line is missing", nil)
	}
	body, last := rest[:cut], rest[cut:len(rest)-1]
	want, err := manifest.ParseDigest(string(last))
	if err != nil {
		return bad("torn or edited: the last line is no digest", nil)
	}
	if got := manifest.DigestOf(data[:len(data)-len(last)-1]); got != want {
		return bad(fmt.Sprintf("torn or edited: want %s, got %s", want, got), nil)
	}
	t := &TrustState{}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(t); err != nil {
		return bad("malformed", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return bad("malformed: want one JSON object", nil)
	}
	if len(t.Roots) == 0 {
		return bad("malformed: want at least one root", nil)
	}
	return t, nil
}

// Fingerprint names the first root, which everything else follows from: the SHA-256
// of that file, as `sha256sum metadata/1.root.json` prints it for the vendor.
func (t *TrustState) Fingerprint() string {
	if len(t.Roots) == 0 {
		return ""
	}
	d := manifest.DigestOf(t.Roots[0])
	return hex.EncodeToString(d[:])
}

// clone copies t, but not the metadata itself, which nobody changes.
func (t *TrustState) clone() *TrustState {
	c := *t
	c.Roots = slices.Clone(t.Roots)
	c.Roles = maps.Clone(t.Roles)
	if c.Roles == nil {
		c.Roles = map[string][]byte{}
	}
	return &c
}

// current is the newest metadata seen of each role but root and timestamp, by its path in the
// repository.
func (t *TrustState) current() (map[string][]byte, error) {
	roles := map[string][]byte{roleTargets: t.Targets, roleSnapshot: t.Snapshot}
	maps.Copy(roles, t.Roles)
	out := map[string][]byte{}
	for name, data := range roles {
		n, err := signedVersion(data)
		if err != nil {
			return nil, &UntrustedError{Path: "trust state: " + name, Why: BadState, Msg: "has no version", Err: err}
		}
		out[metadataPath(name, n)] = data
	}
	return out, nil
}

// Levels are the update levels of each channel, rising, as the newest metadata in t
// lists them. They are not verified here: for suggestions, not for decisions.
func (t *TrustState) Levels() map[string][]int64 {
	out := map[string][]int64{}
	for channel, data := range t.Roles {
		var role struct {
			Signed struct {
				Targets map[string]json.RawMessage `json:"targets"`
			} `json:"signed"`
		}
		if json.Unmarshal(data, &role) != nil {
			continue
		}
		levels := []int64{}
		for name := range role.Signed.Targets {
			if level, ok := targetLevel(channel, name); ok {
				levels = append(levels, level)
			}
		}
		slices.Sort(levels)
		out[channel] = levels
	}
	return out
}
