package fsys

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// holdLock names the installation whose lock a child of TestLockOfAnotherProcess holds.
const holdLock = "FSYS_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	if home := os.Getenv(holdLock); home != "" {
		tree, err := Open(home)
		if err == nil {
			_, err = tree.Lock("lock")
		}
		fmt.Println("held:", err)
		_, _ = io.ReadAll(os.Stdin) // until killed
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestLock(t *testing.T) {
	tree, home := newTree(t)
	must(t, tree.Locked("lock"))
	held, err := tree.Lock("lock")
	must(t, err)
	for range 2 {
		for what, err := range map[string]error{"Lock": second(tree), "Locked": tree.Locked("lock")} {
			var locked *LockedError
			if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || !strings.Contains(locked.Holder, fmt.Sprintf("process %d on ", os.Getpid())) {
				t.Fatalf("%s: got %v, want it locked by this process", what, err)
			}
		}
	}
	held.Release()
	held.Release()
	must(t, tree.Locked("lock"))
	again, err := tree.Lock("lock")
	must(t, err)
	again.Release()
	if _, err := os.Lstat(filepath.Join(home, "lock")); err != nil {
		t.Error("the lock file went with the lock: a third run could hold another one")
	}
}

func second(tree *Tree) error {
	l, err := tree.Lock("lock")
	l.Release()
	return err
}

// What the file says is for people: it is made harmless, and never believed.
func TestLockHolderIsOnlyText(t *testing.T) {
	tree, home := newTree(t)
	put(t, filepath.Join(home, "lock"), "process 1 on \x1b[31mhost\x00\nmore")
	must(t, os.Chmod(filepath.Join(home, "lock"), 0o600))
	must(t, tree.Locked("lock")) // stale text, no lock
	f, err := tree.Open("lock")
	must(t, err)
	defer func() { _ = f.Close() }()
	if got := holder(f); got != "process 1 on ?[31mhost?" {
		t.Errorf("got %q", got)
	}
	held, err := tree.Lock("lock")
	must(t, err)
	held.Release()
}

// TestLockOfAnotherProcess: a second process is refused and told who holds the lock;
// killing the holder releases it.
func TestLockOfAnotherProcess(t *testing.T) {
	tree, home := newTree(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holdLock+"="+home)
	_, err := child.StdinPipe()
	must(t, err)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "held: <nil>" {
		t.Fatalf("the child says %q", line)
	}
	var locked *LockedError
	for what, err := range map[string]error{"Lock": second(tree), "Locked": tree.Locked("lock")} {
		if !errors.As(err, &locked) || !strings.HasPrefix(locked.Holder, fmt.Sprintf("process %d on ", child.Process.Pid)) {
			t.Errorf("%s: got %v, want it locked by process %d", what, err, child.Process.Pid)
		}
	}
	must(t, child.Process.Kill())
	_ = child.Wait()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) { // some systems take a moment
		if err = second(tree); err == nil || time.Since(start) > 5*time.Second {
			break
		}
	}
	must(t, err)
}
