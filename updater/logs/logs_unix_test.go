//go:build unix

package logs

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What somebody laid there before is not written to, nor followed, nor waited for.
func TestE1PreMade(t *testing.T) {
	const secret = "of somebody else\n"
	kinds := map[string]func(name, target string) error{
		"link":      func(name, target string) error { return os.Symlink(target, name) },
		"dead link": func(name, target string) error { return os.Symlink(target+".none", name) },
		"hard link": func(name, target string) error { return os.Link(target, name) },
		"fifo":      func(name, _ string) error { return syscall.Mkfifo(name, 0o600) },
		"directory": func(name, _ string) error { return os.Mkdir(name, 0o700) },
	}
	for what, lay := range kinds {
		for _, whole := range []bool{false, true} {
			if whole && what == "directory" || whole && what == "hard link" {
				continue
			}
			t.Run(fmt.Sprintf("%s/directory=%v", what, whole), func(t *testing.T) {
				dir := home(t)
				target := filepath.Join(t.TempDir(), "target")
				if err := os.WriteFile(target, []byte(secret), 0o600); err != nil {
					t.Fatal(err)
				}
				name := filepath.Join(dir, Dir)
				if !whole {
					if err := os.Mkdir(name, 0o700); err != nil {
						t.Fatal(err)
					}
					name = filepath.Join(name, fmt.Sprintf("20261128T030000Z-update-%d.jsonl", os.Getpid()))
				}
				if err := lay(name, target); err != nil {
					t.Fatal(err)
				}
				before, err := os.Lstat(name)
				if err != nil {
					t.Fatal(err)
				}
				l := New(at(0), clean)
				l.Open(dir, "update")
				l.Add(slog.LevelInfo, "x")
				l.Close()
				if l.Err() == nil {
					t.Error("want an error that says why there is no log")
				}
				if data, err := os.ReadFile(target); err != nil || string(data) != secret {
					t.Errorf("the target: got %q, %v", data, err)
				}
				if _, err := os.Lstat(target + ".none"); err == nil {
					t.Error("a dead link was followed")
				}
				if after, err := os.Lstat(name); err != nil || after.Mode() != before.Mode() {
					t.Errorf("what lay there: got %v, %v", after, err)
				}
			})
		}
	}
}
