package manifest

import (
	"fmt"
	"slices"
	"strings"
)

// Accepts says whether an installation of product at level, running on platform
// (os/arch), may come to m in one step. The error lists every reason why not, each
// naming what m wants and what there is, as Errors.
func (m *Manifest) Accepts(product string, level int64, platform string) error {
	var faults Errors
	add := func(format string, args ...any) {
		faults = append(faults, &Error{Msg: fmt.Sprintf(format, args...)})
	}
	if product != m.Product.Name {
		add("product: want %s, got %s", m.Product.Name, printableCut(product))
	}
	if level < m.From.Min {
		add("level: want %d or more to come to %d in one step, got %d", m.From.Min, m.Level, level)
	}
	if len(m.Platforms) > 0 && !slices.Contains(m.Platforms, platform) {
		add("platform: want %s, got %s", strings.Join(m.Platforms, " or "), printableCut(platform))
	}
	return faults.Err()
}
