package updater

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"inplace/backup"
	"inplace/backup/fsys"
	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater/conflict"
	"inplace/updater/journal"
	"inplace/updater/settings"
)

// How much of a log and of a list goes into a support file.
const (
	maxLogBytes     = 64 << 10 // of each, from its end
	maxLogs         = 8
	maxHistoryLines = 200
	maxSupportEdits = 1000
	logsDir         = "updates/logs"
)

// SupportPart is a piece of a support file: text as it was found, not masked yet, or why
// it could not be had.
type SupportPart struct {
	Name string `json:"name"`
	Err  string `json:"error,omitempty"`

	Text string `json:"-"`
}

// Support gathers what somebody needs to know who is to help with an installation. It
// writes nothing, needs no network, and works on an installation that is damaged,
// interrupted, or being updated: each part says by itself what could not be read. The
// only error is a directory that cannot be opened at all.
func Support(ctx context.Context, opt Options) ([]SupportPart, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	tree, err := fsys.Open(opt.Home)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opt.Home, cause(err))
	}
	defer tree.Close()
	s := &supporter{ctx: ctx, opt: opt, tree: tree}
	for _, p := range []struct {
		name string
		fn   func(w *strings.Builder) error
	}{
		{"Program and system", s.system},
		{"What is installed", s.installed},
		{"Journal and lock", s.journal},
		{"Settings", s.settings},
		{"Trust", s.trust},
		{"Snapshots", s.snapshots},
		{"Conflicts", s.conflicts},
		{"Files of the updater", s.files},
		{"History", s.history},
		{"Logs", s.logs},
		{"Comparison with the release", s.verify},
	} {
		if err := cancelled(ctx); err != nil {
			return nil, err
		}
		var w strings.Builder
		part := SupportPart{Name: p.name}
		if err := p.fn(&w); err != nil {
			part.Err = err.Error()
		}
		part.Text = w.String()
		s.parts = append(s.parts, part)
	}
	return s.parts, nil
}

type supporter struct {
	ctx   context.Context
	opt   Options
	tree  *fsys.Tree
	parts []SupportPart
}

func (s *supporter) system(w *strings.Builder) error {
	fmt.Fprintf(w, "inplace    %s, %s, %s/%s\n", s.opt.Engine, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, kv := range info.Settings {
			if strings.HasPrefix(kv.Key, "vcs") {
				fmt.Fprintf(w, "           %s %s\n", kv.Key, kv.Value)
			}
		}
	}
	for _, file := range []string{"/etc/os-release", "/proc/sys/kernel/osrelease"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
				fmt.Fprintf(w, "system     %s\n", strings.Trim(name, "\"\n"))
			} else if file != "/etc/os-release" {
				fmt.Fprintf(w, "kernel     %s\n", strings.TrimSpace(line))
			}
		}
	}
	fmt.Fprintf(w, "processors %d\n", runtime.NumCPU())
	fmt.Fprintf(w, "user       %s (%d)\n", actor(), os.Geteuid())
	fmt.Fprintf(w, "time       %s\n", s.opt.Now().UTC().Format(time.RFC3339))
	fmt.Fprintf(w, "home       %s\n", s.tree.Path())
	root, err := s.tree.Lstat("")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "           mode %s, user %d, group %d\n", octal(root), root.UID, root.GID)
	free, inodes, err := s.tree.Root().Space()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "           free: %d bytes, %d inodes\n", free, inodes)
	return nil
}

func (s *supporter) installed(w *strings.Builder) error {
	r, err := readRecord(s.tree)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "product    %s %s\nlevel      %d, channel %s, released %s\nmanifest   %s\ninventory  %s\nsnapshot   %s\nwritten by %s\n",
		r.Product, r.Version, r.Level, r.Channel, r.Released.UTC().Format(time.RFC3339), r.Manifest, r.Inventory, r.Snapshot, r.Engine)
	for _, f := range r.Placed {
		fmt.Fprintf(w, "placed     %s %04o %d %s\n", f.Path, f.Mode, f.Size, f.Digest)
	}
	in, err := readInstalled(s.tree)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "paths      %d\n", in.inventory.Len())
	for _, rule := range []struct {
		name string
		list []string
	}{{"config", in.manifest.Rules.Config}, {"data", in.manifest.Rules.Data}, {"ignore", in.manifest.Rules.Ignore}} {
		fmt.Fprintf(w, "%-10s %s\n", rule.name, strings.Join(rule.list, " "))
	}
	return nil
}

func (s *supporter) journal(w *strings.Builder) error {
	var errs []error
	for _, p := range []string{journal.Open, journal.Path, lockPath, backup.StageDir, preparedPath} {
		info, err := s.tree.Lstat(p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		what := "not there"
		if info.Exists {
			what = describe(info)
		}
		fmt.Fprintf(w, "%-22s %s\n", p, what)
	}
	if err := s.tree.Locked(lockPath); err != nil {
		fmt.Fprintf(w, "%s\n", err)
	}
	j, err := journal.Read(s.tree)
	if j != nil {
		text, e := json.MarshalIndent(j, "", "  ")
		errs = append(errs, e)
		fmt.Fprintf(w, "%s\n", text)
	}
	return errors.Join(append(errs, err)...)
}

func describe(info fsys.Info) string {
	return fmt.Sprintf("%s, mode %s, user %d, %d bytes, %s", (&live{info: info}).kind(), octal(info), info.UID, info.Size,
		time.Unix(0, info.MTime).UTC().Format(time.RFC3339))
}

func (s *supporter) settings(w *strings.Builder) error {
	data, err := s.tree.ReadState(settingsPath, settings.MaxBytes)
	if err != nil {
		return err
	}
	w.Write(data)
	_, err = settings.Parse(settingsPath, data)
	return err
}

func (s *supporter) trust(w *strings.Builder) error {
	t, err := readTrust(s.tree)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "root       sha256:%s, %s since\nnewest     %s\n", t.Fingerprint(), plural(len(t.Roots)-1, "more root"), t.Newest.UTC().Format(time.RFC3339))
	channels := make([]string, 0, len(t.Roles))
	for c := range t.Roles {
		channels = append(channels, c)
	}
	slices.Sort(channels)
	for _, c := range channels {
		list, err := t.Seen(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "channel    %s:%s\n", c, levelList(list))
	}
	return nil
}

func levelList(list []repository.Release) string {
	var b strings.Builder
	for _, r := range list {
		fmt.Fprintf(&b, " %d", r.Level)
		if r.Withdrawn != "" {
			b.WriteString(" (withdrawn)")
		}
	}
	return b.String()
}

func (s *supporter) snapshots(w *strings.Builder) error {
	ids, err := backup.List(s.tree)
	for _, id := range slices.Backward(ids) {
		snap, err := backup.Load(s.tree, id)
		if err != nil {
			fmt.Fprintf(w, "%s: %v\n", id, err)
			continue
		}
		fmt.Fprintf(w, "%s: %s %d -> %d by %s at %s, %d bytes, %s, before it %q\n", id, snap.Action, snap.From.Level, snap.To.Level, snap.By,
			snap.Created.Format(time.RFC3339), snap.Bytes, plural(len(snap.Entries), "path"), snap.Previous)
	}
	return err
}

func (s *supporter) conflicts(w *strings.Builder) error {
	rec, err := conflict.ReadRecord(s.tree)
	if err != nil || rec == nil {
		return err
	}
	for _, f := range rec.Files {
		fmt.Fprintf(w, "%s: %s, %s\n", manifest.Path(f.Path), f.Kind, plural(max(len(f.Spots), 1), "place"))
	}
	return nil
}

// files lists updates/ two levels deep.
func (s *supporter) files(w *strings.Builder) error {
	var errs []error
	var list func(dir string, depth int)
	list = func(dir string, depth int) {
		names, err := s.tree.Names(dir)
		if err != nil {
			errs = append(errs, err)
			return
		}
		for _, name := range names {
			p := path.Join(dir, name)
			info, err := s.tree.Lstat(p)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			fmt.Fprintf(w, "%-44s %s\n", manifest.Path(p), describe(info))
			if info.IsDir() && depth > 0 {
				list(p, depth-1)
			}
		}
	}
	list(updatesDir, 2)
	return errors.Join(errs...)
}

func (s *supporter) history(w *strings.Builder) error {
	data, err := s.tail(historyPath)
	lines := strings.SplitAfter(data, "\n")
	for _, l := range lines[max(0, len(lines)-maxHistoryLines):] {
		w.WriteString(l)
	}
	return err
}

// tail is the end of a file of the updater's own.
func (s *supporter) tail(p string) (string, error) {
	f, err := s.tree.OpenState(p)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	from := max(0, info.Size()-maxLogBytes)
	data, err := io.ReadAll(io.NewSectionReader(f, from, maxLogBytes))
	text := string(data)
	if from > 0 {
		_, text, _ = strings.Cut(text, "\n")
		text = fmt.Sprintf("(%d bytes before this)\n", from) + text
	}
	return text, err
}

func (s *supporter) logs(w *strings.Builder) error {
	names, err := s.tree.Names(logsDir)
	if fsys.IsAbsent(err) {
		return nil
	}
	var errs []error
	names = slices.DeleteFunc(names, func(n string) bool { // summaries: the history has their essence
		return strings.HasSuffix(n, ".md") || strings.HasSuffix(n, ".json")
	})
	for _, name := range names[max(0, len(names)-maxLogs):] {
		text, err := s.tail(path.Join(logsDir, name))
		errs = append(errs, err)
		fmt.Fprintf(w, "%s:\n%s\n", manifest.Path(filepath.Base(name)), text)
	}
	return errors.Join(append(errs, err)...)
}

// verify compares also where a journal is open: what differs is then worth knowing.
func (s *supporter) verify(w *strings.Builder) error {
	u, err := Open(s.opt)
	if err != nil {
		return err
	}
	defer u.Close()
	in, err := readInstalled(u.tree)
	if err != nil {
		return err
	}
	v, err := u.verify(s.ctx, in, VerifyOptions{})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "compared %d, same %d, edited %d, missing %d, extra %d, mode %d, kind %d, owner %d, unreadable %d, kept away %d\n",
		v.Compared, v.Same, v.Edited, v.Missing, v.Extra, v.Mode, v.Kind, v.Owner, v.Unreadable, v.Absent)
	for i, e := range v.Edits {
		if i == maxSupportEdits {
			fmt.Fprintf(w, "and %d more\n", len(v.Edits)-i)
			break
		}
		line := fmt.Sprintf("%-10s %s", e.What, e.Path)
		if e.Count > 0 {
			line += fmt.Sprintf(" and %s below", plural(e.Count, "path"))
		}
		if e.Detail != "" {
			line += " (" + e.Detail + ")"
		}
		fmt.Fprintln(w, line)
	}
	return nil
}
