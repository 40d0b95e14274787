// Package settings reads and edits the operator's updates/settings.yaml.
//
// The file is YAML read strictly (package strictyaml: no unknown or doubled key, no
// anchor, tag or second document, at most MaxBytes). Every fault is reported at once
// with its place, `settings.yaml:7:3: channel: want ...`. All keys but schema may be
// left out; Default gives what holds then:
//
//	schema: inplace/settings/1
//	source: https://updates.example.com/acme   # URL or absolute path of the repository
//	channel: full                              # [a-z][a-z0-9-]{0,31}
//	subscription: /etc/acme/subscription       # file with the token that gives access
//	transport: {allow-http: true, ca: FILE, cert: FILE, key: FILE, token-file: FILE, helper: [argv], netrc: FILE}
//	launcher: update                           # bin/NAME.sh and bin/NAME.cmd
//	follow: [conf]                             # directories moved behind a link, to be followed
//	absent: ["webapps/examples/**"]            # vendor files that stay away, globs
//	policy: [{path: "conf/log4j2.xml", key: "", on-conflict: ours}]    # ours | theirs | stop
//	pins: ["conf/server.xml: Server/@port"]    # `PATH: KEY` whose value stays the operator's
//	service: {stop: [bin/stop.sh], start: [bin/start.sh], status: [argv], pid-file: run/pid, timeout: 60s}
//	health:                                    # asked for as long as watch says, after the start
//	  watch: 120s
//	  every: 5s
//	  probes:                                  # each with timeout: 5s, retries: 2
//	    - {http: "https://localhost:8443/health", status: 200, body: UP}
//	    - {tcp: "localhost:8443"}
//	    - {log: logs/server.log, match: "started in"}
//	    - {command: [bin/check.sh]}
//	backup: {keep: 5, max-age: 90d, max-size: 10GiB, data: none, also: DIR}
//
// Set and AppendList change one value by splicing bytes: comments, order, quoting and
// line ends of everything else stay. What they return has been parsed again and
// differs from before in exactly the value asked for; a layout they cannot edit is an
// error and never a guess. The package touches no disk.
package settings

import (
	"time"

	"inplace/manifest"
)

// Schema is the first key of the file and its version.
const Schema = "inplace/settings/1"

// MaxBytes is the largest settings file that is read.
const MaxBytes = 1 << 20

// OnConflict is what a policy does with a conflict it covers.
type OnConflict string

// The values of OnConflict.
const (
	Stop   OnConflict = "stop" // ask: the run ends with exit 3
	Ours   OnConflict = "ours"
	Theirs OnConflict = "theirs"
)

// DataCopy says how a snapshot keeps the product's data.
type DataCopy string

// The values of DataCopy.
const (
	DataNone    DataCopy = "none"
	DataReflink DataCopy = "reflink" // only where the file system shares blocks
	DataFull    DataCopy = "copy"
)

// Settings is what the file says, with the defaults filled in.
type Settings struct {
	Source       string // "" if not set; else a URL (http, https, file) or an absolute path
	Subscription string // absolute path of the file with its token; "": looked for where logins are
	Transport    Transport
	Channel      string
	Launcher     string // name of the launchers in bin/, without .sh and .cmd
	Follow       []manifest.Path
	Absent       []string // globs
	Policy       []Policy
	Pins         []Pin
	Service      Service
	Health       Health
	Backup       Backup
}

// Policy decides conflicts of the paths a glob covers.
type Policy struct {
	Path       string // glob
	Key        string // key path within the file; "": the whole file
	OnConflict OnConflict
}

// Pin is one value of a configuration file that stays the operator's.
type Pin struct {
	Path manifest.Path
	Key  string
}

// String gives the pin as it stands in the file.
func (p Pin) String() string { return string(p.Path) + pinSeparator + p.Key }

const pinSeparator = ": "

// Backup says which snapshots stay and what else they keep.
type Backup struct {
	Keep    int           // newest snapshots, at least 1
	MaxAge  time.Duration // older ones may go; 0: no limit
	MaxSize int64         // bytes of all together; 0: no limit
	Data    DataCopy
	Also    string // absolute directory for a second copy of each snapshot; "": none
}

// Default is what holds where the file says nothing.
func Default() Settings {
	return Settings{
		Channel:  "full",
		Launcher: "update",
		Service:  Service{Timeout: defaultServiceTimeout},
		Health:   Health{Watch: defaultWatch, Every: defaultEvery},
		Backup: Backup{
			Keep:    5,
			MaxAge:  90 * 24 * time.Hour,
			MaxSize: 10 << 30,
			Data:    DataNone,
		},
	}
}
