package credentials

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	source = "https://h.example.test/acme"
	login1 = "Basic bWU6czNjcmV0" // me:s3cret
)

func TestHeader(t *testing.T) {
	netrc := write(t, "netrc", "machine other login x password y\nmachine h.example.test\n\tlogin me password s3cret\n", 0o600)
	stored := Finder{Store: filepath.Join(t.TempDir(), "sub", "credentials.json")}
	u, _ := url.Parse(source)
	if err := stored.Keep(u, "me", "s3cret"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, source string
		f            Finder
		want, fault  string
	}{
		{"nothing", source, Finder{}, "", ""},
		{"environment", source, Finder{Token: "tok", TokenFile: "/not/there"}, "Bearer tok", ""},
		{"environment with a line end", source, Finder{Token: "s3cret\nx"}, "", "want a token in one line"},
		{"file", source, Finder{TokenFile: write(t, "token", "tok\n", 0o600)}, "Bearer tok", ""},
		{"subscription", source, Finder{Subscription: write(t, "sub", "s.u.b\n", 0o600)}, "Bearer s.u.b", ""},
		{"subscription that stays", source, Finder{Subscription: "/not/there", Stays: true}, "", ""},
		{"subscription behind a login", source, Finder{Netrc: netrc, Subscription: "/not/there"}, login1, ""},
		{"empty file", source, Finder{TokenFile: write(t, "token", "\n", 0o600)}, "", "want a token"},
		{"missing file", source, Finder{TokenFile: "/not/there"}, "", "/not/there"},
		{"netrc", source, Finder{Netrc: netrc}, login1, ""},
		{"netrc of others", "https://elsewhere.example.test", Finder{Netrc: netrc}, "", ""},
		{"own netrc that is not there", source, Finder{OwnNetrc: "/not/there"}, "", ""},
		{"named netrc that is not there", source, Finder{Netrc: "/not/there"}, "", "/not/there"},
		{"login", source, stored, login1, ""},
		{"login elsewhere", "https://h.example.test:8443/acme", stored, "", ""},
		{"own netrc that is not there, of a user who lives in the installation", source, Finder{OwnNetrc: "/not/there", Inside: func(string) bool { return true }}, "", ""},
		{"login below the installation", source, Finder{Store: stored.Store, Inside: func(string) bool { return true }}, "", ErrInside.Error()},
		{"below the installation", source, Finder{TokenFile: write(t, "token", "tok", 0o600), Inside: func(string) bool { return true }}, "", ErrInside.Error()},
	}
	for _, tt := range tests {
		got, err := tt.f.Header(t.Context(), tt.source)
		if got != tt.want || (err == nil) != (tt.fault == "") || err != nil && (!strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s: want %q and %q, got %q and %v", tt.name, tt.want, tt.fault, got, err)
		}
	}
}

func TestHelper(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the helpers here are for sh")
	}
	tests := []struct{ name, script, want, fault string }{
		{"token", "echo tok", "Bearer tok", ""},
		{"user and password", "echo username=me; echo password=s3cret", login1, ""},
		{"told the address", `while read -r l && [ -n "$l" ]; do case $l in host=*) h=${l#host=};; esac; done; echo "$h"`, "Bearer h.example.test", ""},
		{"fails", "echo s3cret; echo s3cret >&2; exit 3", "", "credential helper sh: exit status 3"},
		{"says nothing", "true", "", "want a token"},
		{"says too much", "head -c 2000000 /dev/zero", "", "credential helper sh"},
	}
	for _, tt := range tests {
		f := Finder{Helper: []string{"sh", "-c", tt.script}}
		got, err := f.Header(t.Context(), source)
		if got != tt.want || (err == nil) != (tt.fault == "") || err != nil && (!strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s: want %q and %q, got %q and %v", tt.name, tt.want, tt.fault, got, err)
		}
	}
}

func TestStore(t *testing.T) {
	f := Finder{Store: filepath.Join(t.TempDir(), "sub", "credentials.json")}
	a, _ := url.Parse(source)
	b, _ := url.Parse("https://other.example.test")
	for _, u := range []*url.URL{a, b} {
		if err := f.Keep(u, "", "tok-"+u.Host); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(f.Store)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("want mode 0600, got %v and %v", info.Mode(), err)
	}
	for _, want := range []bool{true, false} {
		if had, err := f.Forget(a); had != want || err != nil {
			t.Errorf("want forgotten: %v, got %v and %v", want, had, err)
		}
	}
	if got, err := f.Header(t.Context(), b.String()); got != "Bearer tok-other.example.test" || err != nil {
		t.Errorf("want the other login kept, got %q and %v", got, err)
	}
	if left, err := os.ReadDir(filepath.Dir(f.Store)); err != nil || len(left) != 1 {
		t.Errorf("want one file, got %v and %v", left, err)
	}
	f.Inside = func(string) bool { return true }
	if err := f.Keep(a, "", "tok"); !errors.Is(err, ErrInside) {
		t.Errorf("want %v, got %v", ErrInside, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	open := Finder{TokenFile: write(t, "token", "tok", 0o600)}
	if err := os.Chmod(open.TokenFile, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Header(t.Context(), source); !errors.Is(err, ErrOpen) {
		t.Errorf("want %v, got %v", ErrOpen, err)
	}
}

func TestNetrc(t *testing.T) {
	tests := []struct {
		name, text, user, password string
		ok                         bool
	}{
		{"one line", "machine h login a password b", "a", "b", true},
		{"first that fits", "machine h login a password b\nmachine h login c password d", "a", "b", true},
		{"default", "machine x login a password b\ndefault login c password d", "c", "d", true},
		{"letter case", "machine H login a password b", "a", "b", true},
		{"account", "machine h account z login a password b", "a", "b", true},
		{"macro", "macdef init\nmachine h login a password b\n\nmachine h login c password d", "c", "d", true},
		{"comment", "# machine h login a password b\n", "", "", false},
		{"a password that is a word of the form", "machine x login a password machine\nmachine h login c password d", "c", "d", true},
		{"cut short", "machine h login a password", "a", "", true},
		{"empty", "", "", "", false},
	}
	for _, tt := range tests {
		user, password, ok := netrc(tt.text, "h")
		if user != tt.user || password != tt.password || ok != tt.ok {
			t.Errorf("%s: want %q %q %v, got %q %q %v", tt.name, tt.user, tt.password, tt.ok, user, password, ok)
		}
	}
}

func TestTokens(t *testing.T) {
	f := Finder{Token: "env", Subscription: write(t, "sub", "s.u.b\n", 0o600), TokenFile: write(t, "tok", "file\n", 0o600),
		Helper: []string{"sh", "-c", "echo helper"}, Store: filepath.Join(t.TempDir(), "sub", "credentials.json")}
	for _, l := range [][3]string{{"https://a.example.test", "", "elsewhere"}, {"https://updates.example.test", "", "stored"}, {"https://b.example.test", "user", "password"}} {
		u, err := url.Parse(l[0])
		if err == nil {
			err = f.Keep(u, l[1], l[2])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for source, want := range map[string]string{
		"https://updates.example.test/acme": "env s.u.b file helper stored elsewhere",
		"/srv/acme.bundle":                  "env s.u.b file elsewhere stored",
	} {
		got, err := f.Tokens(t.Context(), source)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, %v, want %q", source, got, err, want)
		}
	}
	f.Subscription = write(t, "open", "s.u.b\n", 0o644)
	if _, err := f.Tokens(t.Context(), "/srv/acme.bundle"); !errors.Is(err, ErrOpen) {
		t.Errorf("a file that others may read: got %v", err)
	}
}
