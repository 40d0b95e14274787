//go:build unix

package updater

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inplace/updater/journal"
)

// onMemory lets a test with many small writes make its files in memory where it can.
func onMemory(t *testing.T) {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "inplace-test"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		t.Setenv("TMPDIR", dir)
	}
}

// damages are what can happen to a state file, by name.
var damages = map[string]func(path string) error{
	"emptied": func(p string) error { return os.Truncate(p, 0) },
	"deleted": os.Remove,
	"torn": func(p string) error {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		return os.Truncate(p, info.Size()*2/3)
	},
	"zeroed": func(p string) error {
		return rewrite(p, func(b []byte) []byte { return make([]byte, len(b)) })
	},
	"edited": func(p string) error {
		return rewrite(p, func(b []byte) []byte {
			if len(b) > 0 {
				b[len(b)*3/5] ^= 0x15
			}
			return b
		})
	},
	"of a newer version": func(p string) error {
		return rewrite(p, func(b []byte) []byte {
			line, rest, _ := bytes.Cut(b, []byte("\n"))
			i := bytes.LastIndexByte(line, '1')
			if i < 0 {
				return append([]byte("9"), b...)
			}
			return slices.Concat(line[:i], []byte("9"), line[i+1:], []byte("\n"), rest)
		})
	},
	"replaced by a directory": func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) },
	"replaced by a link":      func(p string) error { return errors.Join(os.Rename(p, p+".moved"), os.Symlink(p+".moved", p)) },
}

func rewrite(path string, change func([]byte) []byte) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(data), 0o600)
}

// TestC12State damages each state file in each way in each phase. Whatever a command
// then answers, it never calls a mixed tree sound, and nothing of the product changes but
// from the old to the new state or back.
func TestC12State(t *testing.T) {
	if testing.Short() {
		t.Skip("does nothing at once that TestFaults does not")
	}
	ctx := context.Background()
	onMemory(t)
	be := faultBench(t)
	old := strip(look(t, be.home, true))
	phases := map[string]string{"adopted": filepath.Join(be.dir, "adopted")}
	copyTree(t, be.home, phases["adopted"])
	kinds := map[bool]int{}
	for _, k := range []struct{ fails, dies int }{{40, 41}, {60, 61}, {50, 54}, {60, 66}, {60, 70}} { // a step that fails, and the kill
		count := 0
		var mu sync.Mutex // files are staged by several goroutines
		u := be.open(t, func(o *Options) {
			o.fault = func(string, string) error {
				mu.Lock()
				defer mu.Unlock()
				if count++; count == k.fails || count >= k.dies {
					return errInjected
				}
				return nil
			}
		})
		_, err := u.Update(ctx)
		rec, _ := journal.Read(u.tree)
		u.Close()
		if err != nil && rec != nil && kinds[rec.Undo] < 1 {
			kinds[rec.Undo]++
			name := fmt.Sprintf("undo %v, killed at %d", rec.Undo, k.dies)
			phases[name] = filepath.Join(be.dir, fmt.Sprint("killed-", k.dies))
			copyTree(t, be.home, phases[name])
		}
		copyTree(t, phases["adopted"], be.home)
	}
	if kinds[false] == 0 || kinds[true] == 0 {
		t.Fatalf("want installations interrupted on the way there and back, got %v", kinds)
	}
	_, err := be.open(t).Update(ctx)
	must(t, err)
	fresh := strip(look(t, be.home, true))
	phases["updated"] = filepath.Join(be.dir, "updated")
	copyTree(t, be.home, phases["updated"])

	tried := 0
	for phase, from := range phases {
		for _, file := range stateFiles(t, from) {
			for name, damage := range damages {
				copyTree(t, from, be.home)
				what := fmt.Sprintf("%s, %s %s", phase, file, name)
				before := strip(look(t, be.home, true))
				must(t, damage(filepath.Join(be.home, file)))
				tried++
				be.checkDamaged(t, what, before, old, fresh)
			}
		}
	}
	t.Logf("%d state files damaged", tried)
	if tried < 200 {
		t.Errorf("only %d damages were tried", tried)
	}
}

// stateFiles lists the updater's own files of an installation, but for the contents of
// slots (row C13) and what only helps to merge or to be fast.
func stateFiles(t *testing.T, home string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(filepath.Join(home, "updates"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(home, path)
		if d.IsDir() && slices.Contains([]string{"slots", "aside", "config", "base", "found"}, d.Name()) {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() && !strings.HasSuffix(rel, "/restore.sh") {
			out = append(out, rel)
		}
		return err
	}))
	if len(out) < 6 {
		t.Fatalf("%s: only %q", home, out)
	}
	return out
}

// checkDamaged runs guard, status and an update on an installation with a damaged state
// file.
func (b *bench) checkDamaged(t *testing.T, what string, before, old, fresh map[string]string) {
	t.Helper()
	ctx := context.Background()
	sound := func(when string) bool {
		got := strip(look(t, b.home, true))
		switch {
		case reflect.DeepEqual(got, old), reflect.DeepEqual(got, fresh):
			return true
		case reflect.DeepEqual(got, before):
			return false
		}
		t.Errorf("%s: %s the tree is neither old nor new, nor as it was found", what, when)
		same(t, "against new", fresh, got)
		return false
	}
	if err := Guard(ctx, b.home, "test"); err == nil && !sound("after guard") {
		t.Errorf("%s: guard lets a mixed tree start", what)
	}
	run := func(name string, do func(*Updater) error) {
		u, err := Open(Options{Home: b.home, Engine: "test", Now: func() time.Time { return b.now }})
		if err == nil {
			err = do(u)
			u.Close()
		}
		if ok := sound("after " + name); err == nil && !ok {
			t.Errorf("%s: %s is content with a mixed tree", what, name)
		}
		if err != nil && err.Error() == "" {
			t.Errorf("%s: %s: an error without a word", what, name)
		}
	}
	run("status", func(u *Updater) error { _, err := u.Status(ctx); return err })
	run("update", func(u *Updater) error { _, err := u.Update(ctx); return err })
	run("revert", func(u *Updater) error { _, err := u.Revert(ctx); return err })
}
