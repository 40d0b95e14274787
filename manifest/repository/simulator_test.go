package repository

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// simulator is a repository that signs whatever it is told to, and hands it out as a
// transport. What publish has not signed again stays as it was.
type simulator struct {
	t         *testing.T
	root      *metadata.Metadata[metadata.RootType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	targets   map[string]*metadata.Metadata[metadata.TargetsType] // and the delegated roles
	signers   map[string][]*signer
	roots     [][]byte
	files     map[string][]byte
	asked     []string // the names of metadata, as in "2.root"
	noHashes  bool     // snapshot and timestamp name versions alone
}

func newKey(t *testing.T) *signer {
	t.Helper()
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	key, err := newSigner(priv, "")
	must(t, err)
	return key
}

// newSimulator has version 1 of each top-level role, and the key of each.
func newSimulator(t *testing.T) *simulator {
	t.Helper()
	late := noon.Add(365 * day)
	s := &simulator{t: t, root: metadata.Root(late), timestamp: metadata.Timestamp(late), snapshot: metadata.Snapshot(late),
		targets: map[string]*metadata.Metadata[metadata.TargetsType]{roleTargets: metadata.Targets(late)},
		signers: map[string][]*signer{}, files: map[string][]byte{}}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		s.addKey(role)
	}
	for _, m := range []*int64{&s.root.Signed.Version, &s.timestamp.Signed.Version, &s.snapshot.Signed.Version, &s.targets[roleTargets].Signed.Version} {
		*m = 0
	}
	s.publish(roleRoot, roleTargets, roleSnapshot, roleTimestamp)
	return s
}

// addKey makes a key for a top-level role, which signs for it from now on.
func (s *simulator) addKey(role string) *signer {
	key := newKey(s.t)
	must(s.t, s.root.Signed.AddKey(key.public, role))
	s.signers[role] = append(s.signers[role], key)
	return key
}

// rotate puts a new key in the place of all keys of a top-level role.
func (s *simulator) rotate(role string) {
	for _, id := range slices.Clone(s.root.Signed.Roles[role].KeyIDs) {
		must(s.t, s.root.Signed.RevokeKey(id, role))
	}
	s.signers[role] = nil
	s.addKey(role)
}

// delegate makes a delegated role, published by publish.
func (s *simulator) delegate(from string, role metadata.DelegatedRole) *metadata.Metadata[metadata.TargetsType] {
	d := &s.targets[from].Signed
	if d.Delegations == nil {
		d.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	role.KeyIDs, role.Threshold = []string{}, 1
	d.Delegations.Roles = append(d.Delegations.Roles, role)
	if s.signers[role.Name] == nil {
		s.signers[role.Name] = []*signer{newKey(s.t)}
		s.targets[role.Name] = metadata.Targets(noon.Add(365 * day))
		s.targets[role.Name].Signed.Version = 0
	}
	must(s.t, d.AddKey(s.signers[role.Name][0].public, role.Name))
	return s.targets[role.Name]
}

// channel delegates to a channel.
func (s *simulator) channel(name string) *metadata.Metadata[metadata.TargetsType] {
	return s.delegate(roleTargets, metadata.DelegatedRole{Name: name, Terminating: true, Paths: []string{name + "/*"}})
}

// release puts data as the manifest of a level into a channel.
func (s *simulator) release(channel string, level int64, data []byte) {
	d := manifest.DigestOf(data)
	file := metadata.TargetFile()
	file.Length, file.Hashes["sha256"] = int64(len(data)), d[:]
	s.targets[channel].Signed.Targets[targetName(channel, level)] = file
	s.files[manifestPath(channel, level, d)] = data
}

// publish raises the versions of roles and signs them.
func (s *simulator) publish(roles ...string) {
	for _, role := range roles {
		switch role {
		case roleRoot:
			s.root.Signed.Version++
		case roleTimestamp:
			s.timestamp.Signed.Version++
		case roleSnapshot:
			s.snapshot.Signed.Version++
		default:
			s.targets[role].Signed.Version++
		}
		s.write(role)
	}
}

// write signs roles as they are.
func (s *simulator) write(roles ...string) {
	for _, role := range roles {
		switch role {
		case roleRoot:
			data := signed(s.t, s.root, s.signers[role])
			s.roots = append(s.roots, data)
			s.files[metadataPath(role, s.root.Signed.Version)] = data
		case roleTimestamp:
			s.timestamp.Signed.Meta["snapshot.json"] = s.meta(role, s.snapshot.Signed.Version, s.files[metadataPath(roleSnapshot, s.snapshot.Signed.Version)])
			s.files[fileTimestamp] = signed(s.t, s.timestamp, s.signers[role])
		case roleSnapshot:
			for name, m := range s.targets {
				s.snapshot.Signed.Meta[name+".json"] = s.meta(name, m.Signed.Version, s.files[metadataPath(name, m.Signed.Version)])
			}
			s.files[metadataPath(role, s.snapshot.Signed.Version)] = signed(s.t, s.snapshot, s.signers[role])
		default:
			s.files[metadataPath(role, s.targets[role].Signed.Version)] = signed(s.t, s.targets[role], s.signers[role])
		}
	}
}

// all publishes what is below root.
func (s *simulator) all() {
	for name := range s.targets {
		if name != roleTargets {
			s.publish(name)
		}
	}
	s.publish(roleTargets, roleSnapshot, roleTimestamp)
}

func (s *simulator) meta(_ string, version int64, data []byte) *metadata.MetaFiles {
	m := &metadata.MetaFiles{Version: version}
	if !s.noHashes {
		d := manifest.DigestOf(data)
		m.Length, m.Hashes = int64(len(data)), metadata.Hashes{"sha256": d[:]}
	}
	return m
}

func signed[T metadata.Roles](t *testing.T, m *metadata.Metadata[T], keys []*signer) []byte {
	t.Helper()
	m.ClearSignatures()
	must(t, addSignatures("simulated", m, keys))
	data, err := m.ToBytes(false)
	must(t, err)
	return data
}

func (s *simulator) Close() error { return nil }

func (s *simulator) Get(_ context.Context, path string, _ int64) (io.ReadCloser, error) {
	if name, ok := strings.CutPrefix(path, dirMetadata+"/"); ok {
		s.asked = append(s.asked, strings.TrimSuffix(name, ".json"))
	}
	data, ok := s.files[path]
	if !ok {
		return nil, &NotFoundError{path}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// follower is a client over many refreshes.
type follower struct {
	s     *simulator
	trust *TrustState
	c     *Client
}

// follow makes a client that trusts the first root.
func (s *simulator) follow() *follower {
	return &follower{s: s, trust: &TrustState{Roots: [][]byte{s.roots[0]}, Roles: map[string][]byte{}}}
}

// refresh brings the client up to date, and keeps what it has come to trust.
func (f *follower) refresh(now time.Time) error {
	f.s.asked = nil
	f.c, _ = Open("simulator", ClientOptions{Transport: f.s})
	err := f.c.Refresh(context.Background(), f.trust, now)
	if state := f.c.State(); state != nil {
		f.trust = state
	}
	return err
}

// version is the version of a role that the client trusts, 0 for none.
func (f *follower) version(role string) int64 {
	f.s.t.Helper()
	var data []byte
	switch role {
	case roleRoot:
		m, err := metadata.Root().FromBytes(f.trust.Roots[len(f.trust.Roots)-1])
		must(f.s.t, err)
		return m.Signed.Version
	case roleTimestamp:
		if data = f.trust.Timestamp; len(data) > 0 {
			m, err := metadata.Timestamp().FromBytes(data)
			must(f.s.t, err)
			return m.Signed.Version
		}
		return 0
	case roleSnapshot:
		if data = f.trust.Snapshot; len(data) > 0 {
			m, err := metadata.Snapshot().FromBytes(data)
			must(f.s.t, err)
			return m.Signed.Version
		}
		return 0
	case roleTargets:
		data = f.trust.Targets
	default:
		data = f.trust.Roles[role]
	}
	if len(data) == 0 {
		return 0
	}
	m, err := metadata.Targets().FromBytes(data)
	must(f.s.t, err)
	return m.Signed.Version
}
