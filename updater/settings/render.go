package settings

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"

	"inplace/manifest"
)

// Render writes a settings file for s with a comment for each key. What equals the
// default stands there as a comment with an example, so that a later default takes
// effect. Parse of the result gives s, if s is without faults.
func Render(s *Settings) ([]byte, error) {
	d := Default()
	w := &writer{}
	w.text(`# Settings of the updater, read at every run. Take away the # before a key to use it.
# When the updater adds a line, your edits and comments stay as they are.
`)
	w.text("schema: " + Schema + "\n")

	w.section("Where updates come from: an address (https://...) or the absolute path of a\ndirectory or bundle.")
	w.scalar("source", s.Source, "", "https://updates.example.com/product")

	w.section("How an address is reached: certificates (ca; cert and key of this client), what to\nlog in with (token-file, helper, netrc), allow-http: true for http:// to other machines.\nAll files by absolute paths; no secret stands here.")
	w.transport(s.Transport)

	w.section("Absolute path of the file with the token of your subscription, where you do not\nlog in with it; outside the installation, readable for its owner alone.")
	w.scalar("subscription", s.Subscription, "", "/etc/product/subscription")

	w.section("The stream of updates this installation follows.")
	w.scalar("channel", s.Channel, "", d.Channel)

	w.section("Name of the launchers in bin/, without .sh and .cmd.")
	w.scalar("launcher", s.Launcher, d.Launcher, d.Launcher)

	w.section("Directories of the product that were moved behind a symbolic link and that\nupdates are to follow there.")
	follow := make([]string, len(s.Follow))
	for i, p := range s.Follow {
		follow[i] = string(p)
	}
	w.list("follow", follow, "[conf]")

	w.section("Files of the product that were deleted here and are to stay away.")
	w.list("absent", s.Absent, `["webapps/examples/**"]`)

	w.section("What to do where the product and you changed the same place: ours, theirs or\nstop (ask). The first line that fits the path decides; an empty key is the whole file.")
	w.policy(s.Policy)

	w.section("Values that stay yours whatever an update brings: path, colon, key.")
	pins := make([]string, len(s.Pins))
	for i, p := range s.Pins {
		pins[i] = p.String()
	}
	w.list("pins", pins, `["conf/server.xml: Server/@port"]`)

	w.section("How the product is stopped and started for an update, as lists of words, and\nhow to see that it is well afterwards: else the update is taken back.")
	w.service(s.Service, d.Service)
	w.health(s.Health, d.Health)

	w.section("Which snapshots stay for --revert, and what they keep. The newest always stays.\ndata: none, reflink or copy; also: a directory for a second copy of each.")
	w.backup(s.Backup, d.Backup)
	return w.out.Bytes(), w.err
}

// FollowLine is the key follow with the list of paths, in one line as it may stand in the
// file. A path that is not UTF-8 is an error.
func FollowLine(paths []manifest.Path) (string, error) {
	w := &writer{}
	items := make([]string, len(paths))
	for i, p := range paths {
		items[i] = w.quote(scalar, string(p))
	}
	return "follow: [" + strings.Join(items, ", ") + "]", w.err
}

// writer collects the text of a settings file and the first error.
type writer struct {
	out bytes.Buffer
	err error
}

func (w *writer) text(s string) { w.out.WriteString(s) }

// quote renders a value with one of the renderers of scan.go.
func (w *writer) quote(render func(string) (string, error), s string) string {
	text, err := render(s)
	if err != nil && w.err == nil {
		w.err = err
	}
	return text
}

func (w *writer) section(comment string) {
	w.text("\n# " + strings.ReplaceAll(comment, "\n", "\n# ") + "\n")
}

// scalar writes `key: value`, or `#key: example` where the value goes without saying.
func (w *writer) scalar(key, value, silent, example string) {
	if value == silent {
		w.text("#" + key + ": " + example + "\n")
		return
	}
	w.text(key + ": " + w.quote(scalar, value) + "\n")
}

// list writes one item to a line, or the example as a comment where there is none.
func (w *writer) list(key string, items []string, example string) {
	if len(items) == 0 {
		w.text("#" + key + ": " + example + "\n")
		return
	}
	w.text(key + ":\n")
	for _, item := range items {
		w.text("  - " + w.quote(quoted, item) + "\n")
	}
}

func (w *writer) policy(list []Policy) {
	if len(list) == 0 {
		w.text(`#policy: [{path: "conf/log4j2.xml", key: "", on-conflict: ours}]` + "\n")
		return
	}
	w.text("policy:\n")
	for _, p := range list {
		w.text("  - {path: " + w.quote(quoted, p.Path) + ", key: " + w.quote(quoted, p.Key) +
			", on-conflict: " + w.quote(scalar, string(p.OnConflict)) + "}\n")
	}
}

func (w *writer) service(s, d Service) {
	if reflect.DeepEqual(s, d) {
		w.text("#service: {stop: [bin/stop.sh], start: [bin/start.sh], timeout: 60s}\n")
		return
	}
	w.text("service:\n")
	for _, c := range []struct {
		key  string
		argv []string
	}{{"stop", s.Stop}, {"start", s.Start}, {"status", s.Status}} {
		if len(c.argv) > 0 {
			w.text("  " + c.key + ": " + w.words(c.argv) + "\n")
		}
	}
	if s.PIDFile != "" {
		w.text("  pid-file: " + w.quote(quoted, s.PIDFile) + "\n")
	}
	w.text("  timeout: " + FormatAge(s.Timeout) + "\n")
}

func (w *writer) health(h, d Health) {
	if reflect.DeepEqual(h, d) {
		w.text(`#health: {watch: 120s, probes: [{http: "http://localhost:8080/health", status: 200}]}` + "\n")
		return
	}
	w.text("health:\n  watch: " + FormatAge(h.Watch) + "\n  every: " + FormatAge(h.Every) + "\n")
	if len(h.Probes) > 0 {
		w.text("  probes:\n")
	}
	for _, p := range h.Probes {
		w.text("    - {" + w.probe(p) + ", timeout: " + FormatAge(p.Timeout) + ", retries: " + strconv.Itoa(p.Retries) + "}\n")
	}
}

func (w *writer) probe(p Probe) string {
	switch {
	case p.HTTP != "":
		s := "http: " + w.quote(quoted, p.HTTP) + ", status: " + strconv.Itoa(p.Status)
		if p.Body != "" {
			s += ", body: " + w.quote(quoted, p.Body)
		}
		return s
	case p.TCP != "":
		return "tcp: " + w.quote(quoted, p.TCP)
	case p.Log != "":
		return "log: " + w.quote(quoted, p.Log) + ", match: " + w.quote(quoted, p.Match)
	}
	return "command: " + w.words(p.Command)
}

// words renders a command as a list on one line.
func (w *writer) words(argv []string) string {
	out := make([]string, len(argv))
	for i, word := range argv {
		out[i] = w.quote(quoted, word)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (w *writer) backup(b, d Backup) {
	also := ""
	if b.Also != "" {
		also = ", also: " + w.quote(quoted, b.Also)
	}
	if b == d {
		w.text("#")
	}
	w.text("backup: {keep: " + strconv.Itoa(b.Keep) +
		", max-age: " + FormatAge(b.MaxAge) +
		", max-size: " + FormatSize(b.MaxSize) +
		", data: " + w.quote(scalar, string(b.Data)) + also + "}\n")
}
