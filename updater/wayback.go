package updater

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// A snapshot is a step between two states of the installation, each known by the digest
// of the record of what is installed, which changes with every transaction but one that only
// puts copies back: it keeps what leads from the state after its run to the one before, which are
// then the same. All that are kept make a graph,
// in which a way is looked for. A revert that takes over the slots of what it undoes
// leaves the graph whole: its own snapshot leads from the earlier state to the later.
//
// Since each run leaves a step from its outcome to where it began, the way to what a
// snapshot holds uses none that is older than that snapshot: what retention removes from
// the oldest end is never in the middle of a way.

// kept is a snapshot with the states it lies between. Its entries are those of records alone
// until it is filled.
type kept struct {
	*backup.Snapshot
	full          bool
	after, before manifest.Digest // of the record, where the way begins and where it leads
	turned        bool            // restore.sh has taken it back: it leads forward
}

// hasData reports whether data was copied; k is filled.
func (k *kept) hasData() bool {
	return slices.ContainsFunc(k.Entries, func(e backup.Entry) bool { return e.Class == backup.Data })
}

// wayBack is what a revert goes by.
type wayBack struct {
	steps []*kept // in the order in which they are undone; none: the state is this one already
	holds *kept   // the snapshot that holds the state gone to; nil where there is no way to go
	name  string  // what the state is called
	dest  Release // the release it is of
	all   []*kept // every snapshot that could be read, newest first
	takes bool    // the slots of the only step are taken over, and nothing is copied
}

// UnknownSnapshotError says that no snapshot, or more than one, has the name that was
// given.
type UnknownSnapshotError struct {
	Name   string
	Match  []string // several that start so
	Others []string // all there are, newest first
}

func (e *UnknownSnapshotError) Error() string {
	if len(e.Match) > 0 {
		return fmt.Sprintf("%s: could be each of %s", e.Name, strings.Join(e.Match, ", "))
	}
	if len(e.Others) == 0 {
		return fmt.Sprintf("%s: no such snapshot: none are kept here", e.Name)
	}
	return fmt.Sprintf("%s: no such snapshot; kept are %s", e.Name, strings.Join(e.Others, ", "))
}

// findWay finds the way that the options ask for, and fills the snapshots on it.
func (u *Updater) findWay(in *installed) (*wayBack, error) {
	if w := u.straightBack(in); w != nil {
		return w, nil
	}
	w, err := u.lookForWay(in)
	if err != nil {
		return w, err
	}
	for _, k := range append(slices.Clone(w.steps), w.holds) {
		if err := u.fill(k); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// lookForWay finds the way that the options ask for: to what a snapshot holds, or back over
// the update that led here. Errors: *[UnknownSnapshotError], [ErrNothingToRevert],
// [ErrNoWay], *[backup.DamagedError].
func (u *Updater) lookForWay(in *installed) (*wayBack, error) {
	if u.opt.RevertTo == "" && in.Snapshot == "" {
		return nil, ErrNothingToRevert
	}
	ids, err := backup.List(u.tree)
	if err != nil {
		return nil, err
	}
	slices.Reverse(ids)
	w := &wayBack{}
	var damaged []error
	unread := map[string]error{}
	for _, id := range ids {
		k, err := u.loadKept(id, backup.LoadRecords)
		if errors.Is(err, fs.ErrNotExist) && id == in.Snapshot {
			err = headGone(id)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // what is left of a transaction that was undone
		case err != nil:
			damaged, unread[id] = append(damaged, err), err
		default:
			w.all = append(w.all, k)
		}
	}
	now, err := u.stateNow()
	if err != nil {
		return nil, err
	}
	w.name = in.Snapshot
	if u.opt.RevertTo != "" {
		if w.name, err = match(u.opt.RevertTo, w.all, unread); err != nil {
			return nil, err
		}
	}
	if unread[w.name] != nil {
		return nil, unread[w.name]
	}
	w.holds = w.find(w.name)
	if w.holds == nil || w.holds.turned && u.opt.RevertTo == "" {
		return w, w.aroundTaken(now)
	}
	w.dest = releaseOf(w.holds.From)
	if now == w.holds.before && now != w.holds.after && u.opt.RevertTo != "" {
		return w, nil
	}
	steps, ok := w.path(now, w.holds.after)
	if !ok && u.opt.RevertTo != "" {
		return nil, errors.Join(append([]error{fmt.Errorf("%s: %w", w.name, ErrNoWay)}, damaged...)...)
	}
	w.steps = append(steps, w.holds) // without a way, a plain revert goes by the name in the record alone
	return w, nil
}

// nextBack names what a plain revert takes back: the snapshot in the record or, where a revert or
// restore.sh has taken the slots of that, those over which the way leads.
func (u *Updater) nextBack(r *record) []string {
	ids := []string{r.Snapshot}
	if k, err := u.loadKept(r.Snapshot, backup.LoadRecords); r.Snapshot == "" || err == nil && !k.turned || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ids
	}
	if w, err := u.lookForWay(&installed{record: *r}); err == nil {
		ids = nil
		for _, k := range w.steps {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// straightBack is the way back where that is over the newest snapshot alone, as nearly always,
// and nothing of the others is asked for; else nil, and all have to be looked at. Its entries are
// those of the change.
func (u *Updater) straightBack(in *installed) *wayBack {
	if u.opt.RevertTo != "" || u.opt.KeepEdits || u.opt.Exact || u.opt.WithData {
		return nil
	}
	now, err := u.stateNow()
	if err != nil {
		return nil
	}
	k, err := u.loadKept(in.Snapshot, backup.LoadChange)
	if err != nil || k.turned || k.after != now {
		return nil
	}
	return &wayBack{steps: []*kept{k}, holds: k, name: k.ID, dest: releaseOf(k.From), all: []*kept{k}}
}

// aroundTaken goes to where a snapshot led whose slots an earlier revert has taken over, or that
// restore.sh has taken back, and the way came here once more since.
func (w *wayBack) aroundTaken(now manifest.Digest) error {
	why := "is not kept any more"
	if w.holds != nil {
		why = "was taken back by restore.sh"
	}
	w.holds = nil
	for _, k := range w.all {
		if k.Undoes != w.name && (k.ID != w.name || !k.turned) {
			continue
		}
		w.dest = releaseOf(k.To)
		if now == k.after {
			return nil
		}
		if steps, ok := w.path(now, k.after); ok {
			w.steps, w.holds = steps, steps[len(steps)-1]
			return nil
		}
	}
	return fmt.Errorf("%w: its snapshot %s %s", ErrNothingToRevert, w.name, why)
}

// loadKept reads the snapshot id by load.
func (u *Updater) loadKept(id string, load func(*fsys.Tree, string) (*backup.Snapshot, error)) (*kept, error) {
	snap, err := load(u.tree, id)
	if err != nil {
		return nil, err
	}
	k := &kept{Snapshot: snap}
	k.states()
	if k.after == k.before && !k.after.IsZero() { // the record does not tell whether it is turned
		if k.Snapshot, err = backup.Load(u.tree, id); err != nil {
			return nil, err
		}
		k.full = true
	}
	if k.turned, err = k.Turned(u.tree); err != nil {
		return nil, err
	}
	if k.turned {
		k.Turn()
		k.From, k.To = k.To, k.From
		k.states()
	}
	return k, nil
}

// states takes from the entries what k lies between.
func (k *kept) states() {
	for _, e := range k.Entries {
		if e.Class == backup.Record && e.Path == recordPath {
			k.after, k.before = e.New.Digest, e.Old.Digest
		}
	}
}

// fill reads all entries of k.
func (u *Updater) fill(k *kept) error {
	if k == nil || k.full {
		return nil
	}
	snap, err := backup.Load(u.tree, k.ID)
	if err != nil {
		return err
	}
	if k.turned {
		snap.Turn()
	}
	k.Entries, k.full = snap.Entries, true
	return nil
}

// stateNow is the digest of the record as it is.
func (u *Updater) stateNow() (manifest.Digest, error) {
	f, err := u.tree.OpenState(recordPath)
	if err != nil {
		return manifest.Digest{}, err
	}
	defer func() { _ = f.Close() }()
	return backup.DigestFile(f)
}

func (w *wayBack) find(id string) *kept {
	for _, k := range w.all {
		if k.ID == id {
			return k
		}
	}
	return nil
}

// match finds the snapshot that is called name, also one that was taken over, or the only
// one whose name starts so.
func match(name string, all []*kept, unread map[string]error) (string, error) {
	var names, found []string
	for _, k := range all {
		if k.Undoes == name {
			return name, nil
		}
		names = append(names, k.ID)
	}
	for id := range unread {
		names = append(names, id)
	}
	slices.Sort(names)
	slices.Reverse(names)
	for _, id := range names {
		if id == name {
			return id, nil
		}
		if strings.HasPrefix(id, name) {
			found = append(found, id)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", &UnknownSnapshotError{Name: name, Match: found, Others: names}
}

// path is the shortest way from one state to another; of several the one over the newest
// snapshots, which hold the latest edits.
func (w *wayBack) path(from, to manifest.Digest) ([]*kept, bool) {
	came := map[manifest.Digest]*kept{from: nil}
	for next := []manifest.Digest{from}; len(next) > 0; {
		at := next[0]
		next = next[1:]
		if at == to {
			var steps []*kept
			for k := came[at]; k != nil; k = came[k.after] {
				steps = append(steps, k)
			}
			slices.Reverse(steps)
			return steps, true
		}
		for _, k := range w.all {
			if _, seen := came[k.before]; k.after == at && !seen && !k.after.IsZero() {
				came[k.before] = k
				next = append(next, k.before)
			}
		}
	}
	return nil, false
}
