package subscription

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func keyOf(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func keysOf(list ...ed25519.PrivateKey) Keys {
	keys := Keys{}
	for _, k := range list {
		pub := k.Public().(ed25519.PublicKey)
		keys[KeyID(pub)] = pub
	}
	return keys
}

func sample() *Subscription {
	return &Subscription{ID: "s1", Customer: "Example Ltd.", Type: Trial, Product: "acme", Channels: []string{"full", "security"},
		Issued: now, NotBefore: now, Expires: now.AddDate(0, 0, TrialDays)}
}

func sign(t *testing.T, s *Subscription, key ed25519.PrivateKey) string {
	t.Helper()
	token, err := Sign(s, key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestRoundTrip(t *testing.T) {
	token := sign(t, sample(), keyOf(1))
	got, err := Verify(token, keysOf(keyOf(2), keyOf(1)), "acme", now)
	if err != nil || !reflect.DeepEqual(got, sample()) {
		t.Fatalf("Verify:\n got %+v, %v\nwant %+v", got, err, sample())
	}
	if err := got.Gives("security"); err != nil {
		t.Error(err)
	}
	var channel *ChannelError
	if err := got.Gives("premium"); !errors.As(err, &channel) || !strings.Contains(err.Error(), "full, security") {
		t.Errorf("Gives(premium): got %v", err)
	}
}

func TestTimes(t *testing.T) {
	s := sample()
	token, keys := sign(t, s, keyOf(1)), keysOf(keyOf(1))
	tests := []struct {
		name string
		at   time.Time
		want error
	}{
		{"a clock a little behind", now.Add(-30 * time.Second), nil},
		{"before", now.Add(-time.Hour), &NotYetError{now}},
		{"last second", s.Expires.Add(-time.Second), nil},
		{"a clock a little ahead", s.Expires.Add(30 * time.Second), nil},
		{"after", s.Expires.Add(time.Hour), &EndedError{"s1", s.Expires}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Verify(token, keys, "acme", tt.at)
			if !reflect.DeepEqual(err, tt.want) || got == nil || got.ID != "s1" {
				t.Errorf("got %+v, %v, want error %v", got, err, tt.want)
			}
		})
	}
	if got := s.DaysLeft(now); got != 14 || s.EndsSoon(now) {
		t.Errorf("at the begin: got %d days, soon %v", got, s.EndsSoon(now))
	}
	if at := now.Add(time.Minute); s.DaysLeft(at) != 14 || !s.EndsSoon(at) {
		t.Errorf("a minute later: got %d days", s.DaysLeft(at))
	}
	if got := s.DaysLeft(s.Expires.Add(-time.Second)); got != 1 {
		t.Errorf("in the last second: got %d days", got)
	}
	if got := s.DaysLeft(now.AddDate(1, 0, 0)); got != 0 {
		t.Errorf("after the end: got %d days", got)
	}
}

// TestForged has what an attacker would try, and what is only broken.
func TestForged(t *testing.T) {
	good := sign(t, sample(), keyOf(1))
	parts := strings.Split(good, ".")
	encode := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	body := claims{jwt.RegisteredClaims{Issuer: "acme", Audience: jwt.ClaimStrings{"acme"}, Subject: "x", ID: "s1", IssuedAt: jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.AddDate(9, 0, 0))}, Paid, []string{"full"}}
	kid := KeyID(keyOf(1).Public().(ed25519.PublicKey))
	hmac := jwt.NewWithClaims(jwt.SigningMethodHS256, body)
	hmac.Header["kid"] = kid
	withPublicKey, err := hmac.SignedString([]byte(keyOf(1).Public().(ed25519.PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	noEnd := body
	noEnd.ExpiresAt = nil
	endless := jwt.NewWithClaims(jwt.SigningMethodEdDSA, noEnd)
	endless.Header["kid"] = kid
	withoutEnd, err := endless.SignedString(keyOf(1))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"empty":                    "",
		"no token":                 "abc",
		"other key":                sign(t, sample(), keyOf(2)),
		"other claims":             parts[0] + "." + encode(body) + "." + parts[2],
		"no signature":             parts[0] + "." + parts[1] + ".",
		"alg none":                 encode(map[string]string{"alg": "none", "kid": kid}) + "." + encode(body) + ".",
		"the public key as HMAC's": withPublicKey,
		"without an end":           withoutEnd,
		"cut":                      good[:len(good)-4],
		"too long":                 good + strings.Repeat("x", MaxTokenBytes),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Verify(token, keysOf(keyOf(1)), "acme", now)
			var invalid *InvalidError
			if !errors.As(err, &invalid) || got != nil {
				t.Errorf("got %+v, %v, want an *InvalidError", got, err)
			}
		})
	}
	var product *ProductError
	if _, err := Verify(good, keysOf(keyOf(1)), "other", now); !errors.As(err, &product) {
		t.Errorf("for another product: got %v", err)
	}
}

func TestCheck(t *testing.T) {
	for name, change := range map[string]func(*Subscription){
		"customer":      func(s *Subscription) { s.Customer = " " },
		"line break":    func(s *Subscription) { s.Customer = "a\nb" },
		"type":          func(s *Subscription) { s.Type = "gold" },
		"channels":      func(s *Subscription) { s.Channels = nil },
		"end of before": func(s *Subscription) { s.Expires = s.NotBefore },
		"product":       func(s *Subscription) { s.Product = "" },
	} {
		s := sample()
		change(s)
		if _, err := Sign(s, keyOf(1)); err == nil {
			t.Errorf("%s: want an error, got none", name)
		}
	}
}

func TestKeys(t *testing.T) {
	want := keysOf(keyOf(1), keyOf(2))
	got, err := ParseKeys(want.Marshal())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
	// The example of RFC 8037, appendix A.2 and A.3.
	got, err = ParseKeys([]byte(`{"keys":[{"kty":"RSA","n":"x"},{"kty":"OKP","crv":"Ed25519","kid":"lie","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	if err != nil || len(got) != 1 || got["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"] == nil {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "[]", `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`} {
		if _, err := ParseKeys([]byte(bad)); err == nil {
			t.Errorf("%q: want an error, got none", bad)
		}
	}
}

func TestRevoked(t *testing.T) {
	want := Revoked{"s1": now, "s0": now.Add(time.Hour)}
	got, err := ParseRevoked(want.Marshal())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
	var revoked *RevokedError
	if err := got.Check(sample()); !errors.As(err, &revoked) || !revoked.Since.Equal(now) {
		t.Errorf("got %v", err)
	}
	if err := got.Check(&Subscription{ID: "s2"}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "{}", `{"schema":"inplace/revoked/2","revoked":[]}`, `{"schema":"inplace/revoked/1","revoked":[],"more":1}`} {
		if _, err := ParseRevoked([]byte(bad)); err == nil {
			t.Errorf("%q: want an error, got none", bad)
		}
	}
}
