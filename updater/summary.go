package updater

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/mask"
)

// SummarySchema is the form of a summary; docs/schemas/summary.json describes it.
const SummarySchema = "inplace/summary/1"

// maxSummaryBytes bounds a summary that is read.
const maxSummaryBytes = 256 << 20

// Summary is what a run changed: updates/logs/ID.json, and ID.md for people. There is one
// for each line of the history that stands for a transaction, and like the history it is
// never removed. It is written once the transaction is closed: a summary that cannot be
// written, or is lost to a power cut, fails nothing. What looks like a secret is masked.
type Summary struct {
	Schema   string    `json:"schema"`
	ID       string    `json:"id"` // that of the transaction and its snapshot
	Product  string    `json:"product"`
	Action   string    `json:"action"` // update, downgrade, revert, fix
	Result   string    `json:"result"` // as in the history
	Reason   string    `json:"reason,omitempty"`
	Time     time.Time `json:"time"`
	By       string    `json:"by"`
	Engine   string    `json:"engine"`
	From     Release   `json:"from"`
	To       Release   `json:"to"`
	Snapshot string    `json:"snapshot,omitempty"` // "": nothing is left changed
	WindowMS int64     `json:"window_ms"`
	Stale    string    `json:"allow_stale,omitempty"`
	Back     string    `json:"back,omitempty"`    // the command that goes back, in the installation
	Partial  string    `json:"partial,omitempty"` // why not all is known

	Added    []SummaryPath `json:"added"`
	Replaced []SummaryPath `json:"replaced"`
	Merged   []SummaryPath `json:"merged"`
	Modes    []SummaryPath `json:"modes"`
	Removed  []SummaryPath `json:"removed"`
	Cleared  []SummaryPath `json:"cleared"`
	Kept     []SummaryPath `json:"kept"`
	Deleted  []SummaryPath `json:"deleted"` // by the operator, and stay so

	Fixes        []manifest.Fix         `json:"fixes"` // the worst first
	Instructions []Instruction          `json:"instructions"`
	Irreversible *manifest.Irreversible `json:"irreversible,omitempty"`
	Warnings     []string               `json:"warnings"`
	Found        []backup.Found         `json:"found"`
	FullBackup   *FullCopy              `json:"full_backup,omitempty"`
	Second       string                 `json:"second_copy,omitempty"`
}

// SummaryPath is a path of a summary.
type SummaryPath struct {
	Path   manifest.Path `json:"path"`
	Reason string        `json:"reason,omitempty"`
	From   manifest.Path `json:"from,omitempty"` // of a renamed file: where it was
	Notes  []string      `json:"notes,omitempty"`
}

// SummaryPathOf is where the summary of the transaction id lies in the installation, as
// Markdown.
func SummaryPathOf(id string) string { return path.Join(logsDir, id+".md") }

// record writes a line of the history and keeps what its summary will say until the
// transaction is closed. plan is nil where an earlier run made it.
func (u *Updater) record(id string, e HistoryEntry, plan *Plan) {
	e.Run = id
	u.note(appendHistory(u.tree, e))
	u.pending = append(u.pending, pendingSummary{e, plan})
}

type pendingSummary struct {
	entry HistoryEntry
	plan  *Plan
}

// summarize writes the summaries of what this run closed. out is nil where there is none.
func (u *Updater) summarize(out *Outcome) {
	for _, p := range u.pending {
		s := u.summaryOf(p.entry, p.plan)
		if out != nil && p.plan != nil {
			s.outcome(out)
		}
		if err := u.writeSummary(s); err != nil {
			u.event(PhaseFinish, "note", "the summary could not be written: "+err.Error(), 0, 0)
		} else if out != nil && p.plan != nil {
			out.Summary = SummaryPathOf(s.ID)
		}
	}
	u.pending = nil
}

func (u *Updater) summaryOf(e HistoryEntry, plan *Plan) *Summary {
	s := &Summary{Schema: SummarySchema, ID: e.Run, Action: e.Action, Result: e.Result, Reason: mask.Record(e.Reason), Time: e.Time, By: e.By, Engine: e.Engine,
		From: Release{Level: e.From}, To: Release{Level: e.To, Channel: e.Channel, Version: e.Version},
		Snapshot: e.Snapshot, WindowMS: e.WindowMS, Stale: mask.Record(e.Stale)}
	if e.Snapshot != "" {
		s.Back = u.Launcher() + " --revert --to " + e.Snapshot
	}
	if plan == nil {
		s.fromSnapshot(u.tree)
	} else {
		s.fromPlan(plan)
	}
	for _, l := range s.lists() {
		if *l.paths == nil {
			*l.paths = []SummaryPath{}
		}
	}
	if s.Fixes == nil {
		s.Fixes = []manifest.Fix{}
	}
	if s.Instructions == nil {
		s.Instructions = []Instruction{}
	}
	if s.Found == nil {
		s.Found = []backup.Found{}
	}
	if s.Warnings == nil {
		s.Warnings = []string{}
	}
	return s
}

// fromPlan takes what the run was to do; it did all of it, or nothing is left of it.
func (s *Summary) fromPlan(p *Plan) {
	s.Product, s.From, s.To = p.Product, p.From, p.To
	for i := range p.Steps {
		if to := s.listOf(p.Steps[i].Action); to != nil {
			*to = append(*to, summaryPath(&p.Steps[i]))
		}
	}
	s.Irreversible = p.Irreversible
	for _, f := range p.Fixes {
		f.Summary = mask.Record(f.Summary)
		s.Fixes = append(s.Fixes, f)
	}
	for _, i := range p.Instructions {
		s.Instructions = append(s.Instructions, Instruction{i.Level, mask.Record(i.Text)})
	}
	s.warn(p.Warnings)
}

func summaryPath(s *Step) SummaryPath {
	out := SummaryPath{Path: s.Path, Reason: mask.Record(s.Reason)}
	if s.From != s.Path {
		out.From = s.From
	}
	for _, n := range s.Notes {
		text := n.Text
		if n.Key != "" {
			text = n.Key + ": " + text
		}
		out.Notes = append(out.Notes, mask.Record(text))
	}
	return out
}

// fromSnapshot takes what an interrupted run left on record.
func (s *Summary) fromSnapshot(t *fsys.Tree) {
	s.Partial = "the run was interrupted, and a later one mended it: what the release fixes and asks for is not known here"
	snap, err := backup.Load(t, s.Snapshot)
	if s.Snapshot == "" || err != nil {
		return
	}
	s.Product, s.From, s.To = snap.Product, releaseOf(snap.From), releaseOf(snap.To)
	for i := range snap.Entries {
		e := &snap.Entries[i]
		if manifest.IsState(e.Path) || e.Slot == backup.NoSlot && !e.ModeOnly() {
			continue
		}
		to := &s.Replaced
		switch {
		case e.Old.Kind == backup.Absent:
			to = &s.Added
		case e.New.Kind == backup.Absent:
			to = &s.Removed
		case e.ModeOnly():
			to = &s.Modes
		}
		*to = append(*to, SummaryPath{Path: e.Path})
	}
}

// outcome adds what is known once the run is over.
func (s *Summary) outcome(out *Outcome) {
	s.warn(out.Warnings)
	s.Found, s.FullBackup, s.Second = append(s.Found, out.Found...), out.Copy, out.Second
}

func (s *Summary) warn(list []string) {
	for _, w := range list {
		s.Warnings = append(s.Warnings, mask.Record(w))
	}
}

func (u *Updater) writeSummary(s *Summary) error {
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	if err := u.tree.MkdirAll(logsDir, 0o700); err != nil {
		return err
	}
	info, err := u.tree.Lstat(logsDir)
	if err == nil {
		err = u.tree.CheckState(logsDir, info)
	}
	if err != nil {
		return err
	}
	if err := u.tree.WriteState(SummaryPathOf(s.ID), []byte(s.Markdown(maxSummaryRows, escapeMarkdown)), 0o600); err != nil {
		return err
	}
	return u.tree.WriteState(path.Join(logsDir, s.ID+".json"), append(data, '\n'), 0o600)
}

// Summary reads the summary of the run whose ID begins with id. Where the snapshot is gone,
// so is the way back. Errors: *[UnknownRunError], and [fs.ErrNotExist] of a run that left
// no summary.
func (u *Updater) Summary(id string) (*Summary, error) {
	list, err := u.History()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range list {
		if run := e.run(); run != "" && strings.HasPrefix(run, id) && (len(found) == 0 || found[len(found)-1] != run) {
			found = append(found, run)
			if run == id {
				found = []string{run}
				break
			}
		}
	}
	if len(found) != 1 || !backup.ValidID(found[0]) {
		return nil, &UnknownRunError{id, found}
	}
	name := path.Join(logsDir, found[0]+".json")
	data, err := u.tree.ReadState(name, maxSummaryBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no summary of this run was kept: %w", found[0], err)
	}
	if err != nil {
		return nil, err
	}
	s := &Summary{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if s.Schema != SummarySchema {
		return nil, fmt.Errorf("%s: want schema %s, got %q", name, SummarySchema, s.Schema)
	}
	if s.Snapshot != "" {
		info, err := u.tree.Lstat(path.Join(backup.SnapshotsDir, found[0]))
		if err != nil {
			return nil, err
		}
		if !info.Exists {
			s.Back = ""
		}
	}
	return s, nil
}

// run is the transaction of a line, also of one that was written before lines named it.
func (e *HistoryEntry) run() string {
	if e.Run != "" {
		return e.Run
	}
	return e.Snapshot
}

// UnknownRunError reports an ID that is no run's, or the beginning of several.
type UnknownRunError struct {
	ID    string
	Found []string
}

func (e *UnknownRunError) Error() string {
	if len(e.Found) > 1 {
		return fmt.Sprintf("%s: want one run, got %s: %s", e.ID, plural(len(e.Found), "run"), joined(e.Found))
	}
	return e.ID + ": no run of the history has this ID"
}
