package cli_test

import (
	"bytes"
	"maps"
	"os/exec"
	"testing"

	"inplace/updater/cli"
)

// TestC9Race starts several runs at once: one works, the others say who holds the lock,
// and none takes another for the running product.
func TestC9Race(t *testing.T) {
	p := adopted(t)
	old, fresh, pristine := p.bothSides(t)
	busy := 0
	for round := range 8 {
		restore(t, pristine, p.home)
		list := [][]string{nil, nil, {"status"}, nil}
		if round%2 == 1 {
			list = [][]string{nil, {"--revert"}, {"status"}}
		}
		var runs []*exec.Cmd
		var errs []*bytes.Buffer
		for _, args := range list {
			cmd := p.update(args...)
			b := &bytes.Buffer{}
			cmd.Stderr = b
			ok(t, cmd.Start())
			runs, errs = append(runs, cmd), append(errs, b)
		}
		worked := false
		for i, cmd := range runs {
			o := ended(t, cmd.Wait(), "", errs[i].String())
			switch {
			case o.code == 0:
				worked = true
			case o.code == cli.ExitBusy:
				busy++
				if !bytes.Contains(errs[i].Bytes(), []byte("updates/lock: another run holds the lock")) {
					t.Errorf("round %d, %q: want the lock as the reason, got %v", round, list[i], o)
				}
			case o.code == cli.ExitFailed && len(list[i]) > 0 && list[i][0] == "--revert":
				worked = true // it had the lock, and found nothing to take back yet
			default:
				t.Errorf("round %d, %q: %v", round, list[i], o)
			}
		}
		if !worked {
			t.Errorf("round %d: none of the runs worked", round)
		}
		if got := product(t, p.home); !maps.Equal(got, old) && !maps.Equal(got, fresh) {
			alike(t, "against new", fresh, got)
			alike(t, "against old", old, got)
		}
		finish(t, p.update()).wants(t, "the next run", 0)
		alike(t, "after the next run", fresh, product(t, p.home))
	}
	if busy == 0 {
		t.Error("no two runs met")
	}
}
