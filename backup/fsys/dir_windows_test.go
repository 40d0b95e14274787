package fsys

import (
	"bufio"
	"errors"
	"fmt"
	"inplace/backup/fsys/fsystest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

func TestReservedNames(t *testing.T) {
	tree, home := newTree(t)
	root := tree.Root()
	for _, name := range []string{
		"NUL", "nul", "con", "aux.txt", "COM1", "com9.log", "LPT1", "CONIN$", "trail.", "trail ", "a:b", "a:stream", "a<b", "a|b", "a?b", "a*b", `a\b`, `a"b`,
		"a\x01b", "..", "",
	} {
		if _, err := root.Create(name); !errors.Is(err, ErrReservedName) {
			t.Errorf("create %q: got %v, want ErrReservedName", name, err)
		}
		if _, err := root.Lstat(name); !errors.Is(err, ErrReservedName) {
			t.Errorf("lstat %q: got %v, want ErrReservedName", name, err)
		}
		if err := root.Mkdir(name, 0o755); !errors.Is(err, ErrReservedName) {
			t.Errorf("mkdir %q: got %v, want ErrReservedName", name, err)
		}
	}
	put(t, filepath.Join(home, "f"), "x")
	if err := root.Rename("f", root, "nul"); !errors.Is(err, ErrReservedName) {
		t.Errorf("rename: got %v, want ErrReservedName", err)
	}
	if names, err := root.Names(); err != nil || len(names) != 1 {
		t.Errorf("got %q, %v", names, err)
	}
	for _, name := range []string{"console", "nully", ".hidden", "a.b.c", "com10", "ünï"} {
		must(t, root.WriteFile(name, []byte("x"), 0o644, true))
		if info, err := root.Lstat(strings.ToUpper(name)); err != nil || !info.IsFile() {
			t.Errorf("%s in capitals: got %+v, %v", name, info, err)
		}
	}
}

// TestBusyFile: a file that another program holds for a moment is waited for.
func TestBusyFile(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "live"), "old")
	put(t, filepath.Join(home, "slot"), "new")
	name, err := windows.UTF16PtrFromString(filepath.Join(home, "slot"))
	must(t, err)
	h, err := windows.CreateFile(name, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, 0, 0)
	must(t, err)
	const held = 300 * time.Millisecond
	start := time.Now()
	time.AfterFunc(held, func() { _ = windows.CloseHandle(h) })
	must(t, tree.Root().Rename("slot", tree.Root(), "live"))
	if took := time.Since(start); took < held || took > patience {
		t.Errorf("took %v, want at least %v", took, held)
	}
	if got := read(t, filepath.Join(home, "live")); got != "new" {
		t.Errorf("got %q", got)
	}
}

// TestReadOnlyFiles are replaced and removed like others.
func TestReadOnlyFiles(t *testing.T) {
	tree, home := newTree(t)
	root := tree.Root()
	for _, name := range []string{"live", "gone"} {
		put(t, filepath.Join(home, name), "old")
		must(t, root.Chmod(name, 0o444))
		if info, err := root.Lstat(name); err != nil || info.Perm() != 0o444 {
			t.Errorf("%s: got %+v, %v", name, info, err)
		}
	}
	put(t, filepath.Join(home, "slot"), "new")
	must(t, root.Rename("slot", root, "live"))
	must(t, root.Remove("gone"))
	if names, err := root.Names(); err != nil || fmt.Sprint(names) != "[live]" && len(names) != 1 {
		t.Errorf("left %q, %v", names, err)
	}
	if info, err := root.Lstat("live"); err != nil || info.Perm() != 0o644 || info.UID != -1 {
		t.Errorf("got %+v, %v", info, err)
	}
}

// TestRunningProgram is replaced while it runs: the old one comes to lie in the
// directory that the new one came from, and a later run removes it.
func TestRunningProgram(t *testing.T) {
	tree, home := newTree(t)
	image, err := os.ReadFile(os.Args[0])
	must(t, err)
	must(t, tree.MkdirAll("bin", 0o755))
	must(t, tree.MkdirAll("slots", 0o700))
	must(t, os.WriteFile(filepath.Join(home, "bin", "tool.exe"), image, 0o755))
	put(t, filepath.Join(home, "slots", "0"), "new")
	other := fsystest.TempDir(t)
	child := exec.Command(filepath.Join(home, "bin", "tool.exe"))
	child.Env = append(os.Environ(), holdLock+"="+other)
	_, err = child.StdinPipe()
	must(t, err)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	if line, _ := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != "held: <nil>" {
		t.Fatalf("the child says %q", line)
	}
	slots, err := tree.OpenDir("slots")
	must(t, err)
	defer slots.Close()
	err = tree.In("bin/tool.exe", func(d *Dir, name string) error { return slots.Rename("0", d, name) })
	must(t, err)
	if got := read(t, filepath.Join(home, "bin", "tool.exe")); got != "new" {
		t.Errorf("got %d bytes", len(got))
	}
	names, err := tree.Names("bin")
	must(t, err)
	if len(names) != 1 {
		t.Errorf("beside the program: %q", names)
	}
	must(t, child.Process.Kill())
	_ = child.Wait()
	must(t, tree.RemoveAll("slots"))
}

// TestOpenFileIsReplaced: a reader keeps what it has open.
func TestOpenFileIsReplaced(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "live"), "old")
	put(t, filepath.Join(home, "slot"), "new")
	f, err := tree.Open("live")
	must(t, err)
	defer func() { _ = f.Close() }()
	must(t, tree.Root().Rename("slot", tree.Root(), "live"))
	buf := make([]byte, 3)
	if _, err := f.ReadAt(buf, 0); err != nil || string(buf) != "old" {
		t.Errorf("got %q, %v", buf, err)
	}
	if got := read(t, filepath.Join(home, "live")); got != "new" {
		t.Errorf("got %q", got)
	}
}
