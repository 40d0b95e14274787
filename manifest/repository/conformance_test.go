package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// The scenarios of tuf-conformance (github.com/theupdateframework/tuf-conformance) by name,
// against the client of this package. docs/trust.md says which do not apply, and why.

// conformance is a scenario: f has trusted version 1 of everything.
type conformance struct {
	name string
	run  func(t *testing.T, s *simulator, f *follower)
}

// wantVersions holds the client to versions, in the order root, timestamp, snapshot, targets.
func (f *follower) wantVersions(want ...int64) {
	f.s.t.Helper()
	for i, role := range []string{roleRoot, roleTimestamp, roleSnapshot, roleTargets} {
		if got := f.version(role); got != want[i] {
			f.s.t.Errorf("%s: want version %d, got %d", role, want[i], got)
		}
	}
}

func (f *follower) wantRefresh(name string, good bool) {
	f.s.t.Helper()
	if err := f.refresh(noon); (err == nil) != good {
		f.s.t.Errorf("%s: want success: %v, got %v", name, good, err)
	}
}

func (f *follower) wantAsked(names ...string) {
	f.s.t.Helper()
	if !slices.Equal(f.s.asked, names) {
		f.s.t.Errorf("want %q asked for, got %q", names, f.s.asked)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, list := range [][]conformance{basicScenarios, rollbackScenarios, expirationScenarios, keyScenarios, delegationScenarios, downloadScenarios} {
		for _, c := range list {
			t.Run(c.name, func(t *testing.T) {
				s := newSimulator(t)
				f := s.follow()
				f.wantRefresh("the first time", true)
				f.wantAsked("2.root", "timestamp", "1.snapshot", "1.targets")
				f.wantVersions(1, 1, 1, 1)
				c.run(t, s, f)
			})
		}
	}
}

// otherTimestamp is of the same version with other content.
func otherTimestamp(_ *testing.T, s *simulator, f *follower) {
	s.timestamp.Signed.Meta["snapshot.json"].Version = 100
	s.files[fileTimestamp] = signed(s.t, s.timestamp, s.signers[roleTimestamp])
	before := f.trust.Timestamp
	wantUntrusted(s.t, "another timestamp of the same version", f.refresh(noon), Mixed)
	if !bytes.Equal(before, f.trust.Timestamp) {
		s.t.Error("it is trusted")
	}
}

var basicScenarios = []conformance{
	{"test_basic_init_and_refresh", func(_ *testing.T, _ *simulator, f *follower) {
		f.wantRefresh("again", true)
		f.wantAsked("2.root", "timestamp")
	}},
	{"test_timestamp_content_changes", otherTimestamp},
	{"test_timestamp_eq_versions_check", otherTimestamp},
	{"test_new_targets_hash_mismatch", func(t *testing.T, s *simulator, f *follower) {
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		s.targets[roleTargets].Signed.UnrecognizedFields = map[string]any{"other": "content"}
		s.write(roleTargets)
		wantUntrusted(t, "other bytes than the snapshot names", f.refresh(noon), BadDigest)
		f.wantVersions(1, 2, 2, 1)
	}},
	{"test_new_targets_version_mismatch", func(t *testing.T, s *simulator, f *follower) {
		s.noHashes = true
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		s.files[metadataPath(roleTargets, 2)] = s.files[metadataPath(roleTargets, 1)]
		wantUntrusted(t, "another version than the snapshot names", f.refresh(noon), RolledBack)
		f.wantVersions(1, 2, 2, 1)
	}},
	{"test_invalid_initial_root", func(t *testing.T, s *simulator, _ *follower) {
		f := s.follow()
		f.trust.Roots[0] = bytes.Replace(s.roots[0], []byte(`"version":1`), []byte(`"version":null`), 1)
		wantUntrusted(t, "no version", f.refresh(noon), BadSignature)
		f.wantAsked()
	}},
	{"test_unsigned_initial_root", func(t *testing.T, s *simulator, _ *follower) {
		f := s.follow()
		s.root.ClearSignatures()
		data, err := s.root.ToBytes(false)
		must(t, err)
		f.trust.Roots[0] = data
		wantUntrusted(t, "no signature", f.refresh(noon), BadSignature)
		f.wantAsked()
	}},
	{"test_custom_fields", func(_ *testing.T, s *simulator, f *follower) {
		id := s.root.Signed.Roles[roleRoot].KeyIDs[0]
		s.root.Signed.UnrecognizedFields = map[string]any{"custom-field": "value"}
		s.root.Signed.Keys[id].UnrecognizedFields = map[string]any{"extra-field": map[string]any{"a": 1, "b": 2}}
		s.root.Signed.Roles[roleRoot].UnrecognizedFields = map[string]any{"another-field": "value"}
		s.publish(roleRoot)
		f.wantRefresh("fields that nobody knows", true)
		f.wantVersions(2, 1, 1, 1)
	}},
}

// rolledBackSnapshot publishes a snapshot below the one that was seen.
func rolledBackSnapshot(hashes bool) func(*testing.T, *simulator, *follower) {
	return func(t *testing.T, s *simulator, f *follower) {
		s.noHashes = !hashes
		s.publish(roleSnapshot, roleTimestamp)
		f.wantRefresh("forward", true)
		s.snapshot.Signed.Version = 1
		s.publish(roleTimestamp)
		wantUntrusted(t, "backward", f.refresh(noon), RolledBack)
		f.wantVersions(1, 2, 2, 1)
		f.wantAsked("2.root", "timestamp")
	}
}

func rolledBackTargets(hashes bool) func(*testing.T, *simulator, *follower) {
	return func(t *testing.T, s *simulator, f *follower) {
		s.noHashes = !hashes
		s.publish(roleTargets, roleTargets, roleSnapshot, roleTimestamp)
		f.wantRefresh("forward", true)
		s.targets[roleTargets].Signed.Version = 1
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		wantUntrusted(t, "backward", f.refresh(noon), RolledBack)
		f.wantVersions(1, 3, 2, 3) // a snapshot with a fault is not kept: stricter than asked for
	}
}

var rollbackScenarios = []conformance{
	{"test_simple_snapshot_rollback", func(_ *testing.T, s *simulator, f *follower) {
		s.publish(roleSnapshot, roleTimestamp)
		f.wantRefresh("forward", true)
		s.files[metadataPath(roleSnapshot, 2)] = s.files[metadataPath(roleSnapshot, 1)]
		f.wantRefresh("what is known is not asked for", true)
		f.wantAsked("2.root", "timestamp")
		f.wantVersions(1, 2, 2, 1)
	}},
	{"test_new_timestamp_version_rollback", func(t *testing.T, s *simulator, f *follower) {
		s.publish(roleTimestamp)
		f.wantRefresh("forward", true)
		s.timestamp.Signed.Version = 1
		s.write(roleTimestamp)
		wantUntrusted(t, "backward", f.refresh(noon), RolledBack)
		f.wantVersions(1, 2, 1, 1)
		f.wantAsked("2.root", "timestamp")
	}},
	{"test_snapshot_rollback[basic]", rolledBackSnapshot(false)},
	{"test_snapshot_rollback[with hashes]", rolledBackSnapshot(true)},
	{"test_targets_rollback[basic]", rolledBackTargets(false)},
	{"test_targets_rollback[with hashes]", rolledBackTargets(true)},
	{"test_new_targets_fast_forward_recovery", func(t *testing.T, s *simulator, f *follower) {
		s.targets[roleTargets].Signed.Version = 99
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		f.wantRefresh("forward", true)
		s.rotate(roleSnapshot)
		s.publish(roleRoot)
		s.targets[roleTargets].Signed.Version = 1
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		// Stricter than the scenario: while the key of targets is good, its versions stand.
		wantUntrusted(t, "with the key of targets still good", f.refresh(noon), RolledBack)
		s.rotate(roleTargets)
		s.publish(roleRoot)
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		f.wantRefresh("with a new key of targets", true)
		if f.version(roleTargets) != 3 {
			t.Errorf("targets: version %d", f.version(roleTargets))
		}
	}},
	{"test_new_snapshot_fast_forward_recovery", func(_ *testing.T, s *simulator, f *follower) {
		s.snapshot.Signed.Version = 99998
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		f.wantRefresh("forward", true)
		f.wantVersions(1, 2, 99999, 2)
		s.rotate(roleSnapshot)
		s.rotate(roleTimestamp)
		s.publish(roleRoot)
		s.snapshot.Signed.Version = 0
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		f.wantRefresh("with new keys", true)
		f.wantVersions(2, 3, 1, 3)
	}},
	{"test_new_timestamp_fast_forward_recovery", func(_ *testing.T, s *simulator, f *follower) {
		s.timestamp.Signed.Version = 99
		s.publish(roleTimestamp)
		f.wantRefresh("forward", true)
		f.wantVersions(1, 100, 1, 1)
		s.rotate(roleTimestamp)
		s.publish(roleRoot)
		s.timestamp.Signed.Version = 1
		s.write(roleTimestamp)
		f.wantRefresh("with a new key", true)
		f.wantVersions(2, 1, 1, 1)
	}},
	{"test_new_snapshot_version_mismatch", func(_ *testing.T, s *simulator, f *follower) {
		s.timestamp.Signed.Version++
		s.timestamp.Signed.Meta["snapshot.json"].Version = 2
		s.files[fileTimestamp] = signed(s.t, s.timestamp, s.signers[roleTimestamp])
		s.files[metadataPath(roleSnapshot, 2)] = s.files[metadataPath(roleSnapshot, 1)]
		f.wantRefresh("another version than the timestamp names", false)
		f.wantVersions(1, 2, 1, 1)
		f.wantAsked("2.root", "timestamp", "2.snapshot")
	}},
}

// past is five days before the time of the tests.
var past = noon.Add(-5 * day)

func wantExpired(t *testing.T, err error, role string) {
	t.Helper()
	var expired *ExpiredError
	if !errors.As(err, &expired) || expired.Role != role {
		t.Errorf("want %s expired, got %v", role, err)
	}
}

var expirationScenarios = []conformance{
	{"test_root_expired", func(t *testing.T, s *simulator, f *follower) {
		s.publish(roleRoot)
		f.wantRefresh("a new root", true)
		s.root.Signed.Expires = past
		s.publish(roleRoot)
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		wantExpired(t, f.refresh(noon), roleRoot)
		f.wantVersions(3, 1, 1, 1)
	}},
	{"test_timestamp_expired", func(t *testing.T, s *simulator, f *follower) {
		s.timestamp.Signed.Expires = past
		s.publish(roleTimestamp)
		wantExpired(t, f.refresh(noon), roleTimestamp)
		f.wantVersions(1, 1, 1, 1)
	}},
	{"test_snapshot_expired", func(t *testing.T, s *simulator, f *follower) {
		s.snapshot.Signed.Expires = past
		s.publish(roleSnapshot, roleTimestamp)
		wantExpired(t, f.refresh(noon), roleSnapshot)
		f.wantVersions(1, 2, 1, 1)
	}},
	{"test_targets_expired", func(t *testing.T, s *simulator, f *follower) {
		s.targets[roleTargets].Signed.Expires = past
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		wantExpired(t, f.refresh(noon), roleTargets)
		f.wantVersions(1, 2, 2, 1)
	}},
	{"test_expired_metadata", func(t *testing.T, s *simulator, f *follower) {
		s.timestamp.Signed.Expires = noon.Add(7 * day)
		s.publish(roleTimestamp)
		f.wantRefresh("day 0", true)
		wantExpired(t, f.refresh(noon.Add(18*day)), roleTimestamp)
		s.timestamp.Signed.Expires = noon.Add(21 * day)
		s.publish(roleTargets, roleSnapshot, roleTimestamp)
		must(t, f.refresh(noon.Add(18*day)))
		f.wantVersions(1, 3, 2, 2)
	}},
	{"test_delegated_targets_expired", func(t *testing.T, s *simulator, f *follower) {
		s.channel("full").Signed.Expires = past
		s.all()
		wantExpired(t, f.refresh(noon), "full")
		if f.version("full") != 0 || len(f.c.All()) != 0 {
			t.Errorf("version %d of full is trusted", f.version("full"))
		}
	}},
	{"test_expired_local_delegated_targets", func(t *testing.T, s *simulator, f *follower) {
		s.channel("full").Signed.Expires = noon.Add(7 * day)
		s.release("full", 1, []byte("m"))
		s.all()
		f.wantRefresh("day 0", true)
		if len(f.c.All()) != 1 {
			t.Errorf("releases: %v", f.c.All())
		}
		wantExpired(t, f.refresh(noon.Add(18*day)), "full")
	}},
	{"test_expired_local_delegated_targets_updates", func(t *testing.T, s *simulator, f *follower) {
		s.channel("full").Signed.Expires = noon.Add(7 * day)
		s.all()
		f.wantRefresh("day 0", true)
		s.targets["full"].Signed.Expires = noon.Add(21 * day)
		s.publish("full", roleSnapshot, roleTimestamp)
		must(t, f.refresh(noon.Add(18*day)))
		if f.version("full") != 2 {
			t.Errorf("version %d of full", f.version("full"))
		}
	}},
}

// fourOfThree lets three of four keys sign the snapshot.
func fourOfThree(s *simulator, f *follower) {
	s.root.Signed.Roles[roleSnapshot].Threshold = 3
	s.addKey(roleSnapshot)
	s.publish(roleRoot)
	s.publish(roleSnapshot, roleTimestamp)
	f.wantRefresh("two of three", false)
	s.addKey(roleSnapshot)
	s.addKey(roleSnapshot)
	s.publish(roleRoot)
	s.publish(roleSnapshot, roleTimestamp)
	f.wantRefresh("four, three wanted", true)
	f.wantVersions(3, 3, 3, 1)
}

var keyScenarios = []conformance{
	{"test_root_has_keys_but_not_snapshot", func(_ *testing.T, s *simulator, f *follower) {
		fourOfThree(s, f)
		s.root.Signed.Roles[roleSnapshot].Threshold = 5
		must(s.t, s.root.Signed.AddKey(newKey(s.t).public, roleSnapshot)) // which never signs
		s.publish(roleRoot)
		f.wantRefresh("four of five", false)
		f.wantVersions(4, 3, 0, 1) // the snapshot is not vouched for any more
	}},
	{"test_wrong_hashing_algorithm", func(_ *testing.T, s *simulator, f *follower) {
		fourOfThree(s, f)
		id := s.root.Signed.Roles[roleSnapshot].KeyIDs[0]
		s.root.Signed.Keys[id].UnrecognizedFields = map[string]any{"keyid_hash_algorithms": []any{"md5"}}
		s.publish(roleRoot)
		s.publish(roleSnapshot, roleTimestamp)
		f.wantRefresh("a field that means nothing", true)
		f.wantVersions(4, 4, 4, 1)
	}},
	{"test_snapshot_threshold", func(_ *testing.T, s *simulator, f *follower) {
		for range 4 {
			s.addKey(roleSnapshot)
		}
		s.root.Signed.Roles[roleSnapshot].Threshold = 6
		s.publish(roleRoot)
		s.publish(roleSnapshot, roleTimestamp)
		f.wantRefresh("five of six", false)
		if v := f.version(roleSnapshot); v > 1 {
			s.t.Errorf("snapshot %d is trusted", v)
		}
	}},
	{"test_duplicate_keys_root", func(t *testing.T, s *simulator, f *follower) {
		key := s.addKey(roleSnapshot)
		role := s.root.Signed.Roles[roleSnapshot]
		for i := range 8 { // the same key under other names
			id := fmt.Sprintf("%064d", i)
			s.root.Signed.Keys[id], role.KeyIDs = key.public, append(role.KeyIDs, id)
		}
		role.Threshold = 6
		s.publish(roleRoot)
		s.snapshot.Signed.Version++
		s.write(roleSnapshot)
		sig := s.snapshot.Signatures[1]
		for i := range 8 {
			sig.KeyID = fmt.Sprintf("%064d", i)
			s.snapshot.Signatures = append(s.snapshot.Signatures, sig)
		}
		data, err := s.snapshot.ToBytes(false)
		must(t, err)
		s.files[metadataPath(roleSnapshot, 2)] = data
		s.publish(roleTimestamp)
		wantUntrusted(t, "one key ten times", f.refresh(noon), BadSignature)
		f.s.snapshot.Signatures = append(s.snapshot.Signatures, s.snapshot.Signatures[0])
		if data, err = s.snapshot.ToBytes(false); err != nil {
			t.Fatal(err)
		}
		role.Threshold = 1
		s.publish(roleRoot)
		s.files[metadataPath(roleSnapshot, 2)] = data
		s.publish(roleTimestamp)
		wantUntrusted(t, "one signature twice", f.refresh(noon), BadForm)
	}},
}

// visits are the channels that are asked for with these delegations, FROM TO each, a
// channel terminating as it must.
func visits(delegations string, want ...string) func(*testing.T, *simulator, *follower) {
	return func(_ *testing.T, s *simulator, f *follower) {
		for _, d := range strings.Split(delegations, ", ") {
			from, to, _ := strings.Cut(d, " ")
			s.delegate(from, metadata.DelegatedRole{Name: to, Terminating: true, Paths: []string{to + "/*"}})
		}
		s.all()
		f.wantRefresh("delegations", true)
		f.wantAsked(append([]string{"2.root", "timestamp", "2.snapshot", "2.targets"}, want...)...)
	}
}

// unusual is a delegation that is no channel: it is never asked for.
func unusual(name string) conformance {
	return conformance{"test_unusual_role_name[" + name + "]", func(_ *testing.T, s *simulator, f *follower) {
		s.delegate(roleTargets, metadata.DelegatedRole{Name: name, Terminating: true, Paths: []string{name + "/*"}})
		s.all()
		f.wantRefresh("an unusual name", true)
		f.wantAsked("2.root", "timestamp", "2.snapshot", "2.targets")
	}}
}

// One level of delegation is all there is: what a channel delegates is not followed.
var delegationScenarios = []conformance{
	{"test_graph_traversal[basic-delegation]", visits("targets a", "1.a")},
	{"test_graph_traversal[single-level-delegations]", visits("targets a, targets b", "1.a", "1.b")},
	{"test_graph_traversal[two-level-delegations]", visits("targets a, targets b, b c", "1.a", "1.b")},
	{"test_graph_traversal[two-level-test-DFS-order-of-traversal]", visits("targets a, targets b, a c, a d", "1.a", "1.b")},
	{"test_graph_traversal[three-level-delegation-test-DFS-order-of-traversal]", visits("targets a, targets b, a c, c d", "1.a", "1.b")},
	{"test_graph_traversal[two-level-terminating-ignores-all-but-roles-descendants]", visits("targets a, targets b, a c, a d", "1.a", "1.b")},
	{"test_graph_traversal[three-level-terminating-ignores-all-but-roles-descendants]", visits("targets a, targets b, a c, c d", "1.a", "1.b")},
	{"test_graph_traversal[three-level-ignores-all-branches-not-matching-paths]", visits("targets a, targets b, a c, c d", "1.a", "1.b")},
	{"test_graph_traversal[two-roles-delegating-to-a-third-different-paths]", visits("targets a, targets b, b c, a c", "1.a", "1.b")},
	{"test_graph_traversal[cyclic-graph]", visits("targets a, targets b, b c, c d, d b", "1.a", "1.b")},
	{"test_graph_traversal[two-roles-delegating-to-a-third]", visits("targets a, targets b, b c, a c", "1.a", "1.b")},
	{"test_graph_traversal[two-level-ignores-all-branches-not-matching-paths]", func(_ *testing.T, s *simulator, f *follower) {
		s.delegate(roleTargets, metadata.DelegatedRole{Name: "a", Terminating: true, Paths: []string{"*.py"}})
		s.delegate(roleTargets, metadata.DelegatedRole{Name: "c", Paths: []string{"c/*"}}) // not terminating
		s.channel("b")
		s.all()
		f.wantRefresh("branches that are no channels", true)
		f.wantAsked("2.root", "timestamp", "2.snapshot", "2.targets", "1.b")
	}},
	{"test_targetfile_search", func(t *testing.T, s *simulator, f *follower) {
		s.channel("a")
		s.channel("b")
		s.release("a", 1, []byte("one"))
		s.release("b", 2, []byte("two"))
		s.targets["a"].Signed.Targets["b/3.yaml"] = s.targets["b"].Signed.Targets["b/2.yaml"] // not a's to give
		s.all()
		f.wantRefresh("targets of channels", true)
		var got []string
		for _, r := range f.c.All() {
			got = append(got, r.Name)
		}
		if !slices.Equal(got, []string{"a/1.yaml", "b/2.yaml"}) {
			t.Errorf("releases: %q", got)
		}
	}},
	unusual("?"), unusual("#"), unusual("/delegatedrole"), unusual("../delegatedrole"),
}

// read fetches the manifest of a level of full, which is no manifest here: its bytes count.
func (f *follower) read(level int64) ([]byte, error) {
	for _, r := range f.c.All() {
		if r.Level == level {
			_, data, err := f.c.Manifest(context.Background(), r)
			return data, err
		}
	}
	return nil, &NotFoundError{fmt.Sprint(level)}
}

func (f *follower) wantRead(level int64, want string) {
	f.s.t.Helper()
	if data, _ := f.read(level); string(data) != want {
		f.s.t.Errorf("level %d: want %q, got %q", level, want, data)
	}
}

func downloads(_ *testing.T, s *simulator, f *follower) {
	s.channel("full")
	s.release("full", 1, []byte("target file contents"))
	s.all()
	f.wantRefresh("a release", true)
	f.wantRead(1, "target file contents")
}

var downloadScenarios = []conformance{
	{"test_client_downloads_expected_file", downloads},
	{"test_client_downloads_expected_file_in_sub_dir", downloads}, // every target lies in one
	{"test_repository_substitutes_target_file", func(t *testing.T, s *simulator, f *follower) {
		downloads(t, s, f)
		for path := range s.files {
			if strings.HasPrefix(path, dirTargets) {
				s.files[path] = []byte("malicious contents!!") // of the same length
			}
		}
		_, err := f.read(1)
		wantUntrusted(t, "another file", err, BadDigest)
		f.wantRead(1, "")
	}},
	{"test_multiple_changes_to_target", func(t *testing.T, s *simulator, f *follower) {
		downloads(t, s, f)
		for i := range int64(11) {
			text := fmt.Sprintf("modified contents %2d", i)
			s.release("full", 1, []byte(text))
			s.release("full", i+2, []byte("new "+text))
			s.publish("full", roleSnapshot, roleTimestamp)
			if i%5 != 0 {
				continue
			}
			f.wantRefresh("a change", true)
			f.wantRead(1, text)
			f.wantRead(i+2, "new "+text)
			list, err := f.c.Releases("full")
			must(t, err)
			s.files[manifestPath("full", 1, list[0].Digest)] = []byte(strings.Repeat("!", len(text)))
			s.publish("full", roleSnapshot, roleTimestamp)
			f.wantRefresh("without a change", true)
			f.wantRead(1, "")
		}
	}},
}

// rotation is a version of a role: its keys, how many must sign, and which do.
type rotation struct {
	keys      []int
	threshold int
	signers   []int
}

var five, others = []int{0, 1, 2, 3, 4}, []int{0, 1, 3, 4, 5}

// set makes r the keys of role.
func (s *simulator) set(role string, keys []*signer, r rotation) {
	for _, id := range slices.Clone(s.root.Signed.Roles[role].KeyIDs) {
		must(s.t, s.root.Signed.RevokeKey(id, role))
	}
	s.signers[role], s.root.Signed.Roles[role].Threshold = nil, r.threshold
	for _, i := range r.keys {
		must(s.t, s.root.Signed.AddKey(keys[i].public, role))
	}
	for _, i := range r.signers {
		s.signers[role] = append(s.signers[role], keys[i])
	}
}

// test_root_rotation
func TestConformanceRootRotation(t *testing.T) {
	t.Parallel()
	new5 := []int{5, 6, 7, 8, 9}
	for name, c := range map[string]struct {
		versions []rotation
		good     bool
	}{
		"1-of-1-key-rotation":                   {[]rotation{{[]int{1}, 1, []int{1}}, {[]int{2}, 1, []int{2, 1}}, {[]int{2}, 1, []int{2}}}, true},
		"1-of-1-key-rotation-unused-signatures": {[]rotation{{[]int{1}, 1, []int{3, 1, 4}}, {[]int{2}, 1, []int{3, 2, 1, 4}}, {[]int{2}, 1, []int{3, 2, 4}}}, true},
		"3-of-5-sign-with-different-keycombos": {[]rotation{{five, 3, []int{0, 2, 4}}, {five, 3, []int{0, 4, 1}}, {five, 3, []int{0, 1, 3}},
			{five, 3, []int{0, 1, 3}}}, true},
		"3-of-5-one-key-rotated":                                          {[]rotation{{five, 3, []int{0, 2, 4}}, {others, 3, []int{0, 4, 1}}}, true},
		"3-of-5-one-key-rotated-with-intermediate-step":                   {[]rotation{{five, 3, []int{0, 2, 4}}, {others, 3, []int{0, 2, 4, 5}}, {others, 3, []int{0, 4, 5}}}, true},
		"3-of-5-all-keys-rotated-with-intermediate-step":                  {[]rotation{{five, 3, []int{0, 2, 4}}, {new5, 3, []int{0, 2, 4, 5, 6, 7}}, {new5, 3, []int{5, 6, 7}}}, true},
		"1-of-3-threshold-increase-to-2-of-3":                             {[]rotation{{[]int{1, 2, 3}, 1, []int{1}}, {[]int{1, 2, 3}, 2, []int{1, 2}}}, true},
		"2-of-3-threshold-decrease-to-1-of-3":                             {[]rotation{{[]int{1, 2, 3}, 2, []int{1, 2}}, {[]int{1, 2, 3}, 1, []int{1, 2}}, {[]int{1, 2, 3}, 1, []int{1}}}, true},
		"1-of-2-threshold-increase-to-2-of-2":                             {[]rotation{{[]int{1}, 1, []int{1}}, {[]int{1, 2}, 2, []int{1, 2}}}, true},
		"1-of-1-key-rotation-fail-not-signed-with-old-key":                {[]rotation{{[]int{1}, 1, []int{1}}, {[]int{2}, 1, []int{2, 3, 4}}}, false},
		"1-of-1-key-rotation-fail-not-signed-with-new-key":                {[]rotation{{[]int{1}, 1, []int{1}}, {[]int{2}, 1, []int{1, 3, 4}}}, false},
		"3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys":          {[]rotation{{five, 3, []int{0, 2, 4}}, {others, 3, []int{0, 2, 4}}}, false},
		"3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys":          {[]rotation{{five, 3, []int{0, 2, 4}}, {others, 3, []int{0, 4, 5}}}, false},
		"1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached": {[]rotation{{[]int{1, 2, 3}, 1, []int{1}}, {[]int{1, 2, 3}, 2, []int{2}}}, false},
		"2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-eached":  {[]rotation{{[]int{1, 2, 3}, 2, []int{1, 2}}, {[]int{1, 2, 3}, 1, []int{1}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulator(t)
			keys := tenKeys(t)
			s.roots, s.root.Signed.Version = nil, 0
			for _, r := range c.versions {
				s.set(roleRoot, keys, r)
				s.publish(roleRoot)
			}
			f := s.follow()
			f.wantRefresh("all roots", c.good)
			last := len(s.roots)
			if !c.good {
				last--
			}
			if len(f.trust.Roots) != last || !bytes.Equal(f.trust.Roots[last-1], s.roots[last-1]) {
				t.Errorf("want %d roots trusted, got %d", last, len(f.trust.Roots))
			}
		})
	}
}

func tenKeys(t *testing.T) (keys []*signer) {
	for range 10 {
		keys = append(keys, newKey(t))
	}
	return keys
}

// test_non_root_rotations
func TestConformanceNonRootRotations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rotation
		good bool
	}{
		"1-of-1-key-rotation":                                            {rotation{[]int{2}, 1, []int{2}}, true},
		"1-of-1-key-rotation-unused-signatures":                          {rotation{[]int{1}, 1, []int{3, 1, 4}}, true},
		"1-of-1-key-rotation-fail-not-signed-with-new-key":               {rotation{[]int{2}, 1, []int{1, 3, 4}}, false},
		"3-of-5-one-key-signature-wrong-not-signed-with-3-expected-keys": {rotation{others, 3, []int{0, 2, 4}}, false},
		"2-of-5-one-key-signature-mising-threshold-not-reached":          {rotation{others, 3, []int{0, 4}}, false},
		"3-of-5-sign-first-combo":                                        {rotation{five, 3, []int{0, 2, 4}}, true},
		"3-of-5-sign-second-combo":                                       {rotation{five, 3, []int{0, 4, 1}}, true},
		"3-of-5-sign-third-combo":                                        {rotation{five, 3, []int{0, 1, 3}}, true},
		"3-of-5-sign-fourth-combo":                                       {rotation{five, 3, []int{1, 2, 3}}, true},
		"3-of-5-sign-fifth-combo":                                        {rotation{five, 3, []int{2, 3, 4}}, true},
	} {
		for _, role := range []string{roleTimestamp, roleSnapshot, roleTargets} {
			t.Run(name+"/"+role, func(t *testing.T) {
				s := newSimulator(t)
				f := s.follow()
				f.wantRefresh("before", true)
				s.set(role, tenKeys(t), c.rotation)
				s.publish(roleRoot)
				s.publish(roleTargets, roleSnapshot, roleTimestamp)
				f.wantRefresh("after", c.good)
				if got := f.version(role); c.good && got != 2 || !c.good && got == 2 {
					t.Errorf("version %d of %s is trusted", got, role)
				}
			})
		}
	}
}
