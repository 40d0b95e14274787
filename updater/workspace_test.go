package updater

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inplace/updater/conflict"
)

func waitingBench(t *testing.T) *bench {
	be := conflictBench(t)
	if _, err := be.open(t).Update(context.Background()); !isConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	return be
}

func isConflict(err error) bool {
	var c *ConflictError
	return errors.As(err, &c)
}

// A workspace whose update went through, though its last step did not happen, is closed
// by the next run, and what was decided is remembered.
func TestWorkspaceOfFinishedUpdate(t *testing.T) {
	ctx := context.Background()
	be := waitingBench(t)
	_, err := be.open(t).Resolve(ctx, ResolveOptions{Path: "conf/a.conf", Take: "theirs", Why: "w"})
	must(t, err)
	kept := map[string][]byte{}
	for _, dir := range []string{conflict.Dir, conflict.Workspace} {
		must(t, filepath.Walk(filepath.Join(be.home, dir), func(p string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				kept[p], err = os.ReadFile(p)
			}
			return err
		}))
	}
	_, err = be.open(t).Continue(ctx)
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(be.home, conflict.Dir)))
	for p, data := range kept { // as it was before the last step
		must(t, os.MkdirAll(filepath.Dir(p), 0o700))
		must(t, os.WriteFile(p, data, 0o600))
	}
	if s, err := be.open(t).Status(ctx); err != nil || len(s.Conflicts) > 0 {
		t.Errorf("status: %v, %v", s.Conflicts, err)
	}
	v, err := be.open(t).Remembered()
	must(t, err)
	if len(v.List) != 1 || v.List[0].Why != "w" {
		t.Errorf("remembered: %+v", v.List)
	}
	if _, err := be.open(t).Revert(ctx); err != nil {
		t.Errorf("revert: %v", err)
	}
}

// A side of the workspace that is not what was laid out decides nothing: it is laid out
// anew, and what was decided there is asked again.
func TestWorkspaceChangedUnderneath(t *testing.T) {
	ctx := context.Background()
	be := waitingBench(t)
	_, err := be.open(t).Resolve(ctx, ResolveOptions{Path: "conf/a.conf", Take: "theirs"})
	must(t, err)
	side := filepath.Join(be.home, conflict.Workspace, "conf/a.conf/theirs")
	must(t, os.WriteFile(side, []byte("port=evil\n"), 0o600))
	var refused *RefusedError
	if _, err := be.open(t).Resolve(ctx, ResolveOptions{Path: "conf/a.conf", Take: "ours"}); !errors.As(err, &refused) {
		t.Errorf("resolve: got %v, want it refused", err)
	}
	if _, err := be.open(t).Continue(ctx); !isConflict(err) {
		t.Errorf("continue: got %v, want the conflict again", err)
	}
	if data, _ := os.ReadFile(side); !strings.Contains(string(data), "port=2") {
		t.Errorf("theirs is %q", data)
	}
}

// What is remembered decides where the same three texts meet, but not against the option
// of the run; a damaged resolution is told and asked again.
func TestReplay(t *testing.T) {
	ctx := context.Background()
	be := waitingBench(t)
	_, err := be.open(t).Resolve(ctx, ResolveOptions{Path: "conf/a.conf", Text: []byte("port=7\nx\ny\nz\nhost=b\n")})
	must(t, err)
	_, err = be.open(t).Continue(ctx)
	must(t, err)
	_, err = be.open(t).Revert(ctx)
	must(t, err)
	plan, err := be.open(t).DryRun(ctx)
	must(t, err)
	if len(plan.Conflicts) > 0 || len(plan.Resolved) != 1 || !plan.Resolved[0].Replayed {
		t.Fatalf("conflicts %v, resolved %+v", plan.Conflicts, plan.Resolved)
	}
	plan, err = be.open(t, func(o *Options) { o.OnConflict = "ours" }).DryRun(ctx)
	must(t, err)
	if len(plan.Resolved) != 0 {
		t.Errorf("with --on-conflict: resolved %+v", plan.Resolved)
	}
	file := filepath.Join(be.home, conflict.Dir, onlyRemembered(t, be).ID)
	data, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append(data, '\n'), 0o600))
	plan, err = be.open(t).DryRun(ctx)
	must(t, err)
	if len(plan.Conflicts) != 1 || len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], "remembered resolution is not used") {
		t.Errorf("conflicts %v, warnings %q", plan.Conflicts, plan.Warnings)
	}
}

// onlyRemembered is the one resolution that is remembered.
func onlyRemembered(t *testing.T, be *bench) Remembered {
	t.Helper()
	v, err := be.open(t).Remembered()
	must(t, err)
	if len(v.List) != 1 {
		t.Fatalf("remembered: %+v", v.List)
	}
	return v.List[0]
}

// A resolution that breaks the file where it is replayed, or loses what another edit
// there says, is asked again, with why.
func TestReplayHasToBeProven(t *testing.T) {
	ctx := context.Background()
	be := newBench(t, sampleProduct,
		tree{"conf/a.xml": "<a>\n<b x=\"1\"/>\n<c/>\n</a>\n", "lib/a.jar": "\x00a"},
		tree{"conf/a.xml": "<a>\n<b x=\"2\"/>\n<c/>\n</a>\n", "lib/a.jar": "\x00b"})
	tree{"conf/a.xml": "<a>\n<b x=\"3\"/>\n<c/>\n</a>\n"}.write(t, be.home)
	be.adopt(t)
	if _, err := be.open(t).Update(ctx); !isConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	_, err := be.open(t).Resolve(ctx, ResolveOptions{Path: "conf/a.xml", Conflict: "1", Text: []byte("<b x=\"4\"/>\n<d own=\"1\"/>\n")})
	must(t, err)
	_, err = be.open(t).Continue(ctx)
	must(t, err)
	_, err = be.open(t).Revert(ctx)
	must(t, err)
	// Another node has a <d> of its own elsewhere: replayed, it would stand twice.
	tree{"conf/a.xml": "<a>\n<b x=\"3\"/>\n<c/>\n<d own=\"1\"/>\n</a>\n"}.write(t, be.home)
	plan, err := be.open(t).DryRun(ctx)
	must(t, err)
	if len(plan.Conflicts) != 1 {
		t.Fatalf("replayed without proof: %+v\n%s", plan.Resolved, plan.Steps[0].content)
	}
	if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], "does not hold here and is asked anew") {
		t.Errorf("warnings: %q", plan.Warnings)
	}
	// Asked, the operator may decide the same: then it is his word.
	if _, err := be.open(t).Update(ctx); !isConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	_, err = be.open(t).Resolve(ctx, ResolveOptions{Path: "conf/a.xml", Conflict: "1", Text: []byte("<b x=\"4\"/>\n<d own=\"1\"/>\n")})
	must(t, err)
	if _, err := be.open(t).Continue(ctx); err != nil {
		t.Errorf("decided here, it is refused: %v", err)
	}
}
