package repository

import (
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// signedAt is the field of the timestamp that tells when it was signed.
const signedAt = "x-signed-at"

// Expiry is how long metadata is valid from its signing; a zero field takes the
// default. Only the timestamp is meant to run out in practice.
type Expiry struct {
	Root      time.Duration // 10 years
	Targets   time.Duration // targets and channels: 5 years
	Snapshot  time.Duration // 5 years
	Timestamp time.Duration // 60 days
}

const day = 24 * time.Hour

func (e Expiry) orDefault() Expiry {
	set := func(d *time.Duration, days int) {
		if *d <= 0 {
			*d = time.Duration(days) * day
		}
	}
	set(&e.Root, 3652)
	set(&e.Targets, 1826)
	set(&e.Snapshot, 1826)
	set(&e.Timestamp, 60)
	return e
}

// published is the state of a repository that its timestamp vouches for: what a
// client sees. Files of newer versions may lie beside it, of a run that was
// interrupted; they count for nothing and are replaced.
type published struct {
	root      *metadata.Metadata[metadata.RootType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	targets   *metadata.Metadata[metadata.TargetsType]
	roles     map[string]*metadata.Metadata[metadata.TargetsType]
}

// loadPublished reads the state from the timestamp down. Signatures are not checked
// here: the vendor trusts his own disk, and every client checks.
func loadPublished(s *store) (*published, error) {
	p := &published{roles: map[string]*metadata.Metadata[metadata.TargetsType]{}}
	var err error
	if p.timestamp, err = readMeta[metadata.TimestampType](s, fileTimestamp, maxTimestampBytes); err != nil {
		if isMissing(err) {
			return nil, fmt.Errorf("%s: not a repository yet: %s is missing", s.tree.Path(), fileTimestamp)
		}
		return nil, err
	}
	meta := p.timestamp.Signed.Meta[roleSnapshot+".json"]
	if meta == nil {
		return nil, fmt.Errorf("%s: names no snapshot", fileTimestamp)
	}
	path := metadataPath(roleSnapshot, meta.Version)
	if p.snapshot, err = readMeta[metadata.SnapshotType](s, path, maxSnapshotBytes); err != nil {
		return nil, err
	}
	for n := int64(1); ; n++ {
		root, err := readMeta[metadata.RootType](s, metadataPath(roleRoot, n), maxRootBytes)
		if isMissing(err) && p.root != nil {
			break
		}
		if err != nil {
			return nil, err
		}
		p.root = root
	}
	if p.targets, err = p.readRole(s, roleTargets); err != nil {
		return nil, err
	}
	for _, role := range channelRoles(p.targets) {
		if p.roles[role], err = p.readRole(s, role); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *published) readRole(s *store, role string) (*metadata.Metadata[metadata.TargetsType], error) {
	meta := p.snapshot.Signed.Meta[role+".json"]
	if meta == nil {
		return nil, fmt.Errorf("%s: names no %s.json", metadataPath(roleSnapshot, p.snapshot.Signed.Version), role)
	}
	return readMeta[metadata.TargetsType](s, metadataPath(role, meta.Version), maxRoleBytes)
}

func readMeta[T metadata.Roles](s *store, path string, limit int64) (m *metadata.Metadata[T], err error) {
	data, err := s.read(path, limit)
	if err != nil {
		return nil, err
	}
	err = guard(path, func() (err error) {
		m, err = new(metadata.Metadata[T]).FromBytes(data)
		return err
	})
	return m, err
}

// channelRoles lists the delegated roles that are channels, in order of delegation.
func channelRoles(targets *metadata.Metadata[metadata.TargetsType]) []string {
	var out []string
	if targets.Signed.Delegations == nil {
		return nil
	}
	for _, r := range targets.Signed.Delegations.Roles {
		if CheckChannel(r.Name) == nil && r.Terminating && slices.Equal(r.Paths, []string{r.Name + "/*"}) {
			out = append(out, r.Name)
		}
	}
	return out
}

// release is where an update level is published.
func (p *published) release(level int64) (channel string, file *metadata.TargetFiles) {
	for _, role := range channelRoles(p.targets) {
		if f := p.roles[role].Signed.Targets[targetName(role, level)]; f != nil {
			return role, f
		}
	}
	return "", nil
}

// levels lists all published update levels, rising.
func (p *published) levels() []int64 {
	var out []int64
	for role, m := range p.roles {
		for name := range m.Signed.Targets {
			if level, ok := targetLevel(role, name); ok {
				out = append(out, level)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// publisher signs a new state of a repository.
type publisher struct {
	*published
	keys   *keyring
	now    time.Time
	expiry Expiry
	loaded map[string]*signer
}

func newPublisher(state *published, keys *keyring, now time.Time, expiry Expiry) *publisher {
	return &publisher{published: state, keys: keys, now: now, expiry: expiry.orDefault(), loaded: map[string]*signer{}}
}

// prepare loads every key that addTarget to channel needs, and makes the key of a
// new channel, so that a wrong passphrase shows before the work and not after it.
func (p *publisher) prepare(channel string) error {
	roles := []string{roleSnapshot, roleTimestamp}
	if p.roles[channel] == nil {
		roles = append(roles, roleTargets)
	}
	for _, role := range roles {
		if _, err := p.roleKey(role); err != nil {
			return err
		}
	}
	if p.roles[channel] != nil {
		_, err := p.channelKey(channel)
		return err
	}
	key, err := p.keys.loadOrCreate(channel)
	p.loaded[channel] = key
	return err
}

// until is the end of validity, in the whole seconds that TUF writes.
func (p *publisher) until(d time.Duration) time.Time {
	return p.now.Add(d).UTC().Truncate(time.Second)
}

// addTarget publishes file as name in channel, which is delegated to on first use;
// prepare comes before it. Nothing is visible to clients before its last write.
func (p *publisher) addTarget(s *store, channel, name string, file *metadata.TargetFiles) error {
	files := map[string]*metadata.MetaFiles{}
	role := p.roles[channel]
	if role == nil {
		if err := p.delegate(s, channel, files); err != nil {
			return err
		}
		role = metadata.Targets(p.now)
		role.Signed.Version = 0
	}
	key, err := p.channelKey(channel)
	if err != nil {
		return err
	}
	role.Signed.Version++
	role.Signed.Expires = p.until(p.expiry.Targets)
	role.Signed.Targets[name] = file
	if err := putSigned(s, channel, role, key, files); err != nil {
		return err
	}
	return p.commit(s, files)
}

// delegate adds a role for channel, with a key of its own, to the targets role.
func (p *publisher) delegate(s *store, channel string, files map[string]*metadata.MetaFiles) error {
	top, err := p.roleKey(roleTargets)
	if err != nil {
		return err
	}
	key := p.loaded[channel]
	signed := &p.targets.Signed
	if signed.Delegations == nil {
		signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	signed.Delegations.Roles = append(signed.Delegations.Roles, metadata.DelegatedRole{
		Name: channel, Threshold: 1, Terminating: true, Paths: []string{channel + "/*"}, KeyIDs: []string{},
	})
	if err := signed.AddKey(key.public, channel); err != nil {
		return err
	}
	signed.Version++
	signed.Expires = p.until(p.expiry.Targets)
	return putSigned(s, roleTargets, p.targets, top, files)
}

// commit writes a snapshot that names files, and the timestamp that makes it the
// state of the repository.
func (p *publisher) commit(s *store, files map[string]*metadata.MetaFiles) error {
	snapshotKey, err := p.roleKey(roleSnapshot)
	if err != nil {
		return err
	}
	timestampKey, err := p.roleKey(roleTimestamp)
	if err != nil {
		return err
	}
	for name, meta := range files {
		p.snapshot.Signed.Meta[name] = meta
	}
	p.snapshot.Signed.Version++
	p.snapshot.Signed.Expires = p.until(p.expiry.Snapshot)
	p.timestamp.Signed.Meta = map[string]*metadata.MetaFiles{}
	if err := putSigned(s, roleSnapshot, p.snapshot, snapshotKey, p.timestamp.Signed.Meta); err != nil {
		return err
	}
	p.timestamp.Signed.Version++
	p.timestamp.Signed.Expires = p.until(p.expiry.Timestamp)
	p.timestamp.Signed.UnrecognizedFields = map[string]any{signedAt: p.now.UTC().Format(time.RFC3339)}
	return putSigned(s, roleTimestamp, p.timestamp, timestampKey, nil)
}

// roleKey loads the key of a top-level role, and checks that it is the one the root
// asks for: another one would lock every client out.
func (p *publisher) roleKey(role string) (*signer, error) {
	r := p.root.Signed.Roles[role]
	if r == nil {
		return nil, fmt.Errorf("%s: names no role %s", metadataPath(roleRoot, p.root.Signed.Version), role)
	}
	return p.wantedKey(role, r.KeyIDs)
}

// channelKey is roleKey for the role of a channel.
func (p *publisher) channelKey(channel string) (*signer, error) {
	for _, r := range p.targets.Signed.Delegations.Roles {
		if r.Name == channel {
			return p.wantedKey(channel, r.KeyIDs)
		}
	}
	return nil, &NotFoundError{channel}
}

func (p *publisher) wantedKey(role string, ids []string) (*signer, error) {
	if key := p.loaded[role]; key != nil {
		return key, nil
	}
	key, err := p.keys.load(role)
	if err != nil {
		return nil, err
	}
	id, err := key.public.ID()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ids, id) {
		return nil, fmt.Errorf("%s/%s.key: another repository's key: want key %.12s, got %.12s",
			p.keys.tree.Path(), role, ids, id)
	}
	p.loaded[role] = key
	return key, nil
}

// putSigned signs m, writes it, and notes its version, length and digest in files.
// The timestamp, which has no version in its name, goes by files == nil.
func putSigned[T metadata.Roles](s *store, role string, m *metadata.Metadata[T], key *signer, files map[string]*metadata.MetaFiles) error {
	m.ClearSignatures()
	if _, err := m.Sign(key); err != nil {
		return fmt.Errorf("%s: %w", role, err)
	}
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
