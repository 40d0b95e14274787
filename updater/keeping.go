package updater

import (
	"fmt"
	"os"
	"slices"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// keeping finds what of the replaced files' groups and attributes this user cannot give
// to the new ones. Root can give all.
func (u *Updater) keeping(p *Plan) error {
	if os.Geteuid() <= 0 {
		return nil
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if !s.Action.Changes() || !s.before.IsFile() || s.Result.Kind != manifest.File || s.Action == Mode && !s.copied {
			continue
		}
		if !mine(s.before.GID) {
			p.Findings = append(p.Findings, Finding{Path: s.Path.String(), access: true,
				Reason: fmt.Sprintf("belongs to group %d, which this user is not in and so cannot keep", s.before.GID), Hint: "run it as a member of that group, or change the file's group"})
		}
		f, err := u.tree.Open(string(s.Path))
		if err != nil {
			return err
		}
		attrs, err := fsys.Xattrs(f)
		_ = f.Close()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(attrs, func(a fsys.Xattr) bool { return a.Name == "security.capability" }) {
			p.Findings = append(p.Findings, Finding{Path: s.Path.String(), access: true,
				Reason: "has file capabilities, which only root can keep", Hint: "take them off with setcap -r and set them again after the update"})
		}
	}
	return nil
}

// mine reports whether this user may give the group to a file.
func mine(gid int) bool {
	groups, err := os.Getgroups()
	return gid == os.Getegid() || err == nil && slices.Contains(groups, gid)
}
