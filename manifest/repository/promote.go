package repository

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// SecurityChannel takes releases whose fixes are all of kind security, by [Add] as by
// [Promote].
const SecurityChannel = "security"

// NotSecurityError reports a release that the security channel does not take.
type NotSecurityError struct {
	Level int64
	Fixes []manifest.Fix // those of another kind, at least one
}

func (e *NotSecurityError) Error() string {
	more := ""
	if n := len(e.Fixes) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	return fmt.Sprintf("update level %d: channel %s takes only fixes of kind security, got %s of kind %s%s",
		e.Level, SecurityChannel, manifest.Path(e.Fixes[0].ID), e.Fixes[0].Kind, more)
}

// fitsChannel is the rule of the security channel, a *[NotSecurityError].
func fitsChannel(channel string, m *manifest.Manifest) error {
	if channel != SecurityChannel {
		return nil
	}
	other := slices.DeleteFunc(slices.Clone(m.Fixes), func(f manifest.Fix) bool { return f.Kind == "security" })
	if len(other) > 0 {
		return &NotSecurityError{m.Level, other}
	}
	return nil
}

// PromoteOptions say which release goes into another channel as well.
type PromoteOptions struct {
	EditOptions
	Level int64
	To    string // made on first use
}

// Promoted says what Promote has done.
type Promoted struct {
	Level        int64              `json:"level"`
	From         string             `json:"from"`    // the channel that had it before
	Channel      string             `json:"channel"` // that has it now
	Manifest     manifest.Digest    `json:"manifest"`
	Product      manifest.ProductID `json:"-"`
	AlreadyThere bool               `json:"already_there"` // nothing was written
	NewChannel   bool               `json:"new_channel"`
}

// Promote publishes a release that a channel has in another channel: the same manifest,
// the same contents. Errors: *[NotFoundError] for the level, *[NotSecurityError],
// [ErrWithdrawn]; fsys.ErrLocked beside another run.
func Promote(ctx context.Context, opt PromoteOptions) (*Promoted, error) {
	if err := CheckChannel(opt.To); err != nil {
		return nil, err
	}
	out := &Promoted{Level: opt.Level, Channel: opt.To}
	err := edit(opt.EditOptions, func(s *store, p *publisher) error {
		from, file := p.release(opt.Level, "")
		if file == nil {
			return &NotFoundError{fmt.Sprintf("update level %d", opt.Level)}
		}
		extra, err := customOf(file)
		if err != nil {
			return err
		}
		if extra.Withdrawn != "" {
			return fmt.Errorf("update level %d: %w: %s", opt.Level, ErrWithdrawn, extra.Withdrawn)
		}
		m, data, err := readManifest(s, from, opt.Level, file)
		if err != nil {
			return err
		}
		out.From, out.Manifest, out.Product = from, manifest.DigestOf(data), m.Product
		if slices.Contains(p.channelsOf(opt.Level), opt.To) {
			out.AlreadyThere = true
			return nil
		}
		if err := fitsChannel(opt.To, m); err != nil {
			return err
		}
		out.NewChannel = p.roles[opt.To] == nil
		if err := p.prepare(opt.To); err != nil {
			return err
		}
		if err := s.putNew(manifestPath(opt.To, opt.Level, out.Manifest), data); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil { // the last moment to stop without a trace
			return err
		}
		return p.addTarget(s, opt.To, targetName(opt.To, opt.Level), file)
	})
	return out, err
}

// customOf is what the vendor says of a target beyond its digest.
func customOf(file *metadata.TargetFiles) (extra custom, err error) {
	if file.Custom != nil {
		err = json.Unmarshal(*file.Custom, &extra)
	}
	return extra, err
}

// setCustom replaces it. Nothing to say is no custom at all.
func setCustom(file *metadata.TargetFiles, extra custom) error {
	file.Custom = nil
	if extra == (custom{}) {
		return nil
	}
	text, err := json.Marshal(extra)
	raw := json.RawMessage(text)
	file.Custom = &raw
	return err
}

// WithdrawOptions say which release nobody is to be offered any more.
type WithdrawOptions struct {
	EditOptions
	Level  int64
	Reason string // for operators, one line; see CheckReason
}

// Withdrawn says what Withdraw has done.
type Withdrawn struct {
	Level        int64    `json:"level"`
	Channels     []string `json:"channels"` // all that have the level
	Reason       string   `json:"reason"`
	Before       string   `json:"reason_before,omitempty"` // it was withdrawn for that reason before
	AlreadyThere bool     `json:"already_there"`           // for this very reason; nothing was written
}

// Withdraw takes an update level back in every channel that has it, at once: it is not
// offered any more, and where it is installed that is said with the reason. What it
// consists of stays, for who has it must be able to compare with it and to go on from
// it. A level that is not there is a *[NotFoundError].
func Withdraw(opt WithdrawOptions) (*Withdrawn, error) {
	if err := CheckReason(opt.Reason); err != nil {
		return nil, err
	}
	out := &Withdrawn{Level: opt.Level, Reason: opt.Reason}
	err := edit(opt.EditOptions, func(s *store, p *publisher) error {
		out.Channels = p.channelsOf(opt.Level)
		if len(out.Channels) == 0 {
			return &NotFoundError{fmt.Sprintf("update level %d", opt.Level)}
		}
		out.AlreadyThere = true
		for _, channel := range out.Channels {
			file := p.roles[channel].Signed.Targets[targetName(channel, opt.Level)]
			extra, err := customOf(file)
			if err != nil {
				return err
			}
			if extra.Withdrawn == opt.Reason {
				continue
			}
			out.Before, out.AlreadyThere = cmp.Or(out.Before, extra.Withdrawn), false
			if err := p.prepare(channel); err != nil {
				return err
			}
			if err := p.touch(channel); err != nil {
				return err
			}
			extra.Withdrawn = opt.Reason
			if err := setCustom(file, extra); err != nil {
				return err
			}
		}
		if out.AlreadyThere {
			return nil
		}
		return p.publish(s)
	})
	return out, err
}

// maxReason is the longest reason of a withdrawal, in bytes.
const maxReason = 500

// CheckReason reports why text cannot be the reason of a withdrawal: it wants one line of
// at most 500 bytes that can be printed.
func CheckReason(text string) error {
	if text == "" || len(text) > maxReason || manifest.Path(text).String() != text {
		return fmt.Errorf("reason: want one line of at most %d bytes that can be printed, got %.40q", maxReason, text)
	}
	return nil
}
