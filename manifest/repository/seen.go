package repository

import (
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Seen lists the releases of channel as the newest metadata seen tells of them, levels
// rising, without asking the repository: there may be newer ones, and some may have been
// withdrawn since. Nothing seen of the channel is a *[NotFoundError].
func (t *TrustState) Seen(channel string) ([]Release, error) {
	raw, ok := t.Roles[channel]
	if !ok {
		return nil, &NotFoundError{"channel " + channel}
	}
	role, err := metadata.Targets().FromBytes(raw)
	if err != nil {
		return nil, &UntrustedError{Path: channel, Why: BadState, Msg: fmt.Sprintf("role of channel %s", channel), Err: err}
	}
	return releasesOf(channel, role)
}
