//go:build unix

package fsys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPlantedStateFiles is row E1: somebody has made a state file, or the temporary
// name beside it, before we do. Reading, appending and locking refuse it by name;
// replacing it replaces the name only. What it leads to never changes.
func TestPlantedStateFiles(t *testing.T) {
	plants := map[string]func(at, foreign string) error{
		"link":          func(at, foreign string) error { return os.Symlink(foreign, at) },
		"dangling link": func(at, foreign string) error { return os.Symlink(foreign+".new", at) },
		"hard link":     func(at, foreign string) error { return os.Link(foreign, at) },
		"fifo":          func(at, _ string) error { return unix.Mkfifo(at, 0o600) },
		"socket": func(at, _ string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
			here, err := os.Getwd()
			if err == nil {
				err = os.Chdir(filepath.Dir(at)) // paths of sockets are short
			}
			if err != nil {
				return err
			}
			defer func() { _ = os.Chdir(here) }()
			return unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Base(at)})
		},
		"directory": func(at, _ string) error { return os.Mkdir(at, 0o700) },
		"world-writable": func(at, _ string) error {
			return errors.Join(os.WriteFile(at, []byte("planted"), 0o600), os.Chmod(at, 0o606))
		},
		"group-writable": func(at, _ string) error {
			return errors.Join(os.WriteFile(at, []byte("planted"), 0o600), os.Chmod(at, 0o660))
		},
	}
	if os.Geteuid() == 0 {
		plants["another owner's"] = func(at, _ string) error {
			return errors.Join(os.WriteFile(at, []byte("planted"), 0o600), os.Chown(at, 65534, 65534))
		}
	}
	for kind, plant := range plants {
		for _, use := range []struct {
			name     string
			at       string
			replaces bool
			fn       func(tree *Tree) error
		}{
			{"read", "file", false, func(tree *Tree) error { _, err := tree.ReadState("file", 100); return err }},
			{"append", "file", false, func(tree *Tree) error { return tree.AppendState("file", []byte("line\n"), 0o600) }},
			{"lock", "file", false, func(tree *Tree) error { l, err := tree.Lock("file"); l.Release(); return err }},
			{"write", "file", true, func(tree *Tree) error { return tree.WriteState("file", []byte("ours"), 0o600) }},
			{"write beside", TempPrefix + "file", true, func(tree *Tree) error { return tree.WriteState("file", []byte("ours"), 0o600) }},
		} {
			t.Run(kind+"/"+use.name, func(t *testing.T) {
				tree, home := newTree(t)
				foreign := filepath.Join(t.TempDir(), "foreign")
				must(t, os.WriteFile(foreign, []byte("theirs"), 0o644))
				must(t, plant(filepath.Join(home, use.at), foreign))
				got := make(chan error, 1)
				go func() { got <- use.fn(tree) }()
				var err error
				select {
				case err = <-got:
				case <-time.After(5 * time.Second):
					t.Fatal("blocked")
				}
				refuses := !use.replaces || kind == "directory"
				if refuses != (err != nil) {
					t.Fatalf("got %v, want it refused: %v", err, refuses)
				}
				if refuses && !strings.HasPrefix(err.Error(), use.at+": ") {
					t.Errorf("got %q, want the path first", err)
				}
				var unsafe *UnsafeError
				if !use.replaces && kind != "directory" && !errors.As(err, &unsafe) {
					t.Errorf("got %v, want an UnsafeError", err)
				}
				if !refuses && read(t, filepath.Join(home, "file")) != "ours" {
					t.Error("the file was not written")
				}
				if read(t, foreign) != "theirs" {
					t.Error("the foreign file was changed")
				}
				if _, err := os.Lstat(foreign + ".new"); err == nil {
					t.Error("a foreign file was made")
				}
			})
		}
	}
}

// TestPlantedDirectory is row E3: who may be trusted with a directory of state.
func TestPlantedDirectory(t *testing.T) {
	tree, home := newTree(t)
	must(t, os.Mkdir(filepath.Join(home, "updates"), 0o700))
	check := func(want string) {
		t.Helper()
		info, err := tree.Lstat("updates")
		must(t, err)
		err = tree.CheckState("updates", info)
		if want == "" {
			must(t, err)
			return
		}
		var unsafe *UnsafeError
		if !errors.As(err, &unsafe) || unsafe.Path != "updates" || !strings.Contains(unsafe.Reason, want) {
			t.Errorf("got %v, want an UnsafeError: %s", err, want)
		}
	}
	for mode, want := range map[os.FileMode]string{0o700: "", 0o755: "", 0o500: "", 0o770: "mode 0770", 0o702: "mode 0702", 0o777: "mode 0777"} {
		must(t, os.Chmod(filepath.Join(home, "updates"), mode))
		check(want)
	}
	if os.Geteuid() != 0 {
		return // nobody else can give a directory away
	}
	must(t, os.Chmod(filepath.Join(home, "updates"), 0o700))
	must(t, os.Chown(filepath.Join(home, "updates"), 65534, 65534))
	check("belongs to user 65534")
	must(t, os.Chown(home, 65534, 65534)) // the installation is theirs as well
	check("")
}
