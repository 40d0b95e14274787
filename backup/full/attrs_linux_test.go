package full

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"inplace/backup/fsys"
)

// TestCopyAttributes: files and directories keep their extended attributes, and lists of
// rights are attributes.
func TestCopyAttributes(t *testing.T) {
	src, dir := sample(t)
	// user::rwx, user:1234:r-x, group::r-x, mask::r-x, other::r-x, as in posix_acl_xattr.h
	rights := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 5, 0, 0xd2, 4, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255,
		16, 0, 5, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255, 255, 255}
	for path, attrs := range map[string]map[string][]byte{
		"lib":    {"user.note": []byte("of a directory"), "system.posix_acl_default": rights},
		"second": {"user.note": []byte("of a file")},
	} {
		for name, value := range attrs {
			err := syscall.Setxattr(filepath.Join(dir, path), name, value, 0)
			if errors.Is(err, syscall.ENOTSUP) {
				t.Skip("this file system keeps no attributes")
			}
			must(t, err)
		}
	}
	to := filepath.Join(t.TempDir(), "copy")
	_, err := Copy(context.Background(), src, to)
	must(t, err)
	for path, names := range map[string][]string{"lib": {"system.posix_acl_default", "user.note"}, "second": {"user.note"}} {
		got := attrsOf(t, filepath.Join(to, path))
		if !slices.Equal(got, attrsOf(t, filepath.Join(dir, path))) {
			t.Errorf("%s: got %q", path, got)
		}
		for _, n := range names {
			if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, n+"=") }) {
				t.Errorf("%s: got %q, want %s among them", path, got, n)
			}
		}
	}
	want, err := src.Lstat("lib")
	must(t, err)
	dst, err := fsys.Open(to)
	must(t, err)
	defer dst.Close()
	if got, err := dst.Lstat("lib"); err != nil || got.Mode != want.Mode || got.MTime != want.MTime {
		t.Errorf("lib: got %+v, %v, want %+v", got, err, want)
	}
}

func attrsOf(t *testing.T, path string) (out []string) {
	t.Helper()
	buf := make([]byte, 1024)
	n, err := syscall.Listxattr(path, buf)
	must(t, err)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		value := make([]byte, 1024)
		n, err := syscall.Getxattr(path, name, value)
		must(t, err)
		out = append(out, name+"="+string(value[:n]))
	}
	slices.Sort(out)
	return out
}
