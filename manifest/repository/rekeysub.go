package repository

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest/subscription"
)

// SubscriptionKey is the name by which [ChangeKeys] knows the keys that sign subscriptions. They
// are of no role: targets names them. A channel of that name goes first.
const SubscriptionKey = subKey

// changesSubscriptions reports whether opt is about the keys that sign subscriptions, which can be
// replaced all at once and nothing else: one of them is enough to sign.
func (p *publisher) changesSubscriptions(opt KeysOptions) (bool, error) {
	if !slices.Contains(opt.Roles, subKey) || p.thresholdOf(subKey) > 0 {
		return false, nil
	}
	if len(opt.Roles) != 1 || !opt.Rotate || len(opt.Revoke) > 0 || opt.Threshold > 0 {
		return false, &KeysError{subKey, subKey + ": want it rotated by itself, with all its keys, got something else"}
	}
	return true, nil
}

// rotateSubscriptions makes targets name a new key in the place of all that sign subscriptions.
// From the publication on no token of theirs is believed, whoever has signed it and when.
func (p *publisher) rotateSubscriptions() (*RoleChange, error) {
	before, err := subscriptionKeys(roleTargets, p.targets)
	if err != nil {
		return nil, err
	}
	if len(before) == 0 {
		return nil, &NotFoundError{"a key that signs subscriptions"}
	}
	if err := p.load(roleTargets, roleSnapshot, roleTimestamp); err != nil { // before a key is made
		return nil, err
	}
	if err := p.touch(roleTargets); err != nil {
		return nil, err
	}
	key, err := p.keys.create(subKey)
	if err != nil {
		return nil, err
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	after := subscription.Keys{}
	after[subscription.KeyID(public.(ed25519.PublicKey))] = public.(ed25519.PublicKey)
	return &RoleChange{Role: subKey, Threshold: 1, Keys: slices.Collect(maps.Keys(after)), Added: []string{key.file},
		Revoked: slices.Sorted(maps.Keys(before))}, nameSubscriptionKeys(p.targets, after)
}

// showSubscriptionKeys brings the set that gateways read up to what targets names, where there is
// one: the first issue makes it.
func (p *publisher) showSubscriptionKeys(s *store) error {
	if !p.changed[roleTargets] {
		return nil
	}
	set, err := subscriptionKeys(roleTargets, p.targets)
	if err != nil {
		return err
	}
	data, err := s.read(fileSubKeys, subscription.MaxListBytes)
	if isMissing(err) || err == nil && bytes.Equal(data, set.Marshal()) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.put(fileSubKeys, set.Marshal())
}

// signing is the private key that subscriptions are signed with: one that set names. A key of
// another time, which is not named any more, is a *[KeysError] and never named again. Where set is
// empty, or no key is here at all, the key is made.
func (k *keyring) signing(set subscription.Keys) (key ed25519.PrivateKey, fresh bool, err error) {
	names, err := k.files(subKey)
	if err != nil {
		return nil, false, err
	}
	for _, name := range slices.Backward(names) { // that of the last rotation is not the first
		if key, err = k.read(name); err != nil {
			return nil, false, err
		}
		if set[subscription.KeyID(key.Public().(ed25519.PublicKey))] != nil {
			return key, false, nil
		}
	}
	if len(names) > 0 && len(set) > 0 {
		return nil, false, &KeysError{subKey, fmt.Sprintf("%s/%s: want a key that the metadata name for subscriptions, got one that they do not", k.tree.Path(), names[0])}
	}
	_, err = k.private(subKey)
	fresh = errors.Is(err, fs.ErrNotExist)
	key, err = k.privateOrNew(subKey)
	return key, fresh, err
}

// addSubscriptions lists the keys that sign subscriptions, if there are any.
func (l *KeyList) addSubscriptions(p *publisher) error {
	set, err := subscriptionKeys(roleTargets, p.targets)
	if err != nil || len(set) == 0 {
		return err
	}
	r := RoleKeys{subKey, p.targets.Signed.Version, p.targets.Signed.Expires.UTC(), 1, []KnownKey{}}
	return l.add(r, slices.Sorted(maps.Keys(set)), p.keys, func(name string) (string, error) {
		key, err := p.keys.read(name)
		if err != nil {
			return "", err
		}
		return subscription.KeyID(key.Public().(ed25519.PublicKey)), nil
	})
}

// subscriptionChanges says in plain words which keys sign subscriptions in b and not in a, and the
// other way round. What cannot be read is none: clients refuse it.
func subscriptionChanges(a, b *metadata.Metadata[metadata.TargetsType]) []string {
	ids := func(m *metadata.Metadata[metadata.TargetsType]) []string {
		set, _ := subscriptionKeys(roleTargets, m)
		return slices.Sorted(maps.Keys(set))
	}
	return keyChanges(subKey, ids(a), ids(b), 1, 1)
}
