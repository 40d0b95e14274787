package subscription

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// MaxListBytes is the largest key set or list of revoked subscriptions that is read.
const MaxListBytes = 4 << 20

// Keys are public keys by their IDs.
type Keys map[string]ed25519.PublicKey

// KeyID is the ID of a public key: its JWK thumbprint (RFC 7638), in base64url.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// jwk is one key of a key set; of what others may write into it the rest is passed over.
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	Kid string `json:"kid"`
	Alg string `json:"alg,omitempty"`
	Use string `json:"use,omitempty"`
	X   string `json:"x"`
}

type jwks struct {
	Keys []jwk `json:"keys"`
}

// Marshal renders keys as a JSON Web Key Set, sorted by ID.
func (k Keys) Marshal() []byte {
	var set jwks
	for _, id := range slices.Sorted(maps.Keys(k)) {
		set.Keys = append(set.Keys, jwk{Kty: "OKP", Crv: "Ed25519", Kid: id, Alg: "EdDSA", Use: "sig", X: base64.RawURLEncoding.EncodeToString(k[id])})
	}
	return indented(set)
}

// ParseKeys reads a key set. Keys of other kinds are passed over: a gateway may have them. An ID
// is what the key is, never what the set calls it.
func ParseKeys(data []byte) (Keys, error) {
	var set jwks
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("want a JSON Web Key Set: %w", err)
	}
	keys := Keys{}
	for i, k := range set.Keys {
		if k.Kty != "OKP" || k.Crv != "Ed25519" {
			continue
		}
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("key %d: want %d bytes in base64url, got %q", i, ed25519.PublicKeySize, k.X)
		}
		keys[KeyID(x)] = x
	}
	return keys, nil
}

const revokedSchema = "inplace/revoked/1"

// Revoked is when which subscriptions were taken back, by ID.
type Revoked map[string]time.Time

type revokedList struct {
	Schema  string     `json:"schema"`
	Revoked []revoked1 `json:"revoked"`
}

type revoked1 struct {
	ID    string    `json:"id"`
	Since time.Time `json:"since"`
}

// Check reports whether s was taken back: nil, or a *[RevokedError].
func (r Revoked) Check(s *Subscription) error {
	if since, ok := r[s.ID]; ok {
		return &RevokedError{s.ID, since}
	}
	return nil
}

// Marshal renders the list, sorted by ID.
func (r Revoked) Marshal() []byte {
	list := revokedList{revokedSchema, []revoked1{}}
	for _, id := range slices.Sorted(maps.Keys(r)) {
		list.Revoked = append(list.Revoked, revoked1{id, r[id].UTC()})
	}
	return indented(list)
}

// ParseRevoked reads a list.
func ParseRevoked(data []byte) (Revoked, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var list revokedList
	if err := d.Decode(&list); err != nil {
		return nil, err
	}
	if list.Schema != revokedSchema {
		return nil, fmt.Errorf("schema: want %q, got %q", revokedSchema, list.Schema)
	}
	r := Revoked{}
	for _, e := range list.Revoked {
		r[e.ID] = e.Since
	}
	return r, nil
}

func indented(v any) []byte {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // strings and times only
	}
	return append(data, '\n')
}
