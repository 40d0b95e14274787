package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func dataBench(t *testing.T, mode string) *bench {
	be := newBench(t, sampleProduct, tree{"lib/a.jar": "\x00a", "conf/a.conf": "a=1\n"}, tree{"lib/a.jar": "\x00b", "conf/a.conf": "a=1\n"})
	tree{"data/base/rows": "rows one\n", "data/empty/": "", "data/link": "-> base", "data/gone": "0600 old\n"}.write(t, be.home)
	be.adopt(t)
	file := filepath.Join(be.home, "updates/settings.yaml")
	old, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append(old, []byte("backup: {data: "+mode+"}\n")...), 0o600))
	return be
}

// The data is copied with the update, stays as it is at a plain revert, and comes back
// with --with-data: exactly as it was, and what was there goes into the new snapshot.
func TestRevertWithData(t *testing.T) {
	ctx := context.Background()
	for _, with := range []bool{false, true} {
		be := dataBench(t, "copy")
		before := strip(look(t, be.home, true))
		_, err := be.open(t).Update(ctx)
		must(t, err)
		if _, err := be.open(t).VerifyBackups(ctx); err != nil {
			t.Fatal(err)
		}
		tree{"data/base/rows": "rows two\n", "data/base/more": "more\n"}.write(t, be.home)
		must(t, os.Remove(filepath.Join(be.home, "data/gone")))
		must(t, os.Remove(filepath.Join(be.home, "data/empty")))
		later := strip(look(t, be.home, true))
		out, err := be.open(t, func(o *Options) { o.WithData = with }).Revert(ctx)
		must(t, err)
		if !with {
			if got := read(t, be, "data/base/rows"); got != "rows two\n" {
				t.Errorf("a plain revert changed the data: %q", got)
			}
			continue
		}
		same(t, "with data", before, strip(look(t, be.home, true)))
		_, err = be.open(t, revertTo(out.Snapshot)).Revert(ctx)
		must(t, err)
		same(t, "forward again", later, strip(look(t, be.home, true)))
	}
}

// Where blocks cannot be shared, reflink keeps no data and says so; going back with data
// then is refused before anything changes.
func TestRevertWithoutData(t *testing.T) {
	for _, mode := range []string{"none", "reflink"} {
		testWithoutData(t, mode)
	}
}

func testWithoutData(t *testing.T, mode string) {
	ctx := context.Background()
	be := dataBench(t, mode)
	out, err := be.open(t).Update(ctx)
	must(t, err)
	if said := len(out.Warnings) == 1; said != (mode == "reflink") {
		if b, err := be.open(t).Backups(ctx); mode == "reflink" && err == nil && b.Snapshots[0].Data {
			t.Skip("blocks can be shared here")
		}
		t.Errorf("%s: warnings %q", mode, out.Warnings)
	}
	before := look(t, be.home, true)
	var finding *PreflightError
	if _, err := be.open(t, func(o *Options) { o.WithData = true }).Revert(ctx); !errors.As(err, &finding) {
		t.Errorf("got %v, want a PreflightError", err)
	}
	same(t, "refused", before, look(t, be.home, true))
}
