package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// schema is the form of the store.
const schema = "inplace/credentials/1"

// store is the file that Login writes: what to log in with, by scheme and host.
type store struct {
	Schema string           `json:"schema"`
	Logins map[string]login `json:"logins"`
}

// login is a user and his password, or a token without a user.
type login struct {
	User   string `json:"user,omitempty"`
	Secret string `json:"secret"`
}

func (l login) header(where string) (string, error) {
	if l.User == "" {
		return bearer(where, l.Secret)
	}
	return basic(where, l.User, l.Secret)
}

// Origin is what a login is stored for: scheme and host of an address.
func Origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// Login is the header for a user and secret, a token where user is "", as they were typed.
func Login(user, secret string) (string, error) { return login{user, secret}.header("the login") }

func (f *Finder) stored(u *url.URL) (string, error) {
	s, err := f.load()
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	l, ok := s.Logins[Origin(u)]
	if !ok {
		return "", nil
	}
	return l.header(f.Store)
}

func (f *Finder) load() (*store, error) {
	if f.Store == "" {
		return nil, fs.ErrNotExist
	}
	data, err := f.read(f.Store)
	if err != nil {
		return nil, err
	}
	var s store
	if err := json.Unmarshal(data, &s); err != nil || s.Schema != schema {
		return nil, fmt.Errorf("%s: want %s, got something else", f.Store, schema)
	}
	return &s, nil
}

// Keep stores a login for the origin of u, in place of an older one.
func (f *Finder) Keep(u *url.URL, user, secret string) error {
	if _, err := Login(user, secret); err != nil {
		return err
	}
	return f.change(func(s *store) { s.Logins[Origin(u)] = login{user, secret} })
}

// Forget removes the login for the origin of u and says whether there was one.
func (f *Finder) Forget(u *url.URL) (had bool, err error) {
	s, err := f.load()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, had = s.Logins[Origin(u)]; !had {
		return false, nil
	}
	return true, f.change(func(s *store) { delete(s.Logins, Origin(u)) })
}

// change replaces the store whole; only its owner may read it at any moment.
func (f *Finder) change(fn func(*store)) error {
	if f.Store == "" {
		return errors.New("there is no home directory to keep a login in")
	}
	s, err := f.load()
	if errors.Is(err, fs.ErrNotExist) {
		s, err = &store{Schema: schema}, nil
	}
	if err != nil {
		return err
	}
	if s.Logins == nil {
		s.Logins = map[string]login{}
	}
	fn(s)
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.Store)
	if f.Inside != nil && f.Inside(f.Store) {
		return fmt.Errorf("%s: %w", f.Store, ErrInside)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".credentials-*") // 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(data, '\n'))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.Store)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
