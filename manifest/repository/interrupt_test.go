package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// frames copies a directory before every change that a run makes to the disk: each
// copy is what a kill at that moment leaves.
type frames struct {
	t    *testing.T
	from []string // directories
	to   string
	mu   sync.Mutex
	n    int
	ops  []string
}

func (f *frames) fault(op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, dir := range f.from {
		copyTree(f.t, dir, filepath.Join(f.to, fmt.Sprint(f.n), filepath.Base(dir)))
	}
	f.ops = append(f.ops, op+" "+path)
	f.n++
	return nil
}

// at is opt for the copy, made at moment n, of a repository "repo" with its keys "keys".
func (f *frames) at(n int, opt SubscribeOptions) SubscribeOptions {
	opt.Dir, opt.KeysDir = filepath.Join(f.to, fmt.Sprint(n), "repo"), filepath.Join(f.to, fmt.Sprint(n), "keys")
	return opt
}

// Killed at any moment, a publishing run leaves a repository that reads as before or
// as after, and the next run succeeds. The first release of a channel has the most
// steps: contents, inventory, manifest, targets, role, snapshot, timestamp.
func TestAddInterrupted(t *testing.T) {
	slow(t)
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "old\n"}))
	trust := mustReader(t, v.dir, nil, noon).State()
	keys := filepath.Join(v.work, "keys")

	files := map[string]string{"f": "new\n", "g": strings.Repeat("more\n", 1000), "d/": "", "l": "->f"}
	opt := v.options(1, v.tree(files))
	opt.Channel = "security"
	f := &frames{t: t, from: []string{v.dir, keys}, to: t.TempDir()}
	opt.fault = f.fault
	_, err := Add(context.Background(), opt)
	must(t, err)
	want := describe(t, opt.Tree)
	if f.n < 36 {
		t.Fatalf("only %d moments: %q", f.n, f.ops)
	}
	old, complete := 0, 0
	for n := range f.n {
		dir := filepath.Join(f.to, fmt.Sprint(n), "repo")
		fail := func(format string, args ...any) {
			t.Errorf("before %s (%d): %s", f.ops[n], n, fmt.Sprintf(format, args...))
		}
		c, err := reader(t, dir, trust, noon)
		if err != nil {
			fail("cannot be read: %v", err)
			continue
		}
		if got, err := readRelease(c, "full", 0); err != nil || len(got) != 1 {
			fail("the old release: %v %v", got, err)
		}
		switch len(c.All()) {
		case 1:
			old++
		case 2:
			complete++
			if got, err := readRelease(c, "security", 1); err != nil || len(got) != len(want) {
				fail("the new release: %v %v", got, err)
			}
		}
		again := opt
		again.Dir, again.KeysDir, again.fault = dir, filepath.Join(f.to, fmt.Sprint(n), "keys"), nil
		if _, err := Add(context.Background(), again); err != nil {
			fail("cannot be continued: %v", err)
			continue
		}
		c, err = reader(t, dir, c.State(), noon)
		if err != nil {
			fail("cannot be read after the second run: %v", err)
			continue
		}
		got, err := readRelease(c, "security", 1)
		if err != nil {
			fail("after the second run: %v", err)
		}
		sameMap(t, got, want)
		if _, err := os.Lstat(filepath.Join(dir, dirTemp)); err == nil {
			fail("the second run has left %s", dirTemp)
		}
	}
	if old < 33 || complete == 0 {
		t.Errorf("%d moments before, %d after the timestamp: the loop has not seen both", old, complete)
	}
}

// Killed at any moment, Init can be run again, and is not fooled by its remains.
func TestInitInterrupted(t *testing.T) {
	slow(t)
	work := t.TempDir()
	opt := InitOptions{Dir: filepath.Join(work, "repo"), KeysDir: filepath.Join(work, "keys"), Product: []byte(productYAML), Passphrase: []byte{}, Now: noon}
	must(t, os.MkdirAll(opt.KeysDir, 0o700))
	f := &frames{t: t, from: []string{opt.Dir, opt.KeysDir}, to: t.TempDir()}
	opt.fault = f.fault
	_, err := Init(opt)
	must(t, err)
	finished := 0
	for n := range f.n {
		again := opt
		again.Dir, again.KeysDir, again.fault = filepath.Join(f.to, fmt.Sprint(n), "repo"), filepath.Join(f.to, fmt.Sprint(n), "keys"), nil
		if _, err := Init(again); errors.Is(err, ErrExists) {
			finished++
		} else if err != nil {
			t.Errorf("before %s: %v", f.ops[n], err)
			continue
		}
		v := &vendor{t: t, dir: again.Dir, keys: again.KeysDir, work: work, now: noon}
		v.add(0, v.tree(map[string]string{"f": "x\n"}))
		if got, err := readRelease(mustReader(t, v.dir, nil, noon), "full", 0); err != nil || len(got) != 1 {
			t.Errorf("before %s: %v %v", f.ops[n], got, err)
		}
	}
	if f.n < 20 || finished == 0 || finished > 8 {
		t.Errorf("%d moments, %d of them finished", f.n, finished)
	}
}
