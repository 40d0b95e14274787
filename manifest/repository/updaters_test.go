package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// publish publishes binaries given as PLATFORM, TEXT, ...
func (v *vendor) publish(version string, pairs ...string) (*PublishedUpdaters, error) {
	opt := UpdaterOptions{EditOptions: v.edit(), Version: version, Files: map[string][]byte{}}
	for i := 0; i < len(pairs); i += 2 {
		opt.Files[pairs[i]] = []byte(pairs[i+1])
	}
	return PublishUpdaters(context.Background(), opt)
}

// readUpdater is what a client gets for a platform: "VERSION TEXT".
func readUpdater(c *Client, system, arch string) (string, error) {
	u, err := c.Updater(system, arch)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = c.WriteUpdater(context.Background(), u, &b)
	return u.Version + " " + b.String(), err
}

func TestPublishUpdaters(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	out, err := v.publish("1.0.0", "linux-amd64", "one", "windows-amd64", "one.exe")
	must(t, err)
	if out.AlreadyThere || len(out.Updaters) != 2 || out.Updaters[0].Platform != "linux-amd64" {
		t.Errorf("%+v", out)
	}
	if out, err = v.publish("1.0.0", "linux-amd64", "one"); err != nil || !out.AlreadyThere {
		t.Errorf("again: %+v %v", out, err)
	}
	out, err = v.publish("1.10", "linux-amd64", "two")
	must(t, err)
	if out.AlreadyThere || out.Updaters[0].Before != "1.0.0" {
		t.Errorf("newer: %+v", out)
	}
	for _, c := range [][2]string{{"1.9", "older"}, {"1.10", "other bytes"}, {"1.10.0-rc.1", "before it"}} {
		if _, err := v.publish(c[0], "darwin-arm64", "new", "linux-amd64", c[1]); !errors.Is(err, ErrExists) {
			t.Errorf("%s: want it refused, got %v", c, err)
		}
	}
	if _, err := v.publish("1.9.9", "linux-amd64", "two"); err != nil { // the same bytes: a version put right
		t.Error(err)
	}
	for _, bad := range [][2]string{{"linux-amd64", "1.2.x"}, {"linux-amd64", ""}, {"linux", "2"}, {"../linux-amd64", "2"}, {"linux-amd64/x", "2"}, {"Linux-amd64", "2"}} {
		if _, err := v.publish(bad[1], bad[0], "x"); err == nil {
			t.Errorf("%q: was taken", bad)
		}
	}
	if _, err := v.publish("3", "linux-amd64", ""); err == nil {
		t.Error("an empty file was taken")
	}
	c := mustReader(t, v.dir, nil, noon)
	if got, err := readUpdater(c, "linux", "amd64"); err != nil || got != "1.9.9 two" {
		t.Errorf("linux: %q %v", got, err)
	}
	if got, err := readUpdater(c, "windows", "amd64"); err != nil || got != "1.0.0 one.exe" {
		t.Errorf("windows: %q %v", got, err)
	}
	var missing *NotFoundError
	if _, err := c.Updater("darwin", "arm64"); !errors.As(err, &missing) { // refused with the older one
		t.Errorf("darwin: %v", err)
	}
	if len(c.Updaters()) != 2 {
		t.Errorf("%+v", c.Updaters())
	}
}

// Equal input gives equal bytes, whatever came before in the repository.
func TestUpdatersAreDeterministic(t *testing.T) {
	a, b := newVendor(t), newVendor(t)
	must(t, os.RemoveAll(b.work))
	copyTree(t, a.work, b.work)
	for _, v := range []*vendor{a, b} {
		_, err := v.publish("1.0.0", "linux-amd64", "one", "darwin-arm64", "mac")
		must(t, err)
	}
	x, y := describe(t, a.dir), describe(t, b.dir)
	delete(x, fileLock) // names a process
	delete(y, fileLock)
	sameMap(t, x, y)
}

func TestUpdatersInterrupted(t *testing.T) {
	v := newVendor(t)
	_, err := v.publish("1", "linux-amd64", "one")
	must(t, err)
	v.interrupted(t, 10, func(opt EditOptions) error {
		_, err := PublishUpdaters(context.Background(), UpdaterOptions{EditOptions: opt, Version: "2",
			Files: map[string][]byte{"linux-amd64": []byte("two"), "linux-arm64": []byte("arm")}})
		return err
	}, func(c *Client) error {
		got, err := readUpdater(c, "linux", "amd64")
		if err != nil || got != "1 one" && got != "2 two" {
			t.Errorf("neither old nor new: %q %v", got, err)
		}
		if _, err := readUpdater(c, "linux", "arm64"); (err == nil) != (got == "2 two") {
			t.Errorf("published by halves: %q %v", got, err)
		}
		if got != "2 two" {
			return fmt.Errorf("got %q", got)
		}
		return nil
	})
}

func TestUpdaterOfOtherBytes(t *testing.T) {
	v := newVendor(t)
	_, err := v.publish("1", "linux-amd64", "one")
	must(t, err)
	old := v.one("targets/updater/*.linux-amd64")
	_, err = v.publish("2", "linux-amd64", "two")
	must(t, err)
	trust := mustReader(t, v.dir, nil, noon).State()
	var path string
	for _, p := range []string{"two", "one"} {
		all, err := filepath.Glob(filepath.Join(v.dir, "targets/updater/*"))
		must(t, err)
		for _, f := range all {
			if data, err := os.ReadFile(f); err == nil && string(data) == p && f != old {
				path = f
			}
		}
	}
	for name, data := range map[string]string{"another digest": "TWO", "too short": "tw", "too long": "twoo", "empty": "", "the older version": "one"} {
		must(t, os.WriteFile(path, []byte(data), 0o644))
		_, err := readUpdater(mustReader(t, v.dir, trust, noon), "linux", "amd64")
		wantUntrusted(t, name, err, BadDigest)
	}
	must(t, os.Remove(path))
	var missing *NotFoundError
	if _, err := readUpdater(mustReader(t, v.dir, trust, noon), "linux", "amd64"); !errors.As(err, &missing) {
		t.Errorf("gone: %v", err)
	}
}

// A manifest that asks for a newer program is not even fetched.
func TestUpdaterMin(t *testing.T) {
	v := newVendor(t)
	opt := v.options(1, v.tree(map[string]string{"f": "1\n"}))
	opt.UpdaterMin = "2.0"
	out, err := Add(context.Background(), opt)
	must(t, err)
	if len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "no updater is published") {
		t.Errorf("warnings: %q", out.Warnings)
	}
	must(t, os.Remove(v.one("targets/full/*.1.yaml")))
	for engine, refused := range map[string]bool{"1.9.9": true, "2.0-rc.1": true, "2.0.0": false, "devel": false, "": false} {
		c := mustReader(t, v.dir, nil, noon)
		c.opt.Engine = engine
		_, _, err := c.Manifest(context.Background(), c.All()[0])
		var old *OldUpdaterError
		var missing *NotFoundError
		if errors.As(err, &old) != refused || errors.As(err, &missing) == refused {
			t.Errorf("engine %q: %v", engine, err)
		}
	}
	opt.UpdaterMin = "two"
	opt.Level = 2
	if _, err := Add(context.Background(), opt); err == nil {
		t.Error("updater-min two was taken")
	}
}

func TestVersions(t *testing.T) {
	rising := []string{"0", "0.9", "1-a", "1-a.1", "1-a.2", "1-a.10", "1-a.b", "1-b", "1", "1.0.0.1", "1.2", "1.10", "2.0.1-rc.1", "2.0.1"}
	for i, a := range rising {
		for j, b := range rising {
			if got := OlderVersion(a, b); got != (i < j) {
				t.Errorf("%s older than %s: %v", a, b, got)
			}
		}
	}
	if OlderVersion("1", "1.0.0") || OlderVersion("1.0.0", "1") {
		t.Error("what is missing counts as 0")
	}
	for _, bad := range []string{"", "devel", "v1", "1.", ".1", "01", "1.2.3.4.5", "1-", "1_0", "1-a b", "-1", "99999999999", "1." + strings.Repeat("1", 80)} {
		if CheckVersion(bad) == nil || OlderVersion(bad, "9") || OlderVersion("0", bad) {
			t.Errorf("%q was taken", bad)
		}
	}
}
