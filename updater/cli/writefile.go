package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"inplace/manifest"
	"inplace/updater"
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

// mayWrite refuses a file that --flag names where it belongs to the installation.
func (r *run) mayWrite(flag, file string, opt updater.Options) error {
	switch {
	case file == "":
		return nil
	case file == "-" && flag == "-o":
		return usage(flag+" wants a file, got -", "leave "+flag+" out to print it")
	}
	if err := updater.MayWrite(opt, file); err != nil {
		return usage(flag+" "+err.Error(), "name another file")
	}
	return nil
}

// unwrittenError is a file of the operator's choice that could not be written to the end.
type unwrittenError struct {
	name string
	err  error
}

func (e *unwrittenError) Error() string { return e.name + ": " + bareCause(e.err).Error() }

// Unwrap returns why.
func (e *unwrittenError) Unwrap() error { return e.err }

// notWritten is the error of replaceFile for the what that --flag puts into file.
func notWritten(flag, file, what string, made bool, err error) error {
	name := "--" + flag + " " + place(file).String()
	if made {
		return &unwrittenError{name, err}
	}
	return usage(name+": "+bareCause(err).Error(), "the "+what+" was not written; choose another file")
}

// replaceFile writes a file aside, readable for its owner alone, and renames it into
// place, or to where a link there leads. What is a device or a pipe is written to. made is false
// where no file could be made in that directory, and not for want of room.
func replaceFile(file string, write func(*os.File) error) (made bool, err error) {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return false, err
		}
		return true, errors.Join(write(f), f.Close())
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".inplace-*")
	if err != nil {
		return errors.Is(err, syscall.ENOSPC), err
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
