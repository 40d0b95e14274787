package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"inplace/manifest"
)

// writePrivate replaces file by data in one step, readable for its owner alone.
func writePrivate(file string, data []byte) error {
	made, err := replaceFile(file, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
	switch {
	case err == nil:
		return nil
	case !made:
		return usage(manifest.Path(file).String()+": "+bareCause(err).Error(), "name a file in a directory that can be written to")
	}
	return fmt.Errorf("%s: %w", manifest.Path(file), bareCause(err))
}

// replaceFile writes a file aside, readable for its owner alone, and renames it into
// place. made is false where no file could be made in that directory.
func replaceFile(file string, write func(*os.File) error) (made bool, err error) {
	f, err := os.CreateTemp(filepath.Dir(file), ".inplace-*")
	if err != nil {
		return false, err
	}
	err = errors.Join(write(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return true, err
}

// bareCause is err without the names that the system's calls put in front.
func bareCause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
