package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inplace/manifest"
)

const productYAML = `schema: inplace/product/1
name: acme-server
version: "4.2.0"
config: ["conf/**"]
data: ["database/**"]
`

// noon is the time of every test that does not move it.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// writeTree makes files below dir: "name/" is a directory, "->target" a link, and
// what starts with "x " is executable.
func writeTree(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path, text := filepath.Join(dir, name), files[name]
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		switch {
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(path, 0o755))
		case strings.HasPrefix(text, "->"):
			must(t, os.Symlink(text[2:], path))
		case strings.HasPrefix(text, "x "):
			must(t, os.WriteFile(path, []byte(text), 0o755))
		default:
			must(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// vendor is a repository in a temporary directory, with plain keys.
type vendor struct {
	t               testing.TB
	dir, keys, work string
	now             time.Time
}

func newVendor(t testing.TB) *vendor {
	t.Helper()
	work := t.TempDir()
	v := &vendor{t: t, dir: filepath.Join(work, "repo"), keys: filepath.Join(work, "keys"), work: work, now: noon}
	_, err := Init(v.initOptions())
	must(t, err)
	return v
}

func (v *vendor) initOptions() InitOptions {
	return InitOptions{Dir: v.dir, KeysDir: v.keys, Product: []byte(productYAML), Passphrase: []byte{}, Now: v.now}
}

// tree makes a tree of its own for files.
func (v *vendor) tree(files map[string]string) string {
	v.t.Helper()
	dir, err := os.MkdirTemp(v.work, "tree")
	must(v.t, err)
	must(v.t, os.Chmod(dir, 0o755))
	writeTree(v.t, dir, files)
	return dir
}

func (v *vendor) options(level int64, tree string) AddOptions {
	return AddOptions{
		Dir: v.dir, KeysDir: v.keys, Tree: tree, Level: level, Channel: "full", Passphrase: []byte{}, Now: v.now,
	}
}

func (v *vendor) add(level int64, tree string) *AddResult {
	v.t.Helper()
	out, err := Add(context.Background(), v.options(level, tree))
	must(v.t, err)
	return out
}

// reader opens the repository at dir and brings it to its newest state from trust
// (nil: first use).
func reader(t testing.TB, dir string, trust *TrustState, now time.Time) (*Client, error) {
	t.Helper()
	c, err := Open(dir, ClientOptions{})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	if trust == nil {
		if trust, err = c.FirstTrust(context.Background(), nil); err != nil {
			return c, err
		}
	}
	return c, c.Refresh(context.Background(), trust, now)
}

func mustReader(t testing.TB, dir string, trust *TrustState, now time.Time) *Client {
	t.Helper()
	c, err := reader(t, dir, trust, now)
	must(t, err)
	return c
}

// readRelease reads everything of a level, as an installation would.
func readRelease(c *Client, channel string, level int64) (map[string]string, error) {
	ctx := context.Background()
	list, err := c.Releases(channel)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r Release) bool { return r.Level == level })
	if i < 0 {
		return nil, fmt.Errorf("level %d is not there", level)
	}
	m, _, err := c.Manifest(ctx, list[i])
	if err != nil {
		return nil, err
	}
	v, err := c.Inventory(ctx, m)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range v.All() {
		text := fmt.Sprintf("%s %o %s", e.Kind, e.Mode, e.Target)
		if e.Kind == manifest.File {
			r, err := c.Blob(ctx, e.Digest, e.Size)
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil {
				return nil, err
			}
			text += string(data)
		}
		out[string(e.Path)] = text
	}
	return out, nil
}

// describe says of a tree on the disk what readRelease says of a release.
func describe(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		must(t, err)
		rel, err := filepath.Rel(dir, path)
		must(t, err)
		var text string
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			must(t, err)
			text = fmt.Sprintf("%s 0 %s", manifest.Link, target)
		case d.IsDir():
			text = fmt.Sprintf("%s %o ", manifest.Dir, info.Mode().Perm()&0o755)
		default:
			data, err := os.ReadFile(path)
			must(t, err)
			text = fmt.Sprintf("%s %o %s", manifest.File, info.Mode().Perm()&0o755, data)
		}
		out[filepath.ToSlash(rel)] = text
		return nil
	}))
	return out
}

// sameMap fails unless got is want, naming the first few differences.
func sameMap(t testing.TB, got, want map[string]string) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if g, ok := got[k]; !ok {
			t.Errorf("%s: missing", k)
		} else if g != want[k] {
			t.Errorf("%s: want %.80q, got %.80q", k, want[k], g)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: unexpected", k)
		}
	}
}

// copyTree copies a directory of plain files as it is at this moment.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // another goroutine has renamed it
			return nil
		}
		must(t, err)
		rel, err := filepath.Rel(from, path)
		must(t, err)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		must(t, err)
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	}))
}
