package repository

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// publisher signs a new state of a repository. What is to be signed anew is named by
// touch and then changed in memory; publish writes it, all or nothing for whoever reads.
type publisher struct {
	*published
	keys    *keyring
	now     time.Time
	expiry  Expiry
	loaded  map[string][]*signer                  // the keys there are of a role
	changed map[string]bool                       // roles that publish signs
	trusted *metadata.Metadata[metadata.RootType] // the root that clients have, where root is to follow it
	online  bool                                  // snapshot and timestamp are signed anew whatever else is

	elsewhere bool               // other keys than those of snapshot and timestamp may be missing
	export    func([]byte) error // gets what is to be signed; nothing is published
}

func newPublisher(state *published, keys *keyring, now time.Time, expiry Expiry) *publisher {
	return &publisher{published: state, keys: keys, now: now, expiry: expiry.orDefault(), loaded: map[string][]*signer{}, changed: map[string]bool{}}
}

// EditOptions are what every change of a repository needs.
type EditOptions struct {
	Dir        string // the repository
	KeysDir    string
	Passphrase []byte // of the keys; for a key that is made see [InitOptions]
	Now        time.Time
	Expiry     Expiry
	// Export, if set, is given what is to be signed, as one document for [SignRequest] and
	// [ImportSigned]. Nothing is published then, and keys may be missing.
	Export func([]byte) error

	fault func(op, path string) error
}

// edit opens the repository of opt for one change. Whatever interrupts it, clients read
// the state before or the state after, and it can be run again.
func edit(opt EditOptions, change func(s *store, p *publisher) error) error {
	s, err := openStore(opt.Dir, opt.fault)
	if err != nil {
		return err
	}
	defer s.close()
	state, err := loadPublished(s)
	if err != nil {
		return err
	}
	keys, err := openKeys(opt.KeysDir, opt.Passphrase, false, opt.fault)
	if err != nil {
		return err
	}
	defer keys.close()
	p := newPublisher(state, keys, opt.Now, opt.Expiry)
	p.export, p.elsewhere = opt.Export, opt.Export != nil
	err = change(s, p)
	s.done = err == nil
	return err
}

// touch names a role that is to be signed anew, before it is changed.
func (p *publisher) touch(role string) error {
	if p.changed[role] {
		return nil
	}
	p.changed[role] = true
	switch role {
	case roleRoot:
		data, err := p.root.ToBytes(false)
		if err != nil {
			return err
		}
		if p.trusted, err = metadata.Root().FromBytes(data); err != nil {
			return err
		}
		p.root.ClearSignatures()
		p.root.Signed.Expires = p.until(p.expiry.Root)
		return rise(role, &p.root.Signed.Version)
	}
	m := p.targetsRole(role)
	m.ClearSignatures()
	m.Signed.Expires = p.until(p.expiry.Targets)
	return rise(role, &m.Signed.Version)
}

// maxVersion is the last number that every reader of JSON can tell from its neighbours.
const maxVersion = 1<<53 - 1

// rise raises a version by one. None is left only where a thief of keys has made it so.
func rise(role string, version *int64) error {
	if *version >= maxVersion {
		return fmt.Errorf("%s: version %d is the last one: put the repository back as it was before, then rotate the keys of %s", role, *version, role)
	}
	*version++
	return nil
}

// load loads the keys of roles, so that what is missing shows before the work.
func (p *publisher) load(roles ...string) error {
	for _, role := range roles {
		if _, err := p.signers(role); err != nil {
			return err
		}
	}
	return nil
}

// prepare loads every key that a change of channel needs, and makes the key of a new
// channel, so that a wrong passphrase shows before the work and not after it.
func (p *publisher) prepare(channel string) error {
	roles := []string{roleSnapshot, roleTimestamp}
	if p.roles[channel] == nil {
		roles = append(roles, roleTargets)
	} else {
		roles = append(roles, channel)
	}
	if err := p.load(roles...); err != nil {
		return err
	}
	if p.roles[channel] != nil {
		return nil
	}
	key, err := p.keys.loadOrCreate(channel)
	p.loaded[channel] = []*signer{key}
	return err
}

// until is the end of validity, in the whole seconds that TUF writes.
func (p *publisher) until(d time.Duration) time.Time {
	return p.now.Add(d).UTC().Truncate(time.Second)
}

// addTarget publishes file as name in channel, which is delegated to on first use;
// prepare comes before it.
func (p *publisher) addTarget(s *store, channel, name string, file *metadata.TargetFiles) error {
	if err := p.channel(channel); err != nil {
		return err
	}
	p.roles[channel].Signed.Targets[name] = file
	return p.publish(s)
}

// channel touches the role of a channel, and delegates to it on first use; prepare
// comes before it.
func (p *publisher) channel(channel string) error {
	if p.roles[channel] != nil {
		return p.touch(channel)
	}
	if err := p.touch(roleTargets); err != nil {
		return err
	}
	signed := &p.targets.Signed
	if signed.Delegations == nil {
		signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	signed.Delegations.Roles = append(signed.Delegations.Roles, metadata.DelegatedRole{
		Name: channel, Threshold: 1, Terminating: true, Paths: []string{channel + "/*"}, KeyIDs: []string{},
	})
	if err := signed.AddKey(p.loaded[channel][0].public, channel); err != nil {
		return err
	}
	p.roles[channel] = metadata.Targets(p.now)
	p.roles[channel].Signed.Version = 0
	return p.touch(channel)
}

// publish signs what was touched, then the snapshot and the timestamp. Clients read the
// state before until the timestamp is renamed. A new root is not named by the snapshot:
// it counts from the moment it is written. It comes last, when everything else is signed
// by the keys of both roots; only where the keys of the root before are lost it has to
// come first, and clients wait until the timestamp follows.
func (p *publisher) publish(s *store) error {
	if err := p.sign(); err != nil {
		return err
	}
	if p.export != nil {
		return p.request(s)
	}
	if err := p.verify(); err != nil {
		return err
	}
	rest := func() error {
		files := map[string]*metadata.MetaFiles{}
		for _, role := range slices.Sorted(maps.Keys(p.changed)) {
			if m := p.targetsRole(role); m != nil {
				if err := putMeta(s, role, m, files); err != nil {
					return err
				}
			}
		}
		if len(files) == 0 && p.changed[roleRoot] && p.sameOnline() && !p.online {
			return nil
		}
		return p.commit(s, files)
	}
	root := func() error {
		if !p.changed[roleRoot] {
			return nil
		}
		return putMeta(s, roleRoot, p.root, map[string]*metadata.MetaFiles{})
	}
	if p.changed[roleRoot] && !p.bridges() {
		rest, root = root, rest
	}
	if err := rest(); err != nil {
		return err
	}
	if err := root(); err != nil {
		return err
	}
	return p.showSubscriptionKeys(s)
}

// targetsRole is the metadata of a role that holds targets, else nil.
func (p *publisher) targetsRole(role string) *metadata.Metadata[metadata.TargetsType] {
	switch role {
	case roleRoot:
		return nil
	case roleTargets:
		return p.targets
	}
	return p.roles[role]
}

// sign signs what was touched with the keys that are there.
func (p *publisher) sign() error {
	for role := range p.changed {
		keys, err := p.signers(role)
		if err != nil {
			return err
		}
		if role == roleRoot {
			err = addSignatures(role, p.root, keys)
		} else {
			err = addSignatures(role, p.targetsRole(role), keys)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// verify checks before the first write that clients will believe what is written.
func (p *publisher) verify() error {
	if p.changed[roleRoot] {
		for _, root := range []*metadata.Metadata[metadata.RootType]{p.trusted, p.root} {
			if err := root.VerifyDelegate(roleRoot, p.root); err != nil {
				return p.short(roleRoot, root)
			}
		}
	}
	for role := range p.changed {
		var err error
		switch m := p.targetsRole(role); role {
		case roleRoot:
		case roleTargets:
			err = p.root.VerifyDelegate(role, m)
		default:
			err = p.targets.VerifyDelegate(role, m)
		}
		if err != nil {
			return p.short(role, p.root)
		}
	}
	rootAlone := p.changed[roleRoot] && len(p.changed) == 1 && p.sameOnline()
	if p.changed[roleRoot] && !p.sameOnline() || p.elsewhere && !rootAlone {
		for _, role := range []string{roleSnapshot, roleTimestamp} {
			if !p.meets(p.root, role) {
				return p.short(role, p.root)
			}
		}
	}
	return nil
}

// short says that there are not enough keys of role.
func (p *publisher) short(role string, root *metadata.Metadata[metadata.RootType]) error {
	ids, threshold := p.wanted(role, root)
	if p.elsewhere && p.changed[role] {
		return &KeysError{role, fmt.Sprintf("%s: %d more of its keys must sign", role, p.missing(role))}
	}
	return &KeysError{role, fmt.Sprintf("%s: want %d of the %d keys of %s, got %d", p.keys.tree.Path(), threshold, len(ids), role, p.count(role, ids))}
}

// wanted are the keys that root, or for a channel the targets role, wants for role.
func (p *publisher) wanted(role string, root *metadata.Metadata[metadata.RootType]) (ids []string, threshold int) {
	if r := root.Signed.Roles[role]; r != nil {
		return r.KeyIDs, r.Threshold
	}
	if p.targets.Signed.Delegations != nil {
		for _, r := range p.targets.Signed.Delegations.Roles {
			if r.Name == role {
				return r.KeyIDs, r.Threshold
			}
		}
	}
	return nil, 0
}

// count is how many keys of role that are loaded are among ids.
func (p *publisher) count(role string, ids []string) (n int) {
	for _, key := range p.loaded[role] {
		if slices.Contains(ids, key.id) {
			n++
		}
	}
	return n
}

// meets reports whether the keys loaded of role are enough for root.
func (p *publisher) meets(root *metadata.Metadata[metadata.RootType], role string) bool {
	_, err := p.signers(role)
	ids, threshold := p.wanted(role, root)
	return err == nil && threshold > 0 && p.count(role, ids) >= threshold
}

// bridges reports whether clients that have the root before will believe what is written
// before the new one.
func (p *publisher) bridges() bool {
	return p.meets(p.trusted, roleSnapshot) && p.meets(p.trusted, roleTimestamp) &&
		(!p.changed[roleTargets] || p.trusted.VerifyDelegate(roleTargets, p.targets) == nil)
}

// sameOnline reports whether the new root wants of the snapshot and the timestamp what
// the one before wanted.
func (p *publisher) sameOnline() bool {
	for _, role := range []string{roleSnapshot, roleTimestamp} {
		a, b := p.trusted.Signed.Roles[role], p.root.Signed.Roles[role]
		if a.Threshold != b.Threshold || !slices.Equal(a.KeyIDs, b.KeyIDs) {
			return false
		}
	}
	return true
}

// commit writes a snapshot that names files, and the timestamp that makes it the
// state of the repository.
func (p *publisher) commit(s *store, files map[string]*metadata.MetaFiles) error {
	snapshotKeys, err := p.signers(roleSnapshot)
	if err != nil {
		return err
	}
	timestampKeys, err := p.signers(roleTimestamp)
	if err != nil {
		return err
	}
	maps.Copy(p.snapshot.Signed.Meta, files)
	if err := rise(roleSnapshot, &p.snapshot.Signed.Version); err != nil {
		return err
	}
	p.snapshot.Signed.Expires = p.until(p.expiry.Snapshot)
	p.timestamp.Signed.Meta = map[string]*metadata.MetaFiles{}
	if err := putSigned(s, roleSnapshot, p.snapshot, snapshotKeys, p.timestamp.Signed.Meta); err != nil {
		return err
	}
	if err := rise(roleTimestamp, &p.timestamp.Signed.Version); err != nil {
		return err
	}
	p.timestamp.Signed.Expires = p.until(p.expiry.Timestamp)
	p.timestamp.Signed.UnrecognizedFields = map[string]any{signedAt: p.now.UTC().Format(time.RFC3339)}
	return putSigned(s, roleTimestamp, p.timestamp, timestampKeys, nil)
}

// signers loads the keys of role that the root asks for, or for a channel the targets
// role, where a root is to follow another also those of the root before. Other keys would lock every client out.
func (p *publisher) signers(role string) ([]*signer, error) {
	if keys := p.loaded[role]; keys != nil {
		return keys, nil
	}
	ids, threshold := p.wanted(role, p.root)
	if threshold == 0 {
		return nil, &NotFoundError{role}
	}
	all := ids
	if p.trusted != nil {
		before, _ := p.wanted(role, p.trusted)
		all = slices.Concat(ids, before)
	}
	keys, err := p.keys.all(role, all)
	switch {
	case isMissing(err) && !p.elsewhere:
		return nil, &KeysError{role, err.Error()}
	case err != nil && !isMissing(err):
		return nil, err
	}
	fit := slices.DeleteFunc(slices.Clone(keys), func(k *signer) bool { return !slices.Contains(all, k.id) })
	if len(fit) == 0 && !p.elsewhere {
		return nil, &KeysError{role, fmt.Sprintf("%s/%s: another repository's key: want key %.12s, got %.12s", p.keys.tree.Path(), keys[0].file, ids[0], keys[0].id)}
	}
	p.loaded[role] = fit
	if !p.elsewhere && p.trusted == nil && p.count(role, ids) < threshold {
		return nil, p.short(role, p.root)
	}
	return fit, nil
}

// addSignatures signs m with those of keys that have not signed it yet.
func addSignatures[T metadata.Roles](role string, m *metadata.Metadata[T], keys []*signer) error {
	for _, key := range keys {
		if slices.ContainsFunc(m.Signatures, func(s metadata.Signature) bool { return s.KeyID == key.id }) {
			continue
		}
		if _, err := m.Sign(key); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
	}
	return nil
}

// putSigned signs m anew with keys and writes it as putMeta does.
func putSigned[T metadata.Roles](s *store, role string, m *metadata.Metadata[T], keys []*signer, files map[string]*metadata.MetaFiles) error {
	m.ClearSignatures()
	if err := addSignatures(role, m, keys); err != nil {
		return err
	}
	return putMeta(s, role, m, files)
}

// putMeta writes m, and notes its version, length and digest in files. The timestamp,
// which has no version in its name, goes by files == nil.
func putMeta[T metadata.Roles](s *store, role string, m *metadata.Metadata[T], files map[string]*metadata.MetaFiles) error {
	data, err := m.ToBytes(true)
	if err != nil {
		return fmt.Errorf("%s: %w", role, err)
	}
	data = append(data, '\n')
	if files == nil {
		return s.put(fileTimestamp, data)
	}
	version := versionOf(m)
	digest := manifest.DigestOf(data)
	meta := metadata.MetaFile(version)
	meta.Length = int64(len(data))
	meta.Hashes["sha256"] = digest[:]
	files[role+".json"] = meta
	return s.put(metadataPath(role, version), data)
}

func versionOf[T metadata.Roles](m *metadata.Metadata[T]) int64 {
	switch signed := any(&m.Signed).(type) {
	case *metadata.RootType:
		return signed.Version
	case *metadata.TimestampType:
		return signed.Version
	case *metadata.SnapshotType:
		return signed.Version
	case *metadata.TargetsType:
		return signed.Version
	}
	panic("a TUF role of an unknown type")
}
