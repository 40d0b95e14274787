package cli

import _ "embed"

// The launchers that adopt puts into an installation's bin. They exec the first
// binary that serves the system and hand on the name by which they were called.

//go:embed launcher/update.sh
var launcherSh []byte

//go:embed launcher/update.cmd
var launcherCmd []byte

// launchers gives the texts by suffix, each call a copy.
func launchers() map[string][]byte {
	return map[string][]byte{
		"sh":  append([]byte(nil), launcherSh...),
		"cmd": append([]byte(nil), launcherCmd...),
	}
}
