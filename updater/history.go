package updater

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
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
	recentBytes   = 64 << 10 // of the history, a line of which has some 400
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
		if e, ok := historyEntry(line); ok {
			out = append(out, e)
		}
	}
}

func historyEntry(line []byte) (e HistoryEntry, ok bool) {
	ok = len(line) > 1 && json.Unmarshal(line, &e) == nil && e.Schema == historySchema
	return e, ok
}

// newest is the entries from the newest on, as far as they lie in the last recentBytes: for
// who asks about the last few runs, however long the history has become.
func (u *Updater) newest() (iter.Seq[HistoryEntry], error) {
	f, err := u.tree.OpenState(historyPath)
	if errors.Is(err, fs.ErrNotExist) {
		return func(func(HistoryEntry) bool) {}, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", historyPath, err)
	}
	from := max(0, size-recentBytes)
	tail := make([]byte, size-from)
	if n, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", historyPath, err)
	} else if tail = tail[:n]; from > 0 {
		tail = tail[bytes.IndexByte(tail, '\n')+1:] // the line before begins further up
	}
	return func(yield func(HistoryEntry) bool) {
		rest := tail[:bytes.LastIndexByte(tail, '\n')+1] // what follows it was torn
		for len(rest) > 0 {
			at := bytes.LastIndexByte(rest[:len(rest)-1], '\n') + 1
			if e, ok := historyEntry(rest[at:]); ok && !yield(e) {
				return
			}
			rest = rest[:at]
		}
	}, nil
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
		Channel: plan.To.Channel, Version: plan.To.Version, Result: result, Snapshot: rec.ID, WindowMS: WholeMS(window), Stopped: rec.Service != nil, Engine: u.opt.Engine,
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

// WholeMS is d in milliseconds, one that has begun for a whole one: 0 is for what took none.
func WholeMS(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
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
