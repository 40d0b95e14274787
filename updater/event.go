package updater

import (
	"encoding/json"
	"time"

	"inplace/backup"
	"inplace/manifest"
)

// Event is something that happens during a run. The engine never prints; it tells.
type Event struct {
	Time  time.Time `json:"time"`
	Phase Phase     `json:"phase"`
	Kind  string    `json:"kind"`           // begin, progress, end, note
	Text  string    `json:"text,omitempty"` // of a note
	Done  int64     `json:"done,omitempty"` // of a progress: of Total, in files or bytes
	Total int64     `json:"total,omitempty"`
}

// Phase is a part of a run, in the order in which they come.
type Phase string

// The phases.
const (
	PhaseRecover  Phase = "recover"
	PhaseMetadata Phase = "metadata"
	PhasePlan     Phase = "plan"
	PhaseVerify   Phase = "verify" // apart from updates
	PhaseBackup   Phase = "backup"
	PhaseStage    Phase = "stage"
	PhaseStop     Phase = "stop"
	PhaseCheck    Phase = "check"
	PhaseCommit   Phase = "commit"
	PhaseStart    Phase = "start"
	PhaseHealth   Phase = "health" // its progress counts the probes that are well
	PhaseRollback Phase = "rollback"
	PhaseFinish   Phase = "finish"
	PhasePack     Phase = "pack"
	PhaseFetch    Phase = "fetch"
)

// Reporter receives events. It is called from one goroutine at a time.
type Reporter func(Event)

// teller tells what happens during a run that has no installation to itself.
type teller struct {
	now    func() time.Time
	report Reporter // nil: nobody listens
}

func (t *teller) event(phase Phase, kind string, done, total int64) {
	if t.report != nil {
		t.report(Event{Time: t.now(), Phase: phase, Kind: kind, Done: done, Total: total})
	}
}

// during tells the begin and the end of a phase around fn.
func (t *teller) during(phase Phase, fn func() error) error {
	t.event(phase, "begin", 0, 0)
	err := fn()
	t.event(phase, "end", 0, 0)
	return err
}

// Recovery is what was done about an interrupted run.
type Recovery struct {
	ID     string         `json:"id"`
	Action string         `json:"action"`
	Result string         `json:"result"` // finished, undone
	From   Release        `json:"from"`
	To     Release        `json:"to"`
	Found  []backup.Found `json:"found"`

	Service *ServiceRun `json:"service,omitempty"` // nil: the interrupted run had not stopped the product
}

// ServiceRun is what a run had to do with the running product.
type ServiceRun struct {
	Was     string        `json:"was"`     // before: running, stopped or unknown
	Stopped bool          `json:"stopped"` // by this run, or by the interrupted one that it mended
	Started bool          `json:"started"` // and runs again, as far as that is known
	Watched time.Duration `json:"watched_ns,omitempty"`
	Skipped []string      `json:"skipped"`         // probes whose answer does not count, and why
	Fault   string        `json:"fault,omitempty"` // why it could not be started, or what of it is not well
	Log     string        `json:"log"`             // where what its commands print goes

	err error // of a start that failed
}

// Outcome is what a run did.
type Outcome struct {
	Plan     *Plan          `json:"plan"`
	Snapshot string         `json:"snapshot,omitempty"` // "": nothing was changed
	Recovery *Recovery      `json:"recovery,omitempty"`
	Window   time.Duration  `json:"window_ns"` // from the stop of the product until it was started, else from the first to the last live change
	Warnings []string       `json:"warnings"`
	Found    []backup.Found `json:"found"`
	Copy     *FullCopy      `json:"full_backup,omitempty"` // the complete copy that was asked for
	Prepared *Prepared      `json:"prepared,omitempty"`    // of a run that prepares
	Second   string         `json:"second_copy,omitempty"` // directory of the second copies of snapshots
	Summary  string         `json:"summary,omitempty"`     // what the run changed, relative to the installation
	Service  *ServiceRun    `json:"service,omitempty"`     // nil: the settings do not say how to stop it
}

// FullCopy is a complete copy of the installation, compared with it by digest.
type FullCopy struct {
	Dir     string   `json:"dir"`
	Files   int      `json:"files"`
	Bytes   int64    `json:"bytes"`
	Skipped []string `json:"skipped"` // sockets, pipes and devices
}

// HistoryEntry is a line of updates/history.jsonl.
type HistoryEntry struct {
	Schema   string    `json:"schema"`
	Time     time.Time `json:"time"`
	By       string    `json:"by"`
	Action   string    `json:"action"` // adopt, update, downgrade, revert
	From     int64     `json:"from"`
	To       int64     `json:"to"`
	Channel  string    `json:"channel"`
	Version  string    `json:"version"`
	Result   string    `json:"result"` // done, "done, not well", "finished after an interruption", "undone after an interruption", "failed, rolled back", "not well, rolled back"
	Snapshot string    `json:"snapshot,omitempty"`
	Run      string    `json:"run,omitempty"` // the ID of the transaction and of its summary
	WindowMS int64     `json:"window_ms,omitempty"`
	Forecast int64     `json:"forecast_ms,omitempty"` // what the plan said of the window
	Stopped  bool      `json:"stopped,omitempty"`     // the window is from the stop of the product until it was started
	Reason   string    `json:"reason,omitempty"`      // of a failure
	Stale    string    `json:"allow_stale,omitempty"` // the reason given for taking expired metadata
	Changed  int       `json:"changed,omitempty"`
	Engine   string    `json:"engine"`
}

// Status is what `status` tells.
type Status struct {
	Home         string         `json:"home"`
	Product      string         `json:"product"`
	Installed    Release        `json:"installed"`
	Source       string         `json:"source"`
	Channel      string         `json:"channel"`                   // that updates are taken from
	Newest       *Release       `json:"newest,omitempty"`          // of the channel, as far as is known
	NewestErr    string         `json:"newest_error,omitempty"`    // why the source could not be asked
	Seen         time.Time      `json:"seen,omitzero"`             // what is known is as of then, where the source could not be asked
	Withdrawn    string         `json:"withdrawn,omitempty"`       // why the installed level was withdrawn
	Snapshots    []SnapshotInfo `json:"snapshots"`                 // newest first
	Conflicts    []string       `json:"conflicts"`                 // paths in the workspace
	Prepared     *PreparedInfo  `json:"prepared,omitempty"`        // an update that waits prepared
	Workspace    *Workspace     `json:"workspace,omitempty"`       // the open one
	WorkspaceErr string         `json:"workspace_error,omitempty"` // why it cannot be read
	Away         []string       `json:"away,omitempty"`            // directories named under follow that cannot be followed, and why
	Edits        *Verification  `json:"edits,omitempty"`           // how the files compare, by the stat cache
	EditsErr     string         `json:"edits_error,omitempty"`
	SlotBytes    int64          `json:"snapshot_bytes"` // of content that the snapshots keep
	Recovery     *Recovery      `json:"recovery,omitempty"`
	Open         bool           `json:"open"`              // a journal is open and could not be mended
	Service      *ServicePlan   `json:"service,omitempty"` // how an update stops and starts the product
	Engine       string         `json:"engine"`
}

// SnapshotInfo is one line of the list of snapshots.
type SnapshotInfo struct {
	ID      string    `json:"id"`
	Action  string    `json:"action"`
	Created time.Time `json:"created"`
	From    int64     `json:"from"`
	To      int64     `json:"to"`
	Bytes   int64     `json:"bytes"`
	Paths   int       `json:"paths"`
	Current bool      `json:"current"` // the one that --revert takes back next
	Damaged string    `json:"damaged,omitempty"`

	wrong error // of what is told in Damaged and Away

	// What `backups` tells beyond that.
	DiskBytes int64    `json:"disk_bytes,omitempty"` // all files of the snapshot, in whole blocks
	Config    int      `json:"config,omitempty"`     // copies of configuration, and notes that it was as shipped
	Data      bool     `json:"data,omitempty"`       // a copy of the product's data
	Turned    bool     `json:"turned,omitempty"`     // restore.sh took the change back: what it had made live is kept
	Faults    []string `json:"faults,omitempty"`     // each path that is not kept as it was recorded, and why
	Away      string   `json:"away,omitempty"`       // the followed directory that has a part of it and is not there, and why
}

// Backups is what `backups` tells.
type Backups struct {
	Snapshots []SnapshotInfo `json:"snapshots"`         // newest first
	Verified  bool           `json:"verified"`          // each was compared by digest
	Second    int            `json:"second,omitempty"`  // second copies that were compared by digest, too
	Limits    *Limits        `json:"limits,omitempty"`  // of prune
	Removed   []string       `json:"removed,omitempty"` // by prune, or what it would remove; the oldest first
}

// Limits say which snapshots prune lets go.
type Limits struct {
	Keep    int           `json:"keep"`       // at most so many
	MaxAge  time.Duration `json:"max_age_ns"` // none older; 0: no limit
	MaxSize int64         `json:"max_size"`   // bytes of all together; 0: no limit
}

// Adopted is what adopt found and did.
type Adopted struct {
	Home       string          `json:"home"`
	Product    string          `json:"product"`
	Release    Release         `json:"release"`
	Already    bool            `json:"already"` // it was adopted before; nothing was done
	Candidates []Candidate     `json:"candidates"`
	Edits      []Edit          `json:"edits"`
	Placed     []manifest.Path `json:"placed"`
	Launcher   string          `json:"launcher"` // relative path of the launcher in use
	RootDigest string          `json:"root_fingerprint"`
	FirstUse   bool            `json:"first_use"` // the root was trusted because it came first
	Warnings   []string        `json:"warnings"`
}

// Edit is a path of the installation that is not as the vendor ships it.
type Edit struct {
	Path   manifest.Path `json:"path"`
	What   string        `json:"what"` // one of the What constants
	Config bool          `json:"config,omitempty"`
	Count  int           `json:"count,omitempty"` // of a missing or extra directory: the paths below
	Detail string        `json:"detail,omitempty"`

	inside []manifest.Path // of an extra directory: the files in it, and directories in which nothing is
}

// MarshalJSON adds an escaped form of a path that is not UTF-8, since JSON cannot hold it.
func (e Edit) MarshalJSON() ([]byte, error) {
	type plain Edit
	return json.Marshal(struct {
		plain
		Escaped string `json:"path_escaped,omitempty"`
	}{plain(e), escapedPath(e.Path)})
}
