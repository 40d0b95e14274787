package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// An access list as the kernel keeps it (posix_acl_xattr.h): version 2, then tag,
// permissions and id of user::rw-, user:1234:r--, group::r--, mask::r--, other::---.
var accessList = []byte{
	2, 0, 0, 0,
	1, 0, 6, 0, 255, 255, 255, 255,
	2, 0, 4, 0, 0xd2, 4, 0, 0,
	4, 0, 4, 0, 255, 255, 255, 255,
	16, 0, 4, 0, 255, 255, 255, 255,
	32, 0, 0, 0, 255, 255, 255, 255,
}

// TestXattrs copies every attribute that can be set here, the access list among them.
func TestXattrs(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "old"), "")
	set := 0
	for name, value := range map[string]string{
		"user.note": "hello\x00world", "user.empty": "", "security.selinux": "system_u:object_r:usr_t:s0\x00",
		"security.capability":     "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"system.posix_acl_access": string(accessList),
	} {
		err := unix.Setxattr(filepath.Join(home, "old"), name, []byte(value), 0)
		if err == nil {
			set++
		} else if !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EPERM) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	src, err := tree.Open("old")
	must(t, err)
	defer func() { _ = src.Close() }()
	want, err := Xattrs(src)
	must(t, err)
	if len(want) != set {
		t.Fatalf("read %d attributes, %d were set: %+v", len(want), set, want)
	}
	dst, err := tree.Root().Create("new")
	must(t, err)
	defer func() { _ = dst.Close() }()
	refused, err := SetXattrs(dst, append(slices.Clone(want), Xattr{"nonsense.name", nil}))
	if os.Geteuid() == 0 {
		if err == nil || len(refused) > 0 || !strings.Contains(err.Error(), "nonsense.name") {
			t.Errorf("refused %q, %v; want an error that names nonsense.name", refused, err)
		}
	} else if err != nil || !slices.Equal(refused, []string{"nonsense.name"}) {
		t.Errorf("refused %q, %v; want only nonsense.name", refused, err)
	}
	if refused, err := SetXattrs(dst, []Xattr{{"user.big", make([]byte, 1<<17)}}); err == nil || len(refused) > 0 {
		t.Errorf("an attribute that no file system takes: refused %q, %v; want an error", refused, err)
	}
	got, err := Xattrs(dst)
	must(t, err)
	less := func(a, b Xattr) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	}
	slices.SortFunc(got, less)
	slices.SortFunc(want, less)
	if !slices.EqualFunc(got, want, func(a, b Xattr) bool { return a.Name == b.Name && string(a.Value) == string(b.Value) }) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestUnreadable acts as a user who may not open a file of their own: its mode can be
// changed and its directory removed all the same, and a link is still never followed.
func TestUnreadable(t *testing.T) {
	tree, home := newTree(t)
	outside := filepath.Join(t.TempDir(), "outside")
	put(t, outside, "theirs")
	must(t, os.Chmod(outside, 0o200))
	put(t, filepath.Join(home, "file"), "")
	put(t, filepath.Join(home, "dir/sub/file"), "")
	must(t, os.Symlink(outside, filepath.Join(home, "link")))
	must(t, os.Chmod(filepath.Join(home, "file"), 0o200))
	must(t, os.Chmod(filepath.Join(home, "dir/sub"), 0))
	const nobody = 65534
	if os.Geteuid() == 0 {
		for _, p := range []string{"", "file", "dir", "dir/sub", "dir/sub/file", "link"} {
			must(t, os.Lchown(filepath.Join(home, p), nobody, nobody))
		}
		must(t, os.Lchown(outside, nobody, nobody))
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if os.Geteuid() == 0 {
			if err := unix.Setfsuid(nobody); err != nil {
				done <- err
				return
			}
		}
		if _, err := tree.Open("file"); !errors.Is(err, fs.ErrPermission) {
			done <- errors.Join(errors.New("the file can be opened"), err)
			return
		}
		err := tree.Root().Chmod("file", 0o640)
		if e := chmodUnopened(tree.Root().fd(), "link", 0o666); !errors.Is(e, unix.ELOOP) {
			err = errors.Join(err, errors.New("a link was not refused"), e)
		}
		done <- errors.Join(err, tree.RemoveAll("dir"))
	}()
	must(t, <-done)
	info, err := tree.Lstat("file")
	must(t, err)
	if info.Perm() != 0o640 {
		t.Errorf("got mode %04o, want 0640", info.Perm())
	}
	if info, err := tree.Lstat("dir"); err != nil || info.Exists {
		t.Errorf("dir is still there: %+v, %v", info, err)
	}
	if info, err := os.Lstat(outside); err != nil || info.Mode().Perm() != 0o200 {
		t.Errorf("outside: got %v, %v", info.Mode(), err)
	}
}
