package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
	"inplace/manifest/subscription"
)

// namesKeys is the field of the targets role that holds the keys which sign subscriptions,
// a JSON Web Key Set. It is signed, so that nobody between the vendor and a client can add
// one of his own.
const namesKeys = "x-subscription-keys"

// subscriptionKeys are the keys that targets names; none is no error.
func subscriptionKeys(path string, targets *metadata.Metadata[metadata.TargetsType]) (subscription.Keys, error) {
	value, ok := targets.Signed.UnrecognizedFields[namesKeys]
	if !ok {
		return subscription.Keys{}, nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	keys, err := subscription.ParseKeys(data)
	if err != nil {
		return nil, &UntrustedError{Path: path, Why: BadForm, Msg: namesKeys, Err: err}
	}
	return keys, nil
}

// nameSubscriptionKeys makes targets name keys, and those only.
func nameSubscriptionKeys(targets *metadata.Metadata[metadata.TargetsType], keys subscription.Keys) error {
	var value any
	if err := json.Unmarshal(keys.Marshal(), &value); err != nil {
		return err
	}
	if targets.Signed.UnrecognizedFields == nil {
		targets.Signed.UnrecognizedFields = map[string]any{}
	}
	targets.Signed.UnrecognizedFields[namesKeys] = value
	return nil
}

// SubscriptionKeys are the keys that sign subscriptions, as the vendor has signed them.
// Empty before a Refresh.
func (c *Client) SubscriptionKeys() subscription.Keys { return c.gate.Keys }

// Revoked is the vendor's list of subscriptions taken back. It is not signed: who can keep
// it back can only let somebody go on for whom the servers have closed. A repository
// without one has none.
func (c *Client) Revoked(ctx context.Context) (subscription.Revoked, error) {
	data, err := c.fetch(ctx, fileRevoked, subscription.MaxListBytes)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return subscription.Revoked{}, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := subscription.ParseRevoked(data)
	if err != nil {
		return nil, &UntrustedError{Path: fileRevoked, Why: BadForm, Err: err}
	}
	return list, nil
}

// Time is the time that ends of validity are judged by: now, but no earlier than the newest
// signed time seen.
func (t *TrustState) Time(now time.Time) time.Time {
	if t.Newest.After(now) {
		return t.Newest
	}
	return now
}

// Gate says who may read what of a repository.
type Gate struct {
	Product     string            // "" where the metadata alone were read
	Subscribers map[string]bool   // channels that are for subscribers only
	Keys        subscription.Keys // that sign subscriptions
}

// Gate is what the newest metadata in t says, without asking the repository.
func (t *TrustState) Gate() (*Gate, error) {
	if len(t.Targets) == 0 {
		return &Gate{Subscribers: map[string]bool{}, Keys: subscription.Keys{}}, nil
	}
	return parseGate("trust state: targets", t.Targets)
}

// Published is the gate of the repository as it lies there, and the product that it is of,
// for whoever serves it. Nothing is verified: clients do.
func (c *Client) Published(ctx context.Context) (*Gate, error) {
	path, most := fileTimestamp, int64(maxTimestampBytes)
	for _, next := range []struct {
		role string
		most int64
	}{{roleSnapshot, maxSnapshotBytes}, {roleTargets, maxRoleBytes}} {
		data, err := c.fetch(ctx, path, most)
		if err != nil {
			return nil, err
		}
		var m struct {
			Signed struct {
				Meta map[string]struct{ Version int64 } `json:"meta"`
			} `json:"signed"`
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		v := m.Signed.Meta[next.role+".json"].Version
		if v <= 0 {
			return nil, fmt.Errorf("%s: names no %s.json", path, next.role)
		}
		path, most = metadataPath(next.role, v), next.most
	}
	data, err := c.fetch(ctx, path, most)
	if err != nil {
		return nil, err
	}
	gate, err := parseGate(path, data)
	if err != nil {
		return nil, err
	}
	if data, err = c.fetch(ctx, fileProduct, manifest.MaxManifestBytes); err != nil {
		return nil, err
	}
	product, err := manifest.ParseProduct(fileProduct, data)
	if err != nil {
		return nil, err
	}
	gate.Product = product.Name
	return gate, nil
}

func parseGate(path string, data []byte) (*Gate, error) {
	targets, err := metadata.Targets().FromBytes(data)
	if err != nil {
		return nil, &UntrustedError{Path: path, Why: BadForm, Err: err}
	}
	return gateOf(path, targets)
}

// gateOf is what the targets role at path says.
func gateOf(path string, targets *metadata.Metadata[metadata.TargetsType]) (gate *Gate, err error) {
	gate = &Gate{Subscribers: map[string]bool{}}
	for _, channel := range channelRoles(targets) {
		gate.Subscribers[channel] = forSubscribers(targets, channel)
	}
	gate.Keys, err = subscriptionKeys(path, targets)
	return gate, err
}
