package fsys

// resolve does not follow links here: what stands behind one may be held by other rules
// than those of a link.
func (t *Tree) resolve(path string) (*followed, error) {
	return nil, &FollowError{Path: path, Target: "another directory", Reason: "is not followed on this system"}
}

func (d *Dir) lstat(name string) (Info, error) { return d.Lstat(name) }

// above is never asked: nothing is followed here.
func (d *Dir) above() ([]id, error) { return nil, nil }
