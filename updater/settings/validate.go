package settings

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"inplace/manifest"
)

// fault is one thing wrong with the settings; path names the place as
// `policy[0].on-conflict`.
type fault struct{ path, msg string }

// faults lists everything wrong with s. It reads nothing but s.
func (s *Settings) faults() []fault {
	var out []fault
	add := func(err error, path string, args ...any) {
		if err != nil {
			out = append(out, fault{fmt.Sprintf(path, args...), err.Error()})
		}
	}
	add(checkSource(s.Source), "source")
	add(checkName(s.Channel, 32, letters, letters+digits+"-", "a channel, lower-case letters, digits and dashes, at most 32, a letter first"), "channel")
	add(checkLauncher(s.Launcher), "launcher")
	for i, p := range s.Follow {
		add(CheckFollow(p, s.Follow[:i]), "follow[%d]", i)
	}
	for i, pattern := range s.Absent {
		add(checkGlob(pattern), "absent[%d]", i)
	}
	for i, p := range s.Policy {
		add(checkGlob(p.Path), "policy[%d].path", i)
		add(checkOneOf(p.OnConflict, Ours, Theirs, Stop), "policy[%d].on-conflict", i)
	}
	if s.Backup.Keep < 1 {
		add(fmt.Errorf("want 1 at least, got %d", s.Backup.Keep), "backup.keep")
	}
	add(checkOneOf(s.Backup.Data, DataNone, DataReflink, DataFull), "backup.data")
	if also := s.Backup.Also; also != "" && !absolute(also) {
		add(fmt.Errorf("want an absolute path, got %q", also), "backup.also")
	}
	return out
}

// absolute takes what this system calls an absolute path, and one that starts with a
// slash everywhere.
func absolute(path string) bool {
	return filepath.IsAbs(path) || strings.HasPrefix(path, "/")
}

// checkSource takes an address with a scheme the transports know, or an absolute path:
// a relative one would mean something else in every directory.
func checkSource(s string) error {
	if s == "" || absolute(s) {
		return nil
	}
	if !strings.Contains(s, "://") {
		return fmt.Errorf("want a URL or an absolute path, got %q", s)
	}
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("want a URL, got one that does not parse") // the text may hold a password
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return fmt.Errorf("want a URL with a host, got none")
		}
	case "file":
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return fmt.Errorf("want file:///PATH, got another host or no path")
		}
	default:
		return fmt.Errorf("want a URL with http, https or file, got %q", u.Scheme)
	}
	if u.User != nil {
		return fmt.Errorf("want a URL without user and password")
	}
	return nil
}

const (
	letters  = "abcdefghijklmnopqrstuvwxyz"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits   = "0123456789"
)

// checkName takes 1 to most of the characters in all, of which the first is one of those in
// first.
func checkName(s string, most int, first, all, want string) error {
	if s == "" || len(s) > most || !strings.Contains(first, s[:1]) || strings.Trim(s, all) != "" {
		return fmt.Errorf("want %s, got %q", want, s)
	}
	return nil
}

// checkLauncher takes a name that makes files NAME.sh and NAME.cmd on every system.
func checkLauncher(s string) error {
	if err := checkName(s, 64, letters+capitals+digits, letters+capitals+digits+"._-", "a file name of letters, digits, dots and dashes, at most 64"); err != nil {
		return err
	}
	for _, suffix := range []string{".sh", ".cmd", ".bat"} {
		if strings.HasSuffix(strings.ToLower(s), suffix) {
			return fmt.Errorf("want the name without %s, got %q", suffix, s)
		}
	}
	return manifest.Path(s + ".cmd").Portable()
}

// CheckFollow takes the path of a directory of the product that is not in the list yet.
func CheckFollow(p manifest.Path, before []manifest.Path) error {
	if _, err := manifest.ParsePath(string(p)); err != nil {
		return err
	}
	if p == "updates" || manifest.IsState(p) {
		return fmt.Errorf("want a directory of the product, got %s, which is the updater's", p)
	}
	if p == "bin" {
		return fmt.Errorf("want another directory than bin: the updater finds the installation by it")
	}
	if slices.Contains(before, p) {
		return fmt.Errorf("want each directory once, got %s again", p)
	}
	return nil
}

func checkGlob(pattern string) error {
	_, err := manifest.CompileGlob(pattern)
	return err
}

func checkOneOf[T ~string](got T, want ...T) error {
	if slices.Contains(want, got) {
		return nil
	}
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = string(w)
	}
	last := len(names) - 1
	return fmt.Errorf("want %s or %s, got %q", strings.Join(names[:last], ", "), names[last], string(got))
}

// parsePin cuts `PATH: KEY`. The first colon with a blank behind it ends the path.
func parsePin(s string) (Pin, error) {
	path, key, ok := strings.Cut(s, pinSeparator)
	if !ok || strings.TrimSpace(key) == "" {
		return Pin{}, fmt.Errorf(`want "PATH: KEY", got %q`, s)
	}
	p, err := manifest.ParsePath(path)
	return Pin{Path: p, Key: key}, err
}
