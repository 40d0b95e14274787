package serve

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inplace/manifest/repository"
	"inplace/manifest/subscription"
)

// TestGate: who may have what of a repository in which one channel is for subscribers, and
// then both, while the server runs.
func TestGate(t *testing.T) {
	repo := published(t)
	keys := filepath.Join(filepath.Dir(repo), "keys")
	edit := repository.EditOptions{Dir: repo, KeysDir: keys, Passphrase: []byte{}, Now: now}
	require := func(channel string, needed bool) {
		t.Helper()
		_, err := repository.SetChannel(repository.ChannelOptions{EditOptions: edit, Channel: channel, Subscription: needed})
		must(t, err)
	}
	require("full", false)
	require("security", true)
	clock := now
	var log []Access
	h, err := New(repo, func(a Access) { log = append(log, a) }, func() time.Time { return clock })
	must(t, err)
	defer func() { _ = h.Close() }()
	ask := func(path, token string, status int) *http.Response {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s with %.8q: got %d, want %d", path, token, w.Code, status)
		}
		return w.Result()
	}
	sub := repository.SubscribeOptions{Dir: repo, KeysDir: keys, Passphrase: []byte{}, Now: now}
	issue := func(channel string) *repository.Issued {
		t.Helper()
		s, err := repository.Issue(sub, subscription.Subscription{Customer: "Example Ltd.", Type: subscription.Trial, Channels: []string{channel}, NotBefore: now, Expires: now.AddDate(0, 0, 14)})
		must(t, err)
		return s
	}
	security, full := issue("security"), issue("full")

	ask("/targets/full/"+manifestName, "", 200)
	ask("/"+blob, "", 200)
	ask("/metadata/1.root.json", "", 200)
	ask("/subscriptions/keys.json", "", 200)
	if got := ask("/targets/security/"+manifestName, "", 401).Header.Get("WWW-Authenticate"); got != `Bearer realm="updates"` {
		t.Errorf("without a token: got %s", got)
	}
	if got := ask("/targets/security/"+manifestName, full.Token, 403).Header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, "want channel security, got full only") {
		t.Errorf("with another channel's: got %s", got)
	}
	ask("/targets/security/"+manifestName, security.Token+"x", 401)
	if got := ask("/targets/security/"+manifestName, security.Token, 200).Header.Get("Cache-Control"); !strings.HasPrefix(got, "private") {
		t.Errorf("a subscriber's file: got Cache-Control %s", got)
	}
	if got := log[len(log)-1]; got.Subscription != security.Subscription.ID {
		t.Errorf("log: got %+v", got)
	}

	require("full", true)
	ask("/"+blob, "", 401)
	ask("/"+blob, full.Token, 200)
	ask("/targets/full/"+manifestName, full.Token, 200)

	clock = now.AddDate(0, 0, 15)
	if got := ask("/targets/full/"+manifestName, full.Token, 401).Header.Get("WWW-Authenticate"); !strings.Contains(got, "ended at") {
		t.Errorf("after its end: got %s", got)
	}
	clock = now
	_, err = repository.Revoke(sub, full.Subscription.ID, "not paid")
	must(t, err)
	if got := ask("/targets/full/"+manifestName, full.Token, 401).Header.Get("WWW-Authenticate"); !strings.Contains(got, "revoked at") {
		t.Errorf("revoked: got %s", got)
	}
	ask("/targets/security/"+manifestName, security.Token, 200)
}
