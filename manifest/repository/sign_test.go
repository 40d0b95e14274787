package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// part moves key files of v into a directory of their own, as if on another machine.
func (v *vendor) part(names ...string) string {
	v.t.Helper()
	dir := v.t.TempDir()
	must(v.t, os.Chmod(dir, 0o700))
	for _, name := range names {
		must(v.t, os.Rename(filepath.Join(v.keys, name), filepath.Join(dir, name)))
	}
	return dir
}

// exported is what change hands out.
func (v *vendor) exported(change func(EditOptions) error) (data []byte) {
	v.t.Helper()
	opt := v.edit()
	opt.Export = func(d []byte) error { data = d; return nil }
	must(v.t, change(opt))
	if data == nil {
		v.t.Fatal("nothing was exported")
	}
	return data
}

// Keys of a threshold of two on two machines: their signatures add up, nothing is published
// before, and what does not belong is refused by name.
func TestSignElsewhere(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	out, err := v.change(KeysOptions{Roles: []string{roleTargets}, Add: true, Threshold: 2})
	must(t, err)
	one, two, root := v.part("targets.key"), v.part(out.Roles[0].Added[0]), v.part("root.key")
	trust := mustReader(t, v.dir, nil, noon).State()
	paid := func(opt EditOptions) error {
		_, err := SetChannel(ChannelOptions{EditOptions: opt, Channel: "paid", Subscription: true})
		return err
	}
	before := describe(t, v.dir)
	data := v.exported(paid)
	sameMap(t, describe(t, v.dir), before)
	var refused *KeysError
	if _, err := ImportSigned(v.edit(), data); !errors.As(err, &refused) || !strings.Contains(err.Error(), "2 more of its keys") {
		t.Errorf("with no signature: %v", err)
	}
	data, what, err := SignRequest(data, one, []byte{})
	must(t, err)
	if what.Missing != 1 || what.Added != 1 {
		t.Errorf("after one machine: %+v", what)
	}
	i := slices.IndexFunc(what.Roles, func(r RoleSigning) bool { return r.Role == roleTargets })
	if got := strings.Join(what.Roles[i].Changes, "; "); !strings.Contains(got, "channel paid is new") || !strings.Contains(got, "channel paid is for subscribers only") {
		t.Errorf("changes: %s", got)
	}
	if _, again, err := SignRequest(data, one, []byte{}); err != nil || again.Added != 0 || again.Missing != 1 {
		t.Errorf("the same machine again: %+v %v", again, err)
	}
	if _, err := ImportSigned(v.edit(), data); !errors.As(err, &refused) || refused.Role != roleTargets {
		t.Errorf("with one of two: %v", err)
	}
	sameMap(t, describe(t, v.dir), before)
	half := data
	data, what, err = SignRequest(data, two, []byte{})
	must(t, err)
	if what.Missing != 0 {
		t.Errorf("after both: %+v", what)
	}
	nothing := v.edit()
	nothing.KeysDir = t.TempDir()
	must(t, os.Chmod(nothing.KeysDir, 0o700))
	if _, err := ImportSigned(nothing, data); !errors.As(err, &refused) || refused.Role != roleSnapshot {
		t.Errorf("without the online keys: %v", err)
	}
	sameMap(t, describe(t, v.dir), before)
	_, err = ImportSigned(v.edit(), data)
	must(t, err)
	c := mustReader(t, v.dir, trust, noon)
	if !c.NeedsSubscription("paid") {
		t.Error("not published")
	}
	var bad *RequestError
	if _, err := ImportSigned(v.edit(), data); !errors.As(err, &bad) || !strings.Contains(err.Error(), "has changed since") {
		t.Errorf("again: %v", err)
	}
	other := newVendor(t)
	if _, err := ImportSigned(other.edit(), data); !errors.As(err, &bad) || !strings.Contains(err.Error(), "another repository") {
		t.Errorf("elsewhere: %v", err)
	}

	// What was altered on the way.
	req := &request{}
	must(t, json.Unmarshal(half, req))
	req.After[roleTargets] = bytes.Replace(req.After[roleTargets], []byte(`"x-subscription": true`), []byte(`"x-subscription": false`), 1)
	altered, err := json.Marshal(req)
	must(t, err)
	if w, err := ShowRequest(altered); err != nil || w.Missing != 2 {
		t.Errorf("an altered request keeps its signature: %+v %v", w, err)
	}
	req.Before[roleTargets] = bytes.Replace(req.Before[roleTargets], []byte(`full/*`), []byte(`evil/*`), 1)
	altered, err = json.Marshal(req)
	must(t, err)
	_, err = ShowRequest(altered)
	wantUntrusted(t, "another version before", err, BadSignature)
	for _, text := range []string{"", "{}", `{"schema":"inplace/signing/1"}`, `{"schema":"inplace/signing/2"}`, "null"} {
		if _, err := ShowRequest([]byte(text)); !errors.As(err, &bad) {
			t.Errorf("%q: %v", text, err)
		}
	}

	// A new timestamp key, which root vouches for on its own machine.
	trust = c.State()
	data = v.exported(func(opt EditOptions) error {
		_, err := ChangeKeys(KeysOptions{EditOptions: opt, Roles: []string{roleTimestamp}, Rotate: true})
		return err
	})
	data, what, err = SignRequest(data, root, []byte{})
	must(t, err)
	if got := strings.Join(what.Roles[0].Changes, "; "); what.Missing != 0 || !strings.Contains(got, "of timestamp is new") || !strings.Contains(got, "of timestamp is revoked") {
		t.Errorf("%+v: %s", what, got)
	}
	_, err = ImportSigned(v.edit(), data)
	must(t, err)
	if n := len(mustReader(t, v.dir, trust, noon).State().Roots); n != 3 {
		t.Errorf("%d roots", n)
	}
	if _, err := Resign(ResignOptions{EditOptions: EditOptions{Dir: v.dir, KeysDir: v.keys, Passphrase: []byte{}, Now: noon, Export: func([]byte) error { return nil }}}); !errors.As(err, &bad) {
		t.Errorf("nothing to sign elsewhere: %v", err)
	}
}

// A new key of root is made where root is, over a copy of the metadata; its import needs no
// key at all.
func TestSignNewRoot(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()
	offline := *v
	offline.keys, offline.dir = v.part("root.key"), t.TempDir()
	copyTree(t, filepath.Join(v.dir, dirMetadata), filepath.Join(offline.dir, dirMetadata))
	data := offline.exported(func(opt EditOptions) error {
		_, err := ChangeKeys(KeysOptions{EditOptions: opt, Roles: []string{roleRoot}, Rotate: true})
		return err
	})
	if what, err := ShowRequest(data); err != nil || what.Missing != 0 {
		t.Fatalf("%+v %v", what, err)
	}
	nothing := v.edit()
	nothing.KeysDir = v.part()
	_, err := ImportSigned(nothing, data)
	must(t, err)
	if n := len(mustReader(t, v.dir, trust, noon).State().Roots); n != 2 {
		t.Errorf("%d roots", n)
	}
}

// A release whose channel key is elsewhere; killed at any moment, its import can be done again.
func TestImportInterrupted(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	away := v.part("full.key")
	opt := v.options(1, v.tree(map[string]string{"f": "1\n"}))
	var data []byte
	opt.Export = func(d []byte) error { data = d; return nil }
	_, err := Add(context.Background(), opt)
	must(t, err)
	if len(mustReader(t, v.dir, nil, noon).All()) != 1 {
		t.Error("published by the export")
	}
	data, what, err := SignRequest(data, away, []byte{})
	must(t, err)
	if len(what.Roles) != 1 || what.Roles[0].Version != 2 || !strings.HasPrefix(what.Roles[0].Changes[0], "full/1.yaml is new, sha256:") {
		t.Errorf("%+v", what)
	}
	v.interrupted(t, 10, func(opt EditOptions) error {
		_, err := ImportSigned(opt, data)
		var bad *RequestError
		if errors.As(err, &bad) && strings.Contains(err.Error(), "has changed since: published is version 2") {
			return nil // it was done
		}
		return err
	}, func(c *Client) error {
		_, err := readRelease(c, "full", 1)
		return err
	})

	// Made over a copy, its contents are not here.
	w := newVendor(t)
	w.add(0, w.tree(map[string]string{"f": "0\n"}))
	copied := *w
	copied.dir = t.TempDir()
	copyTree(t, w.dir, copied.dir)
	opt = copied.options(1, copied.tree(map[string]string{"f": "1\n"}))
	opt.Export = func(d []byte) error { data = d; return nil }
	_, err = Add(context.Background(), opt)
	must(t, err)
	if _, err := ImportSigned(w.edit(), data); err == nil || !strings.HasPrefix(err.Error(), "full/1.yaml: ") {
		t.Errorf("without its manifest: %v", err)
	}
}
