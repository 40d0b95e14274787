//go:build unix

package fsys

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestModesUnderUmask: modes are what was asked for, whatever the umask (row E6).
func TestModesUnderUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077, 0o777} {
		t.Run(fmt.Sprintf("%04o", mask), func(t *testing.T) {
			tree, home := newTree(t)
			old := unix.Umask(mask)
			defer unix.Umask(old)
			root := tree.Root()
			want := map[string]uint32{}
			for _, mode := range []uint32{0o600, 0o640, 0o644, 0o700, 0o755, 0o444, 0o777} {
				name := fmt.Sprintf("%04o", mode)
				must(t, root.Mkdir("d"+name, mode))
				must(t, root.WriteFile("f"+name, []byte("x"), mode, false))
				must(t, tree.WriteState("s"+name, []byte("x"), mode))
				for _, kind := range []string{"d", "f", "s"} {
					want[kind+name] = mode
				}
			}
			must(t, tree.AppendState("log", []byte("x\n"), 0o640))
			want["log"] = 0o640
			lock, err := tree.Lock("lock")
			must(t, err)
			defer lock.Release()
			want["lock"] = 0o600
			must(t, tree.MkdirAll("deep/er", 0o750))
			want["deep"], want["deep/er"] = 0o750, 0o750
			f, err := root.Create("created")
			must(t, err)
			must(t, f.Close())
			want["created"] = 0o600
			must(t, root.Chmod("created", 0o751))
			want["created"] = 0o751
			for name, mode := range want {
				info, err := os.Lstat(filepath.Join(home, name))
				must(t, err)
				if got := uint32(info.Mode().Perm()); got != mode {
					t.Errorf("%s: got %04o, want %04o", name, got, mode)
				}
			}
		})
	}
}
