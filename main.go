// Command inplace updates an installed product where it stands, and publishes its
// updates. README.md shows how.
package main

import (
	"os"

	"inplace/updater/cli"
	_ "inplace/updater/quick" // answers the start guard before anything else is set up
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "devel"

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.System(version)))
}
