package repository

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"inplace/manifest"
)

// The updater's own binaries are targets of the top-level role: updater/OS-ARCH, with the
// version in custom, at targets/updater/DIGEST.OS-ARCH as they are, not compressed.

const prefixUpdater = "updater/"

// MaxUpdaterBytes is the longest binary of the updater.
const MaxUpdaterBytes = 256 << 20

// Updater is a binary of the updater, as signed.
type Updater struct {
	Platform string          `json:"platform"` // OS-ARCH, in Go's names
	Version  string          `json:"version"`  // as the vendor says
	Digest   manifest.Digest `json:"digest"`
	Size     int64           `json:"size"`
}

// Path is where the binary lies in a repository.
func (u Updater) Path() string {
	return dirTargets + "/" + prefixUpdater + u.Digest.Hex() + "." + u.Platform
}

// OldUpdaterError reports a manifest that this program must not read: it asks for a newer one.
type OldUpdaterError struct {
	What string // that asks for it, such as "update level 17"
	Min  string // the oldest version that will do
	Have string // this program's
}

func (e *OldUpdaterError) Error() string {
	return fmt.Sprintf("%s needs updater %s or newer, this is %s", e.What, manifest.Path(e.Min), e.Have)
}

// CheckPlatform reports why text cannot be the OS-ARCH of an updater.
func CheckPlatform(text string) error {
	system, arch, ok := strings.Cut(text, "-")
	word := func(s string) bool {
		return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
	}
	if !ok || !word(system) || !word(arch) {
		return fmt.Errorf("platform %.70q: want OS-ARCH such as linux-amd64", text)
	}
	return nil
}

// updatersOf reads the binaries that the targets role names, by platform.
func updatersOf(role *metadata.Metadata[metadata.TargetsType]) ([]Updater, error) {
	path := metadataPath(roleTargets, role.Signed.Version)
	var out []Updater
	for name, file := range role.Signed.Targets {
		platform, ok := strings.CutPrefix(name, prefixUpdater)
		if !ok || CheckPlatform(platform) != nil {
			continue
		}
		bad := func(want string) error {
			return &UntrustedError{Path: path, Why: BadForm, Msg: name + ": want " + want}
		}
		u := Updater{Platform: platform}
		if file == nil || len(file.Hashes["sha256"]) != len(u.Digest) {
			return nil, bad("a SHA-256 digest")
		}
		if file.Length < 0 || file.Length > MaxUpdaterBytes {
			return nil, bad(fmt.Sprintf("a length of at most %d bytes, got %d", int64(MaxUpdaterBytes), file.Length))
		}
		extra, err := customOf(file)
		if err != nil || CheckVersion(extra.Version) != nil {
			return nil, bad("its version")
		}
		u.Version, u.Digest, u.Size = extra.Version, manifest.Digest(file.Hashes["sha256"]), file.Length
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b Updater) int { return strings.Compare(a.Platform, b.Platform) })
	return out, nil
}

// Updaters lists the updater's binaries by platform.
func (c *Client) Updaters() []Updater { return slices.Clone(c.updaters) }

// Updater is the updater's binary for a system and architecture, in Go's names. One that is
// not published is a *[NotFoundError].
func (c *Client) Updater(system, arch string) (Updater, error) {
	name := system + "-" + arch
	for _, u := range c.updaters {
		if u.Platform == name {
			return u, nil
		}
	}
	return Updater{}, &NotFoundError{prefixUpdater + name}
}

// WriteUpdater writes the binary u to w, never more than its size. Its bytes are the
// vendor's only if there is no error; what is wrong is an *[UntrustedError].
func (c *Client) WriteUpdater(ctx context.Context, u Updater, w io.Writer) (err error) {
	path := u.Path()
	r, err := c.transport.Get(ctx, path, u.Size)
	if err != nil {
		return err
	}
	defer func() { err = c.end(r, err) }()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(&contextReader{ctx, r}, u.Size))
	if err != nil {
		return pathFirst(path, err)
	}
	var one [1]byte
	if more, err := io.ReadFull(r, one[:]); more > 0 {
		return &UntrustedError{Path: path, Why: BadDigest, Msg: fmt.Sprintf("want %d bytes, got more", u.Size)}
	} else if !errors.Is(err, io.EOF) {
		return pathFirst(path, err)
	}
	if n != u.Size {
		return &UntrustedError{Path: path, Why: BadDigest, Msg: fmt.Sprintf("want %d bytes, got %d", u.Size, n)}
	}
	if got := manifest.Digest(h.Sum(nil)); got != u.Digest {
		return digestError(path, u.Digest, got)
	}
	return nil
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// UpdaterOptions say which binaries to publish.
type UpdaterOptions struct {
	EditOptions
	Version string
	Files   map[string][]byte // by platform
}

// PublishedUpdaters says what PublishUpdaters has done.
type PublishedUpdaters struct {
	Updaters     []PublishedUpdater `json:"updaters"`
	AlreadyThere bool               `json:"already_there"` // all of them; nothing was written
}

// PublishedUpdater is one of them.
type PublishedUpdater struct {
	Updater
	Before       string `json:"version_before,omitempty"`
	AlreadyThere bool   `json:"already_there"`
}

// PublishUpdaters publishes binaries of the updater, all at once. It never goes back: one that
// is older than what is there, or of the same version with other bytes, is [ErrExists]. The
// very same bytes may be given another version.
func PublishUpdaters(ctx context.Context, opt UpdaterOptions) (*PublishedUpdaters, error) {
	if err := CheckVersion(opt.Version); err != nil {
		return nil, err
	}
	for platform, data := range opt.Files {
		if err := CheckPlatform(platform); err != nil {
			return nil, err
		}
		if len(data) == 0 || len(data) > MaxUpdaterBytes {
			return nil, fmt.Errorf("%s: want 1 to %d bytes, got %d", platform, int64(MaxUpdaterBytes), len(data))
		}
	}
	out := &PublishedUpdaters{AlreadyThere: true}
	err := edit(opt.EditOptions, func(s *store, p *publisher) error {
		there, err := updatersOf(p.targets)
		if err != nil {
			return err
		}
		for platform, data := range opt.Files {
			u := PublishedUpdater{Updater: Updater{Platform: platform, Version: opt.Version, Digest: manifest.DigestOf(data), Size: int64(len(data))}}
			if err := u.against(there); err != nil {
				return err
			}
			out.AlreadyThere = out.AlreadyThere && u.AlreadyThere
			out.Updaters = append(out.Updaters, u)
		}
		slices.SortFunc(out.Updaters, func(a, b PublishedUpdater) int { return strings.Compare(a.Platform, b.Platform) })
		if out.AlreadyThere {
			return nil
		}
		if err := p.load(roleTargets, roleSnapshot, roleTimestamp); err != nil {
			return err
		}
		for _, u := range out.Updaters {
			if err := s.putNew(u.Path(), opt.Files[u.Platform]); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil { // the last moment to stop without a trace
			return err
		}
		return p.setUpdaters(s, out.Updaters)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// against compares u with what is published for its platform.
func (u *PublishedUpdater) against(there []Updater) error {
	i := slices.IndexFunc(there, func(o Updater) bool { return o.Platform == u.Platform })
	if i < 0 {
		return nil
	}
	old := there[i]
	u.Before, u.AlreadyThere = old.Version, old == u.Updater
	if old.Digest == u.Digest || OlderVersion(old.Version, u.Version) {
		return nil
	}
	return fmt.Errorf("%s%s: version %s %w: want a newer one, got %s with other bytes", prefixUpdater, u.Platform, old.Version, ErrExists, u.Version)
}

// setUpdaters makes list what the targets role names, and publishes that.
func (p *publisher) setUpdaters(s *store, list []PublishedUpdater) error {
	if err := p.touch(roleTargets); err != nil {
		return err
	}
	for _, u := range list {
		file := metadata.TargetFile()
		file.Length = u.Size
		file.Hashes["sha256"] = u.Digest[:]
		if err := setCustom(file, custom{Version: u.Version}); err != nil {
			return err
		}
		p.targets.Signed.Targets[prefixUpdater+u.Platform] = file
	}
	return p.publish(s)
}

// lackingUpdater says for a release that asks for the updater min where there is none yet.
func (p *published) lackingUpdater(min string) (string, error) {
	there, err := updatersOf(p.targets)
	if min == "" || err != nil {
		return "", err
	}
	var old []string
	for _, u := range there {
		if OlderVersion(u.Version, min) {
			old = append(old, u.Platform+" "+u.Version)
		}
	}
	switch {
	case len(there) == 0:
		return "it needs updater " + min + ", and no updater is published: older ones cannot take this level", nil
	case len(old) > 0:
		return "it needs updater " + min + ", and published is " + strings.Join(old, ", ") + ": older ones cannot take this level", nil
	}
	return "", nil
}
