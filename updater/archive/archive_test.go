package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inplace/manifest"
)

var moment = time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600))

func file(path, text string, mode uint32) Entry {
	return Entry{Path: path, Kind: manifest.File, Mode: mode, Size: int64(len(text)),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func tree() []Entry {
	return []Entry{
		{Path: "bin", Kind: manifest.Dir, Mode: 0o755}, file("bin/run", "#!/bin/sh\n", 0o755),
		{Path: "conf", Kind: manifest.Dir, Mode: 0o700}, file("conf/empty", "", 0o644), {Path: "conf/link", Kind: manifest.Link, Target: "empty"},
		file("zeros", strings.Repeat("\x00", 300<<10), 0o600),
	}
}

// names lists what lies in dir, so that nothing left behind goes unnoticed.
func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestFormOf(t *testing.T) {
	for name, want := range map[string]Form{
		"x.tar.zst": TarZstd, "X.TAR.ZST": TarZstd, "a/b.zip": Zip, "B.Zip": Zip, "dir": Directory, "acme-4.2": Directory, "x.zip/": Directory,
		"": "", "-": "", "x.tar": "", "x.tar.gz": "", "x.tgz": "", "x.tar.xz": "", "x.zst": "", "x.7z": "",
	} {
		got, err := FormOf(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: want %q, got %q, %v", name, want, got, err)
		}
	}
}

// TestSameBytes: time zone, fractions of seconds, and how contents come in pieces do
// not show.
func TestSameBytes(t *testing.T) {
	for _, form := range []Form{TarZstd, Zip} {
		dir := t.TempDir()
		var digests []manifest.Digest
		for i, at := range []time.Time{moment, moment.UTC().Truncate(time.Second)} {
			entries := tree()
			if i == 1 {
				for k := range entries {
					if open := entries[k].Open; open != nil {
						entries[k].Open = func(ctx context.Context) (io.ReadCloser, error) {
							r, err := open(ctx)
							return io.NopCloser(oddReader{r}), err
						}
					}
				}
			}
			to := filepath.Join(dir, fmt.Sprint(i, ".", form))
			res, err := Write(t.Context(), to, form, entries, Options{Time: at})
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(to)
			if err != nil || manifest.DigestOf(data) != res.Digest || int64(len(data)) != res.Bytes {
				t.Errorf("%s: %d bytes, %v; told: %+v", form, len(data), err, res)
			}
			digests = append(digests, res.Digest)
		}
		if digests[0] != digests[1] {
			t.Errorf("%s: two runs gave %s and %s", form, digests[0], digests[1])
		}
	}
}

// oddReader gives few bytes at a time.
type oddReader struct{ r io.Reader }

func (o oddReader) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 777)]) }

// TestNothingWhole: whatever goes wrong, nothing has the name and nothing else is left.
func TestNothingWhole(t *testing.T) {
	boom := errors.New("boom")
	broken := func(read func([]byte) (int, error)) []Entry {
		list := tree()
		list[5].Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(readerFunc(read)), nil }
		return list
	}
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(boom)
	for what, c := range map[string]struct {
		ctx     context.Context
		entries []Entry
		want    string
	}{
		"cannot be read": {t.Context(), broken(func([]byte) (int, error) { return 0, boom }), "pack zeros: boom"},
		"too short":      {t.Context(), broken(func([]byte) (int, error) { return 0, io.EOF }), "pack zeros: has 0 bytes, want 307200"},
		"too long":       {t.Context(), broken(func(p []byte) (int, error) { return len(p), nil }), "has more than 307200 bytes"},
		"cancelled":      {cancelled, tree(), ""},
	} {
		for _, form := range []Form{TarZstd, Zip, Directory} {
			dir := t.TempDir()
			_, err := Write(c.ctx, filepath.Join(dir, "x"), form, c.entries, Options{Time: moment})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: want an error with %q, got %v", what, form, c.want, err)
			}
			if left := names(t, dir); left != "" {
				t.Errorf("%s, %s: left behind: %s", what, form, left)
			}
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestDirectoryFaults lets each operation on the directory fail in turn.
func TestDirectoryFaults(t *testing.T) {
	boom := errors.New("boom")
	for n := 1; ; n++ {
		dir, count := t.TempDir(), 0
		_, err := Write(t.Context(), filepath.Join(dir, "x"), Directory, tree(), Options{Time: moment, fault: func(string, string) error {
			if count++; count == n {
				return boom
			}
			return nil
		}})
		if count < n {
			if err != nil || n < 15 {
				t.Fatalf("clean run after %d operations: %v", count, err)
			}
			return
		}
		if !errors.Is(err, boom) {
			t.Errorf("operation %d: the fault was swallowed: %v", n, err)
		}
		if left := names(t, dir); left != "" {
			t.Errorf("operation %d: left behind: %s", n, left)
		}
	}
}

// TestNeverOverwrites: also not what appears while the archive is written.
func TestNeverOverwrites(t *testing.T) {
	for _, form := range []Form{TarZstd, Zip, Directory} {
		dir := t.TempDir()
		to := filepath.Join(dir, "x")
		late := tree()
		late[0] = file("a", "late", 0o644)
		late[0].Open = func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("late")), os.WriteFile(to, []byte("mine"), 0o644)
		}
		late = append(late[:1], tree()...)
		_, err := Write(t.Context(), to, form, late, Options{Time: moment})
		if !errors.Is(err, ErrExists) {
			t.Errorf("%s: want ErrExists, got %v", form, err)
		}
		data, err := os.ReadFile(to)
		if err != nil || string(data) != "mine" || names(t, dir) != "x" {
			t.Errorf("%s: overwritten: %q, %v; there: %s", form, data, err, names(t, dir))
		}
	}
}

// TestThroughLink: an entry below a link is refused, not written where it points.
func TestThroughLink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	_, err := Write(t.Context(), filepath.Join(dir, "x"), Directory, []Entry{
		{Path: "out", Kind: manifest.Link, Target: other}, file("out/file", "text", 0o644)}, Options{Time: moment})
	if err == nil || names(t, other) != "" || names(t, dir) != "" {
		t.Errorf("got %v; outside: %q; left: %q", err, names(t, other), names(t, dir))
	}
}
