package cli

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The sample product of the demo: two levels of a small server, and notes.

//go:embed all:demo
var demoFiles embed.FS

// writeDemo writes the embedded directory from to the directory to. Embedding loses
// modes: scripts become executable.
func writeDemo(from, to string) error {
	return fs.WalkDir(demoFiles, "demo/"+from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, filepath.FromSlash(strings.TrimPrefix(path, "demo/"+from)))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := demoFiles.ReadFile(path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(path, ".sh") {
			mode = 0o755
		}
		return os.WriteFile(target, data, mode)
	})
}

// replaceInFile is an operator with an editor: old, which must be there, becomes new.
func replaceInFile(path, old, new string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), old) {
		return fmt.Errorf("%s: want %q in it", path, old)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), info.Mode())
}

// treeDigests lists what lies below root, a line for each path with kind, mode and
// digest or target, sorted. What the updater keeps for itself is left out.
func treeDigests(root string) ([]string, error) {
	var lines []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() && strings.HasPrefix(rel, "updates/") {
			return fs.SkipDir
		}
		if strings.HasPrefix(rel, "updates/") && rel != "updates/product.yaml" {
			return nil
		}
		line, err := pathDigest(path, rel)
		lines = append(lines, line)
		return err
	})
	slices.Sort(lines)
	return lines, err
}

func pathDigest(path, rel string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	switch {
	case info.Mode().IsRegular():
		data, err := os.ReadFile(path)
		return fmt.Sprintf("%s %v %x", rel, info.Mode(), sha256.Sum256(data)), err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return fmt.Sprintf("%s link %s", rel, target), err
	}
	return fmt.Sprintf("%s %v", rel, info.Mode()), nil
}

// different lists the lines that only one of two sorted lists has, marked - and +.
func different(old, new []string) []string {
	var out []string
	for _, l := range old {
		if _, ok := slices.BinarySearch(new, l); !ok {
			out = append(out, "-"+l)
		}
	}
	for _, l := range new {
		if _, ok := slices.BinarySearch(old, l); !ok {
			out = append(out, "+"+l)
		}
	}
	return out
}
