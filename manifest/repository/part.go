package repository

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Partial is a transport that has a part of a repository only.
type Partial interface {
	Transport
	// Length is how long the file path is; ok is false where the part does not have it.
	Length(path string) (n int64, ok bool)
	// Names are the paths of all files that the part has.
	Names() iter.Seq[string]
	Promises() Promise
	// Serves says in words what the part is good for.
	Serves() string
	// NotWhole is the error that reports the file path where it shows that the part is none
	// that anybody has made in good faith.
	NotWhole(path, what string) error
}

// Promise is what a part of a repository says that it has: every manifest of Channel up to
// To, every updater, and the inventories and contents that updates from each of Levels need,
// to the newest level that each can go to in one step.
type Promise struct {
	Channel string  `json:"channel"`
	Levels  []int64 `json:"levels"` // that an update may come from, rising
	To      int64   `json:"to"`     // the level that updates lead to in the end
	Whole   bool    `json:"whole"`  // Levels and To are there in full, not only what differs
}

// wholePart checks that a part of a repository goes with its metadata: what it says to have
// and they name is there, and no other metadata, manifests and updaters are. These are few;
// inventories and contents are looked for when it is known which are needed.
func (c *Client) wholePart() error {
	if c.part == nil {
		return nil
	}
	says := c.part.Promises()
	named := map[string]bool{fileTimestamp: true}
	there, owed := map[int64]bool{}, []string(nil)
	for channel, list := range c.releases {
		for _, r := range list {
			path := manifestPath(r.Channel, r.Level, r.Digest)
			named[path] = true
			own := channel == says.Channel && r.Level <= says.To
			if own {
				owed = append(owed, path)
			}
			there[r.Level] = there[r.Level] || own || r.Level != says.To && c.holds(path)
		}
	}
	for _, u := range c.updaters {
		named[u.Path()] = true
		owed = append(owed, u.Path())
	}
	for _, level := range append(slices.Clone(says.Levels), says.To) {
		if !there[level] {
			return c.part.NotWhole(fileTimestamp, fmt.Sprintf("leads to no level %d for channel %s, which the bundle says to have: files of two bundles were mixed", level, says.Channel))
		}
	}
	for _, path := range owed {
		if !c.holds(path) {
			return c.part.NotWhole(path, "is missing, and the metadata of the bundle name it: it was left out, or files of two bundles were mixed")
		}
	}
	roles, err := c.state.current()
	if err != nil {
		return err
	}
	for path := range c.part.Names() {
		dir, _, _ := strings.Cut(path, "/")
		if !named[path] && roles[path] == nil && (dir == dirTargets || dir == dirMetadata && !strings.HasSuffix(path, "."+roleRoot+".json")) {
			return c.part.NotWhole(path, "is not what the metadata of the bundle name: it was added, or files of two bundles were mixed")
		}
	}
	return nil
}

// holds reports whether the file path can be asked for; only a [Partial] lacks any.
func (c *Client) holds(path string) bool {
	if c.part == nil {
		return true
	}
	_, ok := c.part.Length(path)
	return ok
}

// Owed reports whether the source has a piece of a compressed inventory or content. A part of a
// repository that has said to have it (promised), or has it with a length that it cannot have,
// is not whole: the error says so; what names whom the piece is for.
func (c *Client) Owed(p Piece, promised bool, what string) (held bool, err error) {
	if c.part == nil {
		return true, nil
	}
	n, held := c.part.Length(p.Path)
	switch least, most := leastPacked(p.Size), packedLimit(p.Size); {
	case held && (n < least || n > most):
		return true, c.part.NotWhole(p.Path, fmt.Sprintf("%s: want %d to %d bytes, got %d", what, least, most, n))
	case !held && promised:
		return false, c.part.NotWhole(p.Path, what+": is missing: it was left out, or files of two bundles were mixed")
	}
	return held, nil
}

// leastPacked is the shortest that size bytes can be: a zstd frame has blocks of at most
// 128 KiB, each of at least four bytes (RFC 8878, 3.1.1).
func leastPacked(size int64) int64 { return 6 + 4*((size+128<<10-1)/(128<<10)) }

// Promises is what the source says that it has; nil where it has all of a repository.
func (c *Client) Promises() *Promise {
	if c.part == nil {
		return nil
	}
	p := c.part.Promises()
	return &p
}

// Serves says in words what the source is good for; "" where it has all of a repository.
func (c *Client) Serves() string {
	if c.part == nil {
		return ""
	}
	return c.part.Serves()
}

// Beyond is the newest level of channel that was signed and is not withdrawn, if the source
// does not have it; else 0.
func (c *Client) Beyond(channel string) int64 {
	for _, r := range slices.Backward(c.releases[channel]) {
		if r.Withdrawn == "" {
			if c.holds(manifestPath(r.Channel, r.Level, r.Digest)) {
				return 0
			}
			return r.Level
		}
	}
	return 0
}

// Withdrawn is why level was withdrawn, "" if it was not. It counts in whichever channel
// that was, and whether or not the source has the level.
func (c *Client) Withdrawn(level int64) string {
	for _, list := range c.releases {
		for _, r := range list {
			if r.Level == level && r.Withdrawn != "" {
				return r.Withdrawn
			}
		}
	}
	return ""
}

// held is list without what a part of a repository does not have.
func (c *Client) held(list []Release) []Release {
	list = slices.Clone(list)
	if c.part == nil {
		return list
	}
	return slices.DeleteFunc(list, func(r Release) bool { return !c.holds(manifestPath(r.Channel, r.Level, r.Digest)) })
}
