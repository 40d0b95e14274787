package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inplace/backup/fsys"
	"inplace/updater"
)

// EventSchema is the form of a line of --events. Fields are only added within a schema
// number; docs/schemas/event.json describes them.
const EventSchema = "inplace/event/1"

// phaseRun is the run as a whole: its begin is the first line, its outcome the last.
const phaseRun updater.Phase = "run"

// event is a line of --events.
type event struct {
	Schema string `json:"schema"`
	updater.Event
	Unit string `json:"unit,omitempty"` // of done and total

	// Of the begin of the run.
	Command string `json:"command,omitempty"`
	Version string `json:"version,omitempty"`

	// Of its outcome.
	Exit     *int   `json:"exit,omitempty"`
	Error    string `json:"error,omitempty"`
	Hint     string `json:"hint,omitempty"`
	State    string `json:"state,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
}

// open prepares for --events. A file is made for its owner alone, appended to and never
// truncated; one below the installation is reached through no link, since whoever may
// write there could have made it.
func (p *reporter) open(target, home string) error {
	switch target {
	case "":
		return nil
	case "-":
		if p.r.json {
			return usage("--events - and --json both want standard output", "give --events a file")
		}
		p.events = p.r.env.Stdout
		p.r.resultsTo = p.r.env.Stderr
	default:
		f, err := await(p.r.ctx, func() (*os.File, error) { return openEvents(target, home) }) // a pipe waits for its reader
		if p.r.ctx.Err() != nil {
			return p.r.ctx.Err()
		}
		if err != nil {
			return usage("--events: "+err.Error(), "name a file that can be written")
		}
		p.events, p.closer = f, f
	}
	p.send(event{Event: updater.Event{Time: p.r.env.Now(), Phase: phaseRun, Kind: "begin"}, Command: p.r.command, Version: p.r.env.Version})
	return nil
}

// openEvents opens target to append to it. home is the installation, "" for none.
func openEvents(target, home string) (*os.File, error) {
	real, err := filepath.EvalSymlinks(home)
	if home == "" || err != nil {
		return os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	within, err := below(real, target)
	if err != nil {
		return nil, err
	}
	if within == "" {
		return os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	}
	tree, err := fsys.Open(real)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	return tree.OpenAppend(filepath.ToSlash(within), 0o600)
}

// below is target relative to the directory home, which is resolved, and "" if it lies
// elsewhere. The way to the first directory in home is resolved as the system would; what
// comes after it has not been looked at.
func below(home, target string) (string, error) {
	full, err := filepath.Abs(target)
	if err != nil {
		return "", err
	}
	var above []string // full and each directory above it, the outermost last
	for at := full; ; at = filepath.Dir(at) {
		above = append(above, at)
		if at == filepath.Dir(at) {
			break
		}
	}
	for _, at := range slices.Backward(above) {
		real, err := filepath.EvalSymlinks(at)
		if err != nil {
			return "", nil // nothing there: neither is what lies below it
		}
		if rel, err := filepath.Rel(home, real); err == nil && filepath.IsLocal(rel) {
			rest, err := filepath.Rel(at, full)
			return filepath.Join(rel, rest), err
		}
	}
	return "", nil
}

// send writes a line. Progress is sent at most some ten times a second, and once when a
// phase is through.
func (p *reporter) send(e event) {
	if p.events == nil || p.broken {
		return
	}
	if e.Kind == "progress" {
		if e.Time.Sub(p.sent) < redraw && e.Done < e.Total {
			return
		}
		p.sent = e.Time
	} else {
		e.Unit = ""
	}
	e.Schema = EventSchema
	line, err := json.Marshal(e)
	if err == nil {
		_, err = p.events.Write(append(line, '\n'))
	}
	if err != nil {
		p.broken = true
		p.warn("--events: %v", err)
	}
}

// outcome sends the last line.
func (p *reporter) outcome(v verdict) {
	if p.events == nil {
		return
	}
	e := event{Event: updater.Event{Time: p.r.env.Now(), Phase: phaseRun, Kind: "outcome"}, Exit: &v.exit,
		Error: p.r.masked(v.text), Hint: p.r.masked(strings.Join(v.hints, "\n")), State: p.r.masked(p.r.state)}
	if v.text != "" {
		e.State = v.state
	}
	if p.r.doc.Outcome != nil {
		e.Snapshot = p.r.doc.Outcome.Snapshot
	}
	p.send(e)
	if p.closer != nil {
		if err := p.closer.Close(); err != nil && !p.broken {
			p.warn("--events: %v", err)
		}
		p.closer = nil
	}
}
