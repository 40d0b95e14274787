// Package logs writes a log of each run into the directory updates/logs of an
// installation.
//
// A file is one run: TIME-COMMAND-PROCESS.jsonl, such as
// 20261128T030000Z-update-4711.jsonl, one JSON object a line as log/slog writes them:
//
//	{"time":"2026-11-28T03:00:00Z","level":"INFO","msg":"phase","phase":"stage","ms":1204}
//
// # Promises
//
//   - No run fails for its log. What cannot be written is dropped, and [Log.Err] says why.
//   - A file is made new (0600, in a directory of 0700) and reached through no link; what
//     lies there under its name already, of whatever kind, is left alone.
//   - Nothing is synced: after a power cut the last lines, or the file, may be missing.
//     Nothing else goes by them.
//   - One run writes at most [MaxBytes], and at most [KeepFiles] files of at most
//     [KeepBytes] stay, the newest. Other files of the directory are never removed.
//
// Nothing is written before [Log.Open]: what was logged until then is kept in memory, so
// that a command may find out first whether it is one that changes something.
package logs

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path"
	"regexp"
	"slices"
	"sync"
	"time"

	"inplace/backup/fsys"
)

// Limits of the directory.
const (
	MaxBytes  = 1 << 20 // of one run
	KeepFiles = 30      // as many nights
	KeepBytes = 8 << 20
)

// Dir is the directory, relative to the installation.
const Dir = "updates/logs"

// Log is the log of one run. Its methods may be called from one goroutine at a time.
type Log struct {
	now     func() time.Time
	handler slog.Handler
	early   bytes.Buffer // until the file is open
	file    *os.File
	written int64
	closed  bool
	err     error
}

// New makes a log that goes nowhere yet. clean is applied to every text that is logged.
func New(now func() time.Time, clean func(string) string) *Log {
	l := &Log{now: now}
	l.handler = slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(clean(a.Value.String()))
		}
		return a
	}})
	return l
}

// Add writes a line. What args holds besides texts, numbers and durations is not cleaned.
func (l *Log) Add(level slog.Level, msg string, args ...any) {
	r := slog.NewRecord(l.now().UTC(), level, msg, 0)
	r.Add(args...)
	if err := l.handler.Handle(context.Background(), r); err != nil {
		l.fail(err)
	}
}

// Write is for the handler.
func (l *Log) Write(line []byte) (int, error) {
	switch {
	case l.err != nil || l.closed || l.written > MaxBytes:
		return len(line), nil
	case l.written+int64(len(line)) > MaxBytes:
		line = []byte(`{"level":"WARN","msg":"the log of this run is too long: the rest is left out"}` + "\n")
		l.written = MaxBytes
	}
	l.written += int64(len(line))
	if l.file == nil {
		return l.early.Write(line)
	}
	if _, err := l.file.Write(line); err != nil {
		l.fail(err)
	}
	return len(line), nil
}

func (l *Log) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// Err is why the log is not whole, or nil.
func (l *Log) Err() error { return l.err }

// Open makes the file of a run of command in the installation home, writes what was logged
// so far, and removes what is too much. Called again it does nothing. Where there is no
// directory updates there is no log either.
func (l *Log) Open(home, command string) {
	if l.file != nil || l.err != nil || l.closed {
		return
	}
	if err := l.open(home, command); err != nil {
		l.fail(err)
	}
}

func (l *Log) open(home, command string) error {
	tree, err := fsys.Open(home)
	if err != nil {
		return err
	}
	defer tree.Close()
	tree.Inherit = true
	above := path.Dir(Dir)
	info, err := tree.Lstat(above)
	if err != nil || !info.Exists {
		return err
	}
	if err := tree.CheckState(above, info); err != nil {
		return err
	}
	if err := tree.MkdirAll(Dir, 0o700); err != nil {
		return err
	}
	if info, err = tree.Lstat(Dir); err == nil {
		err = tree.CheckState(Dir, info)
	}
	if err != nil {
		return err
	}
	d, err := tree.OpenDir(Dir)
	if err != nil {
		return err
	}
	defer d.Close()
	name := fmt.Sprintf("%s-%s-%d.jsonl", l.now().UTC().Format("20060102T150405Z"), notName().ReplaceAllString(command, "-"), os.Getpid())
	if l.file, err = d.Create(name); err != nil {
		return err
	}
	if _, err := l.file.Write(l.early.Bytes()); err != nil {
		return err
	}
	l.early.Reset()
	return rotate(d, name)
}

var (
	notName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^a-z]+`) })
	isLog   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d{8}T\d{6}Z-[a-z-]+-\d+\.jsonl$`) })
)

// rotate removes the oldest logs beyond the limits, but never own.
func rotate(d *fsys.Dir, own string) error {
	names, err := d.Names()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == own || !isLog().MatchString(n) })
	slices.Sort(names)
	files, size := 1, int64(MaxBytes) // this one may become so long
	for _, name := range slices.Backward(names) {
		info, err := d.Lstat(name)
		if err != nil || !info.IsFile() {
			continue // made by somebody else, or gone
		}
		files++
		size += info.Size
		if files > KeepFiles || size > KeepBytes {
			if err := d.Remove(name); err != nil && !fsys.IsAbsent(err) {
				return err
			}
		}
	}
	return nil
}

// Close ends the log.
func (l *Log) Close() {
	if l.closed {
		return
	}
	l.closed = true
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			l.fail(err)
		}
	}
}
