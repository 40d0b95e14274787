package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"inplace/manifest"
)

// Piece is a file of a repository as it lies there, for carrying it elsewhere.
type Piece struct {
	Path string
	Data []byte // what it holds, if that is known and right; nil: see [Client.Take]
	Size int64  // of the plain content, in bytes, where Data is nil
}

// ManifestPiece is the manifest of r, of which raw are the bytes.
func ManifestPiece(r Release, raw []byte) Piece {
	return Piece{Path: manifestPath(r.Channel, r.Level, r.Digest), Data: raw}
}

// InventoryPiece is the inventory that m names.
func InventoryPiece(m *manifest.Manifest) Piece {
	return Piece{Path: inventoryPath(m.Inventory.Digest), Size: m.Inventory.Size}
}

// UpdaterPiece is the binary u of the updater.
func UpdaterPiece(u Updater) Piece { return Piece{Path: u.Path(), Size: u.Size} }

// ContentPiece is the content with digest d and length size.
func ContentPiece(d manifest.Digest, size int64) Piece {
	return Piece{Path: blobPath(d), Size: size}
}

// Take writes a piece to w as it lies in the repository. Its plain bytes have the digest
// that its name promises only if there is no error: nothing of it may be used before.
func (c *Client) Take(ctx context.Context, p Piece, w io.Writer) (err error) {
	r, err := c.transport.Get(ctx, p.Path, packedLimit(p.Size))
	if err != nil {
		return err
	}
	defer func() { err = c.end(r, err) }()
	return CheckNamed(p.Path, io.TeeReader(&limited{r: r, left: packedLimit(p.Size)}, w), p.Size)
}

// Caching is a transport that keeps what it brings.
type Caching interface {
	Transport
	// Cached opens the file path as it was kept, which nobody has verified since, or is nil.
	Cached(path string) io.ReadCloser
}

// Again is [Client.Take] for a piece that it has found right a moment ago. What a transport
// has kept of it is not verified a second time: the caller has to see that it is the same.
func (c *Client) Again(ctx context.Context, p Piece, w io.Writer) error {
	if t, ok := c.transport.(Caching); ok {
		if r := t.Cached(p.Path); r != nil {
			_, err := io.Copy(w, &limited{r: r, left: packedLimit(p.Size)})
			return errors.Join(err, r.Close())
		}
	}
	return c.Take(ctx, p, w)
}

// Metadata is all the metadata that the last Refresh has believed: the roots from the first
// that the repository has, so that whoever trusts any of them can follow; the roles and
// the snapshot; the timestamp.
func (c *Client) Metadata(ctx context.Context) ([]Piece, error) {
	roots, first, err := c.allRoots(ctx)
	if err != nil {
		return nil, err
	}
	var out []Piece
	for i, data := range roots {
		out = append(out, Piece{Path: metadataPath(roleRoot, first+int64(i)), Data: data})
	}
	roles, err := c.state.current()
	if err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(roles)) {
		out = append(out, Piece{Path: path, Data: roles[path]})
	}
	return append(out, Piece{Path: fileTimestamp, Data: c.state.Timestamp}), nil
}

// allRoots adds to the roots trusted those from before the first of them, as far back as
// the repository has them, and returns them with the version of the first.
func (c *Client) allRoots(ctx context.Context) (roots [][]byte, first int64, err error) {
	if first, err = signedVersion(c.state.Roots[0]); err != nil {
		return nil, 0, &UntrustedError{Path: "trust state: root", Why: BadState, Msg: "has no version", Err: err}
	}
	roots = slices.Clone(c.state.Roots)
	if first > maxRootRotations {
		return roots, first, nil
	}
	at := first
	for at > 1 {
		data, err := c.fetch(ctx, metadataPath(roleRoot, at-1), maxRootBytes)
		var missing *NotFoundError
		if errors.As(err, &missing) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		roots, at = slices.Insert(roots, 0, data), at-1
	}
	var set *trustedmetadata.TrustedMetadata
	for i := int64(0); i <= first-at; i++ { // none of these was vouched for before
		err := guard(metadataPath(roleRoot, at+i), func() (err error) {
			if set == nil {
				set, err = trustedmetadata.New(roots[i])
			} else {
				_, err = set.UpdateRoot(roots[i])
			}
			return err
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return roots, at, nil
}

func signedVersion(data []byte) (int64, error) {
	var role struct {
		Signed struct {
			Version int64 `json:"version"`
		} `json:"signed"`
	}
	err := json.Unmarshal(data, &role)
	if err == nil && role.Signed.Version < 1 {
		err = fmt.Errorf("want a number above 0, got %d", role.Signed.Version)
	}
	return role.Signed.Version, err
}

// IsPath reports whether name can be a file that clients fetch from a repository.
func IsPath(name string) bool {
	if len(name) > maxPathBytes {
		return false
	}
	dir, rest, _ := strings.Cut(name, "/")
	switch dir {
	case dirMetadata:
		if name == fileTimestamp {
			return true
		}
		version, role, _ := strings.Cut(rest, ".")
		role, ok := strings.CutSuffix(role, ".json")
		return ok && isNumber(version) && version != "0" && (role == roleRoot || role == roleTargets || role == roleSnapshot || CheckChannel(role) == nil)
	case dirTargets:
		channel, file, _ := strings.Cut(rest, "/")
		digest, after, _ := strings.Cut(file, ".")
		if _, err := manifest.ParseHex(digest); err != nil {
			return false
		}
		if channel == dirUpdater {
			return isName(after)
		}
		level, ok := strings.CutSuffix(after, ".yaml")
		return ok && isNumber(level) && CheckChannel(channel) == nil
	case dirInventories, dirBlobs:
		if dir == dirBlobs {
			above, file, _ := strings.Cut(rest, "/")
			if !strings.HasPrefix(file, above) || len(above) != 2 {
				return false
			}
			rest = file
		}
		digest, ok := strings.CutSuffix(rest, ".zst")
		_, err := manifest.ParseHex(digest)
		return ok && err == nil
	}
	return false
}

const (
	dirUpdater   = "updater"
	maxPathBytes = 200
)

// isNumber reports whether s is a whole number in its one spelling.
func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 19 && (s == "0" || s[0] != '0')
}

// isName reports whether s can be the last part of a target's name.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != ""
}
