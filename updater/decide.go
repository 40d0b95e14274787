package updater

import (
	"inplace/backup/fsys"
	"inplace/manifest"
)

// live is a path as the installation has it.
type live struct {
	info   fsys.Info
	digest manifest.Digest // of a file; zero while nothing had to be read
	target string          // of a link
}

func (l *live) kind() manifest.Kind {
	switch {
	case !l.info.Exists:
		return manifest.Absent
	case l.info.IsFile():
		return manifest.File
	case l.info.IsDir():
		return manifest.Dir
	case l.info.IsLink():
		return manifest.Link
	}
	return manifest.Other
}

// same reports whether l has the kind and content of e; nil is absent.
func (l *live) same(e *manifest.Entry) bool {
	if e == nil {
		return !l.info.Exists
	}
	if l.kind() != e.Kind {
		return false
	}
	switch e.Kind {
	case manifest.File:
		return l.info.Size == e.Size && l.digest == e.Digest
	case manifest.Link:
		return l.target == e.Target
	}
	return true
}

// side is l as a plan records it.
func (l *live) side() Side {
	s := Side{Kind: l.kind(), Digest: l.digest, Target: l.target, UID: l.info.UID, GID: l.info.GID}
	if s.Kind == manifest.File || s.Kind == manifest.Dir {
		s.Mode = l.info.Perm()
	}
	if s.Kind == manifest.File {
		s.Size = l.info.Size
	}
	return s
}

func sideOf(e *manifest.Entry) Side {
	if e == nil {
		return Side{Kind: manifest.Absent}
	}
	return Side{Kind: e.Kind, Mode: e.Mode, Size: e.Size, Digest: e.Digest, Target: e.Target}
}

// verdict is the fate of a path before any file was merged.
type verdict struct {
	action Action
	reason string
	merge  bool // the contents have to be merged before action holds
}

// Reasons that more than one place gives.
const (
	reasonNew       = "new in this release"
	reasonChanged   = "changed in this release"
	reasonGone      = "not in this release any more"
	reasonThere     = "is already as this release ships it"
	reasonYours     = "you edited it, this release does not change it"
	reasonStays     = "you deleted it, this release does not change it"
	reasonInTheWay  = "there is one of your own where this release adds its own"
	reasonYouRemove = "you deleted it, this release changes it"
	reasonYouEdit   = "you edited it, this release removes it"
	reasonMode      = "you and this release both changed its mode"
)

// decide is the table of DESIGN.md for one path: base, ours and theirs, nil being
// absent; at least two of the three differ in base and theirs. The content of ours has
// been read where its kind and size leave it open. Directories' own rules (they go
// with their last file) are in dirs.go.
func decide(base *manifest.Entry, ours *live, theirs *manifest.Entry) verdict {
	switch {
	case base == nil && theirs == nil:
		return verdict{action: Keep}
	case base == nil: // added
		switch {
		case !ours.info.Exists:
			return verdict{action: Add, reason: reasonNew}
		case ours.same(theirs):
			return verdict{action: Same, reason: reasonThere}
		}
		return verdict{action: Conflict, reason: reasonInTheWay}
	case theirs == nil: // removed
		switch {
		case !ours.info.Exists:
			return verdict{action: Same, reason: "you deleted it, and so does this release"}
		case ours.same(base):
			return verdict{action: Remove, reason: reasonGone}
		}
		return verdict{action: Conflict, reason: reasonYouEdit}
	}
	// changed
	sameContent := base.SameContent(theirs)
	switch {
	case !ours.info.Exists && sameContent:
		return verdict{action: Deleted, reason: reasonStays}
	case !ours.info.Exists:
		return verdict{action: Conflict, reason: reasonYouRemove}
	case ours.same(theirs):
		return decideMode(base, ours, theirs, verdict{action: Same, reason: reasonThere})
	case ours.same(base):
		return decideMode(base, ours, theirs, verdict{action: Replace, reason: reasonChanged})
	case sameContent:
		return decideMode(base, ours, theirs, verdict{action: Keep, reason: reasonYours})
	case ours.kind() != base.Kind:
		return verdict{action: Conflict, reason: "you made it a " + ours.kind().String() + ", this release changes it"}
	case base.Kind == manifest.File && theirs.Kind == manifest.File:
		return decideMode(base, ours, theirs, verdict{action: Merge, reason: "you and this release both changed it", merge: true})
	}
	return verdict{action: Conflict, reason: "you edited it, this release makes it a " + theirs.Kind.String()}
}

// decideMode adds the mode's own three-way rule to what the content decided.
func decideMode(base *manifest.Entry, ours *live, theirs *manifest.Entry, v verdict) verdict {
	mode, ok := mergeMode(base, ours, theirs)
	if !ok {
		return verdict{action: Conflict, reason: reasonMode}
	}
	if fsys.HasModes && (v.action == Same || v.action == Keep) && hasMode(theirs) && ours.info.Perm() != mode {
		return verdict{action: Mode, reason: "its mode changes in this release"}
	}
	return v
}

func hasMode(e *manifest.Entry) bool {
	return e != nil && (e.Kind == manifest.File || e.Kind == manifest.Dir)
}

// mergeMode is the mode that the path gets. Releases carry mode & 0755, so an
// installation's group and other write bits alone are no edit, and stay unless the
// vendor changes the mode. It fails where both sides changed it differently.
func mergeMode(base *manifest.Entry, ours *live, theirs *manifest.Entry) (uint32, bool) {
	if !hasMode(theirs) {
		return 0, true
	}
	if !fsys.HasModes || !hasMode(base) || base.Kind != theirs.Kind || ours.kind() != theirs.Kind {
		return theirs.Mode, true
	}
	mine := ours.info.Perm()
	switch {
	case base.Mode == theirs.Mode:
		return mine, true
	case mine&0o755 == base.Mode:
		return theirs.Mode, true
	case mine&0o755 == theirs.Mode:
		return mine, true
	}
	return 0, false
}
