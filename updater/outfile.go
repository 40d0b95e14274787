package updater

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"inplace/manifest"
)

// ErrOurs is returned for a file that is not to be replaced by what a command writes for its user.
var ErrOurs = errors.New("belongs to the installation, and is not replaced")

// MayWrite refuses a file that a command is to write for its user, where that would take the
// place of what the installation of opt has: a path of the release, configuration, data, or
// anything of the updater's. Any other file may be written, and written again. Where the
// installation cannot be read, nothing that lies in it is replaced.
func MayWrite(opt Options, file string) error {
	u, err := Open(opt)
	if err != nil {
		if _, e := os.Lstat(file); e == nil && LiesIn(opt.Home, filepath.Dir(file)) {
			return fmt.Errorf("%s: %w", manifest.Path(file), ErrOurs)
		}
		return nil
	}
	defer u.Close()
	p, ok := u.pathOf(file)
	if !ok {
		return nil
	}
	refused := fmt.Errorf("%s: %w", manifest.Path(file), ErrOurs)
	if manifest.IsState(p) {
		return refused
	}
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	in, err := readInstalled(u.tree)
	if err != nil {
		return refused
	}
	rules, err := in.manifest.Rules.Compile()
	if err != nil {
		return refused
	}
	class := rules.Class(p)
	if in.inventory.Index(p) >= 0 || in.placedEntry(p) != nil || class == manifest.Config || class == manifest.Data {
		return refused
	}
	return nil
}

// pathOf is what file, or what a link there leads to, is in the installation.
func (u *Updater) pathOf(file string) (manifest.Path, bool) {
	names := []string{absolute(file)}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(names[0])); err == nil {
		names = append(names, filepath.Join(dir, filepath.Base(names[0])))
	}
	if real, err := filepath.EvalSymlinks(names[0]); err == nil {
		names = append(names, real)
	}
	homes := map[string]string{u.tree.Path(): "", absolute(u.opt.Home): ""}
	for _, dir := range u.tree.Followed() {
		homes[u.tree.RealPath(dir)] = dir
	}
	for _, name := range names {
		for home, dir := range homes {
			if rel, err := filepath.Rel(home, name); err == nil && filepath.IsLocal(rel) && rel != "." {
				return manifest.Path(dir).Join(filepath.ToSlash(rel)), true
			}
		}
	}
	return "", false
}
