package updater

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/updater/journal"
)

// The history is updates/history.jsonl: one JSON object per line, appended and
// synced, never rewritten. A torn last line is skipped when it is read.
const (
	historyPath   = "updates/history.jsonl"
	historySchema = "inplace/history/1"
)

// History reads all entries, oldest first.
func (u *Updater) History() ([]HistoryEntry, error) {
	f, err := u.tree.OpenState(historyPath)
	if errors.Is(err, fs.ErrNotExist) {
		return []HistoryEntry{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	out := []HistoryEntry{}
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out, nil // what follows the last line feed was torn
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", historyPath, err)
		}
		var e HistoryEntry
		if len(line) > 1 && json.Unmarshal(line, &e) == nil && e.Schema == historySchema {
			out = append(out, e)
		}
	}
}

// append adds an entry. A history that cannot be written does not fail a run whose
// work is done; the caller decides.
func appendHistory(t *fsys.Tree, e HistoryEntry) error {
	e.Schema = historySchema
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return t.AppendState(historyPath, append(line, '\n'), 0o600)
}

// remember writes what became of a transaction of plan.
func (u *Updater) remember(rec journal.Record, plan *Plan, result string, cause error, window time.Duration) {
	e := HistoryEntry{
		Time: u.opt.Now().UTC().Truncate(time.Second), By: actor(), Action: rec.Action, From: plan.From.Level, To: plan.To.Level,
		Channel: plan.To.Channel, Version: plan.To.Version, Result: result, Snapshot: rec.ID, WindowMS: window.Milliseconds(), Stopped: rec.Service != nil, Engine: u.opt.Engine,
	}
	if plan.Window != nil && window > 0 {
		e.Forecast = plan.Window.MS
	}
	if u.staleUsed() {
		e.Stale = u.opt.AllowStale
	}
	if cause != nil {
		e.Reason = cause.Error()
		if result != resultUnwell {
			e.Snapshot = ""
		}
	}
	for i := range plan.Steps {
		if plan.Steps[i].Action.Changes() {
			e.Changed++
		}
	}
	u.record(rec.ID, e, plan)
}

// What history says of a transaction that is live, and whose product is not well.
const resultUnwell = "done, not well"

// rememberDone writes that a transaction is live, unless that was written before the
// interruption that recovery is mending. plan is nil in recovery; unwell is what is wrong with
// the product, if it was started.
func (u *Updater) rememberDone(rec journal.Record, head backup.Head, plan *Plan, window time.Duration, unwell error) {
	if plan != nil {
		result := "done"
		if unwell != nil {
			result = resultUnwell
		}
		u.remember(rec, plan, result, unwell, window)
		return
	}
	if u.remembered(rec.ID) { // and killed before it left a summary
		e := u.entryOf(rec, head, "done")
		e.Run = rec.ID
		u.pending = append(u.pending, pendingSummary{e, nil})
		return
	}
	u.record(rec.ID, u.entryOf(rec, head, "finished after an interruption"), nil)
}

// rememberUndone writes that recovery took a transaction back; unwell is why, where it was
// not the interruption.
func (u *Updater) rememberUndone(rec journal.Record, head backup.Head, unwell error) {
	e := u.entryOf(rec, head, "undone after an interruption")
	e.Snapshot = ""
	if unwell != nil {
		e.Reason = unwell.Error()
	}
	u.record(rec.ID, e, nil)
}

func (u *Updater) entryOf(rec journal.Record, head backup.Head, result string) HistoryEntry {
	return HistoryEntry{
		Time: u.opt.Now().UTC().Truncate(time.Second), By: actor(), Action: rec.Action, From: head.From.Level, To: head.To.Level,
		Channel: head.To.Channel, Version: head.To.Version, Result: result, Snapshot: rec.ID, Engine: u.opt.Engine,
	}
}

func (u *Updater) remembered(id string) bool {
	list, err := u.History()
	if err != nil {
		return false
	}
	for _, e := range list {
		if e.Snapshot == id {
			return true
		}
	}
	return false
}

func (u *Updater) note(err error) {
	if err != nil {
		u.event(PhaseFinish, "note", "the history could not be written: "+err.Error(), 0, 0)
	}
}
