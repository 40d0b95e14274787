package repository

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"inplace/manifest/subscription"
)

// The vendor's side of subscriptions. The key that signs them, and the ledger of who has what,
// lie beside the private keys; what is needed to check a token, the public key and the list
// of those taken back, lies in the repository, for every server and gateway before it.
const (
	subKey       = "subscription"
	fileLedger   = "subscriptions.jsonl"
	ledgerSchema = "inplace/subscriptions/1"

	maxLedger = 64 << 20
)

// ErrNoSubscription is returned for an ID that was never issued.
var ErrNoSubscription = errors.New("no such subscription")

// SubscribeOptions say where subscriptions are kept.
type SubscribeOptions struct {
	Dir        string // the repository
	KeysDir    string // the private keys; the one for subscriptions is made at first use
	Passphrase []byte // as in [InitOptions]
	Now        time.Time
	Expiry     Expiry // of the metadata that names a new key

	fault func(op, path string) error
}

// Entry is a subscription as the ledger has it.
type Entry struct {
	subscription.Subscription
	Revoked time.Time `json:"revoked,omitzero"`
	Reason  string    `json:"reason,omitempty"` // why it was revoked
}

// State is in a word how things stand with e.
func (e *Entry) State(now time.Time) string {
	switch {
	case !e.Revoked.IsZero():
		return "revoked"
	case now.Before(e.NotBefore):
		return "not yet"
	case !now.Before(e.Expires):
		return "ended"
	}
	return "active"
}

// Issued is a subscription and the token that its customer gets.
type Issued struct {
	Subscription subscription.Subscription
	Token        string
	NewKey       bool // the key that signs subscriptions was made just now
}

// Issue issues a subscription: of s it fills in the ID, the product and the time. What was
// interrupted has given nobody a token.
func Issue(opt SubscribeOptions, s subscription.Subscription) (out *Issued, err error) {
	err = subscribe(opt, true, func(w *subscribing) error {
		random := make([]byte, 8)
		if _, err := rand.Read(random); err != nil {
			return err
		}
		s.ID = hex.EncodeToString(random)
		out, err = w.issue(s)
		return err
	})
	return out, err
}

// Change is what [Extend] changes; what is zero stays.
type Change struct {
	Expires  time.Time
	Type     subscription.Type
	Channels []string
}

// Extend issues a new token for the subscription id: the same identity with another end, and
// other terms where c has them. The token before stays good until its own end. Errors:
// [ErrNoSubscription], *[subscription.RevokedError].
func Extend(opt SubscribeOptions, id string, c Change) (out *Issued, err error) {
	err = subscribe(opt, true, func(w *subscribing) error {
		e, err := w.find(id)
		if err != nil {
			return err
		}
		if !e.Revoked.IsZero() {
			return &subscription.RevokedError{ID: id, Since: e.Revoked}
		}
		s := e.Subscription
		if !c.Expires.IsZero() {
			s.Expires = c.Expires
		}
		if c.Type != "" {
			s.Type = c.Type
		}
		if len(c.Channels) > 0 {
			s.Channels = c.Channels
		}
		out, err = w.issue(s)
		return err
	})
	return out, err
}

// Revoke takes the subscription id back, with all its tokens: servers that read the list in the
// repository refuse them from then on. Once revoked it stays so. Errors: [ErrNoSubscription].
func Revoke(opt SubscribeOptions, id, reason string) (out *Entry, err error) {
	err = subscribe(opt, false, func(w *subscribing) error {
		e, err := w.find(id)
		if err != nil {
			return err
		}
		if e.Revoked.IsZero() {
			e.Revoked, e.Reason = opt.Now.UTC().Truncate(time.Second), reason
		}
		out = e
		if err := w.save(); err != nil {
			return err
		}
		return w.putRevoked()
	})
	return out, err
}

// Subscriptions lists the ledger, the oldest first. It needs no passphrase.
func Subscriptions(opt SubscribeOptions) (list []Entry, err error) {
	keys, err := openKeys(opt.KeysDir, nil, false, nil)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	return readLedger(keys)
}

// subscribing is one run that changes subscriptions.
type subscribing struct {
	s       *store
	keys    *keyring
	now     time.Time
	expiry  Expiry
	product string
	ledger  []Entry
}

func subscribe(opt SubscribeOptions, signs bool, fn func(*subscribing) error) error {
	if signs && opt.Passphrase == nil {
		return fmt.Errorf("%s: %w", opt.KeysDir, ErrNoPassphrase)
	}
	keys, err := openKeys(opt.KeysDir, opt.Passphrase, false, opt.fault)
	if err != nil {
		return err
	}
	defer keys.close()
	s, err := openStore(opt.Dir, opt.fault)
	if err != nil {
		return err
	}
	defer s.close()
	product, err := s.product()
	if err != nil {
		return pathFirst(opt.Dir, err)
	}
	w := &subscribing{s: s, keys: keys, now: opt.Now.UTC().Truncate(time.Second), expiry: opt.Expiry, product: product}
	if w.ledger, err = readLedger(keys); err != nil {
		return err
	}
	if err := fn(w); err != nil {
		return err
	}
	s.done = true
	return nil
}

func (w *subscribing) find(id string) (*Entry, error) {
	for i := range w.ledger {
		if w.ledger[i].ID == id {
			return &w.ledger[i], nil
		}
	}
	return nil, fmt.Errorf("%s: %w", id, ErrNoSubscription)
}

// issue makes the token of s. The key is published before the first token that needs it,
// and the ledger knows of each token before anybody can have it.
func (w *subscribing) issue(s subscription.Subscription) (*Issued, error) {
	s.Product, s.Issued = w.product, w.now
	s.NotBefore, s.Expires = s.NotBefore.UTC().Truncate(time.Second), s.Expires.UTC().Truncate(time.Second)
	s.Channels = slices.Compact(slices.Sorted(slices.Values(s.Channels)))
	for _, c := range s.Channels {
		if err := CheckChannel(c); err != nil {
			return nil, err
		}
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	state, err := loadPublished(w.s)
	if err != nil {
		return nil, err
	}
	set, err := subscriptionKeys(roleTargets, state.targets)
	if err != nil {
		return nil, err
	}
	key, fresh, err := w.keys.signing(set)
	if err != nil {
		return nil, err
	}
	if err := w.publishKey(state, set, key.Public().(ed25519.PublicKey)); err != nil {
		return nil, err
	}
	token, err := subscription.Sign(&s, key)
	if err != nil {
		return nil, err
	}
	if e, err := w.find(s.ID); err == nil {
		e.Subscription = s
	} else {
		w.ledger = append(w.ledger, Entry{Subscription: s})
	}
	return &Issued{s, token, fresh}, w.save()
}

// publishKey makes the targets role name a public key, and puts it into the set that
// gateways read; beside that a list of what is revoked, so that neither is missing where the
// other is.
func (w *subscribing) publishKey(state *published, set subscription.Keys, key ed25519.PublicKey) error {
	id := subscription.KeyID(key)
	if _, named := set[id]; !named {
		set[id] = key
		p := newPublisher(state, w.keys, w.now, w.expiry)
		if err := p.touch(roleTargets); err != nil {
			return err
		}
		if err := nameSubscriptionKeys(state.targets, set); err != nil {
			return err
		}
		if err := p.publish(w.s); err != nil {
			return err
		}
	}
	want := set.Marshal()
	data, err := w.s.read(fileSubKeys, subscription.MaxListBytes)
	if err != nil && !isMissing(err) {
		return err
	}
	if bytes.Equal(data, want) {
		return nil
	}
	if err := w.putRevoked(); err != nil {
		return err
	}
	return w.s.put(fileSubKeys, want)
}

func (w *subscribing) putRevoked() error {
	list := subscription.Revoked{}
	for i := range w.ledger {
		if e := &w.ledger[i]; !e.Revoked.IsZero() {
			list[e.ID] = e.Revoked
		}
	}
	return w.s.put(fileRevoked, list.Marshal())
}

func (w *subscribing) save() error {
	var buf bytes.Buffer
	lines := json.NewEncoder(&buf)
	if err := lines.Encode(map[string]string{"schema": ledgerSchema}); err != nil {
		return err
	}
	for i := range w.ledger {
		if err := lines.Encode(&w.ledger[i]); err != nil {
			return err
		}
	}
	if err := w.keys.tree.WriteState(fileLedger, buf.Bytes(), 0o600); err != nil {
		return fmt.Errorf("%s/%w", w.keys.tree.Path(), err)
	}
	return nil
}

func readLedger(keys *keyring) ([]Entry, error) {
	data, err := keys.tree.ReadState(fileLedger, maxLedger)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s/%w", keys.tree.Path(), err)
	}
	bad := func(n int, err error) error { return fmt.Errorf("%s/%s:%d: %w", keys.tree.Path(), fileLedger, n, err) }
	var list []Entry
	n := 0
	for line := range bytes.Lines(data) {
		if n++; n == 1 {
			var head struct{ Schema string }
			if err := json.Unmarshal(line, &head); err != nil || head.Schema != ledgerSchema {
				return nil, bad(n, fmt.Errorf("schema: want %q, got %q", ledgerSchema, head.Schema))
			}
			continue
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, bad(n, err)
		}
		list = append(list, e)
	}
	return list, nil
}
