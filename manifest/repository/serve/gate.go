package serve

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"

	"inplace/manifest/repository"
	"inplace/manifest/subscription"
)

// revokedFile is the vendor's list of subscriptions taken back, which counts as soon as it is
// there.
const revokedFile = "subscriptions/revoked.json"

// keysFile is what other servers check subscriptions with.
const keysFile = "subscriptions/keys.json"

// gate says who may read what. What it knows is a copy of three small files of the
// repository, read again when they have been replaced, so that any number of servers of the same
// files answer alike.
//
// A manifest is given to who has a subscription with its channel. Nothing else has to be kept
// from anybody: what a release consists of is named by digests that only its manifest leads
// to. Where every channel is for subscribers, contents are, too, so that nobody is served for
// whom nothing is meant.
type gate struct {
	root   *os.Root
	client *repository.Client // reads the same files, and verifies nothing

	mu      sync.Mutex
	rules   *repository.Gate
	of      fs.FileInfo // of the timestamp that rules were read with
	revoked subscription.Revoked
	listed  fs.FileInfo // of the list that revoked was read from; nil: there is none
}

// refusal is an answer to who may not read.
type refusal struct {
	status int
	code   string // as in RFC 6750, 3.1; "": nothing was shown
	why    error
}

// current is what holds now.
func (g *gate) current(ctx context.Context) (*repository.Gate, subscription.Revoked, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	info, err := g.root.Stat(timestamp)
	if err != nil {
		return nil, nil, err
	}
	if g.rules == nil || !sameFile(g.of, info) {
		rules, err := g.client.Published(ctx)
		if err != nil {
			return nil, nil, err
		}
		g.rules, g.of = rules, info
	}
	info, err = g.root.Stat(revokedFile)
	if os.IsNotExist(err) {
		g.revoked, g.listed = nil, nil
		return g.rules, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if g.listed == nil || !sameFile(g.listed, info) {
		if g.revoked, err = g.client.Revoked(ctx); err != nil {
			return nil, nil, err
		}
		g.listed = info
	}
	return g.rules, g.revoked, nil
}

// sameFile reports whether b is the file a, unchanged.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// channelOf is the channel that a file of the repository belongs to; any: it may belong to
// every channel.
func channelOf(name string) (channel string, any bool) {
	dir, rest, _ := strings.Cut(name, "/")
	switch dir {
	case "targets", "hints":
		channel, _, _ = strings.Cut(rest, "/")
		return channel, false
	case "inventories", "blobs":
		return "", true
	}
	return "", false
}

// check says whether the bearer of a request may read the file name: gated is false where
// anybody may; s is the subscription he showed, if one was needed. A refusal is no error.
func (h *Handler) check(r *http.Request, name string) (gated bool, s *subscription.Subscription, no *refusal, err error) {
	channel, any := channelOf(name)
	if channel == "" && !any {
		return false, nil, nil, nil
	}
	rules, revoked, err := h.gate.current(r.Context())
	if err != nil {
		return false, nil, nil, err
	}
	if any {
		for _, needed := range rules.Subscribers {
			if !needed {
				return false, nil, nil, nil
			}
		}
		gated = len(rules.Subscribers) > 0
	} else {
		gated = rules.Subscribers[channel]
	}
	if !gated {
		return false, nil, nil, nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return true, nil, &refusal{status: http.StatusUnauthorized}, nil
	}
	s, err = subscription.Verify(strings.TrimSpace(token), rules.Keys, rules.Product, h.now())
	if err == nil {
		err = revoked.Check(s)
	}
	if err != nil {
		return true, s, &refusal{http.StatusUnauthorized, "invalid_token", err}, nil
	}
	if !any {
		if err := s.Gives(channel); err != nil {
			return true, s, &refusal{http.StatusForbidden, "insufficient_scope", err}, nil
		}
	}
	return true, s, nil, nil
}

// turnAway answers with a refusal, as RFC 6750 has it: what the subscription lacks is told to
// its bearer, in words.
func turnAway(w http.ResponseWriter, no *refusal) {
	challenge := `Bearer realm="updates"`
	if no.code != "" {
		challenge += fmt.Sprintf(`, error=%q, error_description="%s"`, no.code, described(no.why))
	}
	w.Header().Set("WWW-Authenticate", challenge)
	refuse(w, no.status)
}

// described is the text of err in the characters that RFC 6750 lets a description have.
func described(err error) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '\''
		}
		return r
	}, err.Error())
}
