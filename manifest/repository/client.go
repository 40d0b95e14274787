package repository

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// ClientOptions change how a repository is read; the zero value is what everybody
// wants.
type ClientOptions struct {
	// AllowStale takes expired metadata as good; [Client.Expired] tells what was.
	// Everything else is checked as always.
	AllowStale bool
	// Transport is used instead of the one that the source asks for; the client
	// closes it.
	Transport Transport
	// Engine is the version of this program. A manifest that asks for a newer one is not
	// parsed, and is an *[OldUpdaterError]. "": every manifest is parsed.
	Engine string
	// Keep, if set, is given each manifest and inventory as the repository has it, for
	// [Offline]. It may be called by several goroutines.
	Keep func(path string, data []byte)
}

// Client reads one repository. After a Refresh its methods may be called by several
// goroutines.
type Client struct {
	source    string
	transport Transport
	part      Partial // the transport, where it has a part of a repository only
	opt       ClientOptions

	state    *TrustState
	releases map[string][]Release // by channel, levels rising
	expired  []*ExpiredError

	gate     Gate
	updaters []Updater

	pool decoders
}

// Open opens the repository at source, a directory or file:// URL. Nothing is read
// yet: [Client.Refresh] comes first.
func Open(source string, opt ClientOptions) (*Client, error) {
	t := opt.Transport
	if t == nil {
		var err error
		if t, err = openTransport(source); err != nil {
			return nil, err
		}
	}
	part, _ := t.(Partial)
	if opt.Keep != nil {
		t = &keeper{t, opt.Keep}
	}
	return &Client{source: source, transport: t, part: part, opt: opt}, nil
}

// Source is what the client was opened with.
func (c *Client) Source() string { return c.source }

// Close lets go of the transport. Contents still being read become unreadable.
func (c *Client) Close() error { return c.transport.Close() }

// Release is an update level in a channel, as signed. It says where the manifest
// is, not what is in it.
type Release struct {
	Level   int64
	Channel string
	Name    string          // of the TUF target: CHANNEL/LEVEL.yaml
	Digest  manifest.Digest // of the manifest
	Size    int64           // of the manifest, in bytes

	Withdrawn  string // why nobody should go there any more; empty: offered
	Access     string // what a subscription must grant; empty: free for all
	UpdaterMin string // the oldest updater that can read the manifest; empty: any
}

// custom is what the vendor says of a TUF target beyond its digest. Fields are only
// ever added.
type custom struct {
	UpdaterMin string `json:"updater-min,omitempty"`
	Access     string `json:"access,omitempty"`
	Withdrawn  string `json:"withdrawn,omitempty"`
	Version    string `json:"version,omitempty"` // of an updater
}

// Channels lists the channels, sorted.
func (c *Client) Channels() []string {
	out := make([]string, 0, len(c.releases))
	for name := range c.releases {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Releases lists the releases of channel that the source has, levels rising, withdrawn
// ones included. A channel that does not exist is a *[NotFoundError].
func (c *Client) Releases(channel string) ([]Release, error) {
	list, ok := c.releases[channel]
	if !ok {
		return nil, &NotFoundError{"channel " + channel}
	}
	return c.held(list), nil
}

// All lists the releases of all channels that the source has, levels rising, then by channel.
func (c *Client) All() []Release {
	var out []Release
	for _, list := range c.releases {
		out = append(out, c.held(list)...)
	}
	slices.SortFunc(out, func(a, b Release) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), strings.Compare(a.Channel, b.Channel))
	})
	return out
}

// releasesOf reads the role of a channel. Targets outside the pattern that the role
// is trusted for do not count, as in TUF.
func releasesOf(channel string, role *metadata.Metadata[metadata.TargetsType]) ([]Release, error) {
	path := metadataPath(channel, role.Signed.Version)
	out := make([]Release, 0, len(role.Signed.Targets))
	for name, file := range role.Signed.Targets {
		level, ok := targetLevel(channel, name)
		if !ok {
			continue
		}
		r := Release{Level: level, Channel: channel, Name: name}
		if file == nil || len(file.Hashes["sha256"]) != len(r.Digest) {
			return nil, &UntrustedError{Path: path, Why: BadForm, Msg: name + ": want a SHA-256 digest"}
		}
		if file.Length < 0 || file.Length > manifest.MaxManifestBytes {
			return nil, &UntrustedError{Path: path, Why: BadForm,
				Msg: fmt.Sprintf("%s: want a length of at most %d bytes, got %d", name, manifest.MaxManifestBytes, file.Length)}
		}
		r.Digest = manifest.Digest(file.Hashes["sha256"])
		r.Size = file.Length
		if file.Custom != nil {
			var extra custom
			if err := json.Unmarshal(*file.Custom, &extra); err != nil {
				return nil, &UntrustedError{Path: path, Why: BadForm, Msg: name + ": custom", Err: err}
			}
			r.UpdaterMin, r.Access, r.Withdrawn = extra.UpdaterMin, extra.Access, extra.Withdrawn
			if r.UpdaterMin != "" && CheckVersion(r.UpdaterMin) != nil {
				return nil, &UntrustedError{Path: path, Why: BadForm, Msg: fmt.Sprintf("%s: updater-min: want a version, got %q", name, r.UpdaterMin)}
			}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Release) int { return cmp.Compare(a.Level, b.Level) })
	return out, nil
}

// oneMeaning checks that no update level means two things: a level may be in several
// channels, but then it is the same release.
func oneMeaning(releases map[string][]Release) error {
	seen := map[int64]Release{}
	for _, list := range releases {
		for _, r := range list {
			if o, ok := seen[r.Level]; ok && (o.Digest != r.Digest || o.Size != r.Size) {
				a, b := min(o.Name, r.Name), max(o.Name, r.Name)
				return &UntrustedError{Path: dirTargets + "/" + a, Why: Mixed,
					Msg: fmt.Sprintf("update level %d means another release in %s", r.Level, b)}
			}
			seen[r.Level] = r
		}
	}
	return nil
}

// Manifest fetches and reads the manifest of r. When it cannot be read its bytes are
// returned with the error all the same: their digest is right, so a newer updater
// may understand them. One that asks for a newer updater is an *[OldUpdaterError], and not
// fetched.
func (c *Client) Manifest(ctx context.Context, r Release) (*manifest.Manifest, []byte, error) {
	if OlderVersion(c.opt.Engine, r.UpdaterMin) {
		return nil, nil, &OldUpdaterError{What: fmt.Sprintf("update level %d", r.Level), Min: r.UpdaterMin, Have: c.opt.Engine}
	}
	path := manifestPath(r.Channel, r.Level, r.Digest)
	data, err := c.read(ctx, path, r.Size, func(data []byte) error { return checkBytes(path, data, r.Size, r.Digest) })
	if err != nil {
		return nil, nil, err
	}
	m, err := manifest.Parse(path, data)
	if err != nil {
		return nil, data, err
	}
	if m.Level != r.Level {
		return nil, data, c.from(&UntrustedError{Path: path, Why: Mixed,
			Msg: fmt.Sprintf("want the manifest of update level %d, got %d", r.Level, m.Level)})
	}
	return m, data, nil
}

// Inventory fetches and reads the inventory that m names, and checks one against
// the other.
func (c *Client) Inventory(ctx context.Context, m *manifest.Manifest) (*manifest.Inventory, error) {
	path := inventoryPath(m.Inventory.Digest)
	if m.Inventory.Size < 0 || m.Inventory.Size > manifest.MaxInventoryBytes {
		return nil, &UntrustedError{Path: path, Why: BadForm,
			Msg: fmt.Sprintf("want at most %d bytes, got %d", manifest.MaxInventoryBytes, m.Inventory.Size)}
	}
	// Into memory of just its size, which is signed: it can be the largest thing that a
	// run holds.
	data, err := c.whole(ctx, fsys.Memory(m.Inventory.Size)[:0], path, m.Inventory.Digest, m.Inventory.Size)
	if err != nil {
		return nil, err
	}
	v, err := manifest.ParseDigested(path, data, m.Inventory.Digest)
	if err != nil {
		return nil, err
	}
	return v, manifest.Check(m, v)
}

// fetch reads the file path, of at most limit bytes; a longer one is not trusted.
func (c *Client) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	return c.read(ctx, path, limit, func([]byte) error { return nil })
}

// read is fetch with a check of what came.
func (c *Client) read(ctx context.Context, path string, limit int64, check func([]byte) error) ([]byte, error) {
	r, err := c.transport.Get(ctx, path, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	data, err := readAll(r, limit)
	var long *tooLong
	switch {
	case errors.As(err, &long):
		err = &UntrustedError{Path: path, Why: BadForm, Msg: long.Error()}
	case err != nil:
		return nil, pathFirst(path, err)
	default:
		err = check(data)
	}
	judge(r, err)
	if err != nil {
		return nil, c.from(err)
	}
	return data, nil
}

// end closes a file that was read to judge it, and is err with where it came from.
func (c *Client) end(r io.ReadCloser, err error) error {
	err = c.from(err)
	judge(r, err)
	_ = r.Close()
	return err
}

// from adds to what is not to be trusted where it came from, if that is another machine.
func (c *Client) from(err error) error {
	var untrusted *UntrustedError
	if strings.Contains(c.source, "://") && !strings.HasPrefix(c.source, "file:") && errors.As(err, &untrusted) && untrusted.Why != BadState {
		untrusted.Source = c.source
	}
	return err
}

func checkBytes(path string, data []byte, size int64, want manifest.Digest) error {
	if int64(len(data)) != size {
		return &UntrustedError{Path: path, Why: BadDigest, Msg: fmt.Sprintf("want %d bytes, got %d", size, len(data))}
	}
	if got := manifest.DigestOf(data); got != want {
		return digestError(path, want, got)
	}
	return nil
}

func digestError(path string, want, got manifest.Digest) error {
	return &UntrustedError{Path: path, Why: BadDigest, Msg: fmt.Sprintf("digest mismatch: want %s, got %s", want, got)}
}
