//go:build unix

package updater

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
)

// TestFixFaults fails each change that a fix makes, once or from then on, and asserts
// that the fault fired: the next command makes the tree what it was before, or what was
// shipped, and nothing between; the fix can then be done.
func TestFixFaults(t *testing.T) {
	for _, lasting := range []bool{false, true} {
		t.Run(fmt.Sprintf("lasting=%v", lasting), func(t *testing.T) {
			t.Parallel()
			testFixFaults(t, lasting)
		})
	}
}

func testFixFaults(t *testing.T, lasting bool) {
	ctx := context.Background()
	be := newBench(t, sampleProduct, tree{
		"bin/start.sh": "0755 one\n", "conf/server.conf": "port=8080\n", "lib/core.jar": "\x00one", "lib/link.jar": "-> core.jar",
		"docs/a/b": "b\n", "mode.sh": "0755 m\n", "kind": "a file\n", "kind2/inner": "a dir\n",
	})
	be.adopt(t)
	must(t, os.RemoveAll(filepath.Join(be.home, "docs")))
	must(t, os.RemoveAll(filepath.Join(be.home, "kind2")))
	tree{"conf/server.conf": "port=9090\n", "lib/core.jar": "\x00two", "lib/link.jar": "-> x", "mode.sh": "0644 m\n", "kind": "-> lib", "kind2": "mine\n", "own": "o\n"}.write(t, be.home)
	must(t, os.Link(filepath.Join(be.home, "lib/core.jar"), filepath.Join(be.home, "second-name")))
	start, all := filepath.Join(be.dir, "start"), VerifyOptions{Paths: []string{"."}}
	copyTree(t, be.home, start)
	old := look(t, be.home, true)
	_, err := be.open(t).Fix(ctx, all)
	must(t, err)
	fresh := strip(look(t, be.home, true))
	points := 0
	for n := 1; ; n += 2 {
		copyTree(t, start, be.home)
		count, at := 0, ""
		var mu sync.Mutex // files are staged by several goroutines
		u := be.open(t, func(o *Options) {
			o.fault = func(op, path string) error {
				mu.Lock()
				defer mu.Unlock()
				count++
				if count == n || lasting && count > n {
					at = cmp.Or(at, op+" "+path)
					return errInjected
				}
				return nil
			}
		})
		_, err := u.Fix(ctx, all)
		u.Close()
		if at == "" {
			must(t, err)
			break
		}
		points++
		if s, err := be.open(t).Status(ctx); err != nil || s.Open {
			t.Fatalf("%s: status: %v", at, err)
		}
		got := look(t, be.home, true)
		if !reflect.DeepEqual(got, old) && !reflect.DeepEqual(strip(got), fresh) {
			same(t, at+", against old", old, got)
			same(t, at+", against shipped", fresh, strip(got))
			t.FailNow()
		}
		if _, err := be.open(t).Fix(ctx, all); err != nil {
			t.Fatalf("%s: fix again: %v", at, err)
		}
		same(t, at+", after the next fix", fresh, strip(look(t, be.home, true)))
	}
	if points < 20 {
		t.Errorf("want at least 20 faults, got %d", points)
	}
}
