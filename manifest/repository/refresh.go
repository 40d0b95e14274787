package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"inplace/manifest"
)

// FirstTrust makes the trust state that an installation starts with: from root, a
// root.json that came with the product, or, when root is nil, from what the
// repository shows as its first. In the second case somebody should compare
// [TrustState.Fingerprint] with what the vendor has announced.
func (c *Client) FirstTrust(ctx context.Context, root []byte) (*TrustState, error) {
	path := "root.json"
	if root == nil {
		path = metadataPath(roleRoot, 1)
		var err error
		if root, err = c.fetch(ctx, path, maxRootBytes); err != nil {
			return nil, err
		}
	}
	err := guard(path, func() error {
		_, err := trustedmetadata.New(root)
		return err
	})
	if err != nil {
		return nil, c.from(err)
	}
	return &TrustState{Roots: [][]byte{bytes.Clone(root)}, Roles: map[string][]byte{}}, nil
}

// State is what is to be stored now: what Refresh was given and whatever newer it
// has verified since. It is right to store it also when Refresh has failed: a newer
// root, or a newer timestamp whose snapshot is missing, stays known. Nil before the
// first Refresh.
func (c *Client) State() *TrustState { return c.state }

// Expired lists what was past its date in the last Refresh, with AllowStale.
func (c *Client) Expired() []*ExpiredError { return c.expired }

// Refresh brings the client to the newest state of the repository that trust, which
// is not changed, lets it believe. now is taken as no earlier than the newest signed
// time in trust. It implements the client workflow of the TUF specification 1.0.31,
// section 5, on go-tuf's trusted set, and guards what that leaves open: the chain of
// roots starts at the first root of trust, always; a stored role must verify or its
// key must have been replaced; equal versions must be equal bytes.
//
// Errors: *[UntrustedError], *[ExpiredError], *[NotFoundError], or what the
// transport met. After an error the client has no releases.
func (c *Client) Refresh(ctx context.Context, trust *TrustState, now time.Time) (err error) {
	defer func() { err = c.from(err) }()
	c.releases, c.gate, c.updaters, c.expired = nil, Gate{}, nil, nil
	if trust == nil || len(trust.Roots) == 0 {
		return &UntrustedError{Path: "trust state", Why: BadState, Msg: "want at least one root, got none"}
	}
	c.state = trust.clone()
	r := &refresh{c: c, ctx: ctx, state: c.state, now: now}
	for _, step := range []func() error{r.roots, r.forget, r.timestamp, r.snapshot, r.targets} {
		if err := step(); err != nil {
			return err
		}
	}
	releases := map[string][]Release{}
	for _, channel := range channelRoles(r.set.Targets[roleTargets]) {
		role, err := r.role(channel, roleTargets, c.state.Roles[channel])
		if err != nil {
			return err
		}
		c.state.Roles[channel] = role
		if releases[channel], err = releasesOf(channel, r.set.Targets[channel]); err != nil {
			return err
		}
	}
	if err := oneMeaning(releases); err != nil {
		return err
	}
	targets := r.set.Targets[roleTargets]
	updaters, err := updatersOf(targets)
	if err != nil {
		return err
	}
	gate, err := gateOf(metadataPath(roleTargets, targets.Signed.Version), targets)
	if err != nil {
		return err
	}
	c.releases, c.gate, c.updaters = releases, *gate, updaters
	if err := c.wholePart(); err != nil {
		c.releases, c.gate, c.updaters = nil, Gate{}, nil
		return err
	}
	return nil
}

// refresh is one run of [Client.Refresh].
type refresh struct {
	c     *Client
	ctx   context.Context
	state *TrustState
	now   time.Time
	set   *trustedmetadata.TrustedMetadata
	chain []*metadata.Metadata[metadata.RootType] // all trusted roots, oldest first

	snapshotSeen *metadata.Metadata[metadata.SnapshotType] // the stored one, verified; nil: none
}

// roots walks from the first trusted root over the stored ones to the newest.
func (r *refresh) roots() error {
	for i, data := range r.state.Roots {
		if err := r.addRoot(fmt.Sprintf("trust state: root %d", i+1), data); err != nil {
			return err
		}
	}
	for range maxRootRotations {
		path := metadataPath(roleRoot, r.set.Root.Signed.Version+1)
		data, err := r.c.fetch(r.ctx, path, maxRootBytes)
		var missing *NotFoundError
		if errors.As(err, &missing) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.addRoot(path, data); err != nil {
			return err
		}
		r.state.Roots = append(r.state.Roots, data)
	}
	return &UntrustedError{Path: metadataPath(roleRoot, r.set.Root.Signed.Version), Why: BadForm,
		Msg: fmt.Sprintf("want at most %d new roots at once, got more", maxRootRotations)}
}

func (r *refresh) addRoot(path string, data []byte) error {
	err := guard(path, func() (err error) {
		if r.set == nil {
			r.set, err = trustedmetadata.New(data)
		} else {
			_, err = r.set.UpdateRoot(data)
		}
		return err
	})
	if err != nil {
		return err
	}
	r.chain = append(r.chain, r.set.Root)
	return nil
}

// reference sets the time that expiry is judged by.
func (r *refresh) reference() {
	r.set.RefTime = r.state.Time(r.now)
	if r.c.opt.AllowStale {
		r.set.RefTime = time.Time{}
	}
}

// checkTime reports an expired role with its date, which go-tuf's error lacks.
func (r *refresh) checkTime(role string, since time.Time) error {
	if !r.state.Time(r.now).After(since) {
		return nil
	}
	e := &ExpiredError{Role: role, Since: since}
	if r.c.opt.AllowStale {
		r.c.expired = append(r.c.expired, e)
		return nil
	}
	return e
}

func (r *refresh) timestamp() error {
	if err := r.checkTime(roleRoot, r.set.Root.Signed.Expires); err != nil {
		return err
	}
	data, err := r.c.fetch(r.ctx, fileTimestamp, maxTimestampBytes)
	if err != nil {
		return err
	}
	err = guard(fileTimestamp, func() error {
		if r.set.Timestamp != nil && bytes.Equal(data, r.state.Timestamp) {
			return nil // loaded by forget
		}
		_, err := r.set.UpdateTimestamp(data)
		return err
	})
	var equal *metadata.ErrEqualVersionNumber
	var expired *metadata.ErrExpiredMetadata
	switch {
	case errors.As(err, &equal):
		if !bytes.Equal(data, r.state.Timestamp) {
			return &UntrustedError{Path: fileTimestamp, Why: Mixed,
				Msg: fmt.Sprintf("version %d was other bytes before", r.set.Timestamp.Signed.Version)}
		}
	case errors.As(err, &expired):
	case err != nil:
		return err
	default:
		if r.set.Timestamp.Signed.Meta[roleSnapshot+".json"] == nil {
			return &UntrustedError{Path: fileTimestamp, Why: BadForm, Msg: "names no snapshot"}
		}
	}
	if err := r.signedTime(); err != nil {
		return err
	}
	if err := r.checkTime(roleTimestamp, r.set.Timestamp.Signed.Expires); err != nil {
		return err
	}
	r.state.Timestamp = data
	r.reference()
	return nil
}

// signedTime takes over the time at which the timestamp says it was signed.
func (r *refresh) signedTime() error {
	value, ok := r.set.Timestamp.Signed.UnrecognizedFields[signedAt]
	if !ok {
		return nil
	}
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.After(r.set.Timestamp.Signed.Expires) {
		return &UntrustedError{Path: fileTimestamp, Why: BadForm, Msg: signedAt + ": want a time before the expiry"}
	}
	if at.After(r.state.Newest) {
		r.state.Newest = at.UTC()
	}
	return nil
}

// forget drops the stored timestamp, snapshot and newest signed time where the newest root
// does not vouch for both documents any more: then a key was replaced, and whoever held
// the old one may have driven versions and time up (TUF 5.3.11, fast-forward). An earlier
// trusted root must vouch for them; otherwise the trust state is damaged, and to go on
// would give up the protection against rollback. What is not dropped is loaded, also if it
// is expired, or the snapshot is not the one that the timestamp names: versions must not go
// back behind it.
func (r *refresh) forget() error {
	defer r.reference()
	timestamp, err := seen(r, roleTimestamp, r.state.Timestamp, metadata.Timestamp())
	if err != nil {
		return err
	}
	snapshot, err := seen(r, roleSnapshot, r.state.Snapshot, metadata.Snapshot())
	if err != nil {
		return err
	}
	if timestamp == nil && len(r.state.Timestamp) > 0 || snapshot == nil && len(r.state.Snapshot) > 0 {
		r.state.Timestamp, r.state.Snapshot, r.state.Newest = nil, nil, time.Time{}
		return nil
	}
	r.set.Timestamp, r.snapshotSeen = timestamp, snapshot
	return nil
}

// seen reads data, the stored document of a role, into m. It is nil where there is none, or
// where an earlier trusted root vouches for it and the newest does not.
func seen[T metadata.Roles](r *refresh, role string, data []byte, m *metadata.Metadata[T]) (*metadata.Metadata[T], error) {
	if len(data) == 0 {
		return nil, nil
	}
	path := "trust state: " + role
	vouched := func(root *metadata.Metadata[metadata.RootType]) error {
		return guard(path, func() error { return root.VerifyDelegate(role, m) })
	}
	err := guard(path, func() error {
		_, err := m.FromBytes(data)
		return err
	})
	if err == nil {
		if err = vouched(r.set.Root); err == nil {
			return m, nil
		}
		earlier := func(root *metadata.Metadata[metadata.RootType]) bool { return vouched(root) == nil }
		if slices.ContainsFunc(r.chain[:len(r.chain)-1], earlier) {
			return nil, nil
		}
	}
	var untrusted *UntrustedError
	if errors.As(err, &untrusted) {
		untrusted.Why = BadState
	}
	return nil, err
}

func (r *refresh) snapshot() error {
	meta := r.set.Timestamp.Signed.Meta[roleSnapshot+".json"]
	path := metadataPath(roleSnapshot, meta.Version)
	r.set.Snapshot = r.snapshotSeen
	if r.set.Snapshot != nil && r.set.Snapshot.Signed.Version == meta.Version {
		if guard(path, func() error { return meta.VerifyLengthHashes(r.state.Snapshot) }) != nil {
			return &UntrustedError{Path: path, Why: Mixed, Msg: fmt.Sprintf("version %d was other bytes before", meta.Version)}
		}
		return r.checkTime(roleSnapshot, r.set.Snapshot.Signed.Expires)
	}
	data, err := r.c.fetch(r.ctx, path, maxSnapshotBytes)
	if err != nil {
		return err
	}
	err = guard(path, func() error {
		_, err := r.set.UpdateSnapshot(data, false)
		return err
	})
	var expired *metadata.ErrExpiredMetadata
	if err != nil && !errors.As(err, &expired) {
		return err
	}
	if err := r.checkTime(roleSnapshot, r.set.Snapshot.Signed.Expires); err != nil {
		return err
	}
	r.state.Snapshot = data
	return nil
}

func (r *refresh) targets() error {
	data, err := r.role(roleTargets, roleRoot, r.state.Targets)
	if err != nil {
		return err
	}
	r.state.Targets = data
	return nil
}

// role loads a role as the snapshot names it, from seen, the stored one, if that is
// the very same. Its version must not be lower than that of seen.
func (r *refresh) role(role, delegator string, seen []byte) ([]byte, error) {
	meta := r.set.Snapshot.Signed.Meta[role+".json"]
	snapshot := metadataPath(roleSnapshot, r.set.Snapshot.Signed.Version)
	if meta == nil {
		return nil, &UntrustedError{Path: snapshot, Why: Mixed, Msg: "names no " + role + ".json"}
	}
	path := metadataPath(role, meta.Version)
	data := seen
	if len(seen) == 0 || !isBytes(meta, seen) {
		if before := r.seenVersion(role, delegator, seen); before > meta.Version {
			return nil, &UntrustedError{Path: path, Why: RolledBack, Msg: fmt.Sprintf("want at least version %d, got %d", before, meta.Version)}
		}
		var err error
		if data, err = r.c.fetch(r.ctx, path, maxRoleBytes); err != nil {
			return nil, err
		}
	}
	err := guard(path, func() error {
		_, err := r.set.UpdateDelegatedTargets(data, role, delegator)
		return err
	})
	var expired *metadata.ErrExpiredMetadata
	if errors.As(err, &expired) {
		if m, e := metadata.Targets().FromBytes(data); e == nil {
			return nil, &ExpiredError{Role: role, Since: m.Signed.Expires}
		}
	}
	if err != nil {
		return nil, err
	}
	return data, r.checkTime(role, r.set.Targets[role].Signed.Expires)
}

// isBytes reports whether data is what meta names, by digest.
func isBytes(meta *metadata.MetaFiles, data []byte) bool {
	want := meta.Hashes["sha256"]
	got := manifest.DigestOf(data)
	return bytes.Equal(want, got[:])
}

// seenVersion is the version of a stored role that is still vouched for, else 0.
func (r *refresh) seenVersion(role, delegator string, seen []byte) (version int64) {
	if len(seen) == 0 {
		return 0
	}
	_ = guard(role, func() error { // what does not verify any more has no say
		m, err := metadata.Targets().FromBytes(seen)
		if err != nil {
			return err
		}
		if delegator == roleRoot {
			err = r.set.Root.VerifyDelegate(role, m)
		} else {
			err = r.set.Targets[delegator].VerifyDelegate(role, m)
		}
		if err == nil {
			version = m.Signed.Version
		}
		return err
	})
	return version
}
