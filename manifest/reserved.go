package manifest

import "strings"

// The parts of an installation that belong to the updater.
const (
	stateDir  = "updates"
	trustDir  = "updates/trust"
	trustRoot = "updates/trust/root.json" // shipped by a release, read when adopting
	temporary = ".inplace-tmp-"           // what is being written begins so, and what a killed run left
)

// ReservedInRelease reports whether p is a name a release must not ship: the
// updater's own files and directories below updates/ with everything in them.
// Letter case does not count, since some disks ignore it. A release may ship
// updates/product.yaml, updates/trust/root.json and any other name below
// updates/, and bin/inplace, bin/update.sh, bin/update.cmd, which are its own.
func ReservedInRelease(p Path) bool {
	first, rest, _ := strings.Cut(string(p), "/")
	if fold(first) != stateDir {
		return false
	}
	if first != stateDir {
		return true
	}
	if rest == "" || p == trustDir || p == trustRoot {
		return false
	}
	name, _, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(fold(name), temporary) {
		return true
	}
	switch fold(name) {
	case "open", "settings.yaml", "installed", "backups", "conflicts", "resolutions",
		"stage", "journal", "lock", "history.jsonl", "logs", "trust":
		return true
	}
	return false
}

// IsState reports whether p belongs to the updater, not to the product. It is
// the same set as ReservedInRelease.
func IsState(p Path) bool { return ReservedInRelease(p) }
