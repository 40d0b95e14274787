package updater

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/updater/settings"
)

// absent lists, the deepest first, what adopt would make and is not there yet.
func (a *adopter) absent() ([]string, error) {
	var out []string
	for _, p := range []string{
		recordPath, manifestPath, inventoryPath, statPath, baseDir, trustPath, settingsPath, historyPath, lockPath,
		installedDir, "updates/trust", backup.SnapshotsDir, updatesDir,
		a.binary(), "bin/" + a.opt.Launcher + ".sh", "bin/" + a.opt.Launcher + ".cmd", "bin",
	} {
		info, err := a.tree.Lstat(p)
		if err != nil {
			return nil, err
		}
		if !info.Exists {
			out = append(out, p)
		}
	}
	return out, nil
}

// clearUp takes away what a failed adopt has made, as far as it can: the directory is
// then as it was before. Directories go only when they are empty.
func (a *adopter) clearUp(made []string) {
	for _, p := range made {
		if p == baseDir {
			_ = a.tree.RemoveAll(p)
			continue
		}
		_ = a.tree.In(p, func(d *fsys.Dir, name string) error {
			_ = d.Remove(fsys.TempPrefix + name)
			info, err := d.Lstat(name)
			switch {
			case err != nil || !info.Exists:
				return err
			case info.IsDir():
				return d.Rmdir(name)
			}
			return d.Remove(name)
		})
	}
}

// binary is where the program goes.
func (a *adopter) binary() string {
	if filepath.Ext(a.opt.Executable) == ".exe" {
		return "bin/inplace.exe"
	}
	return "bin/inplace"
}

// write lays down everything; the record of what is installed comes last, so that
// an interrupted adopt has adopted nothing and is simply run again.
func (a *adopter) write(ctx context.Context, base *level) error {
	t := a.tree
	for _, dir := range []string{"bin", updatesDir} {
		if err := t.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, dir := range []string{"updates/trust", installedDir, backup.SnapshotsDir} {
		if err := t.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := t.In(dir, func(d *fsys.Dir, name string) error { return d.Chmod(name, 0o700) }); err != nil {
			return err
		}
	}
	lock, err := t.Lock(lockPath)
	if err != nil {
		return err
	}
	defer lock.Release()
	rec := &record{
		Product: base.manifest.Product.Name, Version: base.manifest.Product.Version, Level: base.Level, Channel: base.Channel,
		Released: base.manifest.Released, Engine: a.opt.Engine,
	}
	if rec.Placed, err = a.place(base); err != nil {
		return err
	}
	if err := a.settings(); err != nil {
		return err
	}
	if err := saveTrust(t, a.client.State()); err != nil {
		return err
	}
	if err := a.pristine(ctx, base); err != nil {
		return err
	}
	files := recordFiles(rec, base.raw, base.inventory)
	for _, path := range []string{inventoryPath, manifestPath, recordPath} {
		if path == recordPath {
			a.cache(base, rec.Placed)
			u := &Updater{opt: Options{Engine: a.opt.Engine, Now: a.opt.Now}, tree: t}
			u.note(appendHistory(t, HistoryEntry{Time: a.opt.Now().UTC().Truncate(time.Second), By: actor(), Action: "adopt", From: base.Level,
				To: base.Level, Channel: base.Channel, Version: rec.Version, Result: "done", Engine: a.opt.Engine}))
		}
		if err := t.WriteState(path, files[manifest.Path(path)], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// place copies the updater and its launchers into bin/, unless the release ships
// them, and says what it has put there.
func (a *adopter) place(base *level) ([]placed, error) {
	var out []placed
	exe, err := os.Open(a.opt.Executable)
	if err != nil {
		return nil, err
	}
	defer func() { _ = exe.Close() }()
	for _, f := range []struct {
		path string
		fill func() (io.ReadSeeker, error)
	}{
		{a.binary(), func() (io.ReadSeeker, error) { _, err := exe.Seek(0, io.SeekStart); return exe, err }},
		{"bin/" + a.opt.Launcher + ".sh", func() (io.ReadSeeker, error) { return bytes.NewReader(a.opt.Scripts["sh"]), nil }},
		{"bin/" + a.opt.Launcher + ".cmd", func() (io.ReadSeeker, error) { return bytes.NewReader(a.opt.Scripts["cmd"]), nil }},
	} {
		p := manifest.Path(f.path)
		info, err := a.tree.Lstat(f.path)
		if err != nil {
			return nil, err
		}
		if base.inventory.Find(p) != nil && info.Exists {
			continue // the release's own
		}
		src, err := f.fill()
		if err != nil {
			return nil, err
		}
		e, err := a.install(p, src)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		a.out.Placed = append(a.out.Placed, p)
	}
	return out, nil
}

// install writes one file of bin/, executable, in one step.
func (a *adopter) install(p manifest.Path, src io.ReadSeeker) (placed, error) {
	e := placed{Path: p, Mode: 0o755}
	err := a.tree.In(string(p), func(d *fsys.Dir, name string) error {
		tmp := fsys.TempPrefix + name
		if err := d.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f, err := d.Create(tmp)
		if err != nil {
			return err
		}
		e.Size, err = io.Copy(f, src)
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err == nil {
			e.Digest, err = backup.DigestFile(f)
		}
		if err == nil {
			err = f.Chmod(0o755)
		}
		if err == nil {
			err = f.Sync()
		}
		if e := f.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = d.Rename(tmp, d, name)
		}
		if err != nil {
			_ = d.Remove(tmp)
			return err
		}
		return d.Sync()
	})
	return e, err
}

// settings writes the first settings file, or sets source and channel in one that
// is there.
func (a *adopter) settings() error {
	data, err := a.tree.ReadState(settingsPath, settings.MaxBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s := settings.Default()
		s.Source, s.Channel, s.Launcher, s.Follow = a.opt.Source, a.opt.Channel, a.opt.Launcher, a.opt.Follow
		data, err = settings.Render(&s)
	case err == nil:
		for _, kv := range [][2]string{{"source", a.opt.Source}, {"channel", a.opt.Channel}, {"launcher", a.opt.Launcher}} {
			if data, err = settings.Set(data, kv[0], kv[1]); err != nil {
				return err
			}
		}
		for _, p := range a.opt.Follow {
			if !slices.Contains(a.named, p) {
				if data, err = settings.AppendList(data, "follow", string(p)); err != nil {
					return err
				}
			}
		}
	}
	if err != nil {
		return err
	}
	return a.tree.WriteState(settingsPath, data, 0o600)
}

// pristine keeps the shipped contents of the level's text files: from the disk where
// they are untouched, else from the repository.
func (a *adopter) pristine(ctx context.Context, base *level) error {
	w, err := newPack(a.tree, base.Level, base.Digest)
	if err != nil {
		return err
	}
	a.ahead = readAhead(ctx, a.client, func() (edited []*manifest.Entry) {
		for _, e := range base.inventory.All() {
			if l := a.files.at(e.Path); keepable(&e) && !l.same(&e) {
				edited = append(edited, &e)
			}
		}
		return edited
	})
	defer a.ahead.close()
	for _, e := range base.inventory.All() {
		if _, ok := w.seen[e.Digest]; ok || !keepable(&e) {
			continue
		}
		var data []byte
		if err = cancelled(ctx); err == nil {
			data, err = a.content(ctx, &e)
		}
		if err == nil && manifest.IsText(data) {
			err = w.add(e.Digest, data)
		}
		if err != nil {
			w.abandon()
			return err
		}
	}
	return w.close(true)
}

func (a *adopter) content(ctx context.Context, e *manifest.Entry) ([]byte, error) {
	if l := a.files.at(e.Path); l.same(e) {
		if f, err := a.tree.Open(string(e.Path)); err == nil {
			data, err := io.ReadAll(io.LimitReader(f, maxPristine+1))
			_ = f.Close()
			if err == nil && manifest.DigestOf(data) == e.Digest {
				return data, nil
			}
		}
	}
	return a.ahead.get(ctx, a.client, e)
}

// cache writes the stat cache: everything was just read.
func (a *adopter) cache(base *level, own []placed) {
	learnt := make(map[manifest.Path]known, len(own))
	for _, f := range own {
		if info, err := a.tree.Lstat(string(f.Path)); err == nil && info.IsFile() && info.Size == f.Size {
			learnt[f.Path] = known{info, f.Digest}
		}
	}
	fillStats(a.tree, base.inventory, func(p manifest.Path) (known, bool) {
		l := a.files.at(p)
		return known{l.info, l.digest}, l.info.IsFile()
	}, learnt, nil, nil)
}
