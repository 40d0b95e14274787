package updater

import (
	"context"
	"os"
	"slices"

	"inplace/backup"
	"inplace/backup/fsys"
)

// open opens an empty stage, or the one that waits prepared.
func (s *stager) open() (*backup.Stage, error) {
	roots := s.u.rootsOf(s.plan)
	if !s.u.takes(s.plan) {
		return backup.NewStage(s.u.tree, roots...)
	}
	stage, err := backup.OpenStage(s.u.tree, s.u.prep.entries, roots...)
	if fsys.IsBlocked(err) { // somebody has been at it
		return backup.NewStage(s.u.tree, roots...)
	}
	s.prep = s.u.prep
	for _, e := range s.prep.entries {
		s.next = max(s.next, e.Slot+1)
	}
	return stage, err
}

// takeOver gives each job whose path was prepared the slot from then, and returns those
// that are left: the path is new, its file here has changed, or the slot is not what was
// put there. Every slot is read and compared.
func (s *stager) takeOver(ctx context.Context, jobs []job) ([]job, error) {
	take := make([]bool, len(jobs))
	if s.prep != nil {
		all := make([]int, len(jobs))
		for i := range all {
			all[i] = i
		}
		err := inParallel(ctx, all, func(i int) (err error) {
			take[i], err = s.takeSlot(jobs[i])
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var left []job
	for i, j := range jobs {
		if take[i] {
			continue
		}
		left = append(left, j)
		s.total += j.entry.New.Size
	}
	s.anew = len(left)
	s.u.event(PhaseStage, "progress", "", 0, s.total)
	return left, nil
}

// takeSlot takes over the slot for one path, if it can be.
func (s *stager) takeSlot(j job) (bool, error) {
	was := s.prep.entry(j.step)
	if was == nil || was.New.UID != j.entry.New.UID || was.New.GID != j.entry.New.GID {
		return false, nil
	}
	var attrs []fsys.Xattr
	var old *os.File
	var err error
	if was.New.Kind == backup.File {
		if old, attrs, err = s.oldFile(j.step); err != nil {
			return false, err
		}
	}
	if old != nil {
		defer func() { _ = old.Close() }()
	}
	ok, err := s.stage.Holds(*was, attrs)
	if err != nil || !ok {
		return false, err
	}
	j.entry.Slot = was.Slot
	if old != nil && j.step.copied {
		if err := s.putOld(j, old, attrs); err != nil {
			return false, err
		}
	}
	if j.step.merged {
		return true, s.stage.PutLeft(j.entry.New.Digest, j.step.content)
	}
	return true, nil
}

// fetchStaged is fetch from what was prepared: from a slot that holds the content, or from
// the shipped texts that were kept then. ok is false where neither has it.
func (s *stager) fetchStaged(want backup.State, f *os.File) (ok bool, err error) {
	if s.prep == nil {
		return false, nil
	}
	if e := s.prep.byDigest[want.Digest]; e != nil {
		if s.stage.Content(*e, f) == nil {
			return true, nil
		}
		if _, err := f.Seek(0, 0); err != nil {
			return false, err
		}
		if err := f.Truncate(0); err != nil {
			return false, err
		}
	}
	data, err := s.kept(want.Digest)
	if err != nil {
		return false, nil
	}
	_, err = f.Write(data)
	return true, err
}

// stagedEntries are the entries of the slots that a later run may take over.
func (s *stager) stagedEntries() []backup.Entry {
	return slices.DeleteFunc(slices.Clone(s.entries), func(e backup.Entry) bool {
		return e.Slot == backup.NoSlot || e.New.Kind != backup.File && e.New.Kind != backup.Link
	})
}
