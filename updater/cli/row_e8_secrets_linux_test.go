package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inplace/updater/cli"
)

// TestE8Secrets updates configuration with secrets in it, cleanly and into conflicts: no
// output, document, event, plan or record has them, and their copies keep their modes.
func TestE8Secrets(t *testing.T) {
	const secret, theirs = "s3cr3t-of-the-operator", "s3cr3t-of-the-vendor"
	old, fresh := rowOld(), rowNew()
	old["conf/server.properties"] = "port=8080\n\n\ndb.password=changeit\n\n\nhost=a\n"
	fresh["conf/server.properties"] = "port=8080\n\n\ndb.password=changeit\n\n\nhost=b\n"
	old["conf/users.xml"] = "<users>\n  <user name=\"admin\" password=\"changeit\"/>\n</users>\n"
	fresh["conf/users.xml"] = "<users>\n  <user name=\"admin\" password=\"" + theirs + "\"/>\n</users>\n"
	p := newPlant(t, old, fresh)
	files{"conf/server.properties": "port=8080\n\n\ndb.password=" + secret + "\n\n\nhost=a\n",
		"conf/users.xml": "<users>\n  <user name=\"admin\" password=\"" + secret + "\"/>\n</users>\n"}.write(t, p.home)
	for _, name := range []string{"conf/server.properties", "conf/users.xml"} {
		ok(t, os.Chmod(filepath.Join(p.home, name), 0o640))
	}
	p.must(t, "adopt", p.home, "--source", p.repo)
	events := filepath.Join(p.dir, "events")
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"--dry-run", "-v"}, cli.ExitConflict}, {[]string{"--dry-run", "--json"}, cli.ExitConflict}, {[]string{"-v"}, cli.ExitConflict},
		{[]string{"--json", "--on-conflict", "ours"}, 0}, {[]string{"history", "--json"}, 0}, {[]string{"status", "-v"}, 0}, {[]string{"--dry-run", "--revert", "-v"}, 0},
	} {
		o := finish(t, p.update(append(c.args, "--events", events)...))
		o.wants(t, strings.Join(c.args, " "), c.code)
		for _, s := range []string{secret, theirs} {
			if strings.Contains(o.stdout+o.stderr, s) {
				t.Errorf("%q prints %s: %v", c.args, s, o)
			}
		}
	}
	if text, err := os.ReadFile(events); err != nil || len(text) == 0 || strings.Contains(string(text), secret) || strings.Contains(string(text), theirs) {
		t.Errorf("events: %s, %v", text, err)
	}
	kept := 0
	ok(t, filepath.WalkDir(filepath.Join(p.home, "updates"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), secret) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		kept++
		rel, _ := filepath.Rel(p.home, path)
		if info.Mode().Perm()&0o007 != 0 || !strings.Contains(rel, "/slots/") && !strings.Contains(rel, "/config/") {
			t.Errorf("%s has the secret, mode %v", rel, info.Mode())
		}
		return nil
	}))
	if kept == 0 {
		t.Error("no copy of the configuration was kept")
	}
	for _, name := range []string{"conf/server.properties", "conf/users.xml"} {
		if info, err := os.Stat(filepath.Join(p.home, name)); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: want mode 0640, got %v, %v", name, info.Mode(), err)
		}
	}
}
