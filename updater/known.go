package updater

import (
	"slices"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/conflict"
)

// Known is what an installation knows without asking anybody, for suggestions. Nothing of
// it is verified again.
type Known struct {
	Levels    map[string][]int64 // of each channel seen, rising
	Snapshots []string           // IDs, the oldest first
	Runs      []string           // IDs, the oldest first
	Conflicts []manifest.Path    // that wait, sorted
}

// KnownOf reads what the installation at home knows; what cannot be read is left out. It
// writes nothing and takes no lock.
func KnownOf(home string) Known {
	var k Known
	tree, err := fsys.Open(home)
	if err != nil {
		return k
	}
	defer tree.Close()
	if trust, err := readTrust(tree); err == nil {
		k.Levels = trust.Levels()
	}
	k.Snapshots, _ = backup.List(tree) // what cannot be read cannot be suggested
	list, _ := (&Updater{tree: tree}).History()
	for _, e := range list {
		if run := e.run(); backup.ValidID(run) && !slices.Contains(k.Runs, run) {
			k.Runs = append(k.Runs, run)
		}
	}
	if rec, _ := conflict.ReadRecord(tree); rec != nil {
		for _, f := range rec.Files {
			k.Conflicts = append(k.Conflicts, manifest.Path(f.Path))
		}
	}
	return k
}
