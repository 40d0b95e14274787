package updater

import (
	"fmt"
	"strings"

	"inplace/manifest"
)

// clear finds what the product has derived from files that change (an exploded
// archive, a cache) and plans to move it into the snapshot, so that the product makes
// it anew. Shipped paths, data and configuration are never taken along.
func (m *maker) clear() error {
	rules := append(append([]manifest.Derived{}, m.in.manifest.Derived...), m.to.manifest.Derived...)
	seen := map[string]bool{}
	for _, rule := range rules {
		for _, it := range m.items {
			if it.step == nil || !it.step.Action.Changes() || it.step.Action == Mode {
				continue
			}
			g, err := rule.Expand(it.path)
			if err != nil {
				return fmt.Errorf("derived: %w", err)
			}
			if g == nil || seen[g.String()] {
				continue
			}
			seen[g.String()] = true
			if err := m.clearBelow(g, g.Prefix(), it); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *maker) clearBelow(g *manifest.Glob, p manifest.Path, cause *item) error {
	if p == "" || m.cleared[p] || manifest.IsState(p) {
		return nil
	}
	info, err := m.u.tree.Lstat(string(p))
	if err != nil || !info.Exists {
		return err
	}
	if g.Match(p) {
		free, err := m.free(p, info.IsDir())
		if err != nil {
			return err
		}
		whole := !info.IsDir() || strings.HasSuffix(g.String(), "/**")
		if free && whole {
			m.cleared[p] = true
			it := &item{path: p, at: p, live: live{info: info}}
			it.step = m.step(it, Clear, "made by the product from "+cause.path.String()+", which changes")
			m.items = append(m.items, it)
			return nil
		}
	}
	if !info.IsDir() {
		return nil
	}
	names, err := m.u.tree.Names(string(p))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := m.clearBelow(g, p.Join(name), cause); err != nil {
			return err
		}
	}
	return nil
}

// free reports whether nothing at or below p is shipped, data or configuration.
func (m *maker) free(p manifest.Path, dir bool) (bool, error) {
	if m.in.inventory.Find(p) != nil || m.to.inventory.Find(p) != nil {
		return false, nil
	}
	if c := m.class(p); c == manifest.Data || c == manifest.Config || m.u.tree.FollowedAbove(string(p)) == string(p) {
		return false, nil
	}
	if !dir {
		return true, nil
	}
	names, err := m.u.tree.Names(string(p))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		child := p.Join(name)
		info, err := m.u.tree.Lstat(string(child))
		if err != nil {
			return false, err
		}
		if ok, err := m.free(child, info.IsDir()); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}
