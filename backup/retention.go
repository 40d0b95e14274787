package backup

import (
	"errors"
	"path"
	"slices"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// Retention says which snapshots stay. The newest always does.
type Retention struct {
	Keep    int           // at most so many; 0: no limit
	MaxAge  time.Duration // none older; 0: no limit
	MaxSize int64         // bytes on disk of all together; 0: no limit
}

// Excess names the snapshots that r lets go: from the oldest end, up to the first one
// that is within r or in needed, or that took back one in needed and has its slots. Oldest
// is who was made first, which names tell (see [NewID]) and clocks may not. A snapshot whose head or
// list is damaged goes when it is the oldest and a whole one would, but counts for nothing; where its head cannot tell that it took
// back one in needed, and may have, it stays. So does what was never a snapshot, or is one of a newer program.
func Excess(tree *fsys.Tree, r Retention, now time.Time, needed ...string) ([]string, error) {
	ids, err := List(tree)
	if err != nil {
		return nil, err
	}
	type kept struct {
		id      string
		head    Head
		made    time.Time
		size    int64
		damaged bool
	}
	var list []kept
	var total int64
	whole := 0
	var raw []byte // of one list after the other: several long ones are much memory
	for _, id := range ids {
		s := &Snapshot{Dir: path.Join(SnapshotsDir, id)}
		if raw, err = s.read(tree, id, raw); err != nil {
			var damaged *DamagedError
			if made, e := madeAt(id); e == nil && errors.As(err, &damaged) {
				list = append(list, kept{id, s.Head, made, 0, true})
			}
			continue
		}
		size, err := s.atMost(tree, raw)
		if err != nil {
			return nil, err
		}
		list = append(list, kept{id, s.Head, s.Created, size, false})
		total += size
		whole++
	}
	if r.MaxSize > 0 && total > r.MaxSize { // perhaps: it has to be known
		total = 0
		for i := range list {
			k := &list[i]
			if k.damaged {
				continue
			}
			s := Snapshot{Head: k.head, Dir: path.Join(SnapshotsDir, k.id)}
			if k.size, err = s.DiskSize(tree); err != nil {
				return nil, err
			}
			total += k.size
		}
	}
	var out []string
	for _, k := range list {
		if !k.damaged {
			whole--
		}
		left := whole + 1
		over := r.Keep > 0 && left > r.Keep || r.MaxAge > 0 && now.Sub(k.made) > r.MaxAge || r.MaxSize > 0 && total > r.MaxSize
		if !over || left == 1 || slices.ContainsFunc(needed, func(n string) bool {
			return n != "" && (n == k.id || n == k.head.Undoes || k.head.ID != k.id && !slices.Contains(ids, n))
		}) {
			break
		}
		if ok, err := reachable(tree, k.head.Roots); !ok || err != nil {
			return out, err // what it has in a followed directory would stay behind
		}
		out = append(out, k.id)
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
	var roots []Root // all, since a damaged head cannot tell
	for _, p := range tree.Followed() {
		roots = append(roots, Root{Path: manifest.Path(p)})
	}
	if err := dropTwins(tree, id, roots); err != nil {
		return err
	}
	return drop()
}
