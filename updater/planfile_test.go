package updater

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inplace/manifest"
)

// planned is a plan file with one step for each path.
func planned(paths ...manifest.Path) *PlanFile {
	p := &Plan{Action: "update", Expires: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), From: Release{Channel: "full"}, To: Release{Level: 1, Channel: "full"}}
	for _, path := range paths {
		p.Steps = append(p.Steps, Step{Path: path, Action: Add, Base: Side{Kind: manifest.Absent}, Result: Side{Kind: manifest.Link, Target: "<a\nb>"}})
	}
	return p.File()
}

// A plan file comes from anywhere: nothing but what this program wrote is taken.
func TestPlanFileRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: nothing for the race detector")
	}
	good := string(planned("a b", "conf/x", "conf/\xff%").Marshal())
	if _, err := ParsePlan("plan", []byte(good)); err != nil {
		t.Fatal(err)
	}
	twice := func(old, new string) string {
		if strings.Count(good, old) == 0 {
			t.Fatalf("no %q in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	tests := []struct{ name, doc, want string }{
		{"nothing", "", "want one JSON document"},
		{"another document", "[]", "want one JSON document"},
		{"a newer schema", twice("inplace/plan/1", "inplace/plan/2"), `schema: want "inplace/plan/1", got "inplace/plan/2"`},
		{"an unknown key", twice(`"engine"`, `"x": 1, "engine"`), "unknown field"},
		{"a doubled key", twice(` "engine": ""`, ` "engine": "", "engine": ""`), "to the letter"},
		{"a key in another case", twice(`"engine"`, `"Engine"`), "to the letter"},
		{"something after it", good + "{}\n", "one JSON document"},
		{"blanks after it", good + " ", "to the letter"},
		{"cut short", good[:len(good)-3], "one JSON document"},
		{"no steps", `{"schema":"inplace/plan/1"}`, "to the letter"},
		{"another action", twice(`"action": "update"`, `"action": "revert"`), "action: want update"},
		{"a bad digest", twice(`"manifest": "`, `"manifest": "md5:`), "want a digest"},
		{"a path out of the installation", twice(`"conf/x"`, `"../x"`), "want a clean path"},
		{"an absolute path", twice(`"a%20b"`, `"/etc/passwd"`), "relative to the installation"},
		{"an escape that leads out", twice(`"conf/x"`, `"%2E%2E/x"`), "%XX"},
		{"a broken escape", twice(`"conf/x"`, `"conf/%zz"`), "%XX"},
		{"paths out of order", twice(`"a%20b"`, `"zzz"`), "in their order"},
		{"a path twice", twice(`"conf/x"`, `"a%20b"`), "in their order"},
		{"too long", good + strings.Repeat(" ", MaxPlanBytes), "want at most"},
	}
	for _, tt := range tests {
		_, err := ParsePlan("plan.json", []byte(tt.doc))
		var bad *PlanFileError
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), "plan.json: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want a refusal with %q", tt.name, err, tt.want)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := ReadPlan(name); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "plan"), []byte(good), 0o600))
	_, err := ReadPlan(filepath.Join(dir, "plan"))
	must(t, err)
}

// Every field of a step counts, and steps that one side lacks.
func TestPlanCompare(t *testing.T) {
	base := func() *PlanFile { return planned("a", "b") }
	tests := []struct {
		name   string
		change func(*PlanFile)
		want   string
	}{
		{"nothing", func(*PlanFile) {}, ""},
		{"expiry", func(f *PlanFile) { f.Expires = f.Expires.AddDate(0, 1, 0) }, ""},
		{"engine", func(f *PlanFile) { f.Engine = "2" }, "plan: engine: want none, got 2"},
		{"product", func(f *PlanFile) { f.Product = "p" }, "plan: product: want none, got p"},
		{"settings", func(f *PlanFile) { f.Settings = manifest.DigestOf(nil) }, "updates/settings.yaml: digest: want none, got sha256:e3b0"},
		{"on-conflict", func(f *PlanFile) { f.OnConflict = "ours" }, "plan: on_conflict: want none, got ours"},
		{"release", func(f *PlanFile) { f.To.Manifest = manifest.DigestOf(nil) }, "plan: release to go to: want level 1 of channel full"},
		{"action", func(f *PlanFile) { f.Steps[0].Action = Remove }, "a: action: want add, got remove"},
		{"reason", func(f *PlanFile) { f.Steps[0].Reason = "so" }, "a: reason: want"},
		{"count", func(f *PlanFile) { f.Steps[0].Count = 3 }, "a: reason: want"},
		{"old name", func(f *PlanFile) { f.Steps[0].From = "z" }, "a: old name: want none, got z"},
		{"owner", func(f *PlanFile) { f.Steps[1].Ours.UID = 7 }, "b: ours: want absent, got absent 7:0"},
		{"target", func(f *PlanFile) { f.Steps[1].Result.Target = "x" }, "b: result: want link to <a%0Ab>, got link to x"},
		{"one less", func(f *PlanFile) { f.Steps = f.Steps[:1] }, "b: action: want add to link to <a%0Ab>, got none"},
		{"one more", func(f *PlanFile) { *f = *planned("a", "b", "c") }, "c: action: want none, got add to link"},
		{"a conflict", func(f *PlanFile) { f.Conflicts = []PlanConflict{{"a", "both"}} }, "a: conflict: want none, got both"},
	}
	for _, tt := range tests {
		f := base()
		tt.change(f)
		drift := base().compare(f)
		got := ""
		if len(drift) > 0 {
			got = drift[0].String()
		}
		if len(drift) > 1 || !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: got %v, want %q", tt.name, drift, tt.want)
		}
	}
}
