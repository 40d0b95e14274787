package repository

import (
	"slices"
	"time"

	"inplace/backup/fsys"
	"inplace/manifest"
)

// Listing is what a repository offers, as its files have it: nothing of it is verified.
type Listing struct {
	Product  string          `json:"product"`
	Expires  time.Time       `json:"expires"`  // when it has to have been signed again
	Channels []ListedChannel `json:"channels"` // in order of their making
	Updaters []Updater       `json:"updaters"`
}

// ListedChannel is a channel with its releases, in the order of their levels.
type ListedChannel struct {
	Name         string          `json:"name"`
	Subscription bool            `json:"subscription"` // it is for subscribers only
	Releases     []ListedRelease `json:"releases"`
}

// ListedRelease is a level of a channel.
type ListedRelease struct {
	Level     int64          `json:"level"`
	Version   string         `json:"version"`
	Released  time.Time      `json:"released"`
	Withdrawn string         `json:"withdrawn,omitempty"` // why
	Fixes     []manifest.Fix `json:"fixes"`
}

// List reads what the repository in dir offers. It takes no lock and writes nothing: beside
// a run that publishes it sees the state before.
func List(dir string) (*Listing, error) {
	out := &Listing{Channels: []ListedChannel{}, Updaters: []Updater{}}
	err := look(dir, func(s *store, p *published) error {
		out.Expires = p.expires()
		list, err := updatersOf(p.targets)
		if err != nil {
			return err
		}
		out.Updaters = append(out.Updaters, list...)
		if out.Product, err = s.product(); err != nil {
			return err
		}
		for _, name := range channelRoles(p.targets) {
			c := ListedChannel{Name: name, Subscription: forSubscribers(p.targets, name), Releases: []ListedRelease{}}
			for _, level := range p.levels() {
				file := p.roles[name].Signed.Targets[targetName(name, level)]
				if file == nil {
					continue
				}
				m, _, err := readManifest(s, name, level, file)
				if err != nil {
					return err
				}
				extra, err := customOf(file)
				if err != nil {
					return err
				}
				r := ListedRelease{level, m.Product.Version, m.Released, extra.Withdrawn, []manifest.Fix{}}
				r.Fixes = append(r.Fixes, m.Fixes...)
				c.Releases = append(c.Releases, r)
			}
			out.Channels = append(out.Channels, c)
		}
		return nil
	})
	return out, err
}

// look opens the repository in dir for reading.
func look(dir string, see func(s *store, p *published) error) error {
	tree, err := fsys.Open(dir)
	if err != nil {
		return pathFirst(dir, err)
	}
	defer tree.Close()
	s := &store{tree: tree}
	p, err := loadPublished(s)
	if err != nil {
		return pathFirst(dir, err)
	}
	return see(s, p)
}

// expires is when the first of all metadata ends that clients want to be fresh.
func (p *published) expires() time.Time {
	ends := []time.Time{p.root.Signed.Expires, p.targets.Signed.Expires, p.snapshot.Signed.Expires, p.timestamp.Signed.Expires}
	for _, m := range p.roles {
		ends = append(ends, m.Signed.Expires)
	}
	return slices.MinFunc(ends, time.Time.Compare).UTC()
}
