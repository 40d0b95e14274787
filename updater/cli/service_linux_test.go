package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"inplace/updater/cli"
)

// site is a plant whose product is the server of acmed_linux_test.go, running at level 0.
type site struct {
	*plant
	address string
	acmed   string
	before  map[string]string
}

// sites counts the addresses given away: each site has one of the loopback network for itself.
var sites atomic.Int32

// health is the usual section of the settings: watched for a second.
const health = `health: {watch: 1s, every: 1s, probes: [{http: "http://ADDRESS/health", status: 200, body: "level . is UP", timeout: 60s, retries: 0}]}`

// long is one in which nothing but an answer ends the watch early.
const long = `health: {watch: 90s, every: 1s, probes: [{http: "http://ADDRESS/health", status: 200, timeout: 60s, retries: 0}]}`

// ask is how the service is described, but for its last words.
const ask = `service: {stop: [ACMED, stop], start: [ACMED, start, "ADDRESS"], status: [ACMED, status], timeout: 60s}`

// hasty is for what hangs: the test waits as long, and all else has to be done within it.
var hasty = strings.Replace(ask, "timeout: 60s", "timeout: 10s", 1)

// level is the product's tree at a level that starts in a way.
func level(n int, mode string) files {
	return files{
		"lib/level": fmt.Sprint(n), "lib/mode": mode, "lib/core.jar": fmt.Sprintf("\x00core %d", n), "logs/": "",
		"conf/server.properties": fmt.Sprintf("port=8080\n\n\nhost=%d\n", n),
	}
}

// newSite makes a site whose next level starts as mode says, with these lines in its settings.
func newSite(t *testing.T, mode string, settings ...string) *site {
	t.Helper()
	t.Parallel()
	return siteOf(t, newPlant(t, level(0, "well"), level(1, mode)), settings...)
}

func siteOf(t *testing.T, p *plant, settings ...string) *site {
	t.Helper()
	ok(t, os.MkdirAll(filepath.Join(p.home, "logs"), 0o755))
	n := int(sites.Add(1))
	s := &site{plant: p, address: fmt.Sprintf("127.%d.%d.%d:8080", 1+os.Getpid()%250, 1+n/250, 1+n%250), acmed: filepath.Join(p.dir, "acmed")}
	exe, err := os.Executable()
	ok(t, err)
	ok(t, os.Symlink(exe, s.acmed))
	p.must(t, "adopt", p.home, "--source", p.repo)
	s.set(t, settings...)
	s.start(t)
	s.before = s.product(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

// set adds lines to the settings.
func (s *site) set(t *testing.T, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.home, "updates/settings.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	ok(t, err)
	for _, l := range lines {
		l = strings.NewReplacer("ACMED", s.acmed, "ADDRESS", s.address).Replace(l)
		_, err = io.WriteString(f, l+"\n")
		ok(t, err)
	}
	ok(t, f.Close())
}

// start starts the product by hand, in whatever way its level starts.
func (s *site) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(s.acmed, "start", s.address)
	cmd.Dir = s.home
	out, err := os.CreateTemp(s.dir, "start") // no pipe, which the server would hold open
	ok(t, err)
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		t.Fatalf("start: %v: %s", err, said)
	}
}

// pid is the product's process, or 0.
func (s *site) pid() int {
	status := exec.Command(s.acmed, "status")
	status.Dir = s.home
	if status.Run() != nil {
		return 0
	}
	data, _ := os.ReadFile(filepath.Join(s.home, "logs/pid"))
	pid, _ := strconv.Atoi(string(data))
	return pid
}

// kill ends the product as a power cut would.
func (s *site) kill(t *testing.T) {
	t.Helper()
	if pid := s.pid(); pid != 0 {
		ok(t, syscall.Kill(pid, syscall.SIGKILL))
		until(t, "the product has ended", func() bool { return s.pid() == 0 })
	}
}

// until waits for a condition, for as long as the whole test may take.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("%s: still not so after a minute", what)
		}
	}
}

// runs checks which level answers, "" for none.
func (s *site) runs(t *testing.T, level string) {
	t.Helper()
	got := ""
	if answer, err := http.Get("http://" + s.address + "/health"); err == nil {
		body, err := io.ReadAll(answer.Body)
		ok(t, err)
		ok(t, answer.Body.Close())
		got = strings.TrimSuffix(strings.TrimPrefix(string(body), "level "), " is UP")
	}
	if got != level {
		t.Errorf("level %q runs, want %q", got, level)
	}
}

// product describes the installation without what the product writes.
func (s *site) product(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for p, text := range product(t, s.home) {
		if p != "." && !strings.HasPrefix(p, "logs") {
			out[p] = text
		}
	}
	return out
}

// calls are the product's commands that were run since it was asked last.
func (s *site) calls(t *testing.T) string {
	t.Helper()
	file := filepath.Join(s.home, "logs/calls")
	data, err := os.ReadFile(file)
	ok(t, err)
	ok(t, os.Truncate(file, 0))
	return strings.Join(strings.Fields(string(data)), " ")
}

// effects are the calls without those that only ask.
func (s *site) effects(t *testing.T) string {
	t.Helper()
	return strings.Join(slices.DeleteFunc(strings.Fields(s.calls(t)), func(c string) bool { return c == "status" }), " ")
}

// closed checks that no transaction is open.
func (s *site) closed(t *testing.T) {
	t.Helper()
	for _, name := range []string{"journal", "OPEN"} {
		if _, err := os.Lstat(filepath.Join(s.home, "updates", name)); err == nil {
			t.Errorf("updates/%s is left behind", name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.home, "updates/backups/*/[uw]*")); len(left) > 0 { // undo, watch, undone
		t.Errorf("left behind: %q", left)
	}
}

// asBefore checks that nothing has changed and the old level runs.
func (s *site) asBefore(t *testing.T, what string) {
	t.Helper()
	alike(t, what, s.before, s.product(t))
	s.closed(t)
	s.runs(t, "0")
}

// document runs an update with --json.
func (s *site) document(t *testing.T, args ...string) (ending, map[string]any) {
	t.Helper()
	o := finish(t, s.update(append(args, "--json")...))
	var doc map[string]any
	if err := json.Unmarshal([]byte(o.stdout), &doc); err != nil {
		t.Fatalf("%v: %v", err, o)
	}
	for _, fault := range cli.CheckResult(t, []byte(o.stdout)) {
		t.Errorf("%q: %s", args, fault)
	}
	return o, doc
}

// at follows names into a document.
func at(doc any, names ...string) any {
	for _, n := range names {
		m, _ := doc.(map[string]any)
		doc = m[n]
	}
	return doc
}

func TestServiceWell(t *testing.T) {
	s := newSite(t, "well", ask, health)
	s.calls(t)
	o := finish(t, s.update("--dry-run"))
	o.wants(t, "dry run", 0, "is stopped by: "+s.acmed+" stop", "is started by: "+s.acmed+" start "+s.address, "is watched for 1s: that it runs, http http://"+s.address+"/health")
	finish(t, s.update("status")).wants(t, "status", 0, "stopped by "+s.acmed+" stop")
	if calls := s.calls(t); calls != "" {
		t.Errorf("looking has run %q", calls)
	}
	o, doc := s.document(t, "--events", filepath.Join(s.dir, "events"))
	o.wants(t, "update", 0)
	s.runs(t, "1")
	s.closed(t)
	if calls := s.effects(t); calls != "stop start serve" {
		t.Errorf("the update has run %q", calls)
	}
	run := at(doc, "outcome", "service")
	if at(run, "was") != "running" || at(run, "stopped") != true || at(run, "started") != true || at(run, "watched_ns").(float64) < 1e9 {
		t.Errorf("service: %v", run)
	}
	if window := at(doc, "outcome", "window_ns").(float64); window <= 0 || window >= at(run, "watched_ns").(float64)+60e9 {
		t.Errorf("window_ns: %v", window)
	}
	events, err := os.ReadFile(filepath.Join(s.dir, "events"))
	ok(t, err)
	for _, phase := range []string{"stop", "start", "health"} {
		if !strings.Contains(string(events), `"phase":"`+phase+`","kind":"begin"`) {
			t.Errorf("no event says that phase %s begins", phase)
		}
	}
	finish(t, s.update("history")).wants(t, "history", 0, "the product stood still for")
	finish(t, s.update("--revert")).wants(t, "revert", 0, "The product was started, and ")
	s.asBefore(t, "reverted")
	log, err := os.ReadFile(filepath.Join(s.home, "updates/logs/service.log"))
	ok(t, err)
	if strings.Count(string(log), " start\n") != 2 || strings.Count(string(log), " stop\n") != 2 {
		t.Errorf("updates/logs/service.log: got %s", log)
	}
}

// TestServiceDown: a product that was down is updated and stays down.
func TestServiceDown(t *testing.T) {
	s := newSite(t, "fails", ask, health)
	s.kill(t)
	s.calls(t)
	finish(t, s.update()).wants(t, "update", 0, "was not running, and was not started")
	if calls := s.effects(t); calls != "" {
		t.Errorf("the update has run %q", calls)
	}
	s.runs(t, "")
	finish(t, s.update("--revert")).wants(t, "revert", 0)
	s.start(t)
	s.asBefore(t, "reverted")
}

// TestServiceUnwell: each way in which a new level is not well takes itself back, says why
// and with which last words.
func TestServiceUnwell(t *testing.T) {
	cli.Slow(t)
	for mode, c := range map[string]struct {
		health string
		says   []string
	}{
		"fails": {long, []string{"exit code 7", "The last lines of updates/logs/service.log", "license expired, password=********"}},
		"deaf":  {health, []string{"was not well", "connection refused", "waiting for a lock"}},
		"dies":  {long, []string{"failed", "out of memory"}},
		"sick":  {health, []string{"want status 200, got 503", "no database"}},
		"ghost": {long, []string{"has ended, and after 10s the product is still stopped"}},
		"hangs": {long, []string{"has not ended within 10s", "waiting for a lock"}},
	} {
		t.Run(mode, func(t *testing.T) {
			describe := ask
			hanging := mode == "ghost" || mode == "hangs"
			if hanging {
				describe = hasty
			}
			if mode != "fails" {
				c.health = strings.Replace(c.health, "probes: [", `probes: [{log: logs/server.log, match: "level . starts"}, `, 1)
			}
			s := newSite(t, mode, describe, c.health)
			o, doc := s.document(t)
			o.wants(t, mode, cli.ExitUnwell, "It was taken back")
			s.asBefore(t, mode)
			text := fmt.Sprint(doc["error"], "\nThe last lines of ", at(doc, "last_lines", "from"), "\n", at(doc, "last_lines", "text"))
			for _, says := range c.says {
				if !strings.Contains(text, says) && mode != "ghost" || !strings.Contains(fmt.Sprint(text, o.stdout), says) {
					t.Errorf("want it to say %q, got %s", says, text)
				}
			}
			finish(t, s.update("history")).wants(t, "history", 0, "not well, rolled back")
			finish(t, s.update("history", "2")).wants(t, "summary", 0, "not well, rolled back", "all of it was taken back")
			if !hanging {
				finish(t, s.update("--no-health")).wants(t, "the same without a watch", map[string]int{"fails": 4}[mode])
			}
		})
	}
}

// TestServiceCached: a page that is there whether the product runs or not is no proof.
func TestServiceCached(t *testing.T) {
	cli.Slow(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "level 1 is UP") }))
	t.Cleanup(page.Close)
	cached := strings.ReplaceAll(health, "ADDRESS", page.Listener.Addr().String())
	t.Run("another sign", func(t *testing.T) {
		s := newSite(t, "sick", ask, cached)
		finish(t, s.update()).wants(t, "with a status command", 0, "is well although the product is stopped", "warning:")
	})
	t.Run("no other sign", func(t *testing.T) {
		s := newSite(t, "sick", strings.Replace(ask, "status: [ACMED, status], ", "", 1), cached)
		finish(t, s.update()).wants(t, "with nothing else to ask", cli.ExitFailed, "is well although the product is stopped", "--no-health", "The installation was not changed.")
		s.asBefore(t, "refused")
	})
	t.Run("gone at once", func(t *testing.T) {
		s := newSite(t, "ghost", strings.Replace(ask, "status: [ACMED, status], timeout: 60s", "pid-file: logs/pid, timeout: 10s", 1), cached)
		finish(t, s.update()).wants(t, "a product that is gone", cli.ExitUnwell, "is well although the product is stopped", "still stopped")
		s.asBefore(t, "taken back")
	})
}

// TestServiceStopFails: a stop that hangs, or that leaves something changed, changes nothing.
func TestServiceStopFails(t *testing.T) {
	cli.Slow(t)
	for how, c := range map[string]struct {
		settings string
		says     string
		calls    string
	}{
		"hangs":      {hasty, "stop the product: ", "stop"},
		"hangs late": {hasty, "has not ended within 10s", "stop start serve"},
		"edits":      {ask, "conf/server.properties: ", "stop start serve"},
	} {
		t.Run(how, func(t *testing.T) {
			s := newSite(t, "well", c.settings, health)
			ok(t, os.WriteFile(filepath.Join(s.home, "logs/stop"), []byte(how), 0o600))
			s.calls(t)
			pid := s.pid()
			s.calls(t)
			finish(t, s.update()).wants(t, how, cli.ExitFailed, c.says, "The installation was not changed.")
			if calls := s.effects(t); calls != c.calls {
				t.Errorf("the update has run %q, want %q", calls, c.calls)
			}
			if how == "edits" {
				ok(t, os.WriteFile(filepath.Join(s.home, "conf/server.properties"), []byte("port=8080\n\n\nhost=0\n"), 0o644))
			}
			s.asBefore(t, how)
			if how == "hangs" && s.pid() != pid {
				t.Errorf("the product was restarted for nothing: process %d, was %d", s.pid(), pid)
			}
		})
	}
}

// killed runs an update until the condition holds, and kills it.
func (s *site) killed(t *testing.T, is func() bool, args ...string) {
	t.Helper()
	cmd := s.update(args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	ok(t, cmd.Start())
	until(t, "the update is where it is to be killed", is)
	ok(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
}

// watching reports whether the update of the site is in its watch window, and the product was asked.
func (s *site) watching() bool {
	data, _ := os.ReadFile(filepath.Join(s.home, "updates/journal"))
	_, err := os.Stat(filepath.Join(s.home, "logs/asked"))
	return strings.Contains(string(data), `"watching"`) && err == nil
}

// TestServiceKilledWatching: the updater is killed in the watch window, and what is made of
// that depends on the product.
func TestServiceKilledWatching(t *testing.T) {
	cli.Slow(t)
	kill := func(t *testing.T, mode string, args ...string) *site {
		s := newSite(t, mode, ask, long)
		ok(t, os.RemoveAll(filepath.Join(s.home, "logs/asked")))
		s.killed(t, s.watching, args...)
		return s
	}
	t.Run("well", func(t *testing.T) {
		s := kill(t, "well")
		finish(t, s.update("--dry-run")).wants(t, "dry run", cli.ExitInterrupted, "The installation is whole")
		finish(t, s.update("guard")).wants(t, "guard beside the product", 0)
		s.runs(t, "1")
		finish(t, s.update("status")).wants(t, "status", 0, "finished", "level 1")
		s.runs(t, "1")
		s.closed(t)
	})
	t.Run("not well", func(t *testing.T) {
		s := kill(t, "sick")
		settings := filepath.Join(s.home, "updates/settings.yaml")
		data, err := os.ReadFile(settings)
		ok(t, err)
		ok(t, os.WriteFile(settings, []byte(strings.Replace(string(data), "watch: 90s", "watch: 1s", 1)), 0o600))
		finish(t, s.update("status")).wants(t, "status", cli.ExitUnwell, "want status 200, got 503", "It was taken back", "level 0")
		s.asBefore(t, "taken back")
		finish(t, s.update("status")).wants(t, "status again", 0)
	})
	t.Run("rebooted, then status", func(t *testing.T) {
		s := kill(t, "well")
		s.kill(t)
		finish(t, s.update("status")).wants(t, "status", 0, "taken back", "was started again")
		s.asBefore(t, "taken back")
	})
	t.Run("rebooted, then the product", func(t *testing.T) {
		s := kill(t, "well")
		s.kill(t)
		s.calls(t)
		s.start(t) // which asks the guard
		if calls := s.effects(t); calls != "start serve" {
			t.Errorf("the guard has run %q", calls)
		}
		s.asBefore(t, "taken back")
	})
	t.Run("rebooted past a one-way door", func(t *testing.T) {
		s := oneWaySite(t, "well", ask, long)
		ok(t, os.RemoveAll(filepath.Join(s.home, "logs/asked")))
		s.killed(t, s.watching, "--yes-irreversible")
		s.kill(t)
		finish(t, s.update("status")).wants(t, "status", 0, "finished", "cannot be left again")
		s.runs(t, "1")
		s.closed(t)
	})
	t.Run("without a watch", func(t *testing.T) {
		s := newSite(t, "well", ask)
		ok(t, os.WriteFile(filepath.Join(s.home, "logs/stop"), []byte("kills the updater"), 0o600))
		finish2(s.update("--no-health"))
		finish(t, s.update("--dry-run")).wants(t, "dry run", cli.ExitInterrupted)
		finish(t, s.update("status")).wants(t, "status", 0, "taken back", "was started again")
		s.asBefore(t, "stopped and killed")
	})
	t.Run("stopped, then the product", func(t *testing.T) {
		s := newSite(t, "well", ask, health)
		ok(t, os.WriteFile(filepath.Join(s.home, "logs/stop"), []byte("kills the updater"), 0o600))
		finish2(s.update())
		if _, err := os.Stat(filepath.Join(s.home, "updates/OPEN")); err != nil {
			t.Errorf("the product could be started between stop and commit: %v", err)
		}
		s.start(t)
		s.asBefore(t, "stopped and killed")
	})
}

// finish2 waits for a process that is killed.
func finish2(cmd *exec.Cmd) { _ = cmd.Run() }

// oneWaySite is a site whose next level cannot be left again.
func oneWaySite(t *testing.T, mode string, settings ...string) *site {
	t.Helper()
	t.Parallel()
	p := newPlant(t, level(0, "well"), level(1, mode))
	files{"two/notes.yaml": "schema: inplace/notes/1\nirreversible: {after: start, reason: the schema moves on}\n"}.write(t, p.dir)
	level(2, mode).write(t, filepath.Join(p.dir, "two/tree"))
	files{"two/tree/lib/level": "1"}.write(t, p.dir)
	p.must(t, "release", "add", p.repo, filepath.Join(p.dir, "two/tree"), "--level", "2", "--channel", "full", "--keys", p.keys, "--notes", filepath.Join(p.dir, "two/notes.yaml"))
	return siteOf(t, p, settings...)
}

// TestServiceOneWay: a door is said first, asked for apart, and not taken back.
func TestServiceOneWay(t *testing.T) {
	cli.Slow(t)
	t.Run("well", func(t *testing.T) {
		s := oneWaySite(t, "well", ask, health)
		o := finish(t, s.update("--dry-run"))
		o.wants(t, "dry run", 0, "one-way: cannot be left again after start: the schema moves on")
		if strings.Index(o.stdout, "one-way:") > strings.Index(o.stdout, "Replaced") {
			t.Errorf("the door is not said first: %v", o)
		}
		for _, args := range [][]string{{}, {"--yes"}} {
			finish(t, s.update(args...)).wants(t, "without saying so", cli.ExitFailed, "the schema moves on", "--yes-irreversible", "The installation was not changed.")
		}
		s.asBefore(t, "not agreed")
		finish(t, s.update("--yes-irreversible")).wants(t, "agreed", 0)
		s.runs(t, "1")
		for _, back := range [][]string{{"--revert"}, {"--level", "1"}} {
			finish(t, s.update(back...)).wants(t, "back without saying so", cli.ExitFailed, "leads back through a one-way door: the schema moves on", "--yes-irreversible")
		}
		finish(t, s.update("--revert", "--dry-run")).wants(t, "back, looked at", 0, "could not be left again", "not what the product has made of its data since")
		finish(t, s.update("--revert", "--yes-irreversible")).wants(t, "back", 0)
		s.asBefore(t, "back")
	})
	t.Run("not well", func(t *testing.T) {
		s := oneWaySite(t, "sick", ask, health)
		finish(t, s.update("--yes-irreversible")).wants(t, "past the door", cli.ExitUnwell, "want status 200, got 503", "was not taken back")
		s.runs(t, "1")
		s.closed(t)
		finish(t, s.update("history")).wants(t, "history", 0, "done, not well")
	})
}

// TestServiceSecrets: what stands in the commands as a secret is in nothing that is printed or kept.
func TestServiceSecrets(t *testing.T) {
	cli.Slow(t)
	const secret = "s3cr3t-of-the-service"
	describe := strings.NewReplacer("stop]", "stop, --password, "+secret+"]", `"ADDRESS"]`, `"ADDRESS", --api-token=`+secret+"]", "status]", "status, --password, "+secret+"]").Replace(ask)
	s := newSite(t, "fails", describe, `health: {watch: 90s, probes: [{command: [ACMED, status, --password, `+secret+`]}]}`)
	files{"kept/": ""}.write(t, s.dir)
	in := func(name string) string { return filepath.Join(s.dir, "kept", name) }
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"--dry-run", "-v", "--plan-out", in("plan"), "--report", in("report.html")}, 0}, {[]string{"--dry-run", "--json"}, 0},
		{[]string{"status", "-v"}, 0}, {[]string{"status", "--json"}, 0},
		{[]string{"-v"}, cli.ExitUnwell}, {[]string{"--json"}, cli.ExitUnwell},
		{[]string{"history", "--json"}, 0}, {[]string{"history", "-v"}, 0}, {[]string{"support", "-o", in("support.zip")}, 0},
	} {
		o := finish(t, s.update(append(c.args, "--events", in("events"))...))
		o.wants(t, strings.Join(c.args, " "), c.code)
		if strings.Contains(o.stdout+o.stderr, secret) {
			t.Errorf("%q prints the secret: %v", c.args, o)
		}
	}
	for _, dir := range []string{filepath.Join(s.home, "updates"), filepath.Join(s.dir, "kept")} {
		ok(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || d.Name() == "settings.yaml" {
				return err
			}
			data, err := os.ReadFile(path)
			if strings.Contains(string(data), secret) {
				t.Errorf("%s has the secret", path)
			}
			return err
		}))
	}
	s.asBefore(t, "taken back")
}

// TestServiceInUse: a process that the stop command leaves behind is waited for, and keeps the
// update from its files; with --allow-running it does not.
func TestServiceInUse(t *testing.T) {
	cli.Slow(t)
	s := newSite(t, "well", hasty, health)
	jar, err := os.Open(filepath.Join(s.home, "lib/core.jar"))
	ok(t, err)
	reader := exec.Command("sleep", "3600")
	reader.Stdin = jar
	ok(t, reader.Start())
	ok(t, jar.Close())
	t.Cleanup(func() { _ = reader.Process.Kill(); _ = reader.Wait() })
	s.calls(t)
	finish(t, s.update()).wants(t, "beside a reader", cli.ExitBusy, fmt.Sprint("process ", reader.Process.Pid), "--allow-running", "The installation was not changed.")
	if calls := s.effects(t); calls != "stop start serve" {
		t.Errorf("the refused update has run %q", calls)
	}
	s.asBefore(t, "beside a reader")
	finish(t, s.update("--allow-running")).wants(t, "allowed", 0, "The product was started, and ")
	if calls := s.effects(t); calls != "stop start serve" {
		t.Errorf("the update has run %q", calls)
	}
	s.runs(t, "1")
	s.closed(t)
}

// TestServiceChecked: what cannot work is found before anything is stopped.
func TestServiceChecked(t *testing.T) {
	s := newSite(t, "well", `service: {stop: [bin/none.sh], start: [ACMED, start, "ADDRESS"], status: [no-such-program-anywhere]}`, `health: {probes: [{command: [lib/core.jar]}]}`)
	s.calls(t)
	finish(t, s.update()).wants(t, "programs that are not there", cli.ExitFailed, "service.stop: bin/none.sh: no such file or directory",
		"service.status: no-such-program-anywhere: executable file not found in $PATH", "health.probes[0].command: lib/core.jar: permission denied")
	s.set(t, "backup: {keep: 0}")
	finish(t, s.update()).wants(t, "wrong settings", cli.ExitUsage, "backup.keep")
	if calls := s.calls(t); calls != "" {
		t.Errorf("the update has run %q", calls)
	}
}

// TestServiceCopyChecked: a place where the copy cannot be made costs no downtime.
func TestServiceCopyChecked(t *testing.T) {
	cli.Slow(t)
	s := newSite(t, "well", ask, health)
	files{"there/file": "x", "shut/": ""}.write(t, s.dir)
	ok(t, os.Symlink(s.home, filepath.Join(s.dir, "link")))
	ok(t, os.Chmod(filepath.Join(s.dir, "shut"), 0o555))
	s.calls(t)
	refused := func(to, says string) {
		t.Helper()
		to = filepath.Join(s.dir, to)
		finish(t, s.update("--full-backup", to)).wants(t, to, cli.ExitFailed, says, "The installation was not changed.")
		finish(t, s.update("--full-backup", to, "--dry-run")).wants(t, to+", dry run", cli.ExitFailed, says)
		if calls := s.calls(t); calls != "" {
			t.Errorf("%s: the update has run %q", to, calls)
		}
	}
	refused("there", "is there already")
	refused("none/copy", "is not there, want a directory")
	refused("there/file/copy", "there/file")
	refused("link/copy", "lies within the installation")
	if os.Geteuid() != 0 {
		finish(t, s.update("--full-backup", filepath.Join(s.dir, "shut/copy"))).wants(t, "shut", cli.ExitFailed, "cannot be written to")
	}
	huge := filepath.Join(s.home, "logs/huge")
	files{"logs/huge": ""}.write(t, s.home)
	ok(t, os.Truncate(huge, 8<<40)) // has no blocks, and would have in the copy
	refused("copy", "not enough room")
	ok(t, os.Remove(huge))
	s.asBefore(t, "refused")
	finish(t, s.update("--full-backup", filepath.Join(s.dir, "copy"))).wants(t, "with room", 0)
	finish(t, s.update("--revert", "--full-backup", filepath.Join(s.dir, "copy"))).wants(t, "revert", cli.ExitFailed, "is there already")
	if calls := s.effects(t); calls != "stop start serve" {
		t.Errorf("the two runs have run %q", calls)
	}
	s.runs(t, "1")
}

// TestServiceFix: putting shipped files back is a transaction like any other, and so is the data
// copied while the product stands still.
func TestServiceFix(t *testing.T) {
	cli.Slow(t)
	s := newSite(t, "well", ask, health, "backup: {data: copy}")
	files{"lib/core.jar": "\x00edited", "data/rows": "some\n"}.write(t, s.home)
	finish(t, s.update("verify", "--fix", "lib", "--full-backup")).wants(t, "unknown flag", cli.ExitUsage)
	finish(t, s.update("verify", "--fix", "lib")).wants(t, "fix", 0, "The product was started, and ")
	s.runs(t, "0")
	finish(t, s.update("--full-backup", filepath.Join(s.dir, "copy"))).wants(t, "with a copy of everything", 0)
	copies, err := filepath.Glob(filepath.Join(s.home, "updates/backups/*/data/*"))
	ok(t, err)
	if len(copies) == 0 {
		t.Error("the data was not copied")
	}
	if got, err := os.ReadFile(filepath.Join(s.dir, "copy/data/rows")); err != nil || string(got) != "some\n" {
		t.Errorf("full backup: got %q, %v", got, err)
	}
	s.runs(t, "1")
	finish(t, s.update("--revert", "--with-data")).wants(t, "revert", 0)
	s.runs(t, "0")
	s.closed(t)
}
