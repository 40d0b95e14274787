package repository

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"inplace/manifest"
)

// KeysOptions say how the keys of roles are to change.
type KeysOptions struct {
	EditOptions
	Roles     []string // "root", "targets", "snapshot", "timestamp" or channels; [SubscriptionKey]
	Add       bool     // a further key for each role
	Rotate    bool     // a new key in the place of each that is revoked; of all, where Revoke is empty
	Revoke    []string // IDs, or the first digits of them; with one role only
	Threshold int      // how many keys must sign from now on; 0: as many as before
}

// KeysChanged says what ChangeKeys has done.
type KeysChanged struct {
	Roles        []RoleChange `json:"roles"`
	AlreadyThere bool         `json:"already_there"` // nothing was to be done
}

// RoleChange is how the keys of one role have changed.
type RoleChange struct {
	Role      string   `json:"role"`
	Threshold int      `json:"threshold"`
	Keys      []string `json:"keys"`    // all that count now, by ID
	Added     []string `json:"added"`   // files of the private keys that were made
	Revoked   []string `json:"revoked"` // IDs
}

// ChangeKeys adds, replaces and revokes keys, and sets thresholds. The keys of the four
// roles stand in root, those of a channel in targets; that is signed by the keys that
// counted before and by those that count from now on, and so is each role whose keys
// change, at once, so that clients of before and of after believe it. Old keys of such a
// role may be missing, but not those of root: then clients that ask between two writes
// have to ask again.
//
// What nobody could sign any more is refused with a *[KeysError] before anything is
// written, the new key included. Run again after an interruption it makes the change
// once more, with a key of its own.
func ChangeKeys(opt KeysOptions) (*KeysChanged, error) {
	out := &KeysChanged{AlreadyThere: true}
	err := edit(opt.EditOptions, func(s *store, p *publisher) error {
		subscriptions, err := p.changesSubscriptions(opt)
		if err != nil {
			return err
		}
		if subscriptions {
			c, err := p.rotateSubscriptions()
			if err != nil {
				return err
			}
			out.Roles, out.AlreadyThere = []RoleChange{*c}, false
			return p.publish(s)
		}
		if out.Roles, err = p.planKeys(opt); err != nil {
			return err
		}
		for i := range out.Roles {
			if c := &out.Roles[i]; opt.Add || len(c.Revoked) > 0 || c.Threshold != p.thresholdOf(c.Role) {
				out.AlreadyThere = false
			}
		}
		if out.AlreadyThere {
			return nil
		}
		if err := p.needs(opt.Roles); err != nil {
			return err
		}
		for i := range out.Roles {
			if err := p.rekey(&out.Roles[i], opt); err != nil {
				return err
			}
		}
		return p.publish(s)
	})
	return out, err
}

// planKeys checks what is asked for and finds the keys that are to go.
func (p *publisher) planKeys(opt KeysOptions) ([]RoleChange, error) {
	if len(opt.Revoke) > 0 && len(opt.Roles) != 1 {
		return nil, fmt.Errorf("want one role to revoke a key of, got %d", len(opt.Roles))
	}
	var list []RoleChange
	for _, role := range opt.Roles {
		ids, threshold := p.wanted(role, p.root)
		if threshold == 0 {
			return nil, &NotFoundError{"role " + role}
		}
		c := RoleChange{Role: role, Threshold: cmp.Or(opt.Threshold, threshold), Keys: ids, Added: []string{}, Revoked: []string{}}
		for _, id := range opt.Revoke {
			full, err := findKey(role, ids, id)
			if err != nil {
				return nil, err
			}
			c.Revoked = append(c.Revoked, full)
		}
		if opt.Rotate && len(opt.Revoke) == 0 {
			c.Revoked = slices.Clone(ids)
		}
		left := len(ids) - len(c.Revoked)
		if opt.Rotate {
			left = len(ids)
		}
		if opt.Add {
			left++
		}
		if c.Threshold < 1 || c.Threshold > left {
			return nil, &KeysError{role, fmt.Sprintf("%s: wants %d signatures, and would be left with %d of its %d keys", role, c.Threshold, left, len(ids))}
		}
		list = append(list, c)
	}
	return list, nil
}

// findKey finds the key of role whose ID begins with text.
func findKey(role string, ids []string, text string) (string, error) {
	fit := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return text == "" || !strings.HasPrefix(id, strings.ToLower(text)) })
	switch len(fit) {
	case 0:
		return "", &NotFoundError{fmt.Sprintf("key %s of %s", manifest.Path(text), role)}
	case 1:
		return fit[0], nil
	}
	return "", fmt.Errorf("key %s of %s: want one, got %d that begin so", text, role, len(fit))
}

// needs loads all keys that sign when those of roles change, so that it shows before a
// key is made that some are missing.
func (p *publisher) needs(roles []string) error {
	needed := map[string]bool{}
	for _, role := range roles {
		needed[role] = true
		switch role {
		case roleRoot:
			continue
		case roleTargets, roleSnapshot, roleTimestamp:
			needed[roleRoot] = true
		default:
			needed[roleTargets] = true
		}
		needed[roleSnapshot], needed[roleTimestamp] = true, true
	}
	for _, role := range slices.Sorted(maps.Keys(needed)) {
		_, err := p.signers(role)
		var short *KeysError
		if role != roleRoot && slices.Contains(roles, role) && errors.As(err, &short) {
			continue // the old ones may be lost
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rekey changes the keys of one role in memory.
func (p *publisher) rekey(c *RoleChange, opt KeysOptions) error {
	channel := p.root.Signed.Roles[c.Role] == nil
	owner := roleRoot
	if channel {
		owner = roleTargets
	}
	for _, role := range []string{owner, c.Role} {
		if role == roleSnapshot || role == roleTimestamp {
			continue // signed by each publication
		}
		if err := p.touch(role); err != nil {
			return err
		}
	}
	more := 0
	if opt.Rotate {
		more = len(c.Revoked)
	}
	if opt.Add {
		more++
	}
	for range more {
		key, err := p.keys.create(c.Role)
		if err != nil {
			return err
		}
		p.loaded[c.Role] = append(p.loaded[c.Role], key)
		c.Added = append(c.Added, key.file)
		if channel {
			err = p.targets.Signed.AddKey(key.public, c.Role)
		} else {
			err = p.root.Signed.AddKey(key.public, c.Role)
		}
		if err != nil {
			return err
		}
	}
	for _, id := range c.Revoked {
		var err error
		if channel {
			err = p.targets.Signed.RevokeKey(id, c.Role)
		} else {
			err = p.root.Signed.RevokeKey(id, c.Role)
		}
		if err != nil {
			return err
		}
	}
	if channel {
		delegation(p.targets, c.Role).Threshold = c.Threshold
	} else {
		p.root.Signed.Roles[c.Role].Threshold = c.Threshold
	}
	c.Keys, _ = p.wanted(c.Role, p.root)
	return nil
}

func (p *publisher) thresholdOf(role string) int {
	_, threshold := p.wanted(role, p.root)
	return threshold
}

// RoleKeys are the keys of a role, as clients know them.
type RoleKeys struct {
	Role      string     `json:"role"`
	Version   int64      `json:"version"`
	Until     time.Time  `json:"until"` // the end of validity of what it has signed
	Threshold int        `json:"threshold"`
	Keys      []KnownKey `json:"keys"`
}

// KnownKey is one key of a role.
type KnownKey struct {
	ID   string `json:"id"`
	File string `json:"file,omitempty"` // of the private key, where it was looked for and found
}

// KeyList are the keys of a repository.
type KeyList struct {
	Roles  []RoleKeys `json:"roles"`
	Unused []string   `json:"unused"` // files of private keys that count for nothing
}

// ListKeys lists the keys of all roles. With a KeysDir it says also which private keys
// lie there; only that wants the passphrase.
func ListKeys(opt EditOptions) (*KeyList, error) {
	out := &KeyList{Unused: []string{}}
	err := look(opt.Dir, func(_ *store, state *published) error {
		p := newPublisher(state, nil, opt.Now, opt.Expiry)
		if opt.KeysDir != "" {
			var err error
			if p.keys, err = openKeys(opt.KeysDir, opt.Passphrase, false, opt.fault); err != nil {
				return err
			}
			defer p.keys.close()
		}
		add := func(role string, version int64, until time.Time) error {
			ids, threshold := p.wanted(role, p.root)
			return out.add(RoleKeys{role, version, until.UTC(), threshold, []KnownKey{}}, ids, p.keys, func(name string) (string, error) {
				key, err := p.keys.load(name)
				if err != nil {
					return "", err
				}
				return key.id, nil
			})
		}
		err := errors.Join(
			add(roleRoot, p.root.Signed.Version, p.root.Signed.Expires),
			add(roleTargets, p.targets.Signed.Version, p.targets.Signed.Expires),
			add(roleSnapshot, p.snapshot.Signed.Version, p.snapshot.Signed.Expires),
			add(roleTimestamp, p.timestamp.Signed.Version, p.timestamp.Signed.Expires))
		for _, channel := range channelRoles(p.targets) {
			err = errors.Join(err, add(channel, p.roles[channel].Signed.Version, p.roles[channel].Signed.Expires))
		}
		if err == nil && p.thresholdOf(subKey) == 0 {
			err = out.addSubscriptions(p)
		}
		return err
	})
	return out, err
}

// add lists r with its keys ids, and the files of private ones where those are looked for;
// idOf reads the ID of one.
func (l *KeyList) add(r RoleKeys, ids []string, keys *keyring, idOf func(file string) (string, error)) error {
	files := map[string]string{}
	if keys != nil {
		names, err := keys.files(r.Role)
		if err != nil {
			return err
		}
		for _, name := range names {
			id, err := idOf(name)
			if err != nil {
				return err
			}
			if files[id] = name; !slices.Contains(ids, id) {
				l.Unused = append(l.Unused, name)
			}
		}
	}
	for _, id := range ids {
		r.Keys = append(r.Keys, KnownKey{id, files[id]})
	}
	l.Roles = append(l.Roles, r)
	return nil
}
