package subscription

import (
	"fmt"
	"strings"
	"time"
)

// InvalidError is a token that says nothing: it is none, or its signature is not the
// vendor's.
type InvalidError struct{ Why string }

func (e *InvalidError) Error() string { return "subscription: no valid token: " + e.Why }

// ProductError is a token for another product.
type ProductError struct{ Want, Got string }

func (e *ProductError) Error() string {
	return fmt.Sprintf("subscription: want one for %s, got one for %s", e.Want, e.Got)
}

// NotYetError is a subscription that has not begun.
type NotYetError struct{ From time.Time }

func (e *NotYetError) Error() string {
	return "subscription: begins at " + e.From.Format(time.RFC3339)
}

// EndedError is a subscription that has ended.
type EndedError struct {
	ID    string
	Since time.Time
}

func (e *EndedError) Error() string {
	return fmt.Sprintf("subscription %s: ended at %s", e.ID, e.Since.Format(time.RFC3339))
}

// RevokedError is a subscription that the vendor has taken back.
type RevokedError struct {
	ID    string
	Since time.Time
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("subscription %s: revoked at %s", e.ID, e.Since.Format(time.RFC3339))
}

// ChannelError is a subscription without the channel that is asked for.
type ChannelError struct {
	Channel string
	Has     []string
}

func (e *ChannelError) Error() string {
	return fmt.Sprintf("subscription: want channel %s, got %s only", e.Channel, strings.Join(e.Has, ", "))
}
