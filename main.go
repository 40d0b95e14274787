// Command inplace updates an installed product where it stands, and publishes its
// updates. README.md shows how.
package main

import (
	"os"

	"inplace/updater/cli"
	"inplace/updater/quick" // answers what it can before anything else is set up
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.System(quick.Version)))
}
