package repository

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// change changes keys of v's repository.
func (v *vendor) change(opt KeysOptions) (*KeysChanged, error) {
	opt.EditOptions = v.edit()
	return ChangeKeys(opt)
}

// lose takes key files of v away.
func (v *vendor) lose(names ...string) {
	v.t.Helper()
	for _, name := range names {
		must(v.t, os.Rename(filepath.Join(v.keys, name), filepath.Join(v.work, "lost-"+name)))
	}
}

// Keys of every role are added, replaced and revoked; clients of before follow, and the
// keys that were revoked sign nothing any more.
func TestChangeKeys(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()
	level := int64(0)
	follow := func(name string) {
		t.Helper()
		c := mustReader(t, v.dir, trust, noon)
		trust = c.State()
		mustReader(t, v.dir, nil, noon)
		level++
		v.add(level, v.tree(map[string]string{"f": fmt.Sprint(level)})) // the keys there are suffice
		c = mustReader(t, v.dir, trust, noon)
		if got, err := readRelease(c, "full", level); err != nil || len(got) != 1 {
			t.Errorf("%s: %v %v", name, got, err)
		}
		trust = c.State()
	}
	for _, role := range []string{roleRoot, roleTargets, roleSnapshot, roleTimestamp, "full"} {
		out, err := v.change(KeysOptions{Roles: []string{role}, Add: true, Threshold: 2})
		must(t, err)
		if c := out.Roles[0]; len(c.Keys) != 2 || c.Threshold != 2 || len(c.Added) != 1 || !strings.HasPrefix(c.Added[0], role+"."+c.Keys[1][:12]) {
			t.Errorf("%s: %+v", role, c)
		}
		follow(role + " added")
		if out, err := v.change(KeysOptions{Roles: []string{role}, Threshold: 2}); err != nil || !out.AlreadyThere {
			t.Errorf("%s: the threshold again: %+v %v", role, out, err)
		}
		before := out.Roles[0].Keys
		out, err = v.change(KeysOptions{Roles: []string{role}, Rotate: true})
		must(t, err)
		if c := out.Roles[0]; len(c.Keys) != 2 || slices.ContainsFunc(before, func(id string) bool { return slices.Contains(c.Keys, id) }) {
			t.Errorf("%s rotated: %+v, before %v", role, c, before)
		}
		follow(role + " rotated")
		var refused *KeysError
		if _, err := v.change(KeysOptions{Roles: []string{role}, Revoke: out.Roles[0].Keys[:1]}); !errors.As(err, &refused) || refused.Role != role {
			t.Errorf("%s: revoked below the threshold: %v", role, err)
		}
		gone := out.Roles[0].Keys[0]
		out, err = v.change(KeysOptions{Roles: []string{role}, Revoke: []string{gone[:12]}, Threshold: 1})
		must(t, err)
		if c := out.Roles[0]; len(c.Keys) != 1 || c.Threshold != 1 || !slices.Equal(c.Revoked, []string{gone}) {
			t.Errorf("%s revoked: %+v", role, c)
		}
		follow(role + " revoked")
		if _, err := v.change(KeysOptions{Roles: []string{role}, Threshold: 2}); !errors.As(err, &refused) {
			t.Errorf("%s: a threshold above the keys: %v", role, err)
		}
	}
	if n := len(trust.Roots); n != 13 { // 1 and three for each of four roles
		t.Errorf("%d roots are kept", n)
	}
	var missing *NotFoundError
	for _, bad := range []KeysOptions{{Roles: []string{"none"}, Add: true}, {Roles: []string{"root"}, Revoke: []string{"0123456789abcdef"}}} {
		if _, err := v.change(bad); !errors.As(err, &missing) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	list, err := ListKeys(v.edit())
	must(t, err)
	for _, r := range list.Roles {
		if len(r.Keys) != 1 || r.Keys[0].File == "" || r.Threshold != 1 || !r.Until.After(noon) {
			t.Errorf("listed: %+v", r)
		}
	}
	if len(list.Roles) != 5 || len(list.Unused) != 15 {
		t.Errorf("%d roles, unused %v", len(list.Roles), list.Unused)
	}
	if list, err := ListKeys(EditOptions{Dir: v.dir}); err != nil || list.Roles[4].Keys[0].File != "" {
		t.Errorf("without keys: %+v %v", list, err)
	}
}

// Keys that are missing are told before anything is made; those of snapshot and timestamp
// may both be lost.
func TestLostKeys(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()
	v.lose("snapshot.key", "timestamp.key")
	names, err := os.ReadDir(v.keys)
	must(t, err)
	if _, err := v.change(KeysOptions{Roles: []string{roleTimestamp}, Rotate: true}); err == nil || !strings.Contains(err.Error(), "snapshot.key") {
		t.Errorf("one of two lost keys: %v", err)
	}
	if _, err := v.change(KeysOptions{Roles: []string{"full"}, Rotate: true}); err == nil {
		t.Error("a channel without the online keys")
	}
	if again, err := os.ReadDir(v.keys); err != nil || len(again) != len(names) {
		t.Errorf("a refused change made keys: %v %v", again, err)
	}
	_, err = v.change(KeysOptions{Roles: []string{roleSnapshot, roleTimestamp}, Rotate: true})
	must(t, err)
	trust = mustReader(t, v.dir, trust, noon).State()

	v.lose("full.key") // and targets, whose clients of before wait between two writes
	_, err = v.change(KeysOptions{Roles: []string{"full"}, Rotate: true})
	must(t, err)
	v.lose("targets.key")
	_, err = v.change(KeysOptions{Roles: []string{roleTargets}, Rotate: true})
	must(t, err)
	if _, err := readRelease(mustReader(t, v.dir, trust, noon), "full", 0); err != nil {
		t.Error(err)
	}
	_, err = v.change(KeysOptions{Roles: []string{roleRoot}, Add: true})
	must(t, err)
	v.lose("root.key")
	list, err := ListKeys(v.edit())
	must(t, err)
	lost := list.Roles[0].Keys[0]
	if lost.File != "" || list.Roles[0].Keys[1].File == "" {
		t.Errorf("roots: %+v", list.Roles[0])
	}
	_, err = v.change(KeysOptions{Roles: []string{roleRoot}, Revoke: []string{lost.ID}}) // the second one suffices
	must(t, err)
	mustReader(t, v.dir, trust, noon)
}

// Killed at any moment, a change of keys leaves a repository that clients believe, and it
// can be made again.
func TestChangeKeysInterrupted(t *testing.T) {
	slow(t)
	for _, c := range []struct {
		role  string
		least int
	}{{roleRoot, 8}, {roleTargets, 18}, {roleTimestamp, 14}, {"full", 18}} {
		v := newVendor(t)
		v.add(0, v.tree(map[string]string{"f": "0\n"}))
		list, err := ListKeys(v.edit())
		must(t, err)
		i := slices.IndexFunc(list.Roles, func(r RoleKeys) bool { return r.Role == c.role })
		old := list.Roles[i].Keys[0].ID
		v.interrupted(t, c.least, func(opt EditOptions) error {
			_, err := ChangeKeys(KeysOptions{EditOptions: opt, Roles: []string{c.role}, Rotate: true})
			return err
		}, func(r *Client) error {
			if _, err := readRelease(r, "full", 0); err != nil {
				t.Errorf("%s: %v", c.role, err)
			}
			if slices.Contains(keysOf(t, r, c.role), old) {
				return errors.New("not rotated")
			}
			return nil
		})
	}
}

// keysOf are the keys that a client wants for a role.
func keysOf(t *testing.T, c *Client, role string) []string {
	t.Helper()
	root, err := metadata.Root().FromBytes(c.State().Roots[len(c.State().Roots)-1])
	must(t, err)
	if r := root.Signed.Roles[role]; r != nil {
		return r.KeyIDs
	}
	targets, err := metadata.Targets().FromBytes(c.State().Targets)
	must(t, err)
	return delegation(targets, role).KeyIDs
}

// With the old keys lost, root has to come first: what is left by a kill after it reads
// again after the next run.
func TestLostKeysInterrupted(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()
	v.lose("snapshot.key", "timestamp.key")
	f := &frames{t: t, from: []string{v.dir, v.keys}, to: t.TempDir()}
	opt := KeysOptions{EditOptions: v.edit(), Roles: []string{roleSnapshot, roleTimestamp}, Rotate: true}
	opt.fault = f.fault
	_, err := ChangeKeys(opt)
	must(t, err)
	waiting := 0
	for n := range f.n {
		again := opt
		again.Dir, again.KeysDir, again.fault = filepath.Join(f.to, fmt.Sprint(n), "repo"), filepath.Join(f.to, fmt.Sprint(n), "keys"), nil
		c, err := reader(t, again.Dir, trust, noon)
		if err != nil {
			waiting++
			wantUntrusted(t, f.ops[n], err, BadSignature)
		}
		if _, err := ChangeKeys(again); err != nil {
			t.Errorf("before %s: %v", f.ops[n], err)
		}
		mustReader(t, again.Dir, c.State(), noon)
	}
	if waiting == 0 || waiting > 10 {
		t.Errorf("clients wait at %d of %d moments", waiting, f.n)
	}
}

// Refresh renews what is named, root among it, and nothing else.
func TestResignRoles(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()
	v.now = noon.Add(3600 * day) // root has 52 days left, all else is past its date
	resign := func(roles ...string) *Resigned {
		t.Helper()
		out, err := Resign(ResignOptions{v.edit(), roles})
		must(t, err)
		return out
	}
	if out := resign(); len(out.Ending) != 3 {
		t.Errorf("ending: %+v", out.Ending)
	}
	if out := resign(roleRoot, roleTargets, "full", roleTimestamp); len(out.Ending) != 0 {
		t.Errorf("still ending: %+v", out.Ending)
	}
	c := mustReader(t, v.dir, trust, noon.Add(3655*day))
	if len(c.State().Roots) != 2 {
		t.Errorf("%d roots", len(c.State().Roots))
	}
	var missing *NotFoundError
	if _, err := Resign(ResignOptions{v.edit(), []string{"none"}}); !errors.As(err, &missing) {
		t.Errorf("no such role: %v", err)
	}
}

func TestChannelInterrupted(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	v.interrupted(t, 10, func(opt EditOptions) error {
		_, err := SetChannel(ChannelOptions{EditOptions: opt, Channel: "paid", Subscription: true})
		return err
	}, func(c *Client) error {
		_, err := c.Releases("paid")
		if err == nil && !c.NeedsSubscription("paid") {
			t.Error("the new channel is open to everybody")
		}
		return err
	})
}

func TestRefreshInterrupted(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	v.now = noon.Add(day)
	v.interrupted(t, 8, func(opt EditOptions) error {
		_, err := Resign(ResignOptions{opt, nil})
		return err
	}, func(c *Client) error {
		if c.State().Newest.Equal(noon) {
			return errors.New("not signed again")
		}
		return nil
	})
}
