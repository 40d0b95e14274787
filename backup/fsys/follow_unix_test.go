//go:build unix

package fsys

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// moved makes an installation home beside the directory "etc dir/product", in which a file
// and a sub-directory are, and puts the link home/conf with the text target.
func moved(t *testing.T, target string) (base string, tree *Tree) {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for _, d := range []string{"home/lib", "home/updates", "home/inner", "etc dir/product/sub", "open", "big"} {
		must(t, os.MkdirAll(filepath.Join(base, d), 0o755))
	}
	must(t, os.Chmod(filepath.Join(base, "open"), 0o777))
	must(t, os.WriteFile(filepath.Join(base, "etc dir/product/a"), []byte("a"), 0o644))
	must(t, os.WriteFile(filepath.Join(base, "file"), nil, 0o644))
	must(t, os.Symlink("etc dir/product", filepath.Join(base, "second")))
	must(t, os.Symlink("round", filepath.Join(base, "round")))
	must(t, os.Symlink(strings.ReplaceAll(target, "BASE", base), filepath.Join(base, "home/conf")))
	tree, err = Open(filepath.Join(base, "home"))
	must(t, err)
	t.Cleanup(tree.Close)
	return base, tree
}

func TestFollow(t *testing.T) {
	for _, c := range []struct{ name, target, refused string }{
		{"absolute", "BASE/etc dir/product", ""},
		{"relative", "../etc dir/product", ""},
		{"by another link", "../second/", ""},
		{"round about", "../home/../second/sub/..", ""},
		{"dangling", "../nowhere/deep", "BASE/nowhere/deep, which is not there"},
		{"in a circle", "../round", "leads round in a circle"},
		{"a file", "../file", "is not a directory"},
		{"below a file", "../file/x", "is not a directory"},
		{"itself", ".", "is the installation itself"},
		{"above", "..", "lies above it"},
		{"the root", "/", "lies above it"},
		{"inside", "inner", "lies in the installation"},
		{"its state", "updates", "lies in the installation"},
		{"open to all", "../open", "can be written by everybody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, tree := moved(t, c.target)
			err := tree.Follow("conf")
			if c.refused == "" {
				must(t, err)
				if got, want := tree.RealPath("conf/sub"), filepath.Join(base, "etc dir/product/sub"); got != want {
					t.Errorf("real path: got %s, want %s", got, want)
				}
				info, err := tree.Lstat("conf/a")
				must(t, err)
				if top, err := tree.Lstat("conf"); err != nil || !info.IsFile() || !top.IsDir() {
					t.Errorf("conf/a: %+v, conf: %+v, %v", info, top, err)
				}
				return
			}
			var refused *FollowError
			if want := strings.ReplaceAll(c.refused, "BASE", base); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v, want a FollowError with %q", err, want)
			}
			var link *LinkError
			if _, err := tree.Lstat("conf/a"); !errors.As(err, &link) {
				t.Errorf("conf/a after the refusal: got %v, want a LinkError", err)
			}
		})
	}
}

// What is followed may neither lie in another followed directory nor around it.
func TestFollowOverlap(t *testing.T) {
	for _, target := range []string{"etc dir/product", "etc dir/product/sub", "etc dir"} {
		base, tree := moved(t, "../etc dir/product")
		must(t, tree.Follow("conf"))
		must(t, os.Symlink(filepath.Join(base, target), filepath.Join(base, "home/webapps")))
		if err := tree.Follow("webapps"); err == nil || !strings.Contains(err.Error(), "overlaps with where conf leads") {
			t.Errorf("%s: got %v", target, err)
		}
	}
}

func TestFollowForeign(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving files away takes root")
	}
	for _, at := range []string{"etc dir", "etc dir/product", "second"} {
		base, tree := moved(t, "../second")
		must(t, os.Lchown(filepath.Join(base, at), 12345, 0))
		if err := tree.Follow("conf"); err == nil || !strings.Contains(err.Error(), "user 12345, want ") {
			t.Errorf("%s: got %v", at, err)
		}
	}
}

// No change reaches the link itself, and all changes below it go to its directory, also
// once the link leads elsewhere.
func TestFollowedChanges(t *testing.T) {
	base, tree := moved(t, "../etc dir/product")
	must(t, tree.Follow("conf"))
	must(t, tree.Follow("lib")) // no link: only its store is not shown
	in := func(path string, fn func(d *Dir, name string) error) error { return tree.In(path, fn) }
	for name, err := range map[string]error{
		"rename it":   in("conf", func(d *Dir, n string) error { return d.Rename(n, d, "other") }),
		"rename onto": in("inner", func(d *Dir, n string) error { return d.Rename(n, d, "conf") }),
		"exchange":    in("conf", func(d *Dir, n string) error { return d.Exchange(n, d, "inner") }),
		"remove":      in("conf", func(d *Dir, n string) error { return d.Remove(n) }),
		"rmdir":       in("conf", func(d *Dir, n string) error { return d.Rmdir(n) }),
		"remove all":  tree.RemoveAll("conf"),
		"create":      in("conf", func(d *Dir, n string) error { _, err := d.Create(n); return err }),
	} {
		if !errors.Is(err, errFollowed) {
			t.Errorf("%s: got %v, want %v", name, err, errFollowed)
		}
	}
	must(t, os.Remove(filepath.Join(base, "home/conf")))
	must(t, os.Symlink("inner", filepath.Join(base, "home/conf")))
	if err := tree.StillFollowed("conf"); err == nil {
		t.Error("another target was not noticed")
	}
	must(t, tree.MkdirAll("conf/made/deep", 0o755))
	must(t, tree.WriteState("conf/made/file", []byte("x"), 0o600))
	must(t, in("conf", func(d *Dir, n string) error { return d.Chmod(n, 0o711) }))
	must(t, tree.RemoveAll("conf/sub"))
	must(t, in("conf", func(d *Dir, n string) error { return d.Chtimes(n, 1e18) }))
	info, err := os.Stat(filepath.Join(base, "etc dir/product"))
	must(t, err)
	if info.Mode().Perm() != 0o711 || info.ModTime().UnixNano() != 1e18 {
		t.Errorf("got mode %v and time %v", info.Mode(), info.ModTime())
	}
	if names, err := os.ReadDir(filepath.Join(base, "home/inner")); err != nil || len(names) > 0 {
		t.Errorf("in the new target: %v, %v; want nothing", names, err)
	}
	must(t, os.Remove(filepath.Join(base, "home/conf")))
	must(t, os.Symlink("../etc dir/product", filepath.Join(base, "home/conf")))
	must(t, tree.StillFollowed("conf"))
	for _, dir := range []string{"conf", "lib"} {
		must(t, tree.MkdirAll(dir+"/"+StoreName, 0o700))
		names, err := tree.Names(dir)
		must(t, err)
		if slices.Contains(names, StoreName) {
			t.Errorf("%s: the store is among %v", dir, names)
		}
	}
	sub, err := tree.OpenDir("conf")
	must(t, err)
	defer sub.Close()
	if _, err := sub.Parent(); !errors.Is(err, ErrAboveRoot) {
		t.Errorf("above a followed directory: got %v, want %v", err, ErrAboveRoot)
	}
}
