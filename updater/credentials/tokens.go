package credentials

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Tokens are the tokens among which the subscription may be, each once, the likeliest first:
// that of the environment, of the subscription that the settings name, of the token file, of the helper, what is
// stored for the host of source, then for other hosts: who has logged in at the vendor's
// may well bring what he fetched there on a medium. source may be a directory or file.
func (f *Finder) Tokens(ctx context.Context, source string) ([]string, error) {
	var list []string
	add := func(token string) {
		if token != "" && !slices.Contains(list, token) {
			list = append(list, token)
		}
	}
	add(f.Token)
	for _, name := range []string{f.Subscription, f.TokenFile} {
		if name == "" {
			continue
		}
		token, err := f.token(name)
		if err != nil {
			return nil, err
		}
		add(token)
	}
	u, err := url.Parse(source)
	if err != nil {
		u = &url.URL{}
	}
	if len(f.Helper) > 0 && u.Host != "" {
		header, err := f.ask(ctx, u)
		if err != nil {
			return nil, err
		}
		if token, ok := strings.CutPrefix(header, bearerPrefix); ok {
			add(token)
		}
	}
	s, err := f.load()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrInside) {
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	for _, origin := range append([]string{Origin(u)}, slices.Sorted(maps.Keys(s.Logins))...) {
		if l := s.Logins[origin]; l.User == "" {
			add(l.Secret)
		}
	}
	return list, nil
}
