package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"inplace/manifest/repository"
)

// Writer writes a bundle. Files are added in the order of the format; the caller sees to
// it that each is what its path promises.
type Writer struct {
	w     io.Writer
	files []file
	at    int64
	seen  map[string]bool
}

// NewWriter writes a bundle to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, seen: map[string]bool{}} }

// Sum is the length and the CRC of what was written to it.
type Sum struct {
	Size int64
	CRC  uint32
}

func (s *Sum) Write(p []byte) (int, error) {
	s.Size += int64(len(p))
	s.CRC = crc32.Update(s.CRC, crc32.IEEETable, p)
	return len(p), nil
}

// Add adds the file name, which has the length and CRC of sum and is what write writes.
func (w *Writer) Add(name string, sum Sum, write func(io.Writer) error) error {
	switch {
	case name != indexName && !repository.IsPath(name):
		return fmt.Errorf("%q: is no file of a repository", name)
	case w.seen[name]:
		return fmt.Errorf("%s: is added twice", name)
	case len(w.files) > 0 && rank(name) < rank(w.files[len(w.files)-1].name):
		return fmt.Errorf("%s: is added after %s", name, w.files[len(w.files)-1].name)
	case len(w.files) == maxFiles:
		return fmt.Errorf("want at most %d files, got more", maxFiles)
	}
	f := file{name: name, at: w.at, size: sum.Size, crc: sum.CRC}
	if _, err := w.w.Write(appendLocal(nil, &f)); err != nil {
		return err
	}
	var got Sum
	if err := write(io.MultiWriter(w.w, &got)); err != nil {
		return err
	}
	if got != sum {
		return fmt.Errorf("%s: changed while it was read", name)
	}
	w.files, w.at, w.seen[name] = append(w.files, f), f.end(), true
	return nil
}

// AddBytes is Add for what is in memory.
func (w *Writer) AddBytes(name string, data []byte) error {
	var sum Sum
	_, _ = sum.Write(data)
	return w.Add(name, sum, func(to io.Writer) error { _, err := to.Write(data); return err })
}

// Close adds the index, of which it fills in what is said of all files, and the
// directory. It does not close the file.
func (w *Writer) Close(x Index) error {
	x.Schema = indexSchema
	x.list(w.files)
	data, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if len(data) > maxIndexBytes {
		return errors.New(indexName + ": is too long")
	}
	if err := w.AddBytes(indexName, data); err != nil {
		return err
	}
	var dir []byte
	for i := range w.files {
		dir = appendCentral(dir, &w.files[i])
	}
	_, err = w.w.Write(appendEnd(dir, len(w.files), int64(len(dir)), w.at))
	return err
}
