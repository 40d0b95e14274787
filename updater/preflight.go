package updater

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
)

// Sizes that a run needs besides the new contents.
const (
	blockSize  = 4096
	spareBytes = 1 << 20 // journal, logs, directories

	spareRootBytes = 64 << 10 // directories of a root's store
	spareInodes    = 32
	bytesPerStep   = 400 // in entries and restore.sh
)

// preflight adds to the plan everything that would stop it on the way, all at once.
// It writes nothing; what can only be known by trying is left to the stage.
func (u *Updater) preflight(p *Plan) error {
	root, err := u.tree.Lstat("")
	if err != nil {
		return err
	}
	u.askOneWay(p)
	if f := u.foreign(root); f != nil {
		p.Findings = append(p.Findings, *f)
	}
	u.followed(p)
	u.checkService(p)
	if waits, err := backup.Prepared(u.tree); err != nil {
		return err
	} else if waits && !u.takes(p) && (p.way == nil || len(p.entries) > 0) {
		p.Warnings = append(p.Warnings, "an update waits prepared here, and is dropped by this; prepare it again afterwards")
	}
	second, err := u.secondFinding(p)
	if err != nil {
		return err
	}
	if second != nil {
		p.Findings = append(p.Findings, *second)
	}
	roots, err := u.rootInfos(p)
	if err != nil {
		return err
	}
	parents := map[manifest.Path]bool{"": true, updatesDir: true, installedDir: true, backup.SnapshotsDir: true}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Action.Changes() {
			parents[s.Path.Parent()] = true
		}
	}
	for i := range roots {
		for _, d := range []string{"", "/" + fsys.StoreName, "/" + fsys.StoreName + "/backups"} {
			parents[roots[i].Path+manifest.Path(d)] = true
		}
	}
	euid := os.Geteuid()
	var dirs []manifest.Path
	for d := range parents {
		dirs = append(dirs, d)
	}
	slices.Sort(dirs)
	for _, d := range dirs {
		if f := u.placeable(d, infoFor(roots, d, root)); f != nil {
			p.Findings = append(p.Findings, *f)
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if !s.Action.Changes() || !s.before.Exists {
			continue
		}
		switch {
		case s.before.Immutable:
			p.Findings = append(p.Findings, Finding{Path: s.Path.String(), Reason: "is flagged immutable or append-only", Hint: "chattr -i -a the file for the run", access: true})
		case elsewhere(s.before, infoFor(roots, s.Path, root)):
			p.Findings = append(p.Findings, Finding{Path: s.Path.String(), Reason: "is a mount of its own, which cannot be exchanged", Hint: "unmount it for the run"})
		case euid > 0 && s.before.UID != euid:
			p.Findings = append(p.Findings, Finding{Path: s.Path.String(),
				Reason: fmt.Sprintf("belongs to user %d, and only root can keep that owner", s.before.UID), Hint: "run it as the owner of the installation", access: true})
		}
	}
	if err := u.keeping(p); err != nil {
		return err
	}
	if err := u.space(p, roots, root); err != nil {
		return err
	}
	return u.checkFullBackup(p)
}

// rootInfo is a root with what its directory is.
type rootInfo struct {
	backup.Root
	info fsys.Info
}

// rootInfos looks at the roots that the plan p has slots in.
func (u *Updater) rootInfos(p *Plan) ([]rootInfo, error) {
	var out []rootInfo
	for _, r := range u.rootsOf(p) {
		info, err := u.tree.Lstat(string(r.Path))
		if fsys.IsBlocked(err) || err == nil && !info.IsDir() {
			continue // a finding says so
		}
		if err != nil {
			return nil, err
		}
		out = append(out, rootInfo{r, info})
	}
	return out, nil
}

// infoFor is the directory that p's slot has to be exchanged within: a root, or home.
func infoFor(roots []rootInfo, p manifest.Path, home fsys.Info) fsys.Info {
	best, info := -1, home
	for i := range roots {
		if r := &roots[i]; p.Within(r.Path) && len(r.Path) > best {
			best, info = len(r.Path), r.info
		}
	}
	return info
}

// lookedAt makes the plan one that was only looked at: what keeps this user from
// writing here is worth a word, but nothing that stands in the way of the plan itself.
func (p *Plan) lookedAt() {
	var stay []Finding
	for _, f := range p.Findings {
		switch {
		case f.access:
			p.Warnings, p.Barred = append(p.Warnings, f.Path+": "+f.Reason), append(p.Barred, f)
		case !f.door:
			stay = append(stay, f)
		}
	}
	p.Findings = append([]Finding{}, stay...)
}

// foreign is why nothing is changed in somebody else's tree, nil in one's own: as root the new
// files would be somebody's to prepare, as another user they could not be given their owner.
func (u *Updater) foreign(root fsys.Info) *Finding {
	euid := os.Geteuid()
	if euid < 0 || root.UID == euid {
		return nil
	}
	return &Finding{Path: ".", access: true,
		Reason: fmt.Sprintf("the installation belongs to user %d, this is user %d", root.UID, euid),
		Hint:   fmt.Sprintf("sudo -u '#%d' %s", root.UID, cmp.Or(u.opt.Command, u.Home()+"/"+u.Launcher()))}
}

// elsewhere reports whether no name can be exchanged between what info tells of and the
// directory root. Where the system tells mounts apart, the device counts for directories
// only: on an overlay, files have the device of the layer that they lie in, and a
// subvolume of btrfs is a device of its own on the same mount.
func elsewhere(info, root fsys.Info) bool {
	if info.Mount != root.Mount {
		return true
	}
	return info.Dev != root.Dev && (info.Mount == 0 || info.IsDir())
}

// placeable says why no names can be exchanged in the directory, if so.
func (u *Updater) placeable(dir manifest.Path, root fsys.Info) *Finding {
	info, err := u.tree.Lstat(string(dir))
	if err != nil || !info.IsDir() {
		return nil // made by the update, or already found by the plan
	}
	name := dir.String()
	if dir == "" {
		name = "."
	}
	if elsewhere(info, root) {
		return &Finding{Path: name, Reason: "is a mount of its own or another file system than the installation, so nothing can be exchanged with it in one step",
			Hint: "unmount it for the run, or move the directory behind a link that the settings name under follow"}
	}
	if info.Immutable {
		return &Finding{Path: name, Reason: "is flagged immutable or append-only", Hint: "chattr -i -a the directory for the run", access: true}
	}
	err = u.tree.In(string(dir.Join(".")), func(d *fsys.Dir, _ string) error { return d.Writable() })
	if err != nil {
		return &Finding{Path: name, Reason: "cannot be written to: " + cause(err).Error(), Hint: "check its owner, its mode and its mount", access: true}
	}
	return nil
}

// blocks is n bytes as a file system allocates them.
func blocks(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

// space compares what the run will write with what is free, where the installation lies
// and on each other file system that a root is on.
func (u *Updater) space(p *Plan, roots []rootInfo, home fsys.Info) error {
	need := Space{NeededBytes: spareBytes, NeededInodes: spareInodes}
	apart := make([]Space, len(roots))
	for i := range roots {
		apart[i] = Space{NeededBytes: spareRootBytes, NeededInodes: spareInodes}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		need.NeededBytes += bytesPerStep
		if p.way == nil && u.prep.entry(s) != nil {
			continue // staged already
		}
		if p.way == nil && s.Theirs.Kind == manifest.File && s.Theirs.Size <= maxPristine && s.Action.Changes() {
			need.NeededBytes += s.Theirs.Size
		}
		if p.way != nil && p.way.takes {
			continue // the slots that are there are exchanged
		}
		at := &need
		for k := range roots {
			if elsewhere(roots[k].info, home) && infoFor(roots, s.Path, home) == roots[k].info {
				at = &apart[k]
			}
		}
		at.add(s)
	}
	if p.target != nil {
		need.NeededBytes += 2*blocks(int64(len(p.target.inventory.Raw))) + int64(p.target.inventory.Len())*statRecordSize
	}
	var err error
	if p.way == nil && p.in != nil {
		data, err := u.dataBytes(p.in)
		if err != nil {
			return err
		}
		need.NeededBytes += data
	}
	if need.FreeBytes, need.FreeInodes, err = u.tree.Root().Space(); err != nil {
		return err
	}
	p.Space = need
	p.short(".", "the file system of the installation", need)
	for i := range roots {
		if !elsewhere(roots[i].info, home) {
			continue
		}
		d, err := u.tree.OpenDir(string(roots[i].Path))
		if err != nil {
			return err
		}
		apart[i].FreeBytes, apart[i].FreeInodes, err = d.Space()
		d.Close()
		if err != nil {
			return err
		}
		p.short(roots[i].Path.String(), "the file system of "+manifest.Path(roots[i].Target).String(), apart[i])
	}
	return nil
}

// add counts what the step s writes beside the live files.
func (n *Space) add(s *Step) {
	switch s.Action {
	case Add, Replace, Merge:
		if s.Result.Kind == manifest.File {
			n.NeededBytes += blocks(s.Result.Size)
		}
		n.NeededInodes++
	}
	if s.copied {
		n.NeededBytes += blocks(s.before.Size)
		n.NeededInodes++
	}
}

// short adds a finding for each thing of which there is not enough.
func (p *Plan) short(path, where string, n Space) {
	if n.NeededBytes > n.FreeBytes {
		p.Findings = append(p.Findings, Finding{Path: path, Reason: fmt.Sprintf("not enough room: the run needs %d bytes, %d are free", n.NeededBytes, n.FreeBytes),
			Hint: "free some space on " + where})
	}
	if n.FreeInodes >= 0 && n.NeededInodes > n.FreeInodes {
		p.Findings = append(p.Findings, Finding{Path: path, Reason: fmt.Sprintf("not enough inodes: the run needs %d, %d are free", n.NeededInodes, n.FreeInodes),
			Hint: "remove some files on " + where})
	}
}
