package cli

import (
	"os"
	"path/filepath"

	"inplace/updater"
	"inplace/updater/credentials"
)

// envCacheDir is the variable that names the directory of what was fetched.
const envCacheDir = "INPLACE_CACHE_DIR"

// access is how this run reaches sources over the network.
func (r *run) access() updater.Access {
	return updater.Access{CacheDir: r.cacheDir(), Agent: "inplace/" + r.env.Version, Login: r.logins(), NoCache: r.noCache}
}

// noCache warns that nothing is kept of what is fetched.
func (r *run) noCache(dir string) {
	r.reporter.report(updater.Event{Time: r.env.Now(), Phase: updater.PhaseMetadata, Kind: "note",
		Text: "warning: " + dir + " lies within the installation, where nothing is written that only looks: what is fetched is not kept, and a cut download begins anew; name a place elsewhere with " + envCacheDir})
}

// cacheDir is where what was fetched is kept, "" where there is no place.
func (r *run) cacheDir() string {
	if dir, ok := r.env.LookupEnv(envCacheDir); ok && dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "inplace")
}

// logins are the places with something to log in with that belong to the user.
func (r *run) logins() *credentials.Finder {
	f := &credentials.Finder{}
	f.Token, _ = r.env.LookupEnv(envToken)
	if dir, err := os.UserConfigDir(); err == nil {
		f.Store = filepath.Join(dir, "inplace", "credentials.json")
	}
	if dir, err := os.UserHomeDir(); err == nil {
		f.OwnNetrc = filepath.Join(dir, ".netrc")
	}
	return f
}
