package updater

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"inplace/manifest/repository"
	"inplace/manifest/subscription"
	"inplace/updater/credentials"
)

// Subscribed is the subscription that a run goes by.
type Subscribed struct {
	subscription.Subscription
	DaysLeft int  `json:"days_left"` // begun ones count
	EndsSoon bool `json:"ends_soon"` // within [subscription.WarnDays] days
}

func subscribed(s *subscription.Subscription, now time.Time) *Subscribed {
	return &Subscribed{*s, s.DaysLeft(now), s.EndsSoon(now)}
}

// Warning is the sentence about a subscription that ends soon, "" for another.
func (s *Subscribed) Warning() string {
	if s == nil || !s.EndsSoon {
		return ""
	}
	return fmt.Sprintf("subscription %s ends at %s, %s from now; then there are no more updates", s.ID, s.Expires.Format(time.RFC3339), plural(s.DaysLeft, "day"))
}

// SubscriptionError reports a channel for subscribers of which nobody has shown a
// subscription that holds. What is installed goes on as it is.
type SubscriptionError struct {
	Channel string
	Err     error // of package subscription; nil: none was found at all
}

func (e *SubscriptionError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("channel %s: is for subscribers, and no subscription was found", e.Channel)
	}
	return fmt.Sprintf("channel %s: is for subscribers: %v", e.Channel, e.Err)
}

// Unwrap returns what is wrong with the subscription that was found.
func (e *SubscriptionError) Unwrap() error { return e.Err }

// shown is the best subscription among tokens: the first that holds for channel ("": for
// any) of product ("": of any), else with what is wrong with the likeliest. Neither: there
// is none.
func shown(tokens []string, keys subscription.Keys, revoked subscription.Revoked, product, channel string, now time.Time) (*subscription.Subscription, error) {
	var best *subscription.Subscription
	var fault error
	for _, token := range tokens {
		if strings.Count(token, ".") != 2 {
			continue // a token for something else
		}
		s, err := subscription.Verify(token, keys, product, now)
		if err == nil {
			err = revoked.Check(s)
		}
		if err == nil && channel != "" {
			err = s.Gives(channel)
		}
		if err == nil {
			return s, nil
		}
		if fault == nil || best == nil && s != nil {
			best, fault = s, err
		}
	}
	return best, fault
}

// entitled finds the subscription for channel, if c says that it is for subscribers. Nil
// without an error: anybody may have it. Errors: *[SubscriptionError], those of the source
// and of files of secrets.
func entitled(ctx context.Context, c *repository.Client, login *credentials.Finder, channel, product string, now time.Time) (*Subscribed, error) {
	if !c.NeedsSubscription(channel) {
		return nil, nil
	}
	if login == nil {
		return nil, &SubscriptionError{Channel: channel}
	}
	tokens, err := login.Tokens(ctx, c.Source())
	if err != nil {
		return nil, err
	}
	revoked, err := c.Revoked(ctx)
	if err != nil {
		return nil, err
	}
	now = c.State().Time(now)
	s, err := shown(tokens, c.SubscriptionKeys(), revoked, product, channel, now)
	if err != nil || s == nil {
		return nil, &SubscriptionError{Channel: channel, Err: err}
	}
	return subscribed(s, now), nil
}

// entitle finds the subscription that this run goes by, once.
func (u *Updater) entitle(ctx context.Context, product string) (err error) {
	if u.subscription == nil { // nil again where none is needed, which costs nothing
		u.subscription, err = entitled(ctx, u.client, u.opt.Access.Login, u.channel(), product, u.opt.Now())
	}
	return err
}

// ShownSubscription is what `subscription show` tells.
type ShownSubscription struct {
	Channel string      `json:"channel"`
	Needed  bool        `json:"needed"` // the channel of the installation is for subscribers
	Found   *Subscribed `json:"found,omitempty"`
	Fault   string      `json:"fault,omitempty"`   // why it does not hold
	Unasked string      `json:"unasked,omitempty"` // why the source was not asked, where this goes by what was seen of it last
}

// Subscription tells which subscription this installation has. Where the source cannot be
// asked it goes by what was seen of it last, which does not say what was revoked. An error
// beside what is told, *[SubscriptionError]: the channel needs one, and there is none that holds.
func (u *Updater) Subscription(ctx context.Context) (*ShownSubscription, error) {
	r, err := readRecord(u.tree)
	if err != nil {
		return nil, err
	}
	trust, err := readTrust(u.tree)
	if err != nil {
		return nil, err
	}
	out := &ShownSubscription{Channel: u.channel()}
	var gate *repository.Gate
	var revoked subscription.Revoked
	if err = u.connect(ctx); err == nil {
		trust = u.client.State()
		revoked, err = u.client.Revoked(ctx)
	}
	if err != nil && !unreachable(ctx, err) {
		return nil, err
	}
	if err != nil {
		out.Unasked = err.Error()
	}
	if gate, err = trust.Gate(); err != nil {
		return nil, err
	}
	out.Needed = gate.Subscribers[out.Channel]
	u.opt.Access.tell(u.tree.Path(), u.settings.Transport)
	var tokens []string
	if login := u.opt.Access.Login; login != nil {
		if tokens, err = login.Tokens(ctx, u.source()); err != nil {
			return nil, err
		}
	}
	now := trust.Time(u.opt.Now())
	s, err := shown(tokens, gate.Keys, revoked, r.Product, out.Channel, now)
	if s != nil {
		out.Found = subscribed(s, now)
	}
	var other *subscription.ChannelError
	if errors.As(err, &other) && !out.Needed {
		err = nil
	}
	if err != nil {
		out.Fault = err.Error()
	}
	if out.Needed && (err != nil || s == nil) {
		return out, &SubscriptionError{Channel: out.Channel, Err: err}
	}
	return out, nil
}
