package repository

import (
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
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

// channelsOf lists the channels that have an update level, in order of delegation.
func (p *published) channelsOf(level int64) []string {
	var out []string
	for _, role := range channelRoles(p.targets) {
		if p.roles[role].Signed.Targets[targetName(role, level)] != nil {
			out = append(out, role)
		}
	}
	return out
}

// release is where an update level is published, in prefer if it is there too.
func (p *published) release(level int64, prefer string) (channel string, file *metadata.TargetFiles) {
	in := p.channelsOf(level)
	if len(in) == 0 {
		return "", nil
	}
	channel = in[0]
	if slices.Contains(in, prefer) {
		channel = prefer
	}
	return channel, p.roles[channel].Signed.Targets[targetName(channel, level)]
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
