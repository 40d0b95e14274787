package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/manifest"
)

// home is the installation that a command works on: --home, or the folder above the
// bin that this program lies in.
func (r *run) home(c *cli.Context) (string, error) {
	if r.homeDir = c.String("home"); r.homeDir != "" {
		r.name += " --home " + shellQuote(r.homeDir)
		return r.homeDir, nil
	}
	const hint = "run the launcher in the bin of the installation, or give --home DIR"
	exe, err := r.executable()
	if err != nil {
		return "", usage(fmt.Sprintf("where this program lies cannot be found out: %v", err), hint)
	}
	bin, _ := filepath.Split(exe)
	bin = filepath.Clean(bin)
	if filepath.Base(bin) != "bin" {
		return "", usage(exe+": this program does not lie in the bin of an installation", hint)
	}
	r.homeDir = filepath.Dir(bin)
	return r.homeDir, nil
}

// ownHome is the installation that the command line is about, "" where there is none.
func (r *run) ownHome(c *cli.Context) string {
	if home := c.String("home"); home != "" {
		return home
	}
	if r.command == cmdAdopt {
		return c.Args().First()
	}
	if exe, err := r.executable(); err == nil && filepath.Base(filepath.Dir(exe)) == "bin" {
		return filepath.Dir(filepath.Dir(exe))
	}
	return ""
}

// executable is the file of this program, links resolved.
func (r *run) executable() (string, error) {
	exe, err := r.env.Executable()
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(exe)
}

// shell is a command line of this program as the operator would type it.
func (r *run) shell(args ...string) string { return commandOf(r.name, args) }

// commandLine is the command line as it was typed.
func (r *run) commandLine() string { return commandOf(r.typed, r.args) }

func commandOf(name string, args []string) string {
	words := []string{name}
	for _, a := range args {
		words = append(words, shellQuote(a))
	}
	return strings.Join(words, " ")
}

// place is a path of this system, as it is printed: escaped as a [manifest.Path] is,
// but for the backslashes that separate it on Windows.
type place string

func (p place) String() string {
	s := manifest.Path(p).String()
	if filepath.Separator == '\\' {
		s = strings.ReplaceAll(s, `\\`, `\`)
	}
	return s
}
