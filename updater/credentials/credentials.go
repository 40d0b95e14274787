// Package credentials finds what to log in with at a source of updates.
//
// The first of these that has something for the source is taken: the token of the
// environment (INPLACE_TOKEN); the file, then the helper program that the settings name;
// what `login` has stored for the host; the netrc file that the settings name, or the
// user's own; the subscription that the settings name. Secrets come from these places alone, never from an address or a command
// line, and are in no error and no log. A file of secrets that others may read is refused
// by name, and so is one below the installation, which copies and packs would take along.
package credentials

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// maxBytes is the longest file of secrets, or answer of a helper, that is read.
const maxBytes = 1 << 20

// helperTime is how long a helper program may take.
const helperTime = time.Minute

// Finder knows the places to look at; an empty field is a place that there is not.
type Finder struct {
	Token     string   // of the environment
	TokenFile string   // holds a token
	Helper    []string // prints a token, or lines as a git credential helper does
	Store     string   // file that Login has written
	Netrc     string   // must be there
	OwnNetrc  string   // may be there

	Subscription string // file that holds the token of a subscription
	Stays        bool   // that token is looked at, and sent to nobody

	helper answer // of the program, once it was asked

	Inside func(path string) bool // whether a file lies below the installation; nil: nothing does
}

// ErrOpen is in the chain where others may read a file of secrets.
var ErrOpen = errors.New("may be read by others")

// ErrInside is in the chain where a file of secrets lies below the installation.
var ErrInside = errors.New("lies below the installation, with which it would be copied and packed")

// Header is the value of an Authorization header for source, an address, or "".
func (f *Finder) Header(ctx context.Context, source string) (string, error) {
	u, err := url.Parse(source)
	if err != nil {
		return "", errors.New("source: want a URL, got one that does not parse")
	}
	if f.Token != "" {
		return bearer("the token of the environment", f.Token)
	}
	if f.TokenFile != "" {
		token, err := f.token(f.TokenFile)
		if err != nil {
			return "", err
		}
		return bearer(f.TokenFile, token)
	}
	if len(f.Helper) > 0 {
		return f.ask(ctx, u)
	}
	if header, err := f.stored(u); header != "" || err != nil {
		return header, err
	}
	for _, name := range []string{f.Netrc, f.OwnNetrc} {
		if name == "" {
			continue
		}
		data, err := f.read(name)
		if errors.Is(err, fs.ErrNotExist) && name == f.OwnNetrc {
			continue
		}
		if err != nil {
			return "", err
		}
		user, password, ok := netrc(string(data), u.Hostname())
		if ok {
			return basic(name, user, password)
		}
	}
	if f.Subscription != "" && !f.Stays {
		token, err := f.token(f.Subscription)
		if err != nil {
			return "", err
		}
		return bearer(f.Subscription, token)
	}
	return "", nil
}

// token reads a file that holds a token.
func (f *Finder) token(name string) (string, error) {
	data, err := f.read(name)
	return strings.TrimSpace(string(data)), err
}

// read reads a file of secrets.
func (f *Finder) read(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if f.Inside != nil && f.Inside(name) {
		return nil, fmt.Errorf("%s: %w", name, ErrInside)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: want a file, got something else", name)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: %w: want mode 0600, got %04o", name, ErrOpen, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && len(data) > maxBytes {
		err = fmt.Errorf("%s: want at most %d bytes, got more", name, maxBytes)
	}
	return data, err
}

// answer is what a helper program has said.
type answer struct {
	asked  bool
	header string
	err    error
}

// ask is the answer of the helper, which is run once. It is told the address on its standard
// input, as lines protocol=, host= and path=, and answers with a line that is the token, or
// with lines username= and password=.
func (f *Finder) ask(ctx context.Context, u *url.URL) (string, error) {
	if !f.helper.asked {
		f.helper.header, f.helper.err = f.run(ctx, u)
		f.helper.asked = true
	}
	return f.helper.header, f.helper.err
}

func (f *Finder) run(ctx context.Context, u *url.URL) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, f.Helper[0], f.Helper[1:]...)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("protocol=%s\nhost=%s\npath=%s\n\n", u.Scheme, u.Host, strings.TrimPrefix(u.Path, "/")))
	var out bytes.Buffer
	cmd.Stdout = &limited{&out, maxBytes}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("credential helper %s: %w", filepath.Base(f.Helper[0]), err)
	}
	var user, password, token string
	for line := range strings.Lines(out.String()) {
		line = strings.TrimRight(line, "\r\n")
		key, value, ok := strings.Cut(line, "=")
		switch {
		case ok && key == "username":
			user = value
		case ok && key == "password":
			password = value
		case token == "" && user == "" && password == "":
			token = line
		}
	}
	if user == "" && password == "" {
		return bearer("credential helper "+filepath.Base(f.Helper[0]), token)
	}
	return basic("credential helper "+filepath.Base(f.Helper[0]), user, password)
}

// limited refuses more than left bytes.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("answers too much")
	}
	return l.w.Write(p)
}

// bearerPrefix begins the header of a token.
const bearerPrefix = "Bearer "

// bearer is the header for a token, which where holds.
func bearer(where, token string) (string, error) {
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s: want a token in one line without blanks, got something else", where)
	}
	return bearerPrefix + token, nil
}

func basic(where, user, password string) (string, error) {
	if strings.ContainsAny(user, ":\r\n") || strings.ContainsAny(password, "\r\n") {
		return "", fmt.Errorf("%s: want a user without a colon, got one with it", where)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
}
