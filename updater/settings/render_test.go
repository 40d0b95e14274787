package settings

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"inplace/manifest"
)

func TestRenderInitial(t *testing.T) {
	s := Default()
	s.Source = "/srv/updates/acme"
	text, err := Render(&s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(FileName, text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(&s, got); diff != "" {
		t.Fatalf("want -, got +:\n%s", diff)
	}
	live := []string{}
	for line := range strings.Lines(string(text)) {
		if line[0] != '#' && line != "\n" {
			live = append(live, strings.TrimSpace(line))
		}
	}
	want := []string{"schema: inplace/settings/1", "source: /srv/updates/acme", "channel: full"}
	if diff := cmp.Diff(want, live); diff != "" {
		t.Errorf("lines that are no comment: want -, got +:\n%s", diff)
	}
}

// TestRenderedExamples takes the comment sign from every example of a fresh file: what
// operators uncomment must be right.
func TestRenderedExamples(t *testing.T) {
	s := Default()
	text, err := Render(&s)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n := 0
	for line := range strings.Lines(string(text)) {
		if example, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(example, " ") {
			line = example
			n++
		}
		b.WriteString(line)
	}
	if n != 11 {
		t.Errorf("got %d examples, want 11 in\n%s", n, text)
	}
	got, err := Parse(FileName, []byte(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if len(got.Absent) != 1 || len(got.Follow) != 1 || len(got.Pins) != 1 || len(got.Policy) != 1 || got.Transport.CA == "" || len(got.Service.Stop) != 1 || len(got.Health.Probes) != 1 || got.Backup != s.Backup {
		t.Errorf("got %+v", got)
	}
}

func TestRenderParses(t *testing.T) {
	name := rapid.StringMatching(`[a-zA-Z0-9 ._:#'"\\\[\]{},&!|>@%\x{7f}\x{e4}\x{202e}\x{1f600}-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(name, 1, 3).Draw(t, "names"), "/")
		}).Filter(func(s string) bool {
			_, err := manifest.CompileGlob(s)
			return err == nil && !strings.Contains(s, ": ") && !manifest.IsState(manifest.Path(s))
		})
		s := Default()
		s.Source = rapid.SampledFrom([]string{"", "https://h/p", "/r", "/a b: c #d\t\"\\", "/\U0001f600"}).Draw(t, "source")
		if rapid.Bool().Draw(t, "subscription") {
			s.Subscription = "/etc/a b/token"
		}
		if rapid.Bool().Draw(t, "transport") {
			s.Transport = Transport{AllowHTTP: true, CA: "/c a.pem", Cert: "/c", Key: "/k{}", TokenFile: "/t", Helper: []string{"a b", "c"}, Netrc: "/n"}
		}
		s.Channel = rapid.StringMatching(`[a-z][a-z0-9-]{0,5}`).Draw(t, "channel")
		s.Launcher = rapid.SampledFrom([]string{"update", "y", "N", "yes", "No", "on", "Off", "true", "FALSE", "null", "1.10", "acme_x"}).Draw(t, "launcher")
		for _, p := range rapid.SliceOfNDistinct(path, 0, 3, rapid.ID).Draw(t, "follow") {
			s.Follow = append(s.Follow, manifest.Path(p))
		}
		if absent := rapid.SliceOfN(path, 0, 3).Draw(t, "absent"); len(absent) > 0 {
			s.Absent = absent
		}
		for _, p := range rapid.SliceOfN(path, 0, 2).Draw(t, "pins") {
			s.Pins = append(s.Pins, Pin{manifest.Path(p), name.Filter(func(k string) bool { return strings.TrimSpace(k) != "" }).Draw(t, "key")})
		}
		for _, p := range rapid.SliceOfN(path, 0, 2).Draw(t, "policy") {
			s.Policy = append(s.Policy, Policy{p, rapid.OneOf(rapid.Just(""), name).Draw(t, "key"), rapid.SampledFrom([]OnConflict{Ours, Theirs, Stop}).Draw(t, "do")})
		}
		if words := rapid.SliceOfN(name, 0, 3).Draw(t, "command"); len(words) > 0 {
			s.Service.Stop, s.Service.Start, s.Service.PIDFile = words, words, words[0]
			s.Service.Timeout = time.Duration(rapid.IntRange(1, 1e4).Draw(t, "timeout")) * time.Second
			s.Health.Probes = []Probe{{Command: words, Timeout: time.Second}, {HTTP: "http://h/?a=b", Status: 204, Body: "a\\[" + regexp.QuoteMeta(words[0]), Timeout: time.Minute, Retries: 7},
				{TCP: "[::1]:80", Timeout: time.Second}, {Log: words[0], Match: "x", Timeout: time.Second, Retries: 2}}
		}
		s.Backup.Keep = rapid.IntRange(1, 99).Draw(t, "keep")
		s.Backup.MaxAge = time.Duration(rapid.Int64Range(0, 1e5).Draw(t, "age")) * time.Second
		s.Backup.MaxSize = rapid.Int64Range(0, 1<<50).Draw(t, "size")
		s.Backup.Also = rapid.SampledFrom([]string{"", "/mnt/b", "/mnt/a, {b}"}).Draw(t, "also")
		text, err := Render(&s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(FileName, text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(&s, got); diff != "" {
			t.Fatalf("want -, got +:\n%s\nin\n%s", diff, text)
		}
	})
}

func TestRenderRefusesWhatYAMLCannotHold(t *testing.T) {
	s := Default()
	s.Absent = []string{"a\xff"}
	if text, err := Render(&s); err == nil {
		t.Fatalf("want an error, got %q", text)
	}
}
