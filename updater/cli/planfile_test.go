package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"inplace/updater"
)

// TestPlanFileSchema holds what --plan-out writes against the published schema, also with
// conflicts, and sees that the reader takes it.
func TestPlanFileSchema(t *testing.T) {
	s := loadSchema(t, "plan.json")
	p := newProgram(t)
	in := func(name string) string { return filepath.Join(p.dir, name) }
	do := func(exit int, args ...string) {
		t.Helper()
		if code, out, errs := p.run(args...); code != exit {
			t.Fatalf("%q: exit code: want %d, got %d\n%s%s", args, exit, code, out, errs)
		}
	}
	do(0, "release", "init", in("repo"), "--keys", in("keys"), "--product", in("a/updates/product.yaml"))
	do(0, "release", "add", in("repo"), in("a"), "--level", "0", "--channel", "full", "--keys", in("keys"))
	do(0, "release", "add", in("repo"), in("b"), "--level", "1", "--channel", "full", "--keys", in("keys"))
	do(0, "adopt", p.home, "--source", in("repo"))
	edit := func(old, new string) {
		t.Helper()
		if err := replaceInFile(filepath.Join(p.home, "conf/server.xml"), old, new); err != nil {
			t.Fatal(err)
		}
	}
	check := func(file string, conflicts int) {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range s.check(s, "", decodeOne(t, data)) {
			t.Error(fault)
		}
		plan, err := updater.ParsePlan(file, data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(plan.Marshal(), data) || len(plan.Steps) == 0 || len(plan.Conflicts) != conflicts || plan.Expires.Before(p.now) {
			t.Errorf("%s: read as %d steps, %d conflicts, expiry %v", file, len(plan.Steps), len(plan.Conflicts), plan.Expires)
		}
	}
	edit("8080", "9080")
	do(0, "--dry-run", "--plan-out", in("plan.json"))
	check(in("plan.json"), 0)

	// past the date of its metadata it is refused, unless a reason is given for the record
	p.now = p.now.AddDate(2, 0, 0)
	do(ExitUntrusted, "--plan", in("plan.json"))
	do(0, "--plan", in("plan.json"), "--dry-run", "--allow-stale", "air gap")
	p.now = time.Now()

	edit(`autoDeploy="true"`, `autoDeploy="maybe"`)
	do(ExitConflict, "--dry-run", "--plan-out", in("conflict.json"))
	check(in("conflict.json"), 1)
	do(0, "--dry-run", "--on-conflict", "ours", "--plan-out", in("ours.json"))
	check(in("ours.json"), 0)
	do(0, "--plan", in("ours.json"))
	do(0, "--dry-run", "--level", "1", "--plan-out", in("none.json"))
}
