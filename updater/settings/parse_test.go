package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inplace/manifest"
)

func TestParseEverything(t *testing.T) {
	got, err := Parse("settings.yaml", []byte(`schema: inplace/settings/1
source: https://updates.example.com/acme
channel: security
launcher: acme-update
follow: [conf, "data dir/sub"]
absent: ["webapps/examples/**"]
policy:
  - {path: "conf/log4j2.xml", key: "", on-conflict: ours}
  - path: "**/*.properties"
    key: server.port
    on-conflict: stop
pins: ["conf/server.xml: Server/Service[@name='a: b']/@port"]
service: {stop: [bin/stop.sh, --wait], start: [bin/start.sh], status: [systemctl, is-active, acme], pid-file: run/pid, timeout: 90s}
health:
  watch: 3m
  every: 2s
  probes:
    - {http: "https://localhost:8443/health?full", status: 204, body: '"UP"', timeout: 1s, retries: 0}
    - {http: "http://localhost/"}
    - {tcp: "localhost:8443"}
    - {log: logs/server.log, match: "started in [0-9]+"}
    - {command: [bin/check.sh, -q]}
backup: {keep: 12, max-age: 36h, max-size: 500MiB, data: reflink, also: /var/backups/acme}
x: {anything: [of, others]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Settings{
		Source:   "https://updates.example.com/acme",
		Channel:  "security",
		Launcher: "acme-update",
		Follow:   []manifest.Path{"conf", "data dir/sub"},
		Absent:   []string{"webapps/examples/**"},
		Policy: []Policy{
			{Path: "conf/log4j2.xml", OnConflict: Ours},
			{Path: "**/*.properties", Key: "server.port", OnConflict: Stop},
		},
		Pins: []Pin{{Path: "conf/server.xml", Key: "Server/Service[@name='a: b']/@port"}},
		Service: Service{Stop: []string{"bin/stop.sh", "--wait"}, Start: []string{"bin/start.sh"}, Status: []string{"systemctl", "is-active", "acme"},
			PIDFile: "run/pid", Timeout: 90 * time.Second},
		Health: Health{Watch: 3 * time.Minute, Every: 2 * time.Second, Probes: []Probe{
			{HTTP: "https://localhost:8443/health?full", Status: 204, Body: `"UP"`, Timeout: time.Second},
			{HTTP: "http://localhost/", Status: 200, Timeout: 5 * time.Second, Retries: 2},
			{TCP: "localhost:8443", Timeout: 5 * time.Second, Retries: 2},
			{Log: "logs/server.log", Match: "started in [0-9]+", Timeout: 5 * time.Second, Retries: 2},
			{Command: []string{"bin/check.sh", "-q"}, Timeout: 5 * time.Second, Retries: 2},
		}},
		Backup: Backup{Keep: 12, MaxAge: 36 * time.Hour, MaxSize: 500 << 20, Data: DataReflink, Also: "/var/backups/acme"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("want -, got +:\n%s", diff)
	}
}

func TestParseDefaults(t *testing.T) {
	got, err := Parse("s", []byte("schema: inplace/settings/1\nbackup: {max-age: none}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Backup.MaxAge = 0
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Fatalf("want -, got +:\n%s", diff)
	}
	if d := Default(); d.Channel != "full" || d.Launcher != "update" || d.Backup.Keep != 5 || d.Backup.MaxAge != 2160*time.Hour {
		t.Errorf("the defaults are part of the format, got %+v", d)
	}
}

func TestFaults(t *testing.T) {
	rows := []struct {
		name string
		text string // below the schema line
		want string // each line follows s.yaml: and may be cut short with ...
	}{
		{"service", "service: {stop: [\"\"], timeout: none}",
			"2:10: service: want start as well, where there is a stop: what was stopped has to be started again\n" +
				"2:17: service.stop: want a program as the first word, got none\n" +
				"2:32: service.timeout: want a time above 0, got \"none\""},
		{"start alone", "service: {start: [a]}", "2:10: service: want stop as well, where there is a start"},
		{"health", "health: {watch: 2w, probes: [{http: \"ftp://x\", tcp: \"h:1\"}, {http: \"http://h\", status: 99, body: \"(\"}, {tcp: nohost}, {log: l}, {}, {tcp: \"h:1\", status: 200, retries: -1}]}",
			"2:17: health.watch: want a whole number above 0 with the unit d, h, m or s, such as 90d, or none, got \"2w\"\n" +
				"2:30: health.probes[0]: want exactly one of http, tcp, log and command, got 2\n" +
				"2:37: health.probes[0].http: want an address with http or https\n" +
				"2:88: health.probes[1].status: want a status from 100 to 599, got 99\n" +
				"2:98: health.probes[1].body: want a regular expression: error parsing regexp: missing closing ): `(`\n" +
				"2:110: health.probes[2].tcp: want HOST:PORT, got \"nohost\"\n" +
				"2:119: health.probes[3]: want log and match together\n" +
				"2:129: health.probes[4]: want exactly one of http, tcp, log and command, got 0\n" +
				"2:133: health.probes[5]: want status and body only with http\n" +
				"2:168: health.probes[5].retries: want 0 at least, got -1"},
		{"unknown key", "chanel: full",
			`2:1: unknown key "chanel", want one of schema, source, subscription, transport, channel, launcher, follow, absent, policy, pins, service, health, backup`},
		{"several at once", "channel: Full\nlauncher: update.sh\nfollow: [../etc]\nbackup: {keep: 0, max-age: 9w, max-size: 10GB, data: zip, also: here}",
			"2:10: channel: want a channel, lower-case letters, digits and dashes, at most 32, a letter first, got \"Full\"\n" +
				"3:11: launcher: want the name without .sh, got \"update.sh\"\n" +
				"4:10: follow[0]: ../etc: want a clean path, got a \".\" or \"..\" in it\n" +
				"5:16: backup.keep: want 1 at least, got 0\n" +
				"5:28: backup.max-age: want a whole number above 0 with the unit d, h, m or s, such as 90d, or none, got \"9w\"\n" +
				"5:42: backup.max-size: want a whole number above 0 with the unit B, KiB, MiB, GiB or TiB, such as 10GiB, or none, got \"10GB\"\n" +
				"5:54: backup.data: want none, reflink or copy, got \"zip\"\n" +
				"5:65: backup.also: want an absolute path, got \"here\""},
		{"wrong types are said once", "channel: 17\nfollow: conf\nbackup: [1]",
			"2:10: channel: want a text, got 17...\n3:9: follow: want a list...\n4:9: backup: want a map..."},
		{"relative source", "source: ../repo", `2:9: source: want a URL or an absolute path, got "../repo"`},
		{"strange scheme", "source: ftp://x/y", `2:9: source: want a URL with http, https or file, got "ftp"`},
		{"password in the source", "source: https://u:p@host/x", "2:9: source: want a URL without user and password"},
		{"source without host", "source: https:///x", "2:9: source: want a URL with a host, got none"},
		{"bad address keeps its secret", "source: \"https://u:p@h:port/x\"", "2:9: source: want a URL, got one that does not parse"},
		{"transport", "transport: {ca: here.pem, cert: /c, helper: [\"\"]}",
			"2:12: transport: want cert and key together\n2:17: transport.ca: want an absolute path, got \"here.pem\"\n2:45: transport.helper: want a program as the first word, got none"},
		{"reserved device", "launcher: aux", "2:11: launcher: aux.cmd: ..."},
		{"followed twice", "follow: [conf, conf]", "2:16: follow[1]: want each directory once, got conf again"},
		{"our own directory", "follow: [updates/backups]", "2:10: follow[0]: want a directory of the product, got updates/backups, which is the updater's"},
		{"bad glob", "absent: [\"a/**b\"]", "2:10: absent[0]: \"a/**b\": want ** alone between slashes, got \"**b\""},
		{"policy", "policy: [{path: \"x/\", on-conflict: mine}, {key: a}]",
			"2:17: policy[0].path: \"x/\": want a pattern without a slash at its end; a directory and all below it is \"dir/**\"\n" +
				"2:36: policy[0].on-conflict: want ours, theirs or stop, got \"mine\"\n" +
				"2:43: policy[1]: want a key \"path\", got none\n2:43: policy[1]: want a key \"on-conflict\", got none"},
		{"pin without key", "pins: [\"conf/server.xml\"]", "2:8: pins[0]: want \"PATH: KEY\", got \"conf/server.xml\""},
		{"pin outside", "pins: [\"/etc/passwd: root\"]", "2:8: pins[0]: /etc/passwd: want a path relative to the installation, got an absolute one"},
		{"pin as a map", "pins: [a: b]", "2:8: pins[0]: want a text..."},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s, err := Parse("s.yaml", []byte("schema: inplace/settings/1\n"+row.text+"\n"))
			if err == nil {
				t.Fatalf("want faults, got %+v", s)
			}
			got, want := strings.Split(err.Error(), "\n"), strings.Split(row.want, "\n")
			if len(got) != len(want) {
				t.Fatalf("got %d faults, want %d:\n%s", len(got), len(want), err)
			}
			for i := range want {
				w, open := strings.CutSuffix("s.yaml:"+want[i], "...")
				if got[i] != w && !(open && strings.HasPrefix(got[i], w)) {
					t.Errorf("got  %s\nwant %s", got[i], w)
				}
			}
		})
	}
}

func TestSchema(t *testing.T) {
	for text, want := range map[string]string{
		"source: /r\n": `s:1:1: want a key "schema", got none`,
		"schema: inplace/settings/2\nlater: true\n": `s:1:9: schema: want inplace/settings/1, got "inplace/settings/2"`,
		"": "s:1: want a map of keys, got an empty text",
	} {
		_, err := Parse("s", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := Parse("s", []byte("schema: inplace/settings/1\n#"+strings.Repeat("x", MaxBytes))); err == nil {
		t.Error("want a fault for a file that is too large")
	}
}

func TestQuantities(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1s": time.Second, "90m": 90 * time.Minute, "24h": 24 * time.Hour, "90d": 2160 * time.Hour, "none": 0,
	} {
		if got, err := ParseAge(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]int64{
		"1B": 1, "3KiB": 3 << 10, "500MiB": 500 << 20, "10GiB": 10 << 30, "2TiB": 2 << 40, "none": 0,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1d", "+1d", "1", "1.5d", "1 d", "01d", "0x1d", "1D", "1dd", "1w", "106752d", "99999999999999999999d", "NONE"} {
		if got, err := ParseAge(text); err == nil {
			t.Errorf("%q: want an error, got %v", text, got)
		}
	}
	for _, text := range []string{"", "1", "0B", "1GB", "1gib", "8388608TiB", "-1B"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: want an error, got %v", text, got)
		}
	}
}
