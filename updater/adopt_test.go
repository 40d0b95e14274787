package updater

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// A failed adopt leaves the directory as it was; the next one adopts it.
func TestAdoptFailsCleanly(t *testing.T) {
	be := newBench(t, sampleProduct, tree{"bin/start.sh": "0755 one\n", "conf/a.conf": "x=1\n", "lib/a.jar": "\x00a"})
	before := everything(t, be.home)
	exe := filepath.Join(be.dir, "exe")
	must(t, os.WriteFile(exe, []byte("binary"), 0o755))
	points := 0
	for n := 1; ; n++ {
		count, fired := 0, false
		_, err := Adopt(context.Background(), AdoptOptions{Home: be.home, Source: be.repo, Executable: exe, Engine: "test",
			Scripts: map[string][]byte{"sh": []byte("#!/bin/sh\n# " + launcherMark), "cmd": []byte("rem " + launcherMark)},
			Now:     func() time.Time { return be.now },
			fault: func(op, path string) error {
				if count++; count == n {
					fired = true
					return errInjected
				}
				return nil
			}})
		if !fired {
			must(t, err)
			break
		}
		points++
		if err == nil {
			continue // something that may fail, such as the stat cache
		}
		if got := everything(t, be.home); !reflect.DeepEqual(got, before) {
			t.Fatalf("point %d: %v: left behind:\n got %q\nwant %q", n, err, got, before)
		}
	}
	if points < 10 {
		t.Errorf("only %d points", points)
	}
	if a := be.adopt(t); !a.Already {
		t.Error("the directory is not adopted in the end")
	}
}

// everything lists all paths below root, the updater's too.
func everything(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		out = append(out, p)
		return err
	}))
	return out
}
