//go:build unix

package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"inplace/backup/sealed"
	"inplace/updater/journal"
	"inplace/updater/settings"
)

// served describes the product of be as one that runs while the file logs/up is there.
func served(be *bench, watch bool) func(u *Updater) {
	up := filepath.Join(be.home, "logs/up")
	return func(u *Updater) {
		u.settings.Service = settings.Service{Stop: []string{"rm", up}, Start: []string{"touch", up}, Status: []string{"test", "-e", up}, Timeout: time.Minute}
		u.settings.Health = settings.Health{Watch: time.Millisecond, Every: time.Millisecond}
		if watch {
			u.settings.Health.Probes = []settings.Probe{{Command: []string{"test", "-e", up}, Timeout: time.Minute}}
		}
		u.opt.NoHealth = !watch
	}
}

// TestServiceFaults fails each change of an update and of a revert that stop and start the product,
// once or from then on. Afterwards the next command makes the tree old or new, with the
// product running and nothing left open. It is not parallel: a child that is being started would hold
// the locks of other tests.
func TestServiceFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, one after the other: nothing for the race detector")
	}
	for _, action := range []string{"update", "watched", "revert"} {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lasting=%v", action, lasting), func(t *testing.T) { testServiceFaults(t, action, lasting) })
		}
	}
}

func testServiceFaults(t *testing.T, action string, lasting bool) {
	ctx := context.Background()
	be := newBench(t, sampleProduct, tree{"conf/server.conf": "host=a\n", "lib/core.jar": "\x00one", "lib/old.jar": "\x00old"},
		tree{"conf/server.conf": "host=b\n", "lib/core.jar": "\x00two", "lib/new.jar": "\x00new"})
	be.adopt(t)
	tree{"logs/up": ""}.write(t, be.home)
	serve, up := served(be, action == "watched"), filepath.Join(be.home, "logs/up")
	open := func(change ...func(*Options)) *Updater {
		u := be.open(t, change...)
		serve(u)
		return u
	}
	run := (*Updater).Update
	see := func() map[string]string {
		out := look(t, be.home, false)
		delete(out, "logs/up")
		return out
	}
	old := see()
	start := filepath.Join(be.dir, "start")
	copyTree(t, be.home, start)
	_, err := open().Update(ctx)
	must(t, err)
	fresh := see()
	if action == "revert" {
		run, old, fresh = (*Updater).Revert, fresh, old
		copyTree(t, be.home, start)
	}
	points, first := 0, 1
	if lasting {
		first = 2
	}
	stride := 4
	if testing.Short() {
		stride = 16
	}
	for n := first; ; n += stride { // each is one that a run of all of them has passed
		copyTree(t, start, be.home)
		count, at := 0, ""
		var mu sync.Mutex
		u := open(func(o *Options) {
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
		_, err := run(u, ctx)
		u.Close()
		if at == "" {
			must(t, err)
			break
		}
		points++
		name := action + " at " + at
		if got := see(); !lasting && !reflect.DeepEqual(got, old) && !reflect.DeepEqual(got, fresh) {
			t.Fatalf("%s: neither old nor new without recovery (%v)", name, err)
		}
		s, err := open().Status(ctx)
		if err != nil || s.Open {
			t.Fatalf("%s: status: %v", name, err)
		}
		if got := see(); !reflect.DeepEqual(got, old) && !reflect.DeepEqual(got, fresh) {
			t.Fatalf("%s: neither old nor new after recovery", name)
		}
		if _, err := os.Lstat(up); err != nil {
			t.Fatalf("%s: the product does not run after recovery", name)
		}
		for _, p := range []string{journal.Path, journal.Open} {
			if _, err := os.Lstat(filepath.Join(be.home, p)); err == nil {
				t.Fatalf("%s: %s is left behind", name, p)
			}
		}
		if action != "revert" {
			if _, err := open().Update(ctx); err != nil {
				t.Fatalf("%s: the next update: %v", name, err)
			}
			same(t, name+" after the next update", fresh, see())
		}
	}
	if least := 48 / stride; points < least {
		t.Errorf("only %d points were reached", points)
	}
	t.Logf("%d points", points)
}

// TestJournalVersions: what has to do with a running product is of a schema that a program
// refuses by name that cannot start it again; what has not, stays as it was.
func TestJournalVersions(t *testing.T) {
	rec := journal.Record{State: journal.Committing, ID: "x"}
	if got := string(rec.Marshal()); !strings.HasPrefix(got, `schema: "inplace/journal/1"`) {
		t.Errorf("without a service: got %s", got)
	}
	rec.Service = &journal.Service{Judge: true}
	for _, state := range []journal.State{journal.Stopping, journal.Committing, journal.Watching} {
		rec.State = state
		var old struct{}
		if err := sealed.Unmarshal("journal", "inplace/journal/1", rec.Marshal(), &old); !errors.Is(err, sealed.ErrNewer) {
			t.Errorf("%s: an older program says %v, want ErrNewer", state, err)
		}
	}
	be := newBench(t, sampleProduct, tree{"f": "1"})
	be.adopt(t)
	for _, c := range []struct {
		rec journal.Record
		ok  bool
	}{
		{journal.Record{State: journal.Watching, ID: "x", Service: &journal.Service{}}, true},
		{journal.Record{State: journal.Watching, ID: "x"}, false},
		{journal.Record{State: "later", ID: "x", Service: &journal.Service{}}, false},
		{journal.Record{State: journal.Committing, ID: "x"}, true},
	} {
		must(t, os.WriteFile(filepath.Join(be.home, journal.Path), c.rec.Marshal(), 0o600))
		got, err := journal.Read(be.open(t).tree)
		if (err == nil) != c.ok || c.ok && !reflect.DeepEqual(*got, c.rec) {
			t.Errorf("%+v: got %+v, %v", c.rec, got, err)
		}
	}
}
