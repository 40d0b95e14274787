package backup

import (
	"path"
	"slices"
	"time"

	"inplace/backup/fsys"
)

// Retention says which snapshots stay. The newest always does.
type Retention struct {
	Keep    int           // at most so many; 0: no limit
	MaxAge  time.Duration // none older; 0: no limit
	MaxSize int64         // bytes of all together; 0: no limit
}

// Excess names the snapshots that r lets go: from the oldest end, up to the first one
// that is within r or in needed, or that took back one in needed and has its slots. Oldest
// is who was made first, which names tell (see [NewID]) and clocks may not. What cannot be read as a snapshot stays and counts for
// nothing.
func Excess(tree *fsys.Tree, r Retention, now time.Time, needed ...string) ([]string, error) {
	ids, err := List(tree)
	if err != nil {
		return nil, err
	}
	type kept struct {
		head Head
		size int64
	}
	var list []kept
	var total int64
	var raw []byte // of one list after the other: several long ones are much memory
	for _, id := range ids {
		s := &Snapshot{Dir: path.Join(SnapshotsDir, id)}
		if raw, err = s.read(tree, id, raw); err != nil {
			continue
		}
		size, failed := s.Bytes, error(nil)
		err = eachEntry(s.Dir+"/entries", raw, takesRoom, func(e Entry) error {
			var n int64
			n, failed = sizeOf(tree, s.dirOf(e), e)
			size += n
			return failed
		})
		if failed != nil {
			return nil, failed
		}
		if err != nil {
			continue
		}
		list = append(list, kept{s.Head, size})
		total += size
	}
	var out []string
	for i, k := range list {
		left := len(list) - i
		over := r.Keep > 0 && left > r.Keep || r.MaxAge > 0 && now.Sub(k.head.Created) > r.MaxAge || r.MaxSize > 0 && total > r.MaxSize
		if !over || left == 1 || slices.Contains(needed, k.head.ID) || k.head.Undoes != "" && slices.Contains(needed, k.head.Undoes) {
			break
		}
		if ok, err := reachable(tree, k.head.Roots); !ok || err != nil {
			return out, err // what it has in a followed directory would stay behind
		}
		out = append(out, k.head.ID)
		total -= k.size
	}
	return out, nil
}

// Prune removes what [Excess] names, the oldest first, and returns what it has removed.
func Prune(tree *fsys.Tree, r Retention, now time.Time, needed ...string) ([]string, error) {
	ids, err := Excess(tree, r, now, needed...)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if err := Remove(tree, id); err != nil {
			return ids[:i], err
		}
	}
	return ids, nil
}

// Remove removes a snapshot. It first leaves its place in one step, so that no run that
// is interrupted here leaves half of one: what lies in the stage without a journal is
// litter, which the next run clears away, its parts in followed directories too. Where the
// stage waits prepared, the snapshot leaves through a directory in it.
func Remove(tree *fsys.Tree, id string) error {
	waits, err := Prepared(tree)
	if err != nil {
		return err
	}
	to, drop := StageDir, func() error { return DropStage(tree) }
	if waits {
		to, drop = goneDir, func() error { return DropGone(tree) }
	}
	if err := drop(); err != nil {
		return err
	}
	if err := leave(tree, id, to); err != nil {
		return err
	}
	return drop()
}
