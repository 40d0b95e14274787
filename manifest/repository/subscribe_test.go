package repository

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"inplace/manifest/subscription"
)

func (v *vendor) subscribing() SubscribeOptions {
	return SubscribeOptions{Dir: v.dir, KeysDir: v.keys, Passphrase: []byte{}, Now: v.now}
}

func wanted(v *vendor) subscription.Subscription {
	return subscription.Subscription{Customer: "Example Ltd.", Type: subscription.Trial, Channels: []string{"security", "full", "full"},
		NotBefore: v.now, Expires: v.now.AddDate(0, 0, subscription.TrialDays)}
}

// check reads a token as a server does that has nothing but the repository.
func check(dir, token string, now time.Time) (*subscription.Subscription, error) {
	data, err := os.ReadFile(filepath.Join(dir, fileSubKeys))
	if err != nil {
		return nil, err
	}
	keys, err := subscription.ParseKeys(data)
	if err != nil {
		return nil, err
	}
	s, err := subscription.Verify(token, keys, "acme-server", now)
	if err != nil {
		return s, err
	}
	if data, err = os.ReadFile(filepath.Join(dir, fileRevoked)); err != nil {
		return s, err
	}
	revoked, err := subscription.ParseRevoked(data)
	if err != nil {
		return s, err
	}
	return s, revoked.Check(s)
}

func TestSubscriptions(t *testing.T) {
	v := newVendor(t)
	first, err := Issue(v.subscribing(), wanted(v))
	must(t, err)
	if !first.NewKey {
		t.Error("want a new key, got none")
	}
	got, err := check(v.dir, first.Token, v.now)
	if err != nil || !reflect.DeepEqual(*got, first.Subscription) || !reflect.DeepEqual(got.Channels, []string{"full", "security"}) {
		t.Fatalf("got %+v, %v, want %+v", got, err, first.Subscription)
	}
	second, err := Issue(v.subscribing(), wanted(v))
	must(t, err)
	if second.NewKey || second.Subscription.ID == first.Subscription.ID {
		t.Errorf("the second has a new key (%v) or the ID of the first", second.NewKey)
	}

	id := first.Subscription.ID
	v.now = v.now.AddDate(0, 0, 20)
	var ended *subscription.EndedError
	if _, err := check(v.dir, first.Token, v.now); !errors.As(err, &ended) {
		t.Fatalf("after its end: got %v", err)
	}
	longer, err := Extend(v.subscribing(), id, Change{Expires: v.now.AddDate(1, 0, 0), Type: subscription.Paid})
	must(t, err)
	got, err = check(v.dir, longer.Token, v.now)
	if err != nil || got.ID != id || got.Type != subscription.Paid || len(got.Channels) != 2 || got.Customer != "Example Ltd." {
		t.Fatalf("extended: got %+v, %v", got, err)
	}

	e, err := Revoke(v.subscribing(), id, "not paid")
	must(t, err)
	var revoked *subscription.RevokedError
	if _, err := check(v.dir, longer.Token, v.now); !errors.As(err, &revoked) || !revoked.Since.Equal(e.Revoked) {
		t.Errorf("revoked: got %v", err)
	}
	if _, err := Extend(v.subscribing(), id, Change{Expires: v.now.AddDate(2, 0, 0)}); !errors.As(err, &revoked) {
		t.Errorf("extended after it was revoked: got %v", err)
	}
	v.now = v.now.Add(time.Hour)
	if again, err := Revoke(v.subscribing(), id, "other"); err != nil || !reflect.DeepEqual(again, e) {
		t.Errorf("revoked again: got %+v, %v, want %+v", again, err, e)
	}
	if _, err := Revoke(v.subscribing(), "none", ""); !errors.Is(err, ErrNoSubscription) {
		t.Errorf("revoke none: got %v", err)
	}

	list, err := Subscriptions(SubscribeOptions{KeysDir: v.keys})
	must(t, err)
	if len(list) != 2 || list[0].ID != id || list[0].State(v.now) != "revoked" || list[0].Reason != "not paid" || list[1].State(v.now) != "ended" {
		t.Errorf("got %+v", list)
	}
}

func TestSubscriptionsRefused(t *testing.T) {
	v := newVendor(t)
	opt := v.subscribing()
	opt.Passphrase = nil
	if _, err := Issue(opt, wanted(v)); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("without a passphrase: got %v", err)
	}
	for name, change := range map[string]func(*subscription.Subscription){
		"channel":  func(s *subscription.Subscription) { s.Channels = []string{"Full"} },
		"end":      func(s *subscription.Subscription) { s.Expires = s.NotBefore },
		"customer": func(s *subscription.Subscription) { s.Customer = "" },
	} {
		s := wanted(v)
		change(&s)
		if _, err := Issue(v.subscribing(), s); err == nil {
			t.Errorf("%s: want an error, got none", name)
		}
	}
	if list, err := Subscriptions(v.subscribing()); err != nil || len(list) > 0 {
		t.Errorf("what was refused is on record: %+v, %v", list, err)
	}
	must(t, os.WriteFile(filepath.Join(v.keys, fileLedger), []byte("{\"schema\":\"inplace/subscriptions/2\"}\n"), 0o600))
	if _, err := Issue(v.subscribing(), wanted(v)); err == nil {
		t.Error("a ledger of another schema: want an error, got none")
	}
}

// TestSubscriptionsInterrupted kills issue, extend and revoke at each moment: what a server
// reads holds together, the ledger is whole, and the command succeeds when it is repeated.
func TestSubscriptionsInterrupted(t *testing.T) {
	for _, name := range []string{"issue", "extend", "revoke"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			id, before := "", ""
			if name != "issue" {
				first, err := Issue(v.subscribing(), wanted(v))
				must(t, err)
				id, before = first.Subscription.ID, first.Token
			}
			run := func(opt SubscribeOptions) (token string, err error) {
				var out *Issued
				switch name {
				case "issue":
					out, err = Issue(opt, wanted(v))
				case "extend":
					out, err = Extend(opt, id, Change{Expires: v.now.AddDate(1, 0, 0)})
				default:
					_, err = Revoke(opt, id, "not paid")
					return before, err
				}
				if err != nil {
					return "", err
				}
				return out.Token, nil
			}
			opt := v.subscribing()
			f := &frames{t: t, from: []string{v.dir, v.keys}, to: t.TempDir()}
			opt.fault = f.fault
			_, err := run(opt)
			must(t, err)
			if f.n < 5 {
				t.Fatalf("only %d moments: %q", f.n, f.ops)
			}
			for n := range f.n {
				opt := f.at(n, v.subscribing())
				var revoked *subscription.RevokedError
				if before != "" {
					if _, err := check(opt.Dir, before, v.now); err != nil && (name != "revoke" || !errors.As(err, &revoked)) {
						t.Errorf("before %s: the token from before: %v", f.ops[n], err)
					}
				}
				if _, err := Subscriptions(opt); err != nil {
					t.Errorf("before %s: %v", f.ops[n], err)
				}
				token, err := run(opt)
				must(t, err)
				if _, err := check(opt.Dir, token, v.now); name == "revoke" != errors.As(err, &revoked) || name != "revoke" && err != nil {
					t.Errorf("before %s: repeated: %v", f.ops[n], err)
				}
			}
		})
	}
}

// TestSubscriptionKeyRotated replaces the key that signs subscriptions and is killed at each
// moment: run again it comes through, a token of before is then refused by whoever has the
// repository, and a new one is taken.
func TestSubscriptionKeyRotated(t *testing.T) {
	v := newVendor(t)
	first, err := Issue(v.subscribing(), wanted(v))
	must(t, err)
	rotate := func(dir, keys string, fault func(op, path string) error) error {
		_, err := ChangeKeys(KeysOptions{EditOptions: EditOptions{Dir: dir, KeysDir: keys, Passphrase: []byte{}, Now: v.now, fault: fault}, Roles: []string{SubscriptionKey}, Rotate: true})
		return err
	}
	f := &frames{t: t, from: []string{v.dir, v.keys}, to: t.TempDir()}
	must(t, rotate(v.dir, v.keys, f.fault))
	if f.n < 5 {
		t.Fatalf("only %d moments: %q", f.n, f.ops)
	}
	for n := range f.n {
		opt := f.at(n, v.subscribing())
		var invalid *subscription.InvalidError
		if _, err := check(opt.Dir, first.Token, v.now); err != nil && !errors.As(err, &invalid) {
			t.Errorf("before %s: the token from before: %v", f.ops[n], err)
		}
		must(t, rotate(opt.Dir, opt.KeysDir, nil))
		if _, err := check(opt.Dir, first.Token, v.now); !errors.As(err, &invalid) {
			t.Errorf("before %s: repeated: want the token from before refused, got %v", f.ops[n], err)
		}
		next, err := Extend(opt, first.Subscription.ID, Change{Expires: v.now.AddDate(1, 0, 0)})
		must(t, err)
		if _, err := check(opt.Dir, next.Token, v.now); err != nil || next.NewKey {
			t.Errorf("before %s: a new token (new key: %v): %v", f.ops[n], next.NewKey, err)
		}
	}
}
