package logs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "updates"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func at(second int) func() time.Time {
	return func() time.Time { return time.Date(2026, 11, 28, 3, 0, second, 0, time.UTC) }
}

func clean(s string) string { return strings.ReplaceAll(s, "s3cret", "***") }

// names are the entries of the log directory.
func names(t *testing.T, home string) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(home, Dir))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

// What was logged before the file was there is in it, cleaned; each line is a JSON object.
func TestLog(t *testing.T) {
	dir := home(t)
	l := New(at(0), clean)
	l.Add(slog.LevelInfo, "begin", "source", "s3cret", "n", 3)
	if got := names(t, dir); got != nil {
		t.Errorf("before Open: want nothing written, got %v", got)
	}
	l.Open(dir, "verify --fix")
	l.Open(dir, "again")
	l.Add(slog.LevelError, "with s3cret")
	l.Close()
	l.Add(slog.LevelError, "too late")
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("20261128T030000Z-verify-fix-%d.jsonl", os.Getpid())
	if got := names(t, dir); len(got) != 1 || got[0] != want {
		t.Fatalf("want %s, got %v", want, got)
	}
	data, err := os.ReadFile(filepath.Join(dir, Dir, want))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != 2 || strings.Contains(string(data), "s3cret") || !strings.Contains(lines[0], `"source":"***","n":3`) || !strings.Contains(lines[1], `"with ***"`) {
		t.Errorf("got %s", data)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// A run that logs without end leaves a file that has one.
func TestTooLong(t *testing.T) {
	dir := home(t)
	l := New(at(0), clean)
	l.Open(dir, "update")
	for range 100 {
		l.Add(slog.LevelInfo, strings.Repeat("x", MaxBytes/50))
	}
	l.Close()
	info, err := os.Stat(filepath.Join(dir, Dir, names(t, dir)[0]))
	if err != nil || l.Err() != nil || info.Size() > MaxBytes+1000 || info.Size() < MaxBytes/2 {
		t.Errorf("want at most %d bytes, got %v, %v, %v", MaxBytes, info.Size(), err, l.Err())
	}
}

// The oldest logs go, by number and by size; nothing else does.
func TestRotate(t *testing.T) {
	dir := home(t)
	in := func(name string) string { return filepath.Join(dir, Dir, name) }
	if err := os.Mkdir(filepath.Join(dir, Dir), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, size int) {
		if err := os.WriteFile(in(name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	others := []string{"20200101T000000Z-to-1.md", "20200101T000000Z-to-1.json", "product.log", "note.jsonl"}
	for _, n := range others {
		write(n, 10)
	}
	old := func(i int) string { return fmt.Sprintf("20250101T0000%02dZ-update-1.jsonl", i) }
	for i := range 40 {
		write(old(i), 10)
	}
	l := New(at(0), clean)
	l.Open(dir, "update")
	l.Close()
	got := names(t, dir)
	if l.Err() != nil || len(got) != KeepFiles+len(others) {
		t.Errorf("want %d logs and %d others, got %v, %v", KeepFiles, len(others), got, l.Err())
	}
	if _, err := os.Stat(in(old(39))); err != nil {
		t.Errorf("the newest is gone: %v", err)
	}
	if _, err := os.Stat(in(old(0))); err == nil {
		t.Error("the oldest is still there")
	}
	write(old(39), KeepBytes-MaxBytes) // and own may become as long as the rest
	l = New(at(1), clean)
	l.Open(dir, "update")
	l.Close()
	if got := names(t, dir); l.Err() != nil || len(got) > len(others)+3 {
		t.Errorf("want the size bounded, got %v, %v", got, l.Err())
	}
	for _, n := range others {
		if _, err := os.Stat(in(n)); err != nil {
			t.Error(err)
		}
	}
}

// Where there is no installation, or the directory is not to be trusted, no log is made
// and nothing fails.
func TestNowhere(t *testing.T) {
	l := New(at(0), clean)
	dir := t.TempDir()
	l.Open(dir, "update")
	l.Add(slog.LevelInfo, "x")
	l.Close()
	if list, _ := os.ReadDir(dir); len(list) != 0 || l.Err() != nil {
		t.Errorf("want nothing, got %v, %v", list, l.Err())
	}
	l = New(at(0), clean)
	l.Open(filepath.Join(dir, "none"), "update")
	l.Close()
	if l.Err() == nil {
		t.Error("want an error that says why")
	}
}
