package repository

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

const securityNotes = "schema: inplace/notes/1\nfixes: [{id: CVE-1, kind: security, summary: s}]\n"
const mixedNotes = "schema: inplace/notes/1\nfixes: [{id: CVE-1, kind: security, summary: s}, {id: BUG-2, kind: bug, summary: s}]\n"

// edit is what a change of v's repository needs.
func (v *vendor) edit() EditOptions {
	return EditOptions{Dir: v.dir, KeysDir: v.keys, Passphrase: []byte{}, Now: v.now}
}

// noted adds a level with notes.
func (v *vendor) noted(level int64, channel, notes string) error {
	opt := v.options(level, v.tree(map[string]string{"f": fmt.Sprint(level, "\n")}))
	opt.Channel, opt.Notes = channel, []byte(notes)
	_, err := Add(context.Background(), opt)
	return err
}

// The security channel takes security fixes only, whichever way a release comes.
func TestSecurityChannel(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	must(t, v.noted(1, "full", securityNotes))
	must(t, v.noted(2, "full", mixedNotes))
	promote := func(level int64, to string) (*Promoted, error) {
		return Promote(context.Background(), PromoteOptions{EditOptions: v.edit(), Level: level, To: to})
	}
	if out, err := promote(0, SecurityChannel); err != nil || !out.NewChannel || out.From != "full" {
		t.Fatalf("level 0: %+v %v", out, err)
	}
	out, err := promote(1, SecurityChannel)
	must(t, err)
	if out.NewChannel || out.AlreadyThere || out.Channel != SecurityChannel {
		t.Errorf("promoted: %+v", out)
	}
	if out, err := promote(1, SecurityChannel); err != nil || !out.AlreadyThere {
		t.Errorf("promoted again: %+v %v", out, err)
	}
	var refused *NotSecurityError
	if _, err := promote(2, SecurityChannel); !errors.As(err, &refused) || len(refused.Fixes) != 1 || refused.Fixes[0].ID != "BUG-2" {
		t.Errorf("a bug fix promoted: %v", err)
	}
	if err := v.noted(3, SecurityChannel, mixedNotes); !errors.As(err, &refused) || refused.Level != 3 {
		t.Errorf("a bug fix added: %v", err)
	}
	must(t, v.noted(4, SecurityChannel, securityNotes))
	var missing *NotFoundError
	if _, err := promote(3, "full"); !errors.As(err, &missing) {
		t.Errorf("a level that is not there: %v", err)
	}
	c := mustReader(t, v.dir, nil, noon)
	var levels []int64
	list, err := c.Releases(SecurityChannel)
	must(t, err)
	for _, r := range list {
		levels = append(levels, r.Level)
		if got, err := readRelease(c, SecurityChannel, r.Level); err != nil || got["f"] != fmt.Sprintf("file 644 %d\n", r.Level) {
			t.Errorf("level %d: %q %v", r.Level, got, err)
		}
	}
	if !slices.Equal(levels, []int64{0, 1, 4}) {
		t.Errorf("levels of the security channel: %v", levels)
	}
	// Adding a promoted level again finds it in the channel that is named.
	opt := v.options(1, v.tree(map[string]string{"f": "1\n"}))
	opt.Channel, opt.Notes = SecurityChannel, []byte(securityNotes)
	if out, err := Add(context.Background(), opt); err != nil || !out.AlreadyThere {
		t.Errorf("added again: %+v %v", out, err)
	}
}

// A withdrawn level is so in all its channels at once, and stays readable.
func TestWithdraw(t *testing.T) {
	v := newVendor(t)
	must(t, v.noted(1, "full", securityNotes))
	_, err := Promote(context.Background(), PromoteOptions{EditOptions: v.edit(), Level: 1, To: SecurityChannel})
	must(t, err)
	withdraw := func(level int64, reason string) (*Withdrawn, error) {
		return Withdraw(WithdrawOptions{EditOptions: v.edit(), Level: level, Reason: reason})
	}
	out, err := withdraw(1, "it loses sessions")
	must(t, err)
	if !slices.Equal(out.Channels, []string{"full", SecurityChannel}) || out.AlreadyThere || out.Before != "" {
		t.Errorf("%+v", out)
	}
	if out, err := withdraw(1, "it loses sessions"); err != nil || !out.AlreadyThere {
		t.Errorf("again: %+v %v", out, err)
	}
	if out, err := withdraw(1, "it loses data"); err != nil || out.AlreadyThere || out.Before != "it loses sessions" {
		t.Errorf("for another reason: %+v %v", out, err)
	}
	c := mustReader(t, v.dir, nil, noon)
	if all := c.All(); len(all) != 2 || all[0].Withdrawn != "it loses data" || all[1].Withdrawn != "it loses data" {
		t.Errorf("%+v", all)
	}
	if _, err := readRelease(c, "full", 1); err != nil {
		t.Error(err)
	}
	if _, err := Promote(context.Background(), PromoteOptions{EditOptions: v.edit(), Level: 1, To: "other"}); !errors.Is(err, ErrWithdrawn) {
		t.Errorf("promoted: %v", err)
	}
	var missing *NotFoundError
	if _, err := withdraw(7, "why"); !errors.As(err, &missing) {
		t.Errorf("a level that is not there: %v", err)
	}
	for _, bad := range []string{"", "two\nlines", "\x1b[31m", string(make([]byte, maxReason+1))} {
		if _, err := withdraw(1, bad); err == nil {
			t.Errorf("reason %.10q was taken", bad)
		}
	}
}

// Whether a channel is for subscribers is signed by the targets role, and may be said
// before it has a release.
func TestChannelForSubscribers(t *testing.T) {
	v := newVendor(t)
	v.add(0, v.tree(map[string]string{"f": "0\n"}))
	set := func(channel string, on bool) *ChannelSet {
		t.Helper()
		out, err := SetChannel(ChannelOptions{EditOptions: v.edit(), Channel: channel, Subscription: on})
		must(t, err)
		return out
	}
	if out := set("paid", true); !out.NewChannel || out.AlreadyThere {
		t.Errorf("%+v", out)
	}
	if out := set("paid", true); out.NewChannel || !out.AlreadyThere {
		t.Errorf("again: %+v", out)
	}
	set("full", true)
	set("full", false)
	must(t, v.noted(1, "paid", securityNotes)) // keeps it
	c := mustReader(t, v.dir, nil, noon)
	if !c.NeedsSubscription("paid") || c.NeedsSubscription("full") || c.NeedsSubscription("none") {
		t.Errorf("paid %v, full %v, none %v", c.NeedsSubscription("paid"), c.NeedsSubscription("full"), c.NeedsSubscription("none"))
	}
	if got, err := readRelease(c, "paid", 1); err != nil || len(got) != 1 {
		t.Errorf("%v %v", got, err)
	}
}

// slow leaves a test that takes long in one goroutine out of short runs, which are those of
// the race detector.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long, in one goroutine")
	}
}

// interrupted runs change as if it was killed at each moment, and holds what is left to
// this: it reads with the trust of before, and, after again has run the change anew, as
// it would without an interruption. least is how many moments there are at least.
func (v *vendor) interrupted(t *testing.T, least int, change func(EditOptions) error, check func(c *Client) error) {
	t.Helper()
	slow(t)
	trust := mustReader(t, v.dir, nil, v.now).State()
	f := &frames{t: t, from: []string{v.dir, v.keys}, to: t.TempDir()}
	opt := v.edit()
	opt.fault = f.fault
	must(t, change(opt))
	must(t, check(mustReader(t, v.dir, trust, v.now)))
	if f.n < least {
		t.Fatalf("only %d moments: %q", f.n, f.ops)
	}
	before := 0
	for n := range f.n {
		at := filepath.Join(f.to, fmt.Sprint(n))
		again := v.edit()
		again.Dir, again.KeysDir = filepath.Join(at, "repo"), filepath.Join(at, "keys")
		c, err := reader(t, again.Dir, trust, v.now)
		if err != nil {
			t.Errorf("before %s (%d): cannot be read: %v", f.ops[n], n, err)
			continue
		}
		if check(c) != nil {
			before++
		}
		seen := c.State()
		if err := change(again); err != nil {
			t.Errorf("before %s (%d): cannot be continued: %v", f.ops[n], n, err)
			continue
		}
		if c, err = reader(t, again.Dir, seen, v.now); err == nil {
			err = check(c)
		}
		if err != nil {
			t.Errorf("before %s (%d): after the second run: %v", f.ops[n], n, err)
		}
	}
	if before == 0 || before == f.n {
		t.Errorf("%d of %d moments show the state before: want some of both", before, f.n)
	}
}

func TestPromoteInterrupted(t *testing.T) {
	v := newVendor(t)
	must(t, v.noted(1, "full", securityNotes))
	v.interrupted(t, 15, func(opt EditOptions) error {
		_, err := Promote(context.Background(), PromoteOptions{EditOptions: opt, Level: 1, To: SecurityChannel})
		return err
	}, func(c *Client) error {
		_, err := readRelease(c, SecurityChannel, 1)
		return err
	})
}

func TestWithdrawInterrupted(t *testing.T) {
	v := newVendor(t)
	must(t, v.noted(1, "full", securityNotes))
	_, err := Promote(context.Background(), PromoteOptions{EditOptions: v.edit(), Level: 1, To: SecurityChannel})
	must(t, err)
	v.interrupted(t, 10, func(opt EditOptions) error {
		_, err := Withdraw(WithdrawOptions{EditOptions: opt, Level: 1, Reason: "why"})
		return err
	}, func(c *Client) error {
		all := c.All()
		if len(all) != 2 || all[0].Withdrawn != all[1].Withdrawn {
			t.Errorf("withdrawn by halves: %+v", all)
		}
		if all[0].Withdrawn != "why" {
			return errors.New("not withdrawn")
		}
		return nil
	})
}
