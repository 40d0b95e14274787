package repository

import (
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// needsSubscription is the field of a channel's delegation, in the targets role, that
// tells whether it is for subscribers only. The key of the channel cannot change it.
const needsSubscription = "x-subscription"

// ChannelOptions say what is to hold for a channel.
type ChannelOptions struct {
	EditOptions
	Channel      string // made, without releases, where it is not there
	Subscription bool   // it is for subscribers only
}

// ChannelSet says what SetChannel has done.
type ChannelSet struct {
	Channel      string `json:"channel"`
	Subscription bool   `json:"subscription"`
	NewChannel   bool   `json:"new_channel"`
	AlreadyThere bool   `json:"already_there"` // it was so before; nothing was written
}

// SetChannel says whether a channel is for subscribers only. It takes the key of the
// targets role.
func SetChannel(opt ChannelOptions) (*ChannelSet, error) {
	if err := CheckChannel(opt.Channel); err != nil {
		return nil, err
	}
	out := &ChannelSet{Channel: opt.Channel, Subscription: opt.Subscription}
	err := edit(opt.EditOptions, func(s *store, p *publisher) error {
		out.NewChannel = p.roles[opt.Channel] == nil
		if !out.NewChannel && forSubscribers(p.targets, opt.Channel) == opt.Subscription {
			out.AlreadyThere = true
			return nil
		}
		if out.NewChannel {
			if err := p.prepare(opt.Channel); err != nil {
				return err
			}
			if err := p.channel(opt.Channel); err != nil {
				return err
			}
		}
		if err := p.load(roleTargets, roleSnapshot, roleTimestamp); err != nil {
			return err
		}
		if err := p.touch(roleTargets); err != nil {
			return err
		}
		role := delegation(p.targets, opt.Channel)
		delete(role.UnrecognizedFields, needsSubscription)
		if opt.Subscription {
			if role.UnrecognizedFields == nil {
				role.UnrecognizedFields = map[string]any{}
			}
			role.UnrecognizedFields[needsSubscription] = true
		}
		return p.publish(s)
	})
	return out, err
}

// delegation is how targets delegates to a channel, nil if it does not.
func delegation(targets *metadata.Metadata[metadata.TargetsType], channel string) *metadata.DelegatedRole {
	if targets.Signed.Delegations == nil {
		return nil
	}
	for i := range targets.Signed.Delegations.Roles {
		if r := &targets.Signed.Delegations.Roles[i]; r.Name == channel {
			return r
		}
	}
	return nil
}

// forSubscribers reports whether channel is for subscribers only. Any value but false
// counts, so that a newer vendor's finer rule is not taken as none.
func forSubscribers(targets *metadata.Metadata[metadata.TargetsType], channel string) bool {
	r := delegation(targets, channel)
	if r == nil {
		return false
	}
	value, ok := r.UnrecognizedFields[needsSubscription]
	return ok && value != false
}

// NeedsSubscription reports whether channel is for subscribers only, as the vendor has
// signed it. False where there is no such channel.
func (c *Client) NeedsSubscription(channel string) bool { return c.gate.Subscribers[channel] }

// ResignOptions say which repository is to stay fresh.
type ResignOptions struct {
	EditOptions
	Roles []string // signed anew as well, with their keys: "root", "targets", channels
}

// Resigned says what Resign has done.
type Resigned struct {
	Snapshot   int64     `json:"snapshot"`    // its version now
	Timestamp  int64     `json:"timestamp"`   // its version now
	ValidUntil time.Time `json:"valid_until"` // the end of the timestamp, when operators' runs would stop
	Ending     []Ending  `json:"ending"`      // what ends soon, and cannot be signed again by this
}

// Ending is metadata near its end of validity.
type Ending struct {
	Role  string    `json:"role"`
	Until time.Time `json:"until"`
}

// soon is how long before its end metadata that seldom changes is told of.
const soon = 90 * day

// Resign signs snapshot and timestamp again, so that nobody's updates stop at the end of
// the timestamp. Without further roles it takes the keys of these two only.
func Resign(opt ResignOptions) (*Resigned, error) {
	out := &Resigned{}
	err := edit(opt.EditOptions, func(s *store, p *publisher) error {
		more := slices.DeleteFunc(slices.Clone(opt.Roles), func(r string) bool { return r == roleSnapshot || r == roleTimestamp })
		if err := p.load(more...); err != nil { // all keys first: what is touched wants those of both roots
			return err
		}
		for _, role := range more {
			if err := p.touch(role); err != nil {
				return err
			}
		}
		p.online = true
		note := func(role string, until time.Time) {
			if until.Sub(opt.Now) < soon {
				out.Ending = append(out.Ending, Ending{role, until.UTC()})
			}
		}
		note(roleRoot, p.root.Signed.Expires)
		note(roleTargets, p.targets.Signed.Expires)
		for _, channel := range channelRoles(p.targets) {
			note(channel, p.roles[channel].Signed.Expires)
		}
		if err := p.publish(s); err != nil {
			return err
		}
		out.Snapshot, out.Timestamp = p.snapshot.Signed.Version, p.timestamp.Signed.Version
		out.ValidUntil = p.timestamp.Signed.Expires
		return nil
	})
	return out, err
}
