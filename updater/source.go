package updater

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"inplace/manifest/repository"
	"inplace/manifest/repository/bundle"
	"inplace/manifest/repository/web"
	"inplace/updater/credentials"
	"inplace/updater/settings"
)

// Access is what a user brings along to reach a source over the network.
type Access struct {
	CacheDir string              // where what was fetched is kept; "": nowhere
	Agent    string              // who asks
	Login    *credentials.Finder // what to log in with; it is told what the settings name. nil: nothing
	NoCache  func(dir string)    // is told that CacheDir lies in the installation and is not used; nil: nobody is
}

// openSource opens source for an installation at home, "" if there is none.
func openSource(source, home string, t settings.Transport, a Access, opt repository.ClientOptions) (*repository.Client, error) {
	a.tell(home, t)
	if opt.Transport == nil && !web.IsSource(source) {
		path, err := repository.LocalPath(source)
		if err != nil {
			return nil, err
		}
		if bundle.IsFile(path) {
			b, err := bundle.Open(source, path)
			if err != nil {
				return nil, err
			}
			opt.Transport = b
		}
	}
	if opt.Transport != nil || !web.IsSource(source) {
		return repository.Open(source, opt)
	}
	o := web.Options{AllowHTTP: t.AllowHTTP, CA: t.CA, Cert: t.Cert, Key: t.Key, Agent: a.Agent}
	if a.Login != nil {
		o.Credentials = func(ctx context.Context) (string, error) { return a.Login.Header(ctx, source) }
	}
	// Looking writes nothing in an installation, not even where its owner lives there; and
	// without a cache all goes on as well.
	switch {
	case a.CacheDir == "":
	case !LiesIn(home, a.CacheDir):
		o.Cache, _ = web.OpenCache(a.CacheDir)
	case a.NoCache != nil:
		a.NoCache(a.CacheDir)
	}
	w, err := web.Open(source, o)
	if err != nil {
		_ = o.Cache.Close()
		return nil, err
	}
	opt.Transport = w
	return repository.Open(source, opt)
}

// tell tells the login what the settings of the installation at home name.
func (a Access) tell(home string, t settings.Transport) {
	if a.Login != nil {
		a.Login.TokenFile, a.Login.Helper, a.Login.Netrc = t.TokenFile, t.Helper, t.Netrc
		a.Login.Inside = func(path string) bool { return LiesIn(home, path) }
	}
}

// LiesIn reports whether dir, or what of it exists, lies in home; never where home is "".
func LiesIn(home, dir string) bool {
	if home == "" {
		return false
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return true
	}
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			dir = filepath.Join(real, rest)
			break
		}
		if !os.IsNotExist(err) || filepath.Dir(dir) == dir {
			return true
		}
		rest, dir = filepath.Join(filepath.Base(dir), rest), filepath.Dir(dir)
	}
	rel, err := filepath.Rel(home, dir)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// FirstRootError reports a source over the network whose root of trust nobody has vouched
// for: whoever answers there could be anybody.
type FirstRootError struct{ Source string }

func (e *FirstRootError) Error() string {
	return e.Source + ": its root of trust is not known yet, and over the network it is not taken on trust"
}
