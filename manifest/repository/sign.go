package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// Signing where the keys are: with Export a command publishes nothing, but hands out one
// document with the roles that it would sign. [SignRequest] adds the signatures of the keys
// of another machine, as often as wanted; [ImportSigned] publishes it, with the keys of
// snapshot and timestamp, once every role has as many as it wants. The document is
//
//	{"schema":"inplace/signing/1","root_fingerprint":"HEX",
//	 "before":{"root":"BASE64","targets":"BASE64",...},"after":{"full":"BASE64",...}}
//
// with metadata as it is published, and as it is to be. It needs no trust: what was before
// has to be signed rightly, and what is imported has to follow what is published.

const (
	signingSchema = "inplace/signing/1"

	// MaxSigningBytes is the longest document of that kind.
	MaxSigningBytes = 128 << 20
)

type request struct {
	Schema string            `json:"schema"`
	Root   string            `json:"root_fingerprint"`
	Before map[string][]byte `json:"before"` // root, targets, and what is changed and was there
	After  map[string][]byte `json:"after"`
}

// RequestError reports a document that cannot be signed or published, and why.
type RequestError struct{ Msg string }

func (e *RequestError) Error() string { return "what is to be signed: " + e.Msg }

// Signing is what a request asks to be signed.
type Signing struct {
	Roles   []RoleSigning `json:"roles"`
	Missing int           `json:"missing"` // signatures that are wanted still, over all roles
	Added   int           `json:"added"`   // that were added just now
}

// RoleSigning is a role in a request.
type RoleSigning struct {
	Role    string    `json:"role"`
	Version int64     `json:"version"` // the one before is published; 1: a new role
	Until   time.Time `json:"until"`
	Changes []string  `json:"changes"` // against the version before, in plain words
	Missing int       `json:"missing"`
}

// request hands out what the change has made, instead of publishing it.
func (p *publisher) request(s *store) error {
	if len(p.changed) == 0 {
		return &RequestError{"nothing: the keys of snapshot and timestamp have to be where the repository is"}
	}
	first, err := s.read(metadataPath(roleRoot, 1), maxRootBytes)
	if err != nil {
		return err
	}
	req := &request{Schema: signingSchema, Root: manifest.DigestOf(first).Hex(), After: map[string][]byte{}}
	if req.Before, err = p.standing(s, slices.Collect(maps.Keys(p.changed))); err != nil {
		return err
	}
	if err := p.keep(req); err != nil {
		return err
	}
	data, err := json.Marshal(req)
	if err != nil {
		return err
	}
	return p.export(append(data, '\n'))
}

// standing reads root, targets and roles as they are published.
func (p *publisher) standing(s *store, roles []string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, role := range append([]string{roleRoot, roleTargets}, roles...) {
		version := p.root.Signed.Version
		if role != roleRoot {
			version = p.targetsRole(role).Signed.Version
		}
		if p.changed[role] {
			version--
		}
		if version == 0 {
			continue
		}
		var err error
		if out[role], err = s.read(metadataPath(role, version), maxRoleBytes); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keep puts what was changed into req, with its signatures.
func (p *publisher) keep(req *request) error {
	for role := range p.changed {
		var data []byte
		var err error
		if role == roleRoot {
			data, err = p.root.ToBytes(true)
		} else {
			data, err = p.targetsRole(role).ToBytes(true)
		}
		if err != nil {
			return err
		}
		req.After[role] = append(data, '\n')
	}
	return nil
}

// readRequest reads a request and makes of it the publisher that signs it: before must be
// signed by the keys it names, and after must be the versions that follow.
func readRequest(data []byte) (*request, *publisher, *published, error) {
	bad := func(format string, args ...any) (*request, *publisher, *published, error) {
		return nil, nil, nil, &RequestError{fmt.Sprintf(format, args...)}
	}
	req := &request{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(req); err != nil || req.Schema != signingSchema {
		return bad("want a file that --export has written, schema %s", signingSchema)
	}
	before, after := &published{roles: map[string]*metadata.Metadata[metadata.TargetsType]{}}, &published{}
	if err := before.parse(req.Before); err != nil || before.root == nil || before.targets == nil {
		return bad("malformed, or without what is published: %v", err)
	}
	after.root, after.targets, after.roles = before.root, before.targets, maps.Clone(before.roles)
	if err := after.parse(req.After); err != nil {
		return bad("malformed: %v", err)
	}
	p := newPublisher(after, nil, time.Time{}, Expiry{})
	p.elsewhere = true
	if req.After[roleRoot] != nil {
		p.trusted = before.root
	}
	err := guard("what is published", func() error {
		err := before.root.VerifyDelegate(roleRoot, before.root)
		for role := range req.Before {
			switch role {
			case roleRoot:
			case roleTargets:
				err = errors.Join(err, before.root.VerifyDelegate(role, before.targets))
			default:
				err = errors.Join(err, before.targets.VerifyDelegate(role, before.roles[role]))
			}
		}
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	for role := range req.After {
		if got, want := after.versionOf(role), before.versionOf(role)+1; got != want {
			return bad("%s is version %d, and has to be %d", role, got, want)
		}
		if role != roleRoot && role != roleTargets && delegation(after.targets, role) == nil {
			return bad("%s is no channel", role)
		}
		p.changed[role] = true
	}
	if len(p.changed) == 0 {
		return bad("nothing is in it")
	}
	return req, p, before, nil
}

// parse takes over roles from documents.
func (p *published) parse(docs map[string][]byte) error {
	for role, data := range docs {
		err := guard(role, func() (err error) {
			switch role {
			case roleRoot:
				p.root, err = metadata.Root().FromBytes(data)
			case roleTargets:
				p.targets, err = metadata.Targets().FromBytes(data)
			default:
				if err = CheckChannel(role); err == nil {
					p.roles[role], err = metadata.Targets().FromBytes(data)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// versionOf is the version of a role, 0 where it is not there.
func (p *published) versionOf(role string) int64 {
	switch {
	case role == roleRoot:
		return p.root.Signed.Version
	case role == roleTargets:
		return p.targets.Signed.Version
	case p.roles[role] != nil:
		return p.roles[role].Signed.Version
	}
	return 0
}

// SignRequest adds to a request the signatures of those keys in keysDir that its roles want,
// and says what it is that they sign. It writes nothing.
func SignRequest(data []byte, keysDir string, pass []byte) ([]byte, *Signing, error) {
	req, p, before, err := readRequest(data)
	if err != nil {
		return nil, nil, err
	}
	if p.keys, err = openKeys(keysDir, pass, false, nil); err != nil {
		return nil, nil, err
	}
	defer p.keys.close()
	was := p.signing(before).Missing
	if err := p.sign(); err != nil {
		return nil, nil, err
	}
	if err := p.keep(req); err != nil {
		return nil, nil, err
	}
	out := p.signing(before)
	out.Added = was - out.Missing
	data, err = json.Marshal(req)
	return append(data, '\n'), out, err
}

// ShowRequest says what a request asks to be signed.
func ShowRequest(data []byte) (*Signing, error) {
	_, p, before, err := readRequest(data)
	if err != nil {
		return nil, err
	}
	return p.signing(before), nil
}

// signing describes what was changed.
func (p *publisher) signing(before *published) *Signing {
	out := &Signing{}
	for _, role := range slices.Sorted(maps.Keys(p.changed)) {
		r := RoleSigning{Role: role, Version: p.versionOf(role), Missing: p.missing(role)}
		switch role {
		case roleRoot:
			r.Until, r.Changes = p.root.Signed.Expires, rootChanges(before.root, p.root)
		case roleTargets:
			r.Until, r.Changes = p.targets.Signed.Expires, targetsChanges(before.targets, p.targets)
		default:
			r.Until, r.Changes = p.roles[role].Signed.Expires, fileChanges(before.roles[role], p.roles[role])
		}
		if r.Until = r.Until.UTC(); len(r.Changes) == 0 {
			r.Changes = []string{"nothing but its version and its end"}
		}
		out.Missing += r.Missing
		out.Roles = append(out.Roles, r)
	}
	return out
}

// missing is how many signatures a changed role wants still: root those of its keys and of
// the keys before, all others those of the keys that count from now on.
func (p *publisher) missing(role string) (n int) {
	short := func(root *metadata.Metadata[metadata.RootType], good func(ids map[string]bool) error) int {
		ids, threshold := p.wanted(role, root)
		got := 0
		for _, id := range ids {
			if guard(role, func() error { return good(map[string]bool{id: true}) }) == nil {
				got++
			}
		}
		return max(0, threshold-got)
	}
	one := func(root *metadata.Metadata[metadata.RootType]) func(ids map[string]bool) error {
		return func(ids map[string]bool) error { return p.signedBy(role, root, ids) }
	}
	n = short(p.root, one(p.root))
	if role == roleRoot && p.trusted != nil {
		n = max(n, short(p.trusted, one(p.trusted)))
	}
	return n
}

// signedBy verifies the signatures of single keys of a role.
func (p *publisher) signedBy(role string, root *metadata.Metadata[metadata.RootType], ids map[string]bool) error {
	only := slices.Collect(maps.Keys(ids))
	alone := metadata.Root(time.Time{})
	alone.Signed.Roles[role] = &metadata.Role{KeyIDs: only, Threshold: 1}
	alone.Signed.Keys = root.Signed.Keys
	if root.Signed.Roles[role] == nil {
		alone.Signed.Keys = p.targets.Signed.Delegations.Keys
	}
	if role == roleRoot {
		return alone.VerifyDelegate(role, p.root)
	}
	return alone.VerifyDelegate(role, p.targetsRole(role))
}

// ImportSigned publishes a request, with the keys of snapshot and timestamp. One that was made
// from another repository, or from a state that is not the published one any more, is a
// *[RequestError]; too few signatures are a *[KeysError]. Nothing is published then.
func ImportSigned(opt EditOptions, data []byte) (out *Signing, err error) {
	req, r, before, err := readRequest(data)
	if err != nil {
		return nil, err
	}
	err = edit(opt, func(s *store, p *publisher) error {
		first, err := s.read(metadataPath(roleRoot, 1), maxRootBytes)
		if err != nil {
			return err
		}
		if here := manifest.DigestOf(first).Hex(); here != req.Root {
			return &RequestError{fmt.Sprintf("made for another repository: root of trust %.12s, here %.12s", manifest.Path(req.Root), here)}
		}
		here, err := p.standing(s, slices.DeleteFunc(slices.Collect(maps.Keys(req.After)), func(role string) bool { return p.versionOf(role) == 0 }))
		if err != nil {
			return err
		}
		for _, role := range slices.Sorted(maps.Keys(here)) {
			if !bytes.Equal(here[role], req.Before[role]) {
				return &RequestError{fmt.Sprintf("%s has changed since: published is version %d, this was made after version %d; make it anew", role, p.versionOf(role), before.versionOf(role))}
			}
		}
		p.elsewhere, p.changed = true, r.changed
		if req.After[roleRoot] != nil {
			p.trusted = p.root
		}
		p.root, p.targets, p.roles = r.root, r.targets, merged(p.roles, r.roles)
		if err := p.complete(s, before); err != nil {
			return err
		}
		if err := p.publish(s); err != nil {
			return err
		}
		out = p.signing(before)
		return nil
	})
	return out, err
}

func merged(a, b map[string]*metadata.Metadata[metadata.TargetsType]) map[string]*metadata.Metadata[metadata.TargetsType] {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// complete reports channels and manifests that the repository would not have.
func (p *publisher) complete(s *store, before *published) error {
	for _, channel := range channelRoles(p.targets) {
		if p.roles[channel] == nil {
			return &RequestError{"channel " + channel + " is named, and is not in it"}
		}
		if !p.changed[channel] {
			continue
		}
		for name, file := range p.roles[channel].Signed.Targets {
			level, ok := targetLevel(channel, name)
			if !ok || before.roles[channel] != nil && before.roles[channel].Signed.Targets[name] != nil {
				continue
			}
			if _, _, err := readManifest(s, channel, level, file); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// rootChanges says in plain words what differs in two roots.
func rootChanges(a, b *metadata.Metadata[metadata.RootType]) (out []string) {
	for _, role := range []string{roleRoot, roleTargets, roleSnapshot, roleTimestamp} {
		x, y := a.Signed.Roles[role], b.Signed.Roles[role]
		if x == nil || y == nil {
			out = append(out, role+" is missing")
			continue
		}
		out = append(out, keyChanges(role, x.KeyIDs, y.KeyIDs, x.Threshold, y.Threshold)...)
	}
	return out
}

func keyChanges(role string, a, b []string, threshold, now int) (out []string) {
	for _, id := range b {
		if !slices.Contains(a, id) {
			out = append(out, fmt.Sprintf("key %.12s of %s is new", manifest.Path(id), role))
		}
	}
	for _, id := range a {
		if !slices.Contains(b, id) {
			out = append(out, fmt.Sprintf("key %.12s of %s is revoked", manifest.Path(id), role))
		}
	}
	if threshold != now {
		out = append(out, fmt.Sprintf("%d keys of %s must sign, instead of %d", now, role, threshold))
	}
	return out
}

// targetsChanges is about channels, their keys and who may have them, and the updater.
func targetsChanges(a, b *metadata.Metadata[metadata.TargetsType]) (out []string) {
	names := func(m *metadata.Metadata[metadata.TargetsType]) (list []string) {
		if m.Signed.Delegations != nil {
			for _, r := range m.Signed.Delegations.Roles {
				list = append(list, r.Name)
			}
		}
		return list
	}
	for _, name := range names(b) {
		y := delegation(b, name)
		shown := manifest.Path(name).String()
		x := delegation(a, name)
		if x == nil {
			out = append(out, fmt.Sprintf("channel %s is new", shown))
			x = &metadata.DelegatedRole{Threshold: 1}
		}
		out = append(out, keyChanges(shown, x.KeyIDs, y.KeyIDs, x.Threshold, y.Threshold)...)
		if was, is := forSubscribers(a, name), forSubscribers(b, name); is && !was {
			out = append(out, fmt.Sprintf("channel %s is for subscribers only", shown))
		} else if was && !is {
			out = append(out, fmt.Sprintf("channel %s is open to everybody", shown))
		}
		if !slices.Equal(x.Paths, y.Paths) && len(x.Paths) > 0 || !slices.Equal(y.Paths, []string{name + "/*"}) || !y.Terminating {
			out = append(out, fmt.Sprintf("channel %s may sign %q", shown, y.Paths))
		}
	}
	for _, name := range names(a) {
		if delegation(b, name) == nil {
			out = append(out, fmt.Sprintf("channel %s is gone", manifest.Path(name)))
		}
	}
	return append(append(out, subscriptionChanges(a, b)...), fileChanges(a, b)...)
}

// fileChanges is about the targets themselves; a is nil for a new role.
func fileChanges(a, b *metadata.Metadata[metadata.TargetsType]) (out []string) {
	old := map[string]*metadata.TargetFiles{}
	if a != nil {
		old = a.Signed.Targets
	}
	for _, name := range slices.Sorted(maps.Keys(b.Signed.Targets)) {
		x, y := old[name], b.Signed.Targets[name]
		shown := manifest.Path(name).String()
		if y == nil {
			continue
		}
		var was custom
		if x == nil {
			out = append(out, fmt.Sprintf("%s is new, sha256:%x", shown, []byte(y.Hashes["sha256"])))
		} else {
			was, _ = customOf(x)
			if !bytes.Equal(x.Hashes["sha256"], y.Hashes["sha256"]) {
				out = append(out, fmt.Sprintf("%s is another one, sha256:%x", shown, []byte(y.Hashes["sha256"])))
			}
		}
		is, err := customOf(y)
		switch {
		case err != nil:
			out = append(out, shown+" has a malformed description")
		case is.Withdrawn != was.Withdrawn && is.Withdrawn != "":
			out = append(out, fmt.Sprintf("%s is withdrawn: %s", shown, manifest.Path(is.Withdrawn)))
		case is.Withdrawn != was.Withdrawn:
			out = append(out, shown+" is not withdrawn any more")
		case is != was && x != nil:
			out = append(out, fmt.Sprintf("%s is described otherwise", shown))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if b.Signed.Targets[name] == nil {
			out = append(out, manifest.Path(name).String()+" is gone")
		}
	}
	return out
}
