package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKeptSecrets gives the program secrets wherever it takes a text, and finds none of
// them in any log, event or summary.
func TestKeptSecrets(t *testing.T) {
	p := newProgram(t)
	in := func(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
	const (
		inEnv, inToken, inURL, inQuery, inReason, inFile = "Hunter2-of-env", "Hunter2-token", "Hunter2-url", "Hunter2-query", "Hunter2-reason", "Hunter2-file"
	)
	run := func(want int, args ...string) {
		t.Helper()
		p.now = p.now.Add(time.Minute)
		var out bytes.Buffer
		code := runIn(t0ctx(), args, Env{
			Name: "bin/update.sh", Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &out, Version: "1.0.0-test",
			Now: func() time.Time { return p.now },
			LookupEnv: func(key string) (string, bool) {
				v, ok := map[string]string{envPassphrase: inEnv, envToken: inToken}[key]
				return v, ok
			},
			Executable: func() (string, error) { return filepath.Join(p.home, "bin", "inplace"), nil },
		})
		if code != want {
			t.Fatalf("%q: exit code: want %d, got %d\n%s", args, want, code, out.Bytes())
		}
	}
	events := in("events")
	p.adopt()
	run(0, "adopt", p.home, "--source", in("repo"), "--events", events)
	if err := replaceInFile(in("acme/conf/acme.properties"), "db.password=acme", "db.password="+inFile); err != nil {
		t.Fatal(err)
	}
	run(2, "--source", "https://app:"+inURL+"@127.0.0.1:1/r?token="+inQuery, "--events", events)
	run(1, "--source", "/none/"+inToken+"/password="+inEnv, "--events", events)
	run(0, "--allow-stale", "password="+inReason, "--events", events)
	run(0, "--revert", "--events", events)
	found := map[string]int{}
	check := func(name string) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Ext(name)]++
		for _, secret := range []string{inEnv, inToken, inURL, inQuery, inReason, inFile} {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s has %s:\n%s", name, secret, data)
			}
		}
	}
	check(events)
	list, err := os.ReadDir(in("acme/updates/logs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		check(in("acme/updates/logs/" + e.Name()))
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 && os.Getenv("OS") == "" {
			t.Errorf("%s: want mode 0600, got %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if found[".jsonl"] < 5 || found[".json"] != 2 || found[".md"] != 2 {
		t.Errorf("want 5 logs and 2 summaries, got %v", found)
	}
}

// TestSummaries holds the summaries of real runs against the published schema, and against
// what was done.
func TestSummaries(t *testing.T) {
	p := adoptedProgram(t)
	s := loadSchema(t, "summary.json")
	in := func(name string) string { return filepath.Join(p.home, filepath.FromSlash(name)) }
	for _, tt := range []struct {
		args                     []string
		added, merged            int
		action, result, has, not string
	}{
		{nil, 3, 1, "update", "done", "--revert --to", "not by this snapshot"},
		{[]string{"--revert"}, 4, 0, "revert", "done", "--revert --to", "not by this snapshot"},
	} {
		p.now = p.now.Add(time.Hour)
		code, out, errs := p.run(append(tt.args, "--json")...)
		if code != ExitOK {
			t.Fatalf("%q: %d\n%s%s", tt.args, code, out, errs)
		}
		var doc struct {
			Outcome struct{ Snapshot, Summary string }
		}
		if err := json.Unmarshal(out, &doc); err != nil || doc.Outcome.Summary != "updates/logs/"+doc.Outcome.Snapshot+".md" {
			t.Fatalf("%q: got %+v, %v", tt.args, doc, err)
		}
		text, err := os.ReadFile(in(doc.Outcome.Summary))
		if err != nil || !strings.Contains(string(text), tt.has) || strings.Contains(string(text), tt.not) {
			t.Errorf("%q: want %q and not %q, got %v\n%s", tt.args, tt.has, tt.not, err, text)
		}
		data, err := os.ReadFile(in("updates/logs/" + doc.Outcome.Snapshot + ".json"))
		if err != nil {
			t.Fatal(err)
		}
		v := decodeOne(t, data)
		for _, fault := range s.check(s, "", v) {
			t.Errorf("%q: %s", tt.args, fault)
		}
		m := v.(map[string]any)
		if len(m["added"].([]any)) != tt.added || len(m["merged"].([]any)) != tt.merged || m["action"] != tt.action || m["result"] != tt.result {
			t.Errorf("%q: got %s", tt.args, data)
		}
		code, out, _ = p.run("history", doc.Outcome.Snapshot[:16], "--json")
		if again, ok := decodeOne(t, out).(map[string]any)["summary"].(map[string]any); code != ExitOK || !ok || again["id"] != m["id"] {
			t.Errorf("history %s: %d, %s", doc.Outcome.Snapshot, code, out)
		}
	}
}

// adoptedProgram is a program whose installation is adopted, with edits, and has an update
// to go to.
func adoptedProgram(t *testing.T) *program {
	t.Helper()
	p := newProgram(t)
	p.adopt()
	if err := replaceInFile(filepath.Join(p.home, "conf", "server.xml"), "8080", "9080"); err != nil {
		t.Fatal(err)
	}
	return p
}

// adopt publishes both levels and adopts the installation.
func (p *program) adopt() {
	p.t.Helper()
	in := func(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
	for _, args := range [][]string{
		{"release", "init", in("repo"), "--keys", in("keys"), "--product", in("a/updates/product.yaml")},
		{"release", "add", in("repo"), in("a"), "--level", "0", "--channel", "full", "--keys", in("keys")},
		{"release", "add", in("repo"), in("b"), "--level", "1", "--channel", "full", "--keys", in("keys")},
		{"adopt", p.home, "--source", in("repo")},
	} {
		if code, out, errs := p.run(args...); code != ExitOK {
			p.t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}
