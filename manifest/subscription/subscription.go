// Package subscription has the tokens that give access to updates: who may have which
// channels of a product, and until when.
//
// A token is a JSON Web Token (RFC 7519) signed with Ed25519 (alg EdDSA, RFC 8037), so that
// any gateway can check it with the vendor's key set (RFC 7517) and this package is not
// needed for it. Its claims:
//
//	iss, aud   the product
//	sub        the customer
//	jti        the subscription; what is extended keeps it
//	iat, nbf, exp
//	type       trial or paid
//	channels   names of channels
//
// The package reads no file and no clock.
package subscription

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Type is what kind of subscription it is.
type Type string

// The types there are.
const (
	Trial Type = "trial"
	Paid  Type = "paid"
)

// TrialDays is how long a trial runs unless it is said otherwise.
const TrialDays = 14

// WarnDays is how long before its end a subscription is warned about.
const WarnDays = 14

// MaxTokenBytes is the longest token that is looked at.
const MaxTokenBytes = 8 << 10

// leeway is how far the clocks of those who issue and those who check may differ.
const leeway = time.Minute

// Subscription is what a token says. Times are UTC, whole seconds.
type Subscription struct {
	ID        string    `json:"id"`
	Customer  string    `json:"customer"`
	Type      Type      `json:"type"`
	Product   string    `json:"product"`
	Channels  []string  `json:"channels"` // sorted
	Issued    time.Time `json:"issued"`
	NotBefore time.Time `json:"not_before"`
	Expires   time.Time `json:"expires"`
}

// claims is the form of a token.
type claims struct {
	jwt.RegisteredClaims
	Type     Type     `json:"type"`
	Channels []string `json:"channels"`
}

// Check reports the first thing that is wrong with what is to be issued.
func (s *Subscription) Check() error {
	switch {
	case s.ID == "" || s.Product == "":
		return errors.New("want an ID and a product, got none")
	case strings.TrimSpace(s.Customer) == "" || len(s.Customer) > 200 || strings.ContainsFunc(s.Customer, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("customer: want 1 to 200 characters on one line, got %q", s.Customer)
	case s.Type != Trial && s.Type != Paid:
		return fmt.Errorf("type: want trial or paid, got %q", string(s.Type))
	case len(s.Channels) == 0:
		return errors.New("channels: want at least one, got none")
	case !s.Expires.After(s.NotBefore):
		return fmt.Errorf("want an end after %s, got %s", s.NotBefore.Format(time.RFC3339), s.Expires.Format(time.RFC3339))
	}
	return nil
}

// Sign renders s as a token, signed with key.
func Sign(s *Subscription, key ed25519.PrivateKey) (string, error) {
	if err := s.Check(); err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.Product, Audience: jwt.ClaimStrings{s.Product}, Subject: s.Customer, ID: s.ID,
			IssuedAt: jwt.NewNumericDate(s.Issued), NotBefore: jwt.NewNumericDate(s.NotBefore), ExpiresAt: jwt.NewNumericDate(s.Expires),
		},
		Type: s.Type, Channels: s.Channels,
	})
	t.Header["kid"] = KeyID(key.Public().(ed25519.PublicKey))
	return t.SignedString(key)
}

// Verify reads a token that one of keys has signed for product, "" for any. An error that is about its
// time or its product comes with the subscription, which is then believed but of no use.
//
// Errors: *[InvalidError]; with the subscription *[ProductError], *[NotYetError] and
// *[EndedError].
func Verify(token string, keys Keys, product string, now time.Time) (*Subscription, error) {
	if len(token) > MaxTokenBytes {
		return nil, &InvalidError{fmt.Sprintf("want at most %d bytes, got %d", MaxTokenBytes, len(token))}
	}
	rules := []jwt.ParserOption{jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway), jwt.WithTimeFunc(func() time.Time { return now })}
	if product != "" {
		rules = append(rules, jwt.WithAudience(product))
	}
	var c claims
	var unknown error
	_, err := jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		if key := keys[id]; key != nil {
			return key, nil
		}
		unknown = &InvalidError{fmt.Sprintf("its key %.64q is none that the vendor signs with now", id)}
		return nil, unknown
	}, rules...)
	if unknown != nil {
		return nil, unknown
	}
	if err != nil && !onlyClaims(err) {
		return nil, &InvalidError{strings.TrimPrefix(err.Error(), "token is ")}
	}
	if c.ExpiresAt == nil || c.NotBefore == nil || c.IssuedAt == nil {
		return nil, &InvalidError{"want iat, nbf and exp, got less"}
	}
	s := &Subscription{ID: c.ID, Customer: c.Subject, Type: c.Type, Channels: slices.Clone(c.Channels),
		Issued: c.IssuedAt.UTC(), NotBefore: c.NotBefore.UTC(), Expires: c.ExpiresAt.UTC()}
	slices.Sort(s.Channels)
	if len(c.Audience) > 0 {
		s.Product = c.Audience[0]
	}
	if e := s.Check(); e != nil {
		return nil, &InvalidError{e.Error()}
	}
	switch {
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return s, &ProductError{Want: product, Got: s.Product}
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return s, &NotYetError{s.NotBefore}
	case errors.Is(err, jwt.ErrTokenExpired):
		return s, &EndedError{s.ID, s.Expires}
	case err != nil:
		return nil, &InvalidError{err.Error()}
	}
	return s, nil
}

// onlyClaims reports whether err is about what a token says and not about who has signed it.
func onlyClaims(err error) bool {
	return errors.Is(err, jwt.ErrTokenInvalidClaims) && !errors.Is(err, jwt.ErrTokenRequiredClaimMissing)
}

// Gives reports whether s gives the channel: nil, or a *[ChannelError].
func (s *Subscription) Gives(channel string) error {
	if slices.Contains(s.Channels, channel) {
		return nil
	}
	return &ChannelError{channel, s.Channels}
}

// DaysLeft is how many days are left, the last one counting in full; 0 is after the end.
func (s *Subscription) DaysLeft(now time.Time) int {
	const day = 24 * time.Hour
	return max(0, int((s.Expires.Sub(now)+day-1)/day))
}

// EndsSoon reports whether it is time to warn of the end.
func (s *Subscription) EndsSoon(now time.Time) bool {
	return s.Expires.Sub(now) < WarnDays*24*time.Hour
}
