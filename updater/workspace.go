package updater

import (
	"path"

	"inplace/manifest"
)

// writeWorkspace lays the sides of each conflict into updates/conflicts/PATH/ as
// base, ours, theirs and, where lines were merged, merged with markers. Nothing live
// is touched. A workspace of an earlier run is replaced.
func (u *Updater) writeWorkspace(p *Plan) error {
	if err := u.tree.RemoveAll(conflictsDir); err != nil {
		return err
	}
	for i := range p.Conflicts {
		c := &p.Conflicts[i]
		dir := path.Join(conflictsDir, string(c.Path))
		if err := u.tree.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		for _, side := range []struct {
			name string
			has  bool
			data []byte
			at   *string
		}{
			{"base", c.has[0], c.base, &c.Where.Base},
			{"ours", c.has[1], c.ours, &c.Where.Ours},
			{"theirs", c.has[2], c.theirs, &c.Where.Theirs},
			{"merged", c.merged != nil, c.merged, &c.Where.Merged},
		} {
			if !side.has {
				continue
			}
			*side.at = path.Join(dir, side.name)
			if err := u.tree.WriteState(*side.at, side.data, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// openConflicts lists the paths that wait in the workspace.
func (u *Updater) openConflicts() ([]string, error) {
	out := []string{}
	var walk func(p manifest.Path) error
	walk = func(p manifest.Path) error {
		dir := path.Join(conflictsDir, string(p))
		info, err := u.tree.Lstat(dir)
		if err != nil || !info.IsDir() {
			return err
		}
		names, err := u.tree.Names(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			info, err := u.tree.Lstat(path.Join(dir, name))
			if err != nil {
				return err
			}
			if info.IsDir() {
				if err := walk(p.Join(name)); err != nil {
					return err
				}
			} else if len(out) == 0 || out[len(out)-1] != string(p) {
				out = append(out, string(p))
			}
		}
		return nil
	}
	return out, walk("")
}
