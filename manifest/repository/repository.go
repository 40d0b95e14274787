// Package repository publishes releases and reads them back: the vendor's side
// ([Init], [Add], [Promote], [Withdraw], [SetChannel], [Resign], [PublishUpdaters]) and the operator's side ([Open], [Client]) of one tree of files.
//
// # Layout
//
// A repository is a plain directory. Everything in it but metadata/timestamp.json
// is written once and never changed, so any dumb store or cache can carry it:
//
//	metadata/timestamp.json                the one short-lived file; names the snapshot
//	metadata/N.snapshot.json               version and digest of every role
//	metadata/N.root.json                   keys of the four roles; each signed by the one before
//	metadata/N.targets.json                keys and path pattern of one role per channel
//	metadata/N.CHANNEL.json                the manifests of a channel, with digest and length
//	targets/CHANNEL/DIGEST.LEVEL.yaml      manifests; as TUF targets: CHANNEL/LEVEL.yaml
//	targets/updater/DIGEST.OS-ARCH         the updater's binaries; as TUF targets: updater/OS-ARCH
//	inventories/DIGEST.zst                 inventories, named by the digest of the plain bytes
//	blobs/xx/DIGEST.zst                    contents of files, xx = first two digits of DIGEST
//	subscriptions/keys.json                what checks subscriptions (a JSON Web Key Set)
//	subscriptions/revoked.json             those that were taken back, for who serves this
//	product.yaml                           the vendor's declaration, for his own use, not signed
//	.lock, .tmp/                           of a publishing run; nobody fetches them
//
// DIGEST is SHA-256 in 64 lower-case hexadecimal digits. Metadata is TUF 1.0 with
// consistent snapshots (https://theupdateframework.github.io/specification/v1.0.31/);
// the timestamp carries one more signed field, x-signed-at, the time of signing, and a
// delegation to a channel that is for subscribers only has x-subscription; the keys that
// sign subscriptions are x-subscription-keys of the targets role.
//
// # What a client may believe
//
// TUF signs the digest of a manifest, a manifest names its inventory by digest, an
// inventory names every content by digest. A [Client] returns no byte whose chain
// up to the trusted root does not close: no mirror can alter, mix or age a release.
// What it has seen is a [TrustState], which the caller stores; versions in it never
// go back, and every root ever trusted is kept, so that a revoked key stays revoked.
//
// # Interruption
//
// Publishing writes in the order contents, inventory, manifest, role, targets,
// snapshot, timestamp; each file as a temporary one in .tmp/ that is synced, renamed
// and its directory synced. Until the timestamp is renamed a client reads what was
// there before; whatever an interrupted run has left is reused or replaced by the
// next one. The client side writes nothing at all.
package repository

import (
	"fmt"
	"strconv"
	"strings"

	"inplace/manifest"
)

// Names of the top-level roles, which are also the names of their keys.
const (
	roleRoot      = "root"
	roleTargets   = "targets"
	roleSnapshot  = "snapshot"
	roleTimestamp = "timestamp"
)

// Paths of a repository that have one fixed name.
const (
	dirMetadata    = "metadata"
	dirTargets     = "targets"
	dirInventories = "inventories"
	dirBlobs       = "blobs"
	dirTemp        = ".tmp"
	dirSubs        = "subscriptions"
	fileLock       = ".lock"
	fileProduct    = "product.yaml"
	fileSubKeys    = dirSubs + "/keys.json"
	fileRevoked    = dirSubs + "/revoked.json"
	fileTimestamp  = dirMetadata + "/" + roleTimestamp + ".json"
)

// Limits on what a client reads before anything vouches for its length, in bytes.
// Generous: a release takes some 300 bytes of its channel's role.
const (
	maxRootBytes      = 512 << 10
	maxTimestampBytes = 64 << 10
	maxSnapshotBytes  = 2 << 20
	maxRoleBytes      = 16 << 20
	maxRootRotations  = 256
)

// CheckChannel reports why name cannot be a channel: it wants [a-z][a-z0-9-]{0,31},
// and none of the names that mean something else in a repository.
func CheckChannel(name string) error {
	switch name {
	case roleRoot, roleTargets, roleSnapshot, roleTimestamp, "updater":
		return fmt.Errorf("channel %s: the name has another meaning in a repository", name)
	}
	ok := name != "" && len(name) <= 32 && name[0] >= 'a' && name[0] <= 'z'
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if !ok {
		return fmt.Errorf("channel %q: want a lower-case letter, then up to 31 of a-z, 0-9 and -", name)
	}
	return nil
}

// metadataPath is where version n of a role lies.
func metadataPath(role string, n int64) string {
	return fmt.Sprintf("%s/%d.%s.json", dirMetadata, n, role)
}

// targetName is the name under which TUF knows the manifest of a level.
func targetName(channel string, level int64) string {
	return channel + "/" + strconv.FormatInt(level, 10) + ".yaml"
}

// targetLevel reads the level from a target name of channel, in its one spelling.
func targetLevel(channel, name string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, channel+"/")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, ".yaml")
	if !ok {
		return 0, false
	}
	level, err := strconv.ParseInt(digits, 10, 64)
	return level, err == nil && level >= 0 && level <= manifest.MaxLevel && targetName(channel, level) == name
}

func manifestPath(channel string, level int64, d manifest.Digest) string {
	return fmt.Sprintf("%s/%s/%s.%d.yaml", dirTargets, channel, d.Hex(), level)
}

func inventoryPath(d manifest.Digest) string {
	return dirInventories + "/" + d.Hex() + ".zst"
}

func blobPath(d manifest.Digest) string {
	h := d.Hex()
	return dirBlobs + "/" + h[:2] + "/" + h + ".zst"
}
